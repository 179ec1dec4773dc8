"""ipywidgets without a kernel: their comms lead nowhere, and all else is as in one."""

from __future__ import annotations

__all__ = ["TraitsDriver"]

from typing import Any

import ipywidgets
from ipywidgets.widgets.widget import Widget

from tests.ui.drivers import AnyThreadDriver


class TraitsDriver(AnyThreadDriver):
    """A notebook's widgets; its errors are what is logged."""

    frame = 1 / 15

    def __init__(self) -> None:
        super().__init__()
        self._widgets: list[Widget] = []

    def label(self) -> Any:
        return self._kept(ipywidgets.Label())

    def bar(self) -> Any:
        return self._kept(ipywidgets.FloatProgress(min=1, max=5))

    def entry(self) -> Any:
        return self._kept(ipywidgets.Text())

    def button(self) -> Any:
        return self._kept(ipywidgets.Button())

    def _kept(self, widget: Any) -> Any:
        self._widgets.append(widget)
        return widget

    def shown(self, widget: Any) -> Any:
        if not isinstance(widget, ipywidgets.FloatProgress):
            return widget.value
        if widget.style.bar_color is not None:
            return None
        return (widget.value - widget.min) / (widget.max - widget.min)

    def enabled(self, widget: Any) -> bool:
        return not widget.disabled

    def type(self, entry: Any, text: str) -> None:
        for key in text:
            # What the front end would send.
            state = {"value": entry.value + key}
            entry.comm.handle_msg(message({"method": "update", "state": state}))

    def click(self, button: Any) -> None:
        button.comm.handle_msg(message({"method": "custom", "content": {"event": "click"}}))

    def destroy(self, widget: Any) -> None:
        widget.close()

    def close(self) -> None:
        super().close()
        for widget in self._widgets:
            for each in (getattr(widget, "style", None), getattr(widget, "layout", None), widget):
                if each is not None:
                    each.close()


def message(data: dict[str, Any]) -> dict[str, Any]:
    """Return what comes of a comm."""
    return {"content": {"data": data}, "buffers": []}
