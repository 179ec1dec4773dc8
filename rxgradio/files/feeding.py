"""The files of a streaming call's further inputs."""

from __future__ import annotations

__all__ = ["Feeding"]

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..protocol.files import carries_files


class Feeding:
    """Passes the chunks of one call on in their order, each when its files are uploaded.

    Lives on the scheduler thread. Chunks without files pass at once, unless others
    wait before them.

    Args:
        send: Uploads the files of a chunk, and returns it as it is to be sent.
        pass_on: Takes a chunk, or None as the end, and whether it is to take the
            place of those that wait.
        fail: Ends the call.
        working: Where its task is while there is one.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[bytes]],
        pass_on: Callable[[bytes | None, bool], object],
        fail: Callable[[Exception], object],
        working: set[asyncio.Task[None]],
    ) -> None:
        self._send = send
        self._pass_on = pass_on
        self._fail = fail
        self._working = working
        self._waiting: deque[tuple[bytes | None, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def take(self, chunk: bytes | None, latest: bool) -> None:
        """Take a further input, or None as the end."""
        if self._over:
            return
        if self._task is not None and not self._task.done():
            if latest and chunk is not None:
                self._waiting.clear()
            self._waiting.append((chunk, latest))
        elif chunk is not None and carries_files(chunk):
            self._waiting.append((chunk, latest))
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._working.add(self._task)
            self._task.add_done_callback(self._working.discard)
        else:
            self._pass_on(chunk, latest)

    def stop(self) -> None:
        """Upload nothing more, and take nothing more."""
        self._over = True
        self._waiting.clear()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                chunk, latest = self._waiting.popleft()
                if chunk is not None and carries_files(chunk):
                    chunk = await self._send(chunk)
                self._pass_on(chunk, latest)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the end of the call)
            self._waiting.clear()
            self._fail(error)
