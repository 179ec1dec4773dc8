"""Panel: pages of one server in a real browser."""

from __future__ import annotations

__all__ = ["PanelDriver", "PanelServer"]

import asyncio
import html
import logging
from collections.abc import Callable
from typing import Any

import panel as pn

from tests.ui.pages import PageDriver, Server


class PanelServer(Server):
    """Serves empty pages, to which tests add widgets."""

    def __init__(self) -> None:
        self.making: Callable[[Any], object] = lambda layout: None
        """Adds to a page while it is made."""
        super().__init__()

    async def begin(self) -> None:
        self._log = _Log(self.errors)
        logging.getLogger("tornado.application").addHandler(self._log)
        self._server: Any = pn.serve(
            self._page,
            port=self.port,
            address="127.0.0.1",
            websocket_origin=f"127.0.0.1:{self.port}",
            start=False,
            show=False,
            verbose=False,
            check_unused_sessions_milliseconds=20,
            # Connections that a browser keeps open would count as left behind.
            http_server_kwargs={"idle_connection_timeout": 0.5},
        )
        self._server.start()

    async def end(self) -> None:
        logging.getLogger("tornado.application").removeHandler(self._log)
        self._server.stop()
        self._server.io_loop.stop = lambda: None
        pn.state.kill_all_servers()

    def _page(self) -> Any:
        number = pn.state.session_args["page"][0].decode()
        layout = pn.Column(css_classes=["page"])
        self.making(layout)
        document = pn.state.curdoc
        # Before, Panel may lose what is added.
        pn.state.onload(lambda: self.pages.update({number: (document, layout)}))
        return layout


class _Log(logging.Handler):
    """Where Bokeh leaves errors of callbacks."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__()
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._errors.append(record.exc_info[1])


class PanelDriver(PageDriver):
    """A page of Panel."""

    look = """
        return arguments[0].map(([wanted, kind]) => {
            const host = find(document, wanted);
            if (!host) return 'missing';
            if (kind == 'entry') return find(host.shadowRoot, 'input').value;
            if (kind == 'button') return !find(host.shadowRoot, 'button').disabled;
            // Panel writes a space where there is nothing.
            if (kind == 'label') return find(host.shadowRoot, 'pre, div').innerText.trim();
            const bar = find(host.shadowRoot, 'progress');
            return bar.hasAttribute('value') ? bar.value : null;
        });
    """

    def __init__(self, server: Server, browser: Any) -> None:
        super().__init__(server, browser)
        self.document, self.layout = self.page
        self._ended = False
        self.document.on_session_destroyed(self._end)

    def _end(self, session_context: Any) -> None:
        # Bokeh calls all who are to be told in a row, and in any order.
        asyncio.get_running_loop().call_soon(setattr, self, "_ended", True)

    def ended(self) -> bool:
        # Sessions outlive their pages for a while, in case these come back.
        context = self.document.session_context
        session = context and context.session
        if session:
            session.request_expiration()
        return self._ended

    def begin(self, action: Callable[[], None]) -> None:
        self.server.loop.call_soon_threadsafe(self.document.add_next_tick_callback, action)

    def label(self) -> Any:
        return self._added("label", pn.pane.Str(""))

    def bar(self) -> Any:
        return self._added("bar", pn.indicators.Progress(value=0))

    def entry(self) -> Any:
        return self._added("entry", pn.widgets.TextInput())

    def button(self) -> Any:
        return self._added("button", pn.widgets.Button(label="button"))

    def _added(self, kind: str, widget: Any) -> Any:
        name = f"{kind}{next(self.server.numbers)}"
        widget.css_classes = [name]
        self.layout.append(widget)
        return self.keep(name, kind, widget)

    def shown(self, widget: Any) -> Any:
        if isinstance(widget, pn.indicators.Progress):
            return None if widget.value == -1 else widget.value / widget.max
        if isinstance(widget, pn.widgets.TextInput):
            return widget.value_input
        return html.unescape(widget.object)  # as the browser does, if it agrees

    def told(self, kind: str, widget: Any) -> Any:
        if kind == "button":
            return self.enabled(widget)
        shown = self.shown(widget)
        return widget.value if kind == "bar" and shown is not None else shown

    def enabled(self, widget: Any) -> bool:
        return not widget.disabled

    def destroy(self, widget: Any) -> None:
        self.forget(widget)
        self.layout.remove(widget)
