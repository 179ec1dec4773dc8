"""The one scheduler thread and the one delivery pool of a process.

Started by the first use, never by an import; drained and stopped when the
interpreter exits; abandoned, not closed, by a forked child. A test may put others
in their place, for all that is done in its context.
"""

from __future__ import annotations

__all__ = ["delivery", "generation", "loop_thread", "on_loop_thread", "replaced", "threadless_loop"]

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .delivery import Delivery
from .loop import Home, LoopThread

logger = logging.getLogger("rxgradio")

_EXIT = 2.0
"""Seconds that the end of the interpreter may be held up."""


class _Process:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop_thread: LoopThread | None = None
        self.delivery = Delivery(_later)


def _later(seconds: float, action: Callable[[], object]) -> None:
    thread = loop_thread()
    thread.call(lambda: thread.loop.call_later(seconds, action))


_process = _Process()


_in_place: ContextVar[tuple[Home, Delivery] | None] = ContextVar("rxgradio.runtime", default=None)


@contextmanager
def replaced(home: Home, delivery: Delivery) -> Generator[None]:
    """Use another loop and another pool in this context, and those that are copied from it."""
    token = _in_place.set((home, delivery))
    try:
        yield
    finally:
        _in_place.reset(token)


def loop_thread() -> Home:
    """Return the scheduler thread of this process, and start it if need be."""
    if (in_place := _in_place.get()) is not None:
        return in_place[0]
    process = _process
    with process.lock:
        if process.loop_thread is None:
            process.loop_thread = LoopThread()
        return process.loop_thread


def threadless_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that stands in the place of the scheduler thread, where no thread counts."""
    in_place = _in_place.get()
    return None if in_place is None else in_place[0].loop


def on_loop_thread() -> bool:
    """Whether the caller runs on the scheduler thread, where nothing may block."""
    if (in_place := _in_place.get()) is not None:
        return in_place[0].current
    thread = _process.loop_thread
    return thread is not None and thread.current


def delivery() -> Delivery:
    """Return the delivery pool of this process."""
    if (in_place := _in_place.get()) is not None:
        return in_place[1]
    return _process.delivery


def generation() -> object:
    """Return a token that changes when the process forks, in the child."""
    return _process


def _after_fork_in_child() -> None:
    # The parent's threads do not exist here, and its locks may be held for
    # ever. Its loop is left as it is: closing it would take the parent's
    # sockets out of the epoll set that both processes share.
    global _process  # noqa: PLW0603 (there is one per process, and this is another process)
    _process = _Process()


def _at_exit() -> None:
    deadline = time.monotonic() + _EXIT
    process = _process
    # What is due is delivered before the jobs that still run are cancelled,
    # and so is the news of their end.
    process.delivery.drain(_EXIT / 4)
    if process.loop_thread is not None:
        jobs = process.loop_thread.shut_down(_EXIT / 2)
        if jobs:
            logger.warning(
                "the program ended while %d of its jobs ran, and ended them; "
                "job.result() or concurrent.futures.wait(jobs) waits for them",
                jobs,
            )
    process.delivery.drain(max(0.0, deadline - time.monotonic()))


os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
