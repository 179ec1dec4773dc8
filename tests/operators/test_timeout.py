"""timeout and deadline, in virtual time and with real threads."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject
from reactivex import operators as ops
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import DeadlineExceeded
from rxgradio.operators import deadline, timeout
from tests.contract.app import SOON, Seen

on_next = ReactiveTest.on_next
on_completed = ReactiveTest.on_completed


def ran(
    operator: Any, *story: Recorded[Any], disposed: float = 1000
) -> tuple[list[Any], list[Subscription]]:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(*story)
    told = scheduler.start(lambda: source.pipe(operator), disposed=disposed)
    return told.messages, source.subscriptions


def exceeded(message: Any, at: float, allowed: float) -> None:
    assert message.time == at
    error = message.value.exception
    assert type(error) is DeadlineExceeded
    assert error.deadline == allowed
    assert f"{allowed:g} s" in str(error)


# deadline


def test_what_is_not_over_by_its_deadline_fails_and_is_left() -> None:
    messages, subscriptions = ran(deadline(100), on_next(250, 1), on_next(290, 2), on_next(310, 3))
    assert messages[:-1] == [on_next(250, 1), on_next(290, 2)]
    exceeded(messages[-1], 300, 100)
    assert subscriptions == [Subscription(200, 300)]


def test_what_is_over_in_time_has_met_its_deadline() -> None:
    messages, subscriptions = ran(deadline(100), on_next(250, 1), on_completed(299))
    assert messages == [on_next(250, 1), on_completed(299)]
    assert subscriptions == [Subscription(200, 299)]


def test_a_deadline_counts_for_each_subscription() -> None:
    scheduler = TestScheduler()
    stream = scheduler.create_hot_observable(on_next(250, 1)).pipe(deadline(100))
    late = scheduler.create_observer()
    scheduler.schedule_absolute(
        240.0, lambda *_: stream.subscribe(late, scheduler=scheduler) and None
    )
    first = scheduler.start(lambda: stream)
    exceeded(first.messages[-1], 300, 100)
    exceeded(late.messages[-1], 340, 100)


# timeout


def test_silence_is_counted_from_each_value() -> None:
    messages, subscriptions = ran(
        timeout(50), on_next(240, 1), on_next(285, 2), on_next(330, 3), on_next(381, 4)
    )
    assert messages[:-1] == [on_next(240, 1), on_next(285, 2), on_next(330, 3)]
    exceeded(messages[-1], 380, 50)
    assert subscriptions == [Subscription(200, 380)]


def test_a_value_that_comes_when_the_time_is_up_is_in_time() -> None:
    messages, _ = ran(timeout(50), on_next(250, 1), on_completed(300))
    assert messages == [on_next(250, 1), on_completed(300)]


@pytest.mark.parametrize(("seconds", "first"), [(50, 100), (100, 30), (50, math.inf)])
def test_the_first_value_may_have_a_time_of_its_own(seconds: float, first: float) -> None:
    messages, _ = ran(timeout(seconds, first=first), on_next(220, 1))
    exceeded(messages[-1], 220 + seconds, seconds)
    messages, _ = ran(timeout(seconds, first=first))
    if first < math.inf:
        exceeded(messages[-1], 200 + first, first)
    else:
        assert messages == []


def test_there_may_be_a_limit_for_the_first_alone() -> None:
    messages, _ = ran(timeout(math.inf, first=50), on_next(240, 1), on_next(900, 2))
    assert messages == [on_next(240, 1), on_next(900, 2)]


def test_silence_that_is_disposed_of_is_no_error() -> None:
    for operator in (timeout(50), deadline(50)):
        messages, subscriptions = ran(operator, on_next(240, 1), disposed=245)
        assert messages == [on_next(240, 1)]
        assert subscriptions == [Subscription(200, 245)]


def test_the_time_that_the_observer_takes_does_not_count() -> None:
    scheduler = TestScheduler()
    source: Subject[int] = Subject()
    got: list[Any] = []

    def slow(value: int) -> None:
        got.append(value)
        scheduler.sleep(500)  # runs nothing: all that was due meanwhile is late
        scheduler.schedule(lambda *_: source.on_next(2) if value == 1 else None)

    source.pipe(timeout(50, scheduler=scheduler)).subscribe(slow, got.append)
    scheduler.schedule_relative(10, lambda *_: source.on_next(1))
    scheduler.start()
    exceeded(Recorded(scheduler.clock, Failed(got[-1])), 10 + 500 + 500 + 50, 50)
    assert got[:-1] == [1, 2]


class Failed:
    """A notification of an error."""

    def __init__(self, exception: Exception) -> None:
        self.exception = exception


def test_a_timer_that_is_due_while_the_observer_works_looks_again() -> None:
    source: Subject[int] = Subject()
    seen: list[Any] = []
    entered, go_on, over = threading.Event(), threading.Event(), threading.Event()
    scheduler = TestScheduler()

    def slow(value: int) -> None:
        entered.set()
        assert go_on.wait(SOON)

    def failed(error: Exception) -> None:
        seen.append(error)
        over.set()

    source.pipe(timeout(50, scheduler=scheduler)).subscribe(slow, failed)
    feeder = threading.Thread(target=source.on_next, args=(1,))
    feeder.start()
    assert entered.wait(SOON)
    scheduler.advance_to(70)  # the timer is due at 50
    assert source.observers
    go_on.set()
    feeder.join(SOON)
    scheduler.advance_to(119)
    assert seen == []
    scheduler.advance_to(121)
    assert over.wait(SOON)
    assert isinstance(seen[0], DeadlineExceeded)


def test_a_deadline_leaves_the_source_however_slow_the_observer() -> None:
    source: Subject[int] = Subject()
    left, entered, go_on = threading.Event(), threading.Event(), threading.Event()

    class Slow(Seen):
        def on_next(self, value: Any) -> None:
            super().on_next(value)
            entered.set()
            assert go_on.wait(SOON)

    seen = Slow()
    source.pipe(ops.finally_action(left.set), deadline(0.02)).subscribe(seen)
    feeder = threading.Thread(target=source.on_next, args=(1,))
    feeder.start()
    assert entered.wait(SOON)
    assert left.wait(SOON)
    assert seen.error is None
    go_on.set()
    feeder.join(SOON)
    assert isinstance(seen.wait().error, DeadlineExceeded)


def test_a_value_costs_no_timer() -> None:
    timers: list[Any] = []

    class Counting(TestScheduler):
        def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
            timers.append(duetime)
            return super().schedule_relative(duetime, action, state)

    source: Subject[int] = Subject()
    source.pipe(timeout(50, scheduler=Counting())).subscribe()
    for n in range(100):
        source.on_next(n)
    assert timers == [50]


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    for make in (timeout, deadline, lambda n: timeout(1, first=n)):
        with pytest.raises(ValueError, match="positive"):
            make(seconds)


@given(
    gaps=st.lists(st.integers(1, 60), max_size=10),
    seconds=st.integers(1, 60),
    first=st.integers(1, 60),
)
def test_it_fails_at_the_first_gap_that_is_too_long(
    gaps: list[int], seconds: int, first: int
) -> None:
    times = [200 + sum(gaps[: n + 1]) for n in range(len(gaps))]
    messages, subscriptions = ran(timeout(seconds, first=first), *(on_next(t, t) for t in times))
    expected: list[int] = []
    due = 200 + first
    for at in times:
        if at > due:
            break
        expected.append(at)
        due = at + seconds
    assert messages[:-1] == [on_next(at, at) for at in expected]
    exceeded(messages[-1], due, first if not expected else seconds)
    assert subscriptions == [Subscription(200, due)]


def test_while_the_observer_is_at_work_it_looks_no_oftener_than_it_must() -> None:
    """The first value may have been allowed less time than the others are."""
    waits: list[float] = []

    class Clock(TestScheduler):
        def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
            waits.append(duetime)
            return super().schedule_relative(duetime, action, state)

    clock = Clock()
    source: Subject[int] = Subject()
    source.pipe(timeout(50, first=1, scheduler=clock)).subscribe(lambda _: clock.advance_by(90))
    source.on_next(1)
    assert waits == [1, 50, 50]
