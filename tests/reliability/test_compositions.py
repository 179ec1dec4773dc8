"""Operators on operators on operators: what holds for each holds for whatever is made of them.

Compositions are made up at random, and run in virtual time, where everything that happens is
known, and on real threads, where everything happens at once.
"""

from __future__ import annotations

import random
import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.testing import ReactiveTest, TestScheduler

from rxgradio import Retry, fanin
from rxgradio.bulk import mapped
from rxgradio.operators import (
    Bulkhead,
    CircuitBreaker,
    cached,
    concat_map,
    deadline,
    exhaust_map,
    rate_limit,
    retry,
    switch_map,
    timeout,
)
from rxgradio.operators.share_in_flight import Flights
from rxgradio.runtime.process import delivery
from tests.contract.app import SOON

Stream = Observable[Any]
ERROR = ValueError("no")


class Parts:
    """What compositions are made of: leaves, operators, and what these share.

    Args:
        leaf: Makes a stream.
        tick: The unit of time, in seconds.
    """

    def __init__(self, leaf: Callable[[], Stream], tick: float) -> None:
        self.leaf = leaf
        self.bulkhead = Bulkhead(2)
        self.breaker = CircuitBreaker(3, 20 * tick)
        again = Retry(attempts=3, initial=tick, longest=4 * tick)
        self.flights: Flights[[], Any] = Flights(leaf, lambda: "key")
        self.shared = self.flights.wrapped()
        self.kept = cached(leaf, key=lambda: "key")
        self._on_one: dict[str, Callable[[Stream], Stream]] = {
            "retry": retry(again),
            "timeout": timeout(30 * tick),
            "deadline": deadline(60 * tick),
            "rate_limit": rate_limit(1 / tick, 2),
            "bulkhead": self.bulkhead,
            "breaker": self.breaker,
            "switch": switch_map(lambda _: leaf()),
            "exhaust": exhaust_map(lambda _: leaf()),
            "concat": ops.take(3),
            "take": ops.take(4),
            "map": lambda stream: mapped(
                stream,
                lambda _: leaf(),
                max_concurrent=2,
                ordered=True,
                on_error="keep",
                label="a map",
            ),
            "hedge": lambda stream: fanin.hedge(stream, after=5 * tick),
        }
        concat = concat_map(lambda _: leaf())
        self._on_one["concat"] = lambda stream: stream.pipe(ops.take(3), concat)
        self._on_many: dict[str, Callable[[list[Stream]], Stream]] = {
            "merge": lambda streams: fanin.merge(dict(enumerate(streams))),
            "keep": lambda streams: fanin.merge(dict(enumerate(streams)), on_error="keep"),
            "combine": lambda streams: fanin.combine_latest(dict(enumerate(streams))),
            "zip": lambda streams: fanin.zip(dict(enumerate(streams))),
            "gather": fanin.gather,
            "race": lambda streams: fanin.race(*streams),
            "fail_over": lambda streams: fanin.fail_over(*streams),
        }

    def compose(self, choose: Callable[[list[str]], str], depth: int) -> Stream:
        """Make something of something."""
        if depth == 0:
            made = choose(["leaf", "leaf", "shared", "kept"])
            return {"leaf": self.leaf, "shared": self.shared, "kept": self.kept}[made]()
        name = choose([*self._on_one, *self._on_many])
        if name in self._on_one:
            return self._on_one[name](self.compose(choose, depth - 1))
        inner = [self.compose(choose, depth - 1) for _ in range(2)]
        if choose(["apart", "twice"]) == "twice":
            inner[1] = inner[0]
        return self._on_many[name](inner)

    def check(self) -> None:
        """See that nothing is held by what is shared."""
        assert (self.bulkhead.active, self.bulkhead.waiting) == (0, 0)
        assert self.flights._flights == {}
        assert self.breaker._trial is None


LEAVES = st.lists(
    st.tuples(st.lists(st.integers(1, 25), max_size=4), st.sampled_from("CCEN")),
    min_size=1,
    max_size=6,
)
"""For each leaf, the times between its signals, and how it ends: well, badly, or never."""


@settings(max_examples=200, deadline=None)
@given(LEAVES, st.data(), st.integers(1, 4), st.integers(201, 600))
def test_in_virtual_time(
    leaves: list[tuple[list[int], str]], data: st.DataObject, depth: int, disposed: int
) -> None:
    scheduler = TestScheduler()
    made: list[Any] = []

    def leaf() -> Stream:
        waits, end = leaves[len(made) % len(leaves)]
        at, messages = 0, []
        for n, pause in enumerate(waits):
            at += pause
            messages.append(ReactiveTest.on_next(at, n))
        if end == "C":
            messages.append(ReactiveTest.on_completed(at + 1))
        elif end == "E":
            messages.append(ReactiveTest.on_error(at + 1, ERROR))
        stream = scheduler.create_cold_observable(messages)
        made.append(stream)
        return stream

    parts = Parts(leaf, 1.0)
    stream = parts.compose(lambda names: data.draw(st.sampled_from(names)), depth)
    told = scheduler.start(lambda: stream, disposed=disposed).messages
    kinds = "".join(message.value.kind for message in told)
    assert re.fullmatch("N*[CE]?", kinds)
    assert all(200 <= message.time <= disposed for message in told)
    over = told[-1].time if kinds.endswith(("C", "E")) else disposed
    for each in (span for stream in made for span in stream.subscriptions):
        # When it was left, reactivex tells as a whole number.
        assert 200 <= int(each.subscribe) <= each.unsubscribe <= over
    parts.check()


class Feeders:
    """Leaves whose signals come from threads, each for itself."""

    def __init__(self, pool: ThreadPoolExecutor, chance: random.Random) -> None:
        self._pool = pool
        self._chance = chance
        self._lock = threading.Lock()
        self._running: list[Any] = []
        self.open = 0
        self.begun = 0
        self.twice = 0

    def leaf(self) -> Stream:
        count, end = self._chance.randrange(5), self._chance.choice("CCEN")
        return Observable(lambda observer, _: self._subscribe(observer, count, end))

    def _subscribe(self, observer: Any, count: int, end: str) -> abc.DisposableBase:
        left = threading.Event()
        with self._lock:
            self.open += 1
            self.begun += 1
            stray = self._chance.choice([0, 0, 30, 300, 3000])

        def leave() -> None:
            with self._lock:
                self.open -= 1
                self.twice += left.is_set()
                left.set()

        def feed() -> None:
            for n in range(count):
                for _ in range(stray):
                    pass
                if left.is_set():
                    return
                observer.on_next(n)
            if end == "C":
                observer.on_completed()
            elif end == "E":
                observer.on_error(ERROR)

        with self._lock:
            self._running.append(self._pool.submit(feed))
        return Disposable(leave)

    def settled(self) -> None:
        """Wait until nothing is fed any more, and raise what that raised."""
        while True:
            with self._lock:
                running, self._running = self._running, []
            if not running:
                return
            wait(running, SOON)
            for each in running:
                each.result(0)


class Watch:
    """An observer that sees whether it is called as it should be.

    It may have enough after some values, and then leaves from within the call, or
    subscribes once more there.
    """

    def __init__(self, stream: Stream, chance: random.Random) -> None:
        self.ended = threading.Event()
        self.wrong: list[object] = []
        self.subscription = SingleAssignmentDisposable()
        self.others: list[abc.DisposableBase] = []
        self._stream = stream
        self._leaves_after = chance.choice([0, 1, 2])  # 0: it does not
        self._subscribes_after = chance.choice([0, 0, 1])
        self._count = 0
        self._inside = threading.Lock()
        self._stray = chance.choice([0, 0, 300])

    def _signal(self, what: object, *, ends: bool = False) -> None:
        if self.ended.is_set() or not self._inside.acquire(blocking=False):
            self.wrong.append(what)
            return
        for _ in range(self._stray):
            pass
        if ends:
            self.ended.set()
        self._inside.release()

    def on_next(self, value: object) -> None:
        self._count += 1
        if self._count == self._subscribes_after:
            self.others.append(self._stream.subscribe(on_error=lambda _: None))
        # Another thread may be about to get what is to be disposed of.
        if self._count == self._leaves_after and self.subscription.disposable is not None:
            self.subscription.dispose()
            self._signal(value, ends=True)
        else:
            self._signal(value)

    def leave(self) -> None:
        """Leave everything; what is being said at the moment may still be."""
        for each in (self.subscription, *self.others):
            each.dispose()

    def on_error(self, error: Exception) -> None:
        self._signal(error, ends=True)

    def on_completed(self) -> None:
        self._signal("end", ends=True)


@pytest.fixture
def quickly_switching() -> Iterator[None]:
    """Let threads take turns a thousand times as often as they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quickly_switching")
@pytest.mark.parametrize("seed", range(50))
def test_on_threads(seed: int) -> None:
    chance = random.Random(seed)
    with ThreadPoolExecutor(16) as pool:
        feeders = Feeders(pool, chance)
        parts = Parts(feeders.leaf, 0.001)
        stream = parts.compose(chance.choice, chance.randint(1, 4))
        watches = [Watch(stream, chance) for _ in range(3)]
        for watch in watches:
            watch.subscription.disposable = stream.subscribe(
                watch.on_next, watch.on_error, watch.on_completed
            )
        for watch in watches:
            watch.ended.wait(chance.choice([0, 0.001, 0.01, 0.1]))
            watch.leave()
        settle(feeders)
        for watch in watches:  # who subscribed while it was left
            watch.leave()
        settle(feeders)
    parts.check()
    assert [watch.wrong for watch in watches] == [[]] * 3
    assert (feeders.open, feeders.twice) == (0, 0)


def settle(feeders: Feeders) -> None:
    """Wait until all is over: what is under way when a stream is left is not waited for."""
    for _ in range(2):  # what is delivered may begin something, only to leave it at once
        assert delivery().drain(SOON)
        feeders.settled()
