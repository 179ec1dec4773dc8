"""The examples of Gradio pages run, and look as they should."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from rxgradio.testing import FaultServer
from tests.live.servers.install import CACHE
from tests.ui.gradio_tabs import python_of, until, visiting
from tests.ui.summary import DONE, HALF, READING, Summary

pytestmark = pytest.mark.xdist_group("gradio pages")

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ui"
VERSION = "6.31.0"


def resize(browser: Any, height: int) -> None:
    """Have a page drawn in this size."""
    size = {"width": 720, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures are left."""
    return Path(os.environ.get("RXGRADIO_PICTURES") or tmp_path)


@contextmanager
def served(name: str, address: str, port: int) -> Iterator[str]:
    """Run an example, where Gradio is, and return its address."""
    url = f"http://127.0.0.1:{port}"
    log = CACHE / "logs" / f"{name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    with log.open("w") as said:
        command = [python_of(VERSION), EXAMPLES / f"{name}.py", address, str(port)]
        process = subprocess.Popen(command, env=env, stdout=said, stderr=subprocess.STDOUT)
        try:
            until(lambda: answers(url) or process.poll() is not None)
            assert process.poll() is None, log.read_text("utf-8")
            yield url
        finally:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=10).is_success
    except httpx.TransportError:
        return False


def fields(browser: Any) -> dict[str, str]:
    """Return what the fields of the page show, by their labels."""
    read = """
        const found = {};
        for (const label of document.querySelectorAll("label")) {
            const field = label.querySelector("textarea, input");
            if (field) found[label.innerText.trim()] = field.value;
        }
        return found;
    """
    found: dict[str, str] = browser.execute_script(read)
    return found


def button(browser: Any, text: str) -> Any:
    return browser.find_element("xpath", f"//button[normalize-space()='{text}']")


def drawn(browser: Any) -> float:
    """Return how much of the bar is filled now; it glides."""
    outer = browser.find_element("css selector", "[role=progressbar]")
    inner = outer.find_element("css selector", "div")
    return float(inner.rect["width"] / outer.rect["width"])


def draw(browser: Any, to: Path) -> None:
    browser.execute_script("document.activeElement.blur()")
    png = browser.get_screenshot_as_png()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(to, optimize=True)
        colours = image.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 20  # letters are drawn there


def test_a_job(browser: Any, pictures: Path, unused_port: int) -> None:
    with (
        Summary() as server,
        served("a_job_in_gradio", server.url, unused_port) as url,
        visiting(browser, url),
    ):
        resize(browser, 560)
        until(lambda: "Status" in fields(browser))
        button(browser, "Summarise").click()
        until(lambda: fields(browser)["Status"] == READING)
        until(lambda: fields(browser)["Summary"] == HALF)
        bar = browser.find_element("css selector", "[role=progressbar]")
        assert bar.get_attribute("aria-valuenow") == "60"
        until(lambda: drawn(browser) == pytest.approx(0.6, abs=0.01))
        until(lambda: button(browser, "Cancel").is_enabled())
        assert not button(browser, "Summarise").is_enabled()
        draw(browser, pictures / "a_job_in_gradio.png")
        button(browser, "Cancel").click()
        until(lambda: fields(browser)["Status"] == "cancelled")
        until(lambda: len(server.asked("cancel")) == 1)
        until(lambda: button(browser, "Summarise").is_enabled())
        server.go_on()
        button(browser, "Summarise").click()
        until(lambda: fields(browser)["Status"] == "done")
        assert fields(browser)["Summary"] == DONE
        until(lambda: not button(browser, "Cancel").is_enabled())
        assert server.ledger.count("finished") == 1


def test_typing_ahead(browser: Any, pictures: Path, unused_port: int) -> None:
    word = "reactive"

    async def write(text: str, size: float, delay: float) -> AsyncIterator[str]:
        for end in range(len(text)):
            yield text[: end + 1]
            if end == 5 and f" {word}:" not in text:
                await asyncio.Event().wait()

    with (
        FaultServer({"/write": write}) as server,
        served("type_ahead_in_gradio", server.url, unused_port) as url,
        visiting(browser, url),
    ):
        resize(browser, 420)
        until(lambda: "Status" in fields(browser))
        entry = browser.switch_to.active_element
        for n, letter in enumerate(word):
            entry.send_keys(letter)
            until(lambda n=n: len(server.asked("join")) == n + 1)
        until(lambda: fields(browser)["Status"] == "done")
        assert fields(browser) == {
            "Search as you type": word,
            "Status": "done",
            "Found": f"About {word}: all that there is to say.",
            "Calls": "8 started, 7 cancelled, 1 finished",
        }
        draw(browser, pictures / "type_ahead_in_gradio.png")
        until(lambda: len(server.asked("cancel")) == 7)


def test_the_page_of_the_docs() -> None:
    docs = (ROOT / "docs" / "ui.md").read_text("utf-8")
    blocks = re.findall(r"```py\n(.*?)```", docs, re.DOTALL)
    (code,) = (each for each in blocks if "import gradio" in each)
    asks = """
from rxgradio import Client
client = Client(sys.argv[1])
"""
    answers = """
import asyncio
async def told():
    async for values in run(5):
        status, bar, output, start, cancel = values
    print(status, "100.0%" in bar, output.count("."), start["interactive"], cancel["interactive"])
asyncio.run(told())
client.close()
"""
    with Summary() as server:
        server.go_on()
        done = subprocess.run(
            [python_of(VERSION), "-c", f"import sys{asks}{code}{answers}", server.url],
            env={**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.stdout == "done True 5 True False\n", done.stderr
