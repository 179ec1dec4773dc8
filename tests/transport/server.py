"""A Gradio 6 server made of bytes, every answer of which a test may replace.

It speaks HTTP by hand, on one asyncio loop in one thread, so that it can do
what no real server would: cut an answer anywhere, reset a connection, talk
nonsense, say nothing. What no test has replaced, it does as Gradio does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

SOON = 10.0
"""Seconds after which something that should happen at once counts as hanging."""

Script: TypeAlias = "Callable[[Peer], Awaitable[object]] | bytes | None"
"""What to do instead of the healthy thing: a function, an answer as it goes over
the wire, or None for the healthy thing itself."""

EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what is done in here is not prompt."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def answer(
    body: object = b"", status: str = "200 OK", *fields: str, kind: str = "application/json"
) -> bytes:
    """Return an HTTP response; a body that is no bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        *fields,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def chunk(content: bytes) -> bytes:
    """Return a chunk of a body in chunked framing."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def message(name: str, event_id: str | None = None, **fields: Any) -> bytes:
    """Return a message of the queue, as an event of the stream."""
    document = {"msg": name, "event_id": event_id, **fields}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def started(event: Event) -> bytes:
    return message("process_starts", event.event_id, eta=None)


def generating(event: Event, value: Any) -> bytes:
    """Return the first output of a generator."""
    output = {"data": [value], "is_generating": True}
    return message("process_generating", event.event_id, output=output, success=True)


def completed(event: Event, *values: Any) -> bytes:
    output = {"data": list(values), "is_generating": False, "duration": 0.1}
    return message("process_completed", event.event_id, output=output, success=True)


CLOSE_STREAM = message("close_stream")


@dataclass(frozen=True)
class Request:
    """What a client has sent."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def route(self) -> str:
        """What is asked for: "config", "info", "join", "data", "cancel"."""
        return urlsplit(self.target).path.rpartition("/")[2]

    @property
    def session(self) -> str:
        """The session hash of a stream."""
        return self.target.rpartition("session_hash=")[2]

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    def values(self, name: str) -> list[str]:
        """Return the values of a header field."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass(frozen=True)
class Event:
    """A call that the server has accepted."""

    event_id: str
    session: str
    fn_index: int
    data: list[Any]


@dataclass
class Session:
    """What the healthy server has to say in a session."""

    messages: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    pending: set[str] = field(default_factory=set)


class Gate:
    """Something that a script waits for, and a test opens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._opened.set)

    async def passed(self) -> None:
        await self._opened.wait()


class Peer:
    """A connection, as a script sees it; `request` is the one to be answered."""

    def __init__(
        self, server: FakeGradio, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.request = Request("", "", [], b"")
        self.idle = False
        self.over = False
        self._reader = reader
        self._writer = writer

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def send_chunk(self, content: bytes) -> None:
        await self.send(chunk(content))

    async def events(self, count: int = 1) -> list[Event]:
        """Wait for that many calls in the session of this stream."""
        return await self.server.joined(self.request.session, count)

    def close(self) -> None:
        """End the connection in order."""
        self.over = True
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a reset."""
        self.over = True
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self._writer.transport.abort()

    def abort(self) -> None:
        """End the connection with what is still to be sent unsent."""
        self.over = True
        self._writer.transport.abort()

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on listening."""
        self._writer.write_eof()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        self.over = True
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass

    async def read(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def first_byte(self) -> bytes:
        return await self._reader.read(1)

    async def read_request(self, first: bytes) -> Request:
        head = first + await self._reader.readuntil(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = start.split(" ")
        fields = [(name, value.strip()) for name, _, value in (ln.partition(":") for ln in lines)]
        sizes = [int(value) for name, value in fields if name.lower() == "content-length"]
        body = await self._reader.readexactly(sizes[0]) if sizes else b""
        return Request(method, target, fields, body)


class FakeGradio:
    """The server. Its endpoints:

    * /echo(text) returns its argument,
    * /words(n), a generator, yields "w", "ww", "www"..., and returns the last,
    * /held(text), a generator, ends when a test says so, or when it is cancelled,
    * /stateful(text), if asked for, has State and returns its argument.
    """

    def __init__(self, *, state: bool = False, port: int = 0) -> None:
        self.names = ["echo", "words", "held", *(["stateful"] if state else [])]
        self.requests: list[Request] = []
        self.events: list[Event] = []
        self.failures: list[BaseException] = []
        """What went wrong in scripts: a mistake of the test."""
        self.accepted = 0
        self.open = 0
        self.fields: tuple[str, ...] = ()
        """Header fields of every healthy answer."""
        self.closes = False
        """Every connection after one healthy answer."""
        self.config_fields: dict[str, Any] = {}
        self._scripts: dict[str, list[Script]] = {}
        self._sessions: dict[str, Session] = {}
        self._ids = itertools.count(1)
        self._peers: set[Peer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()
        # asyncio does not see that it is TCP, so it leaves Nagle's delays on.
        self._socket = socket.create_server(("127.0.0.1", port), backlog=512)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # and its children
        self.port = self._socket.getsockname()[1]
        self.origin = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.origin}"
        self.loop = asyncio.new_event_loop()
        self._news = asyncio.Condition()
        self._thread = threading.Thread(target=self._run, name="fake-gradio")
        self._thread.start()

    # ---- for tests, from their thread

    def script(self, route: str, *scripts: Script) -> None:
        """Replace the answers of a route: one script a request, the last for all others.

        Beside the routes of Gradio there are "connect", for a connection that
        was just made, and "bytes", for a request of which one byte was read.
        """
        self._scripts[route] = list(scripts)

    def gate(self) -> Gate:
        return Gate(self.loop)

    def asked(self, route: str) -> list[Request]:
        """Return the requests for a route."""
        return [request for request in list(self.requests) if request.route == route]

    def until(self, fact: Callable[[], object]) -> None:
        """Wait until a fact about the server holds."""
        with self._changed:
            assert self._changed.wait_for(fact, SOON)

    def finish(self, event: Event, *values: Any) -> None:
        """Let a call of /held end."""
        self.loop.call_soon_threadsafe(self.say, event.session, completed(event, *values), event)

    def end_idle_connections(self) -> None:
        """Wait for every request to be answered, and close all connections."""
        self.until(lambda: all(peer.idle for peer in list(self._peers)))

        def end() -> None:
            for peer in self._peers:
                peer.half_close()  # and the client, seeing it, closes the other half

        self.loop.call_soon_threadsafe(end)

    def stop_listening(self) -> None:
        """Refuse all further connections."""
        asyncio.run_coroutine_threadsafe(self._stop_listening(), self.loop).result(SOON)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SOON)
        assert not self._thread.is_alive()

    # ---- for scripts, on the loop

    async def joined(self, session: str, count: int) -> list[Event]:
        """Wait for that many calls in a session."""

        def found() -> list[Event]:
            return [event for event in self.events if event.session == session]

        async with self._news:
            await self._news.wait_for(lambda: len(found()) >= count)
        return found()

    async def asked_for_data(self) -> None:
        """Wait for a request for the route "data"."""
        async with self._news:
            await self._news.wait_for(lambda: self.asked("data"))

    async def accept(self, request: Request) -> Event:
        """Take a call into the queue, without answering it."""
        document = request.document
        event = Event(
            f"event-{next(self._ids)}",
            document["session_hash"],
            document["fn_index"],
            document["data"],
        )
        session = self._sessions.setdefault(event.session, Session())
        session.pending.add(event.event_id)
        self.say(event.session, message("estimation", event.event_id, rank=0, queue_size=1))
        self.say(event.session, started(event))
        name = self.names[event.fn_index]
        if name == "words":
            for n in range(1, event.data[0] + 1):
                edits = [["append", [], "w"]]
                self.say(event.session, generating(event, "w" if n == 1 else edits))
            self.say(event.session, completed(event, "w" * event.data[0]), event)
        elif name != "held":
            values = [event.data[0]] if name == "echo" else [event.data[0], None]
            self.say(event.session, completed(event, *values), event)
        async with self._news:
            self.events.append(event)
            self._news.notify_all()
        self._note()
        return event

    def say(self, session: str, content: bytes, ended: Event | None = None) -> None:
        """Have something said in a session; `ended` is the call that it ends."""
        there = self._sessions.get(session)
        if there is not None:
            there.messages.put_nowait(content)
            if ended is not None:
                there.messages.put_nowait(b"ended " + ended.event_id.encode())

    def forget(self, session: str) -> None:
        """Do what Gradio does when the stream of a session breaks."""
        self._sessions.pop(session, None)

    async def healthy(self, peer: Peer) -> None:
        """Answer a request as Gradio does."""
        match peer.request.route:
            case "config":
                await self._send(peer, answer(self._config(), "200 OK", *self.fields))
            case "info":
                await self._send(peer, answer(self._info(), "200 OK", *self.fields))
            case "join":
                event = await self.accept(peer.request)
                body = {"event_id": event.event_id}
                await self._send(peer, answer(body, "200 OK", *self.fields))
            case "data":
                await self._stream(peer)
            case "cancel":
                self._cancel(peer.request.document)
                await self._send(peer, answer({"success": True}, "200 OK", *self.fields))
            case _:
                await self._send(peer, answer(b"{}", "404 Not Found"))

    # ---- the server

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._listening = self.loop.run_until_complete(
            asyncio.start_server(self._connected, sock=self._socket)
        )
        try:
            self.loop.run_forever()
        finally:
            self._listening.close()
            self.loop.run_until_complete(self._leave())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _stop_listening(self) -> None:
        self._listening.close()

    async def _leave(self) -> None:
        for peer in self._peers:
            peer.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports say so a step later
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self.loop.create_task(self._serve(Peer(self, reader, writer), writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: Peer, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        self._peers.add(peer)
        self._note()
        try:
            await self._answer(peer, "connect")
            while not peer.over:
                peer.idle = True
                self._note()
                first = await peer.first_byte()
                if not first:
                    return
                peer.idle = False
                await self._answer(peer, "bytes")
                if not peer.over:
                    peer.request = await peer.read_request(first)
                    async with self._news:
                        self.requests.append(peer.request)
                        self._news.notify_all()
                    self._note()
                    await self._answer(peer, peer.request.route)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        except Exception as error:
            self.failures.append(error)
        finally:
            writer.close()
            self._peers.discard(peer)
            self.open -= 1
            self._note()

    async def _answer(self, peer: Peer, route: str) -> None:
        scripts = self._scripts.get(route)
        script = (scripts.pop(0) if len(scripts) > 1 else scripts[0]) if scripts else None
        if isinstance(script, bytes):
            await peer.send(script)
        elif script is not None:
            await script(peer)
        elif route not in {"connect", "bytes"}:
            await self.healthy(peer)

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _send(self, peer: Peer, content: bytes) -> None:
        if self.closes:
            content = content.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        await peer.send(content)
        if self.closes:
            peer.close()

    async def _stream(self, peer: Peer) -> None:
        session = self._sessions.get(peer.request.session)
        head = EVENT_STREAM
        if self.closes:
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        await peer.send(head)
        if session is None:
            text = message("unexpected_error", message="404", session_not_found=True)
            await peer.send_chunk(text)
            peer.close()
            return
        async with _watched(peer) as gone:
            while True:
                getting = asyncio.ensure_future(session.messages.get())
                await asyncio.wait([getting, gone], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    getting.cancel()
                    self.forget(peer.request.session)
                    peer.over = True
                    return
                content = getting.result()
                if not content.startswith(b"ended "):
                    await peer.send_chunk(content)
                    continue
                session.pending.discard(content[6:].decode())
                if not session.pending:
                    break
        await peer.send(chunk(CLOSE_STREAM) + LAST_CHUNK)
        if self.closes:
            peer.close()

    def _cancel(self, document: dict[str, Any]) -> None:
        session = self._sessions.get(document["session_hash"])
        if session is None or document["event_id"] not in session.pending:
            return
        event = next(event for event in self.events if event.event_id == document["event_id"])
        output = message("process_completed", event.event_id, output={}, success=True)
        self.say(event.session, output, event)

    # ---- the documents

    def _config(self) -> dict[str, Any]:
        components: list[dict[str, Any]] = [
            {"id": 0, "type": "textbox", "skip_api": False},
            {"id": 1, "type": "state", "skip_api": True},
        ]
        dependencies = [
            {
                "id": n,
                "api_name": name,
                "inputs": [0, 1] if name == "stateful" else [0],
                "outputs": [0, 1] if name == "stateful" else [0],
                "backend_fn": True,
                "types": {"generator": name in {"words", "held"}, "cancel": False},
            }
            for n, name in enumerate(self.names)
        ]
        return {
            "version": "6.31.0",
            "protocol": "sse_v3",
            "api_prefix": "/gradio_api",
            "components": components,
            "dependencies": dependencies,
            **self.config_fields,
        }

    def _info(self) -> dict[str, Any]:
        endpoint = {
            "parameters": [
                {"parameter_name": "text", "label": "text", "parameter_has_default": False}
            ],
            "returns": [{"label": "output"}],
        }
        named = {f"/{name}": endpoint for name in self.names}
        return {"named_endpoints": named, "unnamed_endpoints": {}}


@asynccontextmanager
async def _watched(peer: Peer) -> AsyncIterator[asyncio.Future[bytes]]:
    """Watch for the client's going while something else is waited for."""
    gone = asyncio.ensure_future(peer.first_byte())
    try:
        yield gone
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
