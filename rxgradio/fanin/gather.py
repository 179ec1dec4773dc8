"""What several streams come to, all at once."""

from __future__ import annotations

__all__ = ["Result", "gather"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from reactivex import Observable, abc
from reactivex import operators as ops

from ..updates import OutputUpdate, StatusUpdate
from .inlets import Inlets, checked

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to: its `value`, or the `error` that it failed with."""

    value: Any = None
    error: Exception | None = None


@overload
def gather(streams: Mapping[K, Observable[Any]]) -> Observable[dict[K, Result]]: ...


@overload
def gather(streams: Sequence[Observable[Any]]) -> Observable[list[Result]]: ...


def gather(
    streams: Mapping[Any, Observable[Any]] | Sequence[Observable[Any]],
) -> Observable[dict[Any, Result]] | Observable[list[Result]]:
    """Pass on what all streams have come to when the last of them has ended.

        a:       --S--o--A-|        (S: status, o: output, A: the final one)
        b:       ---S----#
        gather:  ----------(r|)     (r: {"a": Result(A), "b": Result(error=#)})

    Of a stream of updates it is the final output, of any other stream the last value; None
    if there was none. It never ends with an error. All streams are subscribed to at
    once: `Endpoint.map` is for more calls than an app should have at a time.

    Args:
        streams: By their labels, for a dict; or not, for a list.

    Raises:
        TypeError: One of them is no stream.
    """
    if not isinstance(streams, Mapping):
        return _gathered(checked(streams))
    labels = list(streams)

    def by_label(results: list[Result]) -> dict[Any, Result]:
        return {label: results[n] for n, label in enumerate(labels)}

    return _gathered(checked(streams.values())).pipe(ops.map(by_label))


def _gathered(sources: list[Observable[Any]]) -> Observable[list[Result]]:
    def subscribe(
        observer: abc.ObserverBase[list[Result]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return _Gathering(len(sources), observer, scheduler).begin(sources)

    return Observable(subscribe)


class _Gathering(Inlets[Any, list[Result]]):
    def __init__(
        self,
        count: int,
        observer: abc.ObserverBase[list[Result]],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(observer, scheduler)
        self._values: list[Any] = [None] * count
        self._errors: list[Exception | None] = [None] * count
        if not count:
            self._end()

    def take(self, which: int, value: Any) -> None:
        if isinstance(value, OutputUpdate):
            self._values[which] = value.outputs
        elif not isinstance(value, StatusUpdate):
            self._values[which] = value

    def fail(self, which: int, error: Exception) -> None:
        self._values[which] = None
        self._errors[which] = error
        self.complete(which)

    def complete(self, which: int) -> None:  # noqa: ARG002 (which one is all the same)
        if not self.open:
            self._end()

    def _end(self) -> None:
        self.out.put(
            [Result(value, error) for value, error in zip(self._values, self._errors, strict=True)]
        )
        self.out.end()
