"""Objects with traits: ipywidgets, anywidget, and whatever else derives from `HasTraits`.

Traits may be set on any thread, and are on rxgradio's delivery threads: the kernel's own is busy
for as long as a cell runs, and what is bound to is to move meanwhile.
"""

from __future__ import annotations

__all__ = ["Traits"]

import sys
import weakref
from collections.abc import Callable
from typing import Any

from traitlets import TraitType, Unicode

from .any_thread import AnyThread

_UNKNOWN = "rgba(47,128,237,.35)"
"""The colour of a bar that is full though nobody knows how much is done."""

_colours: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""Of bars that have that colour, their own."""


class Traits(AnyThread):
    """The toolkit of all objects with traits; they are set fifteen times a second at most.

    What they show and tell is their `value`; of a button it is `description` and clicks.

    Args:
        widget: Any; nothing is asked of it.
    """

    def __init__(self, widget: Any = None) -> None:  # noqa: ARG002 (any will do)
        super().__init__(frame=1 / 15)

    def alive(self, widget: Any) -> bool:
        """Whether a widget is not closed; other objects live for as long as they are kept."""
        return not widget.has_trait("comm") or widget.comm is not None

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:
        """Have `closed` called when a widget is closed, or let go of."""
        end = weakref.finalize(widget, closed)
        end.atexit = False
        if not widget.has_trait("comm"):
            return end.detach

        def changed(change: Any) -> None:
            if change["new"] is None and end.detach() is not None:
                closed()

        widget.observe(changed, "comm")
        unobserve = _weakly(widget, lambda it: it.unobserve(changed, "comm"))

        def undo() -> None:
            end.detach()
            unobserve()

        return undo

    def get(self, widget: Any, prop: str | None) -> Any:
        """Return a trait; by default what its user changes."""
        if prop is None and hasattr(widget, "on_click"):
            return None
        return getattr(widget, prop or "value")

    def set(self, widget: Any, prop: str | None, value: Any) -> None:
        """Set a trait; by default what the widget is there to show.

        Raises:
            AttributeError: There is no such trait.
        """
        if prop == "enabled" and widget.has_trait("disabled"):
            widget.disabled = not value
        elif prop is not None:
            _set_trait(widget, prop, value)
        elif isinstance(widget, _kinds("FloatProgress", "IntProgress")):
            _show_progress(widget, value)
        elif isinstance(value, str) and hasattr(widget, "set_value_from_file"):
            widget.set_value_from_file(value)  # apps give pictures and sounds by their paths
        else:
            _set_trait(widget, "description" if hasattr(widget, "on_click") else "value", value)

    def listen(
        self, widget: Any, prop: str | None, heard: Callable[[Any], object]
    ) -> Callable[[], object]:
        """Have `heard` called by whichever thread sets the trait; of users, the kernel's.

        Raises:
            AttributeError: There is no such trait.
        """
        if prop is None and hasattr(widget, "on_click"):

            def clicked(_: Any) -> None:
                heard(None)

            widget.on_click(clicked)
            return _weakly(widget, lambda it: it.on_click(clicked, remove=True))

        name = prop or "value"
        _trait(widget, name)

        def changed(change: Any) -> None:
            heard(change["new"])

        widget.observe(changed, name)
        return _weakly(widget, lambda it: it.unobserve(changed, name))


def _weakly(widget: Any, undo: Callable[[Any], object]) -> Callable[[], object]:
    """Return what undoes something, if the widget still is there."""
    ref = weakref.ref(widget)

    def run() -> None:
        if (it := ref()) is not None:
            undo(it)

    return run


def _kinds(*names: str) -> tuple[type[Any], ...]:
    """Return classes of ipywidgets; it need not be installed."""
    ipywidgets = sys.modules.get("ipywidgets")
    return () if ipywidgets is None else tuple(getattr(ipywidgets, name) for name in names)


def _trait(widget: Any, name: str) -> TraitType[Any, Any]:
    found: TraitType[Any, Any] | None = widget.traits().get(name)
    if found is None:
        # traitlets would set an attribute, and nobody would ever see it.
        raise AttributeError(f"a {type(widget).__name__} has no trait {name!r}; name another one")
    return found


def _set_trait(widget: Any, name: str, value: Any) -> None:
    trait = _trait(widget, name)
    if value is None and not trait.allow_none:
        value = trait.default(widget)
    elif isinstance(trait, Unicode):
        value = "" if value is None else str(value)
    setattr(widget, name, value)


def _show_progress(bar: Any, done: float | None) -> None:
    if done is None:
        if bar not in _colours:
            _colours[bar] = bar.style.bar_color
            bar.style.bar_color = _UNKNOWN
            bar.value = bar.max
        return
    # IntProgress makes an integer of it by cutting.
    value = bar.min + done * (bar.max - bar.min)
    bar.value = round(value) if isinstance(bar, _kinds("IntProgress")) else value
    if bar in _colours:
        bar.style.bar_color = _colours.pop(bar)
