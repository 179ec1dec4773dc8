"""A port of 127.0.0.1 that is served on a thread of its own, and leaves nothing behind."""

from __future__ import annotations

__all__ = ["Listener", "reset"]

import asyncio
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

SOON = 10.0
"""Seconds after which something that should happen at once counts as hanging."""


class Listener(ABC):
    """Something that listens between `start` and `stop`; `with` does both.

    The port stays its own in between, and when it is started again.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.accepted = 0
        """Connections, those included that have ended."""
        self.open = 0
        """Connections that have not ended."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._listening: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = threading.Condition()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where everything runs; only while it is started."""
        if self._loop is None:
            raise RuntimeError(f"this {type(self).__name__} has not been started")
        return self._loop

    @property
    def origin(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://{self.origin}"

    def start(self) -> None:
        """Begin to listen: on a free port, the first time."""
        if self._thread is not None:
            raise RuntimeError("it has been started already")
        there = _socket(self.port)
        self.port = there.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(there, ready), name=type(self).__name__, daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Break all connections, end what answers them, and listen no more.

        Raises:
            TimeoutError: Something that runs there does not let go of the thread.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        thread.join(SOON)
        if thread.is_alive():
            raise TimeoutError(f"{thread.name} does not end: one of its functions blocks")

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def stop_listening(self) -> None:
        """Refuse all further connections, as if nothing were there; those that are open stay."""
        self._do(self._refuse)

    def listen(self) -> None:
        """Listen again after `stop_listening`."""
        asyncio.run_coroutine_threadsafe(self._listen(_socket(self.port)), self.loop).result(SOON)

    def drop_all(self) -> None:
        """Reset all connections that are open; new ones may follow."""
        self._do(self._drop)

    def until(self, fact: Callable[[], object], timeout: float = SOON) -> None:
        """Wait until a fact about it holds; looked at whenever something has happened.

        Raises:
            TimeoutError: It does not hold after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(fact, timeout):
                raise TimeoutError(f"still not so after {timeout:g} s")

    def note(self) -> None:
        """Tell those who wait that something has happened."""
        with self._changed:
            self._changed.notify_all()

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which is closed afterwards."""

    async def leave(self) -> None:
        """Be the last thing that runs on the loop; connections are gone by then."""
        return

    # ---- on the loop

    def _do(self, what: Callable[[], object]) -> None:
        done = threading.Event()

        def do() -> None:
            try:
                what()
            finally:
                done.set()

        self.loop.call_soon_threadsafe(do)
        if not done.wait(SOON):
            raise TimeoutError(f"{type(self).__name__} does not react")

    def _run(self, there: socket.socket, ready: threading.Event) -> None:
        loop = self.loop
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._listen(there))
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._leave())
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()

    async def _listen(self, there: socket.socket) -> None:
        self._listening = await asyncio.start_server(self._connected, sock=there)

    def _refuse(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()

    def _drop(self) -> None:
        for writer in self._writers:
            reset(writer)

    async def _leave(self) -> None:
        # What was just accepted takes asyncio some steps to be served. Were the server closed or
        # the task cancelled before that, nobody would ever close the connection.
        for there in self._listening.sockets if self._listening else ():
            self.loop.remove_reader(there.fileno())
        for _ in range(4):
            await asyncio.sleep(0)
        self._refuse()
        for writer in self._writers:
            writer.transport.abort()
        await self.leave()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports say so a step later
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        self._writers.add(writer)
        task = self.loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.note()
        try:
            await self.serve(reader, writer)
        finally:
            writer.close()
            self._writers.discard(writer)
            self.open -= 1
            self.note()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset."""
    there: socket.socket | None = writer.get_extra_info("socket")
    if there is not None and there.fileno() >= 0:
        linger = struct.pack("ii", 1, 0)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def _socket(port: int) -> socket.socket:
    there = socket.create_server(("127.0.0.1", port), backlog=512)
    # asyncio does not see that it is TCP, so it leaves Nagle's delays on.
    there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # and its children
    return there
