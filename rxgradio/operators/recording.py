"""What a stream has said so far, for all who join it."""

from __future__ import annotations

__all__ = ["Recording"]

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from ..runtime.log import End, Log, Waker
from ..runtime.reading import Subscription, starter, wake

T = TypeVar("T")


class Recording(Generic[T]):
    """One subscription, any number of observers: each gets all of it, from the beginning.

    They are called as those of a job are: on a delivery thread, or the scheduler that they
    name, each as fast as it takes the values.

    Args:
        replay: How many values are kept at least for who joins late; by default all.
    """

    def __init__(self, replay: int | None = None) -> None:
        self.log: Log[T, None, T] = Log(None, lambda state, value: (state, value), replay)
        self._upstream = SingleAssignmentDisposable()

    def begin(
        self,
        source: Observable[T],
        end: Callable[[Exception | None], None],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        """Subscribe; call it once.

        Args:
            source: What it is a recording of.
            end: Called when that has ended, to call `end`.
            scheduler: What it is subscribed to with.
        """
        self._upstream.disposable = source.subscribe(
            self.put, end, lambda: end(None), scheduler=scheduler
        )

    def put(self, value: T) -> None:
        """Take a value."""
        wake(self.append(value))

    def append(self, value: T) -> Sequence[Waker]:
        """Take a value; returns whom to wake once no lock is held."""
        with self.log.lock:
            return self.log.append([value])

    def end(self, error: BaseException | None = None) -> None:
        """Take the end."""
        self.leave()  # or it would hold the source until the next collection
        with self.log.lock:
            wakers = self.log.close(End(error))
        wake(wakers)

    def observe(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None, label: str
    ) -> Subscription[T]:
        """Tell an observer all that was and will be said."""
        return Subscription(self.log.cursor(), observer, starter(scheduler, observer), label)

    def leave(self) -> None:
        """Dispose of the subscription."""
        self._upstream.dispose()
