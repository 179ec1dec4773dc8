"""A stream, for loops that take it value by value."""

from __future__ import annotations

__all__ = ["Iteration", "Pullable", "iterate"]

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from reactivex import Observable

from ..runtime.awaited import blocking
from ..runtime.process import delivery, loop_thread
from ..runtime.reading import OnSlow, Readable, aread, placing, read, refuse_to_block
from .recording import Recording

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def iterate(
    *, on_slow: OnSlow = "buffer", most: int = 1000
) -> Callable[[Observable[T]], Iteration[T]]:
    """Return what makes of a stream something to loop over, with `for` and with `async for`.

        source:  --a--b--c--|
                 for: a  b  c

    Each loop subscribes anew when it begins, and disposes of that when it ends, however it
    does: leaving a loop over a cold stream cancels what it has called. A loop raises the
    error that the stream ends with.

    What `endpoint.map` and `from_async_iterable` give is asked for its values by the loop,
    unless `on_slow` says otherwise; from any other stream, they come when they want.

    Args:
        on_slow: What becomes of values that the loop has not taken in time: "buffer" keeps
            all, "latest" only the last, "drop_oldest" the last `most`; with "error" the
            loop raises `ConsumerTooSlow` if more than `most` wait.
        most: How many may wait.

    Raises:
        ValueError: There is no such `on_slow`, or `most` is not positive.
    """
    placing(Recording[Any]().log, on_slow, most, _last)  # to refuse at once

    def looped(source: Observable[T]) -> Iteration[T]:
        if on_slow == "buffer" and isinstance(source, Pullable):
            return Iteration(cast("Pullable[T]", source).pull)
        return Iteration(partial(_recorded, source, on_slow, most))

    return looped


Begin: TypeAlias = Callable[[], tuple[Readable[T], Callable[[], object]]]
"""Begins a loop; returns where it takes its values from, and what is to be done when it ends."""


@runtime_checkable
class Pullable(Protocol[T_co]):
    """A stream that can be asked for its values, so that none has to wait for the loop."""

    def pull(self) -> tuple[Readable[T_co], Callable[[], object]]:
        """Begin anew; returns where to take the values from, and what lets go of it."""
        ...


class Iteration(Generic[T]):
    """What a loop over a stream yields. Made by `iterate` and `to_async_iterable`.

    Args:
        begin: Begins one loop.
    """

    def __init__(self, begin: Begin[T]) -> None:
        self._begin = begin

    def __iter__(self) -> Generator[T]:
        """Yield each value when it comes, blocking; raises the stream's error."""
        refuse_to_block()
        with blocking():
            cursor, leave = self._begin()
        leave = _without_locks(leave)
        try:
            yield from read(cursor)
        finally:
            leave()

    async def __aiter__(self) -> AsyncGenerator[T]:
        """Yield each value when it comes, on the running loop; raises the stream's error."""
        cursor, leave = self._begin()
        leave = _without_locks(leave)
        try:
            # Closed with this one: else it would be left to the loop, which may be at its end.
            async with aclosing(aread(cursor)) as values:
                async for value in values:
                    yield value
        finally:
            leave()


def _recorded(
    source: Observable[T], on_slow: OnSlow, most: int
) -> tuple[Readable[T], Callable[[], object]]:
    # It keeps nothing but what its reader holds.
    recording: Recording[T] = Recording(replay=0)
    cursor = placing(recording.log, on_slow, most, _last)()
    subscription = source.subscribe(recording.put, recording.end, recording.end)
    return cursor, subscription.dispose


def _without_locks(leave: Callable[[], object]) -> Callable[[], object]:
    """Return what has another thread do it.

    A loop that is left may be ended by the garbage collector, on any thread and in the middle
    of anything: no lock may be taken there, and disposing takes some.
    """
    return partial(loop_thread().call, delivery().start, leave, "iterate")


def _last(values: Sequence[T]) -> list[T]:
    return [values[-1]]
