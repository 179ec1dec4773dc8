"""The examples for UIs run, and look as they should.

With the name of a folder in RXGRADIO_PICTURES, the pictures of docs/ui.md are left there.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

from rxgradio import AppError, Client, ProgressUnit, Status, StatusUpdate
from rxgradio.testing import Endpoint, FaultServer
from tests.contract.app import SOON
from tests.ui.conftest import need
from tests.ui.summary import READING, Summary

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ui"


def test_every_example_is_tried_and_short() -> None:
    tried = {
        "test_examples.py": {"a_job_in_tk.py", "terminal.py", "tk_type_ahead.py"},
        "test_gradio_examples.py": {"a_job_in_gradio.py", "type_ahead_in_gradio.py"},
        "test_jupyter_examples.py": {"a_job_in_jupyter.ipynb"},
        "test_nicegui_examples.py": {"a_job_in_nicegui.py"},
        "test_qt_examples.py": {"a_job_in_qt.py", "eight_jobs_in_qt.py"},
        "test_textual_examples.py": {"a_job_in_textual.py", "fan_in_in_textual.py"},
        "test_web_examples.py": {"a_job_in_panel.py", "a_job_in_shiny.py", "a_job_in_streamlit.py"},
    }
    assert all((Path(__file__).parent / name).exists() for name in tried)
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == set().union(
        *tried.values()
    )
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 40, path.name
    for path in EXAMPLES.glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert sum(len(cell["source"]) for cell in cells) <= 40, path.name
        assert not any(cell.get("outputs") for cell in cells), path.name


# ---- the terminal


class Held:
    """What the calls of the example wait for in the middle of their work."""

    def __init__(self) -> None:
        self.open = threading.Event()

    async def passed(self) -> None:
        await asyncio.to_thread(self.open.wait, SOON)

    def endpoints(self) -> dict[str, Any]:
        async def render(steps: float) -> AsyncIterator[Any]:
            bar = ProgressUnit(index=8, length=steps, unit="steps", desc="refine")
            yield StatusUpdate(Status.PROGRESS, progress_data=[bar])
            await self.passed()
            yield "a picture, 1024 x 1024"

        async def write(text: str, size: float, delay: float) -> AsyncIterator[Any]:
            yield text[:24]
            await self.passed()
            yield text

        async def scan(page: float) -> str:
            await self.passed()
            return f"page {page:g} has 347 words"

        def divide(a: float, b: float) -> float:
            raise AppError("cannot divide by zero")

        return {
            "/reverse": lambda text: text[::-1],
            "/render": render,
            "/write": write,
            "/divide": divide,
            "/scan": Endpoint(function=scan, concurrency=1),
        }


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.open.set()


MID_WAY = ("done: desserts", " 40 % refine", "streaming: Streams say one", "failed: ", "queued, 1")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_jobs_as_bars(held: Held, pictures: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 84, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    with FaultServer(held.endpoints()) as server, Client(server.url) as client:
        holder = client.submit(0, api_name="/scan")
        written = b""
        process = subprocess.Popen(
            [sys.executable, "-W", "error", EXAMPLES / "terminal.py", server.url],
            **dict.fromkeys(("stdin", "stdout", "stderr"), side),
            env=env,
        )
        os.close(side)
        try:
            deadline = time.monotonic() + SOON
            while not all(word in last_frame(written) for word in MID_WAY):
                assert time.monotonic() < deadline, last_frame(written)
                written += os.read(main, 65536)
            picture = frame(written)
            held.open.set()
            with suppress(OSError):  # Linux says so at the end of a pseudo-terminal
                while more := os.read(main, 65536):
                    written += more
            assert process.wait(SOON) == 0
        finally:
            held.open.set()
            process.kill()
            process.wait(SOON)
        os.close(main)
        holder.result(SOON)
    assert last_frame(written).count("✓") == 4
    draw(picture, pictures / "terminal.svg")


def frame(written: bytes) -> str:
    """Return what is on the screen: what comes after the cursor went to the top of it."""
    text = written.decode("utf-8", "replace").replace("\r\n", "\n")
    return re.split(r"(?:\x1b\[1A\x1b\[2K)+", text)[-1]


def last_frame(written: bytes) -> str:
    return Text.from_ansi(frame(written)).plain


def draw(frame: str, to: Path) -> None:
    console = Console(record=True, file=io.StringIO(), width=84)
    console.print("[bold green]$[/] python examples/ui/terminal.py")
    console.print(Text.from_ansi(frame.strip("\n")), end="\n\n")
    picture = console.export_svg(title="rxgradio.ui.show")
    # Without fonts from elsewhere.
    to.write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL), "utf-8")
    assert "refine" in picture


# ---- Tk


@contextmanager
def program(
    name: str, address: str, picture: Path, display: str
) -> Iterator[subprocess.Popen[str]]:
    """Run an example for Tk as its user would, without its user."""
    command = [Path(__file__).parent / "typist.py", EXAMPLES / f"{name}.py", address, picture]
    with subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DISPLAY": display},
    ) as process:
        try:
            yield process
            assert process.wait(SOON) == 0
        finally:
            process.kill()


def test_type_ahead_in_tk(tk_root: Any, display: str, pictures: Path) -> None:
    need(tk_root, "Xvfb or tkinter")
    ends: list[tuple[str, str]] = []
    hold = asyncio.Event()

    async def write(text: str, size: float, delay: float) -> AsyncIterator[str]:
        try:
            for end in (15, 25, 36):
                yield text[:end]
            await hold.wait()
        except (GeneratorExit, asyncio.CancelledError):
            ends.append((text, "closed"))
            raise

    picture = pictures / "tk_type_ahead.png"
    with (
        FaultServer({"/write": write}) as server,
        program("tk_type_ahead", server.url, picture, display) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read() == "pictured\nstreaming\n"
        assert len(server.asked("join")) == len(server.asked("cancel")) == 2
    assert set(ends) == {
        ("About reactive: all that there is to say.", "closed"),
        ("About re: all that there is to say.", "closed"),
    }
    assert_drawn(picture)


def test_a_job_in_tk(tk_root: Any, display: str, pictures: Path) -> None:
    need(tk_root, "Xvfb or tkinter")
    picture = pictures / "a_job_in_tk.png"
    with Summary() as server, program("a_job_in_tk", server.url, picture, display) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{READING}, 60.0, normal\n"
        assert process.stdout.readline() == "pictured\n"
        server.go_on()
        assert process.stdout.read() == "done, 100.0, disabled\n"
    assert server.ledger == ["started", "finished"]
    assert_drawn(picture)


def assert_drawn(picture: Path) -> None:
    """Check that there is more to be seen than an empty window."""
    with Image.open(picture) as image:
        colours = image.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 20  # letters
