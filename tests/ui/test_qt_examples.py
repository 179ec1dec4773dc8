"""The examples of Qt, and what the page on UIs says of it; with pictures."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

import pytest
from PIL import Image

from rxgradio import AppError, ProgressUnit, Status, StatusUpdate
from rxgradio.testing import Endpoint, FaultServer
from tests.contract.app import SOON
from tests.ui.conftest import need
from tests.ui.summary import DONE, HALF, READING, Summary

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples" / "ui"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures are left."""
    return Path(os.environ.get("RXGRADIO_PICTURES") or tmp_path)


class Guest:
    """Somebody who looks at a window."""

    def __init__(self, program: Path, address: str) -> None:
        need(find_spec("PySide6"), "PySide6")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", HERE / "qt_guest.py", program, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._reader.join(SOON)

    def sees(self, fact: Callable[[Any], bool]) -> Any:
        """Wait until the window says something, and return all that it says then."""
        seen, deadline = None, time.monotonic() + SOON
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                pytest.fail(f"it last said {seen}")
            assert line, self._process.communicate()[1]  # else it has ended
            if fact(seen := json.loads(line)):
                return seen

    def asks(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        self.sees(lambda said: said == what)

    def leaves(self) -> None:
        self.asks("close")
        self._reader.join(SOON)
        said = "" if self._process.stderr is None else self._process.stderr.read()
        # What a window without a screen cannot do.
        assert said.replace("This plugin does not support propagateSizeHints()\n", "") == ""
        assert self._process.wait(SOON) == 0


def colours(picture: Path) -> set[Any]:
    with Image.open(picture) as image:
        found = image.convert("RGB").getcolors(1 << 20)
    assert found is not None
    return {colour for _, colour in found}


def test_a_job(pictures: Path) -> None:
    picture = pictures / "a_job_in_qt.png"
    with Summary() as server, Guest(EXAMPLES / "a_job_in_qt.py", server.url) as guest:
        guest.sees(lambda said: said == [READING, 60, HALF, True])
        guest.asks(f"picture {picture}")
        server.go_on()
        guest.sees(lambda said: said == ["done", 100, DONE, False])
        guest.leaves()
        assert server.ledger == ["started", "finished"]
    assert len(colours(picture)) > 20  # letters are drawn there


def test_a_job_that_is_cancelled() -> None:
    with Summary() as server, Guest(EXAMPLES / "a_job_in_qt.py", server.url) as guest:
        guest.sees(lambda said: said[0] == READING)
        guest.asks("click 0")
        guest.sees(lambda said: said == ["cancelled", 60, HALF, False])
        guest.leaves()
        assert len(server.asked("cancel")) == 1
        assert server.ledger[0] == "started"
        assert "finished" not in server.ledger


class Held:
    """The demo's functions; what is to be seen at work waits in the middle of it."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.scanned = False

    async def passed(self) -> None:
        while not self.open.is_set():  # noqa: ASYNC110 (a thread sets it)
            await asyncio.sleep(0.01)

    def endpoints(self) -> dict[str, Any]:
        async def render(steps: float) -> AsyncIterator[Any]:
            at = {8: 8, 40: 30, 90: 36}[int(steps)]
            desc = ("load", "sketch", "refine", "upscale")[4 * at // int(steps) - (at == steps)]
            bar = ProgressUnit(index=at, length=steps, unit="steps", desc=desc)
            yield StatusUpdate(Status.PROGRESS, progress_data=[bar])
            if at < steps:
                await self.passed()
            yield "a picture, 1024 x 1024"

        async def scan(page: float) -> str:
            if self.scanned:  # all but the first, whichever that is
                await self.passed()
            self.scanned = True
            return f"page {page:g} has {340 + 7 * page:g} words"

        def divide(a: float, b: float) -> float:
            if b == 0:
                raise AppError("cannot divide by zero")
            return a / b

        return {
            "/render": render,
            "/divide": divide,
            "/scan": Endpoint(function=scan, concurrency=1),
        }


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.open.set()


RUNS = ("upscale", "sketch", "working", "queued, 1 of 1")
RENDERED = [
    ["done", 100, "a picture, 1024 x 1024", False],
    ["upscale", 75, "", True],
    ["sketch", 40, "", True],
]
DIVIDED = [["done", 100, "3.0", False], ["failed: cannot divide by zero", 0, "", False]]


def at_work(rows: Any) -> bool:
    """Whether all is shown but what is held; in what order pages are scanned is the network's."""
    told = [row[1:] for row in rows]
    scans = sorted(status for status, *_ in told[3:6])
    return [*told[:3], *told[6:]] == [*RENDERED, *DIVIDED] and scans == [
        "done",
        "queued, 1 of 1",
        "working",
    ]


def test_eight_jobs(held: Held, pictures: Path) -> None:
    picture = pictures / "eight_jobs_in_qt.png"
    with (
        FaultServer(held.endpoints()) as server,
        Guest(EXAMPLES / "eight_jobs_in_qt.py", server.url) as guest,
    ):
        rows = guest.sees(at_work)
        # What runs, or waits to, and nothing else, can be cancelled.
        assert [row[4] for row in rows] == [row[1] in RUNS for row in rows]
        guest.asks(f"picture {picture}")
        guest.asks("click 1")
        guest.sees(lambda rows: rows[1][1:] == ["cancelled", 75, "", False])
        held.open.set()
        rows = guest.sees(lambda rows: sum(row[1] == "done" for row in rows) == 6)
        assert not any(row[4] for row in rows)
        assert {row[3] for row in rows[3:6]} == {
            f"page {page} has {340 + 7 * page} words" for page in (1, 2, 3)
        }
        guest.leaves()
    red = {colour for colour in colours(picture) if colour[0] > 150 > 100 > colour[1] + colour[2]}
    assert red  # what has failed


PAGE = (ROOT / "docs" / "ui.md").read_text("utf-8")
WINDOW = """
import sys
from PySide6.QtGui import QAction
from PySide6.QtWidgets import *
import reactivex
from reactivex import operators as ops
from rxgradio import Client
from rxgradio.ui import bind, changes

app = QApplication([])
window = QMainWindow()
bar, entry, item, action = QProgressBar(), QLineEdit("a"), QTableWidgetItem(), QAction(window)
table = QTableWidget(1, 1)
table.setItem(0, 0, item)
window.setCentralWidget(table)
titles = reactivex.of("A title")
client = Client(sys.argv[1])
job = client.submit("stressed", api_name="/reverse")
"""
LOOP = """
searched = []
searches.subscribe(searched.append)
entry.returnPressed.emit()
job.result()
while window.windowTitle() != "A title" or item.text() != "desserts" or action.isEnabled():
    app.processEvents()
client.close()
print(window.statusBar().currentMessage(), bar.value(), *searched)
"""


def test_the_page() -> None:
    need(find_spec("PySide6"), "PySide6")
    section = PAGE.partition("\n## Qt\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"^```py\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    with FaultServer({"/reverse": lambda text: text[::-1]}) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", WINDOW + code + LOOP, server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
    assert done.stderr == ""
    assert done.stdout == "done 100 a\n"
