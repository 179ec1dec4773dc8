"""Pages of Gradio that call other apps: where they run, and who visits them."""

from __future__ import annotations

__all__ = ["PAGES", "python_of", "shown", "until", "visiting"]

import re
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.servers.install import environment

ROOT = Path(__file__).parents[2]
PAGES = ("4.44.1", "5.50.0", "6.31.0")
"""The releases of Gradio that handlers are tried on."""
SOON = 60.0
"""Seconds after which what should happen soon counts as hanging: Gradio is slow to start."""


def python_of(version: str) -> Path:
    """Return a Python that has a release of Gradio and all that rxgradio needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    # By their names alone: gradio_client of 4.44 wants an older websockets than rxgradio, which
    # needs it for apps of Gradio 3 only.
    names = [re.split(r"\W", each)[0] for each in project["dependencies"]]
    return environment(version, sorted(names))


def until(fact: Callable[[], object]) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + SOON
    while not fact():
        assert time.monotonic() < deadline, "it has not come true"
        threading.Event().wait(0.02)


@contextmanager
def visiting(browser: Any, url: str) -> Iterator[str]:
    """Open a page in a tab of its own, which is closed at the end if it still is there."""
    before = browser.current_window_handle
    browser.switch_to.new_window("tab")
    tab: str = browser.current_window_handle
    try:
        browser.get(url)
        yield tab
    finally:
        if tab in browser.window_handles:
            browser.switch_to.window(tab)
            browser.close()
        browser.switch_to.window(before)


def shown(browser: Any, name: str) -> str:
    """Return what is in a field of a page; nothing if it is not there yet."""
    from selenium.common.exceptions import StaleElementReferenceException

    found = browser.find_elements("css selector", f"#{name} textarea, #{name} input")
    try:
        return str(found[0].get_property("value")) if found else ""
    except StaleElementReferenceException:
        return ""
