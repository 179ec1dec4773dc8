"""The server in memory says what real ones say: recorded from them, and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rxgradio.protocol.sse import SSEDecoder
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryServer
from tests.contract.app import SOON, VERSIONS
from tests.contract.memory_app import MemoryApp

TRANSCRIPTS = Path(__file__).parents[1] / "protocol" / "transcripts"

Message = dict[str, Any]
MakeApp = Callable[..., MemoryApp]

CALLS: dict[str, tuple[Any, ...]] = {
    "add": (1, 2),
    "count": (12,),
    "crash": (),
    "fail": (),
    "fail_mid": (2,),
    "logs": (),
    "nothing": ("x",),
    "progress": (3,),
    "state": ("x", None),
    "two": ("abc",),
}
SINCE_CANCEL = ("4.44.1", "5.50.0", "6.31.0")
SESSIONS = VERSIONS[3:]


class Caller:
    """One call, made by hand."""

    def __init__(self, server: MemoryServer, name: str, *data: object) -> None:
        self.server = server
        self.heard: list[Message] = []
        self.event_id = ""
        self.complete = False
        self._body: dict[str, Any] = {
            "fn_index": list(server.endpoints).index(f"/{name}"),
            "session_hash": f"by hand, {name}",
        }
        self._data = {"data": list(data), "event_data": None}
        self._prefix = server.config().get("api_prefix", "")

    async def call(self, then: Callable[[Message], Awaitable[None]] | None = None) -> None:
        """Call, answer what is asked, and read to the end; *then* sees each message."""
        protocol = self.server.config().get("protocol")
        if protocol is None:
            await self._over_websocket(then)
        elif protocol == "sse":
            query = f"fn_index={self._body['fn_index']}&session_hash={self._body['session_hash']}"
            await self._read(f"/queue/join?{query}", then)
        else:
            self.event_id = (await self.post("/queue/join", self._body | self._data))["event_id"]
            await self._read(f"/queue/data?session_hash={self._body['session_hash']}", then)

    async def cancel(self) -> Any:
        return await self.post("/cancel", {**self._body, "event_id": self.event_id})

    async def reset(self) -> Any:
        return await self.post("/reset", {**self._body, "event_id": self.event_id})

    async def post(self, route: str, body: object) -> Any:
        answer = await self.server.post(self._prefix + route, json.dumps(body).encode(), {})
        assert answer.status == 200
        return json.loads(answer.body)

    async def _over_websocket(self, then: Any) -> None:
        async with self.server.websocket("/queue/join", {}) as socket:
            async for frame in socket.messages():
                message = await self._hear(json.loads(frame), then)
                if message["msg"] == "send_hash":
                    await socket.send(json.dumps(self._body).encode())
                elif message["msg"] == "send_data":
                    await socket.send(json.dumps(self._body | self._data).encode())
        self.complete = True

    async def _read(self, path: str, then: Any) -> None:
        decoder = SSEDecoder()
        async with self.server.stream(self._prefix + path) as stream:
            async for chunk in stream.chunks():
                for data in decoder.feed(chunk):
                    message = await self._hear(json.loads(data), then)
                    if message["msg"] == "send_data":
                        self.event_id = message["event_id"]
                        named = {"event_id": self.event_id}
                        await self.post("/queue/data", self._body | self._data | named)
        self.complete = True

    async def _hear(self, message: Message, then: Any) -> Message:
        self.heard.append(message)
        if then is not None:
            await then(message)
        return message


def run(work: Any) -> Any:
    return loop_thread().run(work).result(SOON)


def recorded(version: str, name: str) -> list[Message]:
    """Return what a real server said."""
    names = {f"{name}.ws", f"{name}.sse"}
    (file,) = (file for file in (TRANSCRIPTS / version).iterdir() if file.name in names)
    said = file.read_bytes()
    if file.suffix == ".ws":
        return [json.loads(line) for line in said.splitlines()[:-1]]
    return [json.loads(data) for data in SSEDecoder().feed(said)]


def gist(message: Message) -> Any:
    """Return what is the same each time that a server says it."""
    output = message.get("output", {})
    kept = {name: output[name] for name in ("data", "error", "is_generating") if name in output}
    whom = "event_id" in message and message["event_id"] is not None
    return message["msg"], whom, kept, message.get("success"), message.get("log")


def gists(messages: list[Message]) -> list[Any]:
    # How often a server tells of progress, and of the place in the queue, is up to it.
    told = [gist(message) for message in messages]
    return [one for one, again in groupby(told) for one in ([one] if one[0] in OFTEN else again)]


OFTEN = {"progress", "estimation"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_narrated_as_by_the_real_server(
    make_app: MakeApp, version: str, name: str
) -> None:
    caller = Caller(make_app(version).server, name, *CALLS[name])
    run(caller.call())
    real = recorded(version, name)
    assert caller.complete
    assert gists(caller.heard) == gists(real)
    known = {(message["msg"], field) for message in real for field in message}
    assert {(message["msg"], field) for message in caller.heard for field in message} <= known


@pytest.mark.parametrize("version", SINCE_CANCEL)
def test_a_cancelled_generator_is_told_as_by_the_real_server(
    make_app: MakeApp, version: str
) -> None:
    caller = Caller(make_app(version).server, "gated_words", "x", 100)

    async def cancel(message: Message) -> None:
        if message["msg"] == "process_starts":
            assert await caller.cancel() == {"success": True}

    run(caller.call(cancel))
    real = [gist(m) for m in recorded(version, "cancelled") if m["msg"] != "process_generating"]
    assert gists(caller.heard) == real


@pytest.mark.parametrize("version", [v for v in VERSIONS if "4" <= v < "4.3"])
def test_reset_ends_a_generator_that_has_yielded_and_says_nothing(
    make_app: MakeApp, version: str
) -> None:
    app = make_app(version)
    app.open("x")
    caller = Caller(app.server, "gated_words", "x", 100)
    answers: list[Any] = []

    async def reset(message: Message) -> None:
        if message["msg"] in {"process_starts", "process_generating"}:
            await asyncio.sleep(0)
            answers.append(await caller.reset())
            if version != "4.8.0" and len(answers) == 2:
                app.server.cut_streams()  # nothing would ever come

    work = loop_thread().run(caller.call(reset))
    error = work.exception(SOON)
    assert answers == [{"success": False}, {"success": True}]
    assert caller.complete is (version == "4.8.0")
    assert (error is None) is caller.complete
    last = recorded(version, "cancelled")[-1]
    last["output"]["data"] = ["word 0"]
    assert gist(caller.heard[-1]) == gist(last)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_direct_call_is_answered_as_by_the_real_server(make_app: MakeApp, version: str) -> None:
    server = make_app(version).server
    prefix = server.config().get("api_prefix", "")
    for name, route, text in [
        ("direct", "direct", "x"),
        ("direct-fail", "direct", "fail"),
        ("direct-unknown", "no_such_endpoint", "x"),
    ]:
        body = json.dumps({"data": [text]}).encode()
        answer = run(server.post(f"{prefix}/run/{route}", body, {}))
        real = (TRANSCRIPTS / version / f"{name}.http").read_text("utf-8")
        assert f" {answer.status} " in real.splitlines()[0]
        if name != "direct-unknown":
            told, said = json.loads(answer.body), json.loads(real.partition("\n\n")[2])
            assert told.keys() <= said.keys()
            assert (told.get("data"), told.get("error")) == (said.get("data"), said.get("error"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_queue_is_told_as_by_the_real_server(make_app: MakeApp, version: str) -> None:
    caller = Caller(make_app(version, max_size=0).server, "echo", "x")
    folder = TRANSCRIPTS / version
    if version in SESSIONS:
        answer = run(caller.server.join({"fn_index": 0, "session_hash": "x", "data": [1, 2]}))
        real = (folder / "full.http").read_text("utf-8")
        assert f" {answer.status} " in real.splitlines()[0]
        assert json.loads(answer.body).keys() == json.loads(real.partition("\n\n")[2]).keys()
    else:
        run(caller.call())
        assert gists(caller.heard) == gists(recorded(version, "full"))


@pytest.mark.parametrize("version", SINCE_CANCEL)
def test_a_call_that_is_cancelled_while_it_waits_runs_all_the_same_before_6_14(
    make_app: MakeApp, version: str
) -> None:
    app = make_app(version)
    holder = Caller(app.server, "single_words", "holder", 1)
    caller = Caller(app.server, "single_words", "x", 1)
    caller._body["session_hash"] = "another"

    async def cancel(message: Message) -> None:
        if message["msg"] == "estimation":
            assert await caller.cancel() == {"success": True}

    holding = loop_thread().run(holder.call())
    app.await_ledger("holder", "started")
    run(caller.call(cancel))
    assert gists(caller.heard) == gists(recorded(version, "cancelled-queued"))
    app.open("holder")
    app.open("x")
    holding.result(SOON)
    after = Caller(app.server, "single_words", "after", 1)
    after._body["session_hash"] = "another"
    app.open("after")
    error = loop_thread().run(after.call()).exception(SOON)
    assert app.ledger("x") == ([] if version == "6.31.0" else ["started", "word 0", "finished"])
    # The end that nobody waits for breaks the stream that it arrives on, before 5.46.
    broken = [message for message in after.heard if message["msg"] == "unexpected_error"]
    assert (error is not None) is bool(broken) is (version == "4.44.1")


@pytest.mark.parametrize("version", SESSIONS)
def test_a_stream_that_is_dropped_ends_its_calls_or_goes_on(
    make_app: MakeApp, version: str
) -> None:
    app = make_app(version)
    app.open("x")
    caller = Caller(app.server, "gated_words", "x", 3)
    path = f"{caller._prefix}/queue/data?session_hash={caller._body['session_hash']}"

    async def drop(message: Message) -> None:
        if message["msg"] == "process_generating":
            app.server.cut_streams()

    assert loop_thread().run(caller.call(drop)).exception(SOON)
    app.open("x", 2)
    heard: list[Message] = []

    async def read_on() -> None:
        async with app.server.stream(path) as stream:
            async for chunk in stream.chunks():
                # One by one, as it ends with an error.
                heard.append(json.loads(chunk.removeprefix(b"data: ")))  # noqa: PERF401

    error = loop_thread().run(read_on()).exception(SOON)
    if version in {"4.20.1", "4.21.0", "4.22.0"}:
        assert error is None
        assert [m["msg"] for m in heard][:3] == [*["process_generating"] * 2, "process_completed"]
    else:
        app.await_ledger("x", "closed")
        assert [m["msg"] for m in heard] == ["unexpected_error"]
        assert error is not None


def test_two_calls_of_a_generator_in_one_session_get_mixed_up_on_3_x(make_app: MakeApp) -> None:
    app = make_app("3.50.2")
    app.open("x", 1)
    first, second = (Caller(app.server, "gated_words", "x", 2) for _ in range(2))

    async def call_again(message: Message) -> None:
        if message["msg"] == "process_generating" and not second.heard:
            await second.call()
            app.open("x", 9)

    run(first.call(call_again))
    assert [m["output"]["data"] for m in first.heard if m["msg"] == "process_generating"] == [
        ["word 0"],
        ["word 0 word 1"],  # a step that was under way
        ["word 0"],
        ["word 0 word 1"],
    ]
    assert second.heard[-1]["output"] == {"error": None}


@pytest.mark.parametrize("version", ["5.50.0", "6.31.0"])
def test_a_stream_event_is_fed_frame_by_frame(make_app: MakeApp, version: str) -> None:
    app = make_app(version)
    caller = Caller(app.server, "frames", "a", None)

    async def feed(message: Message) -> None:
        shown = [m for m in caller.heard if m["msg"] == "process_streaming"]
        if message["msg"] == "process_streaming":
            route = f"/stream/{caller.event_id}"
            if len(shown) < 3:
                await caller.post(route, {"data": [f"{len(shown)}", None]})
            else:
                await caller.post(f"{route}/close", {})

    run(caller.call(feed))
    told = [m["output"]["data"][0] for m in caller.heard if m["msg"] == "process_streaming"]
    assert told == ["frame 0: a", "frame 1: 1", "frame 2: 2"]
    again = "frame 3: 2" if version == "5.50.0" else "frame 2: 2"
    assert caller.heard[-2]["output"]["data"] == [again, None]


def test_files_are_kept_and_given_back(make_app: MakeApp) -> None:
    server = make_app().server
    (path,) = json.loads(server.upload([("a b.txt", b"hello")], {}).body)

    async def fetch(path: str) -> tuple[int, bytes]:
        async with server.download(f"/gradio_api/file={path}") as stream:
            return stream.answer.status, b"".join([piece async for piece in stream.chunks()])

    assert run(fetch(path.replace(" ", "%20"))) == (200, b"hello")
    assert run(fetch("/nowhere")) == (404, b"")
