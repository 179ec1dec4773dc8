"""What a toolkit must be able to do, and which one a widget belongs to.

A widget's toolkit is known by the module of its class, and what makes a `Toolkit` of it is
imported when its first widget is seen. Nothing else here knows any toolkit.
"""

from __future__ import annotations

__all__ = ["Toolkit", "register", "toolkit_of"]

import importlib
from collections.abc import Callable
from typing import Any, Protocol

_MAKERS: dict[str, str | Callable[[Any], Toolkit]] = {
    "PyQt6": "rxgradio.ui.qt:toolkit",
    "PySide6": "rxgradio.ui.qt:toolkit",
    "nicegui": "rxgradio.ui.nicegui:NiceGUI",
    "panel": "rxgradio.ui.panel:toolkit",
    "param": "rxgradio.ui.panel:toolkit",
    "rich": "rxgradio.ui.terminal:Terminal",
    "shiny": "rxgradio.ui.shiny:toolkit",
    "textual": "rxgradio.ui.textual:Textual",
    "tkinter": "rxgradio.ui.tk:toolkit",
    "tqdm": "rxgradio.ui.terminal:Terminal",
    "traitlets": "rxgradio.ui.traits:Traits",
}


class Toolkit(Protocol):
    """The UI that a widget is part of: how to get to its thread, and what its widgets can do.

    All but `post` and `current` is only called on its thread. It need not be the same object
    for two widgets of one window.
    """

    frame: float
    """Seconds between two paintings: what is bound is set no more often."""

    @property
    def current(self) -> bool:
        """Whether the caller is on the UI's thread, or where there is none."""
        ...

    def post(self, action: Callable[[], object], delay: float, /) -> None:
        """Run an action on the UI's thread after so many seconds, soon if that is 0.

        Called on any thread, and must not block it. What the action raises is to go where
        the toolkit reports errors of callbacks, and must not keep others from running. It
        may raise if the UI is gone.
        """
        ...

    def alive(self, widget: Any, /) -> bool:
        """Whether a widget can still be set."""
        ...

    def on_close(self, widget: Any, closed: Callable[[], object], /) -> Callable[[], object]:
        """Have `closed` called when a widget, or all that it is in, ends; returns what undoes it.

        What is returned must not keep the widget alive, and is called even after its end.
        """
        ...

    def get(self, widget: Any, prop: str | None, /) -> Any:
        """Return a property of a widget; with None, what its user can change; of a button, None."""
        ...

    def set(self, widget: Any, prop: str | None, value: Any, /) -> None:
        """Set a property of a widget.

        With None, it is what the widget is there to show: a text (None is the empty one), or
        of a bar a fraction from 0.0 to 1.0 (None: it works, and nobody knows for how long).
        "enabled" is whether its user can do something with it. All others are the toolkit's.
        """
        ...

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object], /
    ) -> Callable[[], object]:
        """Have `heard` called with each new value, of a button at each click; returns what ends it.

        What is returned is called even after the end of the widget.
        """
        ...


def register(module: str, toolkit: str | Callable[[Any], Toolkit]) -> None:
    """Have widgets whose classes are of a module, or derive from one that is, be bound to.

    Args:
        module: The first part of the name of the module, such as "gi".
        toolkit: What returns the toolkit of a widget, given the widget, on the UI's thread; or
            where that is, as "module:name", which is imported when it is needed.
    """
    _MAKERS[module] = toolkit


def toolkit_of(widget: Any) -> Toolkit | None:
    """Return the toolkit of a widget; None if it is not known, or this is no widget."""
    if isinstance(widget, type):  # whose own class may be of a toolkit
        return None
    for each in type(widget).__mro__:
        maker = _MAKERS.get(each.__module__.partition(".")[0])
        if maker is None:
            continue
        if isinstance(maker, str):
            module, _, name = maker.partition(":")
            maker = _MAKERS[module] = getattr(importlib.import_module(module), name)
        made: Toolkit = maker(widget)
        return made
    return None
