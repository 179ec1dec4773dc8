"""A program of NiceGUI, as a process of its own, and its page in a real browser."""

from __future__ import annotations

__all__ = ["Page", "opened"]

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.contract.app import SOON


class Page:
    """What a browser shows of it."""

    def __init__(self, browser: Any, process: subprocess.Popen[str]) -> None:
        self.browser = browser
        self.process = process

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def until(self, fact: Callable[[], object]) -> None:
        deadline = time.monotonic() + SOON
        while True:
            with suppress(Exception):  # such as elements that are not there yet
                if fact():
                    return
            if time.monotonic() > deadline:
                pytest.fail(f"it has not come true: {self.find('body').text!r}")
            time.sleep(0.02)

    def draw(self, to: Path, width: int, height: int) -> None:
        """Leave a picture."""
        size = self.browser.get_window_size()
        inner = self.browser.execute_script("return [innerWidth, innerHeight]")
        frame = size["width"] - inner[0], size["height"] - inner[1]
        self.browser.set_window_size(width + frame[0], height + frame[1])
        try:
            self.browser.save_screenshot(str(to))
        finally:
            self.browser.set_window_size(size["width"], size["height"])

    def leave(self) -> None:
        self.browser.get("about:blank")


@contextmanager
def opened(browser: Any, program: Path, *arguments: str, port: int) -> Iterator[Page]:
    """Run a program that serves a page, and open it; its last argument is the port."""
    # A program that pytest starts is taken for a test of NiceGUI's own.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(program), *arguments, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    )
    window = browser.current_window_handle
    try:
        deadline = time.monotonic() + 2 * SOON
        while process.poll() is None:
            # Not by HTTP: whatever is asked for is a page.
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), SOON):
                break
            assert time.monotonic() < deadline, "it does not serve"
            time.sleep(0.05)
        browser.switch_to.new_window("tab")
        browser.get(f"http://127.0.0.1:{port}")
        yield Page(browser, process)
    finally:
        if browser.current_window_handle != window:
            browser.close()
            browser.switch_to.window(window)
        process.terminate()
        try:
            said, _ = process.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            pytest.fail(f"it does not end: {said}")
        print(said)  # noqa: T201 (for whoever looks why a test has failed)
