"""Pages in a real browser, served by a thread of this process: what drivers of them share."""

from __future__ import annotations

__all__ = ["PageDriver", "Server", "free_port"]

import asyncio
import itertools
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from selenium.webdriver import Chrome, Keys

from tests.contract.app import SOON
from tests.ui.drivers import Driver

T = TypeVar("T")

_FIND = """
    const find = (root, wanted) => {
        const found = root.querySelector(wanted);
        if (found) return found;
        for (const each of root.querySelectorAll('*')) {
            const inside = each.shadowRoot && find(each.shadowRoot, wanted);
            if (inside) return inside;
        }
        return null;
    };
"""
"""Looks into shadow roots, too."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """A web server on a loop of its own, for all tests; each page of it has a number."""

    def __init__(self) -> None:
        self.port = free_port()
        self.pages: dict[str, Any] = {}
        """What the app has made, by the number of the page."""
        self.errors: list[BaseException] = []
        """What was reported, of the page that is open."""
        self.numbers = itertools.count(1)
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.begin(), self.loop).result(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._report)
        self.loop.run_forever()
        self.loop.close()

    def _report(self, _: object, context: dict[str, Any]) -> None:
        if isinstance(error := context.get("exception"), BaseException):
            self.errors.append(error)

    @abstractmethod
    async def begin(self) -> None:
        """Listen."""

    @abstractmethod
    async def end(self) -> None:
        """End all that runs."""

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)


class PageDriver(Driver):
    """A page in a tab of its own.

    What is asked is what the server knows; at the end of each `until`, the page says the same.
    """

    frame = 1 / 30

    def __init__(self, server: Server, browser: Chrome) -> None:
        super().__init__()
        self.server = server
        self.browser = browser
        self.errors = server.errors
        self.errors.clear()
        self.number = str(next(server.numbers))
        self._home = browser.current_window_handle
        self._widgets: list[tuple[str, str, Any]] = []
        self._gestures: list[Callable[[], object]] = []
        self._open = True
        browser.switch_to.new_window("tab")
        browser.get(f"http://127.0.0.1:{server.port}/?page={self.number}")
        self.wait(lambda: self.number in server.pages)
        self.page = server.pages[self.number]

    def wait(self, fact: Callable[[], object]) -> None:
        """Wait for something that is asked on the thread of the test."""
        deadline = time.monotonic() + SOON
        while not fact():
            assert time.monotonic() < deadline, "it has not come true"
            threading.Event().wait(0.005)

    @abstractmethod
    def begin(self, action: Callable[[], None]) -> None:
        """Run an action as the session does."""

    def call(self, action: Callable[[], T]) -> T:
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(action())
            except BaseException as error:
                done.set_exception(error)

        self.begin(run)
        result = done.result(SOON)
        # A user is not on the thread of the server, which has to answer the browser.
        while self._gestures:
            self._gestures.pop(0)()
        return result

    def turn(self) -> None:
        threading.Event().wait(0.005)

    def until(self, fact: Callable[[], object]) -> None:
        super().until(fact)
        if self._open:
            self.wait(self._agree)

    def keep(self, name: str, kind: str, widget: Any) -> Any:
        """Remember what is looked at in the browser."""
        self._widgets.append((name, kind, widget))
        return widget

    def forget(self, widget: Any) -> None:
        """Look at it no more."""
        self._widgets = [each for each in self._widgets if each[2] is not widget]

    def _name(self, widget: Any) -> str:
        return next(name for name, _, each in self._widgets if each is widget)

    def _agree(self) -> bool:
        facts = self.call(lambda: [self.told(kind, widget) for _, kind, widget in self._widgets])
        return self.seen() == facts

    @abstractmethod
    def told(self, kind: str, widget: Any) -> Any:
        """Return what the server knows to be seen of a widget, as `seen` says it."""

    def seen(self) -> list[Any]:
        """Return what is seen of all widgets: texts, fractions of bars, None if they move."""
        wanted = [(f".{name}", kind) for name, kind, _ in self._widgets]
        seen: list[Any] = self.browser.execute_script(f"{_FIND} {self.look}", wanted)
        return seen

    look: str
    """A script that returns what is seen of what it is given: pairs of a selector and a kind."""

    def element(self, widget: Any, tag: str) -> Any:
        """Return the element of a kind that a widget is, or has in it."""
        script = f"""{_FIND}
            const host = find(document, arguments[0]);
            return host && (host.matches(arguments[1]) ? host
                : find(host, arguments[1]) || find(host.shadowRoot, arguments[1]));
        """
        found: list[Any] = []
        self.wait(
            lambda: (
                found.append(self.browser.execute_script(script, f".{self._name(widget)}", tag))
                or found[-1]
            )
        )
        return found[-1]

    def type(self, entry: Any, text: str) -> None:
        self._gestures.append(lambda: self.element(entry, "input").send_keys(Keys.END, text))

    def click(self, button: Any) -> None:
        self._gestures.append(lambda: self.element(button, "button").click())

    @abstractmethod
    def ended(self) -> bool:
        """Whether the server knows that the page is closed."""

    def close(self) -> None:
        if self._open:
            self._open = False
            self.browser.close()
            self.browser.switch_to.window(self._home)
            self.wait(self.ended)
            self.server.pages.pop(self.number)
