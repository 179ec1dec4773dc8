"""The Gradio app that the code of docs/marbles.md calls: `python app.py [PORT]`.

It imports nothing of rxgradio, so it also runs in an environment that has only Gradio.
It says `READY url` once it accepts calls. With `--until-eof` it ends when its standard
input does.
"""

from __future__ import annotations

__all__ = ["build", "main"]

import contextlib
import importlib
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

# By name, as Gradio is no dependency: where types are checked there is none.
gr: Any = importlib.import_module("gradio")

_UNTIL_EOF = "--until-eof"
_tried: Counter[str] = Counter()
"""How often each text was tried by `moody`."""


def write(text: str, seconds: float, first: float) -> Iterator[str]:
    """Write a text a letter at a time, the first letter after a while."""
    time.sleep(first)
    for end in range(1, len(text) + 1):
        yield text[:end]
        time.sleep(seconds)


def search(text: str, count: float, seconds: float) -> Iterator[str]:
    """Find so many things, one after another."""
    for number in range(1, int(count) + 1):
        time.sleep(seconds)
        yield f"{text}{number}"


def shout(text: str, seconds: float) -> str:
    """Take some time for a letter; what is none is an error."""
    time.sleep(seconds)
    if not text.isalpha():
        raise gr.Error(f"{text!r} is no letter", print_exception=False)
    return text.upper()


def render(steps: float, progress: Any = gr.Progress()) -> str:  # noqa: B008 (how Gradio is told to pass one)
    """Work in steps, and tell how many are done."""
    for step in range(int(steps)):
        progress(step / int(steps))
        time.sleep(0.3)
    gr.Info("saved")
    time.sleep(0.3)
    return "png"


def moody(text: str, failures: float) -> str:
    """Fail so many times for a text, and then no more."""
    _tried[text] += 1
    time.sleep(0.1)
    if _tried[text] <= failures:
        raise gr.Error("not now", print_exception=False)
    return text.upper()


def build() -> Any:
    """Make the app."""
    app = gr.Blocks(analytics_enabled=False, title="marbles")
    with app:
        _offer(write, "text", "seconds", "first")
        _offer(search, "text", "count", "seconds")
        _offer(shout, "text", "seconds")
        _offer(render, "steps")
        _offer(moody, "text", "failures")
    return app.queue(default_concurrency_limit=10)


_DEFAULTS = {"text": "", "seconds": 0.3, "first": 0.2, "count": 3, "steps": 4, "failures": 2}


def _offer(function: Callable[..., object], *parameters: str) -> None:
    inputs = [
        (gr.Textbox if name == "text" else gr.Number)(_DEFAULTS[name], label=name)
        for name in parameters
    ]
    button, shown = gr.Button(function.__name__), gr.Textbox(label="result")
    button.click(function, inputs, shown, api_name=function.__name__)


def _end_with_standard_input() -> None:
    # Not through `sys.stdin`, whose lock a reader would hold for ever.
    while os.read(0, 4096):
        pass
    # Functions that still run are not waited for.
    os._exit(0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str]) -> int:
    """Serve the app until it is interrupted."""
    if _UNTIL_EOF in arguments:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
    ports = [int(argument) for argument in arguments if argument != _UNTIL_EOF]
    _, url, _ = build().launch(
        server_name="127.0.0.1",
        server_port=ports[0] if ports else _free_port(),
        share=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
    )
    sys.stdout.write(f"READY {url}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
