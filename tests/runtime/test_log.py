"""The log: one writer, many readers, and no lost wake-up."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.runtime.log import Cursor, End, Log
from rxgradio.runtime.reading import aread, read, wake

SOON = 10.0


def total(state: int, entry: int) -> tuple[int, tuple[int, int]]:
    """Give each entry with the sum so far: a reader's state."""
    return state + entry, (entry, state + entry)


def make(replay: int | None = None) -> Log[int, int, tuple[int, int]]:
    return Log(0, total, replay)


def add(log: Log[Any, Any, Any], *entries: Any, end: End | None = None) -> None:
    with log.lock:
        wakers = [*log.append(entries), *(log.close(end) if end else ())]
    wake(wakers)


def drain(cursor: Cursor[Any, Any, Any]) -> list[Any]:
    taken: list[Any] = []
    while more := cursor.take():
        taken += more
    return taken


def test_a_cursor_gets_what_came_before_and_after_it() -> None:
    log = make()
    add(log, 1, 2)
    cursor = log.cursor()
    assert drain(cursor) == [(1, 1), (2, 3)]
    add(log, 3)
    assert drain(cursor) == [(3, 6)]
    assert cursor.take() == []


def test_the_end_is_seen_only_after_all_entries() -> None:
    log = make()
    error = ValueError()
    cursor = log.cursor()
    add(log, *range(600), end=End(error))
    assert cursor.end is None
    drain(cursor)
    assert cursor.end == End(error)


def test_nothing_is_added_after_the_end_and_the_first_end_stays() -> None:
    log = make()
    add(log, 1, end=End())
    add(log, 2, end=End(ValueError()))
    cursor = log.cursor()
    assert drain(cursor) == [(1, 1)]
    assert cursor.end == End(None)


def test_parking_succeeds_only_when_all_has_been_read() -> None:
    log = make()
    woken: list[int] = []
    cursor = log.cursor()
    assert cursor.park(lambda: woken.append(1))
    add(log, 1)
    assert woken == [1]
    assert not cursor.park(lambda: woken.append(2))
    drain(cursor)
    assert cursor.park(lambda: woken.append(3))
    add(log, 2, 3, 4)
    assert woken == [1, 3]  # once per batch
    drain(cursor)
    assert cursor.park(lambda: woken.append(4))
    cursor.unpark()
    add(log, 5)
    assert woken == [1, 3]
    add(log, end=End())
    assert not cursor.park(lambda: woken.append(5))


def test_a_waker_that_raises_does_not_keep_the_others_asleep() -> None:
    log = make()
    woken: list[int] = []
    loop = asyncio.new_event_loop()
    loop.close()
    first, second = log.cursor(), log.cursor()
    first.park(lambda: loop.call_soon_threadsafe(print))
    second.park(lambda: woken.append(1))
    add(log, 1)
    assert woken == [1]


def test_what_no_reader_and_no_newcomer_can_reach_is_freed() -> None:
    class Entry:
        pass

    log: Log[Any, None, Any] = Log(None, lambda state, entry: (state, entry))
    entry = Entry()
    kept = weakref.ref(entry)
    with log.lock:
        log.append([entry])
    del entry
    gc.collect()
    assert kept() is not None
    del log
    gc.collect()
    assert kept() is None


@settings(deadline=None, max_examples=100)
@given(
    batches=st.lists(st.lists(st.integers(), max_size=700), max_size=8),
    late=st.integers(0, 8),
)
def test_every_reader_sees_every_entry_once_and_in_order(
    batches: list[list[int]], late: int
) -> None:
    log = make()
    cursors = [log.cursor()]
    seen: list[list[Any]] = [[]]
    for n, batch in enumerate(batches):
        if n == late:
            cursors.append(log.cursor())
            seen.append([])
        add(log, *batch)
        seen[0] += drain(cursors[0])
    for cursor, got in zip(cursors, seen, strict=True):
        got.extend(drain(cursor))
    flat = [entry for batch in batches for entry in batch]
    sums = [sum(flat[: n + 1]) for n in range(len(flat))]
    for got in seen:
        assert got == list(zip(flat, sums, strict=True))


def _write(log: Log[Any, Any, Any], count: int, error: Exception | None) -> None:
    for n in range(count):
        add(log, n)
    add(log, end=End(error))


def test_blocking_readers_racing_with_the_writer_miss_nothing() -> None:
    for _ in range(30):
        log = make()
        results: list[list[Any]] = []

        def reader(log: Log[Any, Any, Any] = log, results: list[Any] = results) -> None:
            results.append([entry for entry, _ in read(log.cursor())])

        threads = [threading.Thread(target=reader) for _ in range(4)]
        for thread in threads:
            thread.start()
        _write(log, 300, None)
        for thread in threads:
            thread.join(SOON)
        assert results == [list(range(300))] * 4


def test_async_readers_racing_with_the_writer_miss_nothing() -> None:
    async def main() -> Sequence[list[Any]]:
        log = make()

        async def reader() -> list[Any]:
            return [entry async for entry, _ in aread(log.cursor())]

        writer = threading.Thread(target=_write, args=(log, 2000, None))
        readers = [asyncio.ensure_future(reader()) for _ in range(4)]
        await asyncio.sleep(0)
        writer.start()
        results = await asyncio.wait_for(asyncio.gather(*readers), SOON)
        writer.join()
        return results

    assert list(asyncio.run(main())) == [list(range(2000))] * 4


def test_readers_raise_the_error_at_the_end() -> None:
    log = make()
    add(log, 1, end=End(ValueError("the end")))
    got: list[Any] = []
    with pytest.raises(ValueError, match="the end"):
        got.extend(read(log.cursor()))
    assert got == [(1, 1)]


@pytest.mark.parametrize("replay", [1, 64, 65, 200])
def test_those_who_come_late_get_at_least_what_is_replayed_and_the_right_state(
    replay: int,
) -> None:
    log = make(replay)
    present = log.cursor()
    everything = []
    for n in range(1000):
        add(log, n)
        everything.append((n, n * (n + 1) // 2))
        late = drain(log.cursor())
        assert late == everything[-len(late) :]
        assert min(replay, n + 1) <= len(late) < replay + 128
    assert drain(present) == everything


def test_what_is_not_replayed_is_forgotten() -> None:
    class Entry:
        """Something that can be missed."""

    log: Log[None, Entry, Entry] = Log(None, lambda state, entry: (state, entry), 10)
    first = Entry()
    gone = weakref.ref(first)
    with log.lock:
        log.append([first])
    del first
    assert gone() is not None
    with log.lock:
        log.append([Entry() for _ in range(200)])
    gc.collect()
    assert gone() is None


def test_what_weighs_too_much_becomes_part_of_the_state_that_late_readers_begin_with() -> None:
    log: Log[int, int, int] = Log(
        0, lambda state, entry: (state + entry, state + entry), weigh=lambda _: 10, most=1000
    )
    early = log.cursor()
    with log.lock:
        for _ in range(1000):
            log.append([1])
    late = log.cursor()
    seen: list[int] = []
    while taken := late.take():
        seen += taken
    assert seen[-1] == 1000
    assert 50 <= len(seen) <= 110  # 1,000 of 10 each, and the chunk that is written to
    assert seen == list(range(1001 - len(seen), 1001))
    kept: list[int] = []
    while taken := early.take():
        kept += taken
    assert kept == list(range(1, 1001))  # who was there gets all
