"""A function of the app while it runs: as a thread does, nothing stops it but its own end."""

from __future__ import annotations

__all__ = ["Run", "Tasks"]

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")


class Tasks:
    """The tasks of a server, which end with it."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order: no set has one

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something in a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    async def aclose(self) -> None:
        """End all tasks, and those that they start as they end."""
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


class Run:
    """One run of a function.

    Args:
        begin: Calls the function.
        tasks: Where it runs: not in the task of whoever waits for it.
    """

    END: Final = object()

    def __init__(self, begin: Callable[[], AsyncGenerator[Any, None]], tasks: Tasks) -> None:
        self._begin = begin
        self._outputs = begin()
        self._tasks = tasks
        self._closes = True
        self._step: asyncio.Task[Any] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._restart = False

    async def next(self) -> Any:
        """Wait for the next thing that the function yields, or `END`."""
        if self._restart:
            self._restart = False
            self._outputs = self._begin()
        self._step = self._tasks.start(_step(self._outputs))
        return await asyncio.shield(self._step)

    def restart(self) -> None:
        """Begin again after the step that is under way."""
        self._restart = True

    def forget(self) -> None:
        """Never close it; keep it, as the collector would."""
        self._closes = False

    def let_go(self, *, generator: bool) -> None:
        """Have no more use for what it yields: a generator is closed, a plain function ends."""
        self._ending = self._tasks.start(self._end(generator=generator))

    async def gone(self) -> None:
        """Wait until it has ended, if it was let go of."""
        if self._ending is not None:
            await asyncio.wait([self._ending])

    async def _end(self, *, generator: bool) -> None:
        with suppress(Exception):
            if self._step is not None:
                await self._step
            if not generator:
                async for _ in self._outputs:
                    pass
            elif self._closes:
                await self._outputs.aclose()


async def _step(outputs: AsyncGenerator[Any, None]) -> Any:
    return await anext(outputs, Run.END)
