"""Snapshots for tests: what the demo knows after some news, without any job."""

from __future__ import annotations

__all__ = ["BEGINNING", "ENDINGS", "at", "told"]

from concurrent.futures import CancelledError
from datetime import UTC, datetime, timedelta
from functools import reduce

from reactivex.notification import OnCompleted, OnError, OnNext
from reactivex.operators._timestamp import Timestamp

from rxgradio import AppError, CancelOutcome, OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.demo.snapshot import Snapshot, advance

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGINNING + timedelta(seconds=seconds)


def told(name: str, *news: object, every: float = 1.0) -> Snapshot:
    """Fold some news, that came every so many seconds, into a snapshot."""
    stamped = [Timestamp(_notified(each), at(every * index)) for index, each in enumerate(news)]
    return reduce(advance, stamped, Snapshot(name))


def _notified(news: object) -> object:
    match news:
        case StatusUpdate() | OutputUpdate():
            return OnNext(news)
        case Exception():
            return OnError(news)
        case None:
            return OnCompleted()
        case _:
            return news


STARTING = StatusUpdate(Status.STARTING)
PROCESSING = StatusUpdate(Status.PROCESSING)
ITERATING = StatusUpdate(Status.ITERATING)


def queued(rank: int, eta: float | None = None) -> StatusUpdate:
    return StatusUpdate(Status.IN_QUEUE, rank=rank, queue_size=rank + 1, eta=eta)


def progressed(step: float, of: float, stage: str) -> StatusUpdate:
    unit = ProgressUnit(index=step, length=of, unit="steps", desc=stage)
    return StatusUpdate(Status.PROGRESS, progress_data=[unit])


def said(text: str, level: str = "info") -> StatusUpdate:
    return StatusUpdate(Status.LOG, log=(text, level))


FINISHED = (STARTING, PROCESSING, OutputUpdate("a result", final=True), None)
FAILED = (STARTING, PROCESSING, AppError("cannot divide by zero"))
CANCELLED = (
    STARTING,
    ITERATING,
    OutputUpdate("7 of 50"),
    StatusUpdate(Status.CANCELLED, success=False),
    CancelledError(),
    CancelOutcome.GENERATOR_CLOSED,
)
ENDINGS = {"divide": FAILED, "count": CANCELLED}
"""How the calls of the demo end that do not finish."""
