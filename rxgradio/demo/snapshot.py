"""Where one job stands, folded from the news of it.

A fold of values into values: it holds no job and reads no clock, so a test of
it, and of all that is shown, is a list of updates.
"""

from __future__ import annotations

__all__ = ["News", "Phase", "Snapshot", "advance"]

from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from reactivex.notification import Notification, OnError, OnNext
from reactivex.operators._timestamp import Timestamp

from ..updates import CancelOutcome, OutputUpdate, ProgressUnit, Status, StatusUpdate, Update

News: TypeAlias = Notification[Update] | CancelOutcome
"""An update or the end of a job, or what the server made of its cancellation."""


class Phase(Enum):
    """What a job is about."""

    SENDING = "sending"
    QUEUED = "queued"
    RUNNING = "running"
    STREAMING = "streaming"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


_PHASES = {
    Status.IN_QUEUE: Phase.QUEUED,
    Status.PROCESSING: Phase.RUNNING,
    Status.PROGRESS: Phase.RUNNING,
    Status.ITERATING: Phase.STREAMING,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of a job at one moment."""

    name: str
    phase: Phase = Phase.SENDING
    updates: int = 0
    ahead: int | None = None
    """Calls before it in the queue."""
    eta: float | None = None
    progress: ProgressUnit | None = None
    text: str = ""
    """The newest output."""
    messages: tuple[tuple[str, str], ...] = ()
    """All of `gr.Info` and its like: text and level."""
    error: str = ""
    outcome: CancelOutcome | None = None

    latest: datetime | None = None
    submitted: datetime | None = None
    started: datetime | None = None
    answered: datetime | None = None
    """When the first output came."""
    ended: datetime | None = None

    def after(self, moment: datetime | None) -> float | None:
        """Return the seconds from the submission to `moment`, if both have been."""
        if moment is None or self.submitted is None:
            return None
        return (moment - self.submitted).total_seconds()


def advance(snapshot: Snapshot, news: Timestamp[News]) -> Snapshot:
    """Return where the job stands after the news."""
    now = news.timestamp
    snapshot = replace(snapshot, latest=now, submitted=snapshot.submitted or now)
    match news.value:
        case OnNext(value=update):
            return _updated(replace(snapshot, updates=snapshot.updates + 1), update, now)
        case OnError(exception=CancelledError()):
            return replace(snapshot, phase=Phase.CANCELLED, ended=now)
        case OnError(exception=error):
            return replace(snapshot, phase=Phase.FAILED, error=str(error), ended=now)
        case CancelOutcome() as outcome:
            return replace(snapshot, outcome=outcome)
        case _:
            return replace(snapshot, phase=Phase.FINISHED, ended=now)


def _updated(snapshot: Snapshot, update: Update, now: datetime) -> Snapshot:
    match update:
        case OutputUpdate(outputs=value):
            return replace(snapshot, text=str(value), answered=snapshot.answered or now)
        case StatusUpdate(code=Status.LOG, log=(text, level)):
            return replace(snapshot, messages=(*snapshot.messages, (text, level)))
        case StatusUpdate(code=code) if code in _PHASES:
            return _moved(snapshot, _PHASES[code], update, now)
        case StatusUpdate():
            return snapshot


def _moved(snapshot: Snapshot, phase: Phase, status: StatusUpdate, now: datetime) -> Snapshot:
    units = status.progress_data
    return replace(
        snapshot,
        phase=phase,
        ahead=status.rank,
        eta=status.eta,
        progress=units[0] if units else None,
        started=snapshot.started or (None if phase is Phase.QUEUED else now),
    )
