"""8. Nothing of the user's blocks the library, and the library blocks nobody.

A slow observer or callback delays only itself, `submit()` returns at once whatever the
server does, and the event loop, on which all sockets live, is never held up: not by the
user's code, not by large outputs, not by many calls.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rxgradio import Client, OutputUpdate
from rxgradio.runtime.process import delivery, loop_thread
from rxgradio.testing import Hang, Latency
from tests.rules.faces import Faces, Strict
from tests.rules.served import SOON, Served
from tests.transport.server import within

LAG = 3.0
"""Seconds that the loop may be late: generous, as the machine may be busy with other things."""


@contextmanager
def loop_in_time() -> Iterator[None]:
    """Fail if the scheduler's loop is held up meanwhile."""
    late: list[float] = [0.0]
    stop = threading.Event()

    async def tick() -> None:
        while not stop.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - before - 0.01)

    ticking = loop_thread().run(tick())
    try:
        yield
    finally:
        stop.set()
        ticking.result(SOON)
    assert max(late) < LAG


def test_rule_08_a_slow_observer_delays_only_itself(served: Served) -> None:
    release = threading.Event()
    slow = Strict()

    def wait(update: object) -> None:
        slow.on_next(update)
        release.wait(SOON)

    with Client(served.url) as client, loop_in_time():
        job = client.submit("x", 20, api_name="/flow")
        job.updates.subscribe(wait, slow.on_error, slow.on_completed)
        job.add_done_callback(lambda _: release.wait(SOON))
        faces = Faces(client.submit("y", api_name="/echo"))
        fast = Faces(client.submit(20, api_name="/words"))
        served.open_gate("x")
        assert job.result(SOON) == "x 19"
        assert faces.all_told()[1] == "y"
        assert fast.all_told(["w" * n for n in range(1, 21)])
        assert len(slow.updates) == 1
        release.set()
        assert slow.ended.wait(SOON)
        assert slow.outputs == [f"x {n}" for n in range(20)]
        assert slow.breaches == []


def test_rule_08_more_blocked_callbacks_than_threads_hold_up_no_result(
    serve: Callable[[], Served],
) -> None:
    release = threading.Event()
    done: list[object] = []
    try:
        with Client(serve().url) as client, loop_in_time():
            jobs = [client.submit(f"{n}", api_name="/echo") for n in range(100)]
            for job in jobs:
                job.add_done_callback(lambda _: (release.wait(SOON), done.append(1)))
            assert [job.result(SOON) for job in jobs] == [f"{n}" for n in range(100)]
            assert client.submit("y", api_name="/echo").result(SOON) == "y"
    finally:
        release.set()
    assert delivery().drain(SOON)
    assert len(done) == 100


@pytest.mark.parametrize("owed", ["connect", "join", "stream"])
def test_rule_08_submit_returns_at_once_whatever_the_server_does(served: Served, owed: str) -> None:
    with Client(served.url) as client, loop_in_time():
        served.script(owed, Hang())
        with within(10.0):
            jobs = [client.submit(f"{n}", api_name="/echo") for n in range(200)]
        assert not any(job.done() for job in jobs)
    assert {Faces(job).all_told()[0] for job in jobs[:3]} == {"ClientClosed"}


def test_rule_08_a_server_that_takes_its_time_holds_up_nobody(served: Served) -> None:
    """Calls to one server that is slow, and to another one that is not."""
    other = Served(served.version)
    try:
        with Client(served.url) as slow, Client(other.url) as quick, loop_in_time():
            served.script("join", Latency(1.0))
            held = [slow.submit(f"{n}", api_name="/echo") for n in range(20)]
            assert [quick.submit(n, api_name="/echo").result(SOON) for n in range(5)] == [*range(5)]
            assert not any(job.done() for job in held)
            assert [job.result(SOON) for job in held] == [f"{n}" for n in range(20)]
    finally:
        other.stop()
        assert other.failures == []


def test_rule_08_many_calls_and_large_outputs_leave_the_loop_its_time(served: Served) -> None:
    text = "x" * 2_000_000
    with Client(served.url) as client, loop_in_time():
        large = [client.submit(text, api_name="/echo") for _ in range(3)]
        small = [client.submit(n, api_name="/echo") for n in range(100)]
        assert [job.result(SOON) for job in small] == [*range(100)]
        assert all(job.result(SOON) == text for job in large)


def test_rule_08_a_slow_reader_on_a_loop_of_its_own_delays_only_itself(served: Served) -> None:
    async def read(client: Client) -> list[Any]:
        job = client.submit(10, api_name="/words")
        found: list[Any] = []
        async for update in job:
            if isinstance(update, OutputUpdate) and not update.final:
                found.append(update.outputs)
                if len(found) == 1:
                    # The reader's loop stands still, and another thread's calls do not.
                    other = threading.Thread(target=_call, args=(client, answers))
                    other.start()
                    other.join(SOON)
        return found

    answers: list[Any] = []
    with Client(served.url) as client, loop_in_time():
        assert asyncio.run(read(client)) == ["w" * n for n in range(1, 11)]
    assert answers == ["y"]


def _call(client: Client, answers: list[Any]) -> None:
    answers.append(client.submit("y", api_name="/echo").result(SOON))
