"""All that is known of a call, in one value."""

from __future__ import annotations

__all__ = ["Snapshot", "Snapshots", "snapshots"]

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any

from reactivex import Observable

from ..updates import OutputUpdate, ProgressUnit, Status, StatusUpdate, Update
from .folding import Fold, folding, is_new_call
from .progress import fraction


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a call stands, and what it has made.

    `rank`, `queue_size` and `eta` are those of the last `StatusUpdate`. A call that has
    failed is FINISHED and has an `error`.
    """

    phase: Status = Status.STARTING
    """Never LOG, which is no place to stand."""
    text: str = ""
    """What the app said last: a message of `gr.Info` and its like, or what it calls the
    outermost of its bars, else how far that is, such as "3/10 steps". While files are
    sent, which they are."""
    fraction: float | None = None
    """How much is done by the outermost of the app's bars, from 0.0 to 1.0; None where
    that is not known, and 1.0 for a call that has succeeded. While files are sent
    (phase SENDING_DATA), how much of them is."""
    rank: int | None = None
    queue_size: int | None = None
    eta: float | None = None
    output: Any = None
    """The newest output. It stays when the call is made anew, until there is another."""
    error: Exception | None = None
    """What it failed with; `concurrent.futures.CancelledError` if it was cancelled."""
    done: bool = False
    """Whether it has ended, well or not."""
    attempt: int = 1
    """Which attempt at the call this is, as in `StatusUpdate`."""


def snapshots() -> Callable[[Observable[Update]], Observable[Snapshot]]:
    """Pass on the newest view of the call, each time with all that is known so far.

        updates:      --S--Q--P--L--a--b--b'-S-|    (Q: in the queue, L: log, ': final)
        snapshots():  --1--2--3--4--5--6--7----|    (7: done, with the final output)

        updates:      --S--P--a--S-✗
        snapshots():  --1--2--3----(4|)             (4: done, with the error)

    The end comes as one snapshot, which has all that belongs to it. An error is a
    value, in the last snapshot, and never `on_error`, so that what shows these has a
    place for it; what deals with errors (`retry`, `catch`) goes before this. In a
    stream of one call after another, a call begins anew, but for the `output` of the
    one before, which stays until there is another.
    """
    return folding(lambda _: Snapshots())


_ENDS = frozenset({Status.FINISHED, Status.CANCELLED})
_HAVE_BARS = frozenset({Status.SENDING_DATA, Status.PROGRESS})


class Snapshots(Fold[Update, Snapshot]):
    """What is known of a call so far."""

    def __init__(self) -> None:
        self._heard = False
        self._now = Snapshot()

    def next(self, value: Update) -> Sequence[Snapshot]:
        """Take an update."""
        self._heard = True
        if is_new_call(value) or value.attempt != self._now.attempt:
            self._now = Snapshot(output=self._now.output, attempt=value.attempt)
        if isinstance(value, OutputUpdate):
            self._now = replace(self._now, output=value.outputs)
            if value.final:
                self._now = _ended(self._now, Status.FINISHED, 1.0)
        elif value.code is Status.LOG:
            said = value.log[0] if value.log else self._now.text
            self._now = replace(self._now, text=said)
        elif value.code in _ENDS:
            if value.error is None:
                # The final output has told it already, or the error will.
                return ()
            self._now = _failed(self._now, value.error)
        else:
            self._now = _moved(self._now, value)
        return (self._now,)

    def end(self, error: Exception | None) -> tuple[Sequence[Snapshot], Exception | None]:
        """Take the end; an error is a value."""
        now = self._now
        if error is not None:
            return (_failed(now, error),), None
        if now.done or not self._heard:
            return (), None
        return (replace(now, done=True),), None


def _moved(snapshot: Snapshot, status: StatusUpdate) -> Snapshot:
    bars = status.progress_data
    text, done = snapshot.text, snapshot.fraction
    if snapshot.phase is Status.SENDING_DATA:
        text, done = "", None  # were of the files, not of the call
    if status.code in _HAVE_BARS:
        done = fraction(bars)
    return replace(
        snapshot,
        phase=status.code,
        text=(_described(bars) if bars else "") or text,
        fraction=done,
        rank=status.rank,
        queue_size=status.queue_size,
        eta=status.eta,
    )


def _failed(snapshot: Snapshot, error: Exception) -> Snapshot:
    code = Status.CANCELLED if isinstance(error, CancelledError) else Status.FINISHED
    return replace(_ended(snapshot, code, snapshot.fraction), error=error)


def _ended(snapshot: Snapshot, code: Status, done: float | None) -> Snapshot:
    return replace(
        snapshot, phase=code, fraction=done, rank=None, queue_size=None, eta=None, done=True
    )


def _described(bars: Sequence[ProgressUnit]) -> str:
    bar = bars[0]
    if bar.desc or bar.index is None:
        return bar.desc or ""
    of = "" if bar.length is None else f"/{bar.length:g}"
    return f"{bar.index:g}{of} {bar.unit or 'steps'}"
