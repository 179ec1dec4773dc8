"""An async iterable, as a stream."""

from __future__ import annotations

__all__ = ["from_async_iterable"]

import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from ..runtime.awaited import Awaited, Sink, running_loop
from ..runtime.log import End
from ..runtime.reading import Readable, tell_error, wake

logger = logging.getLogger("rxgradio")

T = TypeVar("T")

_ALL = 2**63
"""How many items are asked for: the next one when the observer has returned from the last."""


def from_async_iterable(
    iterable: AsyncIterable[T] | Callable[[], AsyncIterable[T]],
) -> Observable[T]:
    """Return a stream of the items of an async iterable.

        async for:   a--b----c|
        subscribe:   --a--b----c|
        dispose:     --a-✂            (and the iterator is closed: its `finally` runs)

    Each subscription iterates anew: over the iterable, of which an iterator gives the rest,
    or over what a function (such as that of an async generator) makes for it. That happens on
    the event loop where `subscribe` is called; if it is called on none, on the loop where the
    stream was made, while that runs; else on a loop of its own, on a thread that lasts as
    long. The observer is called there, in the context of the subscriber: it must not block
    the loop (`observe_on` takes it elsewhere), and the next item is asked for when it has
    returned. A loop (`iterate`, `to_async_iterable`) and `endpoint.map` ask for the items
    themselves, as fast as they go.

    Disposing cancels what the iterator waits for and closes it, whatever the thread. What it
    raises is `on_error`; so is `concurrent.futures.CancelledError` if the loop ends first.

    Args:
        iterable: What to iterate over, or a function that makes it.

    Raises:
        TypeError: It is neither.
    """
    if not (isinstance(iterable, AsyncIterable) or callable(iterable)):
        raise TypeError(
            "this takes an async iterable, or a function that makes one, "
            f"not {type(iterable).__name__}"
        )

    def begin() -> AsyncIterator[T]:
        if isinstance(iterable, AsyncIterable):
            return aiter(iterable)  # pyright: ignore[reportUnknownArgumentType] (if it is a function too, of what?)
        return aiter(iterable())

    home = running_loop()

    return _Stream(lambda sink: Awaited(begin, sink, home))


class _Stream(Observable[T]):
    """A stream of items that can also be asked for.

    Args:
        source: Begins to iterate anew, for a sink.
    """

    def __init__(self, source: Callable[[Sink], Awaited]) -> None:
        def subscribe(
            observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            items = _Items(observer)
            items.begin(source(items))
            return Disposable(items.dispose)

        super().__init__(subscribe)
        self._source = source

    def pull(self) -> tuple[Readable[T], Callable[[], object]]:
        """Begin anew; returns where to take the items from, and what closes the iterator."""
        place: _Place[T] = _Place()
        source = self._source(place)
        place.begin(source)
        return place, source.cancel


class _Items(Generic[T]):
    """One subscription: hands items on while it is wanted."""

    def __init__(self, observer: abc.ObserverBase[T]) -> None:
        self._observer: abc.ObserverBase[T] | None = observer
        self._source: Awaited | None = None

    def begin(self, source: Awaited) -> None:
        self._source = source
        source.request(_ALL)

    def on_input(self, value: T) -> None:
        observer = self._observer
        if observer is None:
            return
        try:
            observer.on_next(value)
        except Exception:
            # A subscriber that throws has cancelled (Reactive Streams, 2.13).
            logger.exception("an observer of an async iterable raised, and is not called any more")
            self.dispose()
        except BaseException:
            self.dispose()
            raise

    def on_end(self, error: BaseException | None) -> None:
        observer, self._observer = self._observer, None
        self._source = None
        if observer is None:
            return
        try:
            if error is None:
                observer.on_completed()
            else:
                tell_error(observer, error, "an async iterable")
        except Exception:
            logger.exception("an observer of an async iterable raised at its end")

    def dispose(self) -> None:
        self._observer = None
        source, self._source = self._source, None
        if source is not None:
            source.cancel()


class _Place(Generic[T]):
    """The next item for a reader, asked for when it is to be taken."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._source: Awaited | None = None
        self._asked = False
        self._items: list[T] = []
        self._end: End | None = None
        self._waker: Callable[[], object] | None = None

    def begin(self, source: Awaited) -> None:
        self._source = source

    # ---- what a reader wants

    def take(self) -> list[T]:
        with self._lock:
            taken, self._items = self._items, []
            asks, self._asked = not taken and not self._asked, not taken
        if asks and self._source is not None:
            self._source.request(1)
        return taken

    @property
    def end(self) -> End | None:
        with self._lock:
            return None if self._items else self._end

    def park(self, waker: Callable[[], object]) -> bool:
        with self._lock:
            if self._items or self._end is not None:
                return False
            self._waker = waker
            return True

    def unpark(self) -> None:
        with self._lock:
            self._waker = None

    # ---- what the source wants

    def on_input(self, value: T) -> None:
        with self._lock:
            self._items.append(value)
        self._wake()

    def on_end(self, error: BaseException | None) -> None:
        with self._lock:
            self._end = End(error)
        self._source = None
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waker, self._waker = self._waker, None
        if waker is not None:
            wake([waker])
