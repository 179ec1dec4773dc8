"""The values of a stream of updates."""

from __future__ import annotations

__all__ = ["outputs"]

from collections.abc import Callable, Sequence
from typing import Any

from reactivex import Observable

from ..updates import OutputUpdate, Update
from .folding import Fold, folding, is_new_call


def outputs(*, misses: bool = False) -> Callable[[Observable[Update]], Observable[Any]]:
    """Pass on the values that were yielded; the final one only if that was nothing.

        updates:    --S--S--a--b--b'-S-|    (S: status, ': final)
        outputs():  --------a--b-------|

        updates:    --S--S--a'-S-|
        outputs():  --------a----|

    These are the values of `job.outputs()` and of an iteration over a job. In a
    stream of one call after another, it holds for each call.

    Args:
        misses: The stream may have missed outputs (as with `on_slow=`, or behind
            `sample`), so the final one comes too unless it equals the last.
    """
    return folding(lambda _: _Outputs(misses=misses))


_NOTHING = object()


class _Outputs(Fold[Update, Any]):
    def __init__(self, *, misses: bool) -> None:
        self._misses = misses
        self._last: Any = _NOTHING

    def next(self, value: Update) -> Sequence[Any]:
        if not isinstance(value, OutputUpdate):
            if is_new_call(value):
                self._last = _NOTHING
            return ()
        last = self._last
        self._last = _NOTHING if value.final else value.outputs
        repeats = value.final and last is not _NOTHING
        if repeats and not (self._misses and value.outputs != last):
            return ()
        return (value.outputs,)
