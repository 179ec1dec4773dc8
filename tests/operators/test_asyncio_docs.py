"""What docs/asyncio.md shows works."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from rxgradio.testing import FaultServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "asyncio.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"

VISIT = """
from fastapi.testclient import TestClient

with TestClient(app) as visitor:
    print(visitor.get("/write/abc").text)
"""


async def write(text: str, size: float, delay: float) -> AsyncIterator[str]:
    for end in range(len(text)):
        yield text[: end + 1]
        await asyncio.sleep(delay)


def reverse(text: str) -> str:
    return text[::-1]


def test_the_examples_run_from_top_to_bottom() -> None:
    code = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    assert code.count(ADDRESS) == 1
    with FaultServer({"/write": write, "/reverse": reverse}) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code.replace(ADDRESS, server.url) + VISIT],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *["desserts", "o", "on", "one", "one", "t", "w", "o", "ba", "dc"],
        *["cancelled: True", "goes on: short", "olleh", "abc"],
    ]
