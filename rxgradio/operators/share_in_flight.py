"""Equal calls that are made at the same time, made once."""

from __future__ import annotations

__all__ = ["Flight", "Flights", "Key", "share_in_flight"]

import threading
from collections.abc import Callable, Hashable
from functools import partial, update_wrapper
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from .recording import Recording

T = TypeVar("T")
P = ParamSpec("P")

Key: TypeAlias = Callable[P, Hashable]
"""Tells which calls are equal, given their arguments."""


def share_in_flight(
    make: Callable[P, Observable[T]], *, key: Key[P] | None = None
) -> Callable[P, Observable[T]]:
    """Make a function of cold streams share them among those who call it at the same time.

        make(x):           --a--b--c--|
        shared(x):         --a--b--c--|
        shared(x), later:  ....(ab)c--|     (no call of its own)

    The first to subscribe begins a stream, and whoever subscribes with equal arguments until
    that has ended gets all that it says, from its beginning; until then all of it is kept
    in memory. When the last of them leaves, it is disposed of. After its end, however it
    ended, the next one begins anew; to keep what it said, see `cached`. Observers are
    called like those of a job: each on delivery threads or the scheduler given to its
    `subscribe`, as fast as it is. The stream is subscribed to with the scheduler of the first.

    Args:
        make: Makes the stream, such as `client.endpoint("/caption").observe`. It is called
            when somebody subscribes; what it raises is `on_error`.
        key: Tells which calls are equal. By default those with the same arguments, which
            have to be hashable: those with files, lists or dicts need a key.
    """
    return Flights(make, key).wrapped()


class Flight(Recording[T]):
    """A stream under way, and how many observers it has."""

    def __init__(self) -> None:
        super().__init__()
        self.observers = 0


class Flights(Generic[P, T]):
    """The streams under way, by key.

    Args:
        make: Makes one.
        key: Tells which are equal.
    """

    def __init__(self, make: Callable[P, Observable[T]], key: Key[P] | None) -> None:
        self.lock = threading.RLock()  # what is let go of may be disposed of by finalizers
        self._make = make
        self._key: Callable[..., Hashable] = _arguments if key is None else key
        self._flights: dict[Hashable, Flight[T]] = {}

    def wrapped(self) -> Callable[P, Observable[T]]:
        """Return `make`, shared."""

        def shared(*args: P.args, **kwargs: P.kwargs) -> Observable[T]:
            return Observable(partial(self._subscribe, args, kwargs))

        return update_wrapper(shared, self._make)

    def kept(self, key: Hashable) -> Flight[T] | None:  # noqa: ARG002 (it is for others to keep)
        """Return the stream that is over and still good, with the lock held."""
        return None

    def landed(self, key: Hashable, flight: Flight[T]) -> None:
        """Take note that a stream has completed, with the lock held."""

    def _subscribe(
        self,
        args: Any,
        kwargs: Any,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        key = self._key(*args, **kwargs)
        try:
            hash(key)
        except TypeError as error:
            problem = f"equal calls cannot be told by these arguments ({error}): give a `key`"
            raise TypeError(problem) from error
        with self.lock:
            flight = self._flights.get(key) or self.kept(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = Flight()
            flight.observers += 1
        subscription = flight.observe(observer, scheduler, "a shared stream")
        if first:
            self._begin(key, flight, partial(self._make, *args, **kwargs), scheduler)

        def leave() -> None:
            subscription.dispose()
            self._leave(key, flight)

        return Disposable(leave)

    def _begin(
        self,
        key: Hashable,
        flight: Flight[T],
        make: Callable[[], Observable[T]],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        try:
            flight.begin(make(), partial(self._end, key, flight), scheduler)
        except BaseException as error:
            # Whatever it is, nobody who joins must wait for good.
            self._end(key, flight, error)
            if not isinstance(error, Exception):
                raise

    def _leave(self, key: Hashable, flight: Flight[T]) -> None:
        with self.lock:
            flight.observers -= 1
            last = flight.observers == 0 and self._flights.get(key) is flight
            if last:
                del self._flights[key]
        if last:
            flight.leave()

    def _end(self, key: Hashable, flight: Flight[T], error: BaseException | None) -> None:
        # Before its observers hear of it: one that then subscribes again is to get another.
        with self.lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
                if error is None:
                    self.landed(key, flight)
        flight.end(error)


def _arguments(*args: object, **kwargs: object) -> Hashable:
    # With their types: to an app, True is not 1.
    unnamed: list[object] = [(type(value), value) for value in args]
    named: list[object] = [(name, type(kwargs[name]), kwargs[name]) for name in sorted(kwargs)]
    return (*unnamed, *named)
