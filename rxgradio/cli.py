"""The `rxgradio` command.

It says in one sentence what went wrong, and leaves no traceback, no cursor
hidden and no server behind. What a subcommand needs is imported when it is
called for.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import __version__
from .exceptions import RxGradioError

if TYPE_CHECKING:
    from .demo.show import Display

_INSTALL = "pip install 'rxgradio[demo]'"
_INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return _demo(plain=arguments.plain)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read has gone. What is buffered has nowhere to go, and the
        # interpreter would complain of that as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rxgradio", description="Reactive streams for Gradio apps."
    )
    parser.add_argument("--version", action="version", version=f"rxgradio {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser(
        "demo",
        help="call a small local app in many ways at once, and show what comes back",
        description="Starts a small Gradio app on this machine, calls it in many ways at once, "
        "and shows what comes back as it comes: queue positions, progress, growing texts, "
        "messages, an error and a cancellation. Takes some seconds, and no internet.",
    )
    demo.add_argument(
        "--plain",
        action="store_true",
        help="write lines of text, as when the output is not a terminal",
    )
    return parser


def _demo(*, plain: bool) -> int:
    from .demo.server import AppNotStarted, GradioMissing  # noqa: PLC0415 (see above)
    from .demo.show import Stalled, show  # noqa: PLC0415

    _call_directly("127.0.0.1")
    try:
        return 0 if show(_display(plain=plain)) else 1
    except GradioMissing:
        return _fail(f"the demo needs Gradio; install it with: {_INSTALL}")
    except (AppNotStarted, Stalled, RxGradioError) as error:
        return _fail(f"the demo does not work here: {error}")


def _call_directly(host: str) -> None:
    """Have no proxy used for a host that it would look for in vain."""
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{others},{host}" if others else host


def _display(*, plain: bool) -> Display:
    """Return what the output can do: a live picture, or lines of text."""
    from .demo.plain import PlainDisplay  # noqa: PLC0415

    dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
    if plain or dumb or not sys.stdout.isatty():
        return PlainDisplay(sys.stdout)
    if importlib.util.find_spec("rich") is None:
        sys.stderr.write(f"rxgradio: for a live picture, {_INSTALL}\n")
        return PlainDisplay(sys.stdout)
    from rich.console import Console  # noqa: PLC0415

    from .demo.view import LiveDisplay  # noqa: PLC0415

    return LiveDisplay(Console())


def _fail(reason: str) -> int:
    sys.stderr.write(f"rxgradio: {reason}\n")
    return 1
