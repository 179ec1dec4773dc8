"""Runs a Tk program, types into it and takes a picture: `python typist.py PROGRAM ADDRESS PICTURE`.

It is a process of its own, as a program of Tk is.
"""

from __future__ import annotations

import runpy
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable
from typing import Any

from PIL import ImageGrab

_SOON = 20.0
PROGRAM, ADDRESS, PICTURE = sys.argv[1:]


def find(root: tk.Misc, kind: str) -> Any:
    """Return the first widget of a kind."""
    for widget in root.winfo_children():
        if widget.winfo_class() == kind:
            return widget
        if (found := find(widget, kind)) is not None:
            return found
    return None


def until(root: tk.Misc, fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + _SOON
    while not fact():
        if time.monotonic() > deadline:
            raise SystemExit("it has not come true")
        root.update()
        threading.Event().wait(0.005)


def typing(root: tk.Tk, n: int = 0) -> None:
    """Be the main loop: type, look, and leave."""
    root.report_callback_exception = lambda *error: sys.exit(f"reported: {error!r}")
    entry, text = find(root, "TEntry"), find(root, "Text")
    root.update()
    entry.focus_force()
    for typed, wanted in (("re", "About re: all"), ("active", "About reactive: all")):
        for key in typed:
            entry.event_generate(f"<Key-{key}>")
            root.update()
        until(root, lambda wanted=wanted: text.get("1.0", "end").startswith(wanted))
    x, y = root.winfo_rootx(), root.winfo_rooty()
    box = (x, y, x + root.winfo_width(), y + root.winfo_height())
    ImageGrab.grab(box, xdisplay="").save(PICTURE)
    print(find(root, "TLabel").cget("text"))  # noqa: T201 (for the test)
    root.destroy()


tk.Misc.mainloop = typing  # type: ignore[method-assign] # in its place
sys.argv[1:] = [ADDRESS]
runpy.run_path(PROGRAM, run_name="__main__")
