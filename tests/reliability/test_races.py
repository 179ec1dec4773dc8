"""Two things at once, from two threads, many times: whichever comes first, the end is one.

The threads meet at a barrier and then stray by a few microseconds, so that in some rounds
the one comes first, in some the other, and in some neither.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rxgradio import Client, ClientClosed, ConnectionLost
from tests.reliability.world import SOON, Call, Waiter, Watcher, World

ROUNDS = 100
VERSIONS = ["3.50.2", "4.8.0", "4.22.0", "4.44.1", "6.31.0"]

Act = Callable[[], Any]


class Race:
    """An app, a client, and two threads that act at once."""

    def __init__(self, version: str, pool: ThreadPoolExecutor) -> None:
        self.world = World(version)
        self.client: Client = self.world.connect()
        self._chance = random.Random(version)
        self._pool = pool
        self._start = threading.Barrier(2)

    def call(self, endpoint: str = "/words", n: int = 2) -> Call:
        """Make a call; its function waits at its gate."""
        call = Call(endpoint, n)
        call.attach(self.client.submit(call.tag, n, api_name=endpoint))
        return call

    def at_once(self, *acts: Act) -> list[Any]:
        """Do two things, and return what they returned."""
        strays = [self._chance.choice([0, 0, 0, 30, 300, 3000]) for _ in acts]

        def run(act: Act, stray: int) -> Any:
            self._start.wait(SOON)
            for _ in range(stray):
                pass
            return act()

        running = [self._pool.submit(run, *each) for each in zip(acts, strays, strict=True)]
        return [each.result(SOON) for each in running]

    def finish(self, *calls: Call) -> None:
        """Let calls come to their end, if they have not, and check them."""
        for call in calls:
            if call.end is None and not (call.job and call.job.done()):
                self.world.open(call.tag, 10)
        for call in calls:
            call.await_end()
            call.check(self.world)
            assert call.job is None or call.end is not None

    def close(self) -> None:
        self.client.close()
        self.world.close()


@pytest.fixture(autouse=True)
def quickly_switching() -> Iterator[None]:
    """Let threads take turns a thousand times as often as they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=VERSIONS)
def race(request: pytest.FixtureRequest) -> Iterator[Race]:
    with ThreadPoolExecutor(2) as pool:
        race = Race(request.param, pool)
        yield race
        race.close()


def test_cancel_and_cancel(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        assert call.job is not None
        assert race.at_once(call.job.cancel, call.job.cancel) == [True, True]
        call.cancelled = True
        race.finish(call)


def test_cancel_and_completion(race: Race) -> None:
    ends = set()
    for _ in range(ROUNDS):
        call, sibling = race.call(), race.call()
        assert call.job is not None
        call.cancelled, _ = race.at_once(call.job.cancel, lambda c=call: race.world.open(c.tag, 10))
        race.finish(call, sibling)
        assert call.end is not None
        ends.add(call.end.how)
    assert "cancelled" in ends


def test_cancel_and_close(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        assert call.job is not None
        call.exposed.add(ClientClosed)
        call.cancelled, _ = race.at_once(call.job.cancel, race.client.close)
        race.finish(call)
        race.client = race.world.connect()


def test_submit_and_close(race: Race) -> None:
    for _ in range(ROUNDS):
        call = Call("/words", 2)
        call.exposed.add(ClientClosed)

        def submit(call: Call = call) -> bool:
            try:
                job = race.client.submit(call.tag, 2, api_name="/words")
            except ClientClosed:
                return False
            call.attach(job)
            return True

        submitted, _ = race.at_once(submit, race.client.close)
        if submitted:
            call.await_end()
            race.finish(call)
        race.client = race.world.connect()


def test_close_and_close(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        call.exposed.add(ClientClosed)
        race.at_once(race.client.close, race.client.close)
        race.finish(call)
        assert call.end is not None
        assert isinstance(call.end.error, ClientClosed)
        race.client = race.world.connect()


def test_dispose_and_output(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        watcher = call.watch()
        race.at_once(watcher.dispose, lambda c=call: race.world.open(c.tag))
        race.finish(call)
        assert call.end is not None
        assert call.end.how == "completed"
        assert watcher.outputs == call.texts[: len(watcher.outputs)]


def test_dispose_and_output_of_a_cold_stream(race: Race) -> None:
    for _ in range(ROUNDS):
        call, watcher = Call("/words", 2), Watcher()
        call.watchers.append(watcher)
        answers = race.client.observe(call.tag, 2, api_name="/words")
        watcher.subscription = answers.subscribe(watcher)
        race.at_once(watcher.dispose, lambda c=call: race.world.open(c.tag, 10))
        race.finish(call)
        assert watcher.outputs == call.texts[: len(watcher.outputs)]
    race.finish(race.call())


def test_subscribe_and_end(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        race.at_once(call.watch, lambda c=call: race.world.open(c.tag, 10))
        race.finish(call)


def test_add_done_callback_and_end(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        assert call.job is not None
        done: list[Any] = []
        called = threading.Event()

        def call_back(job: Any, done: list[Any] = done, called: threading.Event = called) -> None:
            done.append(job)
            called.set()

        race.at_once(
            lambda c=call, f=call_back: c.job.add_done_callback(f),
            lambda c=call: race.world.open(c.tag, 10),
        )
        race.finish(call)
        assert called.wait(SOON)
        assert done == [call.job]


@pytest.mark.parametrize("way", Waiter.WAYS)
def test_a_waiter_and_cancel(race: Race, way: str) -> None:
    for _ in range(ROUNDS // 4):
        call = race.call()
        assert call.job is not None

        def wait(call: Call = call) -> None:
            assert call.job is not None
            call.waiters.append(Waiter(call.job, way))

        _, call.cancelled = race.at_once(wait, call.job.cancel)
        race.finish(call)


def test_a_drop_and_submit(race: Race) -> None:
    for _ in range(ROUNDS):
        before, call = race.call(), Call("/words", 2)
        for each in (before, call):
            each.exposed.add(ConnectionLost)

        def submit(call: Call = call) -> None:
            call.attach(race.client.submit(call.tag, 2, api_name="/words"))

        race.at_once(submit, race.world.drop)
        race.finish(before, call)
        race.finish(race.call())


def test_a_drop_and_cancel(race: Race) -> None:
    for _ in range(ROUNDS):
        call, sibling = race.call(), race.call()
        assert call.job is not None
        for each in (call, sibling):
            each.exposed.add(ConnectionLost)
        call.cancelled, _ = race.at_once(call.job.cancel, race.world.drop)
        race.finish(call, sibling)


def test_a_drop_and_completion(race: Race) -> None:
    for _ in range(ROUNDS):
        call = race.call()
        call.exposed.add(ConnectionLost)
        race.at_once(race.world.drop, lambda c=call: race.world.open(c.tag, 10))
        race.finish(call)
