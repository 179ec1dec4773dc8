"""The examples for Textual run, and look as they should."""

from __future__ import annotations

import asyncio
import re
import runpy
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rxgradio import AppError, Client, ProgressUnit, Status, StatusUpdate
from rxgradio.testing import Endpoint, FaultServer
from rxgradio.ui import bind
from tests.contract.app import SOON
from tests.ui.summary import DONE, HALF, READING, Summary
from tests.ui.test_examples import EXAMPLES

textual_app = pytest.importorskip("textual.app")
widgets = pytest.importorskip("textual.widgets")

Play = Callable[[Any, Any], Awaitable[None]]


def play(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str, size: tuple[int, int], play: Play
) -> None:
    """Run an example on a terminal that is not there, with a user."""
    played: list[bool] = []

    async def run(app: Any) -> None:
        async with app.run_test(size=size) as pilot:
            await play(app, pilot)
            played.append(True)

    monkeypatch.setattr(textual_app.App, "run", lambda app: asyncio.run(run(app)))
    monkeypatch.setattr("sys.argv", [name, address])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert played == [True]


async def until(fact: Callable[[], object]) -> None:
    for _ in range(int(SOON / 0.01)):
        if fact():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it has not come true")


async def draw(app: Any, pilot: Any, to: Path) -> str:
    """Leave a picture, and return it."""
    await pilot.pause()
    # Without fonts from elsewhere.
    picture = re.sub(r"@font-face \{.*?\}", "", app.export_screenshot(), flags=re.DOTALL)
    to.write_text(picture, "utf-8")  # noqa: ASYNC240 (all that runs here is this test)
    return picture.replace("&#160;", " ")


def test_a_job(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    with Summary() as server:

        async def watch(app: Any, pilot: Any) -> None:
            status, bar = app.query_one(widgets.Label), app.query_one(widgets.ProgressBar)
            text, cancel = app.query_one(widgets.TextArea), app.query_one(widgets.Button)
            await until(lambda: (str(status.content), text.text) == (READING, HALF))
            assert bar.percentage == 0.6
            assert not cancel.disabled
            picture = await draw(app, pilot, pictures / "a_job_in_textual.svg")
            assert READING in picture
            assert "60%" in picture
            server.go_on()
            await until(lambda: cancel.disabled)
            assert (str(status.content), bar.percentage, text.text) == ("done", 1.0, DONE)

        play(monkeypatch, "a_job_in_textual.py", server.url, (76, 18), watch)
        assert server.ledger == ["started", "finished"]


def test_a_job_is_cancelled_by_its_button(monkeypatch: pytest.MonkeyPatch) -> None:
    with Summary() as server:

        async def cancel(app: Any, pilot: Any) -> None:
            status = app.query_one(widgets.Label)
            await until(lambda: str(status.content) == READING)
            await pilot.click(widgets.Button)
            await until(lambda: str(status.content) == "cancelled")
            server.go_on()  # a generator is closed when it says something
            await until(lambda: server.ledger == ["started", "closed"])

        play(monkeypatch, "a_job_in_textual.py", server.url, (76, 18), cancel)


def fan_in(hold: threading.Event) -> dict[str, Any]:
    """Return endpoints that wait in the middle of their work."""

    async def held() -> None:
        while not hold.is_set():  # noqa: ASYNC110 (a thread sets it)
            await asyncio.sleep(0.01)

    async def render(steps: float) -> AsyncIterator[Any]:
        bar = ProgressUnit(index=8, length=steps, unit="steps", desc="refine")
        yield StatusUpdate(Status.PROGRESS, progress_data=[bar])
        await held()
        yield "a picture, 1024 x 1024"

    async def count(to: float) -> AsyncIterator[str]:
        for number in range(1, 5):
            yield f"{number} of {to:g}"
        await held()

    async def scan(page: float) -> str:
        await held()
        return f"page {page:g} has 347 words"

    def divide(a: float, b: float) -> float:
        raise AppError("cannot divide by zero")

    return {
        "/render": render,
        "/count": count,
        "/divide": divide,
        "/scan": Endpoint(function=scan, concurrency=1),
    }


def test_a_fan_in(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    hold = threading.Event()
    with FaultServer(fan_in(hold)) as server, Client(server.url) as client:
        holder = client.submit(0, api_name="/scan")

        async def watch(app: Any, pilot: Any) -> None:
            log = app.query_one(widgets.Log)

            def shown() -> str:
                return "\n".join(str(label.content) for label in app.query("Horizontal > Label"))

            await until(lambda: all(word in shown() for word in ("queued, 1", "refine", "zero")))
            await until(lambda: any("4 of 40" in line for line in log.lines))
            picture = await draw(app, pilot, pictures / "fan_in_in_textual.svg")
            for text in ("40%", "refine", "streaming", "4 of 40", "by zero", "Cancel all", "Quit"):
                assert text in picture
            await pilot.press("c")
            await until(lambda: shown().count("cancelled") == 3)
            await pilot.press("q")

        try:
            play(monkeypatch, "fan_in_in_textual.py", server.url, (90, 24), watch)
        finally:
            hold.set()
        holder.result(SOON)


def test_what_the_page_shows() -> None:
    page = (EXAMPLES.parents[1] / "docs" / "ui.md").read_text("utf-8")
    section = page.partition("\n## Textual\n")[2]
    (code, *_) = re.findall(r"^```py\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    with Summary() as server, Client(server.url) as client:
        server.go_on()
        names = {"App": textual_app.App, "ComposeResult": object, "client": client, "bind": bind}
        names |= {name: getattr(widgets, name) for name in ("Label", "ProgressBar", "TextArea")}
        exec(code, names)
        app = names["Summary"]()

        async def run() -> None:
            async with app.run_test():
                await until(lambda: app.query_one(widgets.TextArea).text == DONE)

        asyncio.run(run())
