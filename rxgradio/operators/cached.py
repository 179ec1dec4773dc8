"""Calls whose results are kept."""

from __future__ import annotations

__all__ = ["cached"]

import math
from collections.abc import Callable, Hashable
from typing import ParamSpec, TypeVar

from reactivex import Observable, abc

from .clock import clock
from .relay import seconds_of
from .share_in_flight import Flight, Flights, Key

T = TypeVar("T")
P = ParamSpec("P")


def cached(
    make: Callable[P, Observable[T]],
    *,
    key: Key[P] | None = None,
    most: int = 128,
    seconds: float | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[P, Observable[T]]:
    """Make a function of cold streams keep those that complete, and replay them.

        make(x):                  --a--b--|
        kept(x):                  --a--b--|
        kept(x), while it runs:   ....(ab)|
        kept(x), afterwards:      (ab|)         (no call)

    As with `share_in_flight`, equal calls at the same time are one. What fails, or is left
    before its end, is not kept. All that a stream has said is: of `observe`, each update; to
    keep results alone, let `make` return `endpoint.observe(x).result()`. Behind this,
    `result()` would leave the stream before its end. Values are given to several observers
    as they are, and not copied.

    Args:
        make: Makes the stream; what it raises is `on_error`.
        key: Tells which calls are equal. By default those with the same arguments, which
            have to be hashable: those with files, lists or dicts need a key.
        most: How many streams are kept; of more, the one whose use is longest ago goes.
        seconds: How long one is good for after its end; by default always.
        scheduler: Whose clock it is by; by default that of a `DeliveryScheduler`.

    Raises:
        ValueError: `most` is less than 1, or `seconds` is not positive.
    """
    if most < 1:
        raise ValueError(f"most={most}: at least one stream must be kept")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"a result is good for a positive number of seconds, not {seconds!r}")
    return _Cache(make, key, most, seconds, clock(scheduler)).wrapped()


class _Cache(Flights[P, T]):
    def __init__(
        self,
        make: Callable[P, Observable[T]],
        key: Key[P] | None,
        most: int,
        seconds: float | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(make, key)
        self._most = most
        self._good = math.inf if seconds is None else seconds
        self._clock = clock
        self._kept: dict[Hashable, tuple[Flight[T], float]] = {}  # used last, last

    def kept(self, key: Hashable) -> Flight[T] | None:
        found = self._kept.pop(key, None)
        if found is None:
            return None
        flight, since = found
        if seconds_of(self._clock) - since >= self._good:
            return None
        self._kept[key] = found
        return flight

    def landed(self, key: Hashable, flight: Flight[T]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = flight, seconds_of(self._clock)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
