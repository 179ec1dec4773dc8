"""The demo as lines of text: for pipes, logs, and terminals that can do no more.

One line for each thing that happens, and none twice: a text that grows by
letters is told by phrases, and progress by its stages.
"""

from __future__ import annotations

__all__ = ["PlainDisplay", "changes", "phrase"]

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from .server import App
from .snapshot import Phase, Snapshot
from .summary import HEAD, rows, verdict

_WORDS = 6
"""A text that has grown by as many words is told."""


class PlainDisplay:
    """Writes what happens to a stream.

    Args:
        out: Where to write.
        now: What time it is; lines are stamped with the seconds since the first.
    """

    def __init__(
        self, out: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._out = out
        self._now = now
        self._began = now()
        self._last: dict[str, Snapshot] = {}
        self._told: dict[str, str] = {}

    @contextmanager
    def preparing(self) -> Generator[None]:
        """Say that the app is being started."""
        self._line(self._now(), "demo", "starts a small Gradio app")
        yield

    @contextmanager
    def showing(self, app: App) -> Generator[None]:
        """Say where the app is."""
        self._line(self._now(), "demo", f"calls Gradio {app.version} at {app.url}")
        yield

    def show(self, snapshot: Snapshot) -> None:
        """Tell what is new of a job."""
        name, at = snapshot.name, snapshot.latest or self._now()
        before = self._last.get(name, Snapshot(name))
        for line in changes(before, snapshot):
            self._line(at, name, line)
        self._last[name] = snapshot
        told = self._told.get(name, "")
        if words := phrase(told, snapshot):
            self._line(at, name, f'"{words.strip()}"')
            self._told[name] = told + words

    def summarise(self, snapshots: Sequence[Snapshot]) -> None:
        """Write the table."""
        table = [HEAD, *rows(snapshots)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        self._out.write("\n")
        for job, ended, *numbers in table:
            cells = [job.ljust(widths[0]), ended.ljust(widths[1])]
            cells += [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True)]
            self._out.write("  ".join(cells) + "\n")
        self._out.write(f"\n{verdict(snapshots)}\n")
        self._out.flush()

    def _line(self, at: datetime, who: str, what: str) -> None:
        seconds = (at - self._began).total_seconds()
        self._out.write(f"[{seconds:6.2f} s] {who:<10}  {what}\n")
        self._out.flush()


def changes(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield what is to be said of the way from one snapshot of a job to a later one."""
    if before.submitted is None:
        yield "submitted"
    if after.phase is Phase.QUEUED and (before.phase, before.ahead) != (after.phase, after.ahead):
        yield f"queued, {after.ahead} ahead{_estimate(after)}"
    elif after.started is not None and before.started is None:
        yield "running"
    if (stage := _stage(after)) and stage != _stage(before):
        yield f"{stage}, {_steps(after)}"
    for text, level in after.messages[len(before.messages) :]:
        yield f"{level}: {text}"
    if after.ended is not None and before.ended is None:
        yield _ending(after)
    if after.outcome is not None and before.outcome is None and after.phase is Phase.CANCELLED:
        yield f"what the server made of it: {after.outcome.value}"


def phrase(told: str, snapshot: Snapshot) -> str:
    """Return what a growing text has grown by since it was told, if that is worth a line."""
    if snapshot.phase is not Phase.STREAMING or not snapshot.text.startswith(told):
        return ""
    whole, _, _ = snapshot.text[len(told) :].rpartition(" ")
    return whole if len(whole.split()) >= _WORDS else ""


def _estimate(snapshot: Snapshot) -> str:
    return "" if snapshot.eta is None else f", about {snapshot.eta:.1f} s to go"


def _stage(snapshot: Snapshot) -> str | None:
    return snapshot.progress.desc if snapshot.progress else None


def _steps(snapshot: Snapshot) -> str:
    unit = snapshot.progress
    return f"{unit.index:g} of {unit.length:g} {unit.unit}" if unit and unit.length else ""


def _ending(snapshot: Snapshot) -> str:
    match snapshot.phase:
        case Phase.FAILED:
            return f"failed: {snapshot.error}"
        case Phase.CANCELLED:
            return f'cancelled after "{snapshot.text}"'
        case _:
            return f'finished: "{snapshot.text}"'
