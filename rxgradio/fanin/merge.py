"""All that several streams say, as it comes."""

from __future__ import annotations

__all__ = ["merge"]

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

from reactivex import Observable, abc

from .inlets import LabelledInlets, labelled_streams
from .labelled import Labelled

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


class _Merging(LabelledInlets[K, Any, Labelled[K, Any]]):
    def __init__(
        self,
        labels: Sequence[K],
        observer: abc.ObserverBase[Labelled[K, Any]],
        scheduler: abc.SchedulerBase | None,
        *,
        keep: bool,
    ) -> None:
        super().__init__(labels, observer, scheduler)
        self._keep = keep

    def take(self, which: int, value: Any) -> None:
        self.out.put(Labelled(self.labels[which], value))

    def fail(self, which: int, error: Exception) -> None:
        if self._keep:
            self.out.put(Labelled(self.labels[which], None, error))
            self.complete(which)
        else:
            super().fail(which, error)

    def complete(self, which: int) -> None:  # noqa: ARG002 (which one is all the same)
        if not self.open:
            self.out.end()
