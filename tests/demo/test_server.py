"""The process of the demo app, played by a shell script."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rxgradio.demo import server
from rxgradio.demo.server import INTERPRETER, App, AppNotStarted, GradioMissing, serving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell")

Play = Callable[[str], None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Have a shell script run in the place of the app."""

    def use(script: str) -> None:
        interpreter = tmp_path / "python"
        interpreter.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        interpreter.chmod(0o755)
        monkeypatch.setenv(INTERPRETER, str(interpreter))

    return use


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The processes that are started."""
    started: list[subprocess.Popen[str]] = []

    class Noted(subprocess.Popen[str]):
        def __init__(self, *args: object, **how: object) -> None:
            super().__init__(*args, **how)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


def test_an_app_is_told_of_when_it_is_ready_and_ends_with_the_context(
    play: Play, processes: list[subprocess.Popen[str]]
) -> None:
    play("echo a warning; echo READY http://127.0.0.1:1 6.31.0; cat")
    with serving() as app:
        assert app == App("http://127.0.0.1:1", "6.31.0")
        assert processes[0].poll() is None
    assert processes[0].poll() is not None


def test_an_app_that_ignores_its_termination_is_killed(
    play: Play, processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.1)
    play("trap '' TERM; echo READY http://127.0.0.1:1 6.31.0; while true; do read line; done")
    with serving():
        pass
    assert processes[0].returncode == -9


def test_an_app_that_ends_early_is_quoted(play: Play) -> None:
    play("echo the port is taken >&2; exit 1")
    with pytest.raises(AppNotStarted, match=r"ended before .*\nthe port is taken"), serving():
        pass


def test_an_app_that_takes_too_long_is_given_up(
    play: Play, processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_START_SECONDS", 0.1)
    play("exec cat")
    with pytest.raises(AppNotStarted, match="did not start within"), serving():
        pass
    assert processes[0].poll() is not None


def test_an_interrupt_while_it_starts_ends_the_app(
    play: Play, processes: list[subprocess.Popen[str]]
) -> None:
    play("echo READY http://127.0.0.1:1 6.31.0; exec cat")
    with pytest.raises(KeyboardInterrupt), serving():
        raise KeyboardInterrupt
    assert processes[0].poll() is not None


def test_the_settings_of_other_apps_are_not_passed_on(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/elsewhere")
    play('echo READY "http://127.0.0.1/${GRADIO_ROOT_PATH-none}" $GRADIO_ANALYTICS_ENABLED; cat')
    with serving() as app:
        assert app == ("http://127.0.0.1/none", "False")


def test_without_gradio_nothing_is_started(
    processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(INTERPRETER, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(GradioMissing), serving():
        pass
    assert processes == []
