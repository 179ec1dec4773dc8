"""What becomes of calls when tasks are cancelled, fail or end, and where their news arrive."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import (
    AppError,
    Client,
    Job,
    OutputUpdate,
    Retry,
    Status,
    StatusUpdate,
    fanin,
)
from rxgradio.fanin import Result
from rxgradio.operators import retry, timeout, to_async_iterable
from tests.contract.app import SOON, Seen, until_closed
from tests.contract.memory_app import MemoryApp as App

ERROR = ValueError("a sibling failed")

BRIEFLY = 0.05
"""Seconds after which a time limit strikes that is to."""


def run(main: Awaitable[Any]) -> Any:
    """Run in asyncio's debug mode, which finds calls from wrong threads."""

    async def limited() -> Any:
        return await asyncio.wait_for(main, SOON)

    return asyncio.run(limited(), debug=True)


async def awaited(client: Client, tag: str) -> None:
    await client.submit(tag, 1000, api_name="/gated_words")


async def looped(client: Client, tag: str) -> None:
    async for _ in client.observe(tag, 1000, api_name="/gated_words").pipe(to_async_iterable()):
        pass


async def looped_over_many(client: Client, tag: str) -> None:
    async for _ in client.endpoint("/gated_words").map([(tag, 1000)], unpack=True):
        pass


async def awaited_stream(client: Client, tag: str) -> None:
    await client.observe(tag, 1000, api_name="/gated_words")


async def together(*work: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


async def wait_for(future: Awaitable[None]) -> None:
    await future


ends_the_call = pytest.mark.parametrize(
    "how", [awaited, looped, looped_over_many, awaited_stream], ids=lambda how: how.__name__
)

How = Callable[[Client, str], Awaitable[None]]


async def begun(app: App, tag: str) -> None:
    """Wait until a call has given its first output, and a task has had the time to take it."""
    await asyncio.to_thread(app.await_ledger, tag, "started")
    app.open(tag)
    await asyncio.to_thread(app.await_ledger, tag, "word 0")


@ends_the_call
def test_cancelling_the_task_cancels_the_call(
    memory_client: Client, memory_app: App, how: How
) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(how(memory_client, "x"))
        await begun(memory_app, "x")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        await asyncio.to_thread(until_closed, memory_app, "x")

    run(main())
    assert len(memory_app.posted("/cancel")) == 1


@ends_the_call
def test_a_time_limit_cancels_the_call(memory_client: Client, memory_app: App, how: How) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(BRIEFLY):
                await how(memory_client, "x")
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr] # it is one
        if memory_app.ledger("x"):  # it may have been quicker than the call
            await asyncio.to_thread(until_closed, memory_app, "x")

    run(main())
    assert "finished" not in memory_app.ledger("x")


@ends_the_call
def test_a_sibling_that_fails_cancels_the_call(
    memory_client: Client, memory_app: App, how: How
) -> None:
    async def fails() -> None:
        await begun(memory_app, "x")
        raise ERROR

    async def main() -> None:
        call = asyncio.ensure_future(how(memory_client, "x"))
        with pytest.raises(ExceptionGroup) as caught:
            await together(wait_for(call), fails())
        assert caught.value.exceptions == (ERROR,)
        assert call.cancelled()
        await asyncio.to_thread(until_closed, memory_app, "x")

    run(main())


@ends_the_call
def test_the_end_of_a_loop_cancels_the_calls_of_its_tasks(
    memory_client: Client, memory_app: App, how: How
) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(how(memory_client, "x"))
        await begun(memory_app, "x")
        assert not task.done()

    run(main())
    until_closed(memory_app, "x")


def test_a_call_that_fails_ends_its_siblings(memory_client: Client, memory_app: App) -> None:
    async def main() -> None:
        async def fails() -> None:
            await begun(memory_app, "x")
            await memory_client.submit(2, api_name="/fail_mid")

        with pytest.raises(ExceptionGroup) as caught:
            await together(awaited(memory_client, "x"), fails())
        (error,) = caught.value.exceptions
        assert isinstance(error, AppError)
        await asyncio.to_thread(until_closed, memory_app, "x")

    run(main())


# ---- a hot job belongs to who awaits it, and not to who listens


async def updates_of(job: Job) -> None:
    async for _ in job:
        pass


async def some_updates_of(job: Job) -> None:
    async for _ in job.iterate(on_slow="latest"):
        pass


async def stream_of(job: Job) -> None:
    async for _ in job.updates.pipe(to_async_iterable()):
        pass


async def shielded(job: Job) -> None:
    await asyncio.shield(job)


@pytest.mark.parametrize("listen", [updates_of, some_updates_of, stream_of, shielded])
def test_a_task_that_listens_leaves_the_job_alone(
    memory_client: Client, memory_app: App, listen: Callable[[Job], Awaitable[None]]
) -> None:
    async def main() -> str:
        job = memory_client.submit("x", 2, api_name="/gated_words")
        await begun(memory_app, "x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(BRIEFLY):
                await listen(job)
        assert not job.done()
        memory_app.open("x")
        result: str = await job
        return result

    assert run(main()) == "word 0 word 1"
    assert memory_app.posted("/cancel") == []


def test_of_two_tasks_that_await_a_job_either_ends_it_for_both(memory_client: Client) -> None:
    async def main() -> None:
        job = memory_client.submit("x", api_name="/gated")
        first, second = (asyncio.ensure_future(job) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first, second])
        assert first.cancelled()
        # The other was not cancelled: what it waits for was.
        assert not second.cancelled()
        assert isinstance(second.exception(), CancelledError)

    run(main())


@pytest.mark.parametrize("face", [lambda job: job, updates_of, stream_of])
def test_a_job_that_is_cancelled_elsewhere_cancels_no_task(
    memory_client: Client, face: Callable[[Job], Any]
) -> None:
    async def main() -> str:
        job = memory_client.submit("x", api_name="/gated")
        asyncio.get_running_loop().call_later(0.01, job.cancel)
        waiting = asyncio.ensure_future(face(job))
        with pytest.raises(ExceptionGroup) as caught:
            await together(wait_for(waiting))
        (error,) = caught.value.exceptions
        assert isinstance(error, CancelledError)
        assert not waiting.cancelled()
        gathered = await asyncio.gather(job, asyncio.sleep(0, "x"), return_exceptions=True)
        assert isinstance(gathered[0], CancelledError)
        return "goes on"

    assert run(main()) == "goes on"


def test_a_task_that_ends_late_does_not_cancel_what_has_ended(memory_client: Client) -> None:
    async def main() -> Job:
        job = memory_client.submit("x", api_name="/echo")
        task = asyncio.ensure_future(job)
        await asyncio.sleep(0)
        await asyncio.to_thread(job.result, SOON)  # the loop has no turn between
        task.cancel()
        await asyncio.wait([task])
        return job

    assert run(main()).result() == "x"


# ---- where


def test_news_come_on_the_loop_and_in_the_context_of_the_task(memory_client: Client) -> None:
    name = contextvars.ContextVar("name", default="nobody")
    places: set[tuple[threading.Thread, asyncio.AbstractEventLoop, str]] = set()

    def here() -> tuple[threading.Thread, asyncio.AbstractEventLoop, str]:
        return threading.current_thread(), asyncio.get_running_loop(), name.get()

    async def main() -> Any:
        name.set("somebody")
        places.add(here())
        job = memory_client.submit(3, api_name="/count")
        async for _ in job:
            places.add(here())
        await job
        places.add(here())
        observed = memory_client.observe(3, api_name="/count")
        async for _ in observed.pipe(to_async_iterable()):
            places.add(here())
        async for _ in memory_client.endpoint("/echo").map(["a", "b"]):
            places.add(here())
        await observed
        places.add(here())
        return here()

    assert places == {run(main())}


@pytest.mark.parametrize(
    ("make", "last"),
    [
        (lambda call, _: call().pipe(timeout(SOON)), Status.FINISHED),
        (lambda call, _: call().pipe(retry(Retry())), Status.FINISHED),
        (lambda call, _: call().pipe(ops.debounce(0.001)), Status.FINISHED),
        (lambda call, _: reactivex.merge(call(), call()), Status.FINISHED),
        (lambda _, echo: reactivex.of("a", "b").pipe(echo.latest()), Status.FINISHED),
        (lambda call, _: fanin.gather([call().result()]).pipe(ops.map(list)), [Result("word 0")]),
        (lambda _, echo: echo.map(["a", "b"]).pipe(ops.map(lambda result: result.output)), "b"),
        (lambda call, _: call().text_deltas().pipe(ops.map(str)), "word 0"),
    ],
    ids=["timeout", "retry", "debounce", "merge", "latest", "gather", "map", "text_deltas"],
)
def test_streams_can_be_awaited(
    memory_client: Client, make: Callable[[Any, Any], Any], last: Any
) -> None:
    """reactivex must be told of the end on the loop; in debug mode, another thread fails."""

    async def main() -> Any:
        call = partial(memory_client.observe, 1, api_name="/count")
        value = await make(call, memory_client.endpoint("/echo"))
        return value.code if isinstance(value, StatusUpdate) else value

    assert run(main()) == last


def test_one_client_serves_the_loops_of_many_threads(memory_app: App) -> None:
    with memory_app.connect() as shared:

        async def work(n: int) -> list[Any]:
            own = memory_app.connect()
            async with own:
                found: list[Any] = []
                for client in (shared, own):
                    jobs = [client.submit(f"{n} {m}", api_name="/echo") for m in range(10)]
                    found += await asyncio.gather(*jobs)
                    counted = client.observe(n + 1, api_name="/count").outputs()
                    found.append([each async for each in counted.pipe(to_async_iterable())][-1])
                    found += [each.output async for each in client.endpoint("/echo").map(range(9))]
                return found

        with ThreadPoolExecutor(6) as threads:
            done = list(threads.map(lambda n: asyncio.run(work(n), debug=True), range(6)))
    for n, found in enumerate(done):
        words = " ".join(f"word {m}" for m in range(n + 1))
        assert found == [*[f"{n} {m}" for m in range(10)], words, *range(9)] * 2


def test_one_job_is_awaited_by_the_loops_of_many_threads(
    memory_client: Client, memory_app: App
) -> None:
    job = memory_client.submit("x", 3, api_name="/gated_words")

    async def work() -> tuple[str, list[Any]]:
        waiting = asyncio.ensure_future(job)
        updates = [update async for update in job]
        return await waiting, [each.outputs for each in updates if isinstance(each, OutputUpdate)]

    with ThreadPoolExecutor(6) as threads:
        futures = [threads.submit(lambda: run(work())) for _ in range(6)]
        memory_app.open("x", 3)
        done = [future.result(SOON) for future in futures]
    outputs = ["word 0", "word 0 word 1", *["word 0 word 1 word 2"] * 2]
    assert done == [("word 0 word 1 word 2", outputs)] * 6


def test_a_loop_that_was_closed_under_its_tasks_harms_no_job(
    memory_client: Client, memory_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    job = memory_client.submit("x", 2, api_name="/gated_words")
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # it says that tasks were pending
    tasks = [loop.create_task(updates_of(job)), loop.create_task(shielded(job))]
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    seen = Seen(job)
    memory_app.open("x", 2)
    assert job.result(SOON) == seen.wait().outputs[-1] == "word 0 word 1"
    del tasks
    gc.collect()
    assert caplog.records == []
