"""Applications that end while streams do not: `python qt_applications.py BINDING HOW`."""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from typing import Any

from reactivex import Subject

from rxgradio.ui import bind, changes, scheduler

BINDING, HOW = sys.argv[1:]
C: Any = import_module(f"{BINDING}.QtCore")
W: Any = import_module(f"{BINDING}.QtWidgets")
delete = import_module("shiboken6" if BINDING == "PySide6" else "PyQt6.sip").delete


def run(app: Any) -> None:
    """Flood a window, until the application ends."""
    source: Subject[str] = Subject()
    window = W.QWidget()
    window.setAttribute(C.Qt.WidgetAttribute.WA_DeleteOnClose)
    label, entry = W.QLabel(window), W.QLineEdit(window)
    # Before the loop runs, nothing is shown, and nobody waits for it.
    bindings = [bind(source, label), bind(source, window, "windowTitle")]
    timers = scheduler(label)
    ended: list[str] = []
    changes(entry).subscribe(on_completed=lambda: ended.append("ended"))
    stop = threading.Event()

    def flood() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            source.on_next(str(n))
            timers.schedule_relative(0.01, lambda *_: None)

    feeders = [threading.Thread(target=flood, daemon=HOW == "exited") for _ in range(2)]
    looking = C.QTimer()

    def look() -> None:
        if label.text():
            looking.stop()
            if HOW == "closed":
                window.close()
            else:
                app.quit()

    looking.timeout.connect(look)
    looking.start(5)
    window.show()
    for feeder in feeders:
        feeder.start()
    app.exec()
    if HOW == "exited":
        print("exits", flush=True)  # noqa: T201 (for the test)
        return
    if HOW == "deleted":
        delete(app)
    assert all(each.is_disposed for each in bindings)
    assert not source.observers
    # The window is gone, and the stream goes on.
    source.on_next("after")
    stop.set()
    for feeder in feeders:
        feeder.join(20)
        assert not feeder.is_alive()
    print(*ended, flush=True)  # noqa: T201 (as above)


def quiet(*_: object) -> None:
    """Say nothing of what a window without a screen cannot do."""


C.qInstallMessageHandler(quiet)
threading.excepthook = lambda what: (print(what), os._exit(3))  # type: ignore[assignment] # noqa: T201 (at once)
app = W.QApplication([])
run(app)
if HOW == "deleted":
    app = W.QApplication([])
    run(app)
