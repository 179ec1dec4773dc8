"""Calls on the terminal, or below a cell of a notebook."""

from __future__ import annotations

__all__ = ["name_of", "show"]

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from reactivex import Observable, abc

from ..job import Job
from ..operators.snapshots import Snapshot
from ..runtime.reading import await_future, refuse_to_block
from .binding import Binding
from .terminal import Lines, Terminal
from .views import View, folded, stream_of, view_of

if TYPE_CHECKING:
    from rich.console import Console

    from .bars import Bars
    from .jupyter import Notebook


def show(
    *calls: Job | Observable[Any] | Mapping[str, Job | Observable[Any]],
    console: Console | None = None,
) -> None:
    """Show where calls stand, on the terminal or in a notebook, until all of them have ended.

        ✓ reverse  ━━━━━━━━━━━━━━━━━━━━━━━━ 100 % done: desserts
        ⠹ paint    ━━━━━━━━━╸                40 % step 4/10
        · write    ━━━━━━━━━━━━━━━━━━━━━━━━       queued, 2 of 5, about 12 s

    They are bars in a notebook, or where rich is installed (`rxgradio[rich]`), and otherwise, or
    if it goes to a file, lines: one when something has changed, at most one a second for each
    call. Errors are shown, not raised. An interrupt ends the showing: jobs go on, and what
    `observe` called is cancelled.

    Args:
        calls: Jobs, streams of updates, or both by their names.
        console: One of rich, if not its own; then it is not shown in a notebook's way.

    Raises:
        TypeError: One is neither.
        RuntimeError: The caller runs on the scheduler thread, which must not block.
    """
    named = [(name, stream_of(call)) for name, call in _named(calls)]
    if not named:
        return
    refuse_to_block()
    with _canvas(console, max(len(name) for name, _ in named)) as canvas:
        toolkit = Terminal(frame=canvas.frame)
        bindings: list[Binding] = []
        try:
            ends: list[Future[None]] = []
            for name, stream in named:
                row = _Row(canvas.begin(name))
                binding = Binding(toolkit, row)
                bindings.append(binding)
                ends.append(row.end)
                binding.begin(folded(stream), [canvas])
            for end in ends:
                await_future(end)
        finally:
            for binding in bindings:
                binding.dispose()


class _Row(abc.ObserverBase[Snapshot]):
    """Shows one call, and tells when it has ended."""

    def __init__(self, show_view: Callable[[View], None]) -> None:
        self.end: Future[None] = Future()
        self._show = show_view

    def on_next(self, value: Snapshot) -> None:
        """Show where it stands."""
        try:
            self._show(view_of(value))
        except Exception as error:
            self.end.set_exception(error)  # of the terminal: whoever waits is to know
            raise

    def on_error(self, error: Exception) -> None:
        """Do as with an error that is a value; of what is folded, there is no other."""
        self.end.set_exception(error)

    def on_completed(self) -> None:
        """Leave it as it is."""
        self.end.set_result(None)


def _named(
    calls: tuple[Job | Observable[Any] | Mapping[str, Job | Observable[Any]], ...],
) -> Iterator[tuple[str, Job | Observable[Any]]]:
    """Return calls with the names that they have or, numbered if need be, are given."""
    unnamed = [call for call in calls if not isinstance(call, Mapping)]
    counts = Counter(map(name_of, unnamed))
    seen: Counter[str] = Counter()
    for call in calls:
        if isinstance(call, Mapping):
            yield from call.items()
            continue
        name = name_of(call)
        seen[name] += 1
        yield (name if counts[name] == 1 else f"{name} {seen[name]}"), call


def name_of(call: Job | Observable[Any]) -> str:
    """Return what a call is called that has been given no name."""
    if isinstance(call, Job):
        return call.communicator.label if call.communicator is not None else "job"
    return "stream"


def _canvas(console: Console | None, width: int) -> Bars | Lines | Notebook:
    if console is None and "IPython" in sys.modules:
        from .jupyter import Notebook, in_notebook  # noqa: PLC0415 (it is made with this)

        if in_notebook():
            return Notebook()
    try:
        import rich  # noqa: PLC0415 (optional)

        from .bars import Bars  # noqa: PLC0415 (as above)
    except ImportError:
        return Lines(sys.stdout, width)
    console = console or rich.get_console()
    if console.is_terminal and not console.is_dumb_terminal:
        return Bars(console)
    return Lines(console.file, width)
