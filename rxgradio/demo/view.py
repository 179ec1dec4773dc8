"""The demo as a live picture: a few rows of fixed place and height, drawn by rich.

A frame is a function of the newest snapshots and the time. Rich draws some
eighteen of them a second, however fast the news comes, and nothing jumps as no
row ever grows.
"""

from __future__ import annotations

__all__ = ["LiveDisplay", "Picture"]

import textwrap
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .scene import CALLS, Call
from .server import App
from .snapshot import Phase, Snapshot
from .summary import HEAD, rows, surprises, verdict

_FRAMES = 18
"""Frames a second."""
_WIDEST = 100
"""Columns beyond which a line is no easier to read."""
_NAME, _PHASE, _TIME = 10, 9, 6
_BAR, _SHORT_BAR = 20, 12
_ROOMY = 40
"""Columns beside the phase from which on the long bar is drawn."""

_STYLES = {
    Phase.SENDING: "dim",
    Phase.QUEUED: "yellow",
    Phase.RUNNING: "cyan",
    Phase.STREAMING: "cyan",
    Phase.FINISHED: "green",
    Phase.FAILED: "red",
    Phase.CANCELLED: "magenta",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What is drawn where letters do not do."""

    waits: str
    works: str
    finished: str
    failed: str
    cancelled: str
    cursor: str
    done: str
    rest: str


_UNICODE = Signs("·", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "✗", "■", "▌", "━", "─")
_ASCII = Signs(".", "|/-\\", "+", "x", "#", "_", "=", "-")


class LiveDisplay:
    """Shows what happens on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._picture = Picture()

    @contextmanager
    def preparing(self) -> Generator[None]:
        """Show that the app is being started."""
        spinner = "line" if self._console.options.ascii_only else "dots"
        with self._console.status("Starting a small Gradio app", spinner=spinner):
            yield

    @contextmanager
    def showing(self, app: App) -> Generator[None]:
        """Draw the jobs for as long as the context lasts, and leave them on the screen."""
        self._picture = Picture(app)
        with Live(self._picture, console=self._console, refresh_per_second=_FRAMES):
            yield

    def show(self, snapshot: Snapshot) -> None:
        """Have a job drawn where it stands now, from the next frame on."""
        self._picture.put(snapshot)

    def summarise(self, snapshots: Sequence[Snapshot]) -> None:
        """Print the table."""
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
        )
        for heading in HEAD:
            table.add_column(heading, justify="left" if heading in HEAD[:2] else "right")
        for snapshot, (job, ended, *numbers) in zip(snapshots, rows(snapshots), strict=True):
            table.add_row(job, Text(ended, _STYLES[snapshot.phase]), *numbers)
        style = "bold red" if surprises(snapshots) else "bold"
        rest = Padding(table, (0, 0, 0, 1), expand=False), "", Text(f" {verdict(snapshots)}", style)
        self._console.print("", *rest, sep="\n")


class Picture:
    """All jobs as they stand, for rich to draw.

    Args:
        app: Where the calls go.
        calls: The rows.
        now: What time it is.
    """

    def __init__(
        self,
        app: App | None = None,
        calls: Sequence[Call] = CALLS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._calls = calls
        self._now = now
        self._snapshots = {call.name: Snapshot(call.name) for call in calls}

    def put(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot of a job."""
        self._snapshots[snapshot.name] = snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw a frame."""
        signs = _ASCII if options.ascii_only else _UNICODE
        width = min(options.max_width, _WIDEST)
        now = self._now()
        yield self._headline(now, width)
        for call in self._calls:
            yield from _row(self._snapshots[call.name], call.lines, signs, now, width)

    def _headline(self, now: datetime, width: int) -> Text:
        all_of_them = self._snapshots.values()
        seconds = max((each.after(each.ended or now) or 0.0 for each in all_of_them), default=0.0)
        updates = sum(each.updates for each in all_of_them)
        right = f"{updates} updates {seconds:{_TIME - 2}.1f} s"
        left = Text(" rxgradio demo", "bold")
        if self._app is not None:
            where = f"  Gradio {self._app.version}"
            room = width - len(left) - len(right) - 1
            left.append(_fitting(room, f"{where} at {self._app.url}", where, ""), "not bold dim")
        left.truncate(width - len(right), overflow="crop", pad=True)
        return left.append(right, "not bold dim")


def _row(
    snapshot: Snapshot, height: int, signs: Signs, now: datetime, width: int
) -> Generator[Text]:
    style = _STYLES[snapshot.phase]
    seconds = snapshot.after(snapshot.ended or now)
    head = Text.assemble(
        " ",
        (_mark(snapshot.phase, signs, seconds or 0.0), style),
        f" {snapshot.name:<{_NAME}} ",
        (f"{snapshot.phase.value:<{_PHASE}}  ", style),
    )
    tail = Text("" if seconds is None else f"{seconds:{_TIME - 2}.1f} s", "dim")
    room = width - len(head) - _TIME - 1
    lines = _detail(snapshot, signs, now, room, height)
    for at in range(height):
        line = lines[at] if at < len(lines) else Text()
        line.truncate(room, overflow="crop", pad=True)
        first = at == 0
        yield Text.assemble(head if first else " " * len(head), line, " ", tail if first else "")


def _mark(phase: Phase, signs: Signs, seconds: float) -> str:
    match phase:
        case Phase.SENDING | Phase.QUEUED:
            return signs.waits
        case Phase.RUNNING | Phase.STREAMING:
            return signs.works[int(seconds * 10) % len(signs.works)]
        case Phase.FINISHED:
            return signs.finished
        case Phase.FAILED:
            return signs.failed
        case Phase.CANCELLED:
            return signs.cancelled
    assert_never(phase)


def _detail(snapshot: Snapshot, signs: Signs, now: datetime, room: int, height: int) -> list[Text]:
    """Return what there is to say of a job beside its phase, in no more than `height` lines."""
    match snapshot.phase:
        case Phase.STREAMING:
            *lines, last = _last_lines(snapshot.text, room, height)
            return [*lines, last.append(signs.cursor, "cyan")]
        case Phase.FINISHED:
            return _last_lines(snapshot.text, room, height)
        case Phase.RUNNING:
            return [_work(snapshot, signs, room)]
        case Phase.SENDING | Phase.QUEUED | Phase.FAILED | Phase.CANCELLED:
            return [Text(_words(snapshot, now, room))]
    assert_never(snapshot.phase)


def _words(snapshot: Snapshot, now: datetime, room: int) -> str:
    if snapshot.phase is Phase.QUEUED:
        return _place(snapshot, now)
    return _aftermath(snapshot, room) if snapshot.phase is Phase.CANCELLED else snapshot.error


def _place(snapshot: Snapshot, now: datetime) -> str:
    place = "next" if not snapshot.ahead else f"{snapshot.ahead} ahead"
    if snapshot.eta is None or snapshot.latest is None:
        return place
    # The server estimates when it has news; in between, the time goes by here.
    seconds = max(0.0, snapshot.eta - (now - snapshot.latest).total_seconds())
    return f"{place}, done in {seconds:.1f} s"


def _work(snapshot: Snapshot, signs: Signs, room: int) -> Text:
    unit = snapshot.progress
    if unit is not None and unit.length:
        step = unit.index or 0
        size = _BAR if room >= _ROOMY else _SHORT_BAR
        done = round(size * step / unit.length)
        label = f" {step / unit.length:4.0%} {unit.desc or ''}"
        label = _fitting(room - size, f"{label}, {step:g} of {unit.length:g}", label)
        bar = (signs.done * done, "cyan"), (signs.rest * (size - done), "dim")
        return Text.assemble(*bar, label)
    if snapshot.messages:
        text, level = snapshot.messages[-1]
        return Text.assemble((f"{level}: ", "yellow" if level == "warning" else "blue"), text)
    return Text()


def _last_lines(text: str, room: int, height: int) -> list[Text]:
    # A column is kept free for the cursor, or the end would break the lines anew.
    lines = textwrap.wrap(text, max(room - 1, 1)) or [""]
    return [Text(line) for line in lines[-height:]]


def _aftermath(snapshot: Snapshot, room: int) -> str:
    if snapshot.outcome is None:
        return f"after {snapshot.text}"
    outcome = snapshot.outcome.value
    return _fitting(
        room,
        f"after {snapshot.text}; the server: {outcome}",
        f"{snapshot.text}; {outcome}",
        outcome,
    )


def _fitting(room: int, *texts: str) -> str:
    """Return the first that fits; the last if none does."""
    return next((text for text in texts if len(text) <= room), texts[-1])
