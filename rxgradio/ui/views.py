"""What a UI shows of a call, in one value."""

from __future__ import annotations

__all__ = ["View", "ended_with", "folded", "state_of", "stream_of", "view", "view_of"]

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any, cast

from reactivex import Observable
from reactivex import operators as ops

from ..bulk import MapResult
from ..job import Job
from ..operators.folding import Fold, folding
from ..operators.snapshots import Snapshot, Snapshots
from ..updates import OutputUpdate, Status, StatusUpdate


@dataclass(frozen=True, slots=True)
class View:
    """What there is to show of a call: all of it belongs together."""

    status: str
    """Where it stands, in a few words: "queued, 2 of 5, about 12 s", "step 4/20", "done"."""
    progress: float | None
    """How much is done, from 0.0 to 1.0; None while it works and nobody knows."""
    output: Any
    """The newest output; that of the call before, until there is one of this."""
    error: str
    """What went wrong, as one would tell a user; empty if nothing did, or it was cancelled."""
    busy: bool
    """Whether it has begun and not ended."""
    snapshot: Snapshot
    """What this was made of."""


def view() -> Callable[[Observable[Any]], Observable[View]]:
    """Pass on what there is to show of a call, each time all of it.

        updates:  --S--Q--P--a--b--b'-S-|    (Q: in the queue, ': final)
        view():   --1--2--3--4--5--6----|    (6: "done", 1.0, with the final output)

        updates:  --S--P--a--✗
        view():   --1--2--3--(4|)            (4: "failed: ...", with the error)

    It takes a stream of updates, or of what `snapshots` makes of them, or the results of a map,
    of which it tells how far all of them are; any other value counts as an output. As there, an
    error is a value, and of calls that follow one another each begins anew, but for the output.
    """
    return lambda source: folded(source).pipe(ops.map(view_of))


def stream_of(source: object) -> Observable[Any]:
    """Return what a call, or a stream, tells.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(source, Job):
        return source.updates
    if isinstance(source, Observable):
        stream: Observable[Any] = cast("Any", source)
        return stream
    raise TypeError(f"this is no job, and no stream: {source!r}")


def folded(source: Observable[Any]) -> Observable[Snapshot]:
    """Return the snapshots of a stream of updates, of snapshots or of anything."""
    return folding(lambda _: _Folded())(source)


def view_of(snapshot: Snapshot) -> View:
    """Return what there is to show."""
    busy = not snapshot.done
    done = snapshot.fraction
    return View(
        status=_status(snapshot),
        progress=0.0 if done is None and not busy else done,
        output=snapshot.output,
        error=_error(snapshot.error),
        busy=busy,
        snapshot=snapshot,
    )


def ended_with(error: Exception, snapshot: Snapshot) -> Snapshot:
    """Return what is known once it has failed, or was cancelled."""
    code = Status.CANCELLED if isinstance(error, CancelledError) else Status.FINISHED
    return replace(snapshot, phase=code, error=error, done=True)


def state_of(view: View) -> str:
    """Return what colour it has: "waits", "works", "done", "failed" or "left"."""
    phase = view.snapshot.phase
    if view.busy:
        return "waits" if phase in _WAIT else "works"
    if phase is Status.CANCELLED:
        return "left"
    return "failed" if view.error else "done"


class _Folded(Fold[Any, Snapshot]):
    def __init__(self) -> None:
        self._updates = Snapshots()
        self._now: Snapshot | None = None
        """The last of a stream that is none of updates."""
        self._many = False

    def next(self, value: Any) -> Sequence[Snapshot]:
        if isinstance(value, StatusUpdate | OutputUpdate):
            return self._updates.next(value)
        if isinstance(value, Snapshot):
            self._now = value
        elif isinstance(value, MapResult):
            self._many = True
            self._now = _of_map(value, self._now)
        else:
            self._now = Snapshot(Status.ITERATING, output=value)
        return (self._now,)

    def end(self, error: Exception | None) -> tuple[Sequence[Snapshot], Exception | None]:
        now = self._now
        if now is None:
            return self._updates.end(error)
        if error is not None:
            return (ended_with(error, now),), None
        if now.done:
            return (), None
        # Of many calls, "done" would not tell how many have failed.
        phase = now.phase if self._many else Status.FINISHED
        return (replace(now, phase=phase, fraction=1.0, done=True),), None


def _of_map(result: MapResult, before: Snapshot | None) -> Snapshot:
    """Return where many calls stand, with the newest of their outputs."""
    done, failed, total = result.progress.done, result.progress.failed, result.progress.total
    text = f"{done} done" if total is None else f"{done} of {total}"
    output = result.output if result.error is None else (before.output if before else None)
    return Snapshot(
        Status.PROGRESS,
        text=f"{text}, {failed} failed" if failed else text,
        fraction=done / total if total else None,
        output=output,
    )


_WORDS = {
    Status.STARTING: "starting",
    Status.JOINING_QUEUE: "joining the queue",
    Status.QUEUE_FULL: "the queue is full, trying again",
    Status.IN_QUEUE: "queued",
    Status.SENDING_DATA: "sending files",
    Status.PROCESSING: "working",
    Status.PROGRESS: "working",
    Status.ITERATING: "streaming",
    Status.FINISHED: "done",
    Status.CANCELLED: "cancelled",
}
_WAIT = frozenset({Status.STARTING, Status.JOINING_QUEUE, Status.QUEUE_FULL, Status.IN_QUEUE})
_HAS_TEXT = frozenset({Status.SENDING_DATA, Status.PROCESSING, Status.PROGRESS, Status.ITERATING})


def _status(snapshot: Snapshot) -> str:
    said = _WORDS.get(snapshot.phase, "working")
    if snapshot.error is not None and snapshot.phase is not Status.CANCELLED:
        said = f"failed: {_error(snapshot.error)}"
    elif snapshot.phase in _HAS_TEXT and snapshot.text:
        said = snapshot.text
    elif snapshot.phase is Status.IN_QUEUE:
        said = _queued(snapshot)
    return said if snapshot.attempt == 1 else f"attempt {snapshot.attempt}: {said}"


def _queued(snapshot: Snapshot) -> str:
    said = "queued"
    if snapshot.rank is not None:
        # Servers count those ahead.
        said += f", {snapshot.rank + 1}"
        if snapshot.queue_size is not None and snapshot.queue_size > snapshot.rank:
            said += f" of {snapshot.queue_size}"
    if snapshot.eta is not None and snapshot.eta >= 1:
        said += f", about {snapshot.eta:.0f} s"
    return said


def _error(error: Exception | None) -> str:
    if error is None or isinstance(error, CancelledError):
        return ""
    return str(error) or type(error).__name__
