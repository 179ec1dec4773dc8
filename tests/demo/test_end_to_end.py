"""The whole demo: the command as people run it, with a real Gradio."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rxgradio.demo.scene import CALLS
from rxgradio.demo.server import INTERPRETER
from tests.live.servers.install import environment

ROOT = Path(__file__).parents[2]
NAMES = [call.name for call in CALLS]
POSIX = pytest.mark.skipif(os.name == "nt", reason="there are no signals and no pty")
LINE = re.compile(r"\[ *\d+\.\d\d s\] (.{10})  (.+)")
ESCAPES = re.compile(r"\x1b\[[\d;]*m|\x1b\[\d*[AK]|\x1b\[\?25[hl]|\r")
"""Colours, cursor up, erase line, cursor on and off: all that may be asked of a terminal."""

Demo = subprocess.Popen[str]


@pytest.fixture(scope="session")
def gradio_python() -> Path:
    """A Python that has Gradio, and nothing of ours."""
    return environment("6.31.0")


@pytest.fixture
def demo(gradio_python: Path) -> Iterator[Callable[..., Demo]]:
    """Start `rxgradio demo`."""
    started: list[Demo] = []

    def start(*arguments: str, **how: object) -> Demo:
        environ = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-m", "rxgradio", "demo", *arguments],
            cwd=ROOT,
            encoding="utf-8",
            env={
                **environ,
                INTERPRETER: str(gradio_python),
                "TERM": "xterm-256color",
                # Where there is none: what is on this machine is called directly.
                "HTTP_PROXY": "http://127.0.0.1:9",
            },
            **{**pipe, **how},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:  # closes its pipes
            process.kill()


def app_of(process: Demo) -> socket.socket:
    """Wait until the demo tells of its app, and connect to it: the socket ends with the app."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"calls Gradio \S+ at (\S+)", line):
            url = urlsplit(found[1])
            return socket.create_connection((url.hostname, url.port))
    pytest.fail("the demo has not started its app")


def ended(app: socket.socket) -> bool:
    """Wait until the app is gone."""
    with app:
        app.settimeout(10)
        try:
            return app.recv(1) == b""
        except ConnectionResetError:
            return True


def test_it_goes_as_planned_in_plain_text(demo: Callable[..., Demo]) -> None:
    process = demo("--plain")
    out, err = process.communicate()

    assert err == ""
    assert process.returncode == 0
    assert "\x1b" not in out
    told, table, verdict = out.split("\n\n")
    lines = [LINE.fullmatch(line) for line in told.splitlines()]
    assert all(lines)
    words = [(line[1].strip(), line[2]) for line in lines if line]
    assert {name for name, _ in words} == {"demo", *NAMES}
    assert {
        ("reverse", 'finished: "oidargxr"'),
        ("check", "warning: no licence is given"),
        ("divide", "failed: cannot divide by zero"),
        ("count", "what the server made of it: generator closed"),
    } <= set(words)
    assert re.search(r'count +cancelled after "\d\d of 50"', told)
    # Whichever of the three was first, the last one has waited for both.
    scans = {text for name, text in words if name.startswith("scan")}
    assert {"queued, 0 ahead", "queued, 1 ahead"} <= {text[:15] for text in scans}
    assert len(words) < 80
    assert [line.split("  ")[0] for line in table.splitlines()] == ["job", *NAMES]
    assert verdict.endswith("all as planned\n")


@POSIX
def test_it_goes_as_planned_on_a_terminal(demo: Callable[..., Demo]) -> None:
    shown, code = on_a_terminal(demo, columns=80, rows=24)

    assert code == 0
    text = ESCAPES.sub("", shown)
    assert "\x1b" not in text
    assert "Traceback" not in text
    # One picture that is drawn again and again, and left as it is in the end.
    frames = text.split(" rxgradio demo")
    assert len(frames) > 20
    live, table, verdict = frames[-1].strip("\n").rsplit("\n\n", 2)
    for end in ["oidargxr", "cannot divide by zero", "the server: generator closed"]:
        assert end in live
    assert "running" not in live
    assert len(live.splitlines()) == 1 + sum(call.lines for call in CALLS)
    assert max(map(len, live.splitlines())) <= 80
    assert [line.split("  ")[0].strip() for line in table.splitlines()[2:]] == NAMES
    assert verdict.endswith("all as planned")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def on_a_terminal(demo: Callable[..., Demo], *, columns: int, rows: int) -> tuple[str, int]:
    """Run the demo on a terminal; returns all that it has written, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    controller, terminal = pty.openpty()
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = demo(stdin=terminal, stdout=terminal, stderr=terminal)
    finally:
        os.close(terminal)
    with os.fdopen(controller, "rb", buffering=0) as screen:
        written = b"".join(iter(lambda: _read(screen.fileno()), b""))
    return written.decode(), process.wait()


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # how Linux tells that nobody has the terminal open any more
        return b""


@POSIX
def test_an_interrupt_ends_it_and_its_app(demo: Callable[..., Demo]) -> None:
    process = demo("--plain")
    app = app_of(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert (process.returncode, err) == (130, "")
    assert ended(app)


@POSIX
def test_an_app_never_outlives_its_demo(demo: Callable[..., Demo]) -> None:
    process = demo("--plain")
    app = app_of(process)
    process.kill()
    process.communicate()

    assert ended(app)
