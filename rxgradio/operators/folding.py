"""What the operators on updates have in common: a fold for each subscription, fed serially.

A `Fold` holds what one subscription has got so far, and returns what is to be
emitted; it never calls anybody. Who feeds it, and in which order, is settled
here once: signals that come while one is passed on, from another thread or from
within the observer, wait until that one has been.
"""

from __future__ import annotations

__all__ = ["Fold", "folding", "is_new_call"]

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from ..updates import Status, Update

A = TypeVar("A")
B = TypeVar("B")


class Fold(Generic[A, B]):
    """What one subscription has got so far; its methods return what that gives to emit."""

    complete = False
    """Whether it wants no more: what it emits is complete."""

    def next(self, value: A) -> Sequence[B]:
        """Take a value; what it raises becomes `on_error`."""
        raise NotImplementedError

    def end(self, error: Exception | None) -> tuple[Sequence[B], Exception | None]:
        """Take the end; returns the error to end with too, None to complete."""
        return (), error


def folding(
    begin: Callable[[abc.SchedulerBase | None], Fold[A, B]],
) -> Callable[[Observable[A]], Observable[B]]:
    """Return an operator that passes each subscription through a fold of its own.

    Args:
        begin: Makes the fold, given the scheduler of the subscription.
    """

    def operator(source: Observable[A]) -> Observable[B]:
        def subscribe(
            observer: abc.ObserverBase[B], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            turns = _Turns(begin(scheduler), observer)
            turns.upstream.disposable = source.subscribe(
                turns.on_next, turns.on_error, turns.on_completed, scheduler=scheduler
            )
            return Disposable(turns.dispose)

        return Observable(subscribe)

    return operator


def is_new_call(update: Update) -> bool:
    """Whether a call begins here, as where one stream takes the place of another."""
    return update.type == "status" and update.code is Status.STARTING and update.attempt == 1


class _Turns(Generic[A, B]):
    """One subscription: its fold, and its observer, get one signal at a time."""

    def __init__(self, fold: Fold[A, B], observer: abc.ObserverBase[B]) -> None:
        self.upstream = SingleAssignmentDisposable()
        self._fold = fold
        self._observer = observer
        self._lock = threading.RLock()  # finalizers of values that are let go of may come here
        self._waiting: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._busy = False
        self._stopped = False

    def on_next(self, value: A) -> None:
        self._take(self._next, value)

    def on_error(self, error: Exception) -> None:
        self._take(self._end, error)

    def on_completed(self) -> None:
        self._take(self._end, None)

    def dispose(self) -> None:
        """Pass nothing more on, and want no more; a call in progress is not waited for."""
        self._stop()
        self.upstream.dispose()

    def _take(self, handle: Callable[[Any], None], signal: object) -> None:
        with self._lock:
            if self._stopped:
                return
            self._waiting.append((handle, signal))
            if self._busy:
                return
            self._busy = True
        try:
            while (due := self._due()) is not None:
                handle, signal = due
                handle(signal)
        except BaseException:
            # An observer that throws has cancelled (Reactive Streams, 2.13).
            self.dispose()
            raise

    def _due(self) -> tuple[Callable[[Any], None], Any] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._busy = False
            return None

    def _next(self, value: A) -> None:
        try:
            made = self._fold.next(value)
        except Exception as error:  # noqa: BLE001 (whatever a user's function raises)
            self._finish(error)
            return
        self._emit(made)
        if self._fold.complete:
            self._finish(None)

    def _end(self, error: Exception | None) -> None:
        try:
            made, error = self._fold.end(error)
        except Exception as raised:  # noqa: BLE001 (as above)
            made, error = (), raised
        self._emit(made)
        self._finish(error)

    def _emit(self, made: Sequence[B]) -> None:
        # The observer is one of reactivex's: it passes nothing on once it is disposed of,
        # and disposes of all this when it has ended.
        for each in made:
            self._observer.on_next(each)

    def _finish(self, error: Exception | None) -> None:
        # First of all: the observer may take its time.
        self.dispose()
        if error is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(error)

    def _stop(self) -> None:
        """Take no more signals, and forget those that wait."""
        with self._lock:
            self._stopped = True
            self._waiting.clear()
