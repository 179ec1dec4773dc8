"""How much of a call is done."""

from __future__ import annotations

__all__ = ["fraction", "progress"]

import math
from collections.abc import Callable, Sequence

from reactivex import Observable

from ..updates import ProgressUnit, Status, StatusUpdate, Update
from .folding import Fold, folding


def progress() -> Callable[[Observable[Update]], Observable[float]]:
    """Pass on how much is done by the app's `gr.Progress`, from 0.0 to 1.0.

        updates:     --S--0/4--1/4--1/4--a--3/4--F--S-|    (S: status, F: the final output)
        progress():  -----0.0--0.25---------0.75------|

    Of several bars, one within another, it is the outermost. Where the app does not
    say how much there is to do, nothing is emitted, and nothing twice in a row. It is
    what the app says: it may go back (another bar, another attempt at the call), and
    need not reach 1.0 or be said at all. `snapshots` has it with all that belongs to it,
    and while a call's files are sent, how far that is.
    """
    return folding(lambda _: _Progress())


def fraction(bars: Sequence[ProgressUnit] | None) -> float | None:
    """Return how much is done by the outermost of some bars, if that is known."""
    if not bars:
        return None
    bar = bars[0]
    done = bar.progress
    if done is None and bar.index is not None and bar.length:
        done = bar.index / bar.length
    if done is None or not math.isfinite(done):
        return None
    return min(max(float(done), 0.0), 1.0)


class _Progress(Fold[Update, float]):
    def __init__(self) -> None:
        self._last: float | None = None

    def next(self, value: Update) -> Sequence[float]:
        if not isinstance(value, StatusUpdate) or value.code is not Status.PROGRESS:
            return ()
        done = fraction(value.progress_data)
        if done is None or done == self._last:
            return ()
        self._last = done
        return (done,)
