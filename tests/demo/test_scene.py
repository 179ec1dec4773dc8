"""The stream that the demo is drawn from, with jobs that no app answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import AppError, CancelOutcome, Job, Status, StatusUpdate
from rxgradio.demo.scene import CALLS, play, watch
from rxgradio.demo.show import Stalled, _each
from rxgradio.demo.snapshot import Phase, Snapshot
from rxgradio.demo.summary import surprises
from rxgradio.job import Communicator, Run
from rxgradio.protocol.event import Values

RUNNING = StatusUpdate(Status.ITERATING)
SUCCESS = StatusUpdate(Status.FINISHED, success=True)
FAILURE = StatusUpdate(Status.FINISHED, success=False)


def new_job() -> Job:
    return Job(
        communicator=Communicator("/job", lambda data: data[0], StatusUpdate(Status.STARTING))
    )


def yields(job: Job, value: object) -> None:
    Run(job, {}, None).publish([Values([value], final=False)], RUNNING)


def succeeds(job: Job, value: object) -> None:
    Run(job, {}, None).finish([Values([value], final=True), SUCCESS], SUCCESS, None)


def fails(job: Job, why: str) -> None:
    Run(job, {}, None).finish([FAILURE], FAILURE, AppError(why))


def last(job: Job) -> Snapshot:
    """Wait for the end of the stream of a job."""
    return watch("job", job).pipe(ops.last()).run()


def test_a_job_that_succeeds_completes_its_stream() -> None:
    job = new_job()
    yields(job, "a")
    succeeds(job, "ab")
    assert (last(job).phase, last(job).text) == (Phase.FINISHED, "ab")


def test_a_job_that_fails_completes_its_stream_too() -> None:
    job = new_job()
    fails(job, "no")
    assert (last(job).phase, last(job).error) == (Phase.FAILED, "no")


def test_a_cancelled_job_is_followed_until_the_server_has_answered() -> None:
    job = new_job()
    seen = _each(watch("job", job))
    job.cancel()
    assert [next(seen).phase for _ in range(3)][-1] is Phase.CANCELLED
    Run(job, {}, None).cancel_told(CancelOutcome.GENERATOR_CLOSED)
    assert [snapshot.outcome for snapshot in seen] == [CancelOutcome.GENERATOR_CLOSED]


class Client:
    """Makes jobs, and sends nothing."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, Job]] = []

    def submit(self, *_: object, api_name: str) -> Job:
        self.jobs.append((api_name, new_job()))
        return self.jobs[-1][1]


def test_all_calls_are_made_at_once_and_end_in_one_stream() -> None:
    client: Any = Client()
    stream = play(client)
    assert [endpoint for endpoint, _ in client.jobs] == [call.endpoint for call in CALLS]

    seen: Iterator[Snapshot] = _each(stream)
    for endpoint, job in client.jobs:
        if endpoint == "/divide":
            fails(job, "cannot divide by zero")
        elif endpoint != "/count":
            succeeds(job, "a result")
    count = dict(client.jobs)["/count"]
    for number in range(1, 26):
        yields(count, f"{number} of 50")
    for snapshot in seen:
        if snapshot.phase is Phase.CANCELLED and snapshot.outcome is None:
            Run(count, {}, None).cancel_told(CancelOutcome.GENERATOR_CLOSED)

    ends = {call.name: Snapshot(call.name) for call in CALLS}
    # A stream can be watched again, as the jobs remember.
    watched = [watch(call.name, job) for call, (_, job) in zip(CALLS, client.jobs, strict=True)]
    for snapshot in _each(reactivex.merge(*watched)):
        ends[snapshot.name] = snapshot
    assert surprises(list(ends.values())) == []
    assert ends["count"].text == "25 of 50"
    assert ends["count"].outcome is CancelOutcome.GENERATOR_CLOSED


def test_an_error_of_the_stream_itself_is_raised() -> None:
    with pytest.raises(AppError, match="no"):
        list(_each(reactivex.throw(AppError("no"))))


def test_a_stream_without_news_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxgradio.demo.show._PATIENCE", 0.01)
    with pytest.raises(Stalled):
        next(_each(reactivex.never()))
