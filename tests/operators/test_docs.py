"""What docs/operators.md shows works, and it names every operator on updates."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rxgradio
from rxgradio import ProgressUnit, Status, StatusUpdate
from rxgradio.fluent import Updates
from rxgradio.testing import FaultServer
from tests.live.servers.values import growing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operators.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"


def write(text: str) -> Iterator[str]:
    for end in range(len(text)):
        yield text[: end + 1]


def typed(text: str) -> Iterator[str]:
    for end in range(len(text)):
        yield text[: end + 1] + "▌"
    yield text


def chat(message: str, history: list[Any]) -> Iterator[Any]:
    said = [*history, {"role": "user", "content": message}]
    for answer in growing("word", 3):
        yield "", [*said, {"role": "assistant", "content": answer}]


def render(steps: int) -> Iterator[Any]:
    for step in range(steps):
        bar = ProgressUnit(step, steps, "steps", desc="refine")
        yield StatusUpdate(Status.PROGRESS, progress_data=[bar])
    yield StatusUpdate(Status.LOG, log=("finished early", "info"))
    yield "a picture"


def divide(by: float) -> float:
    if by == 0:
        raise rxgradio.AppError("cannot divide by zero")
    return 12 / by


def test_the_examples_run_from_top_to_bottom() -> None:
    code = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    assert code.count(ADDRESS) == 1
    endpoints: dict[str, Any] = {
        "/write": write,
        "/type": typed,
        "/chat": chat,
        "/render": render,
        "/divide": divide,
    }
    with FaultServer(endpoints) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code.replace(ADDRESS, server.url)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("waited"))
    printed, waited, read = lines[:at], lines[at], lines[at + 1 :]
    assert printed == [
        *(["h", "he", "hel", "hell", "hello"] * 3),
        "['g', 'go', 'goo', 'good', 'good ', 'good d', 'good da', 'good day']",
        "good day",
        "g|o|o|d| |d|a|y|['word 0', ' word 1', ' word 2']",
        "0% refine",
        "25% refine",
        "50% refine",
        "75% refine",
        *["75% finished early"] * 3,
        "done: a picture",
        "failed: cannot divide by zero",
        "[0.0, 0.25, 0.5, 0.75]",
        "LogMessage(text='finished early', level='info', title=None, duration=None)",
    ]
    assert re.fullmatch(r"waited \d\.\d\d s, first word after \d\.\d\d s", waited)
    # How many the loop has time for is a matter of luck.
    assert (read[:3], read[-1]) == (["t", "o", " "], "one two three")


def test_every_operator_on_updates_is_named() -> None:
    assert [name for name in vars(Updates) if not name.startswith("_") and name not in PAGE] == []
