"""The end of a client, whatever the server is doing, and of tasks that wait for one."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from rxgradio import Client, ClientClosed, Job
from rxgradio.runtime.process import loop_thread
from tests.transport.server import EVENT_STREAM, SOON, FakeGradio, Peer, within
from tests.transport.test_joins import failure


async def _silent_stream(peer: Peer) -> None:
    await peer.send(EVENT_STREAM)
    await peer.gone()


@pytest.mark.parametrize(
    ("route", "script"),
    [("join", Peer.gone), ("data", Peer.gone), ("data", _silent_stream), ("cancel", Peer.gone)],
    ids=["join", "stream without a head", "stream without a word", "cancel"],
)
def test_closing_does_not_wait_for_the_server(
    server: FakeGradio, route: str, script: Callable[[Peer], None]
) -> None:
    server.script(route, script)
    client = Client(server.url)
    jobs = [client.submit("x", api_name="/held") for _ in range(20)]
    if route == "cancel":
        server.until(lambda: len(server.events) == 20 and server.asked("data"))
        assert all(job.cancel() for job in jobs)
    server.until(lambda: server.asked(route))
    with within(3.0):
        client.close()
    server.until(lambda: server.open == 0)
    if route != "cancel":
        for job in jobs:
            failure(job, ClientClosed)
    with pytest.raises(ClientClosed):
        client.submit("x", api_name="/echo")
    client.close()


def _submit_until_closed(client: Client, both: threading.Barrier, jobs: list[Job]) -> None:
    both.wait(SOON)
    with suppress(ClientClosed):
        while True:
            jobs.append(client.submit("x", api_name="/echo"))


def test_closing_while_calls_are_submitted_ends_them_all(server: FakeGradio) -> None:
    for _ in range(5):
        client = Client(server.url)
        both = threading.Barrier(2)
        jobs: list[Job] = []
        thread = threading.Thread(target=_submit_until_closed, args=(client, both, jobs))
        thread.start()
        both.wait(SOON)
        client.close()
        thread.join(SOON)
        for job in jobs:
            error = job.exception(SOON)
            assert error is None or isinstance(error, ClientClosed)
    server.until(lambda: server.open == 0)


def test_clients_that_are_opened_and_closed_leave_nothing(server: FakeGradio) -> None:
    for n in range(50):
        with Client(server.url) as client:
            if n % 2:
                assert client.predict("x", api_name="/echo") == "x"
    server.until(lambda: server.open == 0)
    assert len(server.asked("config")) == 50


def test_clients_that_are_dropped_leave_nothing(server: FakeGradio) -> None:
    for n in range(10):
        client = Client(server.url)
        if n % 2:
            assert client.predict("x", api_name="/echo") == "x"
        del client
    gc.collect()
    server.until(lambda: server.open == 0)


def test_many_clients_at_once_are_connected_and_closed(server: FakeGradio) -> None:
    async def one(n: int) -> str:
        async with Client.connect(server.url) as client:
            return str(await client.submit(f"{n}", api_name="/echo"))

    async def main() -> list[str]:
        return await asyncio.gather(*(one(n) for n in range(30)))

    assert asyncio.run(main()) == [f"{n}" for n in range(30)]
    server.until(lambda: server.open == 0)


# ---- tasks that are cancelled


@pytest.mark.parametrize("route", ["config", "info"])
def test_connecting_may_be_cancelled_half_way(server: FakeGradio, route: str) -> None:
    """At once, and not when the server has answered at last: it never does."""
    server.script(route, Peer.gone)

    async def main() -> None:
        task = asyncio.ensure_future(_connect(server))
        await asyncio.to_thread(server.until, lambda: server.asked(route))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with within(3.0):
        asyncio.run(main())
    server.until(lambda: server.open == 0)


def test_a_client_that_is_connected_when_nobody_waits_any_more_is_closed(
    server: FakeGradio,
) -> None:
    answered = server.gate()

    async def answer_late(peer: Peer) -> None:
        await answered.passed()
        await server.healthy(peer)

    server.script("info", answer_late)

    async def main() -> None:
        task = asyncio.ensure_future(_connect(server))
        await asyncio.to_thread(server.until, lambda: server.asked("info"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    answered.open()
    server.until(lambda: server.open == 0)


def test_connecting_may_be_cancelled_at_any_moment(server: FakeGradio) -> None:
    async def main() -> None:
        for steps in range(60):
            task = asyncio.ensure_future(_connect(server))
            for _ in range(steps * 5):
                await asyncio.sleep(0)
            task.cancel()
            try:
                client = await task
            except asyncio.CancelledError:
                continue
            await client.aclose()

    asyncio.run(main())
    server.until(lambda: server.open == 0)


def test_a_time_limit_for_connecting_is_kept(server: FakeGradio) -> None:
    server.script("config", Peer.gone)

    async def main() -> None:
        async with asyncio.timeout(0.1):
            await Client.connect(server.url)

    with within(3.0), pytest.raises(TimeoutError):
        asyncio.run(main())
    server.until(lambda: server.open == 0)


def test_closing_goes_on_when_the_task_that_waits_for_it_is_cancelled(
    server: FakeGradio,
) -> None:
    client = Client(server.url)
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    busy = threading.Event()

    async def main() -> None:
        loop_thread().call(busy.wait)  # so that closing cannot be over yet
        task = asyncio.ensure_future(client.aclose())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        busy.set()

    asyncio.run(main())
    failure(job, ClientClosed)
    client.close()
    server.until(lambda: server.open == 0)


async def _connect(server: FakeGradio) -> Client:
    return await Client.connect(server.url)
