"""Qt by each of its bindings, in processes of their own.

Each binding brings a Qt of its own, and a process can have one; nor is there a second
application in one, and what PySide6 does to Python's import is not for other tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.ui.conftest import need

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BINDINGS = ("PySide6", "PyQt6")


def run(binding: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    need(find_spec(binding), binding)
    # Of a worker of pytest-xdist, this would be one, too.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
        check=False,
        cwd=ROOT,
        env={**env, "QT_QPA_PLATFORM": "offscreen", "RXGRADIO_TESTS_QT": binding},
    )


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("tests", ["test_contract.py", "test_real_server.py", "qt_cases.py"])
def test_the_contract_and_what_is_special(binding: str, tests: str) -> None:
    done = run(
        *(binding, "-m", "pytest", HERE / tests, "-q", "-n0", "-p", "no:cacheprovider"),
        *("--timeout", "60"),
    )
    assert done.returncode == 0, done.stdout
    # None is skipped.
    assert re.fullmatch(r"\d+ passed in .*", done.stdout.splitlines()[-1]), done.stdout


@pytest.mark.parametrize("how", ["closed", "deleted", "exited"])
@pytest.mark.parametrize("binding", BINDINGS)
def test_an_application_ends_under_a_flood_and_nobody_is_held_up(binding: str, how: str) -> None:
    done = run(binding, "-W", "error", HERE / "qt_applications.py", binding, how)
    wanted = {"closed": "ended\n", "deleted": "ended\nended\n", "exited": "exits\n"}
    assert done.stdout == wanted[how]
    assert done.returncode == 0


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_other_binding_is_not_needed_and_neither_is_an_application(binding: str) -> None:
    (other,) = set(BINDINGS) - {binding}
    script = f"""
import sys
sys.modules[{other!r}] = None  # as if it was not installed
from {binding}.QtCore import QCoreApplication, QObject
from rxgradio.ui import bind
import reactivex
try:
    bind(reactivex.of("a"), QObject(), "objectName")
except RuntimeError as error:
    print(error)
app = QCoreApplication([])
it = QObject()
it.objectNameChanged.connect(lambda name: (print(name), app.quit()))
bind(reactivex.of("a"), it, "objectName")
app.exec()
def fail(_):
    app.quit()
    raise ValueError("reported")
bind(reactivex.of("a"), fail, on=it)
app.exec()
print("goes on")
"""
    done = run(binding, "-W", "error", "-c", script)
    assert done.stdout.startswith("there is no QApplication\na\nTraceback")
    assert done.stdout.endswith("ValueError: reported\ngoes on\n")
    assert done.returncode == 0
