"""What all fan-in has in common: several streams, one observer, one lock that decides."""

from __future__ import annotations

__all__ = ["Inlets", "LabelledInlets", "checked", "labelled_streams"]

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from ..operators.outlet import Outlet
from .labelled import noted

K = TypeVar("K")
T = TypeVar("T")
U = TypeVar("U")

Inlet = tuple[int, Observable[Any], SingleAssignmentDisposable]


class Inlets(ABC, Generic[T, U]):
    """One subscription: to several streams, each with a number.

    What a signal means is decided by `take`, `fail` and `complete`, one at a time and with
    the lock of `out` held. What they have decided is then done without it: streams are
    left first, others subscribed to, and the observer is called last, so that it
    holds up neither.

    Args:
        observer: Gets what is decided.
        scheduler: What the streams are subscribed to with.
    """

    def __init__(self, observer: abc.ObserverBase[U], scheduler: abc.SchedulerBase | None) -> None:
        self.out: Outlet[U] = Outlet(observer)
        self.open: dict[int, SingleAssignmentDisposable] = {}
        """The streams that have been entered, and neither ended nor been left."""
        self._scheduler = scheduler
        self._count = 0
        self._due: deque[Inlet] = deque()
        self._left: list[abc.DisposableBase] = []
        self._beginning = False

    @abstractmethod
    def take(self, which: int, value: T) -> None:
        """Decide on a value of a stream that is open."""

    @abstractmethod
    def fail(self, which: int, error: Exception) -> None:
        """Decide on the error of a stream, which is not open any more."""

    @abstractmethod
    def complete(self, which: int) -> None:
        """Decide on the completion of a stream, which is not open any more."""

    def begin(self, streams: Iterable[Observable[T]] = ()) -> abc.DisposableBase:
        """Subscribe to streams; returns what disposes of all."""
        with self.out.lock:
            for stream in streams:
                self.enter(stream)
        self.settle()
        return Disposable(self.dispose)

    def enter(self, stream: Observable[T]) -> int:
        """Take one more stream, with the lock held; returns its number."""
        which, self._count = self._count, self._count + 1
        subscription = self.open[which] = SingleAssignmentDisposable()
        self._due.append((which, stream, subscription))
        return which

    def leave(self, which: int) -> None:
        """Want no more of a stream, with the lock held."""
        self._left.append(self.open.pop(which))

    def let_go(self, held: abc.DisposableBase) -> None:
        """Have something disposed of, with the lock held."""
        self._left.append(held)

    def settle(self) -> None:
        """Do what has been decided, without the lock."""
        while True:
            with self.out.lock:
                if self.out.ended:
                    for which in list(self.open):
                        self.leave(which)
                left, self._left = self._left, []
                inlet = None
                if not self._beginning:
                    inlet = self._next()
                    self._beginning = inlet is not None
            for each in left:
                each.dispose()
            if inlet is None:
                break
            self._subscribe(*inlet)
        self.out.drain(self.dispose)

    def dispose(self) -> None:
        """Leave all streams, and signal no more; a call under way is not waited for."""
        with self.out.lock:
            self.out.dispose()
        self.settle()

    def on_error(self, which: int, error: Exception) -> None:
        """Take the error of a stream; called without the lock."""
        self._signal(which, self.fail, error, ends=True)

    def _next(self) -> Inlet | None:
        while self._due:
            inlet = self._due.popleft()
            if not inlet[2].is_disposed and inlet[0] in self.open:
                return inlet
        return None

    def _subscribe(
        self, which: int, stream: Observable[T], subscription: SingleAssignmentDisposable
    ) -> None:
        try:
            subscription.disposable = stream.subscribe(
                partial(self._signal, which, self.take),
                partial(self.on_error, which),
                partial(self._signal, which, self.complete, ends=True),
                scheduler=self._scheduler,
            )
        except BaseException:  # a KeyboardInterrupt: nobody gets what would dispose of this
            self.dispose()
            raise
        finally:
            with self.out.lock:
                self._beginning = False

    def _signal(
        self, which: int, decide: Callable[..., None], *what: object, ends: bool = False
    ) -> None:
        with self.out.lock:
            if self.out.ended or which not in self.open:
                return
            if ends:
                self.leave(which)
            decide(which, *what)
        self.settle()


class LabelledInlets(Inlets[T, U], Generic[K, T, U]):
    """Streams that have labels: nothing is to come of none, and an error ends all.

    Args:
        labels: Of the streams, in their order.
        observer: As of `Inlets`.
        scheduler: As of `Inlets`.
    """

    def __init__(
        self,
        labels: Sequence[K],
        observer: abc.ObserverBase[U],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(observer, scheduler)
        self.labels = labels
        if not labels:
            self.out.end()

    def fail(self, which: int, error: Exception) -> None:
        """End with it, and say whose it is."""
        self.out.end(noted(error, self.labels[which]))


def labelled_streams(streams: Mapping[Any, Observable[Any]]) -> list[Observable[Any]]:
    """Return the streams of a mapping, as `checked` does.

    Raises:
        TypeError: It is no mapping, or one of them is no stream.
    """
    if not isinstance(streams, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
        kind = type(streams).__name__
        raise TypeError(f'streams are given by their labels, as {{"a": stream}}, not as a {kind}')
    return checked(streams.values())


def checked(streams: Iterable[Observable[T]]) -> list[Observable[T]]:
    """Return them as a list.

    Raises:
        TypeError: One of them is no stream.
    """
    found = list(streams)
    for each in found:
        if not isinstance(each, Observable):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
            problem = f"streams are Observables, not {type(each).__name__}"
            problem += ": of a job take its `updates`, of an endpoint what it gives to `observe`"
            raise TypeError(problem)
    return found
