"""hedge and Percentile, in virtual time."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.testing import TestScheduler

from rxgradio import OutputUpdate, fanin
from rxgradio.fanin import Percentile
from tests.fanin.streams import (
    ERROR,
    LOST,
    SOON,
    START,
    World,
    on_completed,
    on_error,
    on_next,
)

A, B = OutputUpdate("a"), OutputUpdate("b")


def two(world: World, *first: Any, second: tuple[Any, ...] = ()) -> tuple[Any, Any]:
    return world.cold("a", *first), world.cold("b", *second)


def test_who_is_quick_has_no_copy() -> None:
    world = World()
    a, b = two(world, on_next(5, START), on_next(29, A), on_completed(100))
    assert world.run(lambda: fanin.hedge(a, b, after=30)) == [
        on_next(205, START),
        on_next(229, A),
        on_completed(300),
    ]
    assert world.spans() == {"a": [(200, 300)], "b": []}


def test_a_copy_that_overtakes_is_passed_on_and_the_first_is_left() -> None:
    world = World()
    second = (on_next(5, START), on_next(20, B), on_completed(30))
    a, b = two(world, on_next(5, START), on_next(90, A), second=second)
    assert world.run(lambda: fanin.hedge(a, b, after=30)) == [
        on_next(205, START),
        on_next(250, START),
        on_next(250, B),
        on_completed(260),
    ]
    assert world.spans() == {"a": [(200, 250)], "b": [(230, 260)]}


def test_a_copy_that_does_not_overtake_is_left() -> None:
    world = World()
    second = (on_next(5, START), on_next(20, B))
    a, b = two(world, on_next(5, START), on_next(40, A), on_completed(60), second=second)
    assert world.run(lambda: fanin.hedge(a, b, after=30)) == [
        on_next(205, START),
        on_next(240, A),
        on_completed(260),
    ]
    assert world.spans() == {"a": [(200, 260)], "b": [(230, 240)]}


def test_the_copy_is_the_same_stream_once_more_unless_there_is_another() -> None:
    world = World()
    a = world.cold("a", on_next(50, A), on_completed(50))
    assert world.run(lambda: fanin.hedge(a, after=30)) == [on_next(250, A), on_completed(250)]
    assert world.spans() == {"a": [(200, 250), (230, 250)]}


def test_what_fails_before_there_is_a_copy_is_passed_on() -> None:
    world = World()
    a, b = two(world, on_error(20, ERROR))
    assert world.run(lambda: fanin.hedge(a, b, after=30)) == [on_error(220, ERROR)]
    assert world.spans()["b"] == []


def test_of_two_under_way_one_may_fail() -> None:
    world = World()
    a, b = two(world, on_error(40, ERROR), second=(on_next(20, B), on_completed(20)))
    got = world.run(lambda: fanin.hedge(a, b, after=30))
    assert got == [on_next(250, B), on_completed(250)]


def test_if_both_fail_both_errors_are_told() -> None:
    world = World()
    a, b = two(world, on_error(40, ERROR), second=(on_error(20, LOST),))
    (last,) = world.run(lambda: fanin.hedge(a, b, after=30))
    assert last.time == 250
    assert list(last.value.exception.exceptions) == [ERROR, LOST]


@pytest.mark.parametrize("disposed", [220, 240])
def test_disposing_leaves_what_is_under_way_and_begins_nothing(disposed: int) -> None:
    world = World()
    a, b = two(world, on_next(90, A), second=(on_next(90, B),))
    assert world.run(lambda: fanin.hedge(a, b, after=30), disposed=disposed) == []
    second = [(230, disposed)] if disposed > 230 else []
    assert world.spans() == {"a": [(200, disposed)], "b": second}


def test_the_time_may_be_kept_by_another_scheduler() -> None:
    world, other = World(), World()
    a, b = two(world, on_next(90, A), second=(on_next(10, B),))
    world.run(lambda: fanin.hedge(a, b, after=30, scheduler=other.scheduler), disposed=240)
    assert world.spans() == {"a": [(200, 240)], "b": []}


def test_without_a_scheduler_time_is_real() -> None:
    begun = threading.Event()

    def subscribe(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
        begun.set()
        return Disposable()

    with fanin.hedge(reactivex.never(), Observable(subscribe), after=0.01).subscribe():
        assert begun.wait(SOON)


class Watched(TestScheduler):
    """A scheduler whose timers are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[tuple[SingleAssignmentDisposable, Any]] = []

    def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
        self.timers.append((SingleAssignmentDisposable(), action))
        return self.timers[-1][0]


@pytest.mark.parametrize("how", ["output", "error", "dispose"])
def test_the_timer_is_taken_back_and_comes_to_nothing_if_it_is_too_late_for_that(
    how: str,
) -> None:
    clock = Watched()
    stream: Subject[int] = Subject()
    begun: list[int] = []
    copy = Observable(lambda *_: begun.append(1) or Disposable())
    hedged = fanin.hedge(stream, copy, after=30, scheduler=clock)
    subscription = hedged.subscribe(lambda _: None, lambda _: None)
    ((timer, due),) = clock.timers
    assert not timer.is_disposed
    if how == "output":
        stream.on_next(1)
    elif how == "error":
        stream.on_error(ERROR)
    else:
        subscription.dispose()
    assert timer.is_disposed
    due(clock)
    assert begun == []


def test_a_time_is_not_negative() -> None:
    with pytest.raises(ValueError, match="after"):
        fanin.hedge(World().cold("a"), after=-1)


# ---- Percentile


def test_it_knows_how_long_most_calls_take() -> None:
    most = Percentile(90, least=10, most=10)
    for n in range(9):
        most.record(n)
    assert most.seconds is None
    most.record(9)
    assert most.seconds == 8
    assert repr(most) == "<Percentile 90: 8 s>"
    for _ in range(10):
        most.record(2.0)
    assert most.seconds == 2.0


@pytest.mark.parametrize(
    "wrong", [{"percent": 0}, {"percent": 100}, {"least": 0}, {"most": 5}, {"initial": -1}]
)
def test_its_numbers_are_in_their_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not"):
        Percentile(**{"percent": 95, **wrong})


def test_until_enough_is_known_the_initial_time_is_waited_for() -> None:
    assert Percentile(95, initial=3).seconds == 3


def test_no_copy_is_made_while_too_little_is_known() -> None:
    world = World()
    a, b = two(world, on_next(90, A), on_completed(95))
    most = Percentile(95, least=1)
    assert world.run(lambda: fanin.hedge(a, b, after=most)) == [on_next(290, A), on_completed(295)]
    assert world.spans()["b"] == []
    assert most.seconds == 90


def test_it_learns_also_of_those_that_were_overtaken() -> None:
    world = World()
    most = Percentile(50, initial=30, least=2)
    a, b = two(world, on_next(90, A), second=(on_next(20, B), on_completed(20)))
    world.run(lambda: fanin.hedge(a, b, after=most))
    most.record(100)
    assert most.seconds == 50  # the first took longer than that: it was left then


def test_it_learns_nothing_of_those_that_fail() -> None:
    world = World()
    most = Percentile(50, initial=30, least=1)
    a, b = two(world, on_error(40, ERROR), second=(on_next(20, B), on_completed(20)))
    world.run(lambda: fanin.hedge(a, b, after=most))
    assert most.seconds == 30


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))
def test_a_hedge_is_a_race_with_a_late_start(first: int, second: int, after: int) -> None:
    world = World()
    a, b = two(world, on_next(first, "a"), on_completed(first), second=(on_next(second, "b"),))
    got = world.run(lambda: fanin.hedge(a, b, after=after), disposed=900)
    assert got[0].time == 200 + min(first, after + second)
    spans = world.spans()
    if first < after:
        assert (got[0].value.value, spans["b"]) == ("a", [])
    elif first != after + second and first != after:
        winner = "a" if first < after + second else "b"
        assert got[0].value.value == winner
        assert spans["a"] == [(200, got[0].time)]
        assert spans["b"] == [(200 + after, 900 if winner == "b" else got[0].time)]


def test_no_thread_waits_with_it() -> None:
    """`run` gives a scheduler that has a thread for each timer."""
    before = set(threading.enumerate())
    assert fanin.hedge(reactivex.of(1), after=100).run() == 1
    new = {thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()}
    assert all(name.startswith("rxgradio-") for name in new)
