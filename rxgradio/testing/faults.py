"""Accidents, as values.

A *toxic* changes what a healthy answer is. Give it to `FaultServer.script` alone, or
several in a tuple. Those that end something count the messages of the stream: with
`after=3` they act when three have been said, with `of="process_generating"` too when
three of these have. With `after=0`, the default, they act when the request is there,
before anything is done about it.
"""

from __future__ import annotations

__all__ = [
    "Close",
    "Complete",
    "Duplicate",
    "End",
    "Full",
    "HalfClose",
    "Hang",
    "Insert",
    "Latency",
    "Mute",
    "Play",
    "Refuse",
    "Replace",
    "Reset",
    "Restart",
    "Rewrite",
    "Stop",
    "Toxic",
    "Trickle",
]

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from .content import Content, Document, answer
from .peer import Ended, Enough, Peer


class Toxic:
    """Something wrong with a healthy answer; each method is a moment at which it may act."""

    __slots__ = ()

    async def at_request(self, peer: Peer) -> None:
        """Act when the request is there."""

    async def at_answer(self, peer: Peer, content: bytes) -> None:
        """Act when the request was done, and the answer, or a stream's head, is to be sent."""

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:  # noqa: ARG002 (a hook)
        """Return what is to be said instead of a message."""
        return [document]

    async def before_message(self, peer: Peer, framed: bytes) -> None:
        """Act when a message is to be sent."""

    async def after_message(self, peer: Peer) -> None:
        """Act when a message has been said."""


def _said(peer: Peer, of: str | None) -> int:
    return peer.said.total() if of is None else peer.said[of]


# ---- ends


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Toxic):
    """The connection ends.

    Args:
        after: When so many messages have been said; 0 is before anything is done.
        of: Messages of this name, such as "process_generating"; by default all count.
        late: With `after=0`: only when the request was carried out, so that all that
            is missing is the answer. Of a stream, the head has been sent then.
        torn: In the middle of the next message, or of the answer.
    """

    after: int = 0
    of: str | None = None
    late: bool = False
    torn: bool = False

    async def end(self, peer: Peer) -> None:
        """End it."""
        raise NotImplementedError

    async def at_request(self, peer: Peer) -> None:
        """End before anything is done."""
        if not (self.after or self.late or self.torn):
            await self._end(peer)

    async def at_answer(self, peer: Peer, content: bytes) -> None:
        """End without the answer, or with half of it."""
        if self.after or not (self.late or (self.torn and content)):
            return
        if self.torn:
            await peer.send(content[: len(content) // 2])
        await self._end(peer)

    async def before_message(self, peer: Peer, framed: bytes) -> None:
        """End within a message."""
        if self.torn and _said(peer, self.of) >= self.after:
            await peer.send(framed[: len(framed) // 2])
            await self._end(peer)

    async def after_message(self, peer: Peer) -> None:
        """End after a message."""
        if self.after and not self.torn and _said(peer, self.of) >= self.after:
            await self._end(peer)

    async def _end(self, peer: Peer) -> None:
        await self.end(peer)
        raise Ended


class Reset(End):
    """The connection is reset (RST)."""

    async def end(self, peer: Peer) -> None:
        """Reset it."""
        peer.reset()


class Close(End):
    """The connection is closed (FIN), and the answer is not complete."""

    async def end(self, peer: Peer) -> None:
        """Close it."""
        peer.close()


class HalfClose(End):
    """The server says that it sends no more (FIN), and goes on listening."""

    async def end(self, peer: Peer) -> None:
        """Close one half, and wait for the client."""
        peer.half_close()
        await peer.gone()


class Hang(End):
    """Nothing more is sent, not even a heartbeat, and the connection stays open."""

    async def end(self, peer: Peer) -> None:
        """Wait until the client goes."""
        await peer.hang()


class Restart(End):
    """The server is started anew: all connections break, and it has forgotten all calls."""

    async def end(self, peer: Peer) -> None:
        """Start it anew."""
        await peer.server.start_anew()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Toxic):
    """The stream ends properly, although its calls have not.

    Args:
        after: When so many messages have been said.
        of: Messages of this name; by default all count.
        code: Of the websocket's close.
    """

    after: int = 0
    of: str | None = None
    code: int = 1000

    async def at_answer(self, peer: Peer, content: bytes) -> None:
        """End after the head of a stream."""
        if not (self.after or content):
            await self._end(peer)

    async def after_message(self, peer: Peer) -> None:
        """End after a message."""
        if _said(peer, self.of) >= self.after:
            await self._end(peer)

    async def _end(self, peer: Peer) -> None:
        peer.close_code = self.code
        raise Enough


class Stop(Complete):
    """The server shuts down, and says so as far as its version can.

    On websockets with the code 1012; since 4.9 with an `unexpected_error` (routes.py:
    "Server stopped unexpectedly."); on the streams of 4.0 to 4.8 it just ends.
    """

    async def _end(self, peer: Peer) -> None:
        peer.close_code = 1012
        if peer.server.queue == "session":
            said = {"msg": "unexpected_error", "message": "Server stopped unexpectedly."}
            await peer.say_as_is({**said, "success": False})
        raise Enough


# ---- refusals


@dataclass(frozen=True, slots=True)
class Refuse(Toxic):
    """The request is answered with an error, and nothing is done about it.

    Args:
        status: Such as "429 Too Many Requests", or 429.
        detail: What the server says of it.
        retry_after: The field Retry-After, if any.
        fields: Further fields of the header, such as "Location: http://127.0.0.1:1/".
    """

    status: str | int = "500 Internal Server Error"
    detail: Any = "refused"
    retry_after: float | str | None = None
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that it is a refusal."""
        code = int(str(self.status).partition(" ")[0])
        if not 300 <= code <= 599:
            raise ValueError(f"a refusal has a status from 300 to 599, not {self.status!r}")

    async def at_request(self, peer: Peer) -> None:
        """Answer."""
        more = [] if self.retry_after is None else [f"Retry-After: {self.retry_after}"]
        await peer.send(answer({"detail": self.detail}, self.status, *more, *self.fields))
        raise Enough


@dataclass(frozen=True, slots=True)
class Full(Toxic):
    """The queue is full, in the words of the server's version. For the step "join"."""

    size: int = 1

    async def at_request(self, peer: Peer) -> None:
        """Say so with a status, as since 4.9."""
        if peer.server.queue == "session":
            detail = f"Queue is full. Max size is {self.size} and size is {self.size}."
            await peer.send(answer({"detail": detail}, "503 Service Unavailable"))
            raise Enough

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:  # noqa: ARG002 (a hook)
        """Say so with a message, as before 4.9."""
        return [{"msg": "queue_full"}] if document["msg"] == "estimation" else [document]

    async def after_message(self, peer: Peer) -> None:
        """Say nothing else."""
        if peer.said["estimation"]:
            raise Enough


# ---- time


@dataclass(frozen=True, slots=True)
class Latency(Toxic):
    """Some seconds pass before anything is done."""

    seconds: float

    async def at_request(self, peer: Peer) -> None:  # noqa: ARG002 (a hook)
        """Wait."""
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Trickle(Toxic):
    """The answer comes in small pieces.

    Args:
        size: Bytes in each.
        seconds: Between two of them.
    """

    size: int = 1
    seconds: float = 0.0

    async def at_request(self, peer: Peer) -> None:
        """Slow down."""
        peer.pace = (self.size, self.seconds)


# ---- messages


@dataclass(frozen=True, slots=True)
class Rewrite(Toxic):
    """Each message is replaced by what a function makes of it: none, one or several."""

    change: Callable[[Document], Iterable[Content]]

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:  # noqa: ARG002 (a hook)
        """Return what the function makes of a message."""
        return self.change(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(Toxic):
    """No message comes any more, but heartbeats do.

    Args:
        after: When so many messages have been said.
        of: Messages of this name; by default all count.
    """

    after: int = 0
    of: str | None = None

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:
        """Say nothing."""
        return [] if _said(peer, self.of) >= self.after else [document]


@dataclass(frozen=True, slots=True)
class Duplicate(Toxic):
    """Messages come twice: all, or those of one name."""

    of: str | None = None

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:  # noqa: ARG002 (a hook)
        """Say it twice."""
        return [document, document] if self.of in {None, document["msg"]} else [document]


@dataclass(frozen=True, slots=True, init=False)
class _At(Toxic):
    contents: tuple[Content, ...]
    nth: int
    of: str | None

    _keeps: ClassVar[bool]

    def __init__(self, *contents: Content, nth: int = 1, of: str | None = None) -> None:
        object.__setattr__(self, "contents", contents)
        object.__setattr__(self, "nth", nth)
        object.__setattr__(self, "of", of)

    def rewrite(self, peer: Peer, document: Document) -> Iterable[Content]:
        """Say the contents."""
        meant = self.of in {None, document["msg"]}
        if not meant or _said(peer, self.of) != self.nth - 1:
            return [document]
        return [*self.contents, *([document] if self._keeps else [])]


class Insert(_At):
    """Something is said before a message.

    Args:
        contents: What; a document without an event id gets that of the message.
        nth: Before the nth message.
        of: Of those of this name; by default all count.
    """

    _keeps = True


class Replace(_At):
    """Something is said instead of a message.

    Args:
        contents: What; a document without an event id gets that of the message. Nothing
            at all loses the message.
        nth: Instead of the nth message.
        of: Of those of this name; by default all count.
    """

    _keeps = False


# ---- by hand

Step: TypeAlias = "bytes | float | End | Callable[[Peer], Awaitable[object]]"


class Play:
    """A script: bytes to be sent as they are, seconds to wait, functions, and an end.

    It takes the place of the healthy answer; `Play(stream_head(), 0.2, Reset())`.
    """

    def __init__(self, *steps: Step) -> None:
        self._steps = steps

    async def __call__(self, peer: Peer) -> None:
        """Play it."""
        for step in self._steps:
            if isinstance(step, bytes):
                await peer.send(step)
            elif isinstance(step, (int, float)):
                await asyncio.sleep(step)
            elif isinstance(step, End):
                await step.end(peer)
            else:
                await step(peer)
