"""A job, fed by hand with what no real server can be made to say on demand."""

from __future__ import annotations

import pytest
from reactivex import operators as ops

from rxgradio import Job, OutputUpdate, Status, StatusUpdate
from rxgradio.job import Run
from rxgradio.protocol.event import Edits, Values

RUNNING = StatusUpdate(Status.ITERATING)
SUCCESS = StatusUpdate(Status.FINISHED, success=True)


@pytest.mark.parametrize(
    ("final", "outputs"),
    [("ab", ["a", "ab"]), ("abc", ["a", "ab", "abc"])],
    ids=["told before", "missed"],
)
def test_what_was_missed_is_told_at_the_end_unless_it_was_told(
    final: str, outputs: list[str]
) -> None:
    job = Job("/job", lambda data: data[0], StatusUpdate(Status.STARTING))
    run = Run(job, set(), None)
    run.publish([Values(["a"], final=False), Edits([[["append", [], "b"]]])], RUNNING)
    late = Values([final], final=False, late=True)
    run.finish([RUNNING, late, Values([final], final=True), SUCCESS], SUCCESS, None)
    assert job.outputs() == list(job) == outputs
    assert job.result() == final
    told = job.updates.pipe(ops.to_list()).run()
    updates = [each for each in told if isinstance(each, OutputUpdate)]
    assert [update.outputs for update in updates] == [*outputs, final]
    assert [update.final for update in updates] == [*([False] * len(outputs)), True]
