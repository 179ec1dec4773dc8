"""How many of several streams may go on at a time."""

from __future__ import annotations

__all__ = ["Bulkhead"]

import logging
import threading
from typing import Any, TypeVar

from reactivex import Observable, abc

from ..exceptions import BulkheadFull
from .clock import clock
from .relay import Relay, relaying

T = TypeVar("T")

logger = logging.getLogger("rxgradio")


class Bulkhead:
    """An operator to share: of all streams that go through it, so many are subscribed to at a time.

        a:                          --a--a--a--|
        b:                          --b--b--|
        a.pipe(bulkhead), k=1:      --a--a--a--|
        b.pipe(bulkhead), at once:  ...........--b--b--|

    The others wait for their turn, in the order of their subscriptions. A turn begins on a
    thread of the scheduler given to `subscribe`, else on a delivery thread; it lasts until
    the source has ended or is disposed of. Disposing of one that waits takes it out of the
    line. Values pass as they come. A stream that waits for another one which goes through
    the same bulkhead may wait for ever.

    Args:
        max_concurrent: How many are subscribed to at a time.
        queue: How many may wait, by default any number; one too many fails with
            `BulkheadFull`, soon after it has been subscribed to.

    Raises:
        ValueError: `max_concurrent` is less than 1, or `queue` is negative.
    """

    def __init__(self, max_concurrent: int, queue: int | None = None) -> None:
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent={max_concurrent}: at least one stream must go on")
        if queue is not None and queue < 0:
            raise ValueError(f"queue={queue}: it is a number of streams that may wait")
        self._most = max_concurrent
        self._queue = queue
        self._lock = threading.RLock()  # what is let go of may be disposed of by finalizers
        self._active: set[_Turn[Any]] = set()
        self._waiting: dict[_Turn[Any], None] = {}  # an ordered set

    def __call__(self, source: Observable[T]) -> Observable[T]:
        """Return the stream that waits for its turn."""
        return relaying(
            source,
            lambda observer, given: _Turn(self, observer, given, clock(None, given)),
        )

    @property
    def active(self) -> int:
        """How many streams are subscribed to."""
        return len(self._active)

    @property
    def waiting(self) -> int:
        """How many streams wait for their turn."""
        return len(self._waiting)

    def _ask(self, turn: _Turn[Any]) -> bool | None:
        """Return whether the turn begins at once; None if there is no room to wait for it."""
        with self._lock:
            if len(self._active) < self._most:
                self._active.add(turn)
                return True
            if self._queue is not None and len(self._waiting) >= self._queue:
                return None
            self._waiting[turn] = None
            return False

    def _leave(self, turn: _Turn[Any]) -> None:
        with self._lock:
            if turn not in self._active:
                self._waiting.pop(turn, None)
                return
            self._active.remove(turn)
        while (following := self._next()) is not None:
            try:
                following.called()
            except Exception:
                # Its scheduler runs no more (its loop was closed): the turn is another's.
                logger.debug("a stream that waited for its turn is gone", exc_info=True)
                with self._lock:
                    self._active.discard(following)
                following.dispose()

    def _next(self) -> _Turn[Any] | None:
        """Return whose turn it is now, if it is anybody's."""
        with self._lock:
            if len(self._active) >= self._most:
                return None
            following = next(iter(self._waiting), None)
            if following is not None:
                del self._waiting[following]
                self._active.add(following)
            return following


class _Turn(Relay[T]):
    _source: Observable[T]

    def __init__(
        self,
        bulkhead: Bulkhead,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._bulkhead = bulkhead
        self._beginning = False

    def begin(self, source: Observable[T]) -> None:
        self._source = source
        at_once = self._bulkhead._ask(self)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (one thing, in two classes)
        if at_once:
            self._subscribe()
        elif at_once is None:
            bound = f"{self._bulkhead.active} streams go on, and {self._bulkhead.waiting} wait"
            self.refuse(BulkheadFull(f"the bulkhead is full: {bound}"))

    def called(self) -> None:
        """Begin, soon: whoever has left the place is not to do what `subscribe` does."""
        self.later(0.0, self._subscribe)

    def leave(self) -> None:
        super().leave()
        with self.out.lock:
            beginning = self._beginning
        if not beginning:
            self._make_room()

    def _subscribe(self) -> None:
        with self.out.lock:
            if self.out.ended:
                return
            self._beginning = True
        try:
            super().begin(self._source)
        finally:
            # What is over before it has been subscribed to is left when it has.
            with self.out.lock:
                self._beginning = False
                over = self.out.ended
            if over:
                self._make_room()

    def _make_room(self) -> None:
        self._bulkhead._leave(self)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (as above)
