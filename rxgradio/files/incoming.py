"""The files of a call's outputs, fetched before anybody hears of them."""

from __future__ import annotations

__all__ = ["Incoming"]

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..clock import now
from ..exceptions import ProtocolError, RxGradioError
from ..protocol.event import Entry
from ..protocol.files import FileSearch, Inline, Remote, Slot
from ..protocol.sink import Sink
from ..updates import CancelOutcome, Status, StatusUpdate

_Key: TypeAlias = tuple[Remote | Inline, int | None]
"""A file, and for one that may change, the number of the news that have told of it."""


@dataclass(slots=True)
class _News:
    """What a sink is to hear at once, and how many files of it are still to come."""

    entries: list[Entry]
    status: StatusUpdate
    end: tuple[Exception | None] | None
    number: int
    missing: int = 0


class Incoming:
    """Passes news on in their order, with local paths in the places of files.

    Lives on the scheduler thread. News without files pass as they are, unless
    others wait for theirs before them. A file that is not to be fetched now has a
    `RemoteFile` in its place.

    Args:
        sink: To whom.
        search: Finds the files.
        fetch: Brings one here, and returns its path.
        let_go: Called when a file cannot be had, and the call has ended for its user.
        waiting: Where to be found while news wait for files.
        left: Makes what stands for a file that is not fetched.
        download: Which are fetched.
    """

    def __init__(
        self,
        sink: Sink,
        search: FileSearch,
        fetch: Callable[[Remote | Inline], Awaitable[str]],
        let_go: Callable[[], object],
        waiting: dict[Incoming, None],
        *,
        left: Callable[[Remote], object] | None = None,
        download: Literal["all", "final", "lazy"] = "all",
    ) -> None:
        self._sink = sink
        self._search = search
        self._fetch = fetch
        self._let_go = let_go
        self._waiting = waiting
        self._make = left
        self._download = download
        self._left: dict[_Key, object] = {}
        self._count = 0
        self._held: deque[_News] = deque()
        self._paths: dict[Remote | Inline, str] = {}
        self._wanted: dict[_Key, list[tuple[Slot, _News]]] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._over = False

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        """Take news of the call."""
        self._take(entries, status, None)

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        """Take the last news of the call, and its end."""
        self._take(entries, status, (error,))

    def cancel_told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel."""
        self._sink.cancel_told(outcome)

    def end(self, error: Exception) -> None:
        """End the call, which waits for files."""
        self._fail(error)

    def stop(self) -> None:
        """Fetch nothing more, and say nothing more."""
        self._over = True
        self._held.clear()
        self._wanted.clear()
        self._waiting.pop(self, None)
        for task in self._tasks:
            task.cancel()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What fetches."""
        return list(self._tasks)

    def _take(
        self, entries: list[Entry], status: StatusUpdate, end: tuple[Exception | None] | None
    ) -> None:
        if self._over:
            return
        passed, slots = entries, list[Slot]()
        try:
            for at, entry in enumerate(entries):
                ours, found = self._search.take(entry)
                if ours is not entry:
                    passed = list(entries) if passed is entries else passed
                    passed[at] = ours
                    slots += found
        except Exception as error:  # noqa: BLE001 (no value may leave a call hanging)
            problem = ProtocolError(f"the files of an output cannot be told: {error}")
            problem.__cause__ = error
            self._fail(problem)
            return
        if not slots and not self._held and end is None:
            self._sink.publish(passed, status)
            return
        self._count += 1
        news = _News(passed, status, end, self._count)
        for slot in slots:
            self._want(slot, news)
        self._held.append(news)
        self._pass_on()

    def _want(self, slot: Slot, news: _News) -> None:
        file = slot.file
        # What may be another file by now is sought anew by each update.
        key = (file, None if isinstance(file, Inline) or file.lasts else news.number)
        # What came inline is here already.
        if self._make is not None and isinstance(file, Remote) and not self._fetched(slot):
            if key not in self._left:
                self._left[key] = self._make(file)
            slot.fill(self._left[key])
            return
        path = self._paths.get(file)
        if path is not None:
            slot.fill(path)
            return
        news.missing += 1
        waiting = self._wanted.setdefault(key, [])
        waiting.append((slot, news))
        if len(waiting) == 1:
            self._waiting[self] = None
            task = asyncio.get_running_loop().create_task(self._bring(key))
            self._tasks[task] = None
            task.add_done_callback(self._tasks.pop)

    def _fetched(self, slot: Slot) -> bool:
        return self._download == "all" or (self._download == "final" and slot.final)

    async def _bring(self, key: _Key) -> None:
        file, _ = key
        try:
            path = await self._fetch(file)
        except RxGradioError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 (nobody may be left waiting)
            problem = ProtocolError(f"unexpected {type(error).__name__} for a file: {error}")
            problem.__cause__ = error
            self._fail(problem)
        else:
            # A URI is as large as its file, and soon decoded again.
            if isinstance(file, Remote) and file.lasts:
                self._paths[file] = path
            for slot, news in self._wanted.pop(key, ()):
                slot.fill(path)
                news.missing -= 1
            self._pass_on()

    def _pass_on(self) -> None:
        while self._held and not self._held[0].missing:
            news = self._held.popleft()
            if news.end is None:
                self._sink.publish(news.entries, news.status)
            else:
                self._over = True
                self._sink.finish(news.entries, news.status, news.end[0])
        if not self._held:
            self._waiting.pop(self, None)

    def _fail(self, error: Exception) -> None:
        if self._over:
            return
        self.stop()
        status = StatusUpdate(Status.FINISHED, success=False, time=now())
        self._sink.finish([status], status, error)
        # Later: it may be the lane of the call that is speaking.
        asyncio.get_running_loop().call_soon(self._let_go)
