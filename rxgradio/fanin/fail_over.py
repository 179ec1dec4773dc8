"""The next stream when one fails."""

from __future__ import annotations

__all__ = ["fail_over"]

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from reactivex import Observable, abc

from ..fluent import Updates
from .contest import Contest, like
from .inlets import checked

T = TypeVar("T")


@overload
def fail_over(*streams: Updates, only: Callable[[Exception], bool] | None = None) -> Updates: ...


@overload
def fail_over(
    *streams: Observable[T], only: Callable[[Exception], bool] | None = None
) -> Observable[T]: ...


def fail_over(
    *streams: Observable[Any], only: Callable[[Exception], bool] | None = None
) -> Observable[Any]:
    """Pass on a stream, or the next one in its place if it fails before it had an output.

        a:          --S--S--#             (S: status, o: output, #: an error)
        b:                  --S--o--F-S-|
        fail_over:  --S--S----S--o--F-S-|

    An error behind an output is passed on, as what was said cannot be taken back; where
    only the end counts, use it on `result()` of each. If all fail, their errors are
    `on_error`, as an `ExceptionGroup` in the order of the streams.

    Args:
        *streams: Of which each is subscribed to when the one before has failed.
        only: After which errors the next one is tried; any other is passed on. By
            default after all, also those of the app's function. What it raises is `on_error`.

    Raises:
        TypeError: One of them is no stream.
        ValueError: There are none.
    """
    sources = checked(streams)
    if not sources:
        raise ValueError("to fail over, there must be streams")

    def subscribe(
        observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        contest = _FailingOver(sources, observer, scheduler, only)
        contest.start_next()
        return contest.begin()

    return like(sources, subscribe)


class _FailingOver(Contest[T]):
    def __init__(
        self,
        streams: Sequence[Observable[T]],
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        only: Callable[[Exception], bool] | None,
    ) -> None:
        super().__init__(streams, observer, scheduler, "a fail_over")
        self._only = only
        self._stopped: Exception | None = None

    def on_error(self, which: int, error: Exception) -> None:
        if self._only is not None and self.winner is None:
            # It is the user's, and so not for `fail`, which holds the lock.
            try:
                self._stopped = None if self._only(error) else error
            except Exception as raised:  # noqa: BLE001 (whatever it raises)
                self._stopped = raised
        super().on_error(which, error)

    def replaced(self, which: int) -> bool:  # noqa: ARG002 (there is only one at a time)
        if not self.waiting or self._stopped is not None:
            return False
        self.start_next()
        return True

    def failure(self) -> Exception:
        return self._stopped or super().failure()
