"""Starts and stops the app of the demo.

The app is a child process that ends no later than its parent: it is terminated
in the end, and should this process be killed, the app's standard input ends and
with it the app.
"""

from __future__ import annotations

__all__ = ["INTERPRETER", "App", "AppNotStarted", "GradioMissing", "serving"]

import importlib.util
import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO, NamedTuple

INTERPRETER = "RXGRADIO_DEMO_PYTHON"
"""Environment variable: a Python that has Gradio, to run the app with, instead of this one."""

_SCRIPT = Path(__file__).with_name("app.py")
_START_SECONDS = 90.0
"""A first import of Gradio compiles it."""
_STOP_SECONDS = 5.0
_LINES_KEPT = 12


class GradioMissing(Exception):  # noqa: N818 (a fact about the environment)
    """Gradio is not installed."""


class AppNotStarted(Exception):  # noqa: N818 (what happened, and the message says why)
    """The app did not start; says what it printed last."""


class App(NamedTuple):
    """An app that accepts calls."""

    url: str
    version: str
    """The version of Gradio."""


@contextmanager
def serving() -> Generator[App]:
    """Run the app for as long as the context lasts.

    Raises:
        GradioMissing: There is no Gradio to run it with.
        AppNotStarted: It ended, or took too long, before it accepted calls.
    """
    python = os.environ.get(INTERPRETER) or sys.executable
    if python == sys.executable and importlib.util.find_spec("gradio") is None:
        raise GradioMissing
    # -P, or the modules beside the script would hide others of their names.
    process = subprocess.Popen(  # noqa: S603 (our own script)
        [python, "-P", str(_SCRIPT), "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=_offline(os.environ),
        # A Ctrl-C is for the demo, which then stops the app.
        start_new_session=True,
    )
    try:
        yield _ready(process)
    finally:
        _stop(process)


def _ready(process: subprocess.Popen[str]) -> App:
    ready: Future[App] = Future()
    printed: deque[str] = deque(maxlen=_LINES_KEPT)
    Thread(target=_listen, args=(process.stdout, printed, ready), daemon=True).start()
    try:
        return ready.result(_START_SECONDS)
    except TimeoutError:
        reason = f"did not start within {_START_SECONDS:.0f} seconds"
    except EOFError:
        reason = "ended before it accepted calls"
    raise AppNotStarted("\n".join([f"the demo app {reason}", *printed]))


def _listen(output: IO[str], printed: deque[str], ready: Future[App]) -> None:
    """Read what the app prints until it ends, so that it never waits for a reader."""
    with output:
        for line in output:
            match line.split():
                case ["READY", url, version] if not ready.done():
                    ready.set_result(App(url, version))
                case _:
                    printed.append(line.rstrip())
    if not ready.done():
        ready.set_exception(EOFError())


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _offline(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the app is to know of the environment: nothing that leads it elsewhere."""
    kept = {name: value for name, value in environment.items() if not name.startswith("GRADIO_")}
    return kept | {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SSR_MODE": "False",
        "HF_HUB_OFFLINE": "1",
        # Gradio asks itself whether it has started, which is no matter for a proxy.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONIOENCODING": "utf-8",
    }
