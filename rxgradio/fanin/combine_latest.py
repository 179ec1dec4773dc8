"""The newest values of several streams, side by side."""

from __future__ import annotations

__all__ = ["combine_latest"]

from collections.abc import Mapping, Sequence
from typing import TypeVar

from reactivex import Observable, abc

from .inlets import LabelledInlets, labelled_streams

K = TypeVar("K")
T = TypeVar("T")


def combine_latest(
    streams: Mapping[K, Observable[T]], *, partial: bool = False
) -> Observable[dict[K, T]]:
    """Pass on the newest value of each stream, by its label, whenever one has a new value.

        a:             --1-----2----|
        b:             ----1-----2--|
        combine_latest: ---a1-a2-a2-|
                           b1 b1 b2
        partial:       --a1-a1-a2-a2-|
                            b1 b1 b2

    Each dict is a new one, in the order of `streams`. The first comes when all have a value,
    the first of a text that grows too: this is for `outputs()`, or for `snapshots()`,
    in which a failure is a value. An error ends it, and gets a note that has
    the label; it completes when all have, or when one does that never had a value.

    Args:
        streams: By their labels.
        partial: Do not wait for all: pass on from the first value on what there is; a
            stream that has none yet is missing.

    Raises:
        TypeError: One of them is no stream.
    """
    sources = labelled_streams(streams)
    labels = list(streams)

    def subscribe(
        observer: abc.ObserverBase[dict[K, T]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return _Combining(labels, observer, scheduler, partial=partial).begin(sources)

    return Observable(subscribe)


class _Combining(LabelledInlets[K, T, dict[K, T]]):
    def __init__(
        self,
        labels: Sequence[K],
        observer: abc.ObserverBase[dict[K, T]],
        scheduler: abc.SchedulerBase | None,
        *,
        partial: bool,
    ) -> None:
        super().__init__(labels, observer, scheduler)
        self._partial = partial
        self._newest: dict[int, T] = {}

    def take(self, which: int, value: T) -> None:
        self._newest[which] = value
        if self._partial or len(self._newest) == len(self.labels):
            newest = self._newest
            self.out.put({label: newest[n] for n, label in enumerate(self.labels) if n in newest})

    def complete(self, which: int) -> None:
        if not self.open or not (self._partial or which in self._newest):
            self.out.end()
