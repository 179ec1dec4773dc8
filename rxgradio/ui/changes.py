"""What the user of a UI does, as a stream."""

from __future__ import annotations

__all__ = ["changes"]

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from .binding import do_all
from .hop import widgets_toolkit
from .toolkit import Toolkit

logger = logging.getLogger("rxgradio")


def changes(widget: Any, prop: str | None = None, *, initial: bool = False) -> Observable[Any]:
    """Return a stream of the values that a widget takes.

        entry:             h---he---hel-----✂      (✂: it is destroyed)
        changes(entry):    "h"-"he"-"hel"---|

    Emits on the UI's thread, and completes when the widget ends; disposing leaves the widget
    as it was. A button emits None at each click. Of Tk, a variable is fine too.

    Args:
        widget: Of any toolkit.
        prop: Which property, if not what the user of the widget changes.
        initial: Emit the present value first.

    Raises:
        TypeError: The toolkit of the widget is not known.
    """
    toolkit = widgets_toolkit(widget)

    def subscribe(
        observer: abc.ObserverBase[Any], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        listening = _Listening(toolkit, observer)
        begin = partial(listening.begin, widget, prop, initial=initial)
        if toolkit.current:
            begin()
        else:  # as where it is subscribed to again, after an error
            try:
                toolkit.post(begin, 0.0)
            except Exception:
                logger.debug("a UI is gone: %r", toolkit, exc_info=True)
                observer.on_completed()
        return Disposable(listening.dispose)

    return Observable(subscribe)


class _Listening:
    def __init__(self, toolkit: Toolkit, observer: abc.ObserverBase[Any]) -> None:
        self._toolkit = toolkit
        self._observer: abc.ObserverBase[Any] | None = observer
        self._lock = threading.RLock()
        self._undo: list[Callable[[], object]] = []

    def begin(self, widget: Any, prop: str | None, *, initial: bool) -> None:
        toolkit, observer = self._toolkit, self._observer
        if observer is None:
            return
        if not toolkit.alive(widget):
            self._complete()
            return
        try:
            present = [toolkit.get(widget, prop)] if initial else []
        except Exception as error:  # noqa: BLE001 (of any toolkit: such a thing cannot be told)
            self._fail(error)
            return
        for value in present:
            observer.on_next(value)
        try:
            self._undoing(toolkit.on_close(widget, self._complete))
            self._undoing(toolkit.listen(widget, prop, self._heard))
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(error)

    def dispose(self) -> None:
        _, undo = self._stop()
        if undo:
            try:
                self._toolkit.post(partial(do_all, undo), 0.0)
            except Exception:
                logger.debug("a UI is gone: %r", self._toolkit, exc_info=True)

    def _heard(self, value: Any) -> None:
        if (observer := self._observer) is not None:
            observer.on_next(value)

    def _complete(self) -> None:
        observer, undo = self._stop()
        do_all(undo if observer is None else [*undo, observer.on_completed])

    def _fail(self, error: Exception) -> None:
        observer, undo = self._stop()
        do_all(undo if observer is None else [*undo, partial(observer.on_error, error)])

    def _undoing(self, undo: Callable[[], object]) -> None:
        with self._lock:
            if self._observer is not None:
                self._undo.append(undo)
                return
        undo()

    def _stop(self) -> tuple[abc.ObserverBase[Any] | None, list[Callable[[], object]]]:
        with self._lock:
            observer, self._observer = self._observer, None
            undo, self._undo = self._undo, []
            return observer, undo
