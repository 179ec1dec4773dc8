"""race and fail_over, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxgradio import Job, OutputUpdate, Status, StatusUpdate, fanin
from rxgradio.fanin import Labelled, labelled
from rxgradio.operators import keep_errors, outputs, snapshots
from tests.fanin.streams import (
    END,
    ERROR,
    FAILED,
    LOST,
    START,
    World,
    on_completed,
    on_error,
    on_next,
)

QUEUED = StatusUpdate(Status.IN_QUEUE, rank=3)
RUNS = StatusUpdate(Status.PROCESSING)
A, B = OutputUpdate("a"), OutputUpdate("b")
B_FINAL = OutputUpdate("b", final=True)


def errors_of(message: Any) -> list[Exception]:
    error = message.value.exception
    assert isinstance(error, ExceptionGroup)
    return list(error.exceptions)


# ---- race


def test_the_first_output_wins_and_not_the_first_status() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(10, QUEUED), on_next(90, A))
    b = world.cold(
        "b",
        *(on_next(20, START), on_next(30, RUNS), on_next(50, B), on_next(70, B_FINAL)),
        *(on_next(70, END), on_completed(70)),
    )
    assert world.run(lambda: fanin.race(a, b)) == [
        on_next(205, START),  # of the first, until another has an output
        on_next(210, QUEUED),
        on_next(250, START),
        on_next(250, RUNS),
        on_next(250, B),
        on_next(270, B_FINAL),
        on_next(270, END),
        on_completed(270),
    ]
    assert world.spans() == {"a": [(200, 250)], "b": [(200, 270)]}


def test_if_the_first_wins_nothing_is_said_twice() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(30, A), on_completed(60))
    b = world.cold("b", on_next(5, START), on_next(50, B))
    assert world.run(lambda: fanin.race(a, b)) == [
        on_next(205, START),
        on_next(230, A),
        on_completed(260),
    ]
    assert world.spans() == {"a": [(200, 260)], "b": [(200, 230)]}


def test_who_fails_is_out_of_the_race() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(20, FAILED), on_error(20, ERROR))
    b = world.cold("b", on_next(10, START), on_next(15, QUEUED), on_next(30, RUNS), on_next(40, B))
    assert world.run(lambda: fanin.race(a, b), disposed=300) == [
        on_next(205, START),
        on_next(220, START),  # b is now the first
        on_next(220, QUEUED),
        on_next(230, RUNS),
        on_next(240, B),
    ]
    assert world.spans() == {"a": [(200, 220)], "b": [(200, 300)]}


def test_who_fails_behind_the_first_is_not_heard_of() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(40, A), on_completed(50))
    b = world.cold("b", on_next(5, START), on_next(20, FAILED), on_error(20, ERROR))
    assert world.run(lambda: fanin.race(a, b)) == [
        on_next(205, START),
        on_next(240, A),
        on_completed(250),
    ]


def test_if_all_fail_all_errors_are_told_in_the_order_of_the_streams() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(40, FAILED), on_error(40, ERROR))
    b = world.cold("b", on_next(5, START), on_next(20, FAILED), on_error(20, LOST))
    *said, last = world.run(lambda: fanin.race(a, b))
    assert said == [on_next(205, START), on_next(240, FAILED)]
    assert last.time == 240
    assert errors_of(last) == [ERROR, LOST]
    assert str(last.value.exception).startswith("all 2 streams of a race failed")


def test_the_error_of_the_winner_is_passed_on() -> None:
    world = World()
    a = world.cold("a", on_next(20, A), on_next(30, FAILED), on_error(30, ERROR))
    b = world.cold("b", on_next(50, B))
    got = world.run(lambda: fanin.race(a, b))
    assert got == [on_next(220, A), on_next(230, FAILED), on_error(230, ERROR)]


def test_a_race_of_one_is_that_one() -> None:
    world = World()
    a = world.cold("a", on_next(10, START), on_next(20, FAILED), on_error(20, ERROR))
    assert world.run(lambda: fanin.race(a)) == [
        on_next(210, START),
        on_next(220, FAILED),
        on_error(220, ERROR),
    ]


def test_who_completes_without_an_output_has_won() -> None:
    world = World()
    a, b = world.cold("a", on_next(50, 1)), world.cold("b", on_completed(20))
    assert world.run(lambda: fanin.race(a, b)) == [on_completed(220)]
    assert world.spans() == {"a": [(200, 220)], "b": [(200, 220)]}


def test_a_failure_that_is_kept_is_all_there_is_of_who_has_won_by_completing() -> None:
    world = World()
    a = world.cold("a", on_next(50, A))
    b = world.cold("b", on_next(20, FAILED), on_error(20, ERROR))
    (kept, end) = world.run(lambda: fanin.race(a, b.pipe(keep_errors())))
    assert kept.value.value.error is ERROR
    assert end == on_completed(220)


def test_of_other_streams_every_value_is_an_output() -> None:
    world = World()
    a = world.cold("a", on_next(20, START), on_next(30, A), on_completed(40))
    b = world.cold("b", on_next(10, START), on_next(25, B), on_completed(90))
    assert world.run(lambda: fanin.race(a.pipe(outputs()), b.pipe(outputs()))) == [
        on_next(225, "b"),
        on_completed(290),
    ]


def test_labels_do_not_hide_what_is_a_status() -> None:
    world = World()
    a = world.cold("a", on_next(10, START), on_next(30, A))
    b = world.cold("b", on_next(15, START), on_next(20, B), on_completed(40))
    labels = a.pipe(labelled("a")), b.pipe(labelled("b"), labelled("replicas"))
    assert world.run(lambda: fanin.race(*labels)) == [
        on_next(210, Labelled("a", START)),
        on_next(220, Labelled("replicas", Labelled("b", START))),
        on_next(220, Labelled("replicas", Labelled("b", B))),
        on_completed(240),
    ]


def test_operators_see_one_call_in_the_place_of_another() -> None:
    world = World()
    a = world.cold("a", on_next(10, START), on_next(15, QUEUED), on_next(90, A))
    b = world.cold("b", on_next(15, START), on_next(20, B_FINAL), on_completed(20))
    views = world.run(lambda: fanin.race(a, b).pipe(snapshots()))
    assert [each.value.value.rank for each in views[:-1]] == [None, 3, None, None]
    assert views[-2].value.value.output == "b"


def test_disposing_leaves_all_that_race() -> None:
    world = World()
    a, b = world.cold("a", on_next(10, START)), world.cold("b", on_next(10, START))
    assert world.run(lambda: fanin.race(a, b), disposed=230) == [on_next(210, START)]
    assert world.spans() == {"a": [(200, 230)], "b": [(200, 230)]}


def test_who_has_an_output_at_once_leaves_the_others_alone() -> None:
    world = World()
    b = world.cold("b", on_next(10, 1))

    def subscribe(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
        observer.on_next(1)
        return Disposable()

    got = world.run(lambda: fanin.race(Observable(subscribe), b))
    assert got == [on_next(200, 1)]
    assert world.spans()["b"] == []


def test_the_last_status_of_who_fails_is_told_only_if_nobody_takes_its_place() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_error(20, ERROR))
    b = world.cold("b", on_next(10, START), on_next(15, FAILED), on_error(25, ERROR))
    c = world.cold("c", on_next(12, START), on_next(30, FAILED), on_error(30, LOST))
    *said, last = world.run(lambda: fanin.race(a, b, c))
    assert said == [
        on_next(205, START),
        on_next(220, START),  # of b
        on_next(225, START),  # of c
        on_next(230, FAILED),
    ]
    assert errors_of(last) == [ERROR, ERROR, LOST]
    again = World()
    a = again.cold("a", on_next(5, START), on_error(20, ERROR))
    b = again.cold("b", on_next(10, START), on_next(15, FAILED), on_error(25, ERROR))
    *said, last = again.run(lambda: fanin.race(a, b))
    assert said == [on_next(205, START), on_next(220, START), on_next(225, FAILED)]


def test_what_is_kept_of_those_behind_is_bounded() -> None:
    world = World()
    statuses = [StatusUpdate(Status.IN_QUEUE, rank=n) for n in range(3000)]
    a = world.cold("a", on_next(5, START))
    b = world.cold("b", *(on_next(10, each) for each in statuses), on_next(20, B))
    got = world.run(lambda: fanin.race(a, b), disposed=300)
    assert [each.value.value for each in got] == [START, *statuses[-1000:], B]


@pytest.mark.parametrize("make", [fanin.race, fanin.fail_over])
def test_there_must_be_streams(make: Any) -> None:
    with pytest.raises(ValueError, match="streams"):
        make()
    with pytest.raises(TypeError, match="`updates`"):
        make(Job.__new__(Job))


times = st.tuples(
    st.integers(1, 60), st.integers(1, 60), st.sampled_from(["output", "error", "nothing"])
)


@given(st.lists(times, min_size=1, max_size=5))
def test_there_is_exactly_one_winner(calls: list[tuple[int, int, str]]) -> None:
    world = World()
    streams: list[Any] = []
    decisions: list[tuple[int, int]] = []
    for n, (wait, work, outcome) in enumerate(calls):
        at = wait + work
        if outcome == "output":
            rest = [on_next(at, OutputUpdate(n)), on_completed(at + 7)]
        else:
            rest = [on_error(at, ERROR)] if outcome == "error" else [on_completed(at)]
        if outcome != "error":
            decisions.append((at, n))
        status = StatusUpdate(Status.STARTING, rank=n)
        streams.append(world.cold(f"{n}", on_next(wait, status), *rest))
    got = world.run(lambda: fanin.race(*streams))
    spans = [span for each in world.spans().values() for span in each]
    assert len(spans) == len(calls)
    seen = [each.value.value for each in got[:-1]]
    if not decisions:
        assert got[-1].value.kind == "E"
        return
    at, winner = min(decisions)
    assert got[-1].value.kind == "C"
    made = [each.outputs for each in seen if isinstance(each, OutputUpdate)]
    assert made == ([winner] if calls[winner][2] == "output" else [])
    last = [each.rank for each in seen if isinstance(each, StatusUpdate)][-1]
    assert last == winner
    # Each loser is left when it has failed, or at the moment of the decision.
    for n, (wait, work, _) in enumerate(calls):
        if n != winner:
            assert spans[n][1] == 200 + min(at, wait + work)


# ---- fail_over


def test_the_next_one_takes_the_place_of_one_that_fails() -> None:
    world = World()
    a = world.cold("a", on_next(5, START), on_next(20, FAILED), on_error(20, LOST))
    b = world.cold("b", on_next(5, START), on_next(20, B), on_completed(30))
    assert world.run(lambda: fanin.fail_over(a, b)) == [
        on_next(205, START),
        on_next(225, START),
        on_next(240, B),
        on_completed(250),
    ]
    assert world.spans() == {"a": [(200, 220)], "b": [(220, 250)]}


def test_what_does_not_fail_needs_no_other() -> None:
    world = World()
    a, b = world.cold("a", on_next(5, A), on_completed(20)), world.cold("b", on_next(5, B))
    assert world.run(lambda: fanin.fail_over(a, b)) == [on_next(205, A), on_completed(220)]
    assert world.spans()["b"] == []


def test_an_error_behind_an_output_is_passed_on() -> None:
    world = World()
    a, b = world.cold("a", on_next(5, A), on_error(20, LOST)), world.cold("b", on_next(5, B))
    assert world.run(lambda: fanin.fail_over(a, b)) == [on_next(205, A), on_error(220, LOST)]
    assert world.spans()["b"] == []


def test_if_all_fail_the_errors_are_told() -> None:
    world = World()
    a, b = world.cold("a", on_error(20, LOST)), world.cold("b", on_error(20, ERROR))
    (last,) = world.run(lambda: fanin.fail_over(a, b))
    assert last.time == 240
    assert errors_of(last) == [LOST, ERROR]


def lost(error: Exception) -> bool:
    return isinstance(error, ConnectionError)


def test_only_after_some_errors_the_next_one_is_tried() -> None:
    world = World()
    a = world.cold("a", on_error(10, LOST))
    b = world.cold("b", on_next(5, START), on_next(10, FAILED), on_error(10, ERROR))
    c = world.cold("c", on_next(10, 1))
    assert world.run(lambda: fanin.fail_over(a, b, c, only=lost)) == [
        on_next(215, START),
        on_next(220, FAILED),
        on_error(220, ERROR),
    ]
    assert world.spans() == {"a": [(200, 210)], "b": [(210, 220)], "c": []}


def test_what_it_raises_is_the_error() -> None:
    world = World()
    a, b = world.cold("a", on_error(10, LOST)), world.cold("b", on_next(10, 1))

    def fails(error: Exception) -> bool:
        raise ERROR

    assert world.run(lambda: fanin.fail_over(a, b, only=fails)) == [on_error(210, ERROR)]
    assert world.spans()["b"] == []


def test_disposing_leaves_the_one_that_goes_on_and_begins_no_other() -> None:
    world = World()
    a, b = world.cold("a", on_error(10, LOST)), world.cold("b", on_error(30, LOST))
    c = world.cold("c", on_next(10, 1))
    assert world.run(lambda: fanin.fail_over(a, b, c), disposed=220) == []
    assert world.spans() == {"a": [(200, 210)], "b": [(210, 220)], "c": []}


def test_a_long_list_that_fails_at_once_takes_no_stack() -> None:
    failing: list[Any] = [reactivex.throw(ERROR)] * 3000
    got: list[Any] = []
    fanin.fail_over(*failing, reactivex.of(1)).subscribe(got.append)
    assert got == [1]


@given(st.lists(times, min_size=1, max_size=5))
def test_one_after_another_until_one_does_not_fail(calls: list[tuple[int, int, str]]) -> None:
    world = World()
    streams: list[Any] = []
    for n, (wait, _, outcome) in enumerate(calls):
        ends = on_error(wait, ERROR) if outcome == "error" else on_completed(wait)
        streams.append(world.cold(f"{n}", *([on_next(wait, n)] * (outcome == "output")), ends))
    got = world.run(lambda: fanin.fail_over(*streams).pipe(ops.materialize()))
    tried = next((n for n, call in enumerate(calls) if call[2] != "error"), len(calls)) + 1
    at = 200
    for n, (wait, *_) in enumerate(calls):
        assert world.spans()[f"{n}"] == ([(at, at + wait)] if n < tried else [])
        at += wait
    failed = all(outcome == "error" for _, _, outcome in calls)
    assert got[-2].value.value.kind == ("E" if failed else "C")


def test_the_function_is_not_asked_of_an_error_that_is_passed_on_anyway() -> None:
    world = World()
    a, b = world.cold("a", on_next(5, A), on_error(20, LOST)), world.cold("b", on_next(5, B))
    asked: list[Exception] = []
    got = world.run(lambda: fanin.fail_over(a, b, only=lambda error: not asked.append(error)))
    assert got == [on_next(205, A), on_error(220, LOST)]
    assert asked == []
