"""The Gradio app of the demo, a process of its own: `python -m rxgradio.demo.app [PORT]`.

It has one function for each thing that can become of a call. It imports nothing
of rxgradio, so it also runs by its path, in an environment that has only Gradio.
It says `READY url version` once it accepts calls. With `--until-eof` it ends when
its standard input does, so that it never outlives the demo.
"""

from __future__ import annotations

__all__ = ["build", "main"]

import contextlib
import importlib
import inspect
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def _end_with_standard_input() -> None:
    # Not through `sys.stdin`, whose lock a reader would hold for ever.
    while os.read(0, 4096):
        pass
    # Functions that still run are not waited for.
    os._exit(0)


_UNTIL_EOF = "--until-eof"

if __name__ == "__main__" and _UNTIL_EOF in sys.argv:
    # Gradio takes seconds to import, and the demo may be gone before it has.
    threading.Thread(target=_end_with_standard_input, daemon=True).start()

# By name, as Gradio is no dependency: where types are checked there is none.
gr: Any = importlib.import_module("gradio")

_PORTS_TO_TRY = 3
"""A free port may be taken by somebody else before the app gets to it."""


def reverse(text: str) -> str:
    """Do something plain."""
    time.sleep(0.4)
    return text[::-1]


def write(text: str, size: float, delay: float) -> Iterator[str]:
    """Write a text a few letters at a time, as a language model does."""
    step = int(size)
    for end in range(step, len(text) + step, step):
        yield text[:end]
        time.sleep(delay)


def render(steps: float, progress: Any = gr.Progress()) -> str:  # noqa: B008 (how Gradio is told to pass one)
    """Work in steps, and tell how many are done."""
    stages = ["load", "sketch", "refine", "upscale"]
    for step in range(int(steps)):
        stage = stages[step * len(stages) // int(steps)]
        progress((step, int(steps)), desc=stage, unit="steps")
        time.sleep(0.17)
    return "a picture, 1024 x 1024"


def summarise(pages: float, progress: Any = gr.Progress()) -> Iterator[str]:  # noqa: B008 (as above)
    """Work in steps, and show what there is of the result after each."""
    said = [
        "The first page says what a stream is.",
        "Then one is cut, and nothing is lost.",
        "Two of them meet, and keep their order.",
        "A slow reader holds nobody up.",
        "Whoever leaves is not waited for.",
    ]
    told = ""
    for page in range(int(pages)):
        progress((page, int(pages)), desc=f"reading page {page + 1} of {int(pages)}")
        time.sleep(0.4)
        told = f"{told}{said[page % len(said)]}\n"
        yield told


def scan(page: float) -> str:
    """Work on one page at a time: the others wait in the queue."""
    time.sleep(1.3)
    return f"page {int(page)} has {340 + 7 * int(page)} words"


def check() -> str:
    """Say something on the way."""
    for say, text in [
        (gr.Info, "reading the settings"),
        (gr.Warning, "no licence is given"),
        (gr.Info, "weights are complete"),
    ]:
        time.sleep(0.7)
        say(text)
    time.sleep(0.7)
    return "usable, with 1 warning"


def divide(a: float, b: float) -> str:
    """Fail, if asked to."""
    time.sleep(0.9)
    if b == 0:
        raise gr.Error("cannot divide by zero")
    return str(a / b)


def count(to: float) -> Iterator[str]:
    """Go on for longer than anybody wants to wait."""
    for number in range(1, int(to) + 1):
        yield f"{number} of {int(to)}"
        time.sleep(0.1)


def number(file: str) -> str:
    """Write the lines of a text file, numbered, into another."""
    lines = Path(file).read_text("utf-8").splitlines()
    numbered = Path(tempfile.mkdtemp(), "numbered.txt")
    numbered.write_text("\n".join(f"{n} {line}" for n, line in enumerate(lines, 1)), "utf-8")
    return str(numbered)


def chat(message: str, history: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Answer a few letters at a time, in the messages of a chat."""
    said = [*history, {"role": "user", "content": message}]
    answer = (
        f"You said: {message} A stream says one thing after another, and then that it is "
        "complete, or that it has failed: naïve waiting is over."
    )
    for end in range(3, len(answer) + 3, 3):
        yield "", [*said, {"role": "assistant", "content": answer[:end]}]
        time.sleep(0.03)


def total(amount: float, sum_so_far: float) -> tuple[str, float]:
    """Add up what comes in, one amount after another."""
    return f"{sum_so_far + amount:g} so far", sum_so_far + amount


def build() -> Any:
    """Make the app."""
    app = gr.Blocks(analytics_enabled=False, title="rxgradio demo")
    with app:
        _offer(reverse, gr.Textbox(label="text"))
        _offer(write, gr.Textbox(label="text"), gr.Number(label="size"), gr.Number(label="delay"))
        _offer(render, gr.Number(label="steps"))
        _offer(summarise, gr.Number(label="pages"))
        _offer(scan, gr.Number(label="page"), concurrency_limit=1)
        _offer(check)
        _offer(divide, gr.Number(label="a"), gr.Number(label="b"))
        _offer(count, gr.Number(label="to"))
        gr.Button("number").click(
            number, gr.File(label="file"), gr.File(label="numbered"), api_name="number"
        )
        # Since Gradio 6, messages are all that a chat has.
        older = "type" in inspect.signature(gr.Chatbot).parameters
        history = gr.Chatbot(**({"type": "messages"} if older else {}))
        message = gr.Textbox(label="message")
        message.submit(chat, [message, history], [message, history], api_name="chat")
        camera = gr.Image(sources=["webcam"], streaming=True, visible=False)
        sum_so_far = gr.State(0)
        camera.stream(
            total,
            [gr.Number(label="amount"), sum_so_far],
            [gr.Textbox(label="sum"), sum_so_far],
            api_name="total",
        )
    return app.queue(default_concurrency_limit=10)


def _offer(function: Callable[..., object], *inputs: object, **options: object) -> None:
    button = gr.Button(function.__name__)
    name = function.__name__
    button.click(function, list(inputs), gr.Textbox(label="result"), api_name=name, **options)


def _launch(app: Any, port: int) -> str:
    for attempt in range(1, _PORTS_TO_TRY + 1):
        try:
            _, url, _ = app.launch(
                server_name="127.0.0.1",
                server_port=port or _free_port(),
                share=False,
                inbrowser=False,
                quiet=True,
                prevent_thread_lock=True,
            )
        except OSError:
            if port or attempt == _PORTS_TO_TRY:
                raise
        else:
            return str(url).rstrip("/")
    raise AssertionError("the last attempt returned or raised")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str]) -> int:
    """Serve the app until it is interrupted."""
    port = next((argument for argument in arguments if argument != _UNTIL_EOF), "0")
    if not port.isdecimal():
        sys.stderr.write(f"usage: python -m rxgradio.demo.app [PORT], and {port!r} is no port\n")
        return 2
    try:
        url = _launch(build(), int(port))
    except OSError as error:
        sys.stderr.write(f"cannot serve on port {port}: {error}\n")
        return 1
    sys.stdout.write(f"READY {url} {gr.__version__}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
