"""Readers that do not keep up: what they get, what they miss, and what they hold."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgradio import ConsumerTooSlow
from rxgradio.runtime.log import DroppingCursor, End, FailingCursor, LatestCursor, Log
from rxgradio.runtime.reading import aread, placing, read
from tests.runtime.test_log import add, drain, total

SOON = 10.0
Sums = Log[int, int, tuple[int, int]]


def last(updates: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [updates[-1]]


def error() -> Exception:
    return ConsumerTooSlow("too slow")


def test_who_wants_the_latest_gets_it_and_with_it_all_that_was_before() -> None:
    log: Sums = Log(0, total)
    cursor = LatestCursor(log, last)
    add(log, *range(1, 1001))
    assert cursor.take() == [(1000, 500_500)]
    assert cursor.take() == []
    add(log, 1, end=End())
    assert cursor.end is None
    assert cursor.take() == [(1, 500_501)]
    assert cursor.end == End()


STEPS = st.lists(st.integers(0, 200).map(lambda n: ("add", n)) | st.just(("take", 0)), max_size=40)


@given(STEPS, st.integers(1, 150), st.none() | st.integers(0, 100))
def test_who_drops_the_oldest_is_never_further_behind_and_misses_nothing_newer(
    steps: list[tuple[str, int]], most: int, replay: int | None
) -> None:
    log: Sums = Log(0, total, replay)
    cursor = DroppingCursor(log, most)
    added, at = 0, 0
    for what, n in [*steps, *[("take", 0)] * 200]:
        if what == "add":
            add(log, *range(added, added + n))
            added += n
        else:
            at = max(at, added - most)
            wanted = [(at, at * (at + 1) // 2)] if at < added else []
            assert cursor.take() == wanted
            at += len(wanted)
    assert at == added == cursor.position


@given(STEPS, st.integers(1, 150))
def test_who_allows_so_many_to_wait_fails_exactly_if_more_do(
    steps: list[tuple[str, int]], most: int
) -> None:
    log: Sums = Log(0, total, 0)
    cursor = FailingCursor(log, most, error)
    waiting, failed, taken = 0, False, 0
    for what, n in steps:
        if what == "add":
            add(log, *[1] * n)
            waiting += n
        else:
            failed = failed or waiting > most
            wanted = [] if failed or not waiting else [(1, taken + 1)]
            assert cursor.take() == wanted
            taken += len(wanted)
            waiting -= len(wanted)
            assert (cursor.end is not None) is failed


def test_the_error_of_who_is_too_slow_comes_before_the_end_and_stays() -> None:
    log: Sums = Log(0, total)
    cursor = FailingCursor(log, 2, error)
    add(log, 1, 2, 3, end=End())
    assert cursor.take() == []
    end = cursor.end
    assert end is not None
    assert isinstance(end.error, ConsumerTooSlow)
    assert cursor.take() == []
    assert cursor.end is end
    in_time = FailingCursor(log, 3, error)
    assert drain(in_time) == [(1, 1), (2, 3), (3, 6)]
    assert in_time.end == End()


class Thing:
    """An entry that tells when it is gone."""


@pytest.mark.parametrize("kind", ["latest", "drop_oldest", "error"])
def test_a_slow_reader_holds_nothing_that_the_log_forgets(kind: Any) -> None:
    log: Log[Thing, None, Thing] = Log(None, lambda state, entry: (state, entry), 0)
    cursor = placing(log, kind, 100, lambda things: list(things[-1:]))()
    first = Thing()
    gone = weakref.ref(first)
    add(log, first)
    del first
    add(log, *(Thing() for _ in range(300)))
    gc.collect()
    assert gone() is None
    taken = cursor.take()
    assert len(taken) == (0 if kind == "error" else 1)


def test_others_are_not_held_up_and_miss_nothing() -> None:
    log: Sums = Log(0, total)
    everything = log.cursor()
    slow = LatestCursor(log, last)
    add(log, *range(500))
    assert len(drain(everything)) == 500
    assert slow.take() == [(499, 124_750)]


@pytest.mark.parametrize("kind", ["latest", "drop_oldest", "error"])
def test_a_slow_reader_that_has_read_all_is_woken(kind: Any) -> None:
    log: Sums = Log(0, total, 0)
    cursor = placing(log, kind, 100, last)()
    add(log, 1)
    woken = threading.Event()
    assert not cursor.park(woken.set)
    assert cursor.take() == [(1, 1)]
    assert cursor.park(woken.set)
    assert not woken.is_set()
    add(log, 2)
    assert woken.is_set()
    assert cursor.take() == [(2, 3)]


@pytest.mark.parametrize("kind", ["latest", "drop_oldest", "error"])
def test_blocking_and_awaiting_readers_end_as_the_log_does(kind: Any) -> None:
    log: Sums = Log(0, total)
    make = placing(log, kind, 100, last)
    add(log, 1, 2, end=End(KeyError("x")))
    readers = read(make())

    async def main() -> list[Any]:
        updates = aread(make())
        return [await anext(updates) for _ in wanted] + [await failed(anext(updates))]

    async def failed(reading: Awaitable[Any]) -> type[Exception]:
        with pytest.raises(KeyError) as raised:
            await reading
        return raised.type

    wanted = [(2, 3)] if kind == "latest" else [(1, 1), (2, 3)]
    assert [next(readers) for _ in wanted] == wanted
    with pytest.raises(KeyError):
        next(readers)
    assert asyncio.run(main()) == [*wanted, KeyError]


def test_nothing_is_lost_between_a_thread_that_writes_and_one_that_reads_the_latest() -> None:
    log: Sums = Log(0, total)
    cursor = LatestCursor(log, last)

    def write() -> None:
        for n in range(5000):
            add(log, n)
        add(log, end=End())

    writer = threading.Thread(target=write)
    writer.start()
    seen = list(read(cursor))
    writer.join(SOON)
    assert seen[-1] == (4999, 12_497_500)
    assert all(sum(range(n + 1)) == so_far for n, so_far in seen)


def test_what_there_is_not_is_refused() -> None:
    log: Sums = Log(0, total)
    with pytest.raises(ValueError, match="'newest': it is one of 'buffer', 'latest'"):
        placing(log, "newest", 1, last)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most=0"):
        placing(log, "drop_oldest", 0, last)


def test_who_allows_so_many_to_wait_fails_if_the_log_cannot_keep_them() -> None:
    """The log has a bound of its own, in bytes: nothing is passed over in silence."""
    log: Sums = Log(0, total, None, lambda _: 100, 1000)
    cursor = FailingCursor(log, 1000, error)
    in_time = FailingCursor(log, 1000, error)
    for n in range(300):
        add(log, n)
        assert in_time.take() == [(n, n * (n + 1) // 2)]
    assert cursor.take() == []
    assert cursor.end is not None
    assert isinstance(cursor.end.error, ConsumerTooSlow)
    assert in_time.end is None
