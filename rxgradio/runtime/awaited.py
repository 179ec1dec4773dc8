"""Async iterables, for those who want their items and run on no event loop, or on another."""

from __future__ import annotations

__all__ = ["Awaited", "Sink", "blocking", "running_loop"]

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any, Protocol, cast

from .process import threadless_loop

logger = logging.getLogger("rxgradio")


class Sink(Protocol):
    """Takes items, one at a time, from any thread."""

    def on_input(self, value: Any) -> None:
        """Take one that was requested."""
        ...

    def on_end(self, error: BaseException | None) -> None:
        """Take note that there is no more, or that asking for more failed."""
        ...


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that the caller runs on, if it does; in virtual time, that of it."""
    try:
        return threadless_loop() or asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Here(threading.local):
    blocks = False


_here = _Here()


@contextmanager
def blocking() -> Generator[None]:
    """Mark the calling thread as about to wait for what is made inside.

    If an event loop runs on it, as in a notebook, that loop will ask for nothing meanwhile.
    """
    before, _here.blocks = _here.blocks, True
    try:
        yield
    finally:
        _here.blocks = before


class Awaited:
    """A task that asks an async iterator for its next item when that is wanted.

    It runs on the loop of whoever makes it; if that is on none, on `home`; if that does
    not run, or is blocked, on a loop of its own, on a thread that lasts as long. Its context
    is a copy of its maker's.

    Args:
        begin: Makes the iterator; called on the loop.
        sink: Gets the items, on the loop.
        home: The loop that the iterable was named on, if any.
    """

    def __init__(
        self,
        begin: Callable[[], AsyncIterator[Any]],
        sink: Sink,
        home: asyncio.AbstractEventLoop | None,
    ) -> None:
        self._begin = begin
        self._sink = sink
        self._context = contextvars.copy_context()
        self._lock = threading.RLock()
        self._wanted = 0
        self._more = asyncio.Event()
        self._cancelled = False
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        here = running_loop()
        if here is not None and (here is threadless_loop() or not _here.blocks):
            self._loop = here
            self._start(here)
        elif home is not None and home is not here and home.is_running():
            self._loop = home
            if not self._call(lambda: self._start(home)):
                self._loop = None  # it was closed meanwhile

    def request(self, count: int) -> None:
        """Ask for so many more; called by one thread at a time."""
        with self._lock:
            self._wanted += count
            if self._loop is None and self._thread is None:
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._apart()), name="rxgradio-inputs", daemon=True
                )
                self._thread.start()
        self._call(self._more.set)

    def cancel(self) -> None:
        """Ask for no more, and have the iterator closed; waits for nothing."""
        with self._lock:
            self._cancelled = True
            task = self._task
        if task is not None:
            self._call(task.cancel)

    def _call(self, action: Callable[[], object]) -> bool:
        """Have the loop do something; returns whether there is a loop to do it."""
        if self._loop is None:  # not yet: it will see what is wanted
            return False
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:
            logger.debug("the event loop of an async iterable is closed")
            return False
        return True

    def _start(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        task = loop.create_task(self._pull(), context=self._context)
        task.add_done_callback(self._done)
        with self._lock:
            self._task = task
            if self._cancelled:
                task.cancel()
        return task

    async def _apart(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            self._loop = loop
            task = self._start(loop)
        await asyncio.wait([task])

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # by its loop, if not by us
            self._sink.on_end(CancelledError("the task of an async iterable was cancelled"))

    async def _pull(self) -> None:
        try:
            iterator = self._begin()
            while True:
                try:
                    await self._room()
                    value = await anext(iterator)
                except StopAsyncIteration:
                    break
                except asyncio.CancelledError:
                    await _aclose(iterator)
                    raise
                self._sink.on_input(value)
                del value  # or it would live until the next one comes
        except asyncio.CancelledError:
            raise
        except GeneratorExit:  # the loop was closed, and this was forgotten
            self._sink.on_end(CancelledError("the event loop of an async iterable was closed"))
            raise
        except BaseException as error:
            # Whatever it is, nobody must wait on.
            self._sink.on_end(error)
            if isinstance(error, KeyboardInterrupt):  # it is meant for the program
                raise
        else:
            self._sink.on_end(None)

    async def _room(self) -> None:
        # Others of the loop have their turn, and a cancel comes through, also where the
        # iterator never waits for anything.
        await asyncio.sleep(0)
        while True:
            with self._lock:
                if self._wanted:
                    self._wanted -= 1
                    return
                self._more.clear()
            await self._more.wait()


async def _aclose(iterator: AsyncIterator[Any]) -> None:
    aclose = getattr(iterator, "aclose", None)
    if callable(aclose):
        try:
            await cast("Callable[[], Awaitable[Any]]", aclose)()
        except Exception:
            logger.exception("what is not wanted any more could not be closed")
