"""A toolkit in which nothing happens by itself, time neither."""

from __future__ import annotations

__all__ = ["FakeDriver", "Widget", "Window"]

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from rxgradio.ui import register
from tests.ui.drivers import Driver

T = TypeVar("T")


class Window:
    """The toolkit of the widgets that it makes; also their window."""

    frame = 0.1

    def __init__(self) -> None:
        self.seconds = 0.0
        self.thread = threading.get_ident()
        self.errors: list[BaseException] = []
        self.widgets: list[Widget] = []
        self.closed = False
        self.posted: list[tuple[float, int, Callable[[], object]]] = []
        self.news = threading.Event()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def widget(self, value: Any = None) -> Widget:
        self.widgets.append(Widget(self, value))
        return self.widgets[-1]

    # ---- time

    def advance(self, seconds: float = 0.0) -> None:
        """Do all that is due until then, in order."""
        until = self.seconds + seconds + 1e-9
        while True:
            with self._lock:
                if not self.posted or self.posted[0][0] > until:
                    break
                due, _, action = heapq.heappop(self.posted)
            self.seconds = max(self.seconds, due)
            try:
                action()
            except Exception as error:
                self.errors.append(error)
        self.seconds = max(self.seconds, until - 1e-9)  # an action may have advanced it

    # ---- the hooks

    @property
    def current(self) -> bool:
        return threading.get_ident() == self.thread

    def post(self, action: Callable[[], object], delay: float) -> None:
        if self.closed:
            raise RuntimeError("the window is closed")
        with self._lock:
            heapq.heappush(self.posted, (self.seconds + delay, next(self._numbers), action))
        self.news.set()

    def alive(self, widget: Widget) -> bool:
        assert self.current
        return widget.lives

    def on_close(self, widget: Widget, closed: Callable[[], object]) -> Callable[[], object]:
        assert self.current
        widget.closers.append(closed)
        closers = widget.closers
        return lambda: closed in closers and closers.remove(closed)

    def get(self, widget: Widget, prop: str | None) -> Any:
        assert self.current
        return widget.values.get(prop)

    def set(self, widget: Widget, prop: str | None, value: Any) -> None:
        assert self.current
        assert widget.lives
        widget.values[prop] = value
        widget.sets.append((round(self.seconds, 6), prop, value))

    def listen(
        self, widget: Widget, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        assert self.current
        widget.listeners.append((prop, heard))
        listeners = widget.listeners
        return lambda: listeners.remove((prop, heard))


class Widget:
    """A widget of any kind."""

    def __init__(self, window: Window, value: Any) -> None:
        self.window = window
        self.lives = True
        self.values: dict[str | None, Any] = {None: value, "enabled": True}
        self.sets: list[tuple[float, str | None, Any]] = []
        """When what was set to what."""
        self.closers: list[Callable[[], object]] = []
        self.listeners: list[tuple[str | None, Callable[[Any], object]]] = []

    @property
    def shown(self) -> list[Any]:
        """All that it has shown."""
        return [value for _, prop, value in self.sets if prop is None]

    def enter(self, value: Any, prop: str | None = None) -> None:
        """Do as its user who changes it."""
        self.values[prop] = value
        for which, heard in list(self.listeners):
            if which == prop:
                heard(value)

    def destroy(self) -> None:
        self.lives = False
        for closed in list(self.closers):
            closed()


Widget.__module__ = "fake_toolkit"
register("fake_toolkit", lambda widget: widget.window)


class FakeDriver(Driver):
    """A window whose time goes by frames."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.errors = self.window.errors
        self.frame = self.window.frame

    def call(self, action: Callable[[], T]) -> T:
        return action()

    def turn(self) -> None:
        self.window.news.clear()
        self.window.advance(self.frame)
        self.window.news.wait(0.001)

    def now(self) -> float:
        return self.window.seconds

    def label(self) -> Widget:
        return self.window.widget("")

    bar = entry = button = label

    def shown(self, widget: Widget) -> Any:
        return widget.values[None]

    def enabled(self, widget: Widget) -> bool:
        return bool(widget.values["enabled"])

    def type(self, entry: Widget, text: str) -> None:
        entry.enter(entry.values[None] + text)

    def click(self, button: Widget) -> None:
        if self.enabled(button):
            button.enter(None)

    def destroy(self, widget: Widget) -> None:
        widget.destroy()

    def close(self) -> None:
        for widget in self.window.widgets:
            if widget.lives:
                widget.destroy()
        self.window.closed = True
