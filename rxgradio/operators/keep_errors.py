"""A failure as one more update."""

from __future__ import annotations

__all__ = ["keep_errors"]

from collections.abc import Callable
from dataclasses import replace

from reactivex import Observable, abc

from ..clock import now
from ..updates import Status, StatusUpdate, Update

_ENDS = frozenset({Status.FINISHED, Status.CANCELLED})


def keep_errors() -> Callable[[Observable[Update]], Observable[Update]]:
    """Tell an error in the last status, as its `error`, and complete.

        updates:     --S--S--o--F#
        result:      --S--S--o--F|     (F.error is what # was)

    So that one call that fails does not end a stream that is made of many. Where the
    failing call had no last status, one is made: FINISHED, without success.
    """
    return _keep


def _keep(source: Observable[Update]) -> Observable[Update]:
    def subscribe(
        observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        held: StatusUpdate | None = None

        def release() -> None:
            nonlocal held
            status, held = held, None
            if status is not None:
                observer.on_next(status)

        def on_next(update: Update) -> None:
            nonlocal held
            release()
            if isinstance(update, StatusUpdate) and update.code in _ENDS and not update.success:
                held = update
            else:
                observer.on_next(update)

        def on_error(error: Exception) -> None:
            status = held or StatusUpdate(Status.FINISHED, success=False, time=now())
            observer.on_next(replace(status, error=error))
            observer.on_completed()

        def on_completed() -> None:
            release()
            observer.on_completed()

        return source.subscribe(on_next, on_error, on_completed, scheduler=scheduler)

    return Observable(subscribe)
