"""The Gradio app that the live tests talk to: `python app.py PORT [DIRECTORY]`.

It has one endpoint per thing that a server can do to a client. Endpoints that run for
a while write down what happened to them in a *ledger*, since a client only sees what it
is told: `/ledger` reads it, `/await_ledger` waits for an entry, and with a DIRECTORY
each entry is also appended to `DIRECTORY/TAG.txt`, which outlives the server. What should
happen at a moment of the test's choosing waits at a *gate*, that `/open_gate` opens.

The same file runs on every Gradio from 3.36 on, so it asks for a feature only where the
installed release has it. It says READY once it accepts requests, and ends when its
standard input does, so that it never outlives the tests that started it.

Environment: `APP_MAX_SIZE` limits the queue, `APP_CONCURRENCY` the runs at a time,
`APP_QUEUE=0` is an author who never called `.queue()` (which matters to 3.x alone, and leaves
out what it refuses without), `APP_FILES=0` leaves out most of what takes or makes files (which
each release describes in another way, and at length), `APP_AUTH=user:password` demands a
login, `APP_ROOT=/path` serves the app there, mounted in another, `APP_UNLOAD=1` notes
when a visitor leaves, in the ledger of the tag "visitors", `APP_MEDIA=1` offers a stream of
sound and files of some types only (since 4.28), and `APP_UPLOAD=10kb` limits an upload.
"""

import hashlib
import inspect
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import fastapi
import gradio as gr
import uvicorn
from PIL import Image
from values import JS, LOGS, growing, reply

MAJOR = int(gr.__version__.split(".")[0])
CONCURRENCY = int(os.environ.get("APP_CONCURRENCY", "40"))
THREADS = 200
QUEUED = os.environ.get("APP_QUEUE") != "0"
# Longer than any test has patience for: what waits for good would cost a thread for good.
GATE_SECONDS = 100
# Pairs until 4.43, pairs or messages on request until 5.50, messages alone since.
CHAT_HAS_TYPE = "type" in inspect.signature(gr.Chatbot.__init__).parameters
CHAT_IN_MESSAGES = CHAT_HAS_TYPE or MAJOR >= 6


class Ledger:
    """What happened to the runs of each tag, in order."""

    def __init__(self) -> None:
        self.directory: Path | None = None
        self._entries: defaultdict[str, list[str]] = defaultdict(list)
        self._written = threading.Condition()

    def write(self, tag: str, entry: str) -> None:
        with self._written:
            self._entries[tag].append(entry)
            if self.directory is not None:
                with (self.directory / f"{tag}.txt").open("a", encoding="utf-8") as file:
                    file.write(f"{entry}\n")
            self._written.notify_all()

    def read(self, tag: str) -> list[str]:
        with self._written:
            return list(self._entries[tag])

    def wait_for(self, tag: str, entry: str, seconds: float) -> list[str]:
        """Return the entries of *tag* once *entry* is among them, or time is up."""
        with self._written:
            self._written.wait_for(lambda: entry in self._entries[tag], seconds)
            return list(self._entries[tag])


class Gates:
    """One gate per tag, closed at first; each opening lets one waiter through."""

    def __init__(self) -> None:
        self._openings: defaultdict[str, int] = defaultdict(int)
        self._opened = threading.Condition()

    def open(self, tag: str, times: int) -> None:
        with self._opened:
            self._openings[tag] += times
            self._opened.notify_all()

    def wait(self, tag: str) -> None:
        with self._opened:
            if not self._opened.wait_for(lambda: self._openings[tag], GATE_SECONDS):
                raise gr.Error(f"nobody opened the gate {tag!r}")
            self._openings[tag] -= 1


LEDGER = Ledger()
GATES = Gates()


def recorded(tag: str, steps: Iterator[str]) -> Iterator[str]:
    """Yield *steps*, and write down the life of whoever consumes them."""
    LEDGER.write(tag, "started")
    try:
        for step in steps:
            LEDGER.write(tag, step)
            yield step
    except GeneratorExit:
        LEDGER.write(tag, "closed")
        raise
    LEDGER.write(tag, "finished")


def ticks(n: int, delay: float) -> Iterator[str]:
    """Yield `tick 0`, `tick 1`..., with *delay* seconds before each but the first."""
    for i in range(n):
        if i:
            time.sleep(delay)
        yield f"tick {i}"


def words_through(tag: str, n: int) -> Iterator[str]:
    """Yield *n* growing texts, each once the gate has been opened for it.

    The ledger of `TAG at the gate` has what this waits for, or has waited for.
    """
    for words in growing("word", n):
        LEDGER.write(f"{tag} at the gate", words)
        GATES.wait(tag)
        yield words


# Plain functions


def add(a, b):
    return a + b


def echo(text):
    return text


def two(text):
    return text, len(text)


def nothing(text):
    return None


def many_defaults(a, b, c):
    return f"a={a} b={b} c={c}"


def upd():
    return gr.update(value="new", visible=True)


def big(mb):
    return "x" * int(mb * 2**20)


def direct(text):
    if text == "fail":
        raise gr.Error("told you so")
    return f"direct {text}"


def unnamed(text):
    return f"unnamed {text}"


def batch(texts):
    """Answer each of *texts*, saying how many came together."""
    return [[f"{text} of {len(texts)}" for text in texts]]


def file_out():
    path = Path(tempfile.mkdtemp()) / "out.txt"
    path.write_text("file content", encoding="utf-8")
    return str(path)


def file_in(f):
    # A path from 4.0 on, an open temporary file before.
    return Path(getattr(f, "name", f)).read_text(encoding="utf-8")


# Files beside plain ones


def tones(n):
    for i in range(n):
        to = io.BytesIO()
        with wave.open(to, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(16000)
            sound.writeframes(bytes([0, i, 0, 255 - i]) * 8000)
        yield to.getvalue()


def clips(n):
    for i in range(n):
        path = str(Path(tempfile.mkdtemp()) / f"{i}.mp4")
        drawn = ["-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=10"]
        subprocess.run(["ffmpeg", "-v", "error", *drawn, path], check=True)
        yield path


def pieces(n):
    for i in range(n):
        yield bytes([i]) * 100_000


def file_of_types(f):
    return Path(path_of(f)).name


def file_copy(f):
    return None if f is None else path_of(f)


def file_copies(files):
    return [path_of(f) for f in files]


def file_digests(files):
    return json.dumps([digest(path_of(f)) for f in files])


def image_pixels(image):
    """Tell the size of an image and its first pixels: some releases write it anew."""
    return json.dumps([image.size, [image.getpixel((x, 0)) for x in range(3)]])


def image_copy(image):
    return image


def image_frames(n):
    for i in range(n):
        yield str(picture(i))


def gallery(n):
    return [(str(picture(i)), f"picture {i}") for i in range(n)]


def chat_digests(history):
    """Tell the digests of the files in a history of pairs."""
    said = [each for pair in history for each in pair]
    return json.dumps([digest(each[0]) for each in said if isinstance(each, (list, tuple))])


def message_digests(message):
    # The first release to have such messages hands the files over as they came.
    paths = [each["path"] if isinstance(each, dict) else each for each in message["files"]]
    return json.dumps([message["text"], *map(digest, paths)])


def audio_copy(audio):
    return audio


def video_out():
    path = Path(tempfile.mkdtemp()) / "out.mp4"
    path.write_bytes(bytes(range(256)) * 20)
    return str(path)


def path_in_json():
    return {"path": str(Path(__file__)), "orig_name": "app.py", "size": 1}


def chat_files(n):
    """Stream words, with a file after each."""
    said: list[object] = []
    for i in range(n):
        for word in ("see", "see this", "see this file"):
            yield turns([*said, word])
        path = Path(tempfile.mkdtemp()) / f"file {i}.txt"
        path.write_text(f"content {i}", encoding="utf-8")
        said += ["see this file", path]
        yield turns(said)


def turns(said: list) -> list:
    """Write a monologue of texts and files as the history that this release wants."""
    if CHAT_IN_MESSAGES:
        return [
            {
                "role": "assistant",
                "content": each if isinstance(each, str) else {"path": str(each)},
            }
            for each in said
        ]
    return [(None, each if isinstance(each, str) else (str(each),)) for each in said]


def path_of(f) -> str:
    # A path from 4.0 on, an open temporary file before.
    return getattr(f, "name", f)


def digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def picture(i: int) -> Path:
    path = Path(tempfile.mkdtemp()) / f"picture-{i}.png"
    Image.new("RGB", (3 + i, 2), (i, 20, 30)).save(path)
    return path


# Streams, each a generator function itself, as Gradio asks


def count(n):
    yield from paced("word", n, 0.01)


def tokens(n, delay):
    yield from paced("token", n, delay)


def paced(word: str, n: int, delay: float) -> Iterator[str]:
    for i, text in enumerate(growing(word, n)):
        if i:
            time.sleep(delay)
        yield text


def js(kind):
    yield from JS[kind]


def chat(message, history):
    """Stream the reply word by word, in the format that this release wants."""
    history = history or []
    said = ""
    for word in reply(message).split(" "):
        said = f"{said} {word}".lstrip()
        if CHAT_IN_MESSAGES:
            turn = [
                {"role": "user", "content": message},
                {"role": "assistant", "content": said},
            ]
        else:
            turn = [(message, said)]
        yield "", history + turn
        time.sleep(0.01)


# Reports beside the output


def progress(n, progress=gr.Progress()):  # noqa: B008 - how Gradio is told to pass one
    for i in range(n):
        progress((i, n), desc=f"step {i}", unit="steps")
        time.sleep(0.05)
    return f"{n} steps"


def progress_tqdm(n, progress=gr.Progress()):  # noqa: B008 - how Gradio is told to pass one
    for _ in progress.tqdm(range(n), desc="counting", unit="things"):
        time.sleep(0.05)
    return f"{n} things"


def logs():
    first, *quick, last = LOGS
    say(*first)
    time.sleep(0.1)
    for entry in quick:
        say(*entry)
    time.sleep(0.1)
    say(*last)
    return "logged"


def say(level: str, message: str) -> None:
    {"info": gr.Info, "warning": gr.Warning}[level](message)


def fail():
    raise gr.Error("told you so")


def crash():
    raise ValueError("secret detail")


def fail_mid(n):
    for i in range(n):
        yield f"part {i}"
    raise gr.Error("half-way")


# Sessions


def state(text, calls):
    return calls + 1, calls + 1


def only_state(text, memory):
    return [*memory, text]


def recall(memory):
    return json.dumps(memory)


def state_between(text, calls, number):
    return calls + 1, f"{text} #{calls}", calls, number * 2


def words_and_state(n, calls):
    for words in growing("word", n):
        yield f"call {calls}: {words}", calls + 1


# Runs that leave a trace


def forever(tag, n, delay):
    yield from recorded(tag, ticks(n, delay))


def single_gen(tag, n, delay):
    yield from recorded(tag, ticks(n, delay))


def sleep(tag, seconds):
    return slept(tag, seconds)


def single(tag, seconds):
    return slept(tag, seconds)


def gated(tag):
    return waited(tag)


def gated_single(tag):
    return waited(tag)


def gated_words(tag, n):
    yield from recorded(tag, words_through(tag, n))


def frames(frame, seen):
    """Answer one frame of a stream of them."""
    return f"frame {seen}: {frame}", seen + 1


def frame_digests(frame):
    return digest(path_of(frame))


def frames_briefly(frame):
    return f"frame: {frame}"


def waited(tag: str) -> str:
    LEDGER.write(tag, "started")
    GATES.wait(tag)
    LEDGER.write(tag, "finished")
    return f"{tag} went through"


def slept(tag: str, seconds: float) -> str:
    LEDGER.write(tag, "started")
    time.sleep(seconds)
    LEDGER.write(tag, "finished")
    return f"slept {tag}"


def open_gate(tag, times):
    GATES.open(tag, times)
    return times


def ledger(tag):
    return json.dumps(LEDGER.read(tag))


def visitor_left():
    LEDGER.write("visitors", f"{len(LEDGER.read('visitors')) + 1} left")


def await_ledger(tag, entry, seconds):
    return json.dumps(LEDGER.wait_for(tag, entry, seconds))


# The same name twice, and names that are not offered


def dup_one(text):
    return f"one {text}"


def dup_two(text):
    return f"two {text}"


def unlisted(text):
    return f"unlisted {text}"


def closed_api(text):
    return f"closed {text}"


def supported(function: Callable, **options: object) -> dict[str, object]:
    """Leave out the options that this release of Gradio does not know."""
    return {
        key: value
        for key, value in options.items()
        if key in inspect.signature(function).parameters
    }


def endpoint(function: Callable, inputs=(), outputs=(), **options) -> object:
    """Offer *function* under its own name, as the click of a hidden button.

    Returns the event, which another may cancel.
    """
    click = gr.Button(visible=False).click
    return listen(click, function, inputs, outputs, **options)


def stream_endpoint(function: Callable, inputs=(), outputs=(), **options) -> object:
    """Offer *function* as the `.stream()` event of a camera that nothing comes from."""
    stream = gr.Image(sources=["webcam"], streaming=True, visible=False).stream
    return listen(stream, function, inputs, outputs, **options)


def listen(event: Callable, function: Callable, inputs, outputs, **options) -> object:
    options = {"api_name": function.__name__, **options}
    return event(function, list(inputs), list(outputs), **supported(event, **options))


def text(label: str, value: str | None = None) -> gr.Textbox:
    return gr.Textbox(label=label, value=value)


def number(label: str, value: float | None = None) -> gr.Number:
    return gr.Number(label=label, value=value)


def integer(label: str, value: int | None = None) -> gr.Number:
    return gr.Number(label=label, value=value, precision=0)


def chatbot() -> gr.Chatbot:
    return gr.Chatbot(**({"type": "messages"} if CHAT_HAS_TYPE else {}))


def offer_functions() -> None:
    endpoint(add, [number("a"), number("b", 10)], [number("sum")])
    endpoint(echo, [text("text")], [text("echo")], concurrency_limit=None)
    endpoint(two, [text("text")], [text("same"), integer("length")])
    endpoint(nothing, [text("text")])
    endpoint(
        many_defaults,
        [text("a", "x"), integer("b", 2), gr.Checkbox(label="c", value=True)],
        [text("all")],
    )
    endpoint(upd, [], [text("updated")])
    endpoint(big, [number("mb")], [text("text")])
    endpoint(direct, [text("text")], [text("answer")], queue=False)
    if QUEUED:
        endpoint(batch, [text("text")], [text("answer")], batch=True, max_batch_size=4)
    endpoint(file_out, [], [gr.File(label="out")])
    endpoint(file_in, [gr.File(label="f")], [text("content")])


async def as_it_is(value, stream, first):
    """Stand in for the encoder of `gr.Audio`, which is ffmpeg: a piece is what was yielded."""
    piece = None if value is None else {"data": value, "duration": 1.0, "extension": ".aac"}
    file = {"path": stream, "is_stream": True, "orig_name": "sound.mp3"}
    return piece, {**file, "meta": {"_type": "gradio.FileData"}}


def offer_media() -> None:
    encoded = gr.Audio(label="sound", streaming=True)
    endpoint(tones, [integer("n")], [encoded])
    if MAJOR >= 5:
        endpoint(clips, [integer("n")], [gr.Video(label="video", streaming=True)])
    plain = gr.Audio(label="sound", streaming=True)
    if MAJOR >= 5:
        plain.stream_output = as_it_is
    endpoint(pieces, [integer("n")], [plain])
    some = gr.File(label="f", file_types=[".pdf", "image"])
    endpoint(file_of_types, [some], [text("name")])


def offer_files() -> None:
    endpoint(file_copy, [gr.File(label="f")], [gr.File(label="copy")])
    several = {"file_count": "multiple"}
    endpoint(file_copies, [gr.File(label="files", **several)], [gr.File(label="copies", **several)])
    endpoint(file_digests, [gr.File(label="files", **several)], [text("digests")])
    endpoint(image_pixels, [gr.Image(label="image", type="pil")], [text("pixels")])
    as_path = {"label": "image", "type": "filepath"}
    endpoint(image_copy, [gr.Image(**as_path)], [gr.Image(**as_path)])
    endpoint(image_frames, [integer("n")], [gr.Image(**as_path)])
    endpoint(gallery, [integer("n")], [gr.Gallery(label="pictures")])
    if not CHAT_IN_MESSAGES:
        endpoint(chat_digests, [chatbot()], [text("digests")])
    if hasattr(gr, "MultimodalTextbox"):
        endpoint(message_digests, [gr.MultimodalTextbox(label="message")], [text("digests")])
    audio = {"label": "audio", "type": "filepath"}
    endpoint(audio_copy, [gr.Audio(**audio)], [gr.Audio(**audio)])
    endpoint(video_out, [], [gr.Video(label="video")])
    endpoint(path_in_json, [], [gr.JSON(label="no file")])
    endpoint(chat_files, [integer("n")], [chatbot()])
    if MAJOR >= 5:
        stream_endpoint(
            frame_digests,
            [gr.File(label="frame")],
            [text("digest")],
            time_limit=60,
            stream_every=0.05,
            concurrency_limit=None,
        )


def offer_names() -> None:
    endpoint(dup_one, [text("text")], [text("which")], api_name="dup")
    endpoint(dup_two, [text("text")], [text("which")], api_name="dup")
    endpoint(unnamed, [text("text")], [text("which")], api_name=None)
    endpoint(unlisted, [text("text")], [text("which")], api_name=False)
    # Each release that can hide an endpoint knows one of the two.
    endpoint(closed_api, [text("text")], [text("which")], show_api=False, api_visibility="private")


def offer_streams() -> None:
    endpoint(count, [integer("n")], [text("words")])
    endpoint(tokens, [integer("n"), number("delay")], [text("tokens")])
    # gr.JSON wraps its values in a model that Gradio replaces as a whole; as plain data,
    # which is what a component without postprocessing gets, they are sent as differences.
    endpoint(js, [text("kind")], [gr.JSON(label="value")], postprocess=False)
    endpoint(chat, [text("message"), bot := chatbot()], [text("emptied"), bot])


def offer_reports() -> None:
    if QUEUED:
        endpoint(progress, [integer("n")], [text("done")])
        endpoint(progress_tqdm, [integer("n")], [text("done")])
    endpoint(logs, [], [text("done")])
    endpoint(fail, [], [text("never")])
    endpoint(crash, [], [text("never")])
    endpoint(fail_mid, [integer("n")], [text("part")])


def offer_sessions() -> None:
    calls, memory = gr.State(0), gr.State([])
    endpoint(state, [text("text"), calls], [integer("calls"), calls])
    endpoint(only_state, [text("text"), memory], [memory])
    endpoint(recall, [memory], [text("memory")])
    seen, last = gr.State(0), gr.State(0)
    endpoint(
        state_between,
        [text("text"), seen, number("number")],
        [seen, text("numbered"), last, number("doubled")],
    )

    endpoint(
        words_and_state,
        [integer("n"), words := gr.State(0)],
        [text("words"), words],
        concurrency_limit=None,
    )


def offer_runs() -> None:
    run = [text("tag"), integer("n"), number("delay", 0.05)]
    nap = [text("tag"), number("seconds")]
    endpoint(forever, run, [text("tick")], concurrency_limit=None)
    endpoint(sleep, nap, [text("slept")], concurrency_limit=None)
    endpoint(single, nap, [text("slept")], concurrency_limit=1)
    endpoint(single_gen, run, [text("tick")], concurrency_limit=1)
    endpoint(gated, [text("tag")], [text("through")], concurrency_limit=None)
    endpoint(gated_single, [text("tag")], [text("through")], concurrency_limit=1)
    words = endpoint(
        gated_words, [text("tag"), integer("n")], [text("words")], concurrency_limit=None
    )
    if QUEUED:
        # The button that an app's own page has. It is offered under no name.
        gr.Button(visible=False).click(None, [], [], cancels=[words])
    endpoint(open_gate, [text("tag"), integer("times", 1)], [integer("times")], queue=False)
    endpoint(ledger, [text("tag")], [text("entries")], queue=False)
    endpoint(
        await_ledger,
        [text("tag"), text("entry"), number("seconds", 10)],
        [text("entries")],
        queue=False,
    )


def offer_feeds() -> None:
    """Offer what is fed frame by frame; a slot of State is fed along."""
    seen = gr.State(0)
    stream_endpoint(
        frames,
        [text("frame"), seen],
        [text("answer"), seen],
        time_limit=60,
        stream_every=0.05,
        concurrency_limit=None,
    )
    stream_endpoint(
        frames_briefly,
        [text("frame")],
        [text("answer")],
        time_limit=1,
        stream_every=0.05,
        concurrency_limit=None,
    )


def build() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as app:
        offer_functions()
        if os.environ.get("APP_FILES") != "0":
            offer_files()
        offer_names()
        offer_streams()
        offer_reports()
        offer_sessions()
        offer_runs()
        if MAJOR >= 5:
            offer_feeds()
        if os.environ.get("APP_MEDIA"):
            offer_media()
        if os.environ.get("APP_UNLOAD") == "1":
            app.unload(visitor_left)
    return app


def queue(app: gr.Blocks) -> None:
    max_size = os.environ.get("APP_MAX_SIZE")
    app.queue(
        max_size=int(max_size) if max_size else None,
        **supported(
            app.queue,
            default_concurrency_limit=CONCURRENCY,
            # The name that 3.x has for it, which 4.x knows only to refuse it.
            **({"concurrency_count": CONCURRENCY} if MAJOR < 4 else {}),
        ),
    )


def launch(app: gr.Blocks, port: int) -> None:
    """Serve the app from a background thread."""
    auth = os.environ.get("APP_AUTH")
    app.launch(
        server_name="127.0.0.1",
        server_port=port,
        auth=tuple(auth.split(":", 1)) if auth else None,
        max_threads=THREADS,
        share=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
        **supported(app.launch, ssr_mode=False, max_file_size=os.environ.get("APP_UPLOAD") or None),
    )


def mount(app: gr.Blocks, port: int, root: str) -> None:
    """Serve the app at *root* of another one, from a background thread."""
    mounting = gr.mount_gradio_app
    # Early 3.x posts to itself, and must be told where that is.
    itself = f"http://127.0.0.1:{port}{root}/"
    outer = mounting(
        fastapi.FastAPI(), app, root, **supported(mounting, gradio_api_url=itself, ssr_mode=False)
    )
    server = uvicorn.Server(uvicorn.Config(outer, host="127.0.0.1", port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)


def main(port: str, directory: str | None = None) -> None:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    if directory is not None:
        LEDGER.directory = Path(directory)
    app = build()
    if QUEUED:
        queue(app)
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


if __name__ == "__main__":
    main(*sys.argv[1:])
