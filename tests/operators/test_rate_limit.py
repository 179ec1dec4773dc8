"""rate_limit, in virtual time and with real threads."""

from __future__ import annotations

import math
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio.operators import rate_limit
from tests.contract.app import SOON, Seen

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")


def ran(
    operator: Any, *story: Recorded[Any], disposed: float = 1000
) -> tuple[list[Any], list[Subscription]]:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(*story)
    told = scheduler.start(lambda: source.pipe(operator), disposed=disposed)
    return told.messages, source.subscriptions


def at_once(at: int, values: str) -> list[Recorded[Any]]:
    return [on_next(at, each) for each in values]


def test_values_that_come_too_fast_are_delayed() -> None:
    messages, subscriptions = ran(rate_limit(0.1), *at_once(210, "abc"), on_completed(215))
    assert messages == [on_next(210, "a"), on_next(220, "b"), on_next(230, "c"), on_completed(230)]
    assert subscriptions == [Subscription(200, 215)]


def test_a_burst_may_come_at_once_after_a_pause() -> None:
    messages, _ = ran(rate_limit(0.1, 3), *at_once(210, "abcd"), *at_once(225, "ef"))
    assert messages == [
        *at_once(210, "abc"),
        on_next(220, "d"),
        on_next(230, "e"),
        on_next(240, "f"),
    ]
    messages, _ = ran(rate_limit(0.1, 3), *at_once(210, "abc"), *at_once(231, "def"))
    assert messages == [*at_once(210, "abc"), *at_once(231, "de"), on_next(240, "f")]


def test_slow_streams_are_not_delayed() -> None:
    story = [on_next(210, 1), on_next(220, 2), on_next(235, 3), on_completed(236)]
    messages, _ = ran(rate_limit(0.1), *story)
    assert messages == story


def test_an_error_comes_behind_what_waits() -> None:
    messages, subscriptions = ran(rate_limit(0.1), *at_once(210, "abc"), on_error(215, ERROR))
    assert messages == [*zip_times("abc"), on_error(230, ERROR)]
    assert subscriptions == [Subscription(200, 215)]


def zip_times(values: str) -> list[Recorded[Any]]:
    return [on_next(210 + 10 * n, each) for n, each in enumerate(values)]


def test_disposing_forgets_what_waits() -> None:
    messages, subscriptions = ran(rate_limit(0.1), *at_once(210, "abc"), disposed=225)
    assert messages == zip_times("ab")
    assert subscriptions == [Subscription(200, 225)]


def test_each_subscriber_has_a_rate_of_its_own() -> None:
    scheduler = TestScheduler()
    stream = scheduler.create_hot_observable(*at_once(210, "ab")).pipe(rate_limit(0.1))
    other = scheduler.create_observer()
    stream.subscribe(other, scheduler=scheduler)
    first = scheduler.start(lambda: stream)
    assert first.messages == other.messages == zip_times("ab")


class SetBack(TestScheduler):
    """A clock of the wall that is an hour slow from some time on; its timers are not."""

    def __init__(self, inner: TestScheduler) -> None:
        super().__init__()
        self._inner = inner
        self.by = 0.0

    @property
    def now(self) -> Any:
        return self._inner.now - timedelta(seconds=self.by)

    def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
        return self._inner.schedule_relative(duetime, action, state)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    scheduler = TestScheduler()
    clock = SetBack(scheduler)
    source: Subject[int] = Subject()
    got: list[tuple[float, int]] = []
    source.pipe(rate_limit(0.1, scheduler=clock)).subscribe(
        lambda n: got.append((scheduler.clock, n))
    )
    source.on_next(0)
    clock.by = 3600
    for n in range(1, 4):
        source.on_next(n)
    scheduler.start()
    assert got == [(0, 0), (10, 1), (20, 2), (30, 3)]


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (math.nan, 1), (1, 0)])
def test_what_is_no_rate_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match=r"rate|burst"):
        rate_limit(rate, burst)


def test_the_observer_is_not_called_faster_because_it_was_slow() -> None:
    """A value that waited for the observer and the next one have their distance too."""
    scheduler = TestScheduler()
    source: Subject[int] = Subject()
    entered, go_on = threading.Event(), threading.Event()
    got: list[tuple[float, int]] = []

    def slow(n: int) -> None:
        got.append((scheduler.clock, n))
        entered.set()
        assert go_on.wait(SOON)

    source.pipe(rate_limit(0.1, scheduler=scheduler)).subscribe(slow)
    feeder = threading.Thread(target=source.on_next, args=(0,))
    feeder.start()
    assert entered.wait(SOON)
    scheduler.advance_to(10)
    source.on_next(1)
    scheduler.advance_to(25)
    source.on_next(2)
    assert got == [(0, 0)]
    go_on.set()
    feeder.join(SOON)
    assert got == [(0, 0), (25, 1)]
    scheduler.start()
    assert got == [(0, 0), (25, 1), (35, 2)]


def test_in_real_time_from_many_threads() -> None:
    source: Subject[int] = Subject()
    seen = Seen()
    source.pipe(rate_limit(500, 3)).subscribe(seen)
    threads = [
        threading.Thread(
            target=lambda k: [source.on_next(100 * k + n) for n in range(20)], args=(k,)
        )
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    source.on_completed()
    seen.wait()
    assert sorted(seen.values) == [100 * k + n for k in range(4) for n in range(20)]
    for k in range(4):
        of_one = [value for value in seen.values if value // 100 == k]
        assert of_one == sorted(of_one)


@given(
    gaps=st.lists(st.integers(0, 30), max_size=20),
    gap=st.integers(1, 25),
    burst=st.integers(1, 4),
    fails=st.booleans(),
)
def test_the_laws_hold_for_any_schedule(gaps: list[int], gap: int, burst: int, fails: bool) -> None:
    """Nothing lost, order kept, never faster than allowed, and no later than needed."""
    times = [201 + sum(gaps[: n + 1]) for n in range(len(gaps))]
    end: Recorded[Any] = on_error(900, ERROR) if fails else on_completed(900)
    messages, _ = ran(
        rate_limit(1 / gap, burst),
        *(on_next(at, n) for n, at in enumerate(times)),
        end,
        disposed=2000,
    )
    *values, last = messages
    assert [each.value.value for each in values] == list(range(len(times)))
    assert last.value.kind == ("E" if fails else "C")
    came = [each.time for each in values]
    for n, first in enumerate(came):
        for m in range(n, len(came)):
            assert m - n + 1 <= (came[m] - first) / gap + burst + 1e-3
    for n, at in enumerate(came):
        # Either it did not wait, or it could not have come earlier.
        bound = max(
            [times[n]] + [came[m] + gap * (n - m - burst + 1) for m in range(n - burst + 1)]
        )
        assert at <= bound + 1e-3
