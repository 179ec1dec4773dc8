"""What race, hedge and fail_over have in common: of several streams, one is passed on.

The one to have the first output is. Until then, what *the first of those under way* says of
itself is passed on as it comes, and what others say is kept for the case that they take its
place. As each call begins with the status STARTING, operators on updates see a call
in the place of another.
"""

from __future__ import annotations

__all__ = ["Contest", "like"]

from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from reactivex import Observable, abc

from ..fluent import Updates
from ..updates import Status, StatusUpdate
from .inlets import Inlets
from .labelled import Labelled

T = TypeVar("T")

_KEPT = 1000
"""How many statuses are kept of a stream that has not won; older ones are forgotten."""

_ENDS = frozenset({Status.FINISHED, Status.CANCELLED})


class Contest(Inlets[T, T]):
    """One subscription to streams of which one will be passed on.

    Args:
        streams: In their order; none is subscribed to yet.
        observer: Gets what is passed on.
        scheduler: What they are subscribed to with.
        what: Names it in an error.
    """

    def __init__(
        self,
        streams: Sequence[Observable[T]],
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        what: str,
    ) -> None:
        super().__init__(observer, scheduler)
        self.waiting: deque[Observable[T]] = deque(streams)
        """Streams that are not subscribed to."""
        self.winner: int | None = None
        self._first = 0
        self._kept: dict[int, deque[T]] = {}
        self._errors: dict[int, Exception] = {}
        self._what = what

    def start_next(self) -> None:
        """Have the next stream take part, with the lock held."""
        self._kept[self.enter(self.waiting.popleft())] = deque(maxlen=_KEPT)

    def decided(self, winner: int) -> None:
        """Take note that one has won, with the lock held; the others are left already."""

    def replaced(self, which: int) -> bool:  # noqa: ARG002 (for those that override it)
        """Start a stream in the place of one that failed, with the lock held, if it is to be."""
        return False

    def failure(self) -> Exception:
        """Return what it ends with when all have failed, with the lock held."""
        errors = [self._errors[which] for which in sorted(self._errors)]
        if len(errors) == 1:
            return errors[0]
        # A stream of a Future may end with any exception.
        group = BaseExceptionGroup(f"all {len(errors)} streams of {self._what} failed", errors)
        return cast("Exception", group)

    def take(self, which: int, value: T) -> None:
        """Pass it on, or keep it; an output decides, if nothing has."""
        status = _status(value)
        if status is None and self.winner is None:
            self._win(which)
        if which == self.winner or (which == self._first and not _has_failed(status)):
            self.out.put(value)
        else:
            # Of a stream that fails, its last status too: if another takes its place, the
            # call that is passed on has not ended.
            self._kept[which].append(value)

    def fail(self, which: int, error: Exception) -> None:
        """Go on with the others, if there are any."""
        if which == self.winner:
            self.out.end(error)
            return
        self._errors[which] = error
        if not self.open and not self.replaced(which):
            self._pass_on(which)
            self.out.end(self.failure())
            return
        del self._kept[which]
        if which == self._first:
            self._first = min(self.open)
            kept = self._kept[self._first]
            last = kept.pop() if kept and _has_failed(_status(kept[-1])) else None
            self._pass_on(self._first)
            if last is not None:  # its error is about to come
                kept.append(last)

    def complete(self, which: int) -> None:
        """Complete: nobody is waited for who has not been as quick."""
        if self.winner is None:
            self._win(which)
        self.out.end()

    def _win(self, which: int) -> None:
        self.winner = which
        for other in list(self.open):
            if other != which:
                self.leave(other)
        self.waiting.clear()
        self._pass_on(which)
        self._kept.clear()
        self.decided(which)

    def _pass_on(self, which: int) -> None:
        kept = self._kept[which]
        while kept:
            self.out.put(kept.popleft())


def like(streams: Sequence[Observable[Any]], subscribe: abc.Subscription[Any]) -> Observable[Any]:
    """Return a stream that has the operators on updates as methods if all of these have."""
    if not all(isinstance(each, Updates) for each in streams):
        return Observable(subscribe)
    misses = any(cast("Updates", each)._misses for each in streams)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (what one misses, so does this)
    return Updates(subscribe, misses=misses)


def _status(value: Any) -> StatusUpdate | None:
    """Return the status that a value is; None if it is anything else, and so an output."""
    while isinstance(value, Labelled):
        value = cast("Any", value.value)  # pyright: ignore[reportUnknownMemberType] (of anything)
    return value if isinstance(value, StatusUpdate) else None


def _has_failed(status: StatusUpdate | None) -> bool:
    return status is not None and status.code in _ENDS and not status.success
