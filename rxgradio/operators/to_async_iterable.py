"""A stream, as an async iterable."""

from __future__ import annotations

__all__ = ["to_async_iterable"]

from collections.abc import AsyncIterable, Callable
from typing import TypeVar

from reactivex import Observable

from ..runtime.reading import OnSlow
from .iterate import iterate

T = TypeVar("T")


def to_async_iterable(
    *, on_slow: OnSlow = "buffer", most: int = 1000
) -> Callable[[Observable[T]], AsyncIterable[T]]:
    """Return what makes of a stream something to loop over with `async for`.

        source:       --a--b--c--|
                 async for: a  b  c

    Cancelling the task that loops disposes of the subscription, and so cancels what a cold
    stream has called. For all else see `iterate`.

    Args:
        on_slow: What becomes of values that the loop has not taken in time.
        most: How many may wait.

    Raises:
        ValueError: There is no such `on_slow`, or `most` is not positive.
    """
    return iterate(on_slow=on_slow, most=most)
