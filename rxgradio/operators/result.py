"""What a call comes to."""

from __future__ import annotations

__all__ = ["result"]

from collections.abc import Callable, Sequence
from typing import Any

from reactivex import Observable

from ..updates import OutputUpdate, Update
from .folding import Fold, folding


def result() -> Callable[[Observable[Update]], Observable[Any]]:
    """Pass on the final value alone, and complete.

        updates:   --S--S--a--b--b'-S-|    (S: status, ': final)
        result():  --------------b|

        updates:   --S--S--a--✗
        result():  -----------✗

    A call that fails or is cancelled has no result: its error is passed on, as
    `job.updates` tells it (`concurrent.futures.CancelledError` for a cancel). A stream
    without a final value completes empty. Of one with several calls, the first to
    finish counts, and the rest is disposed of: to have the result of each, put this
    where the stream is of one call.
    """
    return folding(lambda _: _Result())


class _Result(Fold[Update, Any]):
    def next(self, value: Update) -> Sequence[Any]:
        if isinstance(value, OutputUpdate) and value.final:
            self.complete = True
            return (value.outputs,)
        return ()
