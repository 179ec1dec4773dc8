"""Textual, on a thread and an event loop of its own."""

from __future__ import annotations

__all__ = ["TextualDriver"]

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from textual.app import App
from textual.constants import MAX_FPS
from textual.widgets import Button, Input, Label, ProgressBar

from tests.contract.app import SOON
from tests.ui.drivers import Driver

T = TypeVar("T")


class Collecting(App[None]):
    """An app that goes on after errors."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__()
        self._errors = errors

    def _handle_exception(self, error: Exception) -> None:
        self._errors.append(error)


class TextualDriver(Driver):
    """An app on a terminal that is not there, as Textual's own tests have."""

    frame = 1 / MAX_FPS

    def __init__(self) -> None:
        super().__init__()
        self.app = Collecting(self.errors)
        self._closing: Future[None] = Future()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(SOON)

    async def _run(self) -> None:
        async with self.app.run_test():
            self._ready.set()
            await asyncio.wrap_future(self._closing)

    def call(self, action: Callable[[], T]) -> T:
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(action())
            except BaseException as error:
                done.set_exception(error)

        self.app.call_later(run)
        return done.result(SOON)

    def turn(self) -> None:
        threading.Event().wait(0.002)

    def label(self) -> Label:
        return self._mounted(Label())

    def bar(self) -> ProgressBar:
        return self._mounted(ProgressBar(show_eta=False))

    def entry(self) -> Input:
        return self._mounted(Input())

    def button(self) -> Button:
        return self._mounted(Button("do"))

    def _mounted(self, widget: Any) -> Any:
        self.app.mount(widget)
        return widget

    def shown(self, widget: Any) -> Any:
        if isinstance(widget, Input):
            return widget.value
        if isinstance(widget, ProgressBar):
            return None if widget.total is None else widget.progress / widget.total
        return str(widget.content)

    def enabled(self, widget: Any) -> bool:
        return not widget.disabled

    def type(self, entry: Input, text: str) -> None:
        entry.insert_text_at_cursor(text)

    def click(self, button: Button) -> None:
        button.press()

    def destroy(self, widget: Any) -> None:
        widget.remove()

    def close(self) -> None:
        if not self._closing.done():
            self._closing.set_result(None)
        self._thread.join(SOON)
        assert not self._thread.is_alive()
