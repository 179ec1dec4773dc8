"""How far the sending of a call's files is, as updates of its job."""

from __future__ import annotations

__all__ = ["Progress"]

import asyncio
from collections.abc import Callable

from ..clock import now
from ..updates import ProgressUnit, Status, StatusUpdate
from .way import Source

_SECONDS = 0.1
"""Between two updates, at least."""


class Progress:
    """Tells of the bytes of all files of one call, as one bar; of none if nothing is sent."""

    def __init__(self, told: Callable[[StatusUpdate], object]) -> None:
        self._told = told
        self._sent: dict[Source, int] = {}
        self._shown: int | None = None
        self._next = 0.0

    def expect(self, file: Source) -> None:
        """Count a file in before any is sent."""
        self._sent[file] = 0

    def moved(self, file: Source, sent: int) -> None:
        """Take how many bytes of a file are sent; fewer than before if it is sent again."""
        self._sent[file] = sent
        done = sum(self._sent.values())
        total = sum(each.size for each in self._sent)
        at = asyncio.get_running_loop().time()
        if done == self._shown or (done < total and at < self._next):
            return
        self._shown = done
        self._next = at + _SECONDS
        name = file.name if len(self._sent) == 1 else f"{len(self._sent)} files"
        bar = ProgressUnit(index=done, length=total, unit="bytes", desc=name)
        self._told(StatusUpdate(Status.SENDING_DATA, progress_data=[bar], time=now()))
