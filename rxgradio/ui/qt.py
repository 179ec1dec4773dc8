"""Qt, by PySide6 or PyQt6, whichever a widget is of.

Whoever posts leaves the action in a deque and sends an event to an object of the UI's thread,
which Qt allows on any thread as long as that object lives; so both are done under a lock, and
the end of the object takes that lock, too. What there is of a widget beyond this, properties
and the signals that tell of them, Qt's own description of it says.
"""

from __future__ import annotations

__all__ = ["Qt", "toolkit"]

import importlib
import math
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from .binding import weakly

Undo = Callable[[], object]

_LONGEST = 86_400.0
"""Seconds of a timer: for one of more than 24 days, Qt has not enough bits."""

_lock = threading.RLock()
_toolkits: dict[str, Qt] = {}


def toolkit(widget: Any) -> Qt:
    """Return that of the application of a widget's binding.

    Raises:
        RuntimeError: There is none: it has not been made yet, or has ended.
    """
    modules = (each.__module__.partition(".")[0] for each in type(widget).__mro__)
    package = next(module for module in modules if module in ("PySide6", "PyQt6"))
    with _lock:
        found = _toolkits.get(package)
        if found is None or found.over:
            found = _toolkits[package] = Qt(package)
        return found


class Qt:
    """The toolkit of all widgets of an application.

    What callbacks raise goes to `sys.excepthook`, where PySide6 reports what slots raise. So
    does PyQt6, but then it aborts the process, unless that hook is somebody's own; not so here.

    Args:
        package: "PySide6" or "PyQt6".

    Raises:
        RuntimeError: There is no application.
    """

    frame = 1 / 60

    def __init__(self, package: str) -> None:
        self._core: Any = importlib.import_module(f"{package}.QtCore")
        app = self._core.QCoreApplication.instance()
        if app is None:
            raise RuntimeError("there is no QApplication")
        if package == "PySide6":
            of: Any = importlib.import_module("shiboken6")
            self._valid, self._made_by_python = of.isValid, of.createdByPython
        else:
            of = importlib.import_module("PyQt6.sip")
            self._valid, self._made_by_python = _not(of.isdeleted), of.ispycreated
        self._thread = app.thread()
        self._lock = threading.RLock()  # finalizers may post
        self._posted: deque[tuple[Callable[[], object], float]] = deque()
        self._waiting: dict[int, Callable[[], object]] = {}
        self._lives: WeakKeyDictionary[Any, _Life] = WeakKeyDictionary()
        self._waker: Any = _waker(self._core, self._take, self._due)
        self._waker.moveToThread(self._thread)
        # On its thread: it is to end with the application, and tell.
        self.post(self._settle, 0.0)

    @property
    def over(self) -> bool:
        """Whether the application has ended."""
        return self._waker is None or not self._valid(self._waker)

    @property
    def current(self) -> bool:
        """Whether the caller is on the thread of the application."""
        return bool(self._core.QThread.currentThread() == self._thread)

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Leave an action, and an event that has it taken.

        Raises:
            RuntimeError: The application has ended.
        """
        event = self._core.QEvent
        with self._lock:
            if self.over:
                raise RuntimeError("the application has ended")
            self._posted.append((action, delay))
            self._core.QCoreApplication.postEvent(self._waker, event(event.Type.User))

    def alive(self, widget: Any) -> bool:
        """Whether there is still something behind the Python object."""
        return bool(self._valid(widget))

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when a widget, or what an item is in, is destroyed."""
        home = _home(widget)
        return _nothing if home is None else self._life(home).tell(closed)

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return a property of Qt, or by default what its user can change."""
        if prop is not None:
            return widget.property(_known(widget, prop))
        if _is(widget, "QListWidget"):
            item = widget.currentItem()
            return "" if item is None else item.text()
        name = _changed_by_user(widget)
        return widget.property(name) if name else None

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set a property of Qt, or by default what a widget shows.

        Raises:
            TypeError: It has no such property, or that cannot be of this value.
        """
        if prop is None:
            _show(widget, value)
        else:
            _set(widget, _known(widget, prop), value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called by the signal that tells of a property, or is named so itself.

        Raises:
            TypeError: There is none.
        """
        signal, value_of = self._told_by(widget, prop)
        it = weakly(widget)  # a signal of a widget would keep it alive

        def told(*values: Any) -> None:
            if (sender := it()) is not None:
                self._run(lambda: heard(value_of(sender, *values)))

        getattr(widget, signal).connect(told)
        life = self._life(widget)
        forget = life.tell(_nothing)

        def undo() -> None:
            forget()
            sender = it()
            if sender is not None and not life.over:
                with suppress(TypeError, RuntimeError):  # somebody else has done it
                    getattr(sender, signal).disconnect(told)

        return undo

    def _told_by(self, widget: Any, prop: str | None) -> tuple[str, Callable[..., Any]]:
        """Return the name of a signal, and what makes a value of the widget and its arguments."""
        if prop is None and _is_plain_button(widget):
            return ("clicked" if hasattr(widget, "clicked") else "triggered"), _nothing
        if prop is None and _is(widget, "QListWidget"):
            return "currentTextChanged", _first
        name = _changed_by_user(widget) if prop is None else prop
        if name and (signal := _signal_of(widget, name)):
            return signal, lambda *of: self.get(of[0], prop)
        if name and hasattr(getattr(widget, name, None), "connect"):
            return name, _first
        what = "the value" if prop is None else repr(prop)
        raise TypeError(f"Qt does not tell when {what} of a {type(widget).__name__} changes")

    def _life(self, widget: Any) -> _Life:
        life = self._lives.get(widget)
        if life is None:
            keep = not self._made_by_python(widget)
            life = self._lives[widget] = _Life(widget, self._run, keep=keep)
            widget.destroyed.connect(partial(life.end))
        return life

    # ---- on the UI's thread

    def _settle(self) -> None:
        self._waker.setParent(self._core.QCoreApplication.instance())
        self._waker.destroyed.connect(partial(self._end))

    def _end(self, *_: object) -> None:
        with self._lock:
            self._waker = None
            self._posted.clear()
            self._waiting.clear()

    def _take(self) -> None:
        action, delay = self._posted.popleft()
        if delay <= 0:
            self._run(action)
            return
        if delay > _LONGEST:
            action, delay = partial(self.post, action, delay - _LONGEST), _LONGEST
        precisely = self._core.Qt.TimerType.PreciseTimer  # others may be early
        self._waiting[self._waker.startTimer(math.ceil(1000 * delay), precisely)] = action

    def _due(self, timer: int) -> None:
        self._waker.killTimer(timer)
        self._run(self._waiting.pop(timer))

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 (of any callback; it goes where those of slots go)
            sys.excepthook(type(error), error, error.__traceback__)


class _Life:
    """Who is to be told when a widget ends.

    PyQt6 lets go of the objects of widgets that C++ has made, such as the buttons of a dialog,
    while these live; so such a one is kept, as long as somebody wants to be told.
    """

    def __init__(
        self, widget: Any, run: Callable[[Callable[[], object]], object], *, keep: bool
    ) -> None:
        self.over = False
        self._widget = weakly(widget)
        self._keep = keep
        self._kept: Any = None
        self._run = run
        self._closers: dict[object, Callable[[], object]] = {}

    def tell(self, closed: Callable[[], object]) -> Undo:
        key = object()
        self._closers[key] = closed
        if self._keep:
            self._kept = self._widget()

        def undo() -> None:
            self._closers.pop(key, None)
            if not self._closers:
                self._kept = None

        return undo

    def end(self, *_: object) -> None:
        # First of all: half way through its end, a widget may still seem to be alive.
        self.over = True
        closers, self._closers, self._kept = self._closers, {}, None
        for closed in closers.values():
            self._run(closed)


def _waker(core: Any, take: Callable[[], object], due: Callable[[int], object]) -> Any:
    """Return an object that is sent an event for each action, and has timers for later ones."""

    class Waker(core.QObject):  # type: ignore[misc]  # whose types depend on the binding
        def customEvent(self, _: object) -> None:  # noqa: N802 (Qt's name)
            take()

        def timerEvent(self, event: Any) -> None:  # noqa: N802 (as above)
            due(event.timerId())

    return Waker()


def _not(fact: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda it: not fact(it)


# ---- what Qt says of a widget


def _home(widget: Any) -> Any:
    """Return what is destroyed with it: the widget itself, or what an item is in, if anything."""
    if hasattr(widget, "destroyed"):
        return widget
    for name in ("tableWidget", "listWidget", "treeWidget", "model"):
        if hasattr(widget, name):
            return getattr(widget, name)()
    return None


def _is(widget: Any, *names: str) -> bool:
    return hasattr(widget, "inherits") and any(widget.inherits(name) for name in names)


def _is_plain_button(widget: Any) -> bool:
    return _is(widget, "QAbstractButton", "QAction") and not widget.isCheckable()


def _changed_by_user(widget: Any) -> str:
    """Return the name of the property that users change; empty if there is none."""
    if _is(widget, "QTextEdit", "QPlainTextEdit"):
        return "plainText"
    if _is(widget, "QAction") and widget.isCheckable():
        return "checked"
    if _is_plain_button(widget) or not hasattr(widget, "metaObject"):
        return ""
    return widget.metaObject().userProperty().name() or ""


def _known(widget: Any, prop: str) -> str:
    # Of another name, Qt would make a new one.
    if not hasattr(widget, "metaObject") or widget.metaObject().indexOfProperty(prop) < 0:
        raise TypeError(f"a {type(widget).__name__} has no property {prop!r}")
    return prop


def _signal_of(widget: Any, prop: str) -> str:
    """Return the name of the signal that tells when a property changes; empty if there is none."""
    if not hasattr(widget, "metaObject"):
        return ""
    if prop == "plainText":  # of a QTextEdit, Qt does not say so
        return "textChanged"
    meta = widget.metaObject()
    signal = meta.property(meta.indexOfProperty(prop)).notifySignal()
    return bytes(signal.name()).decode() if signal.isValid() else ""


def _first(_: Any, *values: Any) -> Any:
    return values[0] if values else None


def _nothing(*_: object) -> None:
    return None


# ---- what is shown


def _show(widget: Any, value: Any) -> None:
    if _is(widget, "QProgressBar"):
        _show_progress(widget, value)
    elif _is(widget, "QTextEdit", "QPlainTextEdit"):
        _show_text(widget, _text(value))
    elif _is(widget, "QListWidget"):
        _show_list(widget, [_text(each) for each in value or ()])
    elif _is(widget, "QLineEdit"):
        if widget.text() != _text(value):  # or the cursor would move
            widget.setText(_text(value))
    elif name := _changed_by_user(widget):
        _set(widget, name, value)
    elif hasattr(widget, "setText"):  # a label, a button, an action, an item of a table
        if hasattr(widget, "textFormat"):
            _let_markup_be_text(widget)
        widget.setText(_text(value))
    elif hasattr(widget, "showMessage"):  # a status bar
        widget.showMessage(_text(value))
    elif hasattr(widget, "display"):  # a QLCDNumber
        widget.display(value)
    else:
        raise TypeError(f"which property of a {type(widget).__name__} is to be set?")


def _set(widget: Any, prop: str, value: Any) -> None:
    if not widget.setProperty(prop, value):
        raise TypeError(f"{prop!r} of a {type(widget).__name__} cannot be {value!r}")


def _let_markup_be_text(label: Any) -> None:
    """Have a label show as it is what looks like HTML, unless it was made for that."""
    if label.textFormat().name == "AutoText":
        label.setTextFormat(label.textFormat().__class__.PlainText)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_RANGE = "rxgradioRange"
"""A property that a bar gets while its own range is put aside."""


def _show_progress(bar: Any, done: float | None) -> None:
    low, high = bar.minimum(), bar.maximum()
    if done is None:
        if low or high:
            bar.setProperty(_RANGE, [low, high])
            bar.setRange(0, 0)  # that of one that is busy
        return
    if not low and not high:
        low, high = bar.property(_RANGE) or (0, 100)
        bar.setRange(low, high)
    bar.setValue(round(low + done * (high - low)))


def _show_text(widget: Any, text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    before = widget.toPlainText()
    shown = text.replace("\N{NO-BREAK SPACE}", " ")  # as it gives them back
    if shown == before:
        return
    scroll = widget.verticalScrollBar()
    at, at_end = scroll.value(), scroll.value() >= scroll.maximum()
    if shown.startswith(before):
        # It grows, as texts do: what is there, and what is marked in it, stays.
        _append(widget, text[len(before) :])
    else:
        widget.setPlainText(text)
    scroll.setValue(scroll.maximum() if at_end else at)


def _append(widget: Any, text: str) -> None:
    cursor = widget.textCursor()  # a copy of it
    anchor, position = cursor.anchor(), cursor.position()
    cursor.movePosition(cursor.MoveOperation.End)
    cursor.insertText(text)
    own = widget.textCursor()
    if (own.anchor(), own.position()) != (anchor, position):  # it was at the end, and went along
        own.setPosition(anchor)
        own.setPosition(position, own.MoveMode.KeepAnchor)
        widget.setTextCursor(own)


def _show_list(widget: Any, texts: list[str]) -> None:
    before = [widget.item(row).text() for row in range(widget.count())]
    if texts[: len(before)] != before:
        widget.clear()
        before = []
    widget.addItems(texts[len(before) :])
