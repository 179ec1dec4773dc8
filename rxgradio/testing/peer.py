"""A connection of a fault server, as a script sees it."""

from __future__ import annotations

__all__ = ["Ended", "Enough", "Gate", "Peer", "Request"]

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..protocol.shapes import is_object
from .content import Content, Document, chunk
from .listener import reset

if TYPE_CHECKING:
    from .faults import Toxic
    from .server import FaultServer, Joined


class Ended(ConnectionError):  # noqa: N818 (no error)
    """The connection was ended on purpose, and nothing more is to be done on it."""


class Enough(Exception):  # noqa: N818 (no error)
    """Nothing more is to be said in this answer, which ends properly."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client has sent."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        """What is asked for, without the query."""
        return urlsplit(self.target).path

    @property
    def route(self) -> str:
        """The last part of the path: "config", "info", "join", "data", "cancel"."""
        return self.path.rpartition("/")[2]

    @property
    def session(self) -> str:
        """The session hash of a stream."""
        return self.target.rpartition("session_hash=")[2]

    @property
    def document(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)

    def values(self, name: str) -> list[str]:
        """Return the values of a header field."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


class Gate:
    """Something that scripts and endpoints wait for, and a test opens, from any thread."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let all pass who wait, and who come."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def passed(self) -> None:
        """Wait until it is open."""
        await asyncio.shield(asyncio.wrap_future(self._opened))


class Peer:
    """A connection; `request` is the one to be answered.

    Args:
        server: Whose connection it is.
    """

    def __init__(
        self, server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.request = Request("", "", [], b"")
        self.idle = False
        """It waits for a request."""
        self.over = False
        """It takes no further request."""
        self.toxics: Sequence[Toxic] = ()
        """What is wrong with the healthy answer to this request."""
        self.said: Counter[str] = Counter()
        """The messages in the answer so far, by name."""
        self.frame: Callable[[bytes], bytes] = _event
        """How a message is written."""
        self.pace: tuple[int, float] | None = None
        """So many bytes at a time, and seconds before each further piece."""
        self._reader = reader
        self._writer = writer
        self._hung = False
        self._sending = asyncio.Lock()
        self._saying = asyncio.Lock()
        self.close_code = 1000
        """With which a websocket is closed."""
        self.watched = False
        """Something else listens already, and ends what the server does when the client goes."""

    def take(self, request: Request) -> None:
        """Turn to the next request."""
        self.request = request
        self.toxics = ()
        self.said = Counter()
        self.frame = _event
        self.pace = None
        self.close_code = 1000

    # ---- sending

    async def send(self, content: bytes) -> None:
        """Send bytes, as they are."""
        if self._hung:
            await asyncio.get_running_loop().create_future()
        async with self._sending:
            if self.pace is None:
                self._writer.write(content)
                await self._writer.drain()
                return
            size, seconds = self.pace
            for start in range(0, len(content), size):
                self._writer.write(content[start : start + size])
                await self._writer.drain()
                await asyncio.sleep(seconds)

    async def send_chunk(self, content: bytes) -> None:
        """Send a chunk of a body in chunked framing."""
        await self.send(chunk(content))

    async def say(self, document: Document) -> None:
        """Say a message, or what the toxics make of it."""
        async with self._saying:
            contents: list[Content] = [document]
            for toxic in self.toxics:
                contents = [
                    made
                    for each in contents
                    for made in (toxic.rewrite(self, each) if is_object(each) else [each])
                ]
            for content in contents:
                made = content(document) if callable(content) else content
                if isinstance(made, dict) and "event_id" in document:
                    made = {"msg": "", "event_id": document["event_id"], **made}
                framed = self.frame(made if isinstance(made, bytes) else json.dumps(made).encode())
                for toxic in self.toxics:
                    await toxic.before_message(self, framed)
                await self.send(framed)
            self.said[document["msg"]] += 1
            for toxic in self.toxics:
                await toxic.after_message(self)

    async def say_as_is(self, document: Document) -> None:
        """Say a message past all toxics, from within one of them."""
        await self.send(self.frame(json.dumps(document).encode()))

    async def beat(self) -> None:
        """Say a heartbeat, unless something else is being said or hangs."""
        if not self._saying.locked():
            await self.say_as_is({"msg": "heartbeat"})

    # ---- ending

    def close(self) -> None:
        """End the connection in order."""
        self.over = True
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a reset."""
        self.over = True
        reset(self._writer)

    def abort(self) -> None:
        """End the connection with what is still to be sent unsent."""
        self.over = True
        self._writer.transport.abort()

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on listening."""
        self._writer.write_eof()

    async def gone(self) -> None:
        """Wait until the client has closed the connection; what it sends is not heard."""
        self.over = True
        if self.watched:
            await asyncio.get_running_loop().create_future()  # its watcher cancels this
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    async def hang(self) -> None:
        """Send nothing more, not even a pong, until the client has closed the connection."""
        self._hung = True
        await self.gone()

    # ---- hearing

    async def events(self, count: int = 1) -> list[Joined]:
        """Wait for that many calls in the session of this stream."""
        return await self.server.joined(self.request.session, count)

    async def read(self, size: int) -> bytes:
        """Read so many bytes."""
        return await self._reader.readexactly(size)

    async def first_byte(self) -> bytes:
        """Wait for a byte, or the end."""
        return await self._reader.read(1)

    async def watch(self) -> None:
        """Wait until the client goes, or wants something else, while it is being answered."""
        with suppress(ConnectionError):
            await self.first_byte()

    async def read_request(self, first: bytes) -> Request:
        """Read the request that begins with these bytes."""
        head = first + await self._reader.readuntil(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = start.split(" ")
        fields = [(name, value.strip()) for name, _, value in (ln.partition(":") for ln in lines)]
        sizes = [int(value) for name, value in fields if name.lower() == "content-length"]
        body = await self._reader.readexactly(sizes[0]) if sizes else b""
        return Request(method, target, fields, body)


def _event(content: bytes) -> bytes:
    return chunk(b"data: " + content + b"\n\n")
