"""NiceGUI's simulation of a user, on a thread and an event loop of its own."""

from __future__ import annotations

__all__ = ["NiceGUIDriver"]

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from nicegui import Client, app, ui
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

from tests.contract.app import SOON
from tests.ui.drivers import Driver

T = TypeVar("T")


class NiceGUIDriver(Driver):
    """A page as a user has it that NiceGUI simulates; there is no browser."""

    frame = 1 / 30

    def __init__(self) -> None:
        super().__init__()
        self._user: User
        self.page: Client
        self._closing: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(SOON)

    async def _run(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        async with user_simulation(lambda: None) as self._user:
            app._exception_handlers[:] = [self.errors.append]  # without the one that logs
            self.page = await self._user.open("/")
            self._ready.set()
            await self._closing.wait()
            self.page.delete()  # as a little after a browser has left

    def call(self, action: Callable[[], T]) -> T:
        async def run() -> T:
            with self.page:
                return action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(SOON)

    def turn(self) -> None:
        threading.Event().wait(0.002)

    def label(self) -> ui.label:
        return ui.label()

    def bar(self) -> ui.linear_progress:
        return ui.linear_progress(show_value=False)

    def entry(self) -> ui.input:
        return ui.input()

    def button(self) -> ui.button:
        return ui.button("do")

    def shown(self, widget: Any) -> Any:
        if isinstance(widget, ui.label):
            return widget.text
        return None if widget.props.get("indeterminate") else widget.value

    def enabled(self, widget: Any) -> bool:
        return bool(widget.enabled)

    def type(self, entry: ui.input, text: str) -> None:
        UserInteraction(self._user, {entry}, None).type(text)

    def click(self, button: ui.button) -> None:
        UserInteraction(self._user, {button}, None).click()

    def destroy(self, widget: Any) -> None:
        widget.delete()

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(SOON)
            assert not self._thread.is_alive()
