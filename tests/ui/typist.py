"""Runs a Tk program, uses it and takes a picture: `python typist.py PROGRAM ADDRESS PICTURE`.

It is a process of its own, as a program of Tk is. It says when the picture is taken.
"""

from __future__ import annotations

import runpy
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
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


def take_picture(root: tk.Misc) -> None:
    x, y = root.winfo_rootx(), root.winfo_rooty()
    box = (x, y, x + root.winfo_width(), y + root.winfo_height())
    ImageGrab.grab(box, xdisplay="").save(PICTURE)
    say("pictured")


def say(*words: object) -> None:
    print(*words, sep=", ", flush=True)  # noqa: T201 (for the test)


def tk_type_ahead(root: tk.Tk) -> None:
    """Type, look, and leave."""
    entry, text = find(root, "TEntry"), find(root, "Text")
    entry.focus_force()
    for typed, wanted in (("re", "About re: all"), ("active", "About reactive: all")):
        for key in typed:
            entry.event_generate(f"<Key-{key}>")
            root.update()
        until(root, lambda wanted=wanted: text.get("1.0", "end").startswith(wanted))
    take_picture(root)
    say(find(root, "TLabel").cget("text"))


def a_job_in_tk(root: tk.Tk) -> None:
    """Look in the middle, and in the end."""
    label, bar, text, button = (
        find(root, kind) for kind in ("TLabel", "TProgressbar", "Text", "TButton")
    )
    until(root, lambda: text.get("1.0", "end").count(".") == 3 and "4" in label.cget("text"))
    root.update()
    say(label.cget("text"), bar.cget("value"), button.cget("state"))
    take_picture(root)
    until(root, lambda: label.cget("text") == "done")
    say(label.cget("text"), bar.cget("value"), button.cget("state"))


def main_loop(root: tk.Tk, n: int = 0) -> None:
    root.report_callback_exception = lambda *error: sys.exit(f"reported: {error!r}")
    root.update()
    globals()[Path(PROGRAM).stem](root)
    root.destroy()


tk.Misc.mainloop = main_loop  # type: ignore[method-assign] # in its place
sys.argv[1:] = [ADDRESS]
runpy.run_path(PROGRAM, run_name="__main__")
