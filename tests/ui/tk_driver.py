"""Tk, on the thread of the test."""

from __future__ import annotations

__all__ = ["TkDriver"]

import threading
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any, TypeVar

from tests.ui.drivers import Driver

T = TypeVar("T")


class TkDriver(Driver):
    """A window of an interpreter that all tests share."""

    frame = 1 / 60

    def __init__(self, root: tk.Tk) -> None:
        super().__init__()
        self._root = root
        self._window = tk.Toplevel(root)
        root.report_callback_exception = lambda kind, error, traceback: self.errors.append(error)

    def call(self, action: Callable[[], T]) -> T:
        return action()

    def turn(self) -> None:
        self._root.update()
        threading.Event().wait(0.002)

    def label(self) -> ttk.Label:
        return self._packed(ttk.Label(self._window))

    def bar(self) -> ttk.Progressbar:
        return self._packed(ttk.Progressbar(self._window))

    def entry(self) -> ttk.Entry:
        return self._packed(ttk.Entry(self._window))

    def button(self) -> ttk.Button:
        return self._packed(ttk.Button(self._window))

    def _packed(self, widget: Any) -> Any:
        widget.pack()
        return widget

    def shown(self, widget: Any) -> Any:
        if isinstance(widget, ttk.Entry):
            return widget.get()
        if not isinstance(widget, ttk.Progressbar):
            return str(widget.cget("text"))
        if str(widget.cget("mode")) == "indeterminate":
            return None
        return float(widget.cget("value")) / float(widget.cget("maximum"))

    def enabled(self, widget: Any) -> bool:
        return str(widget.cget("state")) == "normal"

    def type(self, entry: ttk.Entry, text: str) -> None:
        for key in text:
            entry.insert("end", key)

    def click(self, button: ttk.Button) -> None:
        button.invoke()

    def destroy(self, widget: Any) -> None:
        widget.destroy()

    def close(self) -> None:
        self._window.destroy()
        # What was posted, such as what undoes things, is still done.
        self._root.update()
