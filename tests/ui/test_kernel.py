"""A real kernel of Jupyter: what a front end gets while cells run, and what it sends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import run
from typing import Any

from rxgradio.testing import FaultServer
from tests.contract.app import SOON
from tests.ui.kernel import Kernel
from tests.ui.summary import DONE, HALF, READING, Summary

BEGIN = """
import pathlib, time
from ipywidgets import Button, FloatProgress, Label, Text, Textarea
from reactivex import operators as ops
from rxgradio import Client
from rxgradio.ui import bind, changes, show
client = Client({url!r})
def block(path):
    print("blocked", flush=True)
    while not pathlib.Path(path).exists():
        time.sleep(0.01)
"""
WIDGETS = "print(*[each.comm.comm_id for each in ({}, )])"


def test_all_moves_while_a_cell_runs(tmp_path: Path) -> None:
    async def main(url: str, server: Summary) -> None:
        async with Kernel() as kernel:
            await kernel.run(BEGIN.format(url=url))
            await kernel.run("job = client.submit(5, api_name='/summarise')", "job")
            ((name, shown),) = kernel.displays.items()
            await kernel.run("status, bar, text = Label(), FloatProgress(max=2), Textarea()")
            await kernel.run("_ = bind(job, status=status, progress=bar, output=text)")
            ids = (await kernel.run(WIDGETS.format("status, bar, text"))).split()

            def values() -> list[Any]:
                return [kernel.widgets[each]["value"] for each in ids]

            await kernel.until(lambda: shown[-1]["text/plain"] == f"/summarise  {READING}")
            await kernel.until(lambda: values() == [READING, 1.2, HALF])
            gate = tmp_path / "gate"
            cell = kernel.begin(f"block({str(gate)!r})")
            await kernel.until(lambda: kernel.printed.get(cell))
            server.go_on()
            await kernel.until(lambda: values() == ["done", 2.0, DONE])
            await kernel.until(lambda: "Whoever leaves" in shown[-1]["text/html"])
            assert shown[-1]["text/plain"].startswith("/summarise  done: The first page")
            assert ">100 %<" in shown[-1]["text/html"]
            assert cell not in kernel.over
            gate.touch()
            await kernel.until(lambda: cell in kernel.over)
            assert list(kernel.displays) == [name]

            # What has ended is shown as it ended, at once and once.
            await kernel.run("job")
            (again,) = (each for each in kernel.displays if each != name)
            await kernel.run("pass")
            assert kernel.displays[again] == [shown[-1]]

    with Summary() as server:
        asyncio.run(main(server.url, server))


def test_show_lasts_as_long_as_its_calls_and_an_interrupt_ends_it() -> None:
    async def main(url: str, server: Summary) -> None:
        async with Kernel() as kernel:
            await kernel.run(BEGIN.format(url=url), "job = client.submit(5, api_name='/summarise')")
            cell = kernel.begin("show({'<five>': job}, client.submit(2, api_name='/summarise'))")
            await kernel.until(lambda: kernel.displays)
            ((name, shown),) = kernel.displays.items()
            await kernel.until(
                lambda: READING in shown[-1]["text/plain"] and "done" in shown[-1]["text/plain"]
            )
            await kernel.interrupt()
            await kernel.until(lambda: cell in kernel.over)
            assert kernel.errors == {cell: "KeyboardInterrupt"}
            count = len(shown)

            assert await kernel.run("print(job.done())") == "False\n"
            server.go_on()
            await kernel.run("show(job)")
            assert len(shown) == count
            (again,) = (each for each in kernel.displays if each != name)
            assert "done: The first page" in kernel.displays[again][-1]["text/plain"]
            assert "&lt;five&gt;" in shown[-1]["text/html"]

    with Summary() as server:
        asyncio.run(main(server.url, server))


def test_a_click_in_the_front_end_cancels() -> None:
    async def main(url: str, server: Summary) -> None:
        async with Kernel() as kernel:
            await kernel.run(BEGIN.format(url=url))
            await kernel.run(
                "status, button = Label(), Button()",
                "job = client.submit(5, api_name='/summarise')",
                "_ = bind(job, status=status, cancel=button)",
            )
            status, button = (await kernel.run(WIDGETS.format("status, button"))).split()
            await kernel.until(lambda: kernel.widgets[status]["value"] == READING)
            assert not kernel.widgets[button]["disabled"]
            kernel.tell(button, {"method": "custom", "content": {"event": "click"}})
            await kernel.until(lambda: kernel.widgets[status]["value"] == "cancelled")
            await kernel.until(lambda: kernel.widgets[button]["disabled"])
            cancelled = await kernel.run("print(job.cancelled(), job.cancel_outcome.result())")
            assert cancelled.startswith("True ")
        assert len(server.asked("cancel")) == 1

    with Summary() as server:
        asyncio.run(main(server.url, server))


def test_what_is_typed_over_in_the_front_end_is_cancelled_on_the_server() -> None:
    ends: list[str] = []
    started: list[str] = []

    async def search(text: str) -> AsyncIterator[str]:
        started.append(text)
        try:
            yield f"about {text}"
            if text != "hel":
                await asyncio.sleep(SOON)
        except (GeneratorExit, asyncio.CancelledError):
            ends.append(text)
            raise

    async def main(url: str) -> None:
        async with Kernel() as kernel:
            await kernel.run(BEGIN.format(url=url))
            await kernel.run(
                "text, status, found = Text(), Label(), Textarea()",
                "answers = changes(text).pipe(",
                "    ops.distinct_until_changed(),",
                "    client.endpoint('/search').latest(on_error='keep'),",
                ")",
                "_ = bind(answers, status=status, output=found)",
            )
            ids = (await kernel.run(WIDGETS.format("text, status, found"))).split()
            for typed in ("h", "he", "hel"):
                kernel.tell(ids[0], {"method": "update", "state": {"value": typed}})
                about = f"about {typed}"
                await kernel.until(lambda about=about: kernel.widgets[ids[2]]["value"] == about)
            await kernel.until(lambda: kernel.widgets[ids[1]]["value"] == "done")

    with FaultServer({"/search": search}) as server:
        asyncio.run(main(server.url))
        assert len(server.asked("cancel")) == 2
    assert started == ["h", "he", "hel"]
    assert sorted(ends) == ["h", "he"]


def test_a_terminal_shows_text() -> None:
    code = """
from concurrent.futures import Future
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from rxgradio import Job
from rxgradio.ui.jupyter import in_notebook
shell = TerminalInteractiveShell.instance(history_length=0)
shell.history_manager.enabled = False
shell.user_ns["job"] = Job(Future())
shell.run_cell("job")
print(in_notebook())
"""
    done = run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "<Job of a Future PROCESSING at 0x" in done.stdout
    assert done.stdout.endswith("False\n")
