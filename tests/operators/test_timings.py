"""When a call got where."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject
from reactivex.scheduler import CurrentThreadScheduler, VirtualTimeScheduler

from rxgradio import ProgressUnit, Status, Update
from rxgradio.operators import Timings, timings
from tests.contract.app import SOON
from tests.operators.virtual import (
    STORY,
    call,
    final,
    on_completed,
    on_error,
    on_next,
    out,
    ran,
    reports,
    status,
)

STARTS = status(Status.STARTING)


def test_each_mark_when_it_is_reached() -> None:
    assert ran(timings()).messages == [
        on_next(220, Timings(queued=20)),
        on_next(230, Timings(queued=20, started=30)),
        on_next(260, Timings(queued=20, started=30, first_output=60)),
        on_next(290, Timings(queued=20, started=30, first_output=60, done=90)),
        on_completed(300),
    ]


def test_a_call_that_skips_the_queue_has_no_mark_for_it() -> None:
    told = ran(timings(), call(STARTS, final("a"), status(Status.FINISHED)))
    assert told.values == [Timings(None, 20, 20), Timings(None, 20, 20, 30)]


def test_progress_and_outputs_are_signs_of_running() -> None:
    assert ran(timings(), call(reports(ProgressUnit(1, 2))), end=None).values == [Timings(None, 10)]
    assert ran(timings(), call(out("a")), end=None).values == [Timings(None, 10, 10)]


def test_a_failure_is_done_before_its_error_and_once() -> None:
    error = ValueError("no")
    told = ran(timings(), call(STARTS, status(Status.FINISHED, success=False)), error=error)
    assert told.messages == [on_next(220, Timings(done=20)), on_error(300, error)]
    told = ran(timings(), call(STARTS), error=error)
    assert told.messages == [on_next(300, Timings(done=100)), on_error(300, error)]


def test_a_cancel_is_an_end() -> None:
    cancelled = status(Status.CANCELLED, success=False)
    assert ran(timings(), call(STARTS, cancelled), end=None).values == [Timings(done=20)]


def test_another_attempt_is_the_same_call_and_another_call_is_not() -> None:
    again = [status(Status.STARTING, attempt=2), status(Status.IN_QUEUE, attempt=2)]
    queued = status(Status.IN_QUEUE)
    assert ran(timings(), call(STARTS, queued, *again), end=None).values == [Timings(20)]
    told = ran(timings(), call(STARTS, queued, STARTS, queued), end=None)
    assert told.messages == [on_next(220, Timings(20)), on_next(240, Timings(10))]


def test_the_clock_may_be_given() -> None:
    clock = VirtualTimeScheduler(initial_clock=5)
    source: Subject[Update] = Subject()
    seen: list[Timings] = []
    source.pipe(timings(clock)).subscribe(seen.append, scheduler=CurrentThreadScheduler())
    clock.sleep(7)
    source.on_next(out("a"))
    assert seen == [Timings(None, 7, 7)]


def test_without_one_it_is_the_time_of_the_day() -> None:
    source: Subject[Update] = Subject()
    seen: list[Timings] = []
    source.pipe(timings()).subscribe(seen.append)
    for _, update in STORY:
        source.on_next(update)
    marks = [seen[-1].queued, seen[-1].started, seen[-1].first_output, seen[-1].done]
    known = [mark for mark in marks if mark is not None]
    assert len(known) == 4
    assert all(0 <= mark < SOON for mark in known)
    assert not any(thread.name == "Timer" for thread in threading.enumerate())


@given(st.lists(st.sampled_from([update for _, update in STORY[1:]])))
def test_marks_stay_and_grow_in_number(updates: list[Update]) -> None:
    told = ran(timings(), [(210 + n, update) for n, update in enumerate(updates)], end=900)
    before: dict[str, float] = {}
    for message in told.messages[:-1]:
        value = message.value.value
        marks = {
            name: mark for name in Timings.__slots__ if (mark := getattr(value, name)) is not None
        }
        assert before.items() < marks.items()
        assert {marks[name] for name in marks.keys() - before.keys()} == {message.time - 200}
        before = marks
    assert "done" in before
