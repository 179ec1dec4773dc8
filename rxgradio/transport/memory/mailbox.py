"""Messages on their way to a reader, who may be cut off."""

from __future__ import annotations

__all__ = ["Mailbox", "Reader"]

import asyncio
from collections import deque
from typing import Any

from ...exceptions import ConnectionLost


class Mailbox:
    """Messages that wait to be read, by one reader or another; None is their end."""

    def __init__(self) -> None:
        self.messages: deque[dict[str, Any] | None] = deque()
        self.readers: dict[Reader, None] = {}  # in order: no set has one

    def put(self, message: dict[str, Any] | None) -> None:
        """Leave a message."""
        self.messages.append(message)
        for reader in self.readers:
            reader.news.set()


class Reader:
    """Whoever reads a mailbox, over a connection that a test may cut."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.news = asyncio.Event()
        self.is_cut = False
        self._mailbox = mailbox
        mailbox.readers[self] = None

    async def next(self) -> dict[str, Any] | None:
        """Wait for the next message; a connection that is cut takes none with it.

        Raises:
            ConnectionLost: The connection was cut.
        """
        while True:
            if self.is_cut:
                raise ConnectionLost("the connection was cut")
            if self._mailbox.messages:
                return self._mailbox.messages.popleft()
            self.news.clear()
            await self.news.wait()

    def cut(self) -> None:
        """Break the connection."""
        self.is_cut = True
        self.news.set()

    def leave(self) -> None:
        """Read no more."""
        self._mailbox.readers.pop(self, None)
