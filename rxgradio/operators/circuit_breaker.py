"""Calls that are not made while they would only fail."""

from __future__ import annotations

__all__ = ["CircuitBreaker", "CircuitState"]

import enum
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Any, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from ..exceptions import CircuitOpen, ClientClosed
from ..runtime.log import Waker
from ..runtime.reading import wake
from ..updates import OutputUpdate
from .clock import clock
from .recording import Recording
from .relay import Relay, relaying, seconds_of

T = TypeVar("T")


class CircuitState(enum.StrEnum):
    """What a `CircuitBreaker` does with streams."""

    CLOSED = "closed"
    """They are subscribed to."""
    OPEN = "open"
    """They fail at once."""
    HALF_OPEN = "half_open"
    """One at a time is subscribed to, to see how it ends; the others fail at once."""


class CircuitBreaker:
    """An operator to share: when streams have failed so often in a row, it lets none begin.

        a, b, c, ...:             --#   --#   --x--|   --x--|   --x--|
        failures=2, through it:   --#   --#   #        --x--|   --x--|
        states:                   closed...open......half_open..closed..

    It is open for `reset_after` seconds; streams fail with `CircuitOpen` then, soon after
    they have been subscribed to, and their source is not. Then it is half open: the next
    one is a trial, whose failure opens it again and whose end closes it. A stream that is
    disposed of tells nothing, and makes room for another trial, unless a call's final output
    was its last value (`result()` leaves it then): that has gone well. One that began before
    the state last changed tells nothing either. Those under way when it opens go on.

    Make one for each app, say, and put it on what calls it, below `retry`: that waits
    as long as a `CircuitOpen` asks for.

    Args:
        failures: How many errors in a row open it; a stream that completes begins the
            count anew.
        reset_after: Seconds until a trial is made.
        only: Which errors count; by default all but cancels and `ClientClosed`, which
            never do. What it raises is `on_error`. One that does not count tells nothing.
        scheduler: Keeps the time; by default a `DeliveryScheduler`.

    Raises:
        ValueError: `failures` is less than 1, or `reset_after` not positive.
    """

    def __init__(
        self,
        failures: int = 5,
        reset_after: float = 30.0,
        *,
        only: Callable[[Exception], bool] | None = None,
        scheduler: abc.SchedulerBase | None = None,
    ) -> None:
        if failures < 1:
            raise ValueError(f"failures={failures}: at least one opens the circuit")
        if not reset_after > 0:
            raise ValueError(f"reset_after is a positive number of seconds, not {reset_after!r}")
        self._bound = failures
        self._reset_after = reset_after
        self._only = only
        self._scheduler = scheduler
        self._clock = clock(scheduler)
        self._lock = threading.RLock()  # what is let go of may be disposed of by finalizers
        self._state = CircuitState.CLOSED
        self._change: object = object()
        """Stands for the last change of the state."""
        self._failed = 0
        self._trial: object = None
        self._until = 0.0
        self._watchers: dict[Recording[CircuitState], None] = {}
        self.states: Observable[CircuitState] = Observable(self._watch)
        """The state, and each one that it changes to; never ends. Observers are called
        like those of a job: on delivery threads, or the scheduler given to `subscribe`."""

    def __call__(self, source: Observable[T]) -> Observable[T]:
        """Return the stream that fails at once while the circuit is open."""
        return relaying(
            source,
            lambda observer, given: _Tried(
                self, observer, given, clock(None, given or self._scheduler)
            ),
        )

    @property
    def state(self) -> CircuitState:
        """What it does with streams that are subscribed to now."""
        return self._state

    def _watch(
        self,
        observer: abc.ObserverBase[CircuitState],
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        # Nobody joins it later, so nothing is kept but what this one has not got yet.
        watcher: Recording[CircuitState] = Recording(replay=0)
        subscription = watcher.observe(observer, scheduler, "the states of a circuit")
        with self._lock:
            self._watchers[watcher] = None
            wakers = watcher.append(self._state)
        wake(wakers)

        def dispose() -> None:
            subscription.dispose()
            with self._lock:
                self._watchers.pop(watcher, None)

        return Disposable(dispose)

    def _admit(self, tried: _Tried[Any]) -> CircuitOpen | None:
        """Return why a stream may not begin, None if it may."""
        wakers: list[Waker] = []
        try:
            with self._lock:
                seconds = self._until - seconds_of(self._clock)
                if self._state is CircuitState.OPEN and seconds <= 0:
                    wakers = self._become(CircuitState.HALF_OPEN)  # before the timer does it
                if self._state is CircuitState.OPEN:
                    said = f"{self._bound} calls in a row have failed: none is made for"
                    return CircuitOpen(f"{said} {seconds:.3g} s", retry_after=seconds)
                if self._state is CircuitState.HALF_OPEN:
                    if self._trial is not None:
                        return CircuitOpen("calls have failed, and one is under way as a trial")
                    self._trial = tried
                tried.since = self._change
                return None
        finally:
            wake(wakers)

    def _counts(self, error: Exception) -> bool:
        if isinstance(error, (CancelledError, ClientClosed)):
            return False
        return self._only is None or self._only(error)

    def _told(self, tried: _Tried[Any], failed: bool | None) -> None:
        """Take what became of a stream, once; None if that tells nothing."""
        with self._lock:
            since, tried.since = tried.since, None
            if since is not self._change:
                return
            trial, self._trial = self._trial is tried, None
            if failed is None:
                return
            self._failed = self._failed + 1 if failed else 0
            if failed and (trial or self._failed == self._bound):
                self._until = seconds_of(self._clock) + self._reset_after
                wakers = self._become(CircuitState.OPEN)
            elif trial:
                wakers = self._become(CircuitState.CLOSED)
            else:
                return
            opened = self._change if self._state is CircuitState.OPEN else None
        wake(wakers)
        if opened is not None:
            # With one made now: a fork leaves the threads of those made before behind.
            timekeeper = clock(self._scheduler)
            timekeeper.schedule_relative(self._reset_after, partial(self._half_open, opened))

    def _half_open(self, opened: object, _: abc.SchedulerBase, __: object = None) -> None:
        with self._lock:
            if self._change is not opened:
                return
            wakers = self._become(CircuitState.HALF_OPEN)
        wake(wakers)

    def _become(self, state: CircuitState) -> list[Waker]:
        """Change, with the lock held; returns whom to wake."""
        self._state = state
        self._change = object()
        self._failed = 0
        self._trial = None
        return [waker for watcher in self._watchers for waker in watcher.append(state)]


class _Tried(Relay[T]):
    """A stream on its way through."""

    since: object = None
    """The change of the circuit's state after which it began; None if it has been told of."""

    def __init__(
        self,
        breaker: CircuitBreaker,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._breaker = breaker
        self._final = False
        """Whether the last value was the final output of a call."""

    def begin(self, source: Observable[T]) -> None:
        refusal = self._breaker._admit(self)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (one thing, in two classes)
        if refusal is None:
            super().begin(source)
        else:
            self.refuse(refusal)

    def on_next(self, value: T) -> None:
        self._final = isinstance(value, OutputUpdate) and value.final
        super().on_next(value)

    def on_error(self, error: Exception) -> None:
        failed: bool | None
        try:
            failed = self._breaker._counts(error) or None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (as above)
        except Exception as raised:  # noqa: BLE001 (a function of the user's)
            failed, error = None, raised
        self._tell(failed)
        self.end(error)

    def on_completed(self) -> None:
        self._tell(False)
        self.end()

    def leave(self) -> None:
        super().leave()
        self._tell(False if self._final else None)

    def _tell(self, failed: bool | None) -> None:
        self._breaker._told(self, failed)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (as above)
