"""What Gradio did when: the facts of a release that a client can tell.

Written from the servers' side, and not shared with `protocol.dialects`: a fact that the
client gets wrong must not be wrong on both sides.
"""

from __future__ import annotations

__all__ = ["Generation", "generation_of"]

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Generation:
    """What holds for the servers of one release."""

    protocol: str | None
    prefix: str

    queue: Literal["websocket", "connection", "session"]
    """What a call is made on."""

    reset: Literal["restarts", "ends", "nothing"]
    """What `/reset` does: it restarts a generator (3.x), ends it, or does nothing."""

    has_cancel: bool
    cancel_removes: bool
    """`/cancel` takes the named event out of the queue; else it runs later all the same."""

    cancel_waits: bool
    """`/cancel` is answered when the generator that it names is closed, which it is after
    its next output (`safe_aclose_iterator`)."""

    closes_cancelled: bool
    """A generator that is cancelled is closed; 4.44 forgets it where it stands."""

    notices_drops: bool
    """That the stream of a session was dropped is noticed (custom_cors hid it for a while)."""

    sends_edits: bool
    says_close: bool
    forgives_second_end: bool
    """An end of an event that has ended is passed on; before, its stream breaks (KeyError)."""

    flags_unknown_session: bool
    quotes_errors: bool
    explains_errors: bool
    """An error comes with a title and a duration."""

    names_parameters: bool
    has_ids: bool
    """Dependencies have an `id`."""

    streams: Literal["no", "last frame again", "yes"]
    """There are `.stream()` events; at their close, 5.x calls the function once more."""


def generation_of(version: str) -> Generation:
    """Return what holds for a release, such as "3.50.2"."""
    release = tuple(int(number) for number in version.strip().split("."))
    protocols: list[tuple[tuple[int, ...], str | None]] = [
        ((4, 22), "sse_v3"),
        ((4, 21), "sse_v2.1"),
        ((4, 17), "sse_v2"),
        ((4, 9), "sse_v1"),
        ((4,), "sse"),
        ((), None),
    ]
    return Generation(
        protocol=next(protocol for since, protocol in protocols if release >= since),
        prefix="/gradio_api" if release >= (5,) else "",
        queue="websocket" if release < (4,) else "connection" if release < (4, 9) else "session",
        reset="restarts" if release < (4,) else "ends" if release < (4, 35) else "nothing",
        has_cancel=release >= (4, 31),
        cancel_removes=release >= (6, 14),
        cancel_waits=release >= (5,),
        closes_cancelled=not (4, 31) <= release < (5,),
        notices_drops=not (4, 19, 2) <= release <= (4, 23),
        sends_edits=release >= (4, 17),
        says_close=release >= (4, 22),
        forgives_second_end=release >= (5, 46),
        flags_unknown_session=release >= (5, 38),
        quotes_errors=release < (5, 2),
        explains_errors=release >= (5, 2),
        names_parameters=release >= (4, 23),
        has_ids=release >= (4, 23),
        streams="no" if release < (5,) else "last frame again" if release < (6,) else "yes",
    )
