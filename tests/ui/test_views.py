"""What a UI says of a call."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import Any

import pytest
import reactivex
from reactivex import Subject
from reactivex import operators as ops

from rxgradio import AppError, OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.operators import Snapshot, keep_errors, snapshots
from rxgradio.testing import MemoryApp, VirtualTime
from rxgradio.ui import View, view


def views(*updates: Any, error: Exception | None = None) -> list[View]:
    end = reactivex.empty() if error is None else reactivex.throw(error)
    stream = reactivex.concat(reactivex.from_iterable(updates), end)
    return list(stream.pipe(view(), ops.to_list()).run())


@pytest.mark.parametrize(
    ("update", "status", "progress"),
    [
        (StatusUpdate(Status.STARTING), "starting", None),
        (StatusUpdate(Status.JOINING_QUEUE), "joining the queue", None),
        (StatusUpdate(Status.QUEUE_FULL), "the queue is full, trying again", None),
        (StatusUpdate(Status.IN_QUEUE), "queued", None),
        (StatusUpdate(Status.IN_QUEUE, rank=2, queue_size=7, eta=12.4),
         "queued, 3 of 7, about 12 s", None),
        (StatusUpdate(Status.IN_QUEUE, rank=0, eta=0.2), "queued, 1", None),
        (StatusUpdate(Status.PROCESSING), "working", None),
        (StatusUpdate(Status.PROCESSING, attempt=2), "attempt 2: working", None),
        (StatusUpdate(Status.LOG, log=("nearly there", "info")), "starting", None),
        (StatusUpdate(Status.ITERATING), "streaming", None),
        (StatusUpdate(Status.PROGRESS, progress_data=[ProgressUnit(4, 20, "steps")]),
         "4/20 steps", 0.2),
        (OutputUpdate("a", final=True), "done", 1.0),
    ],
)  # fmt: skip
def test_where_a_call_stands(update: Any, status: str, progress: float | None) -> None:
    told = views(update)[0]
    assert (told.status, told.progress) == (status, progress)
    assert told.busy is (status != "done")
    assert told.error == ""


def test_what_the_app_says_takes_the_place_of_that_it_works() -> None:
    said = StatusUpdate(Status.LOG, log=("nearly there", "info"))
    assert views(StatusUpdate(Status.PROCESSING), said)[1].status == "nearly there"


def test_an_error_is_a_value_with_words() -> None:
    error = AppError("told you so")
    last = views(OutputUpdate("a"), error=error)[-1]
    assert last.status == "failed: told you so"
    assert (last.error, last.progress, last.output) == ("told you so", 0.0, "a")
    assert last.snapshot.error is error
    assert not last.busy
    assert views(StatusUpdate(Status.STARTING), error=ValueError())[-1].error == "ValueError"


def test_who_has_cancelled_is_told_of_no_error() -> None:
    last = views(StatusUpdate(Status.PROCESSING), error=CancelledError())[-1]
    assert (last.status, last.error, last.busy) == ("cancelled", "", False)


def test_snapshots_are_fine_too() -> None:
    stream = reactivex.of(StatusUpdate(Status.PROCESSING), OutputUpdate("a", final=True))
    told = stream.pipe(snapshots(), view(), ops.to_list()).run()
    assert [each.status for each in told] == ["working", "done"]
    assert isinstance(told[0].snapshot, Snapshot)


def test_any_other_value_is_an_output() -> None:
    told = views(1, 2)
    assert [(each.status, each.output, each.busy) for each in told] == [
        ("streaming", 1, True),
        ("streaming", 2, True),
        ("done", 2, False),
    ]
    assert views(1, error=ValueError("no"))[-1].status == "failed: no"


def test_of_a_map_it_tells_how_far_all_are() -> None:
    def halve(n: int) -> float:
        if n % 2:
            raise AppError("odd")
        return n / 2

    with VirtualTime() as time:
        app = MemoryApp({"/halve": halve})
        results = app.client().endpoint("/halve").map(range(4), max_concurrent=1)
        told = time.run(results.pipe(view(), ops.to_list()))
    assert [(each.status, each.progress, each.output, each.busy) for each in told] == [
        ("1 of 4", 0.25, 0.0, True),
        ("2 of 4, 1 failed", 0.5, 0.0, True),
        ("3 of 4, 1 failed", 0.75, 1.0, True),
        ("4 of 4, 2 failed", 1.0, 1.0, True),
        ("4 of 4, 2 failed", 1.0, 1.0, False),
    ]
    assert told[-1].error == ""


def test_a_call_is_stopped_and_another_started() -> None:
    with VirtualTime() as time:
        app = MemoryApp({"/write": "-a-b-c-d|"})
        client, told = app.client(), list[str]()
        start, stop = Subject[None](), Subject[None]()
        # As docs/ui.md has it.
        calls = reactivex.merge(
            start.pipe(ops.map(lambda _: client.observe(api_name="/write"))),
            stop.pipe(ops.map(lambda _: reactivex.throw(CancelledError()))),
        ).pipe(ops.map(keep_errors()), ops.switch_latest())
        calls.pipe(view()).subscribe(lambda now: told.append(now.status))
        start.on_next(None)
        time.advance_by(0.35)
        stop.on_next(None)
        time.advance_by(1)
        assert told[-2:] == ["streaming", "cancelled"]
        start.on_next(None)
        time.advance_by(2)
        assert told[-1] == "done"
        assert [call.end for call in app.calls] == ["cancelled", "finished"]


def test_leaving_a_view_leaves_the_source() -> None:
    source: Subject[Any] = Subject()
    source.pipe(view()).subscribe().dispose()
    assert not source.observers
