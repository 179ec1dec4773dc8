"""What docs/fan-in.md shows works, and it names everything."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import rxgradio
from rxgradio import fanin
from rxgradio.testing import FaultServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "fan-in.md").read_text("utf-8")


def write(text: str) -> Iterator[str]:
    for end in range(len(text)):
        yield text[: end + 1]


async def slowly(text: str) -> AsyncIterator[str]:
    await asyncio.sleep(60)
    yield text


def shout(text: str) -> str:
    return text.upper()


def divide(by: float) -> float:
    if by == 0:
        raise rxgradio.AppError("cannot divide by zero")
    return 12 / by


ENDPOINTS = {"/write": write, "/slowly": slowly, "/shout": shout, "/divide": divide}


def test_the_examples_run_from_top_to_bottom() -> None:
    code = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    with FaultServer(ENDPOINTS) as first, FaultServer(ENDPOINTS) as second:
        for address, server in {"7860": first, "7861": second}.items():
            assert code.count(f"http://127.0.0.1:{address}") == 1
            code = code.replace(f"http://127.0.0.1:{address}", server.url)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "wrong: cannot divide by zero",
        "{'short': 'ab', 'long': 'abc', 'wrong': None}",
        "AppError('cannot divide by zero')",
        "['ab', 'abc', AppError('cannot divide by zero')]",
        "b",
        *["hi"] * 3,
        "not tried elsewhere: cannot divide by zero",
        "hello",
        "['a', 'b', 'c', 'd']",
        "[0, 0]",
        "hello",
        "ONE TWO",
    ]


def test_everything_is_named() -> None:
    assert [name for name in fanin.__all__ if name not in PAGE] == []


def test_it_is_imported_when_it_is_used() -> None:
    code = "import sys, rxgradio; print('rxgradio.fanin' in sys.modules)"
    code += "; from rxgradio import fanin; print(fanin.race.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "race"]
