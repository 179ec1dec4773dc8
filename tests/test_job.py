"""A job, fed by hand with what no real server can be made to say on demand."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import CancelOutcome, ConsumerTooSlow, Job, OutputUpdate, Status, StatusUpdate
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
    run = Run(job, {}, None)
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
    return job, Run(job, {}, None)


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


# ---- readers that do not keep up


class Slow:
    """An observer that takes its time over the first thing it gets."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.at_work = threading.Event()
        self.go_on = threading.Event()
        self.ended = threading.Event()

    def on_next(self, update: Any) -> None:
        self.got.append(update.outputs if isinstance(update, OutputUpdate) else update.code.value)
        self.at_work.set()
        assert self.go_on.wait(SOON)

    def on_error(self, error: Exception) -> None:
        self.got.append(error)
        self.ended.set()

    def on_completed(self) -> None:
        self.ended.set()


def told_slowly(on_slow: Any, most: int = 1000) -> tuple[Job, list[Any]]:
    """Return what an observer gets that is at work on the first update during all others."""
    job, run = begun()
    slow, quick = Slow(), Slow()
    quick.go_on.set()
    job.updates.subscribe(quick)
    job.updates_with(on_slow=on_slow, most=most).subscribe(slow)
    assert slow.at_work.wait(SOON)
    run.publish([Values(["1"], final=False), RUNNING], RUNNING)
    run.publish([Values(["2"], final=False), RUNNING], RUNNING)
    run.finish([Values(["2"], final=True), SUCCESS], SUCCESS, None)
    assert quick.ended.wait(SOON)
    everything = ["STARTING", "1", "ITERATING", "2", "ITERATING", "2", "FINISHED"]
    assert quick.got == everything  # whoever else is slow
    slow.go_on.set()
    assert slow.ended.wait(SOON)
    return job, slow.got


def test_who_wants_the_latest_gets_the_last_output_and_the_last_status() -> None:
    _, got = told_slowly("latest")
    assert got == ["STARTING", "2", "FINISHED"]


def test_what_is_older_than_so_many_updates_is_dropped() -> None:
    _, got = told_slowly("drop_oldest", 3)
    assert got == ["STARTING", "ITERATING", "2", "FINISHED"]


def test_by_default_all_waits() -> None:
    _, got = told_slowly("buffer")
    assert got == ["STARTING", "1", "ITERATING", "2", "ITERATING", "2", "FINISHED"]


def test_an_observer_that_is_too_slow_fails_and_the_job_does_not() -> None:
    job, got = told_slowly("error", 2)
    assert got[0] == "STARTING"
    assert isinstance(got[1], ConsumerTooSlow)
    assert len(got) == 2
    assert job.result(SOON) == "2"


def test_a_loop_over_the_latest_passes_over_what_it_had_no_time_for() -> None:
    job, run = begun()
    run.publish([Values(["1"], final=False)], RUNNING)
    outputs = iter(job.iterate(on_slow="latest"))
    assert next(outputs) == "1"
    for n in range(2, 9):
        run.publish([Values([str(n)], final=False), RUNNING], RUNNING)
    assert next(outputs) == "8"
    run.finish([Values(["9"], final=False), Values(["9"], final=True), SUCCESS], SUCCESS, None)
    assert list(outputs) == ["9"]
    assert list(job.iterate()) == list(job) == job.outputs()
    assert list(job.iterate(on_slow="drop_oldest", most=3)) == ["9"]


def test_a_loop_over_the_latest_yields_the_final_output_only_if_it_is_new() -> None:
    job, run = begun()
    run.publish([Values(["1"], final=False)], RUNNING)
    outputs = iter(job.iterate(on_slow="latest"))
    assert next(outputs) == "1"
    run.finish([Values(["1"], final=True), SUCCESS], SUCCESS, None)
    assert list(outputs) == []


def test_an_async_loop_over_the_latest_gets_updates() -> None:
    job, run = begun()
    run.publish([Values(["1"], final=False), RUNNING], RUNNING)
    run.finish([Values(["2"], final=True), SUCCESS], SUCCESS, None)

    async def main() -> list[Any]:
        return [update async for update in job.iterate(on_slow="latest")]

    assert asyncio.run(main()) == [OutputUpdate("2", final=True), SUCCESS]


@pytest.mark.parametrize("read", [Job.updates_with, Job.iterate])
def test_a_reader_of_a_kind_that_there_is_not_is_refused_at_once(read: Any) -> None:
    job, _ = begun()
    with pytest.raises(ValueError, match="on_slow='last'"):
        read(job, on_slow="last")
    with pytest.raises(ValueError, match="most=0"):
        read(job, on_slow="drop_oldest", most=0)
