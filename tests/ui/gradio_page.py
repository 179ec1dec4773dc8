"""The page that the tests of `rxgradio.ui.gradio` visit: `python gradio_page.py PORT DIRECTORY`.

It runs where Gradio is, and the dependencies of rxgradio. What its handlers call is named by
the visitor: the inputs, or the query of the page, have the address of the other app. It says
READY once it accepts requests, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import gradio as gr
import reactivex
from reactivex import Observable, Subject
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxgradio import Client
from rxgradio.ui import gradio as module
from rxgradio.ui.gradio import handler

module._STRAGGLES = 0.5  # so that tests need not wait long
FREE: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple"}
HANDLERS: dict[str, Any] = {}
MAJOR = int(gr.__version__.split(".")[0])
clients: dict[str, Client] = {}
left: list[str] = []
"""The tags of the streams of the page's own that were disposed of."""
opened: dict[str, Subject[Any]] = {}


async def connected(url: str) -> Client:
    if url not in clients:
        client = await asyncio.to_thread(Client, url)
        clients.setdefault(url, client)
    return clients[url]


async def upstream(request: gr.Request) -> tuple[Client, str]:
    """Return what a visitor of the page wants to be called, and the tag of the visit."""
    query = request.query_params
    return await connected(query["upstream"]), query["tag"]


# ---- what a browser does


async def search(text: str, request: gr.Request) -> Observable[Any]:
    client, tag = await upstream(request)
    return client.observe(f"{tag}{text}", 2 if len(text) == 8 else 500, api_name="/gated_words")


async def silent(request: gr.Request) -> Observable[Any]:
    client, tag = await upstream(request)
    return client.observe(tag, api_name="/silent")


async def chatty(request: gr.Request) -> Observable[Any]:
    client, tag = await upstream(request)
    return client.observe(tag, api_name="/chatty")


async def fails(request: gr.Request) -> Observable[Any]:
    client, _ = await upstream(request)
    return client.observe(api_name="/fails")


# ---- what is called


async def call(url: str, name: str, tag: str) -> Observable[Any]:
    return (await connected(url)).observe(tag, api_name=name)


async def job(url: str, name: str, tag: str) -> Any:
    return (await connected(url)).submit(tag, api_name=name)


async def watched(url: str, name: str, tag: str) -> Observable[Any]:
    return (await connected(url)).submit(tag, api_name=name).updates


def own(tag: str) -> Observable[Any]:
    """Return a stream that `tell` tells what to emit."""

    def subscribe(observer: Any, scheduler: Any = None) -> Disposable:
        subject = opened[tag] = Subject()
        subject.subscribe(observer)
        return Disposable(lambda: left.append(tag))

    return Observable(subscribe)


async def late(tag: str) -> Observable[Any]:
    """Take for ever to begin, but for one that ends at once."""
    opened[tag] = Subject()
    if tag.startswith("at once"):
        return reactivex.of(tag)
    try:
        await asyncio.Event().wait()
    finally:
        left.append(tag)
    raise AssertionError("it was awaited to its end")


def tell(tag: str, values: str) -> None:
    for value in json.loads(values):
        opened[tag].on_next(value)


def complete(tag: str) -> None:
    opened[tag].on_completed()


def flood(n: float) -> Observable[Any]:
    def subscribe(observer: Any, scheduler: Any = None) -> None:
        def emit() -> None:
            for value in range(int(n) + 1):
                observer.on_next(str(value))
            observer.on_completed()

        threading.Thread(target=emit).start()

    return Observable(subscribe)


begun, flooded = threading.Event(), threading.Event()


def flood_and_tell() -> Observable[Any]:
    """Emit while the event loop of the page is held up."""

    def subscribe(observer: Any, scheduler: Any = None) -> None:
        def emit() -> None:
            begun.wait(30)
            flood(20_000).pipe(ops.do_action(on_completed=flooded.set)).subscribe(observer)

        opened["flood"] = Subject()
        threading.Thread(target=emit).start()

    return Observable(subscribe)


async def block(seconds: float) -> str:
    """Hold up the event loop of the page until a stream has come to its end."""
    begun.set()
    return str(flooded.wait(seconds))


def error(kind: str) -> Observable[Any]:
    match kind:
        case "shown":
            return reactivex.concat(reactivex.of("so far"), reactivex.throw(ValueError("a reason")))
        case "silent":
            return reactivex.throw(KeyError())
        case "gradio":
            return reactivex.throw(gr.Error("as it is"))
        case "early":
            raise gr.Error("not even begun")
        case "nothing":
            return reactivex.empty()
        case _:
            return 42  # type: ignore[return-value] # which is the point


def special(
    text: str,
    count: float,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio is told to pass one)
) -> Observable[Any]:
    progress(0.5, desc="begun")
    said = f"{text}, {type(progress).__name__}, {request.session_hash}"
    return reactivex.of((said, count + 1))


def pressed(event: gr.EventData) -> Observable[Any]:
    return reactivex.of(f"a {type(event.target).__name__}")


async def chat(message: str, history: list[Any], request: gr.Request) -> Observable[Any]:
    tag = f"{message} after {len(history)}"
    return own(message).pipe(ops.map(lambda said: f"{tag} of {bool(request.session_hash)}: {said}"))


def remembered(handler: Any) -> int:
    return len(inspect.getclosurevars(handler).nonlocals["visitors"])


def runs(each: object) -> bool:
    return isinstance(each, module._Run) and not each.over.is_set()


def facts() -> str:
    gc.collect()
    return json.dumps(
        {
            "left": left,
            "opened": sorted(opened),
            "threads": threading.active_count(),
            "runs": sum(map(runs, gc.get_objects())),
            "sessions": sum(map(remembered, HANDLERS.values())),
        }
    )


def made(function: Any, name: str = "", **how: Any) -> Any:
    how.setdefault("heartbeat", 0.1)
    made = HANDLERS[name or function.__name__] = handler(function, **how)
    return made


def offer(name: str, function: Any, inputs: Any = (), outputs: Any = (), **how: Any) -> Any:
    options = {**FREE, "api_name": name, **how}
    return gr.Button(name, elem_id=name).click(function, list(inputs), list(outputs), **options)


def text(name: str, **how: Any) -> gr.Textbox:
    return gr.Textbox(label=name, elem_id=name, **how)


def visited() -> None:
    """Offer what a browser sees."""
    entry, status, found = text("entry"), text("status"), text("found")
    entry.input(
        made(search, show=("status", "output"), heartbeat=1.0),
        entry,
        [status, found],
        api_name="search",
        **FREE,
    )
    offer("fails", made(fails), (), [found])
    show = ("status", "output", "cancel")
    cancel = gr.Button("cancel", elem_id="cancel", interactive=False)
    held = made(silent, show=show)
    event = offer("silent", held, (), [status, found, cancel])
    cancel.click(held.cancel, api_name="cancel_silent")
    offer("stop", None, cancels=[event])
    offer("pressed", made(pressed), (), [found])
    offer("chatty", made(chatty), (), [found])


def called() -> None:
    """Offer what is called without a browser."""
    one, two, three = text("one"), text("two"), text("three")
    four, five, state = text("four"), gr.Number(label="five"), gr.State(7)
    parts = ("status", "progress", "output", "error")
    texts = [one, two, three]
    offer("call", made(call), texts, [four])
    offer("call_all", made(call, "all", latest=False), texts, [four])
    offer("call_shown", made(call, "shown", show=parts), texts, [one, five, two, three])
    offer("job", made(job), texts, [four])
    offer("watched", made(watched), texts, [four])
    mine = made(own)
    offer("own", mine, [one], [four])
    offer("cancel_own", mine.cancel)
    offer("cancel_seen", (seen := made(own, "seen", show=("status", "bar", "output"))).cancel)
    offer("own_seen", seen, [one], [two, gr.HTML(), three])
    offer("late", (slow := made(late, show=("status", "output"))), [one], [two, three])
    offer("cancel_late", slow.cancel)
    offer("tell", tell, [one, two])
    offer("complete", complete, [one])
    offer("flood", made(flood), [five], [four])
    offer("flood_and_tell", made(flood_and_tell), (), [four])
    offer("block", block, [five], [four])
    offer("error", made(error), [one], [four])
    offer("error_shown", made(error, "both", show=("output", "status")), [one], [four, two])
    offer("special", made(special, show=(first, second)), [one, state], [four, state])
    offer("recall", lambda kept: kept, [state], [five])
    offer("facts", facts, (), [four])


def first(view: Any) -> Any:
    return view.output[0]


def second(view: Any) -> Any:
    return view.output[1]


def chats() -> None:
    older = {"type": "messages"} if MAJOR < 6 else {}
    gr.ChatInterface(made(chat, chat=True), concurrency_limit=None, **older)


def build() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False, title="a page") as app:
        visited()
        called()
        with gr.Column():
            chats()
    return app.queue()


def main(port: str, _: str) -> None:
    build().launch(
        server_name="127.0.0.1",
        server_port=int(port),
        share=False,
        inbrowser=False,
        quiet=True,
        show_error=True,
        prevent_thread_lock=True,
    )
    print("READY", flush=True)  # noqa: T201 (what is waited for)
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
