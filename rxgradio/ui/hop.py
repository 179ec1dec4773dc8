"""From wherever a stream is to the thread of a UI, for those who compose."""

from __future__ import annotations

__all__ = ["WidgetScheduler", "observe_on", "scheduler", "widgets_toolkit"]

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from reactivex import Observable, abc, typing
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from ..clock import utc
from .binding import Binding, check_thread, frame_of
from .toolkit import Toolkit, toolkit_of

logger = logging.getLogger("rxgradio")

T = TypeVar("T")
S = TypeVar("S")


def observe_on(
    widget: Any, *, every: bool = False, fps: float | None = None
) -> Callable[[Observable[T]], Observable[T]]:
    """Pass on the newest value on the thread of a widget's UI, no more often than it paints.

        source:      --a-b-c-d-----e|
        observe_on:  --a----d------e|      (frames: -|----|----|-)

    The last value comes before the end, whatever the frame. Nothing queues up and no thread
    is held up, where reactivex's `observe_on` keeps all that a busy UI has not taken. To be
    subscribed to on the UI's thread. When the widget ends, the source is disposed of.

    Args:
        widget: Any widget of the UI.
        every: Pass all values on, those of one frame together.
        fps: Frames a second, if not as many as are usual for the toolkit.

    Raises:
        TypeError: The toolkit of the widget is not known.
        ValueError: `fps` is not positive.
    """
    toolkit = widgets_toolkit(widget)
    frame = frame_of(fps)

    def hop(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            check_thread(toolkit)
            binding = Binding(toolkit, observer, every=every, frame=frame)
            binding.begin(source, [widget], scheduler)
            return binding

        return Observable(subscribe)

    return hop


def scheduler(widget: Any) -> WidgetScheduler:
    """Return a reactivex scheduler that runs actions on the thread of a widget's UI.

    To be called there. It is what `debounce` and its like need if what follows is to be on
    the UI's thread; it may be used from any thread, and never blocks one. Where the UI is
    gone, actions are dropped.

    Raises:
        TypeError: The toolkit of the widget is not known.
        RuntimeError: The caller is not on the thread of the UI.
    """
    toolkit = widgets_toolkit(widget)
    check_thread(toolkit)
    return WidgetScheduler(toolkit, widget)


class WidgetScheduler(PeriodicScheduler):
    """Runs actions on the thread of a UI, in order. Made by `scheduler`."""

    def __init__(self, toolkit: Toolkit, widget: Any) -> None:
        super().__init__()
        self._toolkit = toolkit
        # A toolkit may look after what is posted only as long as somebody listens.
        if toolkit.alive(widget):
            toolkit.on_close(widget, lambda: None)

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return utc()

    def schedule(
        self, action: typing.ScheduledAction[S], state: S | None = None
    ) -> abc.DisposableBase:
        """Run an action soon."""
        return self._post(0.0, action, state)

    def schedule_relative(
        self,
        duetime: typing.RelativeTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run an action after some time, a number of seconds or a `timedelta`."""
        return self._post(max(0.0, self.to_seconds(duetime)), action, state)

    def schedule_absolute(
        self,
        duetime: typing.AbsoluteTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run an action at some time, a `datetime` or seconds since the epoch."""
        due: datetime = self.to_datetime(duetime)
        return self.schedule_relative(due - self.now, action, state)

    def _post(
        self, delay: float, action: typing.ScheduledAction[S], state: S | None
    ) -> abc.DisposableBase:
        taken = SingleAssignmentDisposable()
        wanted = [action]  # emptied when it is taken back: until it is due, it holds nothing then

        def run() -> None:
            for each in tuple(wanted):
                taken.disposable = self.invoke_action(each, state=state)

        try:
            self._toolkit.post(run, delay)
        except Exception:
            logger.debug("a UI is gone: %r", self._toolkit, exc_info=True)
        return CompositeDisposable(taken, Disposable(wanted.clear))


def widgets_toolkit(widget: Any) -> Toolkit:
    """Return the toolkit of a widget.

    Raises:
        TypeError: It is not known.
    """
    toolkit = toolkit_of(widget)
    if toolkit is None:
        kind = cast("type[object]", type(widget))
        raise TypeError(
            f"no toolkit is known for {kind.__module__}.{kind.__qualname__}; "
            "rxgradio.ui.register tells of one"
        )
    return toolkit
