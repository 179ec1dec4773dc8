"""The UIs that the contract is run on."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.conftest import make_app, memory_app, memory_client  # noqa: F401 (fixtures)
from tests.ui.drivers import Driver
from tests.ui.fake import Window

QT = os.environ.get("RXGRADIO_TESTS_QT")
"""In a process of its own, which binding of Qt the contract is run on, and on nothing else.

Each brings a Qt of its own, and a process can have one.
"""


def need(fact: object, what: str) -> None:
    """Skip a test where something is missing; in CI nothing is."""
    if not fact:
        assert not os.environ.get("CI"), f"{what} is missing"
        pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def display() -> Iterator[str | None]:
    """A screen that nobody sees; what is drawn there can be looked at."""
    if QT or not shutil.which("Xvfb"):
        yield None
        return
    reading, writing = os.pipe()
    # It ends with its last client, whatever becomes of this process.
    how = ["-screen", "0", "1000x700x24", "-nolisten", "tcp", "-terminate"]
    command = ["Xvfb", "-displayfd", str(writing), *how]
    with subprocess.Popen(
        command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        with os.fdopen(reading, encoding="ascii") as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
        server.terminate()


@pytest.fixture(scope="session", autouse=True)  # before it is counted what a test leaves behind
def tk_root(display: str | None) -> Iterator[Any]:
    """One interpreter of Tcl for all tests, if there can be one.

    The last thread that refers to one must be its own, or Tcl aborts the process; with one
    for all, the collector never meets one.
    """
    if display is None or find_spec("_tkinter") is None:
        yield None
        return
    import tkinter as tk

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", display)
        root = tk.Tk()
        root.withdraw()
        yield root
        root.destroy()
        del root
        gc.collect()


@pytest.fixture(scope="session")
def qt_application() -> Any:
    """One application for all tests, without a screen."""
    assert QT is not None
    widgets = import_module(f"{QT}.QtWidgets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QT_QPA_PLATFORM", "offscreen")
        return widgets.QApplication([])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser; tests open pages in tabs of their own, and close them."""
    need(find_spec("selenium"), "selenium")
    from tests.ui.browser import found, open_browser

    need(found(), "chromium, or chromedriver,")
    with open_browser() as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures are left."""
    return Path(os.environ.get("RXGRADIO_PICTURES") or tmp_path)


@pytest.fixture
def window() -> Window:
    """A UI whose time a test makes."""
    return Window()


@pytest.fixture(scope="session")
def panel_server() -> Iterator[Any]:
    """What serves pages of Panel to all tests."""
    from tests.ui.panel_driver import PanelServer

    server = PanelServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shiny_server() -> Iterator[Any]:
    """What serves pages of Shiny to all tests."""
    from tests.ui.shiny_driver import ShinyServer

    server = ShinyServer()
    yield server
    server.close()


class Kind(NamedTuple):
    """A UI that the contract is run on."""

    driver: str
    package: str = ""
    """Without it, there is no such UI."""
    lasting: tuple[str, ...] = ()
    """Fixtures of the session that the driver takes."""
    lacks: frozenset[str] = frozenset()
    """Which of the fixtures "interactive", "mortal" and "threaded" it is not for."""
    marks: tuple[pytest.MarkDecorator, ...] = ()


KINDS = {
    "fake": Kind("fake:FakeDriver"),
    "nicegui": Kind("nicegui_driver:NiceGUIDriver", "nicegui"),
    "panel": Kind(
        "panel_driver:PanelDriver",
        "panel",
        ("panel_server", "browser"),
        frozenset({"mortal"}),
        # Bokeh says so of the model of a button that was clicked.
        (pytest.mark.filterwarnings("ignore:reference already known"),),
    ),
    "shiny": Kind("shiny_driver:ShinyDriver", "shiny", ("shiny_server", "browser")),
    "terminal": Kind(
        "terminal_driver:TerminalDriver", lacks=frozenset({"interactive", "threaded"})
    ),
    "textual": Kind("textual_driver:TextualDriver", "textual"),
    "tk": Kind("tk_driver:TkDriver", "_tkinter", ("tk_root",)),
    "traits": Kind("traits_driver:TraitsDriver", "ipywidgets", lacks=frozenset({"threaded"})),
}
"""A further toolkit needs a line here."""
if QT:
    KINDS = {QT: Kind("qt_driver:QtDriver", QT, ("qt_application",))}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a UI on each that has what it asks for, too."""
    if "ui" not in metafunc.fixturenames:
        return
    wanted = set(metafunc.fixturenames)
    metafunc.parametrize(
        "ui",
        [
            # A toolkit's tests share what is slow to begin, in one process.
            pytest.param(name, marks=[pytest.mark.xdist_group(f"ui {name}"), *kind.marks])
            for name, kind in KINDS.items()
            if not kind.lacks & wanted
        ],
        indirect=True,
    )


@pytest.fixture
def lasting(request: pytest.FixtureRequest) -> list[Any]:
    """What the UI of a test leaves to the next."""
    called = getattr(request.node, "callspec", None)
    kind = KINDS.get(called.params.get("ui")) if called else None
    if kind is None:
        return []
    need(not kind.package or find_spec(kind.package), kind.package)
    return [request.getfixturevalue(name) for name in kind.lasting]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(lasting: list[Any], nothing_is_left_behind: None) -> None:
    """As for all tests, but what stays is made before it is counted."""


@pytest.fixture
def ui(request: pytest.FixtureRequest, lasting: list[Any]) -> Iterator[Driver]:
    """A window of each toolkit in turn."""
    kind = KINDS[request.param]
    module, _, name = kind.driver.partition(":")
    driver: Driver = getattr(import_module(f"tests.ui.{module}"), name)(*lasting)
    driver.lacks = kind.lacks
    with driver:
        yield driver


@pytest.fixture
def interactive(ui: Driver) -> Driver:
    """One whose user can do something."""
    return ui


@pytest.fixture
def mortal(ui: Driver) -> Driver:
    """One whose widgets may end before it does."""
    return ui


@pytest.fixture
def threaded(ui: Driver) -> Driver:
    """One that has a thread of its own."""
    return ui
