"""A stream, for loops that take it value by value."""

from __future__ import annotations

__all__ = ["Iteration", "iterate"]

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from reactivex import Observable

from ..runtime.log import Cursor
from ..runtime.process import delivery, loop_thread
from ..runtime.reading import OnSlow, aread, placing, read
from .recording import Recording

T = TypeVar("T")


def iterate(
    *, on_slow: OnSlow = "buffer", most: int = 1000
) -> Callable[[Observable[T]], Iteration[T]]:
    """Return what makes of a stream something to loop over, with `for` and with `async for`.

        source:  --a--b--c--|
                 for: a  b  c

    Each loop subscribes anew when it begins, and disposes of that when it ends, however it
    does: leaving a loop over a cold stream cancels what it has called. A loop raises the
    error that the stream ends with.

    Args:
        on_slow: What becomes of values that the loop has not taken in time: "buffer" keeps
            all, "latest" only the last, "drop_oldest" the last `most`; with "error" the
            loop raises `ConsumerTooSlow` if more than `most` wait.
        most: How many may wait.

    Raises:
        ValueError: There is no such `on_slow`, or `most` is not positive.
    """
    placing(Recording[Any]().log, on_slow, most, _last)  # to refuse at once
    return lambda source: Iteration(source, on_slow, most)


class Iteration(Generic[T]):
    """What a loop over a stream yields. Made by `iterate` and `to_async_iterable`."""

    def __init__(self, source: Observable[T], on_slow: OnSlow, most: int) -> None:
        self._source = source
        self._on_slow: OnSlow = on_slow
        self._most = most

    def __iter__(self) -> Iterator[T]:
        """Yield each value when it comes, blocking; raises the stream's error."""
        cursor, leave = self._begin()
        try:
            yield from read(cursor)
        finally:
            leave()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield each value when it comes, on the running loop; raises the stream's error."""
        cursor, leave = self._begin()
        try:
            async for value in aread(cursor):
                yield value
        finally:
            leave()

    def _begin(self) -> tuple[Cursor[T, None, T], Callable[[], object]]:
        # It keeps nothing but what its reader holds.
        recording: Recording[T] = Recording(replay=0)
        cursor = placing(recording.log, self._on_slow, self._most, _last)()
        subscription = self._source.subscribe(recording.put, recording.end, recording.end)
        thread, threads = loop_thread(), delivery()

        def leave() -> None:
            # A loop that is left may be ended by the garbage collector, on any thread and in
            # the middle of anything: no lock may be taken here, and disposing takes some.
            thread.call(threads.start, subscription.dispose, "iterate")

        return cursor, leave


def _last(values: Sequence[T]) -> list[T]:
    return [values[-1]]
