"""The end of the demo in words and numbers, for a terminal as for a plain text."""

from __future__ import annotations

__all__ = ["HEAD", "rows", "surprises", "verdict"]

from collections.abc import Sequence

from .scene import CALLS, Call
from .snapshot import Snapshot

HEAD = ("job", "ended as", "queued", "1st output", "total", "updates")


def rows(snapshots: Sequence[Snapshot]) -> list[tuple[str, ...]]:
    """Return what became of each job, below `HEAD`."""
    return [
        (
            each.name,
            each.phase.value,
            _seconds(each.after(each.started)),
            _seconds(each.after(each.answered)),
            _seconds(each.after(each.ended)),
            str(each.updates),
        )
        for each in snapshots
    ]


def surprises(snapshots: Sequence[Snapshot], calls: Sequence[Call] = CALLS) -> list[str]:
    """Return what did not go as planned."""
    became = {each.name: each for each in snapshots}
    return [
        f"{call.name} is {end.phase.value}{f' ({end.error})' if end.error else ''}, "
        f"and was to be {call.ends.value}"
        for call in calls
        if (end := became.get(call.name, Snapshot(call.name))).phase is not call.ends
    ]


def verdict(snapshots: Sequence[Snapshot]) -> str:
    """Return the one line that is left to say."""
    updates = sum(each.updates for each in snapshots)
    seconds = max((each.after(each.ended) or 0.0 for each in snapshots), default=0.0)
    what = f"{len(snapshots)} jobs, {updates} updates, one stream, {seconds:.1f} s"
    wrong = surprises(snapshots)
    return f"{what}; " + ("; ".join(wrong) if wrong else "all as planned")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
