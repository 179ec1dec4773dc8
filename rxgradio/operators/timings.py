"""When a call got where."""

from __future__ import annotations

__all__ = ["Timings", "timings"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reactivex import Observable, abc

from ..runtime.scheduler import DeliveryScheduler
from ..updates import OutputUpdate, Status, Update
from .folding import Fold, folding, is_new_call


@dataclass(frozen=True, slots=True)
class Timings:
    """The marks that a call has reached, each in seconds since the subscription.

    A mark is None while it is not reached; one that the server says nothing of, such
    as `queued` of a call that skips the queue, stays so.
    """

    queued: float | None = None
    """The app told a place in its queue."""
    started: float | None = None
    """The app's function was running."""
    first_output: float | None = None
    done: float | None = None
    """It had ended, well or not."""


def timings(
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[Update]], Observable[Timings]]:
    """Pass on the marks that the call has reached so far, whenever it has reached one.

        updates:    --S--Q--Q--P--a--b--b'-S-|    (Q: in the queue, P: runs, ': final)
        timings():  -----q-----qs-qsf------qsfd|  (q, s, f, d: the marks that are set)

    What counts is when an update is heard: of a job that is watched late, all marks come
    at once. An error is passed on after `done`. In a stream of one call after another,
    the marks of each begin anew, in seconds since it began.

    Args:
        scheduler: Whose clock it is by; else that of the scheduler given to
            `subscribe`, else that of a `DeliveryScheduler`.
    """
    return folding(lambda given: _Timings(scheduler or given or DeliveryScheduler()))


_MARKS = {
    Status.IN_QUEUE: ("queued",),
    Status.PROCESSING: ("started",),
    Status.PROGRESS: ("started",),
    Status.ITERATING: ("started",),
    Status.FINISHED: ("done",),
    Status.CANCELLED: ("done",),
}


class _Timings(Fold[Update, Timings]):
    def __init__(self, clock: abc.SchedulerBase) -> None:
        self._clock = clock
        self._since = clock.now
        self._heard = False
        self._marks = Timings()

    def next(self, value: Update) -> Sequence[Timings]:
        if is_new_call(value) and self._heard:
            self._since = self._clock.now
            self._marks = Timings()
        self._heard = True
        if isinstance(value, OutputUpdate):
            return self._reached("started", "first_output")
        return self._reached(*_MARKS.get(value.code, ()))

    def end(self, error: Exception | None) -> tuple[Sequence[Timings], Exception | None]:
        return self._reached("done"), error

    def _reached(self, *marks: str) -> Sequence[Timings]:
        fresh = [mark for mark in marks if getattr(self._marks, mark) is None]
        if not fresh:
            return ()
        seconds = (self._clock.now - self._since).total_seconds()
        self._marks = replace(self._marks, **dict.fromkeys(fresh, seconds))
        return (self._marks,)
