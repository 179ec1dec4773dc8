"""A Gradio 6 queue that is faster than its clients, so that a benchmark measures them.

It speaks what a 6.31 server speaks (`sse_v3` under `/gradio_api`) and keeps its rules of
closing, because a client's bugs live there: a session has a set of pending events, an
event leaves it when its completion is *written* to the stream, and the stream closes
exactly when that leaves the set empty; what a session is sent while no stream is open
waits for one; a stream that drops takes the session's events with it.

It departs from the real server where that costs time and tells nothing of the client: no
validation, no workers, and a cancel ends the one event that it names.

Run as `python -m benchmarks.server`: it prints `READY <port>`, and ends with its stdin.
"""

from __future__ import annotations

__all__: list[str] = []

import asyncio
import os
import threading
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import orjson

from .app import API_PREFIX, ENDPOINTS, config, info

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# How far a generator may run ahead of the socket of its reader, in messages.
_AHEAD = 256
_SLICE = 256 * 1024
_LAST_CHUNK = b"0\r\n\r\n"


def _chunk(message: dict[str, object]) -> bytes:
    """Frame a message as one server-sent event in one HTTP chunk, as uvicorn does."""
    event = b"data: " + orjson.dumps(message) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


_CLOSE_STREAM = _chunk({"msg": "close_stream", "event_id": None})
_NO_SESSION = _chunk(
    {
        "msg": "unexpected_error",
        "event_id": None,
        "message": "404: Not Found",
        "session_not_found": True,
        "success": False,
    }
)


class Session:
    """What one session hash waits for, and what waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pending: set[str] = set()
        self.running: dict[str, tuple[Event, asyncio.Task[None]]] = {}
        # Clients open one stream; should there be more, the oldest is served first.
        self.streams: list[Connection] = []
        self._loop = loop
        self._backlog: deque[tuple[bytes | memoryview, str | None]] = deque()
        self._pump_due = False
        self._room: asyncio.Event = asyncio.Event()

    def send(self, piece: bytes | memoryview, completes: str | None = None) -> None:
        """Write a piece of the stream, now or when there is a stream.

        `completes` names the event whose completion this piece ends.
        """
        self._backlog.append((piece, completes))
        self.wake()

    def wake(self) -> None:
        """Write what waits, once per turn of the loop, so that writes are batched."""
        if self.streams and self._backlog and not self._pump_due:
            self._pump_due = True
            self._loop.call_soon(self._pump)

    async def room(self) -> None:
        """Wait until the reader has caught up; a session without a reader buffers all."""
        await asyncio.sleep(0)
        while self.streams and len(self._backlog) > _AHEAD:
            self._room.clear()
            await self._room.wait()

    def drop(self) -> None:
        """End every event: the reader is gone."""
        for _, task in self.running.values():
            task.cancel()
        self.pending.clear()
        self._backlog.clear()
        self._room.set()

    def _pump(self) -> None:
        self._pump_due = False
        while self.streams and self._backlog and not self.streams[0].paused:
            self._serve(self.streams[0])
        if len(self._backlog) <= _AHEAD:
            self._room.set()

    def _serve(self, stream: Connection) -> None:
        """Write to one stream until it is full, the backlog is empty, or it closes."""
        batch = bytearray()
        while self._backlog and len(batch) < _SLICE:
            piece, completed = self._backlog.popleft()
            batch += piece
            if completed is not None:
                self.pending.discard(completed)
                if not self.pending:
                    batch += _CLOSE_STREAM
                    batch += _LAST_CHUNK
                    self.streams.remove(stream)
                    stream.session_hash = None
                    break
        stream.write(batch)


class Event:
    """One submission, as the function that answers it sees it."""

    def __init__(self, session: Session) -> None:
        self.id = uuid.uuid4().hex
        self._session = session
        self._average = 0.0822

    def starts(self) -> None:
        """Tell that the event has been queued, and has left the queue."""
        self._send(msg="estimation", rank=0, queue_size=1, rank_eta=self._average)
        self._send(msg="process_starts", eta=self._average)

    def generates(self, output: object) -> None:
        """Tell an output: the first in full, the others as a diff."""
        self._session.send(self.generation(output))

    def generation(self, output: object) -> bytes:
        """Build what `generates` sends, for those who send it often."""
        return _chunk(
            {
                "msg": "process_generating",
                "event_id": self.id,
                "output": self._output(output, is_generating=True),
                "success": True,
                "time_limit": None,
            }
        )

    async def repeats(self, output: object, times: int) -> None:
        """Tell the same diff many times, as fast as the reader takes it."""
        message = self.generation(output)
        for done in range(times):
            if done % 64 == 0:
                await self._session.room()
            self._session.send(message)

    def completes(self, output: object) -> None:
        """Tell the last value."""
        self._session.send(_chunk(self._completion(self._output(output))), self.id)

    def completes_with_text(self, text: bytes) -> None:
        """Tell a last value of megabytes without copying it: one chunk, many writes."""
        marker = b"@text@"
        event = b"data: " + orjson.dumps(self._completion(self._output(marker.decode()))) + b"\n\n"
        head, tail = event.split(marker)
        size = len(head) + len(text) + len(tail)
        self._session.send(b"%x\r\n%b" % (size, head))
        view = memoryview(text)
        for start in range(0, len(view), _SLICE):
            self._session.send(view[start : start + _SLICE])
        self._session.send(tail + b"\r\n", self.id)

    def cancelled(self) -> None:
        """Tell what a real server tells of a cancelled event: success, without data."""
        self._session.send(_chunk(self._completion({})), self.id)

    def fails(self, reason: str) -> None:
        """Tell that the function raised, so that a mistake here cannot pass for a slow client."""
        failure = self._completion({"error": reason}) | {"success": False}
        self._session.send(_chunk(failure), self.id)

    def _send(self, **message: object) -> None:
        self._session.send(_chunk({"event_id": self.id, **message}))

    def _completion(self, output: dict[str, object]) -> dict[str, object]:
        return {
            "msg": "process_completed",
            "event_id": self.id,
            "output": output,
            "success": True,
            "title": None,
            "used_cache": None,
            "cache_duration": 0.0003840923309326172,
            "avg_time": self._average,
        }

    def _output(self, output: object, *, is_generating: bool = False) -> dict[str, object]:
        return {
            "data": [output],
            "is_generating": is_generating,
            "duration": 0.10035777091979980,
            "average_duration": self._average,
            "render_config": None,
            "changed_state_ids": [],
            "used_cache": None,
        }


async def echo(event: Event, text: str) -> None:
    """Answer at once with what was asked."""
    event.completes(text)


async def tokens(event: Event, n: float) -> None:
    """Grow a text token by token, as fast as it is read."""
    event.generates("tok ")
    await event.repeats([["append", [], "tok "]], int(n) - 1)
    event.completes("tok " * int(n))


async def chat(event: Event, n: float) -> None:
    """Grow the last message of a conversation, as fast as it is read."""
    history = [
        {"role": role, "metadata": None, "content": content, "options": None}
        for role, content in [
            ("user", "What does a replay subject do?"),
            ("assistant", "It gives every observer the whole story, however late it comes."),
            ("user", "And an ordinary one?"),
            ("assistant", "Only what happens from now on."),
            ("user", "Say tok, many times."),
            ("assistant", "tok "),
        ]
    ]
    event.generates(history)
    await event.repeats([["append", [5, "content"], "tok "]], int(n) - 1)
    history[5]["content"] = "tok " * int(n)
    event.completes(history)


async def paced(event: Event, n: float, delay_ms: float) -> None:
    """Grow a text at a steady pace; each token is the time at which it was sent."""
    text = ""
    start = time.monotonic()
    for index in range(int(n)):
        await asyncio.sleep(start + index * delay_ms / 1000 - time.monotonic())
        stamp = f"{time.monotonic():.6f} "
        event.generates([["append", [], stamp]] if text else stamp)
        text += stamp
    event.completes(text)


async def big(event: Event, mb: float) -> None:
    """Answer with so many megabytes of text."""
    size = int(mb * 1024 * 1024)
    if size not in _BIG_TEXTS:
        _BIG_TEXTS[size] = (b"abcdefghijklmnopqrstuvwxyz012345" * (size // 32 + 1))[:size]
    event.completes_with_text(_BIG_TEXTS[size])


async def hold(event: Event, seconds: float) -> None:
    """Do nothing for a while."""
    await asyncio.sleep(seconds)
    event.completes("held")


_BIG_TEXTS: dict[int, bytes] = {}
_FUNCTIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "echo": echo,
    "tokens": tokens,
    "chat": chat,
    "paced": paced,
    "big": big,
    "hold": hold,
}


class Queue:
    """The events of every session."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sessions: dict[str, Session] = {}
        self._functions = [_FUNCTIONS[name] for name in ENDPOINTS]

    def join(self, body: bytes) -> dict[str, object]:
        """Start an event; its messages follow the answer, as those of the real server do."""
        request = orjson.loads(body)
        session = self._sessions.get(request["session_hash"])
        if session is None:
            session = self._sessions[request["session_hash"]] = Session(self._loop)
        event = Event(session)
        function = self._functions[request["fn_index"]]
        task = self._loop.create_task(_run(event, function, request["data"]))
        task.add_done_callback(lambda _: session.running.pop(event.id, None))
        session.pending.add(event.id)
        session.running[event.id] = event, task
        return {"event_id": event.id}

    def open(self, session_hash: str, connection: Connection) -> None:
        """Let a connection read what a session is sent."""
        session = self._sessions.get(session_hash)
        if session is None:
            connection.write(_NO_SESSION + _LAST_CHUNK)
            return
        connection.session_hash = session_hash
        session.streams.append(connection)
        session.wake()

    def cancel(self, body: bytes) -> dict[str, object]:
        """End the named event, if it still runs.

        The real server also sends this second completion for an event whose first one is
        on its way; it then greets the next job of the session, and would time the wrong one.
        """
        request = orjson.loads(body)
        session = self._sessions.get(request["session_hash"])
        if session is not None and request["event_id"] in session.running:
            event, task = session.running.pop(request["event_id"])
            task.cancel()
            event.cancelled()
        return {"success": True}

    def running(self) -> dict[str, object]:
        """Count the events that run; the real server does not tell."""
        return {"running": sum(len(session.running) for session in self._sessions.values())}

    def wake(self, session_hash: str) -> None:
        """Go on writing to a reader that has caught up."""
        if (session := self._sessions.get(session_hash)) is not None:
            session.wake()

    def lost(self, session_hash: str, connection: Connection) -> None:
        """Forget a session whose reader went away, as the real server does."""
        session = self._sessions[session_hash]
        session.streams.remove(connection)
        if not session.streams:
            del self._sessions[session_hash]
            session.drop()


async def _run(event: Event, function: Callable[..., Awaitable[None]], data: list[object]) -> None:
    event.starts()
    try:
        await function(event, *data)
    except Exception as error:
        event.fails(repr(error))


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection, reading just enough of HTTP for three clients."""

    def __init__(self, queue: Queue) -> None:
        self.paused = False
        self.session_hash: str | None = None
        self._queue = queue
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        if self.session_hash is not None:
            self._queue.lost(self.session_hash, self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self.session_hash is not None:
            self._queue.wake(self.session_hash)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            size = end + 4 + _content_length(head)
            if len(self._received) < size:
                return
            body = bytes(self._received[end + 4 : size])
            del self._received[:size]
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ", 2)
            self._answer(method, target, head, body)

    def write(self, data: bytes | bytearray) -> None:
        """Write to the peer, if there still is one."""
        if self._transport is not None:
            self._transport.write(data)

    def _answer(self, method: str, target: str, head: bytes, body: bytes) -> None:
        url = urlsplit(target)
        match method, url.path.removeprefix(API_PREFIX):
            case "POST", "/queue/join":
                self._respond(self._queue.join(body))
            case "GET", "/queue/data":
                self._open_stream()
                self._queue.open(parse_qs(url.query)["session_hash"][0], self)
            case "POST", "/cancel":
                self._respond(self._queue.cancel(body))
            case "POST", "/reset":
                self._respond({"success": True})
            case "GET", "/config":
                self._respond(config(f"http://{_header(head, b'host').decode()}"))
            case "GET", "/info":
                self._respond(info())
            case "GET", "/running":
                self._respond(self._queue.running())
            case "GET", path if path.startswith("/heartbeat/"):
                self._open_stream()
                self.write(b"d\r\ndata: ALIVE\n\n\r\n")
            case _:
                self._respond({"detail": "Not Found"}, b"404 Not Found")

    def _respond(self, value: dict[str, object], status: bytes = b"200 OK") -> None:
        body = orjson.dumps(value)
        self.write(
            b"HTTP/1.1 %b\r\nserver: benchmark\r\ncontent-length: %d\r\n"
            b"content-type: application/json\r\n\r\n%b" % (status, len(body), body)
        )

    def _open_stream(self) -> None:
        self.write(
            b"HTTP/1.1 200 OK\r\nserver: benchmark\r\n"
            b"content-type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


def _content_length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _stop_with_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # `os.read`, as a thread inside `sys.stdin` would hold its lock at exit.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


async def serve() -> None:
    """Serve until stdin ends."""
    loop = asyncio.get_running_loop()
    queue = Queue(loop)
    server = await loop.create_server(lambda: Connection(queue), "127.0.0.1", 0)
    print("READY", server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    threading.Thread(target=_stop_with_stdin, args=(loop, stop), daemon=True).start()
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
