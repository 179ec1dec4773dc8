"""Ends of a call that are in none of its messages, in the same words everywhere."""

from __future__ import annotations

__all__ = [
    "closed",
    "cut",
    "dead_queue",
    "outcome_after",
    "outcome_of_drop",
    "outcome_unjoined",
    "silent",
]

from ..exceptions import ClientClosed, ConnectionLost, ProtocolError, RxGradioError
from ..updates import CancelOutcome
from .event import Event


def closed() -> ClientClosed:
    """Return the end of a call whose client is closed."""
    return ClientClosed("the client was closed, or the program ended, before the call had")


def cut() -> ConnectionLost:
    """Return the end of a call whose connection has ended without a word."""
    return ConnectionLost("the connection was cut before the call had ended")


def silent(seconds: float) -> ConnectionLost:
    """Return the end of a call on whose connection nothing has come for so long."""
    return ConnectionLost(f"the server has sent nothing, not even a heartbeat, for {seconds:.0f} s")


def dead_queue(seconds: float) -> ProtocolError:
    """Return the end of a call of which the app has said nothing for so long."""
    return ProtocolError(
        f"the app has said nothing about the call for {seconds:.0f} s: its queue "
        "does not move, and the app must be started again"
    )


def outcome_of_drop(*, started: bool, generator: bool) -> CancelOutcome:
    """Return what a server makes of a call whose connection is dropped.

    It removes what waits, and closes a generator; a plain function runs to its end.
    """
    if not started:
        return CancelOutcome.REMOVED
    return CancelOutcome.GENERATOR_CLOSED if generator else CancelOutcome.STILL_RUNNING


def outcome_unjoined(error: Exception | None) -> CancelOutcome:
    """Return what became of a call that failed before the server can be told of a cancel."""
    lost = not isinstance(error, RxGradioError) or (
        isinstance(error, ConnectionLost) and error.sent
    )
    return CancelOutcome.UNKNOWN if lost else CancelOutcome.NOT_SENT


def outcome_after(event: Event) -> CancelOutcome:
    """Return what becomes of the cancel of a call that had ended already."""
    lost = isinstance(event.error, ConnectionLost | ClientClosed)
    return CancelOutcome.UNKNOWN if lost else CancelOutcome.FINISHED
