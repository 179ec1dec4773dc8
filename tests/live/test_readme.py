"""The README is true: its examples run, its commands are the ones that CI runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_python_examples_run_from_top_to_bottom(demo_app: str) -> None:
    code = "".join(blocks("python"))
    assert code.count(ADDRESS) == 2
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace(ADDRESS, demo_app)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("desserts\nhel\nhello ")
    assert "[4, 8, 12, 13]" in done.stdout
    assert (
        "('write', OutputUpdate(outputs='he', success=True, final=False, attempt=1))" in done.stdout
    )
    assert "\n1 MIT License\n1 so far\n3 so far\n7 so far\n" in done.stdout
    assert done.stdout.endswith("['one', 'two']\nthe app says: cannot divide by zero\n")


def test_there_are_two_commands_and_ci_runs_the_second_as_written() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("rxgradio demo")
    pattern = re.search(r"sed -n '/(.*)/p' README.md", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert pattern is not None
    assert [line for line in README.splitlines() if re.search(pattern[1], line)] == commands[1:]
