"""A stream that must not be silent for too long."""

from __future__ import annotations

__all__ = ["timeout"]

import math
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from ..exceptions import DeadlineExceeded
from .clock import clock
from .relay import Relay, relaying, seconds_of

T = TypeVar("T")

_EARLY = 0.001
"""Seconds by which a timer may be early: it and the clock are not the same."""


def timeout(
    seconds: float,
    *,
    first: float | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Fail with `DeadlineExceeded` if the stream says nothing for so long.

        source:                ------a--b--------c--|
        timeout(5, first=10):  ------a--b----#

    Counted from the subscription to the first value, and then from each value until the
    next one or the end; while the observer deals with a value, no time passes. The source
    is disposed of first: what it has called is cancelled on the server.

    Args:
        seconds: How long it may be silent; `math.inf` for no limit.
        first: How long until the first value, if not the same.
        scheduler: Keeps the time; else the one given to `subscribe`, else a
            `DeliveryScheduler`.

    Raises:
        ValueError: A number is not positive.
    """
    beginning = seconds if first is None else first
    if not (seconds > 0 and beginning > 0):
        raise ValueError("a timeout is a positive number of seconds")
    return lambda source: relaying(
        source,
        lambda observer, given: _Timeout(
            seconds, beginning, observer, given, clock(scheduler, given)
        ),
    )


class _Timeout(Relay[T]):
    """Has one timer at a time, which looks how long the silence is: a value costs none."""

    def __init__(
        self,
        seconds: float,
        first: float,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._allowed = first
        self._seconds = seconds
        self._due = seconds_of(clock) + first
        self._looks = math.inf
        """When the timer is due."""
        self._passing = 0

    def begin(self, source: Observable[T]) -> None:
        self._wait()
        super().begin(source)

    def on_next(self, value: T) -> None:
        with self.out.lock:
            self._passing += 1
            self._allowed = self._seconds
        try:
            super().on_next(value)
        finally:
            with self.out.lock:
                self._passing -= 1
                self._due = seconds_of(self.clock) + self._seconds
                too_late = self._due < self._looks
            if too_late:
                self._wait()

    def _wait(self) -> None:
        with self.out.lock:
            if self.out.ended:
                return
            self._looks = self._due
            seconds = min(self._due - seconds_of(self.clock), self._allowed)
        if seconds < math.inf:
            self.later(max(0.0, seconds), self._look)

    def _look(self) -> None:
        with self.out.lock:
            now = seconds_of(self.clock)
            if self._passing:
                self._due = now + self._seconds
            silent = self._due - now < _EARLY
            allowed = self._allowed
        if silent:
            message = f"the stream said nothing for {allowed:g} s"
            self.end(DeadlineExceeded(message, deadline=allowed))
        else:
            self._wait()
