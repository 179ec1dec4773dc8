"""The UIs that the contract is run on."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.contract.conftest import make_app, memory_app, memory_client  # noqa: F401 (fixtures)
from tests.ui.drivers import Driver
from tests.ui.fake import FakeDriver, Window
from tests.ui.terminal_driver import TerminalDriver


def need(fact: object, what: str) -> None:
    """Skip a test where something is missing; in CI nothing is."""
    if not fact:
        assert not os.environ.get("CI"), f"{what} is missing"
        pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def display() -> Iterator[str | None]:
    """A screen that nobody sees; what is drawn there can be looked at."""
    if not shutil.which("Xvfb"):
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
def browser() -> Iterator[Any]:
    """A browser; tests open pages in tabs of their own, and close them."""
    need(find_spec("selenium"), "selenium")
    from tests.ui.browser import found, open_browser

    need(found(), "chromium, or chromedriver,")
    with open_browser() as opened:
        yield opened


@pytest.fixture
def window() -> Window:
    """A UI whose time a test makes."""
    return Window()


def fake(_: pytest.FixtureRequest) -> Driver:
    return FakeDriver()


def terminal(_: pytest.FixtureRequest) -> Driver:
    return TerminalDriver()


def tk(request: pytest.FixtureRequest) -> Driver:
    root = request.getfixturevalue("tk_root")
    need(root, "Xvfb or tkinter")
    from tests.ui.tk_driver import TkDriver

    return TkDriver(root)


def traits(_: pytest.FixtureRequest) -> Driver:
    need(find_spec("ipywidgets"), "ipywidgets")
    from tests.ui.traits_driver import TraitsDriver

    return TraitsDriver()


def textual(_: pytest.FixtureRequest) -> Driver:
    need(find_spec("textual"), "textual")
    from tests.ui.textual_driver import TextualDriver

    return TextualDriver()


def nicegui(_: pytest.FixtureRequest) -> Driver:
    need(find_spec("nicegui"), "nicegui")
    from tests.ui.nicegui_driver import NiceGUIDriver

    return NiceGUIDriver()


@pytest.fixture(scope="session")
def panel_server() -> Iterator[Any]:
    """What serves pages of Panel to all tests."""
    need(find_spec("panel"), "panel")
    from tests.ui.panel_driver import PanelServer

    server = PanelServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shiny_server() -> Iterator[Any]:
    """What serves pages of Shiny to all tests."""
    need(find_spec("shiny"), "shiny")
    from tests.ui.shiny_driver import ShinyServer

    server = ShinyServer()
    yield server
    server.close()


def panel(request: pytest.FixtureRequest) -> Driver:
    server = request.getfixturevalue("panel_server")
    from tests.ui.panel_driver import PanelDriver

    return PanelDriver(server, request.getfixturevalue("browser"))


def shiny(request: pytest.FixtureRequest) -> Driver:
    server = request.getfixturevalue("shiny_server")
    from tests.ui.shiny_driver import ShinyDriver

    return ShinyDriver(server, request.getfixturevalue("browser"))


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], Driver]] = {
    "fake": fake,
    "nicegui": nicegui,


    "panel": panel,
    "shiny": shiny,
    "terminal": terminal,
    "textual": textual,
    "tk": tk,
    "traits": traits,
}
"""What makes the driver of each toolkit; a further one needs a line here."""




LASTING = {"panel": ("browser", "panel_server"), "shiny": ("browser", "shiny_server")}
"""What the drivers of a toolkit have in common, and what stays after a test."""


@pytest.fixture
def lasting(request: pytest.FixtureRequest) -> None:
    """What the UI of a test leaves to the next."""
    called = getattr(request.node, "callspec", None)
    for name in LASTING.get(called.params.get("ui") if called else None, ()):
        request.getfixturevalue(name)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(lasting: None, nothing_is_left_behind: None) -> None:
    """As for all tests, but what stays is made before it is counted."""


MARKS = {
    # Bokeh says so of the model of a button that was clicked.
    "panel": [pytest.mark.filterwarnings("ignore:reference already known")],
}
"""What is special about the tests on a toolkit."""


# A toolkit's tests share what is slow to begin, in one process.
@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.xdist_group(f"ui {name}"), *MARKS.get(name, ())])
        for name in sorted(DRIVERS)
    ]
)
def ui(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A window of each toolkit in turn."""
    driver = DRIVERS[request.param](request)
    with driver:
        yield driver


@pytest.fixture
def mortal(ui: Driver) -> Driver:
    """One whose widgets may end before it does."""
    if not ui.mortal:
        pytest.skip("its widgets do not end before their page")
    return ui


@pytest.fixture
def interactive(ui: Driver) -> Driver:
    """One whose user can do something."""
    if not ui.interactive:
        pytest.skip("its user can do nothing")
    return ui
