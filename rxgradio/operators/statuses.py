"""Where a call stands, step by step."""

from __future__ import annotations

__all__ = ["statuses"]

from collections.abc import Callable, Sequence

from reactivex import Observable

from ..updates import StatusUpdate, Update
from .folding import Fold, folding


def statuses() -> Callable[[Observable[Update]], Observable[StatusUpdate]]:
    """Pass on all that is no output.

        updates:     --S--S--a--L--b--b'-S-|    (S: status, L: log, ': final)
        statuses():  --S--S-----L--------S-|

    A message of `gr.Info` and its like is one of them, of code LOG: no place to
    stand, and no `job.status()`. `logs` has these alone.
    """
    return folding(lambda _: _Statuses())


class _Statuses(Fold[Update, StatusUpdate]):
    def next(self, value: Update) -> Sequence[StatusUpdate]:
        return (value,) if isinstance(value, StatusUpdate) else ()
