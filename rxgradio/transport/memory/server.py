"""The server: its routes, its sessions, and what a test may do to it."""

from __future__ import annotations

__all__ = ["MemoryServer", "MemorySocket", "MemoryStream"]

import itertools
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ...exceptions import ConnectionLost, ProtocolError
from ...protocol.answers import Answer
from .documents import config_of, info_of
from .endpoint import MemoryEndpoint
from .generation import generation_of
from .mailbox import Mailbox, Reader
from .queue import Event, Queue, Told

_STREAM = Answer(200, {"content-type": "text/event-stream"}, b"")


class MemoryServer:
    """A server. Made and used on the scheduler thread only.

    Args:
        endpoints: By their API names, such as "/add".
        version: Of Gradio, which decides what is true of the server.
        max_size: How many calls may wait in the queue.
        has_queue: The author has called `.queue()`, which only 3.x needs.
        files: What can be downloaded, and will be uploaded, by path.
        ids: Of its events. Those of Gradio are random: a server that takes the place of
            another one goes on with its ids, and never gives one twice.
        told: Hears of each turn that a call takes.
    """

    def __init__(
        self,
        endpoints: Mapping[str, MemoryEndpoint],
        version: str = "6.31.0",
        *,
        max_size: int | None = None,
        has_queue: bool = True,
        files: dict[str, bytes] | None = None,
        ids: Iterator[int] | None = None,
        told: Told = lambda _, __: None,
    ) -> None:
        self.endpoints = dict(endpoints)
        self.version = version
        self.posted: list[tuple[str, Any]] = []
        """What was posted, and sent over websockets: path and body."""
        self.headers: list[dict[str, str]] = []
        """The header fields that came with each."""
        self.connections: dict[Reader, None] = {}
        """The streams and websockets that are open, in order."""
        self.files: dict[str, bytes] = {} if files is None else files
        """What was uploaded, and what can be downloaded, by path."""
        self._facts = generation_of(version)
        self._has_queue = has_queue
        self._queue = Queue(self.endpoints, self._facts, max_size, told)
        self._mailboxes: dict[str, Mailbox] = {}  # by session
        self._pending: dict[str, set[str]] = {}  # event ids by session; may outlive its mailbox
        self._asked: dict[str, Event] = {}  # for their data, by event id
        self._ids = itertools.count(1) if ids is None else ids

    # ---- what a test may do or replace

    def cut_streams(self) -> None:
        """Break every connection that is open."""
        for reader in self.connections:
            reader.cut()

    def config(self) -> Any:
        """Return what `/config` answers."""
        return config_of(self.endpoints, self.version, self._facts, has_queue=self._has_queue)

    def info(self) -> Any:
        """Return what `/info` answers."""
        return info_of(self.endpoints, self._facts)

    async def join(self, body: dict[str, Any]) -> Answer:
        """Put a call into the queue (since 4.9)."""
        session = body["session_hash"]
        if not self._knows(body["fn_index"]):
            return Answer(500, {}, b"Internal Server Error")
        if self._queue.is_full:
            return _json({"detail": self._queue.full}, 503)
        mailbox = self._mailboxes.setdefault(session, Mailbox())
        event = self._event(session, body["fn_index"], mailbox)
        self._pending.setdefault(session, set()).add(event.event_id)
        event.data.set_result(body["data"])
        self._queue.push(event)
        return _json({"event_id": event.event_id})

    async def cancel(self, body: dict[str, Any]) -> Answer:
        """End every running call of the session and endpoint; tell the one that was named."""
        session, event_id = body["session_hash"], body["event_id"]
        named = self._queue.running.get(event_id)
        if self._facts.cancel_removes:  # the queue starts nothing before that
            self._queue.remove_named(event_id)
        await self._queue.cancel(session, body["fn_index"])
        mailbox = self._mailboxes.get(session)
        if mailbox is not None and event_id in self._pending.get(session, ()):
            ended = {"msg": "process_completed", "event_id": event_id}
            mailbox.put({**ended, "output": dict[str, Any](), "success": True})
        if self._facts.cancel_waits and named is not None and named.has_yielded and named.run:
            await named.run.gone()
        return _json({"success": True})

    async def aclose(self) -> None:
        """End all functions."""
        await self._queue.aclose()

    # ---- requests

    async def get(self, path: str) -> Answer:
        """Answer a GET."""
        path = urlsplit(path).path
        if path == "/config":
            return _json(self.config())
        if path == f"{self._facts.prefix}/info":
            return _json(self.info())
        if path == f"{self._facts.prefix}/queue/status":
            return _json({"msg": "estimation", "queue_size": self._queue.size})
        return Answer(404, {}, b"not found")

    async def post(  # noqa: PLR0911 (one case a route)
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """Answer a POST."""
        self.headers.append(dict(headers))
        document = json.loads(body)
        self.posted.append((path, document))
        route = path.removeprefix(self._facts.prefix)
        match route.split("/")[1:]:
            case ["queue", "join"] if self._facts.queue == "session":
                return await self.join(document)
            case ["queue", "data"] if self._facts.queue == "connection":
                self._hand_over(document)
                return _json(None)
            case ["cancel"] if self._facts.has_cancel:
                return await self.cancel(document)
            case ["reset"]:
                return _json({"success": self._reset(document)})
            case ["run" | "api", name]:
                return await self._call(name, document)
            case ["stream", event_id] if self._facts.streams != "no":
                return self._feed(event_id, document["data"])
            case ["stream", event_id, "close"] if self._facts.streams != "no":
                return self._feed(event_id, None)
            case _:
                return _json({"detail": "Not Found"}, 404)

    def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:  # noqa: ARG002
        """Answer the POST of a form: nothing here takes one."""
        return Answer(404, {}, b"not found")

    # ---- files

    def upload(self, files: Sequence[tuple[str, bytes]], headers: Mapping[str, str]) -> Answer:
        """Keep files, and tell their paths."""
        self.headers.append(dict(headers))
        paths = [f"/memory/{next(self._ids)}/{name}" for name, _ in files]
        self.files |= {path: content for path, (_, content) in zip(paths, files, strict=True)}
        return _json(paths)

    def head(self, path: str) -> Answer:
        """Tell whether there is a file."""
        return Answer(404 if self._file(path) is None else 200, {}, b"")

    def _file(self, path: str) -> bytes | None:
        return self.files.get(unquote(path.partition("/file=")[2]))

    @asynccontextmanager
    async def download(self, path: str) -> AsyncGenerator[MemoryStream]:
        """Fetch a file by its path on the server."""
        content = self._file(path)
        if content is None:
            yield MemoryStream(_json({"detail": "Not Found"}, 404), None)
        else:
            length = {"content-length": str(len(content))}
            yield MemoryStream(Answer(200, length, b""), _pieces(content))

    # ---- what is posted

    def _hand_over(self, document: dict[str, Any]) -> None:
        event = self._asked.pop(document["event_id"], None)
        if event is not None and not event.data.done():
            event.data.set_result(document["data"])

    def _reset(self, document: dict[str, Any]) -> bool:
        if self._facts.reset == "nothing":
            return True
        if self._facts.reset == "ends":
            return self._queue.reset(document["event_id"])
        place = (document["session_hash"], document["fn_index"])
        for event in self._queue.running.values():
            if (event.session, event.fn_index) == place and event.run is not None:
                event.run.restart()
        return True

    async def _call(self, name: str, document: dict[str, Any]) -> Answer:
        fn_index = document.get("fn_index")
        if name != "predict" or fn_index is None:
            names = [each.removeprefix("/") for each in self.endpoints]
            fn_index = names.index(name) if name in names else -1
        if not self._knows(fn_index):
            return Answer(500, {}, b"Internal Server Error")
        try:
            event = self._event(document.get("session_hash") or "", fn_index, Mailbox())
            event.data.set_result(document["data"])
            return _json(await self._queue.run_at_once(event))
        except Exception as error:  # noqa: BLE001 (whatever the app raises)
            return _json(self._queue.error_of(error), 500)

    def _feed(self, event_id: str, frame: list[Any] | None) -> Answer:
        event = self._queue.running.get(event_id)
        if event is None:
            return _json({"detail": "Not Found"}, 404 if self._facts.streams == "yes" else 500)
        event.frames.put_nowait(frame)
        return _json({"msg": "success"})

    # ---- event streams

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[MemoryStream]:
        """Open an event stream: of a session, or of a call of its own."""
        where = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        route = where.path.removeprefix(self._facts.prefix)
        if route == "/queue/data" and self._facts.queue == "session":
            opening = self._session_stream(query["session_hash"])
        elif route == "/queue/join" and self._facts.queue == "connection":
            opening = self._call_stream(query)
        else:
            yield MemoryStream(Answer(404, {}, b"not found"), None)
            return
        async with opening as stream:
            yield stream

    @asynccontextmanager
    async def _session_stream(self, session: str) -> AsyncGenerator[MemoryStream]:
        mailbox = self._mailboxes.get(session)
        if mailbox is None:
            yield MemoryStream(_STREAM, self._unknown_session())
            return
        with self._reader(mailbox) as reader:
            stream = MemoryStream(_STREAM, self._read_session(session, reader))
            try:
                yield stream
            finally:
                if not stream.complete and self._facts.notices_drops:
                    self._drop(session, mailbox)

    def tell(self, session: str, message: dict[str, Any]) -> None:
        """Have a message said in a session that is known."""
        if mailbox := self._mailboxes.get(session):
            mailbox.put(message)

    def forget(self, session: str) -> None:
        """Do what follows when the stream of a session is found to be broken."""
        # The ids stay pending, so no later stream of the session is ever closed.
        if self._mailboxes.pop(session, None) is not None:
            self._queue.leave_session(session)

    def _drop(self, session: str, mailbox: Mailbox) -> None:
        if self._mailboxes.get(session) is mailbox:
            self.forget(session)

    async def _unknown_session(self) -> AsyncGenerator[bytes]:
        error = {"msg": "unexpected_error", "message": "404: Session not found.", "success": False}
        flag = {"session_not_found": True} if self._facts.flags_unknown_session else {}
        yield _line({**error, **flag})
        raise ConnectionLost("the connection was broken off")

    async def _read_session(self, session: str, reader: Reader) -> AsyncGenerator[bytes]:
        pending = self._pending[session]
        while (message := await reader.next()) is not None:
            yield _line(message)
            if message["msg"] != "process_completed":
                continue
            event_id = message["event_id"]
            if event_id not in pending and not self._facts.forgives_second_end:
                text = str(KeyError(event_id))
                yield _line({"msg": "unexpected_error", "message": text, "success": False})
                raise ConnectionLost("the connection was broken off")
            pending.discard(event_id)
            if not pending:
                if self._facts.says_close:
                    yield _line({"msg": "close_stream"})
                return

    @asynccontextmanager
    async def _call_stream(self, query: Mapping[str, str]) -> AsyncGenerator[MemoryStream]:
        if not self._knows(int(query["fn_index"])):
            yield MemoryStream(Answer(500, {}, b"Internal Server Error"), None)
            return
        event = self._event(query["session_hash"], int(query["fn_index"]), Mailbox())
        self._asked[event.event_id] = event
        if "data" in query:
            event.data.set_result(json.loads(query["data"]))
        self._take(event)
        with self._reader(event.mailbox) as reader:
            try:
                yield MemoryStream(_STREAM, _read_call(reader))
            finally:
                self._leave(event)

    # ---- websockets

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncGenerator[MemorySocket]:
        """Open a websocket: a call of its own (3.x)."""
        if path != "/queue/join" or self._facts.queue != "websocket" or not self._has_queue:
            raise ProtocolError("HTTP 500 for the websocket: Internal Server Error", status=500)
        self.headers.append(dict(headers))
        mailbox = Mailbox()
        mailbox.put({"msg": "send_hash"})
        with self._reader(mailbox) as reader:
            socket = MemorySocket(self, path, reader, mailbox)
            try:
                yield socket
            finally:
                if socket.event is not None:
                    self._leave(socket.event)

    def heard(self, socket: MemorySocket, path: str, document: dict[str, Any]) -> None:
        """Take what came over a websocket: first who calls, then with what."""
        self.posted.append((path, document))
        if socket.event is not None:
            if not socket.event.data.done():
                socket.event.data.set_result(document["data"])
        elif not self._knows(document["fn_index"]):
            socket.cut()
        else:
            socket.event = self._event(
                document["session_hash"], document["fn_index"], socket.mailbox
            )
            self._take(socket.event)

    # ---- events

    def _knows(self, fn_index: object) -> bool:
        return isinstance(fn_index, int) and 0 <= fn_index < len(self.endpoints)

    def _event(self, session: str, fn_index: int, mailbox: Mailbox) -> Event:
        own = self._facts.queue != "session"
        return Event(f"event-{next(self._ids)}", session, fn_index, mailbox, ends_mailbox=own)

    def _take(self, event: Event) -> None:
        if self._queue.is_full:
            event.say("queue_full")
        else:
            self._queue.push(event)

    def _leave(self, event: Event) -> None:
        self._asked.pop(event.event_id, None)
        self._queue.leave(event)

    def _reader(self, mailbox: Mailbox) -> _Connected:
        return _Connected(self, Reader(mailbox))


class _Connected:
    """A reader while its connection is open."""

    def __init__(self, server: MemoryServer, reader: Reader) -> None:
        self._server = server
        self._reader = reader

    def __enter__(self) -> Reader:
        self._server.connections[self._reader] = None
        return self._reader

    def __exit__(self, *_: object) -> None:
        self._server.connections.pop(self._reader, None)
        self._reader.leave()


class MemoryStream:
    """The body of a stream."""

    def __init__(self, answer: Answer, body: AsyncGenerator[bytes] | None) -> None:
        self.answer = answer
        self.complete = False
        self._body = body

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield one message at a time."""
        if self._body is not None:
            async for chunk in self._body:
                yield chunk
        self.complete = True


class MemorySocket:
    """The client's end of a websocket."""

    def __init__(self, server: MemoryServer, path: str, reader: Reader, mailbox: Mailbox) -> None:
        self.event: Event | None = None
        self.mailbox = mailbox
        self._server = server
        self._path = path
        self._reader = reader

    async def send(self, message: bytes) -> None:
        """Send a message."""
        if self._reader.is_cut:
            raise ConnectionLost("the connection was cut")
        self._server.heard(self, self._path, json.loads(message))

    async def messages(self) -> AsyncGenerator[bytes]:
        """Yield the messages until the server closes."""
        while (message := await self._reader.next()) is not None:
            yield json.dumps(message).encode()

    def cut(self) -> None:
        """Break the connection."""
        self._reader.cut()


async def _pieces(content: bytes) -> AsyncGenerator[bytes]:
    yield content


async def _read_call(reader: Reader) -> AsyncGenerator[bytes]:
    while (message := await reader.next()) is not None:
        yield _line(message)


def _json(document: object, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(document).encode())


def _line(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message).encode() + b"\n\n"
