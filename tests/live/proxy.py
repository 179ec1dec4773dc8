"""A way to a server that can be cut."""

from __future__ import annotations

__all__ = ["Proxy"]

import asyncio
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Passes bytes between its port of 127.0.0.1 and that of a server."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        serving = asyncio.start_server(self._pass, "127.0.0.1", 0)
        self._listening = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port: int = self._listening.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Break all connections that are open; new ones may follow."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for transport in self._open:
            transport.abort()

    async def _close(self) -> None:
        self._listening.close()
        self._abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass(self, up: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        ends = {down.transport, writer.transport}
        self._open |= ends
        try:
            await asyncio.gather(_copy(up, writer), _copy(reader, down))
        except OSError:
            pass  # it was cut, here or there
        finally:
            for end in ends:
                end.abort()
            self._open -= ends


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(2**16):
        target.write(chunk)
        await target.drain()
    target.close()
