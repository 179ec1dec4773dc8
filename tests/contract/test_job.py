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
    ConnectionLost,
    Job,
    OutputUpdate,
    ProtocolError,
    QueueFull,
    Status,
)
from rxgradio.runtime.process import delivery, loop_thread
from tests.contract.app import SOON, VERSIONS, Seen, reached
from tests.contract.memory_app import MemoryApp as App

# ---- a job that ends well


def test_outputs_is_a_copy(memory_client: Client) -> None:
    job = memory_client.submit("hi", api_name="/echo")
    job.result()
    job.outputs().append("mine")
    assert job.outputs() == ["hi"]


def test_two_iterators_each_get_every_output(memory_client: Client) -> None:
    job = memory_client.submit(3, api_name="/count")
    assert list(zip(job, job, strict=True)) == [
        (o, o) for o in ["word 0", "word 0 word 1", "word 0 word 1 word 2"]
    ]


# ---- a job that fails


def test_fewer_outputs_than_the_endpoint_has_are_an_error(memory_client: Client) -> None:
    with pytest.raises(ProtocolError, match="1 outputs"):
        memory_client.predict(api_name="/short")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_queue_is_a_status_before_it_is_a_failure(
    make_app: Callable[..., App], version: str
) -> None:
    app = make_app(version, max_size=0)
    with app.connect() as client:
        seen = Seen(client.submit("x", api_name="/echo")).wait()
    assert isinstance(seen.error, QueueFull)
    assert seen.codes[-2:] == [Status.QUEUE_FULL, Status.FINISHED]


@pytest.mark.parametrize("version", VERSIONS)
def test_calls_with_state_keep_their_order(make_app: Callable[..., App], version: str) -> None:
    with make_app(version).connect() as client:
        jobs = [client.submit("x", api_name="/state") for _ in range(4)]
        assert [job.result(SOON) for job in jobs] == [1, 2, 3, 4]


# ---- waiting


def test_giving_up_waiting_does_not_harm_the_job(memory_client: Client, memory_app: App) -> None:
    job = memory_client.submit("x", api_name="/gated")
    with pytest.raises(TimeoutError):
        job.result(0.01)
    with pytest.raises(TimeoutError):
        job.exception(0.01)
    memory_app.open("x")
    assert job.result(SOON) == "x went through"


def test_wait_and_as_completed_work(memory_client: Client, memory_app: App) -> None:
    jobs = [memory_client.submit(n, api_name="/gated") for n in "abc"]
    for tag in "ab":
        memory_app.open(tag)
    done, left = concurrent.futures.wait(jobs, SOON, return_when=concurrent.futures.FIRST_COMPLETED)
    assert done
    memory_app.open("c")
    assert {job.result() for job in concurrent.futures.as_completed(jobs, SOON)} == {
        f"{tag} went through" for tag in "abc"
    }
    assert not [job for job in left if not job.done()]


def test_wait_notices_a_cancelled_job(memory_client: Client) -> None:
    job = memory_client.submit("x", api_name="/gated")
    threading.Timer(0.05, job.cancel).start()
    done, left = concurrent.futures.wait([job], SOON)
    assert done == {job}
    assert not left


def test_a_job_cannot_be_ended_by_hand(memory_client: Client) -> None:
    job = memory_client.submit("x", api_name="/echo")
    with pytest.raises(RuntimeError, match="set_result"):
        job.set_result(1)
    with pytest.raises(RuntimeError, match="set_exception"):
        job.set_exception(ValueError())
    assert job.result(SOON) == "x"


def test_blocking_on_the_scheduler_thread_is_refused(
    memory_client: Client, memory_app: App
) -> None:
    job = memory_client.submit("x", api_name="/gated")

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


def test_async_faces_raise_what_the_job_failed_with(memory_client: Client) -> None:
    async def main() -> None:
        job = memory_client.submit(1, api_name="/fail_mid")
        with pytest.raises(AppError):
            [_ async for _ in job]
        with pytest.raises(AppError):
            await job

    asyncio.run(main())


def test_awaiting_a_cancelled_job_is_not_the_cancellation_of_the_task(
    memory_client: Client,
) -> None:
    async def main() -> str:
        job = memory_client.submit("x", api_name="/gated")
        asyncio.get_running_loop().call_later(0.02, job.cancel)
        try:
            await job
        except CancelledError:
            assert not issubclass(CancelledError, asyncio.CancelledError)
        with pytest.raises(CancelledError):
            [_ async for _ in job]
        return "the task goes on"

    assert asyncio.run(main()) == "the task goes on"


def test_cancelling_the_awaiting_task_cancels_the_job(
    memory_client: Client, memory_app: App
) -> None:
    async def main() -> Job:
        job = memory_client.submit("x", api_name="/gated")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job, 0.05)
        return job

    job = asyncio.run(main())
    assert job.cancelled()
    assert job.cancel_outcome.result(SOON) is not None


def test_leaving_an_async_iteration_early_leaves_the_job_alone(
    memory_client: Client, memory_app: App
) -> None:
    async def main() -> Job:
        job = memory_client.submit("x", 2, api_name="/gated_words")
        memory_app.open("x")
        async for update in job:
            if isinstance(update, OutputUpdate):
                break
        memory_app.open("x")
        return job

    job = asyncio.run(main())
    assert job.result(SOON) == "word 0 word 1"


# ---- cancel


def test_cancelling_twice_is_true_twice_and_sent_once(
    memory_client: Client, memory_app: App
) -> None:
    job = memory_client.submit("x", 3, api_name="/gated_words")
    memory_app.open("x")
    next(iter(job))
    assert job.cancel()
    assert job.cancel()
    job.cancel_outcome.result(SOON)
    assert len(memory_app.posted("/cancel")) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_waits_is_removed_with_its_session_where_there_is_no_state(
    make_app: Callable[..., App], version: str
) -> None:
    app = make_app(version, has_state=False)
    with app.connect() as client:
        with app.held_up("queue") as submit:
            job = submit(client, "x")
            reached(job, Status.IN_QUEUE)
            assert job.cancel()
        app.open("x", 3)
        after = submit(client, "after")
        app.open("after", 3)
        after.result(SOON)
        outcome = job.cancel_outcome.result(SOON)
    # Those that notice nothing when a stream is dropped cannot be told in this way.
    notices = not (4, 19, 2) <= app.release <= (4, 23, 0)
    assert outcome is (CancelOutcome.REMOVED if notices else CancelOutcome.GENERATOR_CLOSED)
    assert (app.ledger("x") == []) is notices


@pytest.mark.parametrize("has_state", [True, False])
def test_a_session_that_was_lost_is_not_used_again(
    make_app: Callable[..., App], has_state: bool
) -> None:
    app = make_app(has_state=has_state)
    with app.connect() as client:
        job = client.submit("x", 3, api_name="/gated_words")
        reached(job, Status.PROCESSING)
        app.cut()
        assert isinstance(job.exception(SOON), ConnectionLost)
        assert client.predict("hi", api_name="/echo") == "hi"
    assert len({body["session_hash"] for body in app.posted("/join")}) == 2


def test_cancelling_one_of_several_leaves_the_others_alone(
    memory_client: Client, memory_app: App
) -> None:
    jobs = [memory_client.submit("x", 1, api_name="/gated_words") for _ in range(6)]
    victims = jobs[::2]
    for job in jobs:
        reached(job, Status.PROCESSING)
    for job in victims:
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.SPARED_SIBLINGS
    memory_app.open("x", 6)
    assert [job.result(SOON) for job in jobs[1::2]] == ["word 0"] * 3


# ---- done-callbacks


def test_done_callbacks_run_in_order_on_delivery_threads(
    memory_client: Client, memory_app: App
) -> None:
    job = memory_client.submit("x", api_name="/gated")
    called: list[Any] = []
    done = threading.Event()

    def raises(future: Any) -> None:
        called.append((future, threading.current_thread().name))
        raise ValueError("its own trouble")

    job.add_done_callback(raises)
    job.add_done_callback(lambda future: called.append((future, "second")))
    memory_app.open("x")
    job.result(SOON)
    job.add_done_callback(lambda future: called.append((future, "late")) or done.set())
    assert done.wait(SOON)
    assert [future for future, _ in called] == [job] * 3
    assert called[0][1].startswith("rxgradio-delivery")
    assert [name for _, name in called[1:]] == ["second", "late"]


def test_a_result_callback_of_what_returns_nothing_gets_no_argument(
    memory_client: Client,
) -> None:
    got: list[Any] = []
    called = threading.Event()

    def callback(*args: Any) -> None:
        got.append(args)
        called.set()

    memory_client.submit("x", api_name="/nothing", result_callbacks=callback)
    assert called.wait(SOON)
    assert got == [()]


def test_result_callbacks_get_one_argument_per_output(memory_client: Client) -> None:
    got: list[Any] = []
    done = threading.Event()
    memory_client.submit("abc", api_name="/two", result_callbacks=[lambda *v: got.append(v)])
    memory_client.submit(
        "x", api_name="/echo", result_callbacks=lambda *v: got.append(v) or done.set()
    ).result(SOON)
    assert done.wait(SOON)
    assert sorted(got) == [("abc", 3), ("x",)]


# ---- observers


def test_observers_are_called_serially_on_delivery_threads(memory_client: Client) -> None:
    seen = Seen(memory_client.submit(50, api_name="/count")).wait()
    assert seen.completed
    assert all(name.startswith("rxgradio-delivery") for name in seen.threads)


def test_subscribing_never_calls_the_observer_at_once(memory_client: Client) -> None:
    job = memory_client.submit("x", api_name="/echo")
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


def test_a_blocked_observer_holds_up_nobody_else(memory_client: Client) -> None:
    job = memory_client.submit(5, api_name="/count")
    release = threading.Event()
    job.updates.subscribe(lambda _: release.wait(SOON) and None)
    assert Seen(job).wait().completed
    assert memory_client.predict("hi", api_name="/echo") == "hi"
    release.set()


def test_an_observer_that_raises_harms_only_itself(memory_client: Client) -> None:
    job = memory_client.submit(5, api_name="/count")
    calls: list[Any] = []

    def raises(update: Any) -> None:
        calls.append(update)
        raise ValueError("its own trouble")

    job.updates.subscribe(raises)
    assert Seen(job).wait().completed
    assert job.result(SOON)
    assert memory_client.predict("hi", api_name="/echo") == "hi"
    assert len(calls) == 1


def test_two_hundred_observers_that_wait_for_jobs_all_get_there(memory_client: Client) -> None:
    job = memory_client.submit("x", api_name="/echo")
    got: list[Any] = []
    done = threading.Semaphore(0)

    def call(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            got.append(memory_client.predict("y", api_name="/echo"))

    for _ in range(200):
        job.updates.subscribe(call, on_completed=done.release)
    for _ in range(200):
        assert done.acquire(timeout=30)
    assert got == ["y"] * 200


def test_disposing_stops_the_observer_and_not_the_job(
    memory_client: Client, memory_app: App
) -> None:
    job = memory_client.submit("x", 2, api_name="/gated_words")
    seen = Seen(job)
    memory_app.open("x")
    next(iter(job))
    seen.subscription.dispose()
    before = len(seen.values)
    memory_app.open("x")
    assert job.result(SOON) == "word 0 word 1"
    assert Seen(job).wait().completed
    assert len(seen.values) == before
    assert not seen.completed


def test_a_scheduler_given_to_subscribe_takes_the_place_of_the_pool(memory_client: Client) -> None:
    job = memory_client.submit(2, api_name="/count")
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


def test_a_job_outlives_the_last_reference_to_its_client(memory_app: App) -> None:
    job = memory_app.connect().submit("x", api_name="/gated")
    memory_app.open("x")
    assert job.result(SOON) == "x went through"


def test_the_repr_tells_the_state_and_no_arguments(memory_client: Client, memory_app: App) -> None:
    job = memory_client.submit("secret", api_name="/gated")
    reached(job, Status.PROCESSING)
    assert repr(job).startswith("<Job /gated PROCESSING at")
    memory_app.open("secret")
    job.result(SOON)
    assert repr(job).startswith("<Job /gated FINISHED at")
    assert "secret" not in repr(job)
    failed = memory_client.submit(0, api_name="/fail_mid")
    failed.exception(SOON)
    assert repr(failed).startswith("<Job /fail_mid FAILED with AppError at")
    cancelled = memory_client.submit("x", api_name="/gated")
    cancelled.cancel()
    assert repr(cancelled).startswith("<Job /gated CANCELLED at")


def test_a_failure_that_no_subscriber_handles_is_logged_and_a_cancel_is_not(
    memory_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for job in (
        memory_client.submit(0, api_name="/fail_mid"),
        memory_client.submit("x", api_name="/gated"),
    ):
        job.cancel() if job.running() and "gated" in repr(job) else job.exception(SOON)
        job.updates.subscribe(lambda _: None)
        Seen(job).wait()
    assert delivery().drain(SOON)
    messages = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(messages) == 1
    assert "/fail_mid" in messages[0]
    assert "AppError: half-way" in messages[0]


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError, KeyboardInterrupt])
def test_whatever_a_callback_raises_is_its_own_trouble(
    memory_client: Client, memory_app: App, raised: type[BaseException]
) -> None:
    job = memory_client.submit("x", api_name="/gated")

    def raises(_: Any) -> None:
        raise raised

    done = threading.Event()
    job.add_done_callback(raises)
    job.add_done_callback(lambda _: done.set())
    job.updates.subscribe(raises)
    memory_app.open("x")
    assert done.wait(SOON)
    assert Seen(job).wait().completed


def test_a_job_that_has_ended_does_not_hold_its_client(memory_app: App) -> None:
    client = memory_app.connect()
    job = client.submit("x", api_name="/echo")
    job.result(SOON)
    dropped = weakref.ref(client)
    del client
    assert dropped() is None  # at once, without the garbage collector
    assert job.result() == "x"


def test_an_endpoint_holds_its_client(memory_app: App) -> None:
    echo = memory_app.connect().endpoint("/echo")
    gc.collect()
    assert echo.predict("x") == "x"


def test_an_iterator_that_is_dropped_takes_no_lock(memory_client: Client) -> None:
    job = memory_client.submit(3, api_name="/count")
    outputs = iter(job)
    next(outputs)
    with job._log.lock:  # the collector may run while the writer holds it
        del outputs
        gc.collect()
    assert job.result(SOON)


def test_memory_does_not_grow_with_the_number_of_jobs(memory_client: Client) -> None:
    echo = memory_client.endpoint("/echo")

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


def test_many_threads_may_submit_at_once(memory_client: Client) -> None:
    wrong: list[Any] = []

    def submit(thread: int) -> None:
        jobs = {
            f"{thread}/{n}": memory_client.submit(f"{thread}/{n}", api_name="/echo")
            for n in range(60)
        }
        wrong.extend(text for text, job in jobs.items() if job.result(30) != text)

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_cancelling_races_with_completing_and_all_faces_agree(
    memory_client: Client, memory_app: App
) -> None:
    for n in range(300):
        job = memory_client.submit(f"{n}", api_name="/gated")
        seen = Seen(job)
        memory_app.open(f"{n}")
        won = job.cancel()
        assert job.cancelled() is won
        assert concurrent.futures.wait([job], SOON).done == {job}
        seen.wait()
        if won:
            assert isinstance(seen.error, CancelledError)
            assert job.status().code is Status.CANCELLED
        else:
            assert seen.outputs == [job.result()] == [f"{n} went through"]
            assert job.status().code is Status.FINISHED
        assert job.cancel_outcome.result(SOON)
