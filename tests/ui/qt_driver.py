"""Qt, on the thread of the test, and with no screen."""

from __future__ import annotations

__all__ = ["QtDriver"]

import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from tests.ui.drivers import Driver

T = TypeVar("T")


class QtDriver(Driver):
    """A window of an application that all tests share.

    Args:
        application: Of either binding.
    """

    frame = 1 / 60

    def __init__(self, application: Any) -> None:
        super().__init__()
        package = type(application).__module__.partition(".")[0]
        self._widgets = importlib.import_module(f"{package}.QtWidgets")
        self._core = importlib.import_module(f"{package}.QtCore")
        self._application = application
        self._window: Any = self._widgets.QWidget()
        self._window.setAttribute(self._core.Qt.WidgetAttribute.WA_DeleteOnClose)
        self._layout = self._widgets.QVBoxLayout(self._window)
        self._window.show()
        self._hook = sys.excepthook
        sys.excepthook = lambda kind, error, traceback: self.errors.append(error)

    def call(self, action: Callable[[], T]) -> T:
        return action()

    def turn(self) -> None:
        self._do_what_is_due()
        threading.Event().wait(0.002)

    def _do_what_is_due(self) -> None:
        self._application.processEvents()
        # Which it leaves to a loop that the application runs.
        self._application.sendPostedEvents(None, self._core.QEvent.Type.DeferredDelete.value)

    def label(self) -> Any:
        return self._laid_out(self._widgets.QLabel())

    def bar(self) -> Any:
        return self._laid_out(self._widgets.QProgressBar())

    def entry(self) -> Any:
        return self._laid_out(self._widgets.QLineEdit())

    def button(self) -> Any:
        return self._laid_out(self._widgets.QPushButton())

    def _laid_out(self, widget: Any) -> Any:
        self._layout.addWidget(widget)
        return widget

    def shown(self, widget: Any) -> Any:
        if not isinstance(widget, self._widgets.QProgressBar):
            return widget.text()
        if widget.maximum() == widget.minimum() == 0:
            return None
        return widget.value() / widget.maximum()

    def enabled(self, widget: Any) -> bool:
        return bool(widget.isEnabled())

    def type(self, entry: Any, text: str) -> None:
        for key in text:
            entry.insert(key)

    def click(self, button: Any) -> None:
        button.click()

    def destroy(self, widget: Any) -> None:
        widget.deleteLater()
        self._do_what_is_due()

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None
        for _ in range(3):  # what was posted, such as what undoes things, is still done
            self._do_what_is_due()
        sys.excepthook = self._hook
