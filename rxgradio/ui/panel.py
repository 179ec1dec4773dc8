"""Panel, whose pages are documents of Bokeh; and all else that has parameters.

A document is only changed by callbacks that its session runs, under its lock. What is no part
of a page, such as a `Parameterized` in a script, may be set from any thread.
"""

from __future__ import annotations

__all__ = ["Anywhere", "Page", "Parameters", "toolkit"]

import asyncio
import sys
import weakref
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from contextvars import Context
from functools import partial
from html import escape
from typing import Any

from .any_thread import AnyThread
from .event_loop import EventLoop
from .toolkit import Toolkit

_FRAME = 1 / 30

_pages: weakref.WeakKeyDictionary[Any, Page] = weakref.WeakKeyDictionary()


def toolkit(widget: Any) -> Toolkit:
    """Return that of the page that is being made or served, else of the one that shows a widget.

    What belongs to no page, or to several, such as what a script or a notebook makes, is set on
    rxgradio's delivery threads; Panel takes it to the pages that show it.
    """
    document = _current_document() or _document_of(widget)
    if document is None:
        return Anywhere(_FRAME)
    found = _pages.get(document)
    if found is None:
        found = _pages[document] = Page(document)
    return found


class Parameters:
    """The part of a toolkit that is about widgets, as objects with parameters."""

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return a parameter of an object; by default, what its user enters."""
        name = prop or _entered(widget)
        return None if name == "clicks" else getattr(widget, name)

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set a parameter of an object; by default, what it shows.

        Raises:
            TypeError: The object has no such parameter.
        """
        if prop == "enabled":
            widget.disabled = not value
        elif prop is not None:
            _check(widget, prop)
            setattr(widget, prop, value)
        elif _is_bar(widget):
            # Below zero it moves, and nobody knows how far it is.
            widget.value = -1 if value is None else round(value * widget.max)
        else:
            _show(widget, value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called with what a user, or a program, enters; each key of a text.

        Raises:
            TypeError: The object has no such parameter.
        """
        name = prop or _entered(widget)
        _check(widget, name)
        is_click = prop is None and name == "clicks"

        def tell(event: Any) -> None:
            heard(None if is_click else event.new)

        watcher = widget.param.watch(tell, name, onlychanged=not is_click)
        return partial(widget.param.unwatch, watcher)


class Anywhere(Parameters, AnyThread):
    """The toolkit of objects that are no part of a page."""


class Page(Parameters, EventLoop):
    """The toolkit of all widgets of one page. An error goes where Panel's callbacks leave theirs.

    Args:
        document: That of its session.
    """

    frame = _FRAME

    def __init__(self, document: Any) -> None:
        super().__init__()
        if self._loop is None:  # on one of the threads of Panel's pool, `nthreads`
            self._loop = _loop_of(document)
        # Held, it would never leave `_pages`; and Panel's own variables hold it, too.
        self._document = weakref.ref(document)
        self._context = Context()
        self._waiting: dict[object, Callable[[], object]] = {}
        self._over = False
        document.on_session_destroyed(self._destroyed)

    @property
    def current(self) -> bool:
        """Whether the caller acts for this page, be it on a thread of Panel's pool."""
        document = _current_document()
        return document is not None and document is self._document()

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Have the session call an action.

        Raises:
            RuntimeError: It has ended.
        """
        if self._over:
            raise RuntimeError("the page is gone")
        # Not from here: what another thread adds to a document while that holds its events
        # back, or its session is being made, may be lost.
        super().post(partial(self._add, action), delay)

    def alive(self, widget: Any) -> bool:  # noqa: ARG002 (none ends before its page)
        """Return whether there still is the page: a widget may leave it and come back."""
        return not self._over

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:  # noqa: ARG002 (as above)
        """Have `closed` called when the session ends."""
        key = object()
        self._waiting[key] = closed
        return lambda: self._waiting.pop(key, None)

    def _add(self, action: Callable[[], object]) -> None:
        document = self._document()
        if document is not None and not self._over:
            document.add_next_tick_callback(partial(self._run, document, action))

    def _run(self, document: Any, action: Callable[[], object]) -> None:
        panel: Any = sys.modules["panel"]
        # What belongs together reaches the browser in one message. Before it is there, Panel
        # drops what was held, though the browser may have got the document already.
        with (
            sys.modules["panel.io.state"].set_curdoc(document),
            panel.io.hold(document) if panel.state.loaded else nullcontext(),
        ):
            try:
                action()
            except Exception as error:
                if panel.config.exception_handler is None:
                    raise
                panel.config.exception_handler(error)

    def _destroyed(self, session_context: Any) -> None:  # noqa: ARG002 (what Bokeh passes)
        self._over = True
        waiting, self._waiting = list(self._waiting.values()), {}
        with ExitStack() as stack:  # what one raises keeps no other from being told
            for closed in waiting:
                stack.callback(closed)


# ---- documents


def _current_document() -> Any:
    """Return the document that the caller acts for, if there is a session to it."""
    panel = sys.modules.get("panel")  # without it, there are only parameters
    document = None if panel is None else panel.state.curdoc
    return document if document is not None and document.session_context else None


def _document_of(widget: Any) -> Any:
    for model, _ in list(getattr(widget, "_models", {}).values()):
        if model.document is not None and model.document.session_context:
            return model.document
    return None


def _loop_of(document: Any) -> asyncio.AbstractEventLoop:
    served: Any = document.session_context.server_context.application_context
    loop: asyncio.AbstractEventLoop = served.io_loop.asyncio_loop
    return loop


# ---- parameters


def _check(widget: Any, name: str) -> None:
    if name not in widget.param:
        raise TypeError(f"a {type(widget).__name__} has no parameter {name!r}")


def _entered(widget: Any) -> str:
    return _first_of(widget, "clicks", "clicked", "value_input", "value", "object")


def _first_of(widget: Any, *names: str) -> str:
    for name in names:
        if name in widget.param:
            return name
    raise TypeError(f"which parameter of {type(widget).__name__}? Name one")


def _is_bar(widget: Any) -> bool:
    panel: Any = sys.modules.get("panel")
    return panel is not None and isinstance(widget, panel.indicators.Progress)


def _show(widget: Any, value: Any) -> None:
    name = _first_of(widget, "value", "object")
    if isinstance(getattr(widget, name), str):
        value = "" if value is None else str(value)
    if value is not None and _shows_html(widget):
        value = escape(str(value))
    setattr(widget, name, value)


def _shows_html(widget: Any) -> bool:
    """Whether it is there for texts, and yet shows what looks like HTML as that."""
    panel: Any = sys.modules.get("panel")
    return panel is not None and isinstance(
        widget, panel.widgets.StaticText | panel.indicators.String | panel.pane.Str
    )
