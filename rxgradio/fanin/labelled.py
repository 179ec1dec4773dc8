"""Values that tell which stream they are of."""

from __future__ import annotations

__all__ = ["Labelled", "labelled", "noted"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reactivex import Observable
from reactivex import operators as ops

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labelled(Generic[K, T]):
    """A value of the stream with this label; or, in its place, the `error` that it ended with."""

    label: K
    value: T
    error: Exception | None = None


def labelled(label: K) -> Callable[[Observable[T]], Observable[Labelled[K, T]]]:
    """Put a label on each value, so that it is known whose it is.

        source:        --a--b--|
        labelled("x"): --xa-xb-|

    It is for `race` and the like, which pass on what they are given:
    `race(a.pipe(labelled("a")), b.pipe(labelled("b")))`.
    """

    def label_it(value: T) -> Labelled[K, T]:
        return Labelled(label, value)

    return ops.map(label_it)


def noted(error: Exception, label: object) -> Exception:
    """Return an error, which now tells which stream it is of."""
    error.add_note(f"(of the stream {label!r})")
    return error
