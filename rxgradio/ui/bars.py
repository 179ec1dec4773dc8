"""The terminal with rich: calls as live bars."""

from __future__ import annotations

__all__ = ["Bars"]

from collections.abc import Callable
from functools import partial
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Column
from rich.text import Text

from .terminal import said_of
from .views import View, state_of

_BAR = 24
_STYLES = {"waits": "yellow", "works": "cyan", "done": "green", "failed": "red", "left": "magenta"}
_SIGNS = {"waits": "·", "done": "✓", "failed": "✗", "left": "■"}
_ASCII = {"waits": ".", "done": "+", "failed": "x", "left": "#"}


class Bars:
    """Where calls stand, as bars that rich draws.

    Args:
        console: What they are drawn on.
    """

    frame = 0.1

    def __init__(self, console: Console) -> None:
        ascii_only = console.options.ascii_only
        self._dots = "..." if ascii_only else "…"
        self._signs = _ASCII if ascii_only else _SIGNS
        overflow = "crop" if ascii_only else "ellipsis"
        bar = max(4, min(_BAR, 3 * console.width // 10))
        self._spinner = Spinner("line" if ascii_only else "dots", style=_STYLES["works"])
        self._progress = Progress(
            _Drawn(self._sign),
            _Drawn(
                lambda task: Text(task.description, style="bold"),
                no_wrap=True,
                overflow=overflow,
                # Names give way to what is said, and so does the bar.
                max_width=max(8, console.width // 4),
            ),
            _Drawn(partial(_bar, bar), width=bar),
            _Drawn(_percent, width=5, no_wrap=True),
            _Drawn(_said, no_wrap=True, overflow=overflow, ratio=1),
            console=console,
            expand=True,
        )

    def begin(self, name: str) -> Callable[[View], None]:
        """Return what shows a view of a call of this name."""
        progress, dots = self._progress, self._dots
        task = progress.add_task(name, total=None, state="waits", known=False, said="")

        def show(view: View) -> None:
            done = view.progress
            progress.update(
                task,
                total=None if done is None else 1.0,
                completed=done or 0.0,
                state=state_of(view),
                known=view.snapshot.fraction is not None,
                said=said_of(view).replace("…", dots),
            )

        return show

    def __enter__(self) -> Self:
        """Draw them."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last of them as it is."""
        self._progress.stop()

    def _sign(self, task: Task) -> RenderableType:
        state = task.fields["state"]
        if state == "works":
            return self._spinner.render(task.get_time())
        return Text(self._signs[state], style=_STYLES[state])


class _Drawn(ProgressColumn):
    """A column that a function draws."""

    def __init__(self, draw: Callable[[Task], RenderableType], **column: Any) -> None:
        super().__init__(table_column=Column(**column))
        self._draw = draw

    def render(self, task: Task) -> RenderableType:
        """Return what to draw."""
        return self._draw(task)


def _bar(width: int, task: Task) -> RenderableType:
    style = _STYLES[task.fields["state"]]
    return ProgressBar(
        total=task.total,
        completed=task.completed,
        width=width,
        pulse=task.total is None,
        animation_time=task.get_time(),
        complete_style=style,
        finished_style=style,
        pulse_style=style,
    )


def _percent(task: Task) -> RenderableType:
    return Text(f"{task.percentage:.0f} %" if task.fields["known"] else "", justify="right")


def _said(task: Task) -> RenderableType:
    state = task.fields["state"]
    return Text(task.fields["said"], style="" if state in ("works", "done") else _STYLES[state])
