"""A stream that must be over by some time."""

from __future__ import annotations

__all__ = ["deadline"]

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from ..exceptions import DeadlineExceeded
from .clock import clock
from .relay import Relay, relaying

T = TypeVar("T")


def deadline(
    seconds: float, *, scheduler: abc.SchedulerBase | None = None
) -> Callable[[Observable[T]], Observable[T]]:
    """Fail with `DeadlineExceeded` if the stream is not over in time.

        source:       --a--b--c--d--e--|
        deadline(8):  --a--b--#           (e.deadline is 8)

    Counted from each subscription. The source is disposed of first: what it has called is
    cancelled on the server. Values that wait for a slow observer come before the error.
    Of a call, the option `deadline=` of its endpoint does the same for every face of it.

    Args:
        seconds: How long it may take.
        scheduler: Keeps the time; else the one given to `subscribe`, else a
            `DeliveryScheduler`.

    Raises:
        ValueError: `seconds` is not positive.
    """
    if not seconds > 0:
        raise ValueError(f"a deadline is a positive number of seconds, not {seconds!r}")
    return lambda source: relaying(
        source, lambda observer, given: _Deadline(seconds, observer, given, clock(scheduler, given))
    )


class _Deadline(Relay[T]):
    def __init__(
        self,
        seconds: float,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._seconds = seconds

    def begin(self, source: Observable[T]) -> None:
        self.later(self._seconds, self._exceeded)
        super().begin(source)

    def _exceeded(self) -> None:
        message = f"the stream was not over within {self._seconds:g} s"
        self.end(DeadlineExceeded(message, deadline=self._seconds))
