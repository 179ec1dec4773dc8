"""Shiny for Python: pages of one server in a real browser."""

from __future__ import annotations

__all__ = ["ShinyDriver", "ShinyServer"]

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
from shiny import App, reactive, render, ui
from shiny.session import session_context

from tests.ui.pages import PageDriver, Server

_MANY = 6


class ShinyServer(Server):
    """Serves pages with some widgets of each kind, of which tests take what they need."""

    async def begin(self) -> None:
        names = range(_MANY)
        page = ui.page_fluid(
            *(ui.div(ui.output_text(f"label{n}"), class_=f"label{n}") for n in names),
            *(ui.div(ui.output_ui(f"bar{n}"), class_=f"bar{n}") for n in names),
            *(ui.div(ui.input_text(f"entry{n}", None), class_=f"entry{n}") for n in names),
            *(ui.input_action_button(f"button{n}", "button", class_=f"button{n}") for n in names),
        )
        config = uvicorn.Config(
            App(page, self._page),
            host="127.0.0.1",
            port=self.port,
            log_level="error",
            ws="wsproto",
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 (it does not tell)
            await asyncio.sleep(0.005)
        self._closing = asyncio.ensure_future(self._close_idle())

    async def _close_idle(self) -> None:
        """Close what a browser keeps open, or has opened for later: it would be left behind."""
        idle: set[Any] = set()
        while not self._server.should_exit:
            connections = set(self._server.server_state.connections)
            now = {each for each in connections if _is_idle(each)}
            for each in now & idle:
                each.transport.close()
            idle = now
            await asyncio.sleep(0.3)

    async def end(self) -> None:
        self._server.should_exit = True
        await self._serving
        await self._closing

    def _page(self, input: Any, output: Any, session: Any) -> None:  # noqa: A002 (Shiny asks for it)
        values = {
            f"{kind}{n}": reactive.value(None) for kind in ("label", "bar") for n in range(_MANY)
        }
        for name, value in values.items():
            render_it = render.ui if name.startswith("bar") else render.text
            output(render_it(_shows(name, value)))
        with reactive.isolate():
            number = input[".clientdata_url_search"]().partition("=")[2]
        self.pages[number] = (session, values)


def _is_idle(connection: Any) -> bool:
    if not hasattr(connection, "cycle"):
        return False  # a websocket
    return connection.cycle is None or connection.cycle.response_complete


def _shows(name: str, value: Any) -> Callable[[], Any]:
    def show() -> Any:
        if value._destroyed:
            return ""
        if name.startswith("label"):
            return value()
        return ui.tags.progress(value=value(), max=1)

    show.__name__ = name
    return show


class ShinyDriver(PageDriver):
    """A page of Shiny."""

    look = """
        return arguments[0].map(([wanted, kind]) => {
            const host = find(document, wanted);
            if (kind == 'entry') return find(host, 'input').value;
            if (kind == 'button') return !host.disabled;
            if (kind == 'label') return host.innerText;
            const bar = find(host, 'progress');
            return bar && bar.hasAttribute('value') ? bar.value : null;
        });
    """

    def __init__(self, server: Server, browser: Any) -> None:
        super().__init__(server, browser)
        self.session, self._values = self.page
        self._ended = False
        self._taken = {"label": 0, "bar": 0, "entry": 0, "button": 0}
        self._enabled: dict[str, bool] = {}
        self.call(lambda: self.session.on_ended(self._end))

    def _end(self) -> None:
        self._ended = True

    def ended(self) -> bool:
        return self._ended

    def begin(self, action: Callable[[], None]) -> None:
        asyncio.run_coroutine_threadsafe(self._run(action), self.server.loop)

    async def _run(self, action: Callable[[], None]) -> None:
        async with reactive.lock():
            with session_context(self.session), reactive.isolate():
                action()
            await reactive.flush()

    def label(self) -> Any:
        return self._take("label")

    def bar(self) -> Any:
        return self._take("bar")

    def entry(self) -> Any:
        return self._take("entry")

    def button(self) -> Any:
        return self._take("button")

    def _take(self, kind: str) -> Any:
        name = f"{kind}{self._taken[kind]}"
        self._taken[kind] += 1
        widget = self._values[name] if name in self._values else self.session.input[name]
        return self.keep(name, kind, widget)

    def shown(self, widget: Any) -> Any:
        value = widget()
        return "" if value is None and self._name(widget).startswith("label") else value

    def told(self, kind: str, widget: Any) -> Any:
        return self.enabled(widget) if kind == "button" else self.shown(widget)

    def enabled(self, widget: Any) -> bool:
        # Only the browser knows.
        return bool(self.element(widget, "button").is_enabled())

    def destroy(self, widget: Any) -> None:
        self.forget(widget)
        widget.destroy()
