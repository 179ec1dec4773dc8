"""One input after another."""

from __future__ import annotations

__all__ = ["concat_map"]

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from .flattening import Flattening, Project

T = TypeVar("T")
U = TypeVar("U")


def concat_map(project: Project[T, U]) -> Callable[[Observable[T]], Observable[U]]:
    """Make a stream of each input when that of the one before has completed.

        source:      --a--b-----c-----|
        project(x):    x-x-x|
        result:      --a-a-a-b-b-b-c-c-c|

    Inputs wait in memory, as many as there are: a stream of inputs cannot be slowed down.

    Args:
        project: Makes the stream; a Future stands for its result. What it raises is
            `on_error`.
    """
    return _Concatenating[T, U].operator(project)


class _Concatenating(Flattening[T, U]):
    def admit(self, value: T) -> abc.DisposableBase | None:
        self.waiting.append(value)
        return None
