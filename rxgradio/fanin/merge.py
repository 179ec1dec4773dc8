"""All that several streams say, as it comes."""

from __future__ import annotations

__all__ = ["merge"]

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

from reactivex import Observable, abc

from .inlets import Inlets, labelled_streams
from .labelled import Labelled, noted

K = TypeVar("K")
T = TypeVar("T")


@overload
def merge(
    streams: Mapping[K, Observable[T]], *, on_error: Literal["raise"] = "raise"
) -> Observable[Labelled[K, T]]: ...


@overload
def merge(
    streams: Mapping[K, Observable[T]], *, on_error: Literal["keep"]
) -> Observable[Labelled[K, T | None]]: ...


def merge(
    streams: Mapping[K, Observable[Any]], *, on_error: Literal["keep", "raise"] = "raise"
) -> Observable[Labelled[K, Any]]:
    """Pass on each value of each stream, with the label of the stream.

        a:       --1-----2--|
        b:       ----1--#            (#: an error)
        merge:   --a1-b1-#           (and a is left)
        "keep":  --a1-b1-b#-a2--|    (b#: a value with an `error`)

    What one stream says keeps its order. It completes when all have.

    Args:
        streams: By their labels.
        on_error: End with the first error, which gets a note that has the label, and leave
            the other streams; or make it the last value of its stream, without a
            `value` but with an `error`.

    Raises:
        TypeError: One of them is no stream.
        ValueError: There is no such `on_error`.
    """
    if on_error not in ("keep", "raise"):
        raise ValueError(f"on_error is 'keep' or 'raise', not {on_error!r}")
    sources = labelled_streams(streams)
    labels = list(streams)

    def subscribe(
        observer: abc.ObserverBase[Labelled[K, Any]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return _Merging(labels, observer, scheduler, keep=on_error == "keep").begin(sources)

    return Observable(subscribe)


class _Merging(Inlets[Any, Labelled[K, Any]]):
    def __init__(
        self,
        labels: Sequence[K],
        observer: abc.ObserverBase[Labelled[K, Any]],
        scheduler: abc.SchedulerBase | None,
        *,
        keep: bool,
    ) -> None:
        super().__init__(observer, scheduler)
        self._labels = labels
        self._keep = keep
        if not labels:
            self.out.end()

    def take(self, which: int, value: Any) -> None:
        self.out.put(Labelled(self._labels[which], value))

    def fail(self, which: int, error: Exception) -> None:
        label = self._labels[which]
        if self._keep:
            self.out.put(Labelled(label, None, error))
            self.complete(which)
        else:
            self.out.end(noted(error, label))

    def complete(self, which: int) -> None:  # noqa: ARG002 (which one is all the same)
        if not self.open:
            self.out.end()
