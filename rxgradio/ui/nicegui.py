"""NiceGUI: pages whose elements live on the server, on its event loop."""

from __future__ import annotations

__all__ = ["NiceGUI"]

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from nicegui import Client, app, core, ui
from nicegui.element import Element

from .event_loop import EventLoop
from .listeners import Listeners

_closing = Listeners()
_changes = Listeners()


class NiceGUI(EventLoop):
    """The toolkit of the elements of one page.

    Actions run where the element is on its page, so they may make others there. What one
    raises goes to the handlers of `app.on_exception`, and to those of the page.

    Args:
        widget: An element, or a client, which stands for all of its page.
    """

    frame = 1 / 30

    def __init__(self, widget: Element | Client) -> None:
        super().__init__()
        self._widget = weakref.ref(_element(widget))

    @property
    def current(self) -> bool:
        """Whether the caller runs in the loop, or in a script that only looks what is there."""
        return core.is_script_mode_preflight() or super().current

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Have the loop call an action.

        Raises:
            RuntimeError: The loop is closed, or there was none.
        """
        super().post(partial(self._run, action), delay)

    def alive(self, widget: Any) -> bool:
        """Whether an element is not deleted, and on a page that somebody may see."""
        # A script is run once without a page, for NiceGUI to see that it is one.
        return not (_element(widget).is_deleted or core.is_script_mode_preflight())

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when an element is deleted, with its page or alone."""
        element = _element(widget)

        def watch(tell: Callable[[Any], object]) -> None:
            deleted = element._handle_delete  # noqa: SLF001 (what subclasses override to be told)  # pyright: ignore[reportPrivateUsage] (as said)

            def handle_delete() -> None:
                deleted()
                self._run(partial(tell, None))

            # Only clients tell of their end; an element whose stream is silent would not be missed.
            setattr(element, "_handle_delete", handle_delete)  # noqa: B010 (no type has it so)

        return _closing.add(element, "end", lambda _: closed(), watch)

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return an attribute or a prop of an element, or by default its value."""
        if prop is None:
            return getattr(widget, "value", None)
        return getattr(widget, prop) if hasattr(widget, prop) else widget.props.get(prop)

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set an attribute or a prop of an element, or by default what it shows."""
        if prop is None:
            _show(widget, value)
        elif prop == "enabled" and not hasattr(widget, "enabled"):
            widget.props["disable"] = not value
        elif hasattr(widget, prop):
            setattr(widget, prop, value)
            widget.update()
        else:
            widget.props[prop] = value

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called with each value of an element; of a button, at each click.

        Raises:
            TypeError: Nothing of the kind can be told of this element.
        """
        if prop in (None, "value") and hasattr(widget, "on_value_change"):
            watch = partial(_watch, widget.on_value_change, lambda event: event.value)
        elif prop is None and hasattr(widget, "on_click"):
            watch = partial(_watch, widget.on_click, lambda _: None)
        else:
            raise TypeError(f"of a {type(widget).__name__} no {prop or 'value'!r} can be watched")
        return _changes.add(widget, None, heard, watch)

    def _run(self, action: Callable[[], object]) -> None:
        with self._place():
            try:
                action()
            except Exception as error:  # noqa: BLE001 (of any setter; here it goes where NiceGUI's own go)
                app.handle_exception(error)

    def _place(self) -> AbstractContextManager[object]:
        """Return where handlers of the element's own events run."""
        element = self._widget()
        if element is None or element.is_deleted:
            return nullcontext()
        return element.parent_slot or element.client.layout.default_slot


def _element(widget: Element | Client) -> Element:
    return widget.layout if isinstance(widget, Client) else widget


def _watch(
    add: Callable[[Callable[[Any], None]], object],
    value: Callable[[Any], Any],
    tell: Callable[[Any], object],
) -> None:
    def handle(event: Any) -> None:
        tell(value(event))

    add(handle)


# ---- what is shown


def _show(widget: Any, value: Any) -> None:
    match widget:
        case ui.linear_progress() | ui.circular_progress():
            _show_progress(widget, value)
        case ui.input() | ui.editor() | ui.codemirror():
            widget.set_value(_text(value))
        case ui.log():
            widget.push(_text(value))
        case _ if hasattr(widget, "set_value"):
            widget.set_value(value)
        case _ if hasattr(widget, "set_source"):
            widget.set_source("" if value is None else value)
        case _ if hasattr(widget, "set_content"):
            widget.set_content(_text(value))
        case _ if hasattr(widget, "set_text"):
            widget.set_text(_text(value))
        case _:
            raise TypeError(f"what of a {type(widget).__name__} is to be set? Name a property")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _show_progress(bar: Any, done: float | None) -> None:
    bar.props.set_bool("indeterminate", done is None)
    if done is not None:
        first, last = bar.props.get("min", 0.0), bar.props.get("max", 1.0)
        bar.set_value(first + done * (last - first))
