"""A Gradio server without sockets: the queue, in memory, on the scheduler thread.

It behaves as Gradio's queue does where a client can tell: one stream per
session, `close_stream` when nothing of the session is pending, messages kept
while no stream is open, the reach of `/cancel`, and the end of all calls of a
session whose stream is dropped. Its endpoints are async generator functions.
"""

from __future__ import annotations

__all__ = ["MemoryEndpoint", "MemoryTransport"]

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from ..exceptions import AppError, ConnectionLost
from ..protocol.answers import Answer
from ..updates import ProgressUnit, Status, StatusUpdate

Function: TypeAlias = Callable[..., AsyncGenerator[Any, None]]
"""Takes the data of a call; yields lists of outputs, and `StatusUpdate`s of code
PROGRESS or LOG. A function that is no generator to its callers yields once."""


@dataclass(frozen=True, slots=True)
class MemoryEndpoint:
    """An endpoint: its function, its parameters with their defaults, its number of outputs.

    A parameter or an output called "state" is State. A parameter without a
    default has the default `...`.
    """

    function: Function
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Sequence[str] = ("output",)
    generator: bool = False


class _Event:
    def __init__(self, event_id: str, session: str, fn_index: int) -> None:
        self.event_id = event_id
        self.session = session
        self.fn_index = fn_index
        self.task: asyncio.Task[None] | None = None


class _Session:
    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pending: set[str] = set()


class MemoryTransport:
    """The server, and the way to it. Made and used on the scheduler thread only.

    Args:
        endpoints: By their API names, such as "/add".
        version: Of Gradio, which decides what is true of the server.
    """

    def __init__(self, endpoints: Mapping[str, MemoryEndpoint], version: str = "6.31.0") -> None:
        self.endpoints = dict(endpoints)
        self.version = version
        self.posted: list[tuple[str, Any]] = []
        """What was posted: path and body."""
        self.headers: list[dict[str, str]] = []
        """The header fields that came with each."""
        self.streams = 0
        """How many streams are open."""
        self._sessions: dict[str, _Session] = {}
        self._running: dict[str, _Event] = {}
        self._cuts: list[asyncio.Event] = []
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- the transport

    async def get(self, path: str) -> Answer:
        """Fetch /config or /info."""
        if path == "/config":
            return _json(self._config())
        if path == "/gradio_api/info":
            return _json(self._info())
        return Answer(404, {}, b"not found")

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Take a join or a cancel."""
        self.headers.append(dict(headers or {}))
        document = orjson.loads(body)
        self.posted.append((path, document))
        if path == "/gradio_api/queue/join":
            return await self.join(document)
        if path == "/gradio_api/cancel":
            return await self.cancel(document)
        return Answer(404, {}, b"not found")

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[_Stream]:
        """Open the stream of a session."""
        session_hash = path.rpartition("=")[2]
        cut = asyncio.Event()
        self._cuts.append(cut)
        self.streams += 1
        stream = _Stream(self._read(session_hash), cut)
        try:
            yield stream
        finally:
            self.streams -= 1
            self._cuts.remove(cut)
            if not stream.complete:
                self._clean_up(session_hash)

    async def aclose(self) -> None:
        """End all functions."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- what a test may do or replace

    def cut_streams(self) -> None:
        """Break the connection of every stream that is open."""
        for cut in self._cuts:
            cut.set()

    async def join(self, body: dict[str, Any]) -> Answer:
        """Put a call into the queue."""
        event = _Event(f"event-{next(self._ids)}", body["session_hash"], body["fn_index"])
        session = self._sessions.setdefault(event.session, _Session())
        session.pending.add(event.event_id)
        self._running[event.event_id] = event
        self._say(event, "estimation", rank=0, queue_size=1, rank_eta=None)
        event.task = asyncio.get_running_loop().create_task(self._run(event, body["data"]))
        self._tasks.add(event.task)
        event.task.add_done_callback(self._tasks.discard)
        return _json({"event_id": event.event_id})

    async def cancel(self, body: dict[str, Any]) -> Answer:
        """End every running call of the session and endpoint; tell the one that was named."""
        place = (body["session_hash"], body["fn_index"])
        for event in list(self._running.values()):
            if (event.session, event.fn_index) == place and event.task is not None:
                event.task.cancel()
        named = self._running.get(body["event_id"])
        if named is not None:
            self._say(named, "process_completed", output={}, success=True)
        return _json({"success": True})

    # ---- the server

    async def _run(self, event: _Event, data: list[Any]) -> None:
        endpoint = list(self.endpoints.values())[event.fn_index]
        self._say(event, "process_starts", eta=None)
        last: list[Any] | None = None
        try:
            async with aclosing(endpoint.function(*data)) as outputs:
                async for output in outputs:
                    if isinstance(output, StatusUpdate):
                        self._say_status(event, output)
                    else:
                        if endpoint.generator:
                            edits = output if last is None else _edits(last, output)
                            self._say(event, "process_generating", output={"data": edits})
                        last = output
        except AppError as error:
            self._say(event, "process_completed", output={"error": error.message}, success=False)
        else:
            self._say(event, "process_completed", output={"data": last}, success=True)
        finally:
            self._running.pop(event.event_id, None)

    def _say_status(self, event: _Event, status: StatusUpdate) -> None:
        if status.code is Status.LOG and status.log is not None:
            self._say(event, "log", log=status.log[0], level=status.log[1])
        else:
            units = [_unit(unit) for unit in status.progress_data or []]
            self._say(event, "progress", progress_data=units)

    def _say(self, event: _Event, message: str, **fields: Any) -> None:
        if (session := self._sessions.get(event.session)) is not None:
            session.messages.put_nowait({"msg": message, "event_id": event.event_id, **fields})

    async def _read(self, session_hash: str) -> AsyncGenerator[bytes, None]:
        session = self._sessions.get(session_hash)
        if session is None:
            yield _line({"msg": "unexpected_error", "message": "404", "session_not_found": True})
            raise ConnectionLost("broken off")
        while True:
            message = await session.messages.get()
            yield _line(message)
            if message["msg"] == "process_completed":
                session.pending.discard(message["event_id"])
                if not session.pending:
                    yield _line({"msg": "close_stream", "event_id": None})
                    return

    def _clean_up(self, session_hash: str) -> None:
        self._sessions.pop(session_hash, None)
        for event in list(self._running.values()):
            if event.session == session_hash and event.task is not None:
                event.task.cancel()

    # ---- the documents

    def _config(self) -> dict[str, Any]:
        components: list[dict[str, Any]] = []

        def ids(names: Sequence[str]) -> list[int]:
            found: list[int] = []
            for name in names:
                kind = "state" if name == "state" else "textbox"
                found.append(len(components))
                components.append({"id": found[-1], "type": kind, "skip_api": kind == "state"})
            return found

        dependencies = [
            {
                "id": n,
                "api_name": name.removeprefix("/"),
                "inputs": ids(list(endpoint.parameters)),
                "outputs": ids(endpoint.outputs),
                "backend_fn": True,
                "types": {"generator": endpoint.generator, "cancel": False},
            }
            for n, (name, endpoint) in enumerate(self.endpoints.items())
        ]
        return {
            "version": self.version,
            "protocol": "sse_v3",
            "api_prefix": "/gradio_api",
            "components": components,
            "dependencies": dependencies,
        }

    def _info(self) -> dict[str, Any]:
        named = {
            name: {
                "parameters": [
                    {
                        "parameter_name": parameter,
                        "label": parameter,
                        "parameter_has_default": default is not ...,
                        "parameter_default": None if default is ... else default,
                    }
                    for parameter, default in endpoint.parameters.items()
                    if parameter != "state"
                ],
                "returns": [{"label": label} for label in endpoint.outputs if label != "state"],
            }
            for name, endpoint in self.endpoints.items()
        }
        return {"named_endpoints": named, "unnamed_endpoints": {}}


class _Stream:
    """The body of a stream, which may be cut."""

    def __init__(self, body: AsyncGenerator[bytes, None], cut: asyncio.Event) -> None:
        self.answer = Answer(200, {"content-type": "text/event-stream"}, b"")
        self.complete = False
        self._body = body
        self._cut = cut

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield one message at a time."""
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            while True:
                piece = asyncio.ensure_future(anext(self._body, None))
                try:
                    await asyncio.wait([piece, cut], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not piece.done():
                        piece.cancel()
                if cut.done():
                    raise ConnectionLost("the connection was cut")
                chunk = piece.result()
                if chunk is None:
                    self.complete = True
                    return
                yield chunk
        finally:
            cut.cancel()


def _edits(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    return [_edit(before, after) for before, after in zip(old, new, strict=True)]


def _edit(old: Any, new: Any) -> list[Any]:
    if isinstance(old, str) and isinstance(new, str) and new.startswith(old):
        return [["append", [], new[len(old) :]]] if new != old else []
    return [["replace", [], new]]


def _unit(unit: ProgressUnit) -> dict[str, Any]:
    names = ("index", "length", "unit", "progress", "desc")
    return {name: getattr(unit, name) for name in names}


def _json(document: object) -> Answer:
    return Answer(200, {"content-type": "application/json"}, orjson.dumps(document))


def _line(message: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(message) + b"\n\n"
