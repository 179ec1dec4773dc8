"""What holds for every test: nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxgradio.runtime import process

_POOL = ("rxgradio-scheduler", "rxgradio-delivery-")
"""The threads of the process, which stay; how many there may be has tests of its own."""


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(_POOL)}


def _sockets() -> set[str]:
    """Return the sockets of this process, by inode, where the system tells."""
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def _tasks() -> set[asyncio.Task[object]]:
    thread = process._process.loop_thread
    if thread is None:
        return set()

    async def names() -> set[asyncio.Task[object]]:
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    return thread.run(names()).result(10)


@pytest.fixture
def unused_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    process.loop_thread()  # its own sockets are not the test's
    threads, sockets = _threads(), _sockets()
    yield
    # What a test has let go of may take a moment to end; no more than that.
    deadline = time.monotonic() + 5.0
    while True:
        left = {
            "threads": _threads() - threads,
            "tasks": _tasks(),
            "sockets": _sockets() - sockets,
        }
        if not any(left.values()):
            return
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: { {kind: each for kind, each in left.items() if each} }")
        gc.collect()
        threading.Event().wait(0.01)
