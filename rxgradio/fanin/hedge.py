"""A second call where the first takes long."""

from __future__ import annotations

__all__ = ["Percentile", "hedge"]

import contextvars
import math
import threading
from collections import deque
from typing import Any, TypeVar, overload

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from ..fluent import Updates
from ..operators.clock import clock
from .contest import Contest, like
from .inlets import checked

T = TypeVar("T")


class Percentile:
    """How long most calls take to have an output, as a time for `hedge` to wait.

    One value for all calls of a kind: it learns from each of them. It goes by the last
    `most` that had an output, or were overtaken.

    Args:
        percent: Which share of the calls is to have an output within that time: at 95, one
            call of 20 is made twice.
        initial: Seconds to wait while fewer than `least` calls are known; None: for good.
        least: How many calls must be known.
        most: How many are remembered.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self, percent: float, *, initial: float | None = None, least: int = 10, most: int = 200
    ) -> None:
        if not 1 <= percent < 100:
            raise ValueError(f"a percentile is from 1 to 99, such as 95, not {percent!r}")
        if not 1 <= least <= most:
            raise ValueError(f"at least 1 call is known, and at most {most!r}: not {least!r}")
        if initial is not None and not initial >= 0:
            raise ValueError(f"initial is a number of seconds, not {initial!r}")
        self.percent = percent
        self.initial = initial
        self.least = least
        self._lock = threading.Lock()
        self._known: deque[float] = deque(maxlen=most)

    @property
    def seconds(self) -> float | None:
        """How long to wait, as far as is known; None: for good."""
        with self._lock:
            known = sorted(self._known)
        if len(known) < self.least:
            return self.initial
        return known[math.ceil(len(known) * self.percent / 100) - 1]

    def record(self, seconds: float) -> None:
        """Take note of a call that had its first output after so long, or not even then."""
        with self._lock:
            self._known.append(seconds)

    def __repr__(self) -> str:
        """Show what it is, and what it comes to."""
        return f"<Percentile {self.percent:g}: {self.seconds} s>"


@overload
def hedge(
    stream: Updates,
    second: Updates | None = None,
    *,
    after: float | Percentile,
    scheduler: abc.SchedulerBase | None = None,
) -> Updates: ...


@overload
def hedge(
    stream: Observable[T],
    second: Observable[T] | None = None,
    *,
    after: float | Percentile,
    scheduler: abc.SchedulerBase | None = None,
) -> Observable[T]: ...


def hedge(
    stream: Observable[Any],
    second: Observable[Any] | None = None,
    *,
    after: float | Percentile,
    scheduler: abc.SchedulerBase | None = None,
) -> Observable[Any]:
    """Subscribe to a second copy if the first takes long; pass on the first to have an output.

        stream:      --S--S-----------✂      (S: status, o: output)
        the copy:             S--S--o--o--|
        hedge:       --S--S---------SSo--o--|
                     <-after->

    The one that is late is left, and so cancelled on the server, as in a `race`. What fails
    before there is a copy is passed on: see `fail_over`. Once there is one, an error of one
    leaves the other; if both fail, their errors are an `ExceptionGroup`.

    Args:
        stream: A cold one, such as `observe` gives.
        second: What to subscribe to as the copy, such as the same call of another replica; by
            default `stream` once more.
        after: Seconds without an output; or a `Percentile`, which learns them.
        scheduler: Keeps the time; else the scheduler given to `subscribe`, else a
            `DeliveryScheduler`.

    Raises:
        TypeError: One of them is no stream.
        ValueError: `after` is negative.
    """
    sources = checked([stream, stream if second is None else second])
    if not isinstance(after, Percentile) and not after >= 0:
        raise ValueError(f"after is a number of seconds, not {after!r}")

    def subscribe(
        observer: abc.ObserverBase[Any], given: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return _Hedging(sources, observer, given, clock(scheduler, given), after).start()

    return like(sources, subscribe)


class _Hedging(Contest[T]):
    def __init__(
        self,
        streams: list[Observable[T]],
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
        after: float | Percentile,
    ) -> None:
        super().__init__(streams, observer, scheduler, "a hedge")
        self._clock = clock
        self._since = clock.now
        self._after = after
        self._timer = SingleAssignmentDisposable()

    def start(self) -> abc.DisposableBase:
        """Subscribe to the first, and to the second when it is time."""
        after = self._after
        seconds = after.seconds if isinstance(after, Percentile) else after
        self.start_next()
        if seconds is not None:
            # Who is called because of the copy is called in the context of the subscriber too.
            context = contextvars.copy_context()

            def due(_: abc.SchedulerBase, __: object = None) -> None:
                context.run(self._on_time)

            self._timer.disposable = self._clock.schedule_relative(float(seconds), due)
        return self.begin()

    def decided(self, winner: int) -> None:
        self.let_go(self._timer)
        # Of a first copy that was overtaken it is only known that it takes longer. To leave
        # it out would make the percentile ever shorter.
        if isinstance(self._after, Percentile) and (winner == 0 or 0 not in self._errors):
            self._after.record((self._clock.now - self._since).total_seconds())

    def settle(self) -> None:
        with self.out.lock:
            if self.out.ended:
                self.let_go(self._timer)
        super().settle()

    def _on_time(self) -> None:
        with self.out.lock:
            if self.waiting:
                self.start_next()
        self.settle()
