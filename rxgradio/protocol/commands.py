"""What the machines ask for, as values, and the calls that they ask it for.

A driver executes commands in the order in which it gets them, and reports back
what came of it by calling the machine. It decides nothing.
"""

from __future__ import annotations

__all__ = [
    "Call",
    "Command",
    "Connect",
    "DropStream",
    "ExchangeCommand",
    "Finish",
    "GiveData",
    "GiveHash",
    "HangUp",
    "OpenStream",
    "Phase",
    "PostCancel",
    "PostChunk",
    "PostJoin",
    "Publish",
    "Reroute",
    "SetTimer",
    "StopTimer",
    "TellCancel",
    "Timer",
    "take_chunk",
]

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

from ..options import CallOptions
from ..updates import CancelOutcome, StatusUpdate
from .event import Entry, Event

T = TypeVar("T")


class Phase(Enum):
    """How far the server knows of a call."""

    UNSENT = "unsent"
    JOINING = "joining"
    JOINED = "joined"
    GONE = "gone"


@dataclass(eq=False, slots=True)
class Call(Generic[T]):
    """One call, as its session sees it.

    `owner` is whoever wants to hear of it, `data` the JSON of its arguments,
    `options` go with everything about it; the machine only hands them through.
    """

    owner: T
    fn_index: int
    data: bytes
    event: Event
    generator: bool = False
    ordered: bool = False
    """It must join the queue after those of its kind that were submitted before it."""
    options: CallOptions = field(default_factory=CallOptions)
    event_id: str | None = None
    phase: Phase = Phase.UNSENT
    ghost: bool = False
    """It has ended for its user, but perhaps not on the server."""
    cancel_sent: bool = False
    """A cancel is sent once: servers stumble over a second one."""
    cancel_told: bool = False
    """What became of its cancel has been told, or nobody asked."""
    heard: bool = False
    """The session's stream has brought a message of it."""
    settled: bool = False
    """What the server has said of it is not older than its cancel."""
    ticks: int = 0
    """For how many ticks the stream has been open without another."""
    resumed: bool = False
    """It was known to the server when a stream broke that was then opened again."""
    chunks: deque[bytes | None] | None = None
    """For a `.stream()` event, the JSON of its further inputs; None is their end."""
    working: bool = True
    """The server has not yet answered the last of its inputs."""
    oauth_token: str | None = field(default=None, repr=False)
    """For an endpoint that asks for one."""


def take_chunk(chunks: deque[bytes | None], chunk: bytes | None, *, latest: bool) -> None:
    """Put a further input, or their end, behind those that wait; with `latest` in their place."""
    if latest and chunk is not None:
        chunks.clear()
    chunks.append(chunk)


class Timer(Enum):
    """What a session may wait for."""

    IDLE = "idle"
    SILENCE = "silence"
    REOPEN = "reopen"
    SETTLED = "settled"
    SPARED = "spared"


@dataclass(frozen=True, slots=True)
class PostJoin(Generic[T]):
    """Post the call to the queue; report `joined` or `join_failed`."""

    call: Call[T]


@dataclass(frozen=True, slots=True)
class PostCancel(Generic[T]):
    """Ask the server, within a time limit, to cancel the call; report `cancel_answered`."""

    call: Call[T]


@dataclass(frozen=True, slots=True)
class PostChunk(Generic[T]):
    """Post a further input of a `.stream()` event, or their end; report `chunk_failed`."""

    call: Call[T]
    chunk: bytes | None


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Open the session's stream; report `opened` or `refused`, then `received` and `ended`."""

    generation: int


@dataclass(frozen=True, slots=True)
class DropStream:
    """Close the connection of a stream."""

    generation: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Open the connection of the call; report `received` and `ended`."""


@dataclass(frozen=True, slots=True)
class GiveHash:
    """Tell the server, on the connection, whose call it is."""


@dataclass(frozen=True, slots=True)
class GiveData:
    """Hand the data of the call to the server."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection of the call, and forget its timer."""


@dataclass(frozen=True, slots=True)
class Publish(Generic[T]):
    """Add entries to the call's log; `status` is where it stands after them."""

    call: Call[T]
    entries: list[Entry]
    status: StatusUpdate


@dataclass(frozen=True, slots=True)
class Finish(Generic[T]):
    """Add the last entries to the call's log and end it, well if `error` is None."""

    call: Call[T]
    entries: list[Entry]
    status: StatusUpdate
    error: Exception | None


@dataclass(frozen=True, slots=True)
class TellCancel(Generic[T]):
    """Tell what the server made of the cancel of a call."""

    call: Call[T]
    outcome: CancelOutcome


@dataclass(frozen=True, slots=True)
class Reroute(Generic[T]):
    """The session is retired and never sent the call: give it to another session."""

    call: Call[T]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report `timer_due` after `seconds`; replaces a timer of the same kind."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Forget a timer."""

    timer: Timer


Command: TypeAlias = (
    PostJoin[T]
    | PostCancel[T]
    | PostChunk[T]
    | OpenStream
    | DropStream
    | Publish[T]
    | Finish[T]
    | TellCancel[T]
    | Reroute[T]
    | SetTimer
    | StopTimer
)

ExchangeCommand: TypeAlias = (
    Connect | GiveHash | GiveData | HangUp | Publish[T] | Finish[T] | TellCancel[T] | SetTimer
)
