"""Streams shown by widgets."""

from __future__ import annotations

__all__ = ["bind"]

import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from operator import attrgetter
from typing import Any

from reactivex import Observable, abc

from ..job import Job
from ..operators.snapshots import Snapshot
from .any_thread import AnyThread
from .binding import Binding, check_thread, frame_of, weakly
from .hop import widgets_toolkit
from .toolkit import Toolkit, toolkit_of
from .views import ended_with, folded, stream_of, view_of

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
    a stream of anything else is its outputs. A widget shows the call that was bound to it last;
    what is `busy` is so until the last of its calls has ended, and a button cancels all of its
    own.

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
        TypeError: It is no stream; or there is nothing to show it, or that is of no toolkit that
            is known, or of two.
        ValueError: `fps` is not positive.
        RuntimeError: The caller is not on the thread of the UI.
    """
    parts = {
        "status": status, "progress": progress, "output": output, "error": error, "busy": busy
    }  # fmt: skip
    places = {part: place for part, place in parts.items() if place is not None}
    _check(source, target, prop, places, cancel, every=every)
    stream = stream_of(source)
    frame = frame_of(fps)
    toolkit, widgets = _where(target, *places.values(), on=on, cancel=cancel)
    check_thread(toolkit)

    if target is not None:
        observer: abc.ObserverBase[Any] = _Target(_setter(target, prop))
    else:
        whose = object()
        observer = _Parts(
            toolkit, {part: _Place(part, each, whose) for part, each in places.items()}
        )
        stream = folded(stream)
    binding = Binding(toolkit, observer, every=every, frame=frame)
    if isinstance(observer, _Parts):
        binding.undoing(observer.rest)
    if cancel is not None:
        leave = source.cancel if isinstance(source, Job) else partial(_leave, weakref.ref(binding))
        try:
            _enable(cancel, leave, binding)
        except BaseException:
            binding.dispose()
            raise
    binding.begin(stream, widgets)
    return binding


def _check(
    source: object,
    target: object,
    prop: str | None,
    places: dict[str, Any],
    cancel: object,
    *,
    every: bool,
) -> None:
    if target is None and not places and cancel is None:
        raise TypeError("bind what to what? Name a target, or status=, progress=, output= ...")
    if target is not None and (places or cancel is not None):
        raise TypeError("a target shows the values as they are; to show a call, use output=")
    if prop is not None and (target is None or _is_function(target)):
        raise TypeError("prop= is of a target that is a widget")
    if target is not None and isinstance(source, Job):
        raise TypeError("what of the job is to be shown? Use status=, progress=, output= ...")
    if every and places:
        raise TypeError("every= is for a target; what shows a call shows where it stands")


def _where(*places: Any, on: Any, cancel: Any) -> tuple[Toolkit, list[Any]]:
    """Return the toolkit, and the widgets with the last of which the binding ends."""
    owners = [_owner(place) for place in places if place is not None]
    widgets = [each for each in owners if each is not None]
    others = widgets if cancel is None else [*widgets, cancel]
    ends = [on] if on is not None else widgets or others
    if not ends:
        raise TypeError("on= which widget's thread are the functions to be called?")
    toolkits = [widgets_toolkit(each) for each in (*ends, *others)]
    toolkit = toolkits[0]
    if on is None:  # what any thread may set, that of a UI may
        toolkit = next((each for each in toolkits if not isinstance(each, AnyThread)), toolkit)
    for each in toolkits:
        if type(each) is not type(toolkit) and not isinstance(each, AnyThread):
            raise TypeError("widgets of two toolkits are set on two threads; bind them one by one")
    return toolkit, [each for each in ends if type(toolkit_of(each)) is type(toolkit)]


def _owner(place: Any) -> Any:
    """Return the widget that is set: the place itself, or what it is a method of."""
    if toolkit_of(place) is not None:
        return place
    owner = getattr(place, "__self__", None)
    if toolkit_of(owner) is not None:
        return owner
    return None if callable(place) else place


def _is_function(place: Any) -> bool:
    return callable(place) and toolkit_of(place) is None


def _setter(place: Any, prop: str | None = None) -> Callable[[Any], object]:
    """Return what shows a value in a place; in a widget that is no more, it does nothing."""
    toolkit = toolkit_of(place)
    if toolkit is None:
        return _call(place)
    widget = weakly(place)

    def show(value: Any) -> None:
        it = widget()
        if it is not None and toolkit.alive(it):
            toolkit.set(it, prop, value)

    return show


def _call(place: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return what calls a function; a method of a widget as long as that lives."""
    owner = _owner(place)
    toolkit = toolkit_of(owner)
    if toolkit is None:
        return place
    widget, name = weakly(owner), getattr(place, "__name__", "")
    method: Callable[[Any], Any] = attrgetter(name)
    if getattr(owner, name, None) != place:  # as one of `super()`: it is kept, and the widget too
        method = lambda _: place  # noqa: E731 (beside the other)

    def call(value: Any) -> None:
        it = widget()
        if it is not None and toolkit.alive(it):
            method(it)(value)

    return call


def _leave(binding: weakref.ref[Binding]) -> None:
    if (it := binding()) is not None:
        it.leave(CancelledError())


Claims = weakref.WeakKeyDictionary[Any, set[object]]

_cancelled_by: Claims = weakref.WeakKeyDictionary()
"""Buttons, and the calls that each cancels."""
_busy: Claims = weakref.WeakKeyDictionary()
"""Widgets that cannot be used, and the calls during which they cannot."""
_shown_by: Claims = weakref.WeakKeyDictionary()
"""Widgets, and the binding that each has shown a call of since it was bound: the newest."""


def _claims(of: Claims, widget: Any) -> set[object]:
    try:
        return of.setdefault(widget, set())
    except TypeError:  # it cannot be a key, or be referred to weakly
        return set()


def _enable(button: Any, leave: Callable[[], object], binding: Binding) -> None:
    """Have a button leave, as long as the binding lasts."""
    toolkit = widgets_toolkit(button)
    if not toolkit.alive(button):
        return
    binding.undoing(toolkit.listen(button, None, lambda _: leave()))
    enable, calls, call = _setter(button, "enabled"), _claims(_cancelled_by, button), object()
    calls.add(call)
    enable(True)

    def disable() -> None:
        calls.discard(call)
        if not calls:
            enable(False)

    binding.undoing(disable)


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
    """What shows one part of a view, and what it shows.

    Of a widget that several calls are shown by, the one that was bound last is.
    """

    def __init__(self, part: str, place: Any, whose: object) -> None:
        widget = _owner(place)
        self.of = id(place if widget is None else widget)
        self._whose = whose
        self.is_widget = toolkit_of(place) is not None
        self._claims: set[object] | None = None
        self._show: Callable[[Any], object] = _setter(
            place, "enabled" if self.is_widget and part == "busy" else None
        )
        if self.is_widget and part == "busy":
            self._show = partial(_set_busy, self._show, _claims(_busy, place), whose)
        elif self.is_widget:
            self._claims = _claims(_shown_by, place)
            self._claims.clear()
            self._claims.add(whose)
        self.shown: Any = _UNSET

    def show(self, value: Any) -> None:
        """Show a value, if it is another one."""
        shown = self.shown
        if value is shown or (isinstance(value, str | float) and value == shown):
            return
        if self._claims is not None and self._whose not in self._claims:
            return
        self.shown = value
        self._show(value)

    def forget(self) -> None:
        """Take it that something else is shown there now."""
        self.shown = _UNSET


def _set_busy(
    enable: Callable[[bool], object], calls: set[object], call: object, busy: bool
) -> None:
    (calls.add if busy else calls.discard)(call)
    enable(not calls)


class _Parts(abc.ObserverBase[Snapshot]):
    """Shows what there is to show of a call, all at once."""

    def __init__(self, toolkit: Toolkit, places: dict[str, _Place]) -> None:
        self._toolkit = toolkit
        self._places = places
        error = places.get("error")
        self._with_error = [each for each in places.values() if error and each.of == error.of]
        """What shows errors, and what is shown in the same widget otherwise."""
        self._homeless = bool(places) and not {"error", "status"} & places.keys()
        self._last = Snapshot()

    def on_next(self, value: Snapshot) -> None:
        """Show it."""
        view = view_of(value)
        alone = len(self._with_error) == 1
        if not alone and self._last.error not in (None, value.error):
            for place in self._with_error:
                place.forget()
        for part, place in self._places.items():
            shown = getattr(view, part)
            if part == "output" and shown is None:
                continue  # there is none yet
            if part == "error" and not shown and not alone:
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

    def rest(self) -> None:
        """Have nothing look as if it still worked, as this shows no more."""
        busy, progress = self._places.get("busy"), self._places.get("progress")
        if busy is not None and busy.is_widget and busy.shown is True:
            busy.show(False)
        if progress is not None and progress.is_widget and progress.shown is None:
            progress.show(0.0)

    def _report(self, error: Exception | None) -> None:
        # Not raised here: there may be further calls to show.
        self._toolkit.post(partial(_raise, error), 0.0)


def _raise(error: Exception | None) -> None:
    try:
        if error is not None:
            raise error
    finally:
        del error  # or it would be a cycle: its traceback has this frame
