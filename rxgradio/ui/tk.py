"""Tk, of which nothing may be called from any other thread than its own.

Tcl would make such a call wait until the UI is idle, or fail where no main loop runs. So
whoever posts leaves the action in a deque, and a pump takes it out, on the timer of the
window's own event loop. It runs as long as somebody listens to a widget of that window.
"""

from __future__ import annotations

__all__ = ["Tk", "toolkit"]

import heapq
import itertools
import sys
import threading
import time
import tkinter as tk
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from tkinter import ttk
from typing import Any

from .binding import do_all

_TICK = 0.015
"""Seconds after which the pump looks at the deque, at the latest."""

_toolkits: weakref.WeakKeyDictionary[tk.Misc, Tk] = weakref.WeakKeyDictionary()

Undo = Callable[[], object]


def toolkit(widget: tk.Misc | tk.Variable) -> Tk:
    """Return that of a widget's, or a variable's, window."""
    root: tk.Misc = _misc(widget)._root()  # noqa: SLF001 (what there is)
    found = _toolkits.get(root)
    if found is None:
        found = _toolkits[root] = Tk(root)
    return found


class Tk:
    """The toolkit of all widgets of one interpreter.

    Args:
        root: Its first window.
    """

    frame = 1 / 60

    def __init__(self, root: tk.Misc) -> None:
        self._root = weakref.ref(root)  # or it would outlive its window, as a value of its key
        self._tcl: Any = root.tk
        self._thread = 0
        self._posted: deque[tuple[float, Callable[[], object]]] = deque()
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._listeners = 0
        self._timer = ""
        """What runs the pump next; empty if it does not run."""
        self._over: bool | None = None
        """None as long as the window is not asked to tell."""
        # By ids of widgets, which what is kept holds: another may have the name of one that has
        # ended, or is in another window.
        self._closing: dict[int, list[Undo]] = {}
        self._deaths: dict[int, Undo] = {}
        self._changes: dict[tuple[int, str | None], _Change] = {}

    @property
    def current(self) -> bool:
        """Whether the caller is on the thread that made the window."""
        if not self._thread:
            try:
                # Tcl does not say whose it is, but this, of all its calls, refuses at once.
                self._tcl.eval("")
            except RuntimeError:
                return False
            except tk.TclError:  # it is gone, as what asks will see
                return True
            self._thread = threading.get_ident()
        return self._thread == threading.get_ident()

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Leave an action for the pump.

        Raises:
            RuntimeError: The window is gone.
        """
        if self._over:
            raise RuntimeError("the window is gone")
        self._posted.append((time.monotonic() + delay, action))
        if threading.get_ident() == self._thread:  # from elsewhere, it cannot be set going
            self._pump()

    def alive(self, widget: Any) -> bool:
        """Whether a widget is not destroyed."""
        try:
            return bool(_misc(widget).winfo_exists())
        except tk.TclError:  # the whole application is
            return False

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when a widget is destroyed."""
        it = _misc(widget)
        key = id(it)
        if key not in self._closing:
            self._deaths[key] = _on_event(it, "<Destroy>", partial(self._closed, key))
            self._closing[key] = []
        waiting = self._closing[key]
        waiting.append(closed)
        self._listeners += 1
        self._pump()

        def undo() -> None:
            if closed in waiting:
                waiting.remove(closed)
                self._listeners -= 1
                if not waiting and self._closing.get(key) is waiting:
                    self._closed(key)

        return undo

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return an option of a widget, or by default what its user has entered."""
        if prop is not None:
            return widget.cget(prop)
        if isinstance(widget, tk.Text):
            return widget.get("1.0", "end-1c")
        if variable := _variable(widget):
            try:
                return self._tcl.globalgetvar(variable)
            except tk.TclError:  # a button of ttk that has never been used sets none
                return ""
        # Buttons have no value.
        return widget.get() if hasattr(widget, "get") else None

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set an option of a widget, or by default what it shows."""
        if prop == "enabled":
            _enable(widget, able=bool(value))
        elif prop is not None:
            widget.configure(**{prop: value})
        else:
            _show(widget, value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called with what a user, or a program, enters.

        Of an entry or the like it is its variable that is watched, and one is lent to it
        if it has none; of a button its command, and of a `Text` its "modified" flag, which
        is then reset each time.

        Raises:
            TypeError: Nothing of the kind can be told of this widget.
        """
        key = (id(widget), prop)
        change = self._changes.get(key)
        if change is None:
            change = self._changes[key] = _Change()
            try:
                change.end = _watch(widget, prop, change.tell)
            except BaseException:
                del self._changes[key]
                raise
        return change.listen(heard, partial(self._changes.pop, key, None))

    # ---- the pump

    def _pump(self) -> None:
        root = self._root()
        if root is None:
            return
        if self._over is None:
            self._over = False
            _on_event(root, "<Destroy>", self._end)
        if not self._timer:
            self._timer = root.after(0, self._tick)

    def _tick(self) -> None:
        root = self._root()
        self._timer = ""
        if root is None:
            return
        while self._posted:
            due, action = self._posted.popleft()
            heapq.heappush(self._waiting, (due, next(self._numbers), action))
        now = time.monotonic()
        if self._listeners or self._waiting:
            ahead = self._waiting[0][0] - now if self._waiting else _TICK
            # Before the actions: one may open a dialog, which runs a loop of its own.
            wait = 1 + int(1000 * (ahead if 0 < ahead < _TICK else _TICK))
            self._timer = root.after(wait, self._tick)
        while self._waiting and self._waiting[0][0] <= now:
            action = heapq.heappop(self._waiting)[2]
            try:
                action()
            except Exception:  # noqa: BLE001 (of any setter; here it goes where Tk's own go)
                root.report_callback_exception(*sys.exc_info())  # type: ignore[attr-defined]  # of the root  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] (as above)

    def _closed(self, key: int, *_: object) -> None:
        with suppress(tk.TclError):  # it is half gone
            self._deaths.pop(key, _nothing)()
        waiting = self._closing.pop(key, [])
        try:
            do_all(list(waiting))
        finally:
            # Whoever undoes it later finds nothing.
            self._listeners -= len(waiting)
            waiting.clear()

    def _end(self, *_: object) -> None:
        self._over = True
        root, timer, self._timer = self._root(), self._timer, ""
        if root is not None and timer:
            root.after_cancel(timer)  # or Tcl complains that it knows its command no more
        # What is left holds widgets, and so the window: the key that this is the value of.
        self._posted.clear()
        self._waiting.clear()
        self._changes.clear()


def _nothing() -> None:
    pass


class _Change:
    """One thing that is watched, for all who listen."""

    def __init__(self) -> None:
        self.end: Undo = _nothing
        self._listeners: list[Callable[[Any], object]] = []

    def tell(self, value: Any) -> None:
        for heard in list(self._listeners):
            heard(value)

    def listen(self, heard: Callable[[Any], object], forget: Undo) -> Undo:
        self._listeners.append(heard)

        def undo() -> None:
            if heard not in self._listeners:
                return
            self._listeners.remove(heard)
            if not self._listeners:
                forget()
                with suppress(tk.TclError):  # it is destroyed, and all that with it
                    self.end()

        return undo


# ---- what is watched


def _watch(widget: Any, prop: str | None, tell: Callable[[Any], object]) -> Undo:
    """Have changes told; returns what ends it, and puts things back as they were."""
    if prop is not None:
        raise TypeError(f"Tk does not tell when {prop!r} changes")
    if isinstance(widget, tk.Text):
        return _watch_text(widget, tell)
    if variable := _variable(widget):
        return _watch_variable(widget, variable, tell)
    options = () if isinstance(widget, tk.Variable) else widget.keys()
    if "textvariable" in options and hasattr(widget, "get"):
        return _lend_variable(widget, "textvariable", tell)
    if "variable" in options and hasattr(widget, "get"):
        return _lend_variable(widget, "variable", tell)
    if "command" in options:
        return _watch_command(widget, tell)
    raise TypeError(f"of a {type(widget).__name__} nothing can be told; watch a variable of it")


def _variable(widget: Any) -> str:
    """Return the name of the variable that holds what is entered; empty if there is none."""
    if isinstance(widget, tk.Variable):
        return str(widget)
    options = widget.keys()
    if "variable" in options:
        return str(widget.cget("variable"))
    # That of a label or a button is what it shows, not what is entered.
    if "textvariable" in options and hasattr(widget, "get"):
        return str(widget.cget("textvariable"))
    return ""


def _watch_variable(widget: Any, name: str, tell: Callable[[Any], object]) -> Undo:
    tcl = _misc(widget).tk
    command = _misc(widget).register(partial(_tell_value, widget, name, tell))
    # Not by a Variable: the last one of a name takes what it names with it.
    tcl.call("trace", "add", "variable", name, "write", command)

    def end() -> None:
        tcl.call("trace", "remove", "variable", name, "write", command)
        with suppress(tk.TclError):  # it went with the widget
            _misc(widget).deletecommand(command)

    return end


def _lend_variable(widget: Any, option: str, tell: Callable[[Any], object]) -> Undo:
    name = f"rxgradio{next(_names)}"
    widget.tk.globalsetvar(name, widget.get())
    widget.configure(**{option: name})
    unwatch = _watch_variable(widget, name, tell)

    def end() -> None:
        try:
            unwatch()
            if str(widget.cget(option)) == name:
                widget.configure(**{option: ""})
        finally:
            widget.tk.globalunsetvar(name)

    return end


def _watch_text(widget: tk.Text, tell: Callable[[Any], object]) -> Undo:
    def modified(*_: object) -> None:
        if widget.edit_modified():
            widget.edit_modified(False)
            tell(widget.get("1.0", "end-1c"))

    widget.edit_modified(False)
    return _on_event(widget, "<<Modified>>", modified)


def _watch_command(widget: Any, tell: Callable[[Any], object]) -> Undo:
    own = str(widget.cget("command"))

    def clicked() -> None:
        if own:
            widget.tk.eval(own)
        tell(None)

    widget.configure(command=clicked)
    ours = str(widget.cget("command"))

    def end() -> None:
        if str(widget.cget("command")) == ours:
            widget.configure(command=own)
        widget.deletecommand(ours)

    return end


def _tell_value(widget: Any, name: str, tell: Callable[[Any], object], *_: object) -> None:
    # An entry learns of what its variable is set to after this.
    if isinstance(widget, tk.Variable):
        variable: Any = widget
        tell(variable.get())
    else:
        tell(widget.tk.globalgetvar(name))


_names = itertools.count()


def _on_event(widget: tk.Misc, event: str, told: Callable[..., object]) -> Undo:
    """Have an event of this widget told, beside what is bound to it; returns what ends it."""
    # By a tag of its own: in Python 3.11 `unbind` takes what others have bound with it, and
    # what is bound to a window is told of all that is in it.
    tag = f"rxgradio{next(_names)}"
    command = widget.register(told)
    widget.tk.call("bind", tag, event, command)
    widget.bindtags((*widget.bindtags(), tag))

    def end() -> None:
        widget.tk.call("bind", tag, event, "")
        widget.bindtags([each for each in widget.bindtags() if each != tag])
        widget.deletecommand(command)

    return end


def _misc(widget: Any) -> Any:
    """Return what a variable belongs to; it has no public way there."""
    return getattr(widget, "_root") if isinstance(widget, tk.Variable) else widget  # noqa: B009


# ---- what is shown


_readonly: weakref.WeakSet[Any] = weakref.WeakSet()
"""Widgets that are disabled, and may be chosen from, but not written in, when they are not."""


def _enable(widget: Any, *, able: bool) -> None:
    if able:
        widget.configure(state="readonly" if widget in _readonly else "normal")
        return
    state = str(widget.cget("state"))
    if state == "readonly":
        _readonly.add(widget)
    elif state != "disabled":
        _readonly.discard(widget)
    widget.configure(state="disabled")


def _show(widget: Any, value: Any) -> None:
    it: object = widget
    match it:
        case ttk.Progressbar():
            _show_progress(widget, value)
        case tk.Variable() | tk.Scale() | ttk.Scale() | ttk.Combobox():
            widget.set("" if value is None else value)
        case tk.Entry() | tk.Spinbox():  # and ttk's
            _show_entry(widget, _text(value))
        case tk.Text():
            _show_text(widget, _text(value))
        case tk.Listbox():
            widget.delete(0, "end")
            widget.insert("end", *(value or ()))
        case _:
            widget.configure(text=_text(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _show_progress(bar: ttk.Progressbar, done: float | None) -> None:
    works = str(bar.cget("mode")) == "indeterminate"
    if done is None:
        if not works:
            bar.configure(mode="indeterminate")
            bar.start()
        return
    if works:
        bar.stop()
        bar.configure(mode="determinate")
    bar.configure(value=done * float(bar.cget("maximum")))


def _show_entry(entry: Any, text: str) -> None:
    if entry.get() == text:
        return  # the cursor stays where it is
    with _Writable(entry):
        entry.delete(0, "end")
        entry.insert(0, text)


def _show_text(widget: Any, text: str) -> None:
    before = widget.get("1.0", "end-1c")
    if before == text:
        return
    at_end = widget.yview()[1] >= 1.0
    with _Writable(widget):
        if text.startswith(before):
            # It grows, as texts do: what is there, and what is marked in it, stays.
            widget.insert("end", text[len(before) :])
        else:
            widget.delete("1.0", "end")
            widget.insert("1.0", text)
    if at_end:
        widget.see("end")


class _Writable:
    """Sets what its user must not change, too."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._state = str(widget.cget("state"))

    def __enter__(self) -> None:
        self._widget.configure(state="normal")

    def __exit__(self, *_: object) -> None:
        self._widget.configure(state=self._state)
