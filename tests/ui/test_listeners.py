"""Those who listen where one cannot stop to listen."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from rxgradio.ui.listeners import Listeners


class Widget:
    """A widget that keeps all who watch it."""

    def __init__(self) -> None:
        self.watching: list[Callable[[Any], object]] = []


def test_a_widget_is_watched_once_for_all_and_who_has_left_is_not_told() -> None:
    widget, listeners = Widget(), Listeners()
    seen: list[str] = []
    leave = [
        listeners.add(widget, "a", lambda value: seen.append(f"1{value}"), widget.watching.append),
        listeners.add(widget, "a", lambda value: seen.append(f"2{value}"), widget.watching.append),
    ]
    listeners.add(widget, "b", lambda value: seen.append(f"b{value}"), widget.watching.append)
    assert len(widget.watching) == 2
    widget.watching[0]("x")
    leave[0]()
    leave[0]()
    widget.watching[0]("y")
    assert seen == ["1x", "2x", "2y"]


def test_what_one_raises_keeps_no_other_from_being_told() -> None:
    widget, listeners = Widget(), Listeners()
    seen: list[str] = []

    def refuse(value: str) -> None:
        seen.append(value)
        raise ValueError(value)

    for heard in (seen.append, refuse, seen.append):
        listeners.add(widget, "a", heard, widget.watching.append)
    with pytest.raises(ValueError, match="x"):
        widget.watching[0]("x")
    assert seen == ["x"] * 3


def test_a_widget_is_not_kept() -> None:
    widget, listeners = Widget(), Listeners()
    listeners.add(widget, "a", print, widget.watching.append)
    gone = weakref.ref(widget)
    del widget
    gc.collect()
    assert gone() is None
