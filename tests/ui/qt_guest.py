"""Runs a program of Qt as somebody who looks at it: `python qt_guest.py PROGRAM ADDRESS`.

It is a process of its own, as such a program is. What the window says is written, as JSON, each
time that it says something else. What is read is done, and then written, too: "picture PATH",
"click ROW", "close".
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
from collections import deque
from typing import Any

from PySide6.QtWidgets import QApplication, QGridLayout, QLabel, QProgressBar, QPushButton, QWidget
from PySide6.QtWidgets import QPlainTextEdit as Text

PROGRAM, ADDRESS = sys.argv[1:]


def said(widget: Any) -> Any:
    match widget:
        case QProgressBar():
            return widget.value() if widget.maximum() else None
        case QPushButton():
            return widget.isEnabled()
        case Text():
            return widget.toPlainText()
        case _:
            return widget.text()


def looked_at(window: QWidget) -> Any:
    """Return what the window says, or each row of its table."""
    grid, buttons = window.layout(), window.findChildren(QPushButton)
    assert isinstance(grid, QGridLayout)
    if len(buttons) == 1:
        return [said(window.findChild(kind)) for kind in (QLabel, QProgressBar, Text, QPushButton)]
    rows, columns = range(1, grid.rowCount()), range(grid.columnCount())
    return [[said(grid.itemAtPosition(row, each).widget()) for each in columns] for row in rows]


def do(window: QWidget, what: str, which: str = "") -> None:
    match what:
        case "picture":
            assert window.grab().save(which)
        case "click":
            button = window.findChildren(QPushButton)[int(which)]
            button.click()
        case "close":
            window.close()
            QApplication.quit()


def look() -> None:
    """Be the main loop, as long as there is somebody who looks."""
    (window,) = (each for each in QApplication.topLevelWidgets() if each.isVisible())
    asked: deque[str] = deque()
    threading.Thread(target=lambda: asked.extend(sys.stdin), daemon=True).start()
    last: Any = None
    while window.isVisible():
        QApplication.processEvents()
        threading.Event().wait(0.005)
        if (now := looked_at(window)) != last:
            last = now
            print(json.dumps(now), flush=True)  # noqa: T201 (for the test)
        if asked:
            what = asked.popleft().strip()
            do(window, *what.split(maxsplit=1))
            print(json.dumps(what), flush=True)  # noqa: T201 (as above)


QApplication.exec = staticmethod(look)  # type: ignore[method-assign,assignment] # in its place
sys.argv[1:] = [ADDRESS]
runpy.run_path(PROGRAM, run_name="__main__")
