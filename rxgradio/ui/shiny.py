"""Shiny for Python, whose widgets are reactive values: outputs read them, and inputs are some.

A reactive value is only set while the reactive graph is locked, and what depends on it runs
when the graph is flushed. All that belongs together is set before one flush.
"""

from __future__ import annotations

__all__ = ["Shiny", "toolkit"]

import asyncio
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from shiny import reactive
from shiny.session import Session, get_current_session
from shiny.types import ActionButtonValue, SilentException

from .event_loop import EventLoop

_UNSET = object()


def toolkit(widget: Any) -> Shiny:
    """Return that of a session: itself, or for a reactive value the one that it is used in."""
    return Shiny(widget if isinstance(widget, Session) else get_current_session())


class Shiny(EventLoop):
    """The toolkit of a session, its inputs and its reactive values and calculations.

    Errors go to the exception handler of the loop, as those of tasks that a session starts: an
    effect that fails would end the session.

    Args:
        session: Of a browser; None for values that no session uses.
    """

    frame = 1 / 30

    def __init__(self, session: Session | None) -> None:
        super().__init__()
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Have the loop call an action with the graph locked, and flush it.

        Raises:
            RuntimeError: The loop is closed, or there was none.
        """
        super().post(partial(self._start, action), delay)

    def alive(self, widget: Any) -> bool:
        """Return whether a session, and what it uses, lasts."""
        session: Any = self._session
        if session is not None and session._is_closed():  # noqa: SLF001 (what there is)
            return False
        # Asked in public, by `get`, it would be noted down each time who asked.
        return not getattr(widget, "_destroyed", False)

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when a session ends, or a value is destroyed before."""
        undo: list[Callable[[], object]] = []
        if self._session is not None:
            undo.append(self._session.on_ended(lambda: _call(closed)))
        it = widget
        if isinstance(widget, reactive.Value):
            undo.append(_on_destroyed(weakref.ref(it), closed))
        return lambda: [each() for each in undo]

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return a value; None if there is none yet, and of a button."""
        _refuse(widget, prop)
        value = _value(widget)
        return None if value is _UNSET or isinstance(value, ActionButtonValue) else value

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set a reactive value, or have a button in the browser enabled or not.

        Raises:
            TypeError: That is not to be set there.
            RuntimeError: It is an input. Shiny has functions for these, `ui.update_text` and so
                on; bind to one of them.
        """
        if prop == "enabled":
            self._enable(widget, enabled=bool(value))
            return
        _refuse(widget, prop)
        widget.set(value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called with each value after this one; of a button, for each click.

        Raises:
            TypeError: It is no reactive value or calculation.
        """
        _refuse(widget, prop)
        before = _value(widget)
        first, clicks = True, before if isinstance(before, ActionButtonValue) else 0

        @reactive.effect
        def tell() -> None:
            nonlocal first, clicks
            is_first, first = first, False
            if getattr(widget, "_destroyed", False):
                return
            value = widget()
            if is_first and value is before:
                return
            # What hears of it may read other values, and does not depend on them.
            with reactive.isolate():
                if not isinstance(value, ActionButtonValue):
                    heard(value)
                    return
                # Of a button, clicks are counted: a browser may tell of two at once.
                new, clicks = value - clicks, value
                for _ in range(new):
                    heard(None)

        return tell.destroy

    def _start(self, action: Callable[[], object]) -> None:
        task = asyncio.ensure_future(self._run(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, action: Callable[[], object]) -> None:
        async with reactive.lock():
            try:
                with reactive.isolate():
                    action()
            except Exception as error:  # noqa: BLE001 (of a callback; it is reported)
                asyncio.get_running_loop().call_exception_handler(
                    {"message": f"Exception in callback {action!r}", "exception": error}
                )
            await reactive.flush()

    def _enable(self, widget: Any, *, enabled: bool) -> None:
        if self._session is not None:
            session = self._session.root_scope()
            inputs = session.input
            for name in dir(inputs):
                if inputs[name] is widget:
                    session.send_input_message(name, {"disabled": not enabled})
                    return
        raise TypeError("of Shiny, only an action button can be enabled or not: name an input")


def _on_destroyed(
    value: weakref.ref[reactive.Value[Any]], closed: Callable[[], object]
) -> Callable[[], object]:
    # Of no session, as one would keep it to its end.
    @reactive.effect(session=None)
    def look() -> None:
        it = value()
        if it is not None:
            it.is_set()  # changes when there is a first value, and at the end
            if getattr(it, "_destroyed", False):
                closed()

    return look.destroy


def _value(widget: Any) -> Any:
    with reactive.isolate():
        try:
            return widget()
        except SilentException:
            return _UNSET


def _refuse(widget: Any, prop: str | None) -> None:
    if prop is not None:
        raise TypeError(f"a reactive value has no {prop!r}; it is what it holds")
    kinds: Any = reactive  # where they are, though not said to be
    if not isinstance(widget, kinds.Value | kinds.Calc_) or isinstance(widget, kinds.CalcAsync_):
        raise TypeError(f"a {type(widget).__name__} has no value: name a reactive one, or an input")


def _call(closed: Callable[[], object]) -> None:
    closed()
