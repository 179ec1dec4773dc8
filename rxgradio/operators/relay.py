"""What the policies have in common: a subscription that passes on what one stream says."""

from __future__ import annotations

__all__ = ["Relay", "relaying", "seconds_of"]

import contextvars
from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SerialDisposable, SingleAssignmentDisposable

from .outlet import Outlet

T = TypeVar("T")


class Relay(Generic[T]):
    """One subscription; as it is, it passes all signals on, serially.

    Args:
        observer: Gets them.
        scheduler: What the source is subscribed to with.
        clock: Keeps the time, and runs what is not to happen within `subscribe`.
    """

    def __init__(
        self,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        self.out: Outlet[T] = Outlet(observer)
        self.clock = clock
        self._context = contextvars.copy_context()
        self._timer = SerialDisposable()
        self._scheduler = scheduler
        self._upstream = SerialDisposable()

    def begin(self, source: Observable[T]) -> None:
        """Subscribe to the source; what was subscribed to before is left."""
        # In its place before it is subscribed to: it may end, and another follow on another
        # thread, before `subscribe` has returned.
        upstream = SingleAssignmentDisposable()
        self._upstream.disposable = upstream
        if upstream.is_disposed:
            return
        try:
            upstream.disposable = source.subscribe(
                self.on_next, self.on_error, self.on_completed, scheduler=self._scheduler
            )
        except BaseException:  # a KeyboardInterrupt: nobody gets what would dispose of this
            self.dispose()
            raise

    def on_next(self, value: T) -> None:
        """Take a value of the source."""
        with self.out.lock:
            self.out.put(value)
        self.out.drain(self.dispose)

    def on_error(self, error: Exception) -> None:
        """Take its error."""
        self.end(error)

    def on_completed(self) -> None:
        """Take its end."""
        self.end()

    def end(self, error: Exception | None = None) -> None:
        """Leave the source, and then tell the observer that all is over."""
        with self.out.lock:
            self.out.end(error)
        self.leave()
        self.out.drain(self.dispose)

    def refuse(self, error: Exception) -> None:
        """Tell an error instead of subscribing, soon."""
        self.later(0.0, lambda: self.end(error))

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Run an action on the clock, unless all is over before; the one set before is not.

        It runs in the context of the subscriber, like all that it brings about.
        """
        context = self._context.copy()  # as two threads cannot be in one

        def run(_: abc.SchedulerBase, __: object = None) -> None:
            context.run(action)

        # In its place before it is set, as it may be due, and have set the next one on another
        # thread, before `schedule_relative` has returned.
        timer = SingleAssignmentDisposable()
        self._timer.disposable = timer
        if not timer.is_disposed:
            timer.disposable = self.clock.schedule_relative(seconds, run)

    def dispose(self) -> None:
        """Pass nothing more on, and leave the source."""
        with self.out.lock:
            self.out.dispose()
        self.leave()

    def leave(self) -> None:
        """Let go of the source and of the timer, for ever; may be called again."""
        self._timer.dispose()
        self._upstream.dispose()


def relaying(
    source: Observable[T],
    make: Callable[[abc.ObserverBase[T], abc.SchedulerBase | None], Relay[T]],
) -> Observable[T]:
    """Return a stream each subscription of which is a relay of its own."""

    def subscribe(
        observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        relay = make(observer, scheduler)
        relay.begin(source)
        return Disposable(relay.dispose)

    return Observable(subscribe)


def seconds_of(clock: abc.SchedulerBase) -> float:
    """Return what a clock shows, in seconds since its beginning of time."""
    return clock.now.timestamp()
