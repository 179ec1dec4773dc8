"""The example for NiceGUI runs, and looks as it should."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rxgradio import Client
from rxgradio.ui import bind
from tests.ui.summary import DONE, HALF, READING, Summary
from tests.ui.test_examples import EXAMPLES

pytest.importorskip("nicegui")


def test_a_job(browser: Any, unused_port: int, pictures: Path) -> None:
    from tests.ui.nicegui_page import opened

    program = EXAMPLES / "a_job_in_nicegui.py"
    with Summary() as server, opened(browser, program, server.url, port=unused_port) as page:
        page.until(lambda: READING in page.find("body").text)
        page.until(lambda: HALF.strip() in page.find("body").text)
        bar, button = page.find(".q-linear-progress"), page.find("button")
        page.until(lambda: bar.get_attribute("aria-valuenow") == "0.6")
        assert button.is_enabled()
        done = page.find(".q-linear-progress__model")
        width = "return arguments[0].getBoundingClientRect().width"
        page.until(lambda: round(page.browser.execute_script(width, done)) == 307)  # it glides
        page.draw(pictures / "a_job_in_nicegui.png", 680, 420)
        server.go_on()
        page.until(lambda: not button.is_enabled())
        page.until(lambda: DONE.strip() in page.find("body").text)
        assert "done" in page.find("body").text
        assert bar.get_attribute("aria-valuenow") == "1"
        assert server.ledger == ["started", "finished"]


def test_a_job_is_cancelled_by_its_button(browser: Any, unused_port: int) -> None:
    from tests.ui.nicegui_page import opened

    program = EXAMPLES / "a_job_in_nicegui.py"
    with Summary() as server, opened(browser, program, server.url, port=unused_port) as page:
        page.until(lambda: READING in page.find("body").text)
        page.find("button").click()
        page.until(lambda: "cancelled" in page.find("body").text)
        server.go_on()  # a generator is closed when it says something
        page.until(lambda: server.ledger == ["started", "closed"])


def test_what_the_page_shows() -> None:
    from nicegui import ui

    from tests.ui.nicegui_driver import NiceGUIDriver

    text = (EXAMPLES.parents[1] / "docs" / "ui.md").read_text("utf-8")
    section = text.partition("\n## NiceGUI\n")[2]
    (code, *_) = re.findall(r"^```py\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    code, run, _ = code.partition("ui.run(page)\n")
    assert run
    with Summary() as server, Client(server.url) as client, NiceGUIDriver() as driver:
        names: dict[str, Any] = {"ui": ui, "client": client, "bind": bind}
        exec(code, names)
        driver.call(names["page"])
        label, bar, button = driver.call(lambda: list(driver.page.content))
        driver.until(lambda: (label.text, bar.value, button.enabled) == (READING, 0.6, True))
        server.go_on()
        driver.until(lambda: (label.text, bar.value, button.enabled) == ("done", 1.0, False))
