"""Those who listen to widgets of toolkits in which one cannot stop to listen."""

from __future__ import annotations

__all__ = ["Listeners"]

from collections.abc import Callable, Hashable
from contextlib import ExitStack
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

Heard = Callable[[Any], object]


class Listeners:
    """Listeners by widget and by what they listen to, which is watched once for all of them.

    What watches stays, as long as the widget does; it tells nobody when all have left.
    """

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Any, dict[Hashable, list[Heard]]] = WeakKeyDictionary()

    def add(
        self, widget: Any, what: Hashable, heard: Heard, watch: Callable[[Heard], object]
    ) -> Callable[[], object]:
        """Add one; returns what takes it out.

        Args:
            widget: Is held weakly.
            what: They listen to.
            heard: Is told.
            watch: Has its argument told; called if nobody has listened to that yet.
        """
        of_widget = self._of.setdefault(widget, {})
        if what not in of_widget:
            told: list[Heard] = []
            watch(partial(_tell, told))
            of_widget[what] = told
        listeners = of_widget[what]
        listeners.append(heard)

        def leave() -> None:
            if heard in listeners:
                listeners.remove(heard)

        return leave


def _tell(listeners: list[Heard], value: Any) -> None:
    with ExitStack() as stack:  # what one raises keeps no other from being told
        for heard in reversed(listeners):
            stack.callback(heard, value)
