"""Calls as live bars in a notebook: HTML that follows them, in any front end of Jupyter.

An output of a cell is changed by its display id from rxgradio's delivery threads: the kernel's
own thread is busy for as long as a cell runs. It is HTML without scripts and style sheets, so
that it is the same where a notebook is only looked at; what comes from a server is escaped.
"""

from __future__ import annotations

__all__ = ["Notebook", "display", "in_notebook"]

import reprlib
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from html import escape
from importlib import import_module
from typing import Any, Self

from reactivex import Subject, abc

from ..job import Job
from ..operators.snapshots import Snapshot, Snapshots
from .binding import Binding
from .show import name_of
from .terminal import Terminal, said_of
from .views import View, ended_with, folded, state_of, view_of

_MOST = 2000
"""Characters of a text that are shown."""
_SIGNS = {"waits": "○", "works": "●", "done": "✓", "failed": "✗", "left": "■"}
# Each can be read on white and on black.
_COLOURS = {
    "waits": "#b7791f",
    "works": "#2f80ed",
    "done": "#1e9e5a",
    "failed": "#e0443e",
    "left": "#8e6bd8",
}
_GREY = "rgba(128,128,128,.25)"
_LIST = (
    "display:grid;grid-template-columns:auto fit-content(220px) 180px 3.2em 1fr;gap:6px 12px;"
    "align-items:center;max-width:760px;padding:6px 2px;font:13px/1.5 system-ui,sans-serif"
)
_LINE = "white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
_BLOCK = (
    f"grid-column:2/-1;white-space:pre-wrap;overflow-wrap:anywhere;padding:2px 12px;"
    f"border-left:3px solid {_GREY}"
)


def in_notebook() -> bool:
    """Whether this is a kernel whose front end may show HTML."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "text/html" in shell.display_formatter.active_types


def display(job: Job) -> None:
    """Show a job as a live bar with its newest output, below the cell that runs, until it ends.

    It returns at once. The bar follows the job though nobody keeps it.

    Raises:
        NotImplementedError: Nothing shows HTML here; IPython then shows the job's `repr`.
    """
    if not in_notebook():
        raise NotImplementedError
    notebook = Notebook(outputs=True)
    show = notebook.begin(name_of(job), _stands(job))
    Binding(Terminal(frame=notebook.frame), _Following(show, notebook)).begin(
        folded(job.updates), [notebook]
    )


class Notebook:
    """Where calls stand, as one output of a cell; it is changed ten times a second at most.

    Args:
        outputs: Show newest outputs at some length, below.
    """

    frame = 0.1

    def __init__(self, *, outputs: bool = False) -> None:
        self._outputs = outputs
        self._lock = threading.Lock()
        self._rows: list[tuple[str, View]] = []
        self._shown: dict[str, str] = {}
        self._handle: Any = None
        self._changes: Subject[None] = Subject()
        painter = _Painter(self._paint)
        self._painting = Binding(Terminal(frame=self.frame), painter)
        self._painting.begin(self._changes, [painter])

    def begin(self, name: str, view: View | None = None) -> Callable[[View], None]:
        """Return what shows a view of a call of this name; on the thread of the cell.

        Args:
            name: Whose it is.
            view: What is known of it already.
        """
        n = len(self._rows)
        self._rows.append((name, view or view_of(Snapshot())))
        if self._handle is None:
            # Here, not when it is first painted: it belongs to this cell.
            self._shown = self._bundle()
            self._handle = _display(self._shown)

        def show(view: View) -> None:
            self._rows[n] = name, view
            self._changes.on_next(None)

        self._changes.on_next(None)
        return show

    def __enter__(self) -> Self:
        """Begin; what is displayed comes with the first call."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last of them as it is."""
        self._painting.dispose()
        self._paint()

    def _paint(self) -> None:
        with self._lock:  # of two threads, the one that sends last has seen the newest
            bundle = self._bundle()
            if bundle != self._shown and self._handle is not None:
                self._shown = bundle
                self._handle.update(bundle, raw=True)

    def _bundle(self) -> dict[str, str]:
        rows = list(self._rows)
        html = "".join(_row(name, view, outputs=self._outputs) for name, view in rows)
        width = max(len(name) for name, _ in rows)
        return {
            "text/html": f'<div style="{_LIST}">{html}</div>',
            "text/plain": "\n".join(
                f"{name:{width}}  {_short(said_of(view))}" for name, view in rows
            ),
        }


class _Painter(abc.ObserverBase[None]):
    def __init__(self, paint: Callable[[], object]) -> None:
        self._paint = paint

    def on_next(self, value: None) -> None:  # noqa: ARG002 (there is none)
        self._paint()

    def on_error(self, error: Exception) -> None:
        """Do nothing; there is none."""

    def on_completed(self) -> None:
        """Do nothing; it does not end."""


class _Following(abc.ObserverBase[Snapshot]):
    """Shows one call to its end."""

    def __init__(self, show: Callable[[View], object], notebook: Notebook) -> None:
        self._show = show
        self._notebook = notebook

    def on_next(self, value: Snapshot) -> None:
        self._show(view_of(value))

    def on_error(self, error: Exception) -> None:  # noqa: ARG002 (of what is folded, a value)
        self.on_completed()

    def on_completed(self) -> None:
        self._notebook.__exit__()


def _display(bundle: dict[str, str]) -> Any:
    """Display something below the cell that runs; returns what changes it."""
    ipython: Any = import_module("IPython.display")  # half of it has no types
    return ipython.display(bundle, raw=True, display_id=True)


def _stands(job: Job) -> View:
    """Return where a job stands, without waiting: a notebook may be saved with no more."""
    output = job.latest
    if not job.done():
        *_, now = (Snapshot(), *Snapshots().next(job.status()))
        return view_of(replace(now, output=output))
    ended = Snapshot(job.status().code, fraction=1.0, output=output, done=True)
    error = None if job.cancelled() else job.exception()
    if isinstance(error, Exception):
        return view_of(ended_with(error, replace(ended, fraction=None)))
    return view_of(replace(ended, fraction=None) if job.cancelled() else ended)


# ---- what it looks like


def _row(name: str, view: View, *, outputs: bool) -> str:
    state = state_of(view)
    colour = _COLOURS[state]
    said = _short(" ".join(view.status.split()) if outputs else said_of(view))
    style = "opacity:.85" if state in ("works", "done") else f"color:{colour}"
    # What went wrong is to be read; of what follows, the beginning will do.
    style += ";overflow-wrap:anywhere" if state == "failed" else f";{_LINE}"
    cells = [
        f'<span style="color:{colour}">{_SIGNS[state]}</span>',
        f'<b style="font-weight:600;{_LINE}">{escape(name)}</b>',
        _bar(view.progress, colour),
        f'<span style="text-align:right">{_percent(view)}</span>',
        f'<span style="{style}" title="{escape(said)}">{escape(said)}</span>',
    ]
    if outputs and (text := _text(view)):
        cells.append(f'<div style="{_BLOCK}">{escape(text)}</div>')
    return "".join(cells)


def _bar(done: float | None, colour: str) -> str:
    if done is None:
        told, width = "", 100.0
        stripes = f"{colour} 0 6px,transparent 6px 12px"
        paint = f"background:repeating-linear-gradient(135deg,{stripes});opacity:.45"
    else:
        told, width = f' aria-valuenow="{done:.0%}"'.replace("%", ""), 100 * done
        paint = f"background:{colour}"
    return (
        f'<div role="progressbar"{told} style="height:8px;border-radius:4px;overflow:hidden;'
        f'background:{_GREY}"><div style="height:100%;width:{width:.1f}%;{paint}"></div></div>'
    )


def _percent(view: View) -> str:
    done = view.snapshot.fraction
    return "" if done is None else f"{done:.0%}".replace("%", " %")


def _short(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _text(view: View) -> str:
    output = view.output
    if output is None:
        return ""
    if not isinstance(output, str):
        return _repr.repr(output)
    if len(output) <= _MOST:
        return output.strip("\n")
    # Of what still grows, its end is the news.
    return f"…{output[-_MOST:]}" if view.busy else _short(output)


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 200
