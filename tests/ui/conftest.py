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


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], Driver]] = {
    "fake": fake,
    "nicegui": nicegui,
    "terminal": terminal,
    "textual": textual,
    "tk": tk,
    "traits": traits,
}
"""What makes the driver of each toolkit; a further one needs a line here."""


# A toolkit's tests share what is slow to begin, in one process.
@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"ui {name}")) for name in sorted(DRIVERS)
    ]
)
def ui(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A window of each toolkit in turn."""
    driver = DRIVERS[request.param](request)
    with driver:
        yield driver


@pytest.fixture
def interactive(ui: Driver) -> Driver:
    """One whose user can do something."""
    if not ui.interactive:
        pytest.skip("its user can do nothing")
    return ui
