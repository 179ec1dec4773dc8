"""A kernel of Jupyter, in a process of its own, and what a front end sees of it."""

from __future__ import annotations

__all__ = ["Kernel"]

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from jupyter_client.manager import AsyncKernelManager

from tests.contract.app import SOON

ROOT = Path(__file__).parents[2]


class Kernel:
    """Runs cells, and keeps what comes of them."""

    def __init__(self) -> None:
        # Not that of the test: what names a socket must be short.
        self._directory = tempfile.TemporaryDirectory(prefix="kernel-")
        directory = self._directory.name
        self._kernel = AsyncKernelManager(
            kernel_name="python3",
            transport="ipc",
            connection_file=f"{directory}/kernel.json",
            ip=f"{directory}/kernel",
        )
        self._said = Path(directory, "stderr")
        self._news = asyncio.Event()
        self.displays: dict[str, list[dict[str, str]]] = {}
        """By their ids, what outputs of cells have shown."""
        self.widgets: dict[str, dict[str, Any]] = {}
        """By the ids of their comms, the states of widgets."""
        self.printed: dict[str, str] = {}
        """By cell."""
        self.errors: dict[str, str] = {}
        self.over: set[str] = set()
        """The cells that have ended."""

    async def __aenter__(self) -> Self:
        paths = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": self._directory.name}
        with self._said.open("wb") as said:
            env = {**os.environ, **paths}
            await self._kernel.start_kernel(cwd=str(ROOT), env=env, stderr=said)
        self._client = self._kernel.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=SOON)
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hearing.cancel()
        with suppress(asyncio.CancelledError):
            await self._hearing
        await self._kernel.shutdown_kernel()
        self._client.stop_channels()
        said = self._said.read_text("utf-8")
        self._directory.cleanup()
        assert "Traceback" not in said, said

    def begin(self, *lines: str) -> str:
        """Have a cell run; returns its id."""
        # Or what follows a cell that fails might be left out.
        how = {"allow_stdin": False, "stop_on_error": False}
        cell: str = self._client.execute("\n".join(lines), **how)
        return cell

    async def run(self, *lines: str) -> str:
        """Run a cell to its end; returns what it has printed."""
        cell = self.begin(*lines)
        await self.until(lambda: cell in self.over)
        assert cell not in self.errors, self.errors[cell]
        return self.printed.get(cell, "")

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(2 * SOON):
            while not fact():
                self._news.clear()
                await self._news.wait()

    async def interrupt(self) -> None:
        """Do as a user who interrupts the cell."""
        await self._kernel.interrupt_kernel()

    def tell(self, comm: str, data: dict[str, Any]) -> None:
        """Send what a widget in the front end would."""
        content = {"comm_id": comm, "data": data}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", content))

    async def _hear(self) -> None:
        while True:
            self._heard(await self._client.get_iopub_msg())
            self._news.set()

    def _heard(self, message: dict[str, Any]) -> None:
        content = message["content"]
        cell = message["parent_header"].get("msg_id", "")
        match message["msg_type"]:
            case "display_data" | "update_display_data":
                name = content["transient"].get("display_id", cell)
                self.displays.setdefault(name, []).append(content["data"])
            case "comm_open":
                self.widgets[content["comm_id"]] = dict(content["data"]["state"])
            case "comm_msg" if content["data"].get("method") == "update":
                self.widgets[content["comm_id"]].update(content["data"]["state"])
            case "stream":
                self.printed[cell] = self.printed.get(cell, "") + content["text"]
            case "error":
                self.errors[cell] = content["ename"]
            case "status" if content["execution_state"] == "idle":
                self.over.add(cell)
