"""A failure as one more update."""

from __future__ import annotations

__all__ = ["keep_errors"]

from collections.abc import Callable, Sequence
from dataclasses import replace

from reactivex import Observable

from ..clock import now
from ..updates import Status, StatusUpdate, Update
from .folding import Fold, folding

_ENDS = frozenset({Status.FINISHED, Status.CANCELLED})


def keep_errors() -> Callable[[Observable[Update]], Observable[Update]]:
    """Tell an error in the last status, as its `error`, and complete.

        updates:     --S--S--o--F#
        result:      --S--S--o--F|     (F.error is what # was)

    So that one call that fails does not end a stream that is made of many. Where the
    failing call had no last status, one is made: FINISHED, without success.
    """
    return folding(lambda _: _KeepErrors())


class _KeepErrors(Fold[Update, Update]):
    def __init__(self) -> None:
        self._held: Sequence[StatusUpdate] = ()
        """The last status of a call that has failed, whose error is about to come."""

    def next(self, value: Update) -> Sequence[Update]:
        held, self._held = self._held, ()
        if isinstance(value, StatusUpdate) and value.code in _ENDS and not value.success:
            self._held = (value,)
            return held
        return (*held, value)

    def end(self, error: Exception | None) -> tuple[Sequence[Update], Exception | None]:
        if error is None:
            return self._held, None
        made = StatusUpdate(Status.FINISHED, success=False, time=now())
        return [replace(status, error=error) for status in self._held or [made]], None
