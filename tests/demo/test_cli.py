"""The `rxgradio` command, as far as it goes without an app."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

import rxgradio
from rxgradio import ConnectionLost, cli
from rxgradio.demo.plain import PlainDisplay
from rxgradio.demo.server import INTERPRETER, AppNotStarted
from rxgradio.demo.show import Stalled
from rxgradio.demo.view import LiveDisplay


@pytest.fixture(autouse=True)
def _environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "localhost")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def write_to(stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    # In no fixture: pytest puts its own output back before the test begins.
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", stdout)


def ends_with(how: object) -> Callable[[object], bool]:
    """Play a demo that ends so."""

    def show(_: object) -> bool:
        if isinstance(how, BaseException):
            raise how
        return bool(how)

    return show


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"rxgradio {rxgradio.__version__}\n"


def test_without_a_subcommand_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "demo" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["dmeo"], ["demo", "--fancy"]])
def test_what_it_does_not_know_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


@pytest.mark.parametrize(("how", "code"), [(True, 0), (False, 1), (KeyboardInterrupt(), 130)])
def test_the_exit_code_tells_how_it_went(
    how: object, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rxgradio.demo.show.show", ends_with(how))
    assert cli.main(["demo"]) == code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [AppNotStarted("why"), Stalled("why"), ConnectionLost("why")])
def test_what_goes_wrong_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rxgradio.demo.show.show", ends_with(error))
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == "rxgradio: the demo does not work here: why\n"


def test_a_missing_gradio_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(INTERPRETER, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == (
        "rxgradio: the demo needs Gradio; install it with: pip install 'rxgradio[demo]'\n"
    )


def test_a_terminal_gets_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    write_to(Terminal(), monkeypatch)
    assert isinstance(cli._display(plain=False), LiveDisplay)


@pytest.mark.parametrize("why", ["asked for", "dumb", "a pipe", "without rich"])
def test_what_is_less_than_a_terminal_gets_text(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_to(io.StringIO() if why == "a pipe" else Terminal(), monkeypatch)
    if why == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    elif why == "without rich":
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert isinstance(cli._display(plain=why == "asked for"), PlainDisplay)


def test_the_library_does_not_import_its_command() -> None:
    code = (
        "import sys, rxgradio\n"
        "loaded = [name for name in sys.modules\n"
        "          if name.split('.')[0] in {'rich', 'gradio'}\n"
        "          or name.split('.')[:2] in (['rxgradio', 'cli'], ['rxgradio', 'demo'])]\n"
        "sys.exit(' '.join(loaded) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            # Fails before it starts anything, as nobody reads its first line.
            [sys.executable, "-m", "rxgradio", "demo"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_the_app_is_not_looked_for_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxgradio.demo.show.show", ends_with(True))
    cli.main(["demo"])
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "localhost,127.0.0.1"
