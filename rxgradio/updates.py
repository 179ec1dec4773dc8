"""What a job tells: where it stands, and what it has made.

These are the values that every stream of rxgradio is made of. They know no wire
format and hold no connection; several readers get the same ones, so nothing in
them is to be changed.
"""

from __future__ import annotations

__all__ = ["CancelOutcome", "OutputUpdate", "ProgressUnit", "Status", "StatusUpdate", "Update"]

from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Literal, TypeAlias


class Status(Enum):
    """The phases of a job, by the names of Gradio's own client."""

    STARTING = "STARTING"
    JOINING_QUEUE = "JOINING_QUEUE"
    QUEUE_FULL = "QUEUE_FULL"
    IN_QUEUE = "IN_QUEUE"
    SENDING_DATA = "SENDING_DATA"
    PROCESSING = "PROCESSING"
    PROGRESS = "PROGRESS"
    ITERATING = "ITERATING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"
    LOG = "LOG"

    @staticmethod
    def ordering(status: Status) -> int:
        """Return how far a job is that stands there; a log is news of any phase."""
        return list(Status).index(status)

    def __lt__(self, other: object) -> bool:
        """Whether a job comes here before it comes there."""
        if not isinstance(other, Status):
            return NotImplemented
        return self.ordering(self) < self.ordering(other)


class CancelOutcome(Enum):
    """What the server made of a cancel, as far as it can be known."""

    REMOVED = "removed"
    """The call was still waiting; it was taken out of the queue and never ran."""

    GENERATOR_CLOSED = "generator closed"
    """The call was a running generator, and is not asked for another output: the
    server closes it when it has made the one that it is working on (4.44 does not
    even close it)."""

    STILL_RUNNING = "still running"
    """The server let go of the call, but the function runs to its end unheard:
    Gradio cannot stop a plain function, and older servers run a queued call anyway."""

    SPARED_SIBLINGS = "not told yet, to spare its siblings"
    """Gradio's cancel would have ended other calls of the same endpoint too, so
    the server was not told yet; it is told once those are done, if it still matters."""

    FINISHED = "finished"
    """The call had ended on the server before the cancel reached it."""

    NOT_SENT = "not sent"
    """The call was cancelled before anything of it was sent to the server."""

    UNKNOWN = "unknown"
    """The server did not answer, or the connection was gone."""


@dataclass(frozen=True, slots=True)
class ProgressUnit:
    """One bar of a `gr.Progress`; any field is `None` where the app did not say.

    `index` of `length` steps are done, counted in `unit`; or `progress` is a
    fraction between 0 and 1.
    """

    index: float | None = None
    length: float | None = None
    unit: str | None = None
    progress: float | None = None
    desc: str | None = None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """Where a job stands.

    `rank` counts the calls ahead in the queue (0: next), `queue_size` the whole
    queue, `eta` is the server's estimate in seconds until the end, `time` is
    naive local time, as in Gradio's own client. `success` is None until the
    end. `log` is `(text, level)` of a `gr.Info` or `gr.Warning`; an update of
    code LOG is one such message, and no message is lost.
    """

    code: Status
    rank: int | None = None
    queue_size: int | None = None
    eta: float | None = None
    success: bool | None = None
    time: datetime | None = None
    progress_data: list[ProgressUnit] | None = None
    log: tuple[str, str] | None = None
    type: ClassVar[Literal["status"]] = "status"
    # What servers say beyond Gradio's own client.
    log_title: str | None = None
    log_duration: float | None = None
    """Seconds for which the app wants the message shown."""
    duration: float | None = None
    """Seconds that the function ran, told at the end."""
    average_duration: float | None = None
    """Seconds that calls of this endpoint take on average, told at the end."""
    used_cache: str | None = None
    """"full" or "partial" where the app answered from its cache."""
    time_limit: float | None = None
    """Seconds after which the app ends a streaming call."""
    attempt: int = 1
    """Which attempt at the call this is about: more than 1 if it was made again, after a
    loss (`resubmit=`) or because the queue was full (`wait_for_room=`)."""
    error: Exception | None = None
    """What the call failed with, where its stream goes on (`on_error="keep"`); other streams
    end with it, and it is not here."""

    def __repr__(self) -> str:
        """Show what is known, and leave out what is not."""
        known = [
            f"{each.name}={value!r}"
            for each in fields(self)
            if each.name not in {"code", "time"}
            and (value := getattr(self, each.name)) != each.default
        ]
        return f"StatusUpdate({', '.join([self.code.name, *known])})"


@dataclass(frozen=True, slots=True)
class OutputUpdate:
    """Something a job has made.

    `outputs` is the value of an endpoint with one output, and a tuple for
    several. Successive values share their unchanged parts: copy before changing
    one. A successful job ends with exactly one update that is `final`.
    """

    outputs: Any
    success: bool = True
    final: bool = False
    attempt: int = 1
    """Which attempt at the call made it, as in `StatusUpdate`: the outputs of each begin anew."""
    type: ClassVar[Literal["output"]] = "output"


Update: TypeAlias = StatusUpdate | OutputUpdate
