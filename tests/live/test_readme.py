"""The README is true: its examples run, its commands are the ones that CI runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import Servers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def app(servers: Servers) -> Iterator[str]:
    """The demo's app, on a free port."""
    script = ROOT / "rxgradio" / "demo" / "app.py"
    process = subprocess.Popen(
        [servers.python("6.31.0"), script, "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        said = process.stdout.readline().split()
        assert said[:1] == ["READY"], said
        yield said[1]
        process.stdin.close()


def test_the_python_examples_run_from_top_to_bottom(app: str) -> None:
    code = "".join(blocks("python"))
    assert code.count(ADDRESS) == 2
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace(ADDRESS, app)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("desserts\nhel\nhello ")
    assert "[4, 8, 12, 13, 13]" in done.stdout
    assert "('write', OutputUpdate(outputs='he', success=True, final=False))" in done.stdout
    assert done.stdout.endswith("['one', 'two']\nthe app says: cannot divide by zero\n")


def test_there_are_two_commands_and_ci_runs_the_second_as_written() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("rxgradio demo")
    pattern = re.search(r"sed -n '/(.*)/p' README.md", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert pattern is not None
    assert [line for line in README.splitlines() if re.search(pattern[1], line)] == commands[1:]
