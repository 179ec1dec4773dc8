"""What docs/ui.md shows works, and it names everything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rxgradio import ui
from rxgradio.testing import FaultServer
from tests.ui.conftest import need

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ui.md").read_text("utf-8")

MAIN_LOOP = """
import tkinter, time
def main_loop(root, n=0):
    by_class = {each.winfo_class(): each for each in root.winfo_children()}
    label, text, button = (by_class[each] for each in ("TLabel", "Text", "TButton"))
    until = time.monotonic() + 20
    while str(label.cget("text")) != "done" and time.monotonic() < until:
        root.update()
        time.sleep(0.005)
    print(label.cget("text"), text.get("1.0", "end-1c"), button.cget("state"), sep=", ")
    root.destroy()
tkinter.Misc.mainloop = main_loop
"""


def write(text: str, size: float, delay: float) -> Iterator[str]:
    for end in range(len(text)):
        yield text[: end + 1]


def test_the_examples_run_from_top_to_bottom(tk_root: Any, display: str) -> None:
    need(tk_root, "Xvfb or tkinter")
    code = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    with FaultServer({"/reverse": lambda text: text[::-1], "/write": write}) as server:
        assert code.count("http://127.0.0.1:7860") == 1
        code = code.replace("http://127.0.0.1:7860", server.url)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", MAIN_LOOP + code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "DISPLAY": display},
        )
    assert done.stderr == ""
    *_, shown, bound = done.stdout.splitlines()
    assert shown == "/reverse  done: desserts"
    assert bound == "done, one two three, disabled"


def test_everything_is_named() -> None:
    for name in ui.__all__:
        assert re.search(rf"\b{name}\b", PAGE), name


def test_its_pictures_are_there() -> None:
    for name in re.findall(r"\]\((ui/.*?)\)", PAGE):
        assert (ROOT / "docs" / name).stat().st_size > 1000, name
