"""Textual: apps on the terminal, each on an event loop."""

from __future__ import annotations

__all__ = ["Textual"]

import weakref
from asyncio import Task
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from rich.protocol import is_renderable
from textual.app import App
from textual.constants import MAX_FPS
from textual.content import Content
from textual.message_pump import MessagePump
from textual.reactive import Reactive
from textual.widgets import (
    Button,
    Digits,
    Input,
    Log,
    ProgressBar,
    RichLog,
    Select,
    Sparkline,
    Static,
    TextArea,
)

from .controls import printable
from .event_loop import EventLoop
from .listeners import Listeners

_closing = Listeners()
_changes = Listeners()


class Textual(EventLoop):
    """The toolkit of the widgets of one app, its screens, and the app itself.

    What an action raises ends the app, as what a handler of a message raises does.

    Args:
        widget: One of them.
    """

    frame = 1 / MAX_FPS

    def __init__(self, widget: MessagePump) -> None:
        super().__init__()
        self._widget = weakref.ref(widget)

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Have the app's loop call an action.

        Raises:
            RuntimeError: The loop is closed, or there was none.
        """
        super().post(partial(self._run, action), delay)

    def alive(self, widget: Any) -> bool:
        """Whether a widget is not removed; one that is yet to be mounted is not."""
        if isinstance(widget, App):
            return widget.return_code is None
        return not widget.is_mounted or (widget.is_running and widget.is_attached)

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when a widget is removed, with its screen or with the app."""

        def watch(tell: Callable[[Any], object]) -> None:
            # The task of a widget ends with it, however it does, and nothing else always tells.
            # A worker of the widget would, too, but it is one that `wait_for_complete` waits for.
            def ended(_: Task[None]) -> None:
                self._run(partial(tell, None))

            def begin() -> None:
                # An app that runs has no task that it tells of; its first screen ends with it.
                node: Any = widget.screen_stack[0] if isinstance(widget, App) else widget
                node.task.add_done_callback(ended)

            _when_it_runs(widget, begin)

        return _closing.add(widget, "end", lambda _: closed(), watch)

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return an attribute of a widget, or by default what its user has entered."""
        if prop == "enabled":
            return not widget.disabled
        if prop is None and isinstance(widget, TextArea):
            return widget.text
        value = getattr(widget, prop) if prop is not None else getattr(widget, "value", None)
        return None if value is Select.NULL else value

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set an attribute of a widget, or by default what it shows.

        Raises:
            AttributeError: It has no such attribute.
        """
        if isinstance(value, str):
            value = printable(value)
        if prop == "enabled":
            widget.disabled = not value
        elif prop is None:
            _show(widget, value)
        else:
            getattr(widget, prop)  # or one that is misspelt would be a new one
            setattr(widget, prop, value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called with what a reactive attribute is set to; of a button, at each press.

        Raises:
            TypeError: Nothing of the kind can be told of this widget.
        """
        watch: Callable[[Callable[[Any], object]], object]
        if prop is None and isinstance(widget, Button):
            watch = partial(self._watch_messages, widget, Button.Pressed, lambda: None)
        elif prop is None and isinstance(widget, TextArea):
            watch = partial(self._watch_messages, widget, TextArea.Changed, lambda: widget.text)
        elif _is_reactive(widget, prop or "value"):
            watch = partial(_watch_reactive, widget, prop or "value")
        else:
            raise TypeError(f"of a {type(widget).__name__} no {prop or 'value'!r} can be watched")
        return _changes.add(widget, prop, heard, watch)

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:
            widget: Any = self._widget()
            if widget is None:
                raise
            # As Textual does with what its timers and workers raise: no public way leads there.
            widget.app._handle_exception(error)  # noqa: SLF001 (as said)

    def _watch_messages(
        self, widget: Any, kind: type, value: Callable[[], Any], tell: Callable[[Any], object]
    ) -> None:
        def passed(message: object) -> None:
            if isinstance(message, kind):
                self._run(lambda: tell(value()))  # what is raised there goes no further

        def subscribe() -> None:
            widget.message_signal.subscribe(widget, passed, immediate=True)

        _when_it_runs(widget, subscribe)


def _when_it_runs(widget: Any, action: Callable[[], object]) -> None:
    if widget.is_running:
        action()
    else:
        # It takes messages before it is mounted, too, and looks at them when it is.
        widget.call_later(action)


def _is_reactive(widget: object, name: str) -> bool:
    return isinstance(getattr(type(widget), name, None), Reactive)


def _watch_reactive(widget: Any, name: str, tell: Callable[[Any], object]) -> None:
    def changed(value: Any) -> None:
        tell(None if value is Select.NULL else value)

    widget.watch(widget, name, changed, init=False)


# ---- what is shown


def _show(widget: Any, value: Any) -> None:
    it: object = widget
    match it:
        case ProgressBar():
            _show_progress(widget, value)
        case Button():
            widget.label = _content(value)
        case TextArea():
            _show_text(widget, _text(value))
        case Input():
            widget.value = _text(value)
        case Log():
            widget.write_line(_text(value))
        case RichLog():
            widget.write(value)
        case Select():
            select = cast("Select[Any]", widget)
            select.value = Select.NULL if value is None else value
        case Sparkline():
            widget.data = value
        case _ if _is_reactive(widget, "value"):
            widget.value = value
        case Static():
            widget.update(_content(value))
        case Digits():
            widget.update(_text(value))
        case _ if hasattr(widget, "update"):
            widget.update("" if value is None else value)
        case _:
            raise TypeError(f"what of a {type(widget).__name__} is to be set? Name an attribute")


def _text(value: Any) -> str:
    return "" if value is None else printable(str(value))


def _content(value: Any) -> Any:
    """Return what shows a text as it is, as brackets in it would be markup."""
    drawn = not isinstance(value, str) and (is_renderable(value) or hasattr(value, "visualize"))
    return value if drawn else Content(_text(value))


def _show_progress(bar: ProgressBar, done: float | None) -> None:
    if done is None:
        bar.update(total=None)
        return
    total = bar.total or 1.0
    bar.update(total=total, progress=done * total)


def _show_text(area: TextArea, text: str) -> None:
    before = area.text
    if before == text:
        return
    at_end, offset, selection = area.is_vertical_scroll_end, area.scroll_offset, area.selection
    if text.startswith(before):
        # It grows, as texts do: what is there, and what is selected in it, stays.
        area.insert(text[len(before) :], area.document.end)
        area.selection = selection  # where the last line is selected, Textual moves that on
    else:
        area.load_text(text)
    if at_end:
        area.scroll_end(animate=False)
    else:
        area.scroll_to(y=offset.y, animate=False)
