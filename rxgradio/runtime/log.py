"""One log, many cursors.

A `Log` is an append-only chain of chunks of entries, with an end. Whoever
reads it holds a `Cursor`, which remembers how far it has read and the state
that the entries so far add up to. A cursor that has read all parks a waker,
which the writer calls once when there is more.

The log holds the head of the chain, for those who come late, or less of it if that is
wanted; a cursor holds
its own place. What neither can reach any more is freed by being unreachable.

The one race that matters is between "there is nothing left, so I park" and
"here is more; who is parked?". Both happen under the lock of the log. Nothing
else does: no waker and no reader's code runs under it.
"""

from __future__ import annotations

__all__ = ["Cursor", "DroppingCursor", "End", "FailingCursor", "LatestCursor", "Log"]

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")
S = TypeVar("S")
U = TypeVar("U")

_CHUNK = 64
"""Entries per chunk: what a reader takes at a time, and holds the values of at once."""

Waker = Callable[[], object]


@dataclass(frozen=True, slots=True)
class End:
    """The end of a log: good if `error` is None."""

    error: BaseException | None = None


class _Chunk(Generic[E]):
    __slots__ = ("__weakref__", "before", "entries", "next", "weight")

    def __init__(self, before: int = 0) -> None:
        self.before = before
        """How many entries the log had before those of this chunk."""
        self.entries: list[E] = []
        self.weight = 0
        self.next: _Chunk[E] | None = None


class Log(Generic[E, S, U]):
    """The entries of one job, their end, and those who wait for more.

    `append` and `close` may be called from any thread, and return the wakers to
    call once the caller holds no lock.

    Args:
        initial: The state before the first entry.
        step: Gives the state after an entry, and what a reader gets for it. It
            must not change a state that it has given out.
        replay: How many entries at least those get who come late; older ones become
            part of the state that they begin with. By default all.
        weigh: Estimates the bytes that an entry takes.
        most: How many bytes are kept for those who come late, however few entries that is.
    """

    def __init__(
        self,
        initial: S,
        step: Callable[[S, E], tuple[S, U]],
        replay: int | None = None,
        weigh: Callable[[E], int] = lambda _: 0,
        most: int = 2**63,
    ) -> None:
        self.lock = threading.Lock()
        self.step = step
        self._initial = initial
        self._head: _Chunk[E] = _Chunk()
        self._tail = self._head
        self._end: End | None = None
        self._replay = 2**63 if replay is None else replay
        self._weigh = weigh
        self._most = most
        self._kept = 0
        self._weight = 0
        self._parked: dict[Cursor[E, S, U], Waker] = {}

    @property
    def end(self) -> End | None:
        """How the log ended, or None while it goes on."""
        return self._end

    @property
    def total(self) -> int:
        """How many entries have been added, those that are forgotten included."""
        tail = self._tail  # read once: the writer may be at work
        return tail.before + len(tail.entries)

    def append(self, entries: Iterable[E]) -> Sequence[Waker]:
        """Add entries, with the lock held; nothing is added to a log that has ended."""
        if self._end is not None:
            return ()
        for entry in entries:
            tail = self._tail
            if len(tail.entries) == _CHUNK or tail.weight > self._most // 16:
                tail.next = _Chunk(self.total)
                tail = self._tail = tail.next
            tail.entries.append(entry)
            weight = self._weigh(entry)
            tail.weight += weight
            self._weight += weight
            self._kept += 1
        self._forget()
        return self._woken()

    def close(self, end: End) -> Sequence[Waker]:
        """End the log, with the lock held; the first end stays."""
        if self._end is None:
            self._end = end
        return self._woken()

    def cursor(self) -> Cursor[E, S, U]:
        """Return a cursor at the head of the log."""
        return Cursor(self)

    def head(self) -> tuple[_Chunk[E], S]:
        """Return the oldest chunk that is kept, and the state before it."""
        with self.lock:  # they move together
            return self._head, self._initial

    def hold(self, most: int) -> None:
        """Keep at least so many entries, for a reader that may be that far behind."""
        with self.lock:
            self._replay = max(self._replay, most)

    def park(self, cursor: Cursor[E, S, U], waker: Waker) -> bool:
        """Arrange for `waker` to be called when there is more; False if there is already."""
        with self.lock:
            if self._end is not None or cursor.position != self.total:
                return False
            self._parked[cursor] = waker
            return True

    def unpark(self, cursor: Cursor[E, S, U]) -> None:
        """Forget the waker of a cursor."""
        with self.lock:
            self._parked.pop(cursor, None)

    def _forget(self) -> None:
        while (head := self._head).next is not None and (
            self._kept - len(head.entries) >= self._replay or self._weight > self._most
        ):
            for entry in head.entries:
                self._initial, _ = self.step(self._initial, entry)
            self._head = head.next
            self._kept -= len(head.entries)
            self._weight -= head.weight

    def _woken(self) -> Sequence[Waker]:
        if not self._parked:
            return ()
        wakers = list(self._parked.values())
        self._parked.clear()
        return wakers


class Cursor(Generic[E, S, U]):
    """One reader's place in a log. Used by one thread at a time."""

    __slots__ = ("__weakref__", "_chunk", "_index", "_log", "state")
    _chunk: _Chunk[E]
    state: S

    def __init__(self, log: Log[E, S, U]) -> None:
        self._log = log
        self._chunk, self.state = log.head()
        self._index = 0

    @property
    def position(self) -> int:
        """How many entries of the log it has read, or passed over."""
        return self._chunk.before + self._index

    def take(self) -> list[U]:
        """Return what has been appended since, up to a chunk of it; empty if nothing has."""
        return self._read(_CHUNK)

    def newest(self, wanted: Callable[[U], bool]) -> U | None:
        """Return the last of what has been appended since that is wanted, and hold no other."""
        found: U | None = None
        while taken := self.take():
            found = next(filter(wanted, reversed(taken)), found)
        return found

    def park(self, waker: Waker) -> bool:
        """Arrange for `waker` to be called once when there is more; False if there is already."""
        return self._log.park(self, waker)

    def unpark(self) -> None:
        """Take the waker back."""
        self._log.unpark(self)

    @property
    def end(self) -> End | None:
        """How the log ended, once all of it has been read; None before."""
        with self._log.lock:
            return self._log.end if self.position == self._log.total else None

    def _read(self, most: int) -> list[U]:
        entries = self._chunk.entries
        if self._chunk.next is not None and self._index == len(entries):
            self._chunk = self._chunk.next
            self._index = 0
            entries = self._chunk.entries
        # Entries are only ever appended, so a slice needs no lock.
        fresh = entries[self._index : self._index + most]
        self._index += len(fresh)
        step, state = self._log.step, self.state
        taken: list[U] = []
        for entry in fresh:
            state, update = step(state, entry)
            taken.append(update)
        self.state = state
        return taken


class _LooseCursor(Cursor[E, S, U]):
    """A place in a log that keeps nothing of it: what the log forgets meanwhile, it misses."""

    __slots__ = ("_place", "_weak")
    _weak: weakref.ref[_Chunk[E]]

    def __init__(self, log: Log[E, S, U]) -> None:
        super().__init__(log)
        self._loosen()

    @property
    def position(self) -> int:
        return self._place

    def _fasten(self) -> int:
        """Take hold of the place; returns how many entries were forgotten behind it."""
        chunk = self._weak()
        if chunk is None:
            self._chunk, self.state = self._log.head()
            self._index = 0
        else:
            self._chunk = chunk
        return self._chunk.before + self._index - self._place

    def _loosen(self) -> None:
        self._place = self._chunk.before + self._index
        self._weak = weakref.ref(self._chunk)
        del self._chunk


class LatestCursor(_LooseCursor[E, S, U]):
    """A reader that gets the newest only, each time that it comes.

    Args:
        newest: Picks what counts of several updates.
    """

    __slots__ = ("_newest",)

    def __init__(self, log: Log[E, S, U], newest: Callable[[Sequence[U]], list[U]]) -> None:
        super().__init__(log)
        self._newest = newest

    def take(self) -> list[U]:
        """Return the newest of what has been appended since; empty if nothing has."""
        found: list[U] = []
        self._fasten()
        while taken := self._read(_CHUNK):
            found = self._newest([*found, *taken])
        self._loosen()
        return found


class DroppingCursor(_LooseCursor[E, S, U]):
    """A reader that is never further behind than so many entries: it misses the oldest.

    Args:
        most: How many.
    """

    __slots__ = ("_most",)

    def __init__(self, log: Log[E, S, U], most: int) -> None:
        log.hold(most)
        super().__init__(log)
        self._most = most

    def take(self) -> list[U]:
        """Return one update, as more may be too old when that is dealt with; empty if none is."""
        self._fasten()
        while (missed := self._log.total - self._most - self._chunk.before - self._index) > 0:
            self._read(missed)
        taken = self._read(1)
        self._loosen()
        return taken


class FailingCursor(_LooseCursor[E, S, U]):
    """A reader for which the log ends with an error if it falls too far behind.

    Args:
        most: By how many entries it may.
        error: Makes the error.
    """

    __slots__ = ("_error", "_failed", "_most")

    def __init__(self, log: Log[E, S, U], most: int, error: Callable[[], BaseException]) -> None:
        log.hold(most)
        super().__init__(log)
        self._most = most
        self._error = error
        self._failed: End | None = None

    def take(self) -> list[U]:
        """Return one update; empty if none has been appended since, or all is over."""
        if self._failed is not None:
            return []
        waiting = self._log.total - self._place
        # The log may have kept less than was asked for: it has a bound for bytes, too.
        if self._fasten() or waiting > self._most:
            self._failed = End(self._error())
        taken = [] if self._failed is not None else self._read(1)
        self._loosen()
        return taken

    @property
    def end(self) -> End | None:
        """How the log ended, or that the reader was too slow."""
        return self._failed or super().end
