"""A job, fed by hand with what no real server can be made to say on demand."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import CancelOutcome, Job, OutputUpdate, Status, StatusUpdate
from rxgradio.job import Communicator, Run
from rxgradio.protocol.event import Edits, Values

RUNNING = StatusUpdate(Status.ITERATING)
SOON = 10.0
SUCCESS = StatusUpdate(Status.FINISHED, success=True)


@pytest.mark.parametrize(
    ("final", "outputs"),
    [("ab", ["a", "ab"]), ("abc", ["a", "ab", "abc"])],
    ids=["told before", "missed"],
)
def test_what_was_missed_is_told_at_the_end_unless_it_was_told(
    final: str, outputs: list[str]
) -> None:
    job = Job(
        communicator=Communicator("/job", lambda data: data[0], StatusUpdate(Status.STARTING))
    )
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


def test_a_job_made_of_a_future_mirrors_its_result() -> None:
    future: Future[str] = Future()
    job = Job(future)
    assert job.future is future
    assert job.communicator is None
    assert (job.verbose, job.space_id) == (True, None)
    assert not job.done()
    assert job.status().code is Status.PROCESSING
    future.set_result("x")
    assert job.result(SOON) == "x"
    assert job.outputs() == list(job) == ["x"]
    assert job.status().success is True
    assert job.cancel() is False


def test_it_mirrors_an_error() -> None:
    future: Future[str] = Future()
    job = Job(future, None, False, "user/space")
    future.set_exception(KeyError("x"))
    assert isinstance(job.exception(SOON), KeyError)
    with pytest.raises(KeyError):
        list(job)
    assert job.status().code is Status.FINISHED
    assert job.status().success is False
    assert (job.verbose, job.space_id) == (False, "user/space")


class Loop:
    """An event loop that runs on a thread of its own."""

    def __enter__(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self._loop

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_it_mirrors_a_future_of_a_loop_on_another_thread() -> None:
    with Loop() as loop:
        done: Any = loop.create_future()
        loop.call_soon_threadsafe(done.set_result, 3)
        assert Job(done).result(SOON) == 3
        waiting: Any = loop.create_future()
        job = Job(waiting)
        cancelled = threading.Event()
        loop.call_soon_threadsafe(waiting.add_done_callback, lambda _: cancelled.set())
        assert job.cancel()
        with pytest.raises(CancelledError):
            job.result(SOON)
        assert cancelled.wait(SOON)
        assert waiting.cancelled()


def test_several_threads_may_ask_for_the_next_output() -> None:
    job, run = begun()
    got: list[str] = []

    def ask() -> None:
        with contextlib.suppress(StopIteration):
            while True:
                got.append(next(job))

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(3)]
        for n in range(50):
            run.publish([Values([str(n)], final=False)], RUNNING)
        run.finish([Values(["49"], final=True), SUCCESS], SUCCESS, None)
        for each in asking:
            each.result(SOON)
    assert sorted(got, key=int) == [str(n) for n in range(50)]


def begun() -> tuple[Job, Run]:
    """Make a job that has told nothing but that it starts."""
    communicator = Communicator("/job", lambda data: data[0], StatusUpdate(Status.STARTING))
    job = Job(communicator=communicator)
    return job, Run(job, set(), None)


def test_cancelling_it_cancels_the_future() -> None:
    future: Future[str] = Future()
    job = Job(future)
    assert job.cancel() is True
    assert future.cancelled()
    assert job.cancelled()
    assert job.status().code is Status.CANCELLED
    with pytest.raises(CancelledError):
        job.result(SOON)
    assert job.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT


def test_a_future_that_runs_is_not_cancelled_and_neither_is_its_job() -> None:
    future: Future[str] = Future()
    job = Job(future)
    assert future.set_running_or_notify_cancel()
    assert job.cancel() is False
    assert not job.done()
    future.set_result("x")
    assert job.result(SOON) == "x"


def test_a_future_that_was_done_before_makes_a_job_that_is() -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(int, "3")
        assert future.result(SOON) == 3
    called: Future[Any] = Future()
    job = Job(future)
    job.add_done_callback(called.set_result)
    assert called.result(SOON) is job
    assert next(job) == 3
    with pytest.raises(StopIteration):
        next(job)


def test_a_job_is_made_of_something() -> None:
    with pytest.raises(TypeError, match=r"Client\.submit"):
        Job()
