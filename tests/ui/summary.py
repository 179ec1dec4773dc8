"""The job that the examples show in every toolkit, held in the middle for a picture."""

from __future__ import annotations

__all__ = ["DONE", "HALF", "READING", "Summary"]

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from rxgradio import ProgressUnit, Status, StatusUpdate
from rxgradio.testing import FaultServer

LINES = (
    "The first page says what a stream is.",
    "Then one is cut, and nothing is lost.",
    "Two of them meet, and keep their order.",
    "A slow reader holds nobody up.",
    "Whoever leaves is not waited for.",
)
READING = "reading page 4 of 5"
"""The status while it is held; 0.6 is done then."""
HALF = "".join(f"{line}\n" for line in LINES[:3])
"""The output while it is held."""
DONE = "".join(f"{line}\n" for line in LINES)


class Summary(FaultServer):
    """An app with `/summarise`, as the demo's; each call waits after three pages of five.

    It counts what becomes of calls in `ledger`: "started", and "finished" or "closed".
    """

    def __init__(self) -> None:
        super().__init__({"/summarise": self._summarise})
        self.ledger: list[str] = []
        self._go_on = threading.Event()

    def go_on(self) -> None:
        """Let calls end."""
        self._go_on.set()

    async def _summarise(self, pages: float) -> AsyncIterator[Any]:
        self.ledger.append("started")
        told, count = "", int(pages)
        try:
            for page in range(count):
                desc = f"reading page {page + 1} of {count}"
                bar = ProgressUnit(index=page, length=count, unit="steps", desc=desc)
                yield StatusUpdate(Status.PROGRESS, progress_data=[bar])
                while page == 3 and not self._go_on.is_set():  # noqa: ASYNC110 (a thread sets it)
                    await asyncio.sleep(0.01)
                told = f"{told}{LINES[page % len(LINES)]}\n"
                yield told
        except (GeneratorExit, asyncio.CancelledError):
            self.ledger.append("closed")
            raise
        self.ledger.append("finished")
