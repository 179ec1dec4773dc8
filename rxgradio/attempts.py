"""A call that is made again: after a loss, or when the queue was full.

Both happen only if the user has asked for it. What is safe to repeat is repeated
below, one request at a time (see `patience`).
"""

from __future__ import annotations

__all__ = ["Attempts", "Room"]

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from .clock import now
from .exceptions import ConnectionLost, QueueFull, RxGradioError
from .options import CallOptions, Retry
from .protocol.ends import outcome_unjoined
from .protocol.event import Entry
from .protocol.sink import Sink
from .updates import CancelOutcome, Status, StatusUpdate

if TYPE_CHECKING:
    from .transport.submission import Submission

_ROOM = Retry(attempts=2**31, initial=0.1, multiplier=2.0, longest=1.0, budget=float("inf"))
"""How room in a full queue is asked for, by one call of a client at a time."""

_ON_THE_WAY = frozenset({Status.STARTING, Status.SENDING_DATA, Status.JOINING_QUEUE})


class Room:
    """The calls of a client that wait for room in the app's queue: first come, first served."""

    def __init__(self) -> None:
        self._waiting: dict[Attempts, None] = {}  # an ordered set; the first one asks
        self._refused = 0

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def wait(self, attempts: Attempts, error: QueueFull | None = None) -> float | None:
        """Stand in the line; returns in how many seconds to ask again, None if others do.

        Args:
            attempts: Who waits.
            error: That the app had no room for it, if it has asked.
        """
        self._waiting.setdefault(attempts)
        if attempts is not next(iter(self._waiting)):
            return None
        self._refused += 1
        asked = None if error is None else error.retry_after
        return _ROOM.delay(
            error or QueueFull("no room"), failed=self._refused, spent=0.0, retry_after=asked
        )

    def leave(self, attempts: Attempts) -> None:
        """Wait no more: the next one may ask, at once."""
        if attempts not in self._waiting:
            return
        first = attempts is next(iter(self._waiting))
        del self._waiting[attempts]
        if first and self._waiting:
            self._refused = 0
            next(iter(self._waiting)).again(0.0)


class Attempts:
    """What one job has tried, and hears of it; lives on the scheduler thread.

    Args:
        sink: Hears of the attempts as if they were one call.
        options: Say what ends an attempt but not the job.
        make: Makes the call anew, for this to hear of it.
        start: Sends it on its way.
        room: Where those wait for whom the queue is full.
    """

    def __init__(
        self,
        sink: Sink,
        options: CallOptions,
        make: Callable[[Attempts], Submission],
        start: Callable[[Submission], object],
        room: Room,
    ) -> None:
        self.sink = sink
        self._options = options
        self._make = make
        self._start = start
        self._room = room
        self.submission = make(self)
        """The newest attempt."""
        self.failure: Exception | None = None
        """What the last attempt failed with, if there is to be another."""
        self._number = 1
        self._lost = 0
        self._since = 0.0
        self._ran = False
        self._waits = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Make the first attempt; behind those that wait for room, if this one would wait too."""
        if self._options.wait_for_room and self._room:
            self._waits = True
            self._room.wait(self)
        else:
            self._start(self.submission)

    def again(self, seconds: float) -> None:
        """Make another attempt in so many seconds."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._again)

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        """Take news of the newest attempt."""
        if status.code not in _ON_THE_WAY:
            self._room.leave(self)
        if self._number == 1:
            self.sink.publish(entries, status)
            return
        numbered = [self._numbered(entry) for entry in entries]
        self.sink.publish(numbered, replace(status, attempt=self._number))

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        """Take the end of the newest attempt."""
        if error is None or not self._goes_on(error):
            self._room.leave(self)
            if isinstance(error, ConnectionLost) and self._ran:
                error.sent = True  # an attempt before this one was
            if self._number > 1:
                entries = [self._numbered(entry) for entry in entries]
                status = replace(status, attempt=self._number)
            self.sink.finish(entries, status, error)
            return
        # It has not finished, whatever the attempt did.
        news = [self._numbered(each) for each in entries if not _finished(each)]
        self.failure = error
        self._number += 1
        waiting = StatusUpdate(Status.STARTING, time=now(), attempt=self._number)
        self.sink.publish([*news, waiting], waiting)

    @property
    def lost(self) -> bool:
        """Whether one has ended with its connection."""
        return self._lost > 0

    def cancel_told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel."""
        self.sink.cancel_told(self._of_all(outcome))

    def stop(self) -> CancelOutcome | None:
        """Make no other attempt; tells what became of the last if there is none under way."""
        self._room.leave(self)
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        elif not self._waits:
            return None
        self._waits = False
        error = self.submission.call.event.error
        return self._of_all(CancelOutcome.NOT_SENT if error is None else outcome_unjoined(error))

    def _of_all(self, outcome: CancelOutcome) -> CancelOutcome:
        """Return what became of all attempts: an earlier one may still run."""
        return CancelOutcome.UNKNOWN if self._ran and outcome is CancelOutcome.NOT_SENT else outcome

    def _goes_on(self, error: Exception) -> bool:
        """Arrange for another attempt, if there is to be one."""
        seconds: float | None
        if isinstance(error, QueueFull) and self._options.wait_for_room:
            self._waits = True
            seconds = self._room.wait(self, error)
        elif _is_loss(error) and self._options.resubmit is not None:
            seconds = self._wait(error, self._options.resubmit)
            if seconds is None:
                return False
            self._room.leave(self)
        else:
            return False
        if seconds is not None:
            self.again(seconds)
        return True

    def _wait(self, error: RxGradioError, retry: Retry) -> float | None:
        now = asyncio.get_running_loop().time()
        event = self.submission.call.event
        self._ran |= not isinstance(error, ConnectionLost) or error.sent
        self._lost += 1
        if self._lost == 1 or event.started:  # the app was there, and worked
            self._since = now
        return retry.delay(
            error, failed=self._lost, spent=now - self._since, retry_after=error.retry_after
        )

    def _again(self) -> None:
        self._timer = None
        self._waits = False
        if self.failure is not None:
            self.submission = self._make(self)
        self._start(self.submission)

    def _numbered(self, entry: Entry) -> Entry:
        return entry if self._number == 1 else replace(entry, attempt=self._number)


def _is_loss(error: Exception) -> TypeGuard[RxGradioError]:
    """Whether the app could not be reached, or what stands before it could not reach it."""
    return isinstance(error, ConnectionLost) or (
        isinstance(error, RxGradioError)
        and error.status in {502, 503, 504}
        and not isinstance(error, QueueFull)
    )


def _finished(entry: Entry) -> bool:
    return isinstance(entry, StatusUpdate) and entry.code is Status.FINISHED
