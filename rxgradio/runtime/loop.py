"""The scheduler thread: one asyncio loop, for all clients of a process.

All sockets and all protocol state live on it and nowhere else; no code of a
user runs on it.
"""

from __future__ import annotations

__all__ = ["Home", "LoopThread", "Tenant"]

import asyncio
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Tenant(Protocol):
    """Something that lives on the loop and wants to leave it in order."""

    def unfinished(self) -> int:
        """Return how many jobs are running."""
        ...

    async def aclose(self) -> None:
        """End all jobs and close all sockets."""
        ...


class _Resolver(ThreadPoolExecutor):
    """Runs what asyncio cannot do on its loop, such as to look up host names and to use the disk.

    asyncio's own executor is waited for when the interpreter exits, however long
    a name server takes. These threads are daemons, and end with their work.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function on a thread of its own."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 (it is handed on)
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, name="rxgradio-resolver", daemon=True).start()
        return future


class Home(ABC):
    """An asyncio loop, and what lives on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # Not a set: in virtual time, they always leave in the same order.
        self.tenants: weakref.WeakKeyDictionary[Tenant, None] = weakref.WeakKeyDictionary()
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    @abstractmethod
    def current(self) -> bool:
        """Whether the caller runs on the loop, where nothing may block."""

    def check_thread(self) -> None:  # noqa: B027 (of any thread, unless it is said otherwise)
        """Raise if the caller's thread has no part in it."""

    def call(self, action: Callable[..., object], *args: Any) -> bool:
        """Run an action on the loop, soon; returns False if the loop is gone."""
        try:
            self.loop.call_soon_threadsafe(action, *args)
        except RuntimeError:  # closed, at the end of the process
            return False
        return True

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; cancelling the future cancels it.

        Raises:
            RuntimeError: The loop is gone, at the end of the process.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:
            work.close()
            raise

    def start(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Start a coroutine that nobody waits for; on the loop."""
        task = self.loop.create_task(work())
        self._tasks.add(task)  # or it might be collected half-way
        task.add_done_callback(self._tasks.discard)


class LoopThread(Home):
    """A daemon thread that runs an asyncio loop until it is shut down."""

    def __init__(self) -> None:
        super().__init__(asyncio.new_event_loop())
        self.loop.set_default_executor(_Resolver())
        self._thread = threading.Thread(target=self._run, name="rxgradio-scheduler", daemon=True)
        self._thread.start()

    @property
    def current(self) -> bool:
        """Whether the caller runs on this thread."""
        return self._thread.ident == threading.get_ident()

    def shut_down(self, timeout: float) -> int:
        """Close all tenants and stop, within `timeout` seconds; returns how many jobs ran."""
        jobs = 0

        async def leave() -> None:
            # Counted here, behind all that was asked of the loop before.
            nonlocal jobs
            tenants = list(self.tenants)
            jobs = sum(tenant.unfinished() for tenant in tenants)
            closing = [asyncio.ensure_future(tenant.aclose()) for tenant in tenants]
            if closing:
                await asyncio.wait(closing, timeout=timeout / 2)
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            if rest:
                await asyncio.wait(rest, timeout=timeout / 4)
            self.loop.stop()

        if self.call(lambda: asyncio.ensure_future(leave())):
            self._thread.join(timeout)
        return jobs

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()
