"""The first values of several streams, then the second ones, and so on."""

from __future__ import annotations

__all__ = ["zip"]

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TypeVar

from reactivex import Observable, abc

from .inlets import LabelledInlets, labelled_streams

K = TypeVar("K")
T = TypeVar("T")


def zip(streams: Mapping[K, Observable[T]]) -> Observable[dict[K, T]]:  # noqa: A001 (as reactivex calls it)
    """Pass on the nth values of all streams, by their labels, when the last of them is there.

        a:    --1--2-----3--|
        b:    ----1----2--|
        zip:  ----a1---a2-|
                  b1   b2

    What is ahead waits in memory. It completes when a stream has ended of which nothing
    waits, and leaves the others; an error ends it at once, and gets a note that
    has the label.

    Args:
        streams: By their labels; `outputs()` or `result()` of calls, rather than updates.

    Raises:
        TypeError: One of them is no stream.
    """
    sources = labelled_streams(streams)
    labels = list(streams)

    def subscribe(
        observer: abc.ObserverBase[dict[K, T]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return _Zipping(labels, observer, scheduler).begin(sources)

    return Observable(subscribe)


class _Zipping(LabelledInlets[K, T, dict[K, T]]):
    def __init__(
        self,
        labels: Sequence[K],
        observer: abc.ObserverBase[dict[K, T]],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(labels, observer, scheduler)
        self._waiting: list[deque[T]] = [deque() for _ in labels]
        self._lacking = len(labels)
        """How many of them have no value that waits."""

    def take(self, which: int, value: T) -> None:
        self._waiting[which].append(value)
        if len(self._waiting[which]) > 1:
            return
        self._lacking -= 1
        if self._lacking:
            return
        self.out.put({label: self._waiting[n].popleft() for n, label in enumerate(self.labels)})
        empty = [n for n, values in enumerate(self._waiting) if not values]
        self._lacking = len(empty)
        if not self.open.keys() >= set(empty):
            self.out.end()

    def complete(self, which: int) -> None:
        if not self._waiting[which]:
            self.out.end()
