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

__all__ = ["Cursor", "End", "Log"]

import threading
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
    __slots__ = ("entries", "next", "weight")

    def __init__(self) -> None:
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
        self._step = step
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

    def append(self, entries: Iterable[E]) -> Sequence[Waker]:
        """Add entries, with the lock held; nothing is added to a log that has ended."""
        if self._end is not None:
            return ()
        for entry in entries:
            tail = self._tail
            if len(tail.entries) == _CHUNK or tail.weight > self._most // 16:
                tail.next = _Chunk()
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
        with self.lock:  # the head and its state move together
            return Cursor(self, self._head, self._initial, self._step)

    def park(self, cursor: Cursor[E, S, U], waker: Waker) -> bool:
        """Arrange for `waker` to be called when there is more; False if there is already."""
        with self.lock:
            if self._end is not None or not cursor.at(self._tail):
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
                self._initial, _ = self._step(self._initial, entry)
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

    __slots__ = ("__weakref__", "_chunk", "_index", "_log", "_step", "state")

    def __init__(
        self, log: Log[E, S, U], chunk: _Chunk[E], state: S, step: Callable[[S, E], tuple[S, U]]
    ) -> None:
        self._log = log
        self._chunk: _Chunk[E] = chunk
        self._index = 0
        self._step = step
        self.state = state

    def at(self, chunk: _Chunk[E]) -> bool:
        """Whether all of a chunk has been read."""
        return self._chunk is chunk and self._index == len(chunk.entries)

    def take(self) -> list[U]:
        """Return what has been appended since, up to a chunk of it; empty if nothing has."""
        entries = self._chunk.entries
        if self._chunk.next is not None and self._index == len(entries):
            self._chunk = self._chunk.next
            self._index = 0
            entries = self._chunk.entries
        # Entries are only ever appended, so a slice needs no lock.
        fresh = entries[self._index :]
        self._index += len(fresh)
        step, state = self._step, self.state
        taken: list[U] = []
        for entry in fresh:
            state, update = step(state, entry)
            taken.append(update)
        self.state = state
        return taken

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
        # The end comes after the last entry, so it is looked at first.
        with self._log.lock:
            end = self._log.end
        return (
            end if end is not None and self._chunk.next is None and self.at(self._chunk) else None
        )
