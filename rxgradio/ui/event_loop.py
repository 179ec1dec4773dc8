"""UIs whose thread is that of an asyncio event loop."""

from __future__ import annotations

__all__ = ["EventLoop"]

import asyncio
from collections.abc import Callable
from contextvars import copy_context


class EventLoop:
    """The part of a toolkit that gets to the UI: by the loop that runs where it is made.

    If none does, as where a window is described before it is opened, it is the first that
    asks. Actions run in the context of whoever makes it, or asks, as toolkits know by it
    whose page or app an action is about. What an action raises goes to the loop's exception
    handler.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = _running()
        self._context = copy_context()

    @property
    def current(self) -> bool:
        """Whether the caller runs in the loop."""
        running = _running()
        if self._loop is None and running is not None:
            self._loop, self._context = running, copy_context()
        return running is not None and running is self._loop

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Have the loop call an action.

        Raises:
            RuntimeError: The loop is closed, or there was none.
        """
        if self._loop is None:
            raise RuntimeError("no event loop runs here")
        if delay <= 0:
            self._loop.call_soon_threadsafe(action, context=self._context)
        else:
            self._loop.call_soon_threadsafe(self._later, action, delay)

    def _later(self, action: Callable[[], object], delay: float) -> None:
        if self._loop is not None:
            self._loop.call_later(delay, action, context=self._context)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
