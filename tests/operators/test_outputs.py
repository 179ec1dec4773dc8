"""The values of a stream of updates, and the rest of it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from rxgradio import Job, OutputUpdate, Status, StatusUpdate, Update
from rxgradio.job import Communicator, Run
from rxgradio.operators import outputs, result, statuses
from rxgradio.protocol.event import Values
from tests.operators.virtual import (
    STORY,
    call,
    final,
    log,
    on_completed,
    on_next,
    out,
    ran,
    status,
)

STARTS = status(Status.STARTING)


def test_what_was_yielded() -> None:
    assert ran(outputs()).messages == [on_next(260, "a"), on_next(270, "ab"), on_completed(300)]


def test_the_final_value_if_nothing_was_yielded() -> None:
    told = ran(outputs(), call(STARTS, final("a")))
    assert told.messages == [on_next(220, "a"), on_completed(300)]


def test_none_is_a_value() -> None:
    assert ran(outputs(), call(out(None), final(None))).values == [None]
    assert ran(outputs(), call(final(None))).values == [None]


def test_each_call_of_a_stream_of_several_counts_for_itself() -> None:
    plain = [STARTS, final("a"), STARTS, final("b"), STARTS, final("b")]
    assert ran(outputs(), call(*plain)).values == ["a", "b", "b"]
    unannounced = [out("a"), final("a"), final("b"), final("c")]
    assert ran(outputs(), call(*unannounced)).values == ["a", "b", "c"]
    superseded = [STARTS, out("a"), STARTS, final("b"), STARTS, out("c"), final("c")]
    assert ran(outputs(), call(*superseded)).values == ["a", "b", "c"]


def test_another_attempt_is_the_same_call() -> None:
    again = status(Status.STARTING, attempt=2)
    lost = [STARTS, out("a"), again, out("b", attempt=2), final("b", attempt=2)]
    assert ran(outputs(), call(*lost)).values == ["a", "b"]


def test_where_some_may_be_missing_the_final_one_comes_unless_it_was_the_last() -> None:
    seen = call(STARTS, out("a"), final("ab"))
    assert ran(outputs(misses=True), seen).values == ["a", "ab"]
    assert ran(outputs(), seen).values == ["a"]
    assert ran(outputs(misses=True)).values == ["a", "ab"]


def test_statuses_are_the_rest_in_order() -> None:
    told = ran(statuses())
    assert told.messages[:-1] == [
        on_next(time, update) for time, update in STORY if isinstance(update, StatusUpdate)
    ]


def test_the_result_comes_once_with_the_final_output() -> None:
    assert ran(result()).messages == [on_next(280, "ab"), on_completed(280)]
    assert ran(result(), call(out("a"))).messages == [on_completed(300)]
    several = call(STARTS, final("a"), STARTS, final("b"))
    assert ran(result(), several).messages == [on_next(220, "a"), on_completed(220)]


UPDATES = st.lists(st.one_of(st.builds(out, st.integers()), st.builds(log, st.text())), max_size=9)


@given(UPDATES, st.integers())
def test_outputs_are_those_of_the_job(updates: list[Update], value: int) -> None:
    job = Job(communicator=Communicator("/f", lambda data: data[0], STARTS))
    run = Run(job, {}, None)
    for update in updates:
        entry: Any = update
        if isinstance(update, OutputUpdate):
            entry = Values([update.outputs], final=False)
        run.publish([entry], status(Status.ITERATING))
    success = status(Status.FINISHED, success=True)
    run.finish([Values([value], final=True), success], success, None)
    told = job.updates.outputs().pipe(ops.to_list()).run()
    assert told == job.outputs() == list(job)
    assert job.updates.result().run() == job.result()


@given(UPDATES)
def test_each_update_is_an_output_or_a_status(updates: list[Update]) -> None:
    story = call(*updates)
    all_of_them = [*ran(outputs(), story, end=900).messages[:-1]]
    all_of_them += ran(statuses(), story, end=900).messages[:-1]
    assert sorted(each.time for each in all_of_them) == [time for time, _ in story]
