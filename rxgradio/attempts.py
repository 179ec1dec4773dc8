"""A call that is made again: after a loss, or when the queue was full.

Both happen only if the user has asked for it. What is safe to repeat is repeated
below, one request at a time (see `patience`).
"""

from __future__ import annotations

__all__ = ["Attempts"]

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from .exceptions import ConnectionLost, QueueFull
from .options import CallOptions, Retry
from .protocol.ends import outcome_unjoined
from .protocol.event import Entry
from .protocol.sink import Sink
from .updates import CancelOutcome, Status, StatusUpdate

if TYPE_CHECKING:
    from .transport.submission import Submission

_ROOM = Retry(attempts=2**31, initial=0.5, multiplier=2.0, longest=5.0, budget=float("inf"))
"""How room in a full queue is waited for."""


class Attempts:
    """What one job has tried, and hears of it; lives on the scheduler thread.

    Args:
        sink: Hears of the attempts as if they were one call.
        options: Say what ends an attempt but not the job.
        make: Makes the call anew, for this to hear of it.
        start: Sends it on its way.
    """

    def __init__(
        self,
        sink: Sink,
        options: CallOptions,
        make: Callable[[Attempts], Submission],
        start: Callable[[Submission], object],
    ) -> None:
        self.sink = sink
        self._options = options
        self._make = make
        self._start = start
        self.submission = make(self)
        """The newest attempt."""
        self._number = 1
        self._failed = {"lost": 0, "full": 0}
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        """Take news of the newest attempt."""
        if self._number == 1:
            self.sink.publish(entries, status)
            return
        self.sink.publish([self._numbered(entry) for entry in entries], self._stamped(status))

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        """Take the end of the newest attempt."""
        seconds = None if error is None else self._wait(error)
        if seconds is None:
            entries = [self._numbered(entry) for entry in entries]
            self.sink.finish(entries, self._stamped(status), error)
            return
        # It has not finished, whatever the attempt did.
        news = [each for each in entries if not _finished(each)]
        self._number += 1
        again = StatusUpdate(Status.STARTING, time=datetime.now(), attempt=self._number)
        self.sink.publish([*map(self._before, news), again], again)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._again)

    def cancel_told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel."""
        self.sink.cancel_told(outcome)

    def stop(self) -> CancelOutcome | None:
        """Make no other attempt; tells what became of the last if there is none under way."""
        timer, self._timer = self._timer, None
        if timer is None:
            return None
        timer.cancel()
        return outcome_unjoined(self.submission.call.event.error)

    def _wait(self, error: Exception) -> float | None:
        if isinstance(error, QueueFull) and self._options.wait_for_room:
            retry, kind = _ROOM, "full"
        elif isinstance(error, ConnectionLost) and self._options.resubmit is not None:
            retry, kind = self._options.resubmit, "lost"
        else:
            return None
        now = asyncio.get_running_loop().time()
        self._failed[kind] += 1
        if kind == "lost" and self._since is None:
            self._since = now
        return retry.delay(
            error,
            failed=self._failed[kind],
            spent=now - (self._since or now),
            retry_after=error.retry_after,
        )

    def _again(self) -> None:
        self._timer = None
        self.submission = self._make(self)
        self._start(self.submission)

    def _numbered(self, entry: Entry) -> Entry:
        return self._stamped(entry) if isinstance(entry, StatusUpdate) else entry

    def _before(self, entry: Entry) -> Entry:
        return (
            replace(entry, attempt=self._number - 1) if isinstance(entry, StatusUpdate) else entry
        )

    def _stamped(self, status: StatusUpdate) -> StatusUpdate:
        return status if self._number == 1 else replace(status, attempt=self._number)


def _finished(entry: Entry) -> bool:
    return isinstance(entry, StatusUpdate) and entry.code is Status.FINISHED
