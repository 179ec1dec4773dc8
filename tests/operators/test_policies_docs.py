"""What docs/policies.md shows works, and it names every policy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import rxgradio
from rxgradio.testing import FaultServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"


def test_the_examples_run_from_top_to_bottom() -> None:
    moods = iter(["bad", "bad", "good"])
    asked: list[str] = []

    def moody(text: str) -> str:
        if next(moods) == "bad":
            raise rxgradio.AppError("not now")
        return text.upper()

    def broken(text: str) -> str:
        asked.append("broken")
        raise rxgradio.AppError("never")

    def echo(text: str) -> str:
        asked.append(text)
        return text

    endpoints: dict[str, Any] = {
        "/moody": moody,
        "/write": echo,
        "/echo": echo,
        "/broken": broken,
    }
    code = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    assert code.count(ADDRESS) == 1
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
    assert done.stdout.splitlines() == [
        *("HELLO", "good day", "3", "['a', 'b', 'c']"),
        *["failed"] * 3,
        *["not even tried"] * 2,
        *("open", "same", "once once"),
    ]
    assert (asked.count("broken"), asked.count("same"), asked.count("once")) == (3, 1, 1)


def test_every_policy_is_named() -> None:
    from rxgradio import operators

    policies = [
        "Bulkhead",
        "CircuitBreaker",
        "cached",
        "deadline",
        "rate_limit",
        "retry",
        "share_in_flight",
        "timeout",
    ]
    assert set(policies) <= set(operators.__all__)
    assert [name for name in policies if f"`{name}(" not in PAGE] == []
