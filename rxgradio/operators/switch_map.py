"""The newest input only: what was made of the one before is left."""

from __future__ import annotations

__all__ = ["switch_map"]

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from .flattening import Flattening, Project

T = TypeVar("T")
U = TypeVar("U")


def switch_map(project: Project[T, U]) -> Callable[[Observable[T]], Observable[U]]:
    """Make a stream of each input, and leave that of the input before.

        source:      --a-----b--c-----|
        project(x):    x-x-x|
        result:      --a-a-a-b--c-c-c|

    The stream that is superseded is disposed of before the next one is made, and no value
    of it comes after that, whatever threads they come from. An observer that is slow
    delays what it gets, and not the switch.

    Args:
        project: Makes the stream; a Future stands for its result, and is cancelled when
            it is superseded. What it raises is `on_error`.
    """
    return _Switching[T, U].operator(project)


class _Switching(Flattening[T, U]):
    def admit(self, value: T) -> abc.DisposableBase | None:
        left, self.inner = self.inner, None
        self.waiting.clear()
        self.waiting.append(value)
        self.out.discard()
        return left
