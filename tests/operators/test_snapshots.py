"""All that is known of a call, in one value."""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgradio import AppError, ProgressUnit, Status, Update
from rxgradio.operators import Snapshot, snapshots
from tests.operators.virtual import (
    call,
    final,
    log,
    on_completed,
    on_next,
    out,
    ran,
    reports,
    status,
)

STARTS = status(Status.STARTING)
RUNS = status(Status.PROCESSING)
FAILED = status(Status.FINISHED, success=False)


def test_a_call_from_its_first_update_to_its_end() -> None:
    running = Snapshot(Status.PROGRESS, "1/4 steps", 0.25)
    assert ran(snapshots()).messages == [
        on_next(210, Snapshot()),
        on_next(220, Snapshot(Status.IN_QUEUE, rank=1, queue_size=2, eta=3.0)),
        on_next(230, Snapshot(Status.PROCESSING)),
        on_next(240, running),
        on_next(250, replace(running, text="careful")),
        on_next(260, replace(running, text="careful", output="a")),
        on_next(270, replace(running, text="careful", output="ab")),
        on_next(280, Snapshot(Status.FINISHED, "careful", 1.0, output="ab", done=True)),
        on_completed(300),
    ]


@pytest.mark.parametrize(
    ("error", "status_of_it", "phase"),
    [
        (AppError("no"), FAILED, Status.FINISHED),
        (CancelledError(), status(Status.CANCELLED, success=False), Status.CANCELLED),
        (TimeoutError(), None, Status.FINISHED),
    ],
    ids=["failed", "cancelled", "without a word"],
)
def test_an_error_is_a_value_in_the_last_one(
    error: Exception, status_of_it: Update | None, phase: Status
) -> None:
    updates = [STARTS, RUNS, out("a"), *([status_of_it] if status_of_it else [])]
    told = ran(snapshots(), call(*updates), error=error)
    assert [each.time for each in told.messages] == [210, 220, 230, 300, 300]
    assert told.values[-2] == Snapshot(Status.PROCESSING, output="a")
    last = told.values[-1]
    assert last == Snapshot(phase, output="a", error=error, done=True)
    assert told.messages[-1] == on_completed(300)


def test_an_error_before_anything_was_heard_is_told() -> None:
    error = ValueError("closed")
    told = ran(snapshots(), [], error=error)
    assert told.values == [Snapshot(Status.FINISHED, error=error, done=True)]


def test_a_failure_that_does_not_end_the_stream_is_told_with_its_error() -> None:
    error = AppError("no")
    told = ran(snapshots(), call(STARTS, replace(FAILED, error=error), STARTS, final("a")))
    assert [(each.error, each.done) for each in told.values] == [
        (None, False),
        (error, True),
        (None, False),
        (None, True),
    ]


def test_a_stream_that_ends_before_its_call_is_done_too() -> None:
    assert ran(snapshots(), call(STARTS, out("a"))).values == [
        Snapshot(),
        Snapshot(output="a"),
        Snapshot(output="a", done=True),
    ]


@pytest.mark.parametrize(
    ("bar", "text"),
    [
        (ProgressUnit(1, 4, "pages", desc="reading"), "reading"),
        (ProgressUnit(1, 4, "pages"), "1/4 pages"),
        (ProgressUnit(1, None, "pages"), "1 pages"),
        (ProgressUnit(1, 4), "1/4 steps"),
        (ProgressUnit(progress=0.5), "before"),
        (ProgressUnit(), "before"),
    ],
)
def test_the_text_is_what_the_app_said_last(bar: ProgressUnit, text: str) -> None:
    told = ran(snapshots(), call(log("before"), RUNS, reports(bar), status(Status.ITERATING)))
    assert [each.text for each in told.values[:-1]] == ["before", "before", text, text]


def test_a_bar_of_unknown_length_has_no_fraction_and_a_known_one_stays() -> None:
    updates = [
        reports(ProgressUnit(1, 2), ProgressUnit(1, 4)),
        status(Status.ITERATING),
        out("a"),
        log("look"),
        reports(ProgressUnit(1, None)),
        reports(),
    ]
    told = ran(snapshots(), call(*updates), end=None)
    assert [each.fraction for each in told.values] == [0.5, 0.5, 0.5, 0.5, None, None]


def test_files_that_are_sent_have_a_bar_of_their_own() -> None:
    halves = [ProgressUnit(n, 2, "bytes", desc="cat.png") for n in (1, 2)]
    sending = [status(Status.SENDING_DATA, progress_data=[half]) for half in halves]
    told = ran(snapshots(), call(STARTS, *sending, status(Status.JOINING_QUEUE)), end=None)
    assert told.values[1:] == [
        Snapshot(Status.SENDING_DATA, "cat.png", 0.5),
        Snapshot(Status.SENDING_DATA, "cat.png", 1.0),
        Snapshot(Status.JOINING_QUEUE),
    ]


def test_another_attempt_begins_anew_but_for_the_output() -> None:
    updates: list[Any] = [
        STARTS,
        log("look"),
        reports(ProgressUnit(1, 2)),
        out("a"),
        status(Status.STARTING, attempt=2),
        status(Status.IN_QUEUE, rank=0, attempt=2),
        out("b", attempt=2),
    ]
    told = ran(snapshots(), call(*updates), end=None)
    assert told.values[-3:] == [
        Snapshot(output="a", attempt=2),
        Snapshot(Status.IN_QUEUE, rank=0, output="a", attempt=2),
        Snapshot(Status.IN_QUEUE, rank=0, output="b", attempt=2),
    ]


def test_another_call_begins_anew_but_for_the_output() -> None:
    told = ran(snapshots(), call(STARTS, log("x"), final("a"), FAILED, STARTS, RUNS, final("b")))
    assert told.values[2:] == [
        Snapshot(Status.FINISHED, "x", 1.0, output="a", done=True),
        Snapshot(output="a"),
        Snapshot(Status.PROCESSING, output="a"),
        Snapshot(Status.FINISHED, fraction=1.0, output="b", done=True),
    ]


class Odd:
    """An output that cannot be compared, as an array of numpy."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment] # as above


def test_outputs_are_not_compared() -> None:
    odd = Odd()
    told = ran(snapshots(), call(STARTS, out(odd), final(odd)), end=240)
    assert [each.output for each in told.values[1:]] == [odd, odd]


UPDATES = st.lists(
    st.sampled_from([RUNS, status(Status.IN_QUEUE), log("x"), reports(ProgressUnit(1, 2))])
    | st.builds(out, st.integers()),
    max_size=8,
)


@given(UPDATES, st.sampled_from([None, AppError("no"), CancelledError()]))
def test_done_output_and_error_are_never_apart(
    updates: list[Update], error: Exception | None
) -> None:
    end = [final(-1), status(Status.FINISHED, success=True)] if error is None else [FAILED]
    told = ran(snapshots(), call(STARTS, *updates, *end), error=error, end=900)
    *before, last = told.values
    assert not any(each.done or each.error for each in before)
    assert len(before) == len(updates) + 1
    assert last.done
    assert last.error is error
    if error is None:
        assert (last.phase, last.fraction, last.output) == (Status.FINISHED, 1.0, -1)
    outputs = [each.outputs for each in updates if each.type == "output"]
    if outputs:
        assert before[-1].output == outputs[-1]
    assert all(each.phase is not Status.LOG for each in told.values)
