"""Where the signals of several threads become those of one stream."""

from __future__ import annotations

__all__ = ["Outlet"]

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import abc

T = TypeVar("T")


class Outlet(Generic[T]):
    """Calls an observer serially, from whatever threads its signals come.

    What to signal is decided with `lock` held, together with the state of the operator
    that it depends on. The observer is called by `drain`, which holds no lock: a thread
    that finds another at it leaves its signals to that one.

    Args:
        observer: Whom to call.
    """

    def __init__(self, observer: abc.ObserverBase[T]) -> None:
        self.lock = threading.RLock()  # what is let go of may be disposed of by finalizers
        self._observer = observer
        self._values: deque[T] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._disposed = False
        self._draining = False

    @property
    def ended(self) -> bool:
        """Whether no signal is taken any more."""
        return self._ended

    def put(self, value: T) -> None:
        """Take a value, with the lock held."""
        if not self._ended:
            self._values.append(value)

    def discard(self) -> None:
        """Forget the values that the observer has not got yet, with the lock held."""
        self._values.clear()

    def end(self, error: Exception | None = None) -> None:
        """Take the end, with the lock held; it comes behind the values."""
        if not self._ended:
            self._ended = True
            self._error = error

    def dispose(self) -> None:
        """Signal no more, with the lock held; a call that is under way is not waited for."""
        self._ended = self._disposed = True
        self._values.clear()

    def drain(self, cancel: Callable[[], object]) -> None:
        """Call the observer with what there is, without the lock; raises what it raises.

        One that raises has cancelled (Reactive Streams, 2.13): `cancel` is called first.
        """
        # Not kept: it would be a cycle, and what it holds would wait for the collector.
        with self.lock:
            if self._draining:
                return
            self._draining = True
        try:
            self._signal()
        except BaseException:
            cancel()
            raise

    def _signal(self) -> None:
        while True:
            with self.lock:
                if self._disposed:
                    return
                if not self._values:
                    if self._ended:
                        break
                    self._draining = False
                    return
                value = self._values.popleft()
            self._observer.on_next(value)
        # Nobody drains it from now on: it is left as it is.
        if self._error is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(self._error)
