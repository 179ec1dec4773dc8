"""A stream that is slowed down."""

from __future__ import annotations

__all__ = ["rate_limit"]

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from .clock import clock
from .relay import Relay, relaying, seconds_of

T = TypeVar("T")

_RESOLUTION = 1e-6
"""Seconds that the clocks of schedulers do not tell apart."""


def rate_limit(
    rate: float, burst: int = 1, *, scheduler: abc.SchedulerBase | None = None
) -> Callable[[Observable[T]], Observable[T]]:
    """Delay values so that they come no faster than so many a second; none is dropped.

        source:              abc-------d-e--|
        rate_limit(1/3, 2):  ab--c-----d-e--|     (two at once, then one each 3 s)

    The observer is never called more than `rate * t + burst` times within t seconds. Each
    subscription counts for itself: to bound several streams together, merge them first.
    What has to wait comes on a thread of the scheduler, and waits in memory, however much
    it is: a stream cannot be slowed down by its observer. The end comes behind it, and so
    does an error.

    Args:
        rate: Values a second, in the long run.
        burst: How many may come at once after a pause.
        scheduler: Keeps the time; else the one given to `subscribe`, else a
            `DeliveryScheduler`.

    Raises:
        ValueError: `rate` is not positive, or `burst` less than 1.
    """
    if not rate > 0:
        raise ValueError(f"a rate is a positive number of values a second, not {rate!r}")
    if burst < 1:
        raise ValueError(f"burst={burst}: at least one value must be able to pass")
    return lambda source: relaying(
        source,
        lambda observer, given: _RateLimit(rate, burst, observer, given, clock(scheduler, given)),
    )


class _RateLimit(Relay[T]):
    """A token bucket, told by one number: the time when it is full again."""

    def __init__(
        self,
        rate: float,
        burst: int,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._gap = 1 / rate
        self._slack = (burst - 1) * self._gap
        self._full = seconds_of(clock)
        self._now = self._full
        self._waiting: deque[T] = deque()
        self._exhausted = False
        self._error: Exception | None = None
        self._busy = False
        """Whether a value is passed on, or the timer runs."""

    def on_next(self, value: T) -> None:
        with self.out.lock:
            self._waiting.append(value)
        self._go_on()

    def on_error(self, error: Exception) -> None:
        self._over(error)

    def on_completed(self) -> None:
        self._over(None)

    def leave(self) -> None:
        super().leave()
        with self.out.lock:
            self._waiting.clear()

    def _over(self, error: Exception | None) -> None:
        with self.out.lock:
            self._exhausted = True
            self._error = error
        self._go_on()

    def _go_on(self) -> None:
        while True:
            with self.out.lock:
                if self._busy or self.out.ended:
                    return
                if not self._waiting:
                    if not self._exhausted:
                        return
                    break
                self._busy = True
                # Read when the observer has returned: it is to have its time. It does not go
                # back, whatever the clock does.
                self._now = max(self._now, seconds_of(self.clock))
                wait = self._full - self._slack - self._now
                if wait <= _RESOLUTION:
                    self._full = max(self._full, self._now) + self._gap
                    self.out.put(self._waiting.popleft())
                else:
                    self._now += wait  # what it will be, should the timer be early
            if wait > _RESOLUTION:
                self.later(wait, self._due)
                return
            self.out.drain(self.dispose)
            with self.out.lock:
                self._busy = False
        self.end(self._error)

    def _due(self) -> None:
        with self.out.lock:
            self._busy = False
        self._go_on()
