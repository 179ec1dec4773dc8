"""The terminal without more: lines; and tqdm's bars as widgets."""

from __future__ import annotations

__all__ = ["Lines", "Terminal", "said_of"]

from collections.abc import Callable
from typing import IO, Any, Self

from .any_thread import AnyThread
from .controls import printable
from .views import View

_STEPS = 100
"""Of a bar that was made without a total."""
_MOST = 60
"""Characters of an output that are shown."""


class Terminal(AnyThread):
    """The toolkit of tqdm's bars, of rich, and of functions that write to a terminal.

    A bar's text is its description; anything else that it is to show is how far it is. Of
    rich, a `Status` or a `Live` is updated, a `Console` prints, and a `Progress` is a bar if it
    has one task.

    Args:
        widget: Of the terminal; nothing is asked of it.
        frame: Seconds between two paintings.
    """

    def __init__(self, widget: Any = None, frame: float = 0.1) -> None:  # noqa: ARG002 (any will do)
        super().__init__(frame)

    def alive(self, widget: Any) -> bool:
        """Whether a bar is not closed."""
        # Closed is disabled; one that was made so has never started, and what is bound has.
        return not (getattr(widget, "disable", False) and hasattr(widget, "start_t"))

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return an attribute of a bar; how far it is, by default."""
        return getattr(widget, prop or "n")

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set how far a bar is, its description, or an attribute, and draw it."""
        if isinstance(value, str):
            value = printable(value)
        if not hasattr(widget, "n"):
            _show_by_rich(widget, value)
            return
        if prop is not None:
            setattr(widget, prop, value)
        elif isinstance(value, str):
            widget.set_description_str(value, refresh=False)
        else:
            if not widget.total:
                widget.total = _STEPS
            done = (value or 0.0) * widget.total
            widget.n = round(done) if isinstance(widget.total, int) and widget.total > 1 else done
        # Whatever its own interval: the last value is to be seen.
        widget.refresh()

    def listen(self, *_: object) -> Callable[[], object]:
        """Refuse: nobody changes anything there.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a terminal has nothing that its user could change")


def _show_by_rich(widget: Any, value: Any) -> None:
    from rich.markup import escape  # noqa: PLC0415 (it is there if a widget of it is)

    if hasattr(widget, "tasks"):
        if len(widget.tasks) != 1:
            raise TypeError(
                f"this Progress has {len(widget.tasks)} tasks; bind functions that update one: "
                "progress=lambda done: it.update(task, completed=done), on=it"
            )
        (task,) = widget.tasks
        if isinstance(value, str):
            widget.update(task.id, description=escape(value))
        elif value is not None:  # one that knows its total cannot go back to not knowing it
            total = task.total or 1.0
            widget.update(task.id, total=total, completed=value * total)
        return
    # Texts are of servers, and none of rich's markup.
    shown = escape(value) if isinstance(value, str) else value
    (widget.update if hasattr(widget, "update") else widget.print)(shown)


class Lines:
    """Where calls stand, as lines of a file: one when that has changed, at most one a second.

    Args:
        file: What is written to.
        width: Columns of the names.
    """

    frame = 1.0

    def __init__(self, file: IO[str], width: int) -> None:
        self._file = file
        self._width = width

    def begin(self, name: str) -> Callable[[View], None]:
        """Return what shows a view of a call of this name."""
        last = ""

        def show(view: View) -> None:
            nonlocal last
            said = said_of(view)
            if said != last:
                last = said
                self._file.write(f"{name:{self._width}}  {said}\n")
                self._file.flush()

        return show

    def __enter__(self) -> Self:
        """Begin; there is nothing to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """End; there is nothing to do."""


def said_of(view: View) -> str:
    """Return where a call stands in one line, with what there is of a text or a number."""
    return printable(_said_of(view))


def _said_of(view: View) -> str:
    output = view.output
    if isinstance(output, str | int | float) and not view.error:
        text = " ".join(str(output).split())
        # Before that, they may say which attempt it is.
        if view.busy and view.status.endswith("streaming"):
            return f"{view.status}: {text if len(text) <= _MOST else '…' + text[1 - _MOST :]}"
        if not view.busy and view.status.endswith("done"):
            return f"{view.status}: {text if len(text) <= _MOST else text[: _MOST - 1] + '…'}"
    return " ".join(view.status.split())
