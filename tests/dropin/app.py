"""The Gradio app that both clients are tried on: `python app.py PORT [DIRECTORY]`.

It has what scripts written for Gradio's own client meet, and runs on 4.0 and later.
It says READY once it accepts requests, and ends when its standard input does.

Environment: `APP_ONLY=1` offers one endpoint, `APP_AUTH=user:password` demands a login,
`APP_MAX_SIZE` limits the queue, `APP_UPLOAD=10kb` limits an upload, `APP_ROOT=/path`
mounts the app there in another, `APP_HIDE_ERRORS=1` launches it without `show_error`.
"""

import inspect
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import fastapi
import gradio as gr
import uvicorn

STATIC = Path(tempfile.mkdtemp())
GATE = threading.Semaphore(0)
"""Each opening lets one call through."""


def supported(function: Callable, **options: object) -> dict[str, object]:
    """Leave out the options that this release of Gradio does not know."""
    known = inspect.signature(function).parameters
    return {key: value for key, value in options.items() if key in known}


# Arguments


def add(a: float, b: float) -> float:
    """Add two numbers.

    Parameters:
        a: the first
        b: the second
    """
    return a + b


def order(dish, size="medium", number=1, spicy=True):
    """Every kind of argument that has a default."""
    return json.dumps([dish, size, number, spicy])


def optional(text=None):
    return repr(text)


def two(text):
    return text, len(text)


def nothing(text):
    return None


def nothing_out(text):
    return None


def nested(value):
    return value


def spoken(words):
    return " ".join(words)


def ranged(value):
    return value


def unnamed(text):
    return f"unnamed {text}"


def hidden(text):
    return f"hidden {text}"


def closed(text):
    return f"closed {text}"


# What a call tells


def count(n):
    for i in range(int(n)):
        yield str(i)


def slow_count(n):
    for i in range(int(n)):
        yield str(i)
        time.sleep(0.2)


def pairs(n):
    for i in range(int(n)):
        yield i, f"number {i}"


def words_and_files(n):
    for i in range(int(n)):
        path = Path(tempfile.mkdtemp()) / f"part-{i}.txt"
        path.write_text(f"part {i}", encoding="utf-8")
        yield str(path)


def forever():
    i = 0
    while True:
        yield str(i)
        i += 1
        time.sleep(0.05)


def steps(n, progress=gr.Progress()):  # noqa: B008 - how Gradio is told to pass one
    for i in range(int(n)):
        progress((i, int(n)), desc=f"step {i}", unit="steps")
        time.sleep(0.35)  # Gradio tells the newest, and looks every 0.1 s
    return "done"


def says():
    gr.Info("a word")
    gr.Warning("a warning")
    return "said"


def says_and_waits():
    gr.Info("a word")
    return wait()


def steps_and_waits(progress=gr.Progress()):  # noqa: B008 - as above
    progress((1, 3), desc="step 1", unit="steps")
    return wait()


def nap(seconds):
    time.sleep(seconds)
    return "slept"


def wait():
    if not GATE.acquire(timeout=60):
        raise gr.Error("nobody has let it go")
    return "waited"


def let_go():
    GATE.release()
    return "let go"


# Errors


def fails():
    raise gr.Error("told you so")


def fails_with_more():
    raise gr.Error("told you so", duration=3, **supported(gr.Error.__init__, title="Oh no"))


def crashes():
    raise RuntimeError("a detail")


def fails_midway(n):
    for i in range(int(n)):
        yield str(i)
    raise gr.Error("half-way")


# Files


def copy_file(f):
    return f


def copy_files(files):
    return files


def read_file(f):
    return Path(f).read_text(encoding="utf-8")


def make_file(name):
    path = Path(tempfile.mkdtemp()) / name
    path.write_text("made here", encoding="utf-8")
    return str(path)


def file_and_text(text):
    return make_file("some file.txt"), text


def message(value):
    files = [each["path"] if isinstance(each, dict) else each for each in value["files"]]
    return json.dumps([value["text"], [Path(each).read_text(encoding="utf-8") for each in files]])


def frames(n):
    path = STATIC / "frame.txt"
    for i in range(int(n)):
        path.write_text(f"frame {i}", encoding="utf-8")
        yield str(path)
        time.sleep(0.3)


def sound(n):
    for i in range(int(n)):
        yield bytes([i]) * 1000


async def as_it_is(value, stream, first):
    """Stand in for the encoder of `gr.Audio`, which is ffmpeg: a piece is what was yielded."""
    piece = None if value is None else {"data": value, "duration": 1.0, "extension": ".aac"}
    file = {"path": stream, "is_stream": True, "orig_name": "sound.mp3"}
    return piece, {**file, "meta": {"_type": "gradio.FileData"}}


def looks_like_a_file():
    return {"path": "/no/such/file", "size": 3}


# Sessions, requests


def tally(text, seen):
    return f"{text} {len(seen)}", [*seen, text]


def request_headers(names, request: gr.Request):
    return json.dumps({name: request.headers.get(name) for name in names.split(",")})


def visitor(request: gr.Request):
    return request.username


def acts(token: getattr(gr, "OAuthToken", None)):
    return f"with {token.token}"


def validated(number):
    return f"took {number}"


def is_small(number):
    return gr.validate(number < 10, "too big")


def offer(function: Callable, inputs=(), outputs=(), **options) -> None:
    click = gr.Button(visible=False).click
    options = {"api_name": function.__name__, **options}
    click(function, list(inputs), list(outputs), **supported(click, **options))


def text(label="text", value=None) -> gr.Textbox:
    return gr.Textbox(label=label, value=value)


def number(label="n", value=None) -> gr.Number:
    return gr.Number(label=label, value=value)


def build() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as app:
        offer(add, [number("a"), number("b")], [number("sum")])
        if not os.environ.get("APP_ONLY"):
            build_rest()
        else:
            hide(hidden)
    return app


def hide(function: Callable) -> None:
    # Each release knows one of the two.
    offer(function, [text()], [text()], show_api=False, api_visibility="undocumented")


def build_rest() -> None:
    sizes = gr.Radio(["small", "medium", "large"], label="Size", value="medium")
    spicy = gr.Checkbox(label="Very spicy?", value=True)
    offer(order, [gr.Textbox(label="The dish"), sizes, number("Number", 1), spicy], [text()])
    offer(optional, [text("text", None)], [text()])
    offer(two, [text()], [text("same"), number("length")])
    offer(nothing, [text()], [text()])
    offer(nothing_out, [text()])
    offer(nested, [gr.JSON(label="value")], [gr.JSON(label="value")])
    offer(spoken, [gr.Dropdown(["a", "b", "c"], multiselect=True, label="words")], [text()])
    offer(ranged, [gr.Slider(0, 10, value=5, step=1, label="value")], [number()])
    offer(unnamed, [text()], [text()], api_name=None)
    hide(hidden)
    if "api_visibility" in inspect.signature(gr.Button.click).parameters:
        offer(closed, [text()], [text()], api_visibility="private")
    else:
        offer(closed, [text()], [text()], api_name=False)

    for each in (count, slow_count, steps):
        offer(each, [number()], [text()])
    offer(pairs, [number()], [number("index"), text("name")])
    offer(words_and_files, [number()], [gr.File(label="part")])
    offer(forever, [], [text()])
    offer(says, [], [text()])
    offer(nap, [number("seconds")], [text()], concurrency_limit=None)
    offer(wait, [], [text()], concurrency_limit=1)
    for each in (says_and_waits, steps_and_waits):
        offer(each, [], [text()])
    offer(let_go, [], [text()], queue=False)

    for each in (fails, fails_with_more, crashes):
        offer(each, [], [text()])
    offer(fails_midway, [number()], [text()])

    offer(copy_file, [gr.File(label="f")], [gr.File(label="copy")])
    several = {"file_count": "multiple"}
    offer(copy_files, [gr.File(label="files", **several)], [gr.File(label="copies", **several)])
    offer(read_file, [gr.File(label="f")], [text()])
    offer(make_file, [text("name")], [gr.File(label="made")])
    offer(file_and_text, [text()], [gr.File(label="made"), text("same")])
    if hasattr(gr, "MultimodalTextbox"):
        offer(message, [gr.MultimodalTextbox(label="value")], [text()])
    offer(looks_like_a_file, [], [gr.JSON(label="no file")])
    if hasattr(gr, "set_static_paths"):
        gr.set_static_paths([STATIC])
        offer(frames, [number()], [gr.File(label="frame")])
    if hasattr(gr.Audio, "stream_output"):
        player = gr.Audio(label="sound", streaming=True)
        player.stream_output = as_it_is
        offer(sound, [number()], [player])

    seen = gr.State([])
    offer(tally, [text(), seen], [text(), seen])
    offer(request_headers, [text("names")], [text()])
    offer(visitor, [], [text()])
    offer(acts, [], [text()])
    if hasattr(gr, "validate"):
        offer(validated, [number("number")], [text()], validator=is_small)


def main(port: str, *_: str) -> None:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    app = build()
    size = os.environ.get("APP_MAX_SIZE")
    app.queue(max_size=int(size) if size else None, default_concurrency_limit=5)
    root = os.environ.get("APP_ROOT")
    if root:
        mount(app, int(port), root)
    else:
        launch(app, int(port))
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # Without waiting for the functions that still run.
    os._exit(0)


def launch(app: gr.Blocks, port: int) -> None:
    auth = os.environ.get("APP_AUTH")
    app.launch(
        server_name="127.0.0.1",
        server_port=port,
        auth=tuple(auth.split(":", 1)) if auth else None,
        show_error=not os.environ.get("APP_HIDE_ERRORS"),
        share=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
        ssl_certfile=os.environ.get("APP_CERTIFICATE"),
        ssl_keyfile=os.environ.get("APP_CERTIFICATE"),
        ssl_verify=False,
        **supported(app.launch, ssr_mode=False, max_file_size=os.environ.get("APP_UPLOAD") or None),
    )


def mount(app: gr.Blocks, port: int, root: str) -> None:
    """Serve the app at *root* of another one, from a background thread."""
    mounting = gr.mount_gradio_app
    outer = mounting(fastapi.FastAPI(), app, root, **supported(mounting, ssr_mode=False))
    config = uvicorn.Config(outer, host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
