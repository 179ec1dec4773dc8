"""One input at a time: those that come meanwhile are ignored."""

from __future__ import annotations

__all__ = ["exhaust_map"]

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc

from .flattening import Flattening, Project

T = TypeVar("T")
U = TypeVar("U")


def exhaust_map(project: Project[T, U]) -> Callable[[Observable[T]], Observable[U]]:
    """Make a stream of an input, and ignore the inputs that come until it has ended.

        source:      --a--b-----c-----|
        project(x):    x-x-x|
        result:      --a-a-a----c-c-c|

    Args:
        project: Makes the stream; a Future stands for its result. What it raises is
            `on_error`.
    """
    return _Exhausting[T, U].operator(project)


class _Exhausting(Flattening[T, U]):
    def admit(self, value: T) -> abc.DisposableBase | None:
        if self.inner is None and not self.waiting:
            self.waiting.append(value)
        return None
