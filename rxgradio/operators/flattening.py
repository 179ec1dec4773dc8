"""What the operators have in common that make a stream of each input, one at a time.

They differ in what becomes of an input that comes while the stream of another goes on.
reactivex has them too, but its `switch_latest` checks what is newest and emits it without
a lock, so that a stale value may follow a new one when threads race; and its `merge` and
`concat_map` call observers with a lock held that a waiting thread may need.
"""

from __future__ import annotations

__all__ = ["Flattening", "Project"]

import asyncio
import concurrent.futures
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import reactivex
from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from .outlet import Outlet

T = TypeVar("T")
U = TypeVar("U")

Project: TypeAlias = "Callable[[T], Observable[U] | reactivex.typing.AnyFuture[U]]"
"""Makes a stream of an input; of a Future, that of its result."""


class Flattening(ABC, Generic[T, U]):
    """One subscription: to the inputs, and to the stream of one of them at a time.

    Streams are made and subscribed to one after another, by whichever thread has
    brought the input or ended the stream before.

    Args:
        project: Makes the stream of an input.
        observer: Gets the values of all streams.
        scheduler: What they are subscribed to with.
    """

    def __init__(
        self,
        project: Project[T, U],
        observer: abc.ObserverBase[U],
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        self.out: Outlet[U] = Outlet(observer)
        self.waiting: deque[T] = deque()
        """Inputs that have no stream yet."""
        self.inner: SingleAssignmentDisposable | None = None
        """The stream that goes on."""
        self._project = project
        self._scheduler = scheduler
        self._source = SingleAssignmentDisposable()
        self._exhausted = False
        self._beginning = False

    @classmethod
    def operator(cls, project: Project[T, U]) -> Callable[[Observable[T]], Observable[U]]:
        """Return it as an operator."""

        def flatten(source: Observable[T]) -> Observable[U]:
            def subscribe(
                observer: abc.ObserverBase[U], scheduler: abc.SchedulerBase | None = None
            ) -> abc.DisposableBase:
                return cls(project, observer, scheduler).subscribe(source)

            return Observable(subscribe)

        return flatten

    @abstractmethod
    def admit(self, value: T) -> abc.DisposableBase | None:
        """Decide on an input, with the lock of `out` held.

        Puts it among those that wait, or not; returns a stream that is to be left.
        """

    def subscribe(self, source: Observable[T]) -> abc.DisposableBase:
        """Begin."""
        try:
            self._source.disposable = source.subscribe(
                self._on_input, self._fail, self._on_exhausted, scheduler=self._scheduler
            )
        except BaseException:  # a KeyboardInterrupt: nobody gets what would dispose of this
            self._dispose()
            raise
        return Disposable(self._dispose)

    def _on_input(self, value: T) -> None:
        with self.out.lock:
            if self.out.ended:
                return
            left = self.admit(value)
        if left is not None:
            left.dispose()
        self._begin()

    def _on_exhausted(self) -> None:
        with self.out.lock:
            self._exhausted = True
        self._begin()

    def _begin(self) -> None:
        """Begin with the input that is next, if it may; else see whether it is all over."""
        while True:
            with self.out.lock:
                if self._beginning or self.out.ended or self.inner is not None:
                    return
                if not self.waiting:
                    if not self._exhausted:
                        return
                    self.out.end()
                    break
                self._beginning = True
                value = self.waiting.popleft()
                inner = self.inner = SingleAssignmentDisposable()
            try:
                self._observe(value, inner)
            except BaseException:  # a KeyboardInterrupt: the next input would wait for good
                self._dispose()
                raise
            with self.out.lock:
                self._beginning = False
        self.out.drain(self._dispose)

    def _observe(self, value: T, inner: SingleAssignmentDisposable) -> None:
        try:
            made = self._project(value)
            stream = _stream(made)
        except Exception as error:  # noqa: BLE001 (the user's function has failed)
            self._fail(error, inner)
            return
        # A Future is under way: if it is not wanted any more, this is how it is cancelled.
        if inner.is_disposed and stream is made:
            return
        inner.disposable = stream.subscribe(
            partial(self._on_next, inner),
            partial(self._on_error, inner),
            partial(self._on_completed, inner),
            scheduler=self._scheduler,
        )

    def _on_next(self, inner: object, value: U) -> None:
        with self.out.lock:
            if inner is not self.inner:
                return
            self.out.put(value)
        self.out.drain(self._dispose)

    def _on_error(self, inner: object, error: Exception) -> None:
        self._fail(error, inner)

    def _on_completed(self, inner: SingleAssignmentDisposable) -> None:
        inner.dispose()  # or it would hold the stream until the next collection
        with self.out.lock:
            if inner is not self.inner:
                return
            self.inner = None
        self._begin()

    def _fail(self, error: Exception, of: object = None) -> None:
        with self.out.lock:
            if of is not None and of is not self.inner:
                return
            self.out.end(error)
        self._leave()
        self.out.drain(self._dispose)

    def _dispose(self) -> None:
        with self.out.lock:
            self.out.dispose()
        self._leave()

    def _leave(self) -> None:
        """Let go of the inputs, and of the stream that goes on."""
        with self.out.lock:
            inner, self.inner = self.inner, None
            self.waiting.clear()
        self._source.dispose()
        if inner is not None:
            inner.dispose()


def _stream(made: Observable[U] | reactivex.typing.AnyFuture[U]) -> Observable[U]:
    if isinstance(made, Observable):
        return made
    if asyncio.isfuture(made) or isinstance(made, concurrent.futures.Future):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
        return reactivex.from_future(made)
    raise TypeError(f"a stream or a Future was to be made of an input, not {type(made).__name__}")
