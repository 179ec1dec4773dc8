"""The examples for web pages run, and look as they should in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest
from PIL import Image

from tests.contract.app import SOON
from tests.ui.conftest import need
from tests.ui.summary import DONE, HALF, READING, Summary
from tests.ui.test_examples import EXAMPLES, ROOT

TEXT = """
    const inside = (node) => {
        if (node.nodeType == Node.TEXT_NODE) return node.data;
        if (['SCRIPT', 'STYLE', 'TEMPLATE'].includes(node.tagName)) return '';
        const root = node.shadowRoot ? [...node.shadowRoot.childNodes] : [];
        return [...root, ...node.childNodes].map(inside).join(' ');
    };
    return inside(document.body);
"""
"""All that is written on a page, in shadow roots too."""

BUTTON = """
    const find = (root) => {
        for (const each of root.querySelectorAll('*')) {
            if (each.tagName == 'BUTTON' && each.textContent.trim() == arguments[0]) return each;
            const inside = each.shadowRoot && find(each.shadowRoot);
            if (inside) return inside;
        }
        return null;
    };
    return find(document);
"""

HEIGHTS = {"panel": 386, "shiny": 440, "streamlit": 460}
"""Of the pictures."""


class Tab:
    """A page in a tab of its own, in the size of a picture."""

    def __init__(self, browser: Any, height: int) -> None:
        self.browser = browser
        self._home = browser.current_window_handle
        browser.switch_to.new_window("tab")
        size = {"width": 640, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def until(self, fact: Callable[[], object], what: str = "") -> None:
        deadline = time.monotonic() + SOON
        while not fact():
            assert time.monotonic() < deadline, (what, self.text())
            threading.Event().wait(0.02)

    def open(self, address: str, server: subprocess.Popen[str]) -> None:
        def opened() -> bool:
            assert server.poll() is None
            try:
                self.browser.get(address)
            except Exception:
                return False  # it does not listen yet
            return True

        self.until(opened)

    def text(self) -> str:
        return " ".join(self.browser.execute_script(TEXT).split())

    def until_it_says(self, *words: str) -> None:
        self.until(lambda: all(" ".join(each.split()) in self.text() for each in words), f"{words}")

    def button(self, label: str) -> Any:
        return self.browser.execute_script(BUTTON, label)

    def photograph(self, to: Path) -> None:
        at_rest = "return document.getAnimations().every((each) => each.playState != 'running')"
        self.until(lambda: self.browser.execute_script(at_rest))
        self.browser.save_screenshot(str(to))
        with Image.open(to) as image:
            colours = image.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert len(colours) > 20  # letters are drawn there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.close()
        self.browser.switch_to.window(self._home)


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.DEVNULL,
        stderr=sys.__stderr__,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def command(name: str, address: str, port: int) -> list[str]:
    example = str(EXAMPLES / f"a_job_in_{name}.py")
    if name != "streamlit":
        return [example, address, str(port)]
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    told = [f"--{option}={value}" for option, value in options.items()]
    return ["-m", "streamlit", "run", *told, example, "--", address]


@pytest.mark.parametrize("name", ["panel", "shiny", "streamlit"])
def test_a_job_in_a_page(name: str, browser: Any, pictures: Path, unused_port: int) -> None:
    need(find_spec(name), name)
    with Summary() as server, running(*command(name, server.url, unused_port)) as process:
        address = f"http://127.0.0.1:{unused_port}"
        # A visitor who cancels, and one who does not.
        with Tab(browser, HEIGHTS[name]) as tab:
            tab.open(address, process)
            tab.until_it_says(READING, HALF)
            tab.button("Cancel").click()
            tab.until_it_says("cancelled")
            tab.until(lambda: not tab.button("Cancel").is_enabled())
            tab.until(lambda: len(server.asked("cancel")) == 1)
        with Tab(browser, HEIGHTS[name]) as tab:
            tab.open(address, process)
            tab.until_it_says(READING, HALF)
            tab.until(lambda: tab.button("Cancel").is_enabled())
            tab.photograph(pictures / f"a_job_in_{name}.png")
            server.go_on()
            tab.until_it_says("done", DONE)
            tab.until(lambda: not tab.button("Cancel").is_enabled())
        assert len(server.asked("join")) == 2
        assert sorted(server.ledger) == ["closed", "finished", "started", "started"]


COUNT = """
    window.asked = 0;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (...told) {
        window.asked += 1;
        return send.apply(this, told);
    };
"""
"""Counts what a page sends."""


def test_in_streamlit_a_job_takes_the_place_of_another_and_its_page_asks_until_its_end(
    browser: Any, unused_port: int
) -> None:
    need(find_spec("streamlit"), "streamlit")
    with (
        Summary() as server,
        running(*command("streamlit", server.url, unused_port)) as process,
        Tab(browser, 460) as tab,
    ):
        tab.open(f"http://127.0.0.1:{unused_port}", process)
        tab.until_it_says(READING, HALF)
        browser.execute_script(COUNT)
        tab.until(lambda: asked(browser) > 5)
        assert len(server.asked("join")) == 1
        tab.button("Again").click()
        tab.until(lambda: len(server.asked("cancel")) == 1)
        tab.until(lambda: len(server.asked("join")) == 2)
        tab.until_it_says(READING, HALF)
        server.go_on()
        tab.until_it_says("done", DONE)
        tab.until(lambda: not tab.button("Cancel").is_enabled())
        count = asked(browser)
        # For several times what it waited for before.
        threading.Event().wait(0.6)
        assert asked(browser) - count <= 1
        tab.until(lambda: len(server.ledger) == 4)
        assert sorted(server.ledger) == ["closed", "finished", "started", "started"]


def asked(browser: Any) -> int:
    count: int = browser.execute_script("return window.asked")
    return count
