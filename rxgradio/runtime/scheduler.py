"""rxgradio's own scheduler for reactivex: timers without threads, actions in order."""

from __future__ import annotations

__all__ = ["DeliveryScheduler"]

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from reactivex import abc, typing
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from ..clock import utc
from .delivery import Lane
from .process import delivery, loop_thread

S = TypeVar("S")


class DeliveryScheduler(PeriodicScheduler):
    """Runs actions one after another on rxgradio's delivery threads.

    Time is kept by the scheduler thread, so a thousand timers need no thread of
    their own. An action that raises is logged, and the next one runs (reactivex's
    `EventLoopScheduler` stops for ever, and says nothing). Disposing of a
    scheduled action before it is due takes it back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pool = delivery()
        self._lane = Lane(self._pool, self)

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return utc()

    def schedule(
        self, action: typing.ScheduledAction[S], state: S | None = None
    ) -> abc.DisposableBase:
        """Run an action after those scheduled before it."""
        taken = SingleAssignmentDisposable()
        self._here().start(self._turn(taken, action, state))
        return taken

    def schedule_relative(
        self,
        duetime: typing.RelativeTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run an action after some time, a number of seconds or a `timedelta`."""
        seconds = self.to_seconds(duetime)
        if seconds <= 0:
            return self.schedule(action, state)
        taken = SingleAssignmentDisposable()
        lane = self._here()
        timer = _Timer(seconds, lambda: lane.start(self._turn(taken, action, state)))
        return CompositeDisposable(taken, Disposable(timer.cancel))

    def schedule_absolute(
        self,
        duetime: typing.AbsoluteTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run an action at some time, a `datetime` or seconds since the epoch."""
        due: datetime = self.to_datetime(duetime)
        return self.schedule_relative(due - self.now, action, state)

    def _here(self) -> Lane:
        # A module may have made it before virtual time began, or the process forked.
        if (pool := delivery()) is not self._pool:
            self._pool, self._lane = pool, Lane(pool, self)
        return self._lane

    def _turn(
        self,
        taken: SingleAssignmentDisposable,
        action: typing.ScheduledAction[S],
        state: S | None,
    ) -> Callable[[], None]:
        def run() -> None:
            if not taken.is_disposed:
                taken.disposable = self.invoke_action(action, state=state)

        return run


class _Timer:
    """A timer on the scheduler thread that can be cancelled from any other."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._handle: asyncio.TimerHandle | None = None
        self._cancelled = False
        self._seconds = seconds
        self._action = action
        self._home = loop_thread()  # whoever cancels it may be in another context
        self._home.call(self._set)

    def _set(self) -> None:
        with self._lock:
            if not self._cancelled:
                self._handle = self._home.loop.call_later(self._seconds, self._action)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            handle, self._handle = self._handle, None
        if handle is not None:
            self._home.call(handle.cancel)
