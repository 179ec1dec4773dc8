"""Streams shown by widgets."""

from __future__ import annotations

__all__ = ["bind"]

import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Any, cast

from reactivex import Observable, abc

from ..job import Job
from ..operators.snapshots import Snapshot
from .binding import Binding, check_thread, weakly
from .hop import widgets_toolkit
from .toolkit import Toolkit, toolkit_of
from .views import ended_with, folded, view_of

_UNSET = object()


def bind(
    source: Observable[Any] | Job,
    target: Any = None,
    prop: str | None = None,
    *,
    status: Any = None,
    progress: Any = None,
    output: Any = None,
    error: Any = None,
    busy: Any = None,
    cancel: Any = None,
    on: Any = None,
    fps: float | None = None,
    every: bool = False,
) -> Binding:
    """Have widgets show a stream, or what there is to show of a call.

        bind(job, status=label, progress=bar, output=text, cancel=button)
        bind(texts, label)

        source:   --a-b-c-d-----e|
        target:   --a----d------e       (frames: -|----|----|-)

    To be called on the UI's thread; what comes, from whatever thread, is shown there, the newest
    at once and then once a frame at most. Nothing that is behind it is ever shown instead, and
    no thread waits for the UI. What belongs together (`status`, `progress`, `output`, `error`)
    changes together. Widgets are held weakly. Where one ends, it is not set any more, and
    with the last of them the binding ends.

    Each place may be a widget or a function of the value. Calls are told of as `View` says;
    a stream of anything else is its outputs.

    An error goes to `error`, else to `status`; where there is neither, to where the toolkit
    reports errors of callbacks. So does what a function or a widget raises when it is set,
    which ends this binding, and nothing else.

    Args:
        source: A job; or a stream: of updates, of snapshots or, for `target`, of any values.
            It is subscribed to at once.
        target: Shows the values as they are.
        prop: Which property of the target, if not what it is there to show.
        status: Shows in words where the call stands.
        progress: Shows how much is done: a bar, or a function of a fraction or None.
        output: Shows the newest output.
        error: Shows the message of an error; empty while there is none.
        busy: Cannot be used while the call runs; or a function of whether it does.
        cancel: A button that cancels the job, or leaves the stream, as long as that lasts.
        on: A widget of the UI, where there are only functions; when it ends, this does.
        fps: Frames a second, if not as many as are usual for the toolkit.
        every: Pass all values to the target, those of one frame together.

    Raises:
        TypeError: There is nothing to show it, or that is of no toolkit that is known.
        RuntimeError: The caller is not on the thread of the UI.
    """
    parts = {
        "status": status, "progress": progress, "output": output, "error": error, "busy": busy
    }  # fmt: skip
    places = {part: place for part, place in parts.items() if place is not None}
    _check(source, target, places, cancel, every=every)
    toolkit, widgets = _where(target, *places.values(), on=on, cancel=cancel)
    check_thread(toolkit)

    frame = None if fps is None else 1 / fps
    if target is not None:
        observer: abc.ObserverBase[Any] = _Target(_setter(target, prop))
        stream = cast("Observable[Any]", source)
    else:
        observer = _Parts(toolkit, {part: _Place(part, each) for part, each in places.items()})
        stream = folded(source.updates if isinstance(source, Job) else source)
    binding = Binding(toolkit, observer, every=every, frame=frame)
    if cancel is not None:
        leave = source.cancel if isinstance(source, Job) else partial(_leave, weakref.ref(binding))
        _enable(toolkit, cancel, leave, binding)
    binding.begin(stream, widgets)
    return binding


def _check(
    source: object, target: object, places: dict[str, Any], cancel: object, *, every: bool
) -> None:
    if target is None and not places:
        raise TypeError("bind what to what? Name a target, or status=, progress=, output= ...")
    if target is not None and (places or cancel is not None):
        raise TypeError("a target shows the values as they are; to show a call, use output=")
    if target is not None and isinstance(source, Job):
        raise TypeError("what of the job is to be shown? Use status=, progress=, output= ...")
    if every and places:
        raise TypeError("every= is for a target; what shows a call shows where it stands")


def _where(*places: Any, on: Any, cancel: Any) -> tuple[Toolkit, list[Any]]:
    """Return the toolkit, and the widgets with the last of which the binding ends."""
    if on is not None:
        return widgets_toolkit(on), [on]
    found = [(_owner(place), place) for place in places if place is not None]
    widgets = [widget for widget, _ in found if widget is not None]
    if not widgets and cancel is not None:
        widgets = [cancel]
    if not widgets:
        raise TypeError("on= which widget's thread are the functions to be called?")
    toolkit = widgets_toolkit(widgets[0])
    return toolkit, [each for each in widgets if type(toolkit_of(each)) is type(toolkit)]


def _owner(place: Any) -> Any:
    """Return the widget that is set: the place itself, or what it is a method of."""
    for each in (place, getattr(place, "__self__", None)):
        if each is not None and toolkit_of(each) is not None:
            return each
    return None if callable(place) else place


def _setter(
    place: Any, prop: str | None = None, *, inverted: bool = False
) -> Callable[[Any], object]:
    """Return what shows a value in a place; in a widget that is no more, it does nothing."""
    toolkit = toolkit_of(place)
    if toolkit is None:
        return _call(place)
    widget = weakly(place)

    def show(value: Any) -> None:
        it = widget()
        if it is not None and toolkit.alive(it):
            toolkit.set(it, prop, not value if inverted else value)

    return show


def _call(place: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return what calls a function; a method of a widget as long as that lives."""
    owner = _owner(place)
    toolkit = toolkit_of(owner)
    if toolkit is None:
        return place

    def call(value: Any) -> None:
        if toolkit.alive(owner):
            place(value)

    return call


def _leave(binding: weakref.ref[Binding]) -> None:
    if (it := binding()) is not None:
        it.leave(CancelledError())


def _enable(toolkit: Toolkit, button: Any, leave: Callable[[], object], binding: Binding) -> None:
    """Have a button leave, as long as the binding lasts."""
    if not toolkit.alive(button):
        return
    enable = _setter(button, "enabled")
    enable(True)
    binding.undoing(lambda: enable(False))
    binding.undoing(toolkit.listen(button, None, lambda _: leave()))


class _Target(abc.ObserverBase[Any]):
    """Shows values as they are."""

    def __init__(self, show: Callable[[Any], object]) -> None:
        self._show = show

    def on_next(self, value: Any) -> None:
        """Show one."""
        self._show(value)

    def on_error(self, error: Exception) -> None:
        """Leave it to whoever reports errors of callbacks."""
        if not isinstance(error, CancelledError):  # who cancels knows of it
            _raise(error)

    def on_completed(self) -> None:
        """Leave the last value."""


class _Place:
    """What shows one part of a view, and what it shows."""

    def __init__(self, part: str, place: Any) -> None:
        widget = _owner(place)
        self.of = id(place if widget is None else widget)
        inverted = part == "busy"
        prop = "enabled" if inverted else None
        self._show = _setter(place, prop, inverted=inverted)
        self._shown: Any = _UNSET

    def show(self, value: Any) -> None:
        """Show a value, if it is another one."""
        shown = self._shown
        if value is shown or (isinstance(value, str | float) and value == shown):
            return
        self._shown = value
        self._show(value)


class _Parts(abc.ObserverBase[Snapshot]):
    """Shows what there is to show of a call, all at once."""

    def __init__(self, toolkit: Toolkit, places: dict[str, _Place]) -> None:
        self._toolkit = toolkit
        self._places = places
        others = {place.of for part, place in places.items() if part != "error"}
        self._error_is_alone = "error" in places and places["error"].of not in others
        self._homeless = not {"error", "status"} & places.keys()
        self._last = Snapshot()

    def on_next(self, value: Snapshot) -> None:
        """Show it."""
        view = view_of(value)
        for part, place in self._places.items():
            shown = getattr(view, part)
            if part == "output" and shown is None:
                continue  # there is none yet
            if part == "error" and not shown and not self._error_is_alone:
                continue  # what another part shows there is not wiped out
            place.show(shown)
        if view.error and self._homeless and value.error is not self._last.error:
            self._report(value.error)
        self._last = value

    def on_error(self, error: Exception) -> None:
        """Show it; of what is folded, the only one is that it was left."""
        self.on_next(ended_with(error, self._last))

    def on_completed(self) -> None:
        """Leave what is shown."""

    def _report(self, error: Exception | None) -> None:
        # Not raised here: there may be further calls to show.
        self._toolkit.post(partial(_raise, error), 0.0)


def _raise(error: Exception | None) -> None:
    try:
        if error is not None:
            raise error
    finally:
        del error  # or it would be a cycle: its traceback has this frame
