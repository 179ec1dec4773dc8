"""What a job promises on each of its faces."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
from reactivex.scheduler import CurrentThreadScheduler, EventLoopScheduler
from reactivex.testing import TestScheduler

from rxgradio import (
    AppError,
    CancelOutcome,
    Client,
    Job,
    OutputUpdate,
    ProtocolError,
    QueueFull,
    Status,
)
from rxgradio.protocol.answers import Answer
from rxgradio.runtime.process import delivery, loop_thread
from tests.contract.conftest import App

SOON = 10.0
"""Seconds after which something that should happen at once counts as hanging."""


class Seen:
    """An observer that keeps what it gets, and lets a test wait for it."""

    def __init__(self, job: Job | None = None, **how: Any) -> None:
        self.values: list[Any] = []
        self.error: Exception | None = None
        self.completed = False
        self.threads: set[str] = set()
        self._ended = threading.Event()
        if job is not None:
            self.subscription = job.updates.subscribe(self, **how)

    def on_next(self, value: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.values.append(value)

    def on_error(self, error: Exception) -> None:
        self.error = error
        self._ended.set()

    def on_completed(self) -> None:
        self.completed = True
        self._ended.set()

    def wait(self) -> Seen:
        assert self._ended.wait(SOON)
        return self

    @property
    def outputs(self) -> list[Any]:
        return [value.outputs for value in self.values if isinstance(value, OutputUpdate)]

    @property
    def codes(self) -> list[Status]:
        return [value.code for value in self.values if not isinstance(value, OutputUpdate)]


def reached(job: Job, code: Status) -> None:
    """Wait until a job has been where `code` says."""
    there = threading.Event()
    with job.updates.subscribe(
        lambda update: update.type == "status" and update.code is code and there.set() and None,
        lambda _: None,
    ):
        assert there.wait(SOON)


# ---- a job that ends well


def test_a_result_is_the_final_output(client: Client) -> None:
    assert client.predict("hi", api_name="/echo") == "hi"


def test_several_outputs_are_a_tuple_and_none_is_an_empty_one(client: Client) -> None:
    assert client.predict("abc", api_name="/two") == ("abc", 3)
    assert client.predict(api_name="/nothing") == ()


def test_state_is_filled_in_and_left_out(client: Client, app: App) -> None:
    assert client.predict("x", b="y", api_name="/stateful") == ("x", "y")
    assert app.calls == [("x", None, "y")]


def test_every_face_shows_the_same_outputs(client: Client) -> None:
    job = client.submit(3, api_name="/words")
    expected = ["w0", "w0 w1", "w0 w1 w2"]
    assert list(job) == expected
    assert job.outputs() == expected
    assert job.result() == job.latest == "w0 w1 w2"
    assert Seen(job).wait().outputs == [*expected, expected[-1]]


def test_the_log_ends_with_the_final_output_and_then_finished(client: Client) -> None:
    seen = Seen(client.submit(2, api_name="/words")).wait()
    assert seen.values[-2] == OutputUpdate("w0 w1", final=True)
    assert seen.values[-1].code is Status.FINISHED
    assert seen.values[-1].success is True
    assert [value.final for value in seen.values if isinstance(value, OutputUpdate)][:-1] == [
        False,
        False,
    ]


def test_all_status_codes_come_in_order(client: Client) -> None:
    seen = Seen(client.submit(2, api_name="/words")).wait()
    assert seen.codes == [
        Status.STARTING,
        Status.JOINING_QUEUE,
        Status.IN_QUEUE,
        Status.PROCESSING,
        Status.ITERATING,
        Status.FINISHED,
    ]


def test_no_log_message_is_lost_and_the_status_carries_the_latest(client: Client) -> None:
    job = client.submit(api_name="/chatty")
    seen = Seen(job).wait()
    logs = [value.log for value in seen.values if getattr(value, "log", None)]
    assert logs[:3] == [("note 0", "info"), ("note 1", "info"), ("note 2", "info")]
    progress = next(value for value in seen.values if getattr(value, "progress_data", None))
    assert progress.code is Status.PROGRESS
    assert progress.progress_data[0].desc == "half"


def test_a_plain_function_gives_its_final_output_to_iterators(client: Client) -> None:
    job = client.submit("hi", api_name="/echo")
    assert list(job) == ["hi"]
    assert job.outputs() == ["hi"]


def test_outputs_is_a_copy(client: Client) -> None:
    job = client.submit("hi", api_name="/echo")
    job.result()
    job.outputs().append("mine")
    assert job.outputs() == ["hi"]


def test_two_iterators_each_get_every_output(client: Client) -> None:
    job = client.submit(3, api_name="/words")
    assert list(zip(job, job, strict=True)) == [(o, o) for o in ["w0", "w0 w1", "w0 w1 w2"]]


def test_subscribers_early_and_late_see_the_same(client: Client, app: App) -> None:
    job = client.submit(3, api_name="/gated_words")
    early = Seen(job)
    app.gate.open()
    assert next(iter(job)) == "w0"
    middle = Seen(job)
    app.gate.open(2)
    job.result(SOON)
    late = Seen(job)
    assert early.wait().values == middle.wait().values == late.wait().values


def test_status_tells_where_the_job_stands(client: Client, app: App) -> None:
    job = client.submit(2, api_name="/gated_words")
    app.gate.open()
    assert next(iter(job)) == "w0"
    assert job.status().code is Status.ITERATING
    assert job.running()
    assert not job.done()
    app.gate.open()
    job.result(SOON)
    assert job.status().code is Status.FINISHED
    assert not job.running()


def test_latest_is_none_until_there_is_something(client: Client, app: App) -> None:
    job = client.submit(2, api_name="/gated_words")
    assert job.latest is None
    app.gate.open()
    next(iter(job))
    assert job.latest == "w0"
    job.cancel()


# ---- a job that fails


def test_a_failure_reaches_every_face(client: Client) -> None:
    job = client.submit(2, api_name="/fail")
    with pytest.raises(AppError, match="told you so"):
        list(job)
    with pytest.raises(AppError, match="told you so"):
        job.result(SOON)
    assert isinstance(job.exception(SOON), AppError)
    seen = Seen(job).wait()
    assert isinstance(seen.error, AppError)
    assert seen.codes[-1] is Status.FINISHED
    assert job.status().success is False
    assert job.outputs() == ["part 0", "part 1"]
    assert not job.cancelled()


def test_iteration_raises_after_the_outputs_that_there_were(client: Client) -> None:
    got: list[Any] = []
    with pytest.raises(AppError):
        got.extend(client.submit(2, api_name="/fail"))
    assert got == ["part 0", "part 1"]


def test_fewer_outputs_than_the_endpoint_has_are_an_error(client: Client) -> None:
    with pytest.raises(ProtocolError, match="1 outputs"):
        client.predict(api_name="/short")


def test_a_full_queue_is_a_status_before_it_is_a_failure(client: Client, app: App) -> None:
    async def full(_: object) -> Answer:
        return Answer(503, {}, b'{"detail": "Queue is full. Max size is 1 and size is 1."}')

    app.transport.join = full  # type: ignore[method-assign, assignment]
    seen = Seen(client.submit("x", api_name="/echo")).wait()
    assert isinstance(seen.error, QueueFull)
    assert seen.codes[-2:] == [Status.QUEUE_FULL, Status.FINISHED]


# ---- waiting


def test_giving_up_waiting_does_not_harm_the_job(client: Client, app: App) -> None:
    job = client.submit("x", api_name="/gated")
    with pytest.raises(TimeoutError):
        job.result(0.01)
    with pytest.raises(TimeoutError):
        job.exception(0.01)
    app.gate.open()
    assert job.result(SOON) == "x"


def test_wait_and_as_completed_work(client: Client, app: App) -> None:
    jobs = [client.submit(n, api_name="/gated") for n in "abc"]
    app.gate.open(2)
    done, left = concurrent.futures.wait(jobs, SOON, return_when=concurrent.futures.FIRST_COMPLETED)
    assert done
    app.gate.open()
    assert {job.result() for job in concurrent.futures.as_completed(jobs, SOON)} == set("abc")
    assert not [job for job in left if not job.done()]


def test_wait_notices_a_cancelled_job(client: Client) -> None:
    job = client.submit("x", api_name="/gated")
    threading.Timer(0.05, job.cancel).start()
    done, left = concurrent.futures.wait([job], SOON)
    assert done == {job}
    assert not left


def test_a_job_cannot_be_ended_by_hand(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    with pytest.raises(RuntimeError, match="set_result"):
        job.set_result(1)
    with pytest.raises(RuntimeError, match="set_exception"):
        job.set_exception(ValueError())
    assert job.result(SOON) == "x"


def test_blocking_on_the_scheduler_thread_is_refused(client: Client, app: App) -> None:
    job = client.submit("x", api_name="/gated")

    async def block(how: Callable[[], Any]) -> str:
        with pytest.raises(RuntimeError, match="scheduler thread") as caught:
            how()
        return str(caught.value)

    thread = loop_thread()
    for how in (job.result, job.exception, lambda: next(iter(job))):
        assert "await" in thread.run(block(how)).result(SOON)
    assert "await" in thread.run(block(lambda: Client("http://127.0.0.1:1"))).result(SOON)
    job.cancel()


# ---- asyncio


def test_a_job_can_be_awaited_and_iterated_over_on_a_loop(client: Client) -> None:
    async def main() -> tuple[Any, list[Any], Any]:
        job = client.submit(3, api_name="/words")
        updates = [update async for update in job]
        return await job, updates, await asyncio.wrap_future(job)

    result, updates, wrapped = asyncio.run(main())
    assert result == wrapped == "w0 w1 w2"
    assert updates[0].code is Status.STARTING
    assert updates[-1].code is Status.FINISHED


def test_async_faces_raise_what_the_job_failed_with(client: Client) -> None:
    async def main() -> None:
        job = client.submit(1, api_name="/fail")
        with pytest.raises(AppError):
            [_ async for _ in job]
        with pytest.raises(AppError):
            await job

    asyncio.run(main())


def test_awaiting_a_cancelled_job_is_not_the_cancellation_of_the_task(client: Client) -> None:
    async def main() -> str:
        job = client.submit("x", api_name="/gated")
        asyncio.get_running_loop().call_later(0.02, job.cancel)
        try:
            await job
        except CancelledError:
            assert not issubclass(CancelledError, asyncio.CancelledError)
        with pytest.raises(CancelledError):
            [_ async for _ in job]
        return "the task goes on"

    assert asyncio.run(main()) == "the task goes on"


def test_cancelling_the_awaiting_task_cancels_the_job(client: Client, app: App) -> None:
    async def main() -> Job:
        job = client.submit("x", api_name="/gated")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job, 0.05)
        return job

    job = asyncio.run(main())
    assert job.cancelled()
    assert job.cancel_outcome.result(SOON) is not None


def test_leaving_an_async_iteration_early_leaves_the_job_alone(client: Client, app: App) -> None:
    async def main() -> Job:
        job = client.submit(2, api_name="/gated_words")
        app.gate.open()
        async for update in job:
            if isinstance(update, OutputUpdate):
                break
        app.gate.open()
        return job

    job = asyncio.run(main())
    assert job.result(SOON) == "w0 w1"


# ---- cancel


def test_a_cancelled_job_is_cancelled_on_every_face(client: Client, app: App) -> None:
    job = client.submit(3, api_name="/gated_words")
    seen = Seen(job)
    app.gate.open()
    outputs = iter(job)
    assert next(outputs) == "w0"

    assert job.cancel()

    assert job.cancelled()
    assert job.done()
    assert job.status().code is Status.CANCELLED
    for face in (job.result, job.exception, lambda: next(outputs), lambda: list(job)):
        with pytest.raises(CancelledError):
            face()
    assert isinstance(seen.wait().error, CancelledError)
    assert seen.codes[-1] is Status.CANCELLED
    assert job.outputs() == ["w0"]
    assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
    assert app.gate.closed == 1


def test_cancelling_twice_is_true_twice_and_sent_once(client: Client, app: App) -> None:
    job = client.submit(3, api_name="/gated_words")
    app.gate.open()
    next(iter(job))
    assert job.cancel()
    assert job.cancel()
    job.cancel_outcome.result(SOON)
    assert len(app.posted("/cancel")) == 1


def test_a_finished_job_cannot_be_cancelled(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    job.result(SOON)
    assert not job.cancel()
    assert not job.cancelled()
    assert job.status().code is Status.FINISHED
    assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED


def test_cancelling_from_a_callback_of_its_own_works(client: Client, app: App) -> None:
    job = client.submit(3, api_name="/gated_words")
    seen = Seen()
    job.updates.subscribe(
        lambda update: isinstance(update, OutputUpdate) and job.cancel() and None,
        seen.on_error,
        seen.on_completed,
    )
    app.gate.open()
    assert isinstance(seen.wait().error, CancelledError)


def test_the_session_goes_on_after_a_cancel(client: Client, app: App) -> None:
    job = client.submit(3, api_name="/gated_words")
    app.gate.open()
    next(iter(job))
    job.cancel()
    assert client.predict("hi", api_name="/echo") == "hi"
    again = client.submit(1, api_name="/gated_words")
    app.gate.open()
    assert again.result(SOON) == "w0"


def test_cancelling_one_of_several_leaves_the_others_alone(client: Client, app: App) -> None:
    jobs = [client.submit(1, api_name="/gated_words") for _ in range(6)]
    victims = jobs[::2]
    for job in jobs:
        reached(job, Status.PROCESSING)
    for job in victims:
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.SPARED_SIBLINGS
    app.gate.open(6)
    assert [job.result(SOON) for job in jobs[1::2]] == ["w0"] * 3


# ---- done-callbacks


def test_done_callbacks_run_in_order_on_delivery_threads(client: Client, app: App) -> None:
    job = client.submit("x", api_name="/gated")
    called: list[Any] = []
    done = threading.Event()

    def raises(future: Any) -> None:
        called.append((future, threading.current_thread().name))
        raise ValueError("its own trouble")

    job.add_done_callback(raises)
    job.add_done_callback(lambda future: called.append((future, "second")))
    app.gate.open()
    job.result(SOON)
    job.add_done_callback(lambda future: called.append((future, "late")) or done.set())
    assert done.wait(SOON)
    assert [future for future, _ in called] == [job] * 3
    assert called[0][1].startswith("rxgradio-delivery")
    assert [name for _, name in called[1:]] == ["second", "late"]


def test_result_callbacks_get_one_argument_per_output(client: Client) -> None:
    got: list[Any] = []
    done = threading.Event()
    client.submit("abc", api_name="/two", result_callbacks=[lambda *v: got.append(v)])
    client.submit(
        "x", api_name="/echo", result_callbacks=lambda *v: got.append(v) or done.set()
    ).result(SOON)
    assert done.wait(SOON)
    assert sorted(got) == [("abc", 3), ("x",)]


# ---- observers


def test_observers_are_called_serially_on_delivery_threads(client: Client) -> None:
    seen = Seen(client.submit(50, api_name="/words")).wait()
    assert seen.completed
    assert all(name.startswith("rxgradio-delivery") for name in seen.threads)


def test_subscribing_never_calls_the_observer_at_once(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    job.result(SOON)
    inside = threading.local()
    inside.subscribing = True
    nested: list[bool] = []
    seen = Seen()
    job.updates.subscribe(
        lambda _: nested.append(getattr(inside, "subscribing", False)),
        on_completed=seen.on_completed,
        scheduler=CurrentThreadScheduler(),
    )
    seen.wait()
    assert nested
    assert not any(nested)


def test_a_blocked_observer_holds_up_nobody_else(client: Client) -> None:
    job = client.submit(5, api_name="/words")
    release = threading.Event()
    job.updates.subscribe(lambda _: release.wait(SOON) and None)
    assert Seen(job).wait().completed
    assert client.predict("hi", api_name="/echo") == "hi"
    release.set()


def test_an_observer_that_raises_harms_only_itself(client: Client) -> None:
    job = client.submit(5, api_name="/words")
    calls: list[Any] = []

    def raises(update: Any) -> None:
        calls.append(update)
        raise ValueError("its own trouble")

    job.updates.subscribe(raises)
    assert Seen(job).wait().completed
    assert job.result(SOON)
    assert client.predict("hi", api_name="/echo") == "hi"
    assert len(calls) == 1


def test_an_observer_may_call_the_app_and_wait(client: Client) -> None:
    job = client.submit(2, api_name="/words")
    got: list[Any] = []
    seen = Seen()

    def call(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            got.append(client.predict(update.outputs, api_name="/echo"))

    job.updates.subscribe(call, seen.on_error, seen.on_completed)
    seen.wait()
    assert got == ["w0", "w0 w1", "w0 w1"]


def test_two_hundred_observers_that_wait_for_jobs_all_get_there(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    got: list[Any] = []
    done = threading.Semaphore(0)

    def call(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            got.append(client.predict("y", api_name="/echo"))

    for _ in range(200):
        job.updates.subscribe(call, on_completed=done.release)
    for _ in range(200):
        assert done.acquire(timeout=30)
    assert got == ["y"] * 200


def test_disposing_stops_the_observer_and_not_the_job(client: Client, app: App) -> None:
    job = client.submit(2, api_name="/gated_words")
    seen = Seen(job)
    app.gate.open()
    next(iter(job))
    seen.subscription.dispose()
    before = len(seen.values)
    app.gate.open()
    assert job.result(SOON) == "w0 w1"
    assert Seen(job).wait().completed
    assert len(seen.values) == before
    assert not seen.completed


def test_a_scheduler_given_to_subscribe_takes_the_place_of_the_pool(client: Client) -> None:
    job = client.submit(2, api_name="/words")
    job.result(SOON)
    virtual = TestScheduler()
    seen = Seen(job, scheduler=virtual)
    assert seen.values == []
    virtual.start()
    assert seen.completed
    assert seen.threads == {threading.current_thread().name}

    loop = EventLoopScheduler()
    try:
        other = Seen(job, scheduler=loop).wait()
        assert not any(name.startswith("rxgradio") for name in other.threads)
    finally:
        loop.dispose()


def test_a_job_outlives_the_last_reference_to_its_client(app: App) -> None:
    job = app.connect().submit("x", api_name="/gated")
    app.gate.open()
    assert job.result(SOON) == "x"


def test_the_repr_tells_the_state_and_no_arguments(client: Client, app: App) -> None:
    job = client.submit("secret", api_name="/gated")
    reached(job, Status.PROCESSING)
    assert repr(job).startswith("<Job /gated PROCESSING at")
    app.gate.open()
    job.result(SOON)
    assert repr(job).startswith("<Job /gated FINISHED at")
    assert "secret" not in repr(job)
    failed = client.submit(0, api_name="/fail")
    failed.exception(SOON)
    assert repr(failed).startswith("<Job /fail FAILED with AppError at")
    cancelled = client.submit("x", api_name="/gated")
    cancelled.cancel()
    assert repr(cancelled).startswith("<Job /gated CANCELLED at")


def test_a_failure_that_no_subscriber_handles_is_logged_and_a_cancel_is_not(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for job in (client.submit(0, api_name="/fail"), client.submit("x", api_name="/gated")):
        job.cancel() if job.running() and "gated" in repr(job) else job.exception(SOON)
        job.updates.subscribe(lambda _: None)
        Seen(job).wait()
    assert delivery().drain(SOON)
    messages = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(messages) == 1
    assert "/fail" in messages[0]
    assert "AppError: told you so" in messages[0]


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError, KeyboardInterrupt])
def test_whatever_a_callback_raises_is_its_own_trouble(
    client: Client, app: App, raised: type[BaseException]
) -> None:
    job = client.submit("x", api_name="/gated")

    def raises(_: Any) -> None:
        raise raised

    done = threading.Event()
    job.add_done_callback(raises)
    job.add_done_callback(lambda _: done.set())
    job.updates.subscribe(raises)
    app.gate.open()
    assert done.wait(SOON)
    assert Seen(job).wait().completed


def test_a_job_that_has_ended_does_not_hold_its_client(app: App) -> None:
    client = app.connect()
    job = client.submit("x", api_name="/echo")
    job.result(SOON)
    dropped = weakref.ref(client)
    del client
    assert dropped() is None  # at once, without the garbage collector
    assert job.result() == "x"


def test_an_endpoint_holds_its_client(app: App) -> None:
    echo = app.connect().endpoint("/echo")
    gc.collect()
    assert echo.predict("x") == "x"


def test_an_iterator_that_is_dropped_takes_no_lock(client: Client) -> None:
    job = client.submit(3, api_name="/words")
    outputs = iter(job)
    next(outputs)
    with job._log.lock:  # the collector may run while the writer holds it
        del outputs
        gc.collect()
    assert job.result(SOON)


def test_memory_does_not_grow_with_the_number_of_jobs(client: Client) -> None:
    echo = client.endpoint("/echo")

    def calls(count: int) -> None:
        for job in [echo.submit("x") for _ in range(count)]:
            job.result(SOON)

    calls(300)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        calls(200)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown / 2000 < 1500, f"{grown / 2000:.0f} bytes a job"


def test_many_threads_may_submit_at_once(client: Client) -> None:
    wrong: list[Any] = []

    def submit(thread: int) -> None:
        jobs = {
            f"{thread}/{n}": client.submit(f"{thread}/{n}", api_name="/echo") for n in range(60)
        }
        wrong.extend(text for text, job in jobs.items() if job.result(30) != text)

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_cancelling_races_with_completing_and_all_faces_agree(client: Client, app: App) -> None:
    for _ in range(300):
        job = client.submit("x", api_name="/gated")
        seen = Seen(job)
        app.gate.open()
        won = job.cancel()
        assert job.cancelled() is won
        assert concurrent.futures.wait([job], SOON).done == {job}
        seen.wait()
        if won:
            assert isinstance(seen.error, CancelledError)
            assert job.status().code is Status.CANCELLED
            app.gate.open()  # its permit may have been taken by nobody
        else:
            assert seen.outputs == [job.result()] == ["x"]
            assert job.status().code is Status.FINISHED
        assert job.cancel_outcome.result(SOON)
