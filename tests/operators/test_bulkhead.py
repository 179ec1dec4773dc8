"""Bulkhead, in virtual time and with real threads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler.eventloop import AsyncIOThreadSafeScheduler
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.mockobserver import MockObserver
from reactivex.testing.subscription import Subscription

from rxgradio import BulkheadFull
from rxgradio.operators import Bulkhead
from tests.contract.app import SOON, Seen

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")


class World:
    """Cold streams that go through a bulkhead."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self.scheduler = TestScheduler()
        self.bulkhead = bulkhead
        self.streams: list[Any] = []

    def stream(self, at: float, length: int, *, left: float | None = None) -> MockObserver[Any]:
        """Subscribe to one; it fails if its length is negative."""
        length, ends = abs(length), length > 0
        cold = self.scheduler.create_cold_observable(
            on_next(5, len(self.streams)),
            on_completed(length) if ends else on_error(length, ERROR),
        )
        self.streams.append(cold)
        observer = self.scheduler.create_observer()
        held: list[abc.DisposableBase] = []

        def subscribe(*_: Any) -> None:
            stream = cold.pipe(self.bulkhead)
            held.append(stream.subscribe(observer, scheduler=self.scheduler))

        self.scheduler.schedule_absolute(float(at), subscribe)
        if left is not None:
            self.scheduler.schedule_absolute(float(left), lambda *_: held[0].dispose())
        return observer

    def subscriptions(self) -> list[list[Subscription]]:
        self.scheduler.start()
        return [stream.subscriptions for stream in self.streams]


def test_so_many_go_on_and_the_others_wait_in_order() -> None:
    world = World(Bulkhead(2))
    observers = [world.stream(210 + n, length) for n, length in enumerate([30, 50, 20, 20])]
    assert world.subscriptions() == [
        [Subscription(210, 240)],
        [Subscription(211, 261)],
        [Subscription(240, 260)],
        [Subscription(260, 280)],
    ]
    assert observers[2].messages == [on_next(245, 2), on_completed(260)]
    assert (world.bulkhead.active, world.bulkhead.waiting) == (0, 0)


def test_a_failure_makes_room_too() -> None:
    world = World(Bulkhead(1))
    first, second = world.stream(210, -20), world.stream(211, 20)
    assert world.subscriptions() == [[Subscription(210, 230)], [Subscription(230, 250)]]
    assert first.messages[-1] == on_error(230, ERROR)
    assert second.messages[-1] == on_completed(250)


def test_disposing_makes_room() -> None:
    world = World(Bulkhead(1))
    first = world.stream(210, 100, left=220)
    world.stream(211, 20)
    assert world.subscriptions() == [[Subscription(210, 220)], [Subscription(220, 240)]]
    assert first.messages == [on_next(215, 0)]


def test_what_is_disposed_of_while_it_waits_is_never_subscribed_to() -> None:
    world = World(Bulkhead(1))
    world.stream(210, 40)
    waiting = world.stream(211, 20, left=220)
    world.stream(212, 20)
    assert world.subscriptions() == [[Subscription(210, 250)], [], [Subscription(250, 270)]]
    assert waiting.messages == []


def test_one_too_many_is_refused() -> None:
    world = World(Bulkhead(1, queue=1))
    world.stream(210, 40)
    world.stream(211, 20)
    refused = world.stream(212, 20)
    later = world.stream(255, 20)
    assert world.subscriptions() == [
        [Subscription(210, 250)],
        [Subscription(250, 270)],
        [],
        [Subscription(270, 290)],
    ]
    (message,) = refused.messages
    assert message.time == 212
    assert isinstance(message.value.exception, BulkheadFull)
    assert "1 streams go on, and 1 wait" in str(message.value.exception)
    assert later.messages[-1] == on_completed(290)


def test_without_a_queue_none_waits() -> None:
    world = World(Bulkhead(1, queue=0))
    world.stream(210, 40)
    refused = world.stream(211, 20)
    after = world.stream(251, 20)
    world.subscriptions()
    assert isinstance(refused.messages[0].value.exception, BulkheadFull)
    assert after.messages[-1] == on_completed(271)


def test_it_counts_what_goes_on_and_what_waits() -> None:
    bulkhead = Bulkhead(2)
    stream: Subject[int] = Subject()
    subscriptions = [stream.pipe(bulkhead).subscribe() for _ in range(5)]
    assert (bulkhead.active, bulkhead.waiting) == (2, 3)
    for each in reversed(subscriptions):
        each.dispose()
    assert (bulkhead.active, bulkhead.waiting) == (0, 0)


@pytest.mark.parametrize(("most", "queue"), [(0, None), (1, -1)])
def test_numbers_that_are_none_are_refused(most: int, queue: int | None) -> None:
    with pytest.raises(ValueError, match="="):
        Bulkhead(most, queue)


def test_who_leaves_does_not_do_what_the_next_one_does() -> None:
    bulkhead = Bulkhead(1)
    entered, go_on = threading.Event(), threading.Event()

    def blocks(observer: Any, _: Any = None) -> abc.DisposableBase:
        entered.set()
        assert go_on.wait(SOON)
        observer.on_completed()
        return Disposable()

    first = Subject[int]().pipe(bulkhead).subscribe()
    seen = Seen()
    Observable(blocks).pipe(bulkhead).subscribe(seen)
    first.dispose()  # returns, while the other one is being subscribed to
    assert entered.wait(SOON)
    assert not seen.completed
    go_on.set()
    assert seen.wait().completed


def test_many_that_end_at_once_take_no_stack() -> None:
    bulkhead = Bulkhead(1)

    def ends(observer: Any, _: Any = None) -> abc.DisposableBase:
        observer.on_completed()
        return Disposable()

    first = Subject[int]().pipe(bulkhead).subscribe()
    scheduler = TestScheduler()
    done: list[int] = []
    for n in range(2000):
        Observable(ends).pipe(bulkhead).subscribe(
            on_completed=lambda n=n: done.append(n), scheduler=scheduler
        )
    first.dispose()
    scheduler.start()
    assert done == list(range(2000))


@pytest.mark.parametrize("attempt", range(5))
def test_never_more_than_allowed_from_many_threads(attempt: int) -> None:
    bulkhead = Bulkhead(3)
    lock = threading.Lock()
    now = 0
    most = 0
    ended = threading.Semaphore(0)

    def work(observer: Any, _: Any = None) -> abc.DisposableBase:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)

        def over() -> None:
            nonlocal now
            with lock:
                now -= 1

        subject: Subject[int] = Subject()
        subject.subscribe(observer)
        threading.Thread(target=subject.on_completed).start()
        return Disposable(over)

    def call(n: int) -> None:
        for k in range(15):
            stream = Observable(work).pipe(bulkhead, ops.finally_action(ended.release))
            subscription = stream.subscribe()
            if (n + k) % 5 == 0:
                subscription.dispose()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    for _ in range(60):
        assert ended.acquire(timeout=SOON)
    assert 1 <= most <= 3
    assert bulkhead.waiting == 0


@given(
    most=st.integers(1, 4),
    queue=st.none() | st.integers(0, 4),
    calls=st.lists(
        st.tuples(st.integers(0, 20), st.integers(6, 40), st.none() | st.integers(1, 60)),
        max_size=12,
    ),
)
def test_the_laws_hold_for_any_schedule(
    most: int, queue: int | None, calls: list[tuple[int, int, int | None]]
) -> None:
    """Never more than so many, first come first served, nothing lost, nobody waits for nothing."""
    world = World(Bulkhead(most, queue))
    at = 210
    observers: list[tuple[MockObserver[Any], int | None]] = []
    for gap, length, patience in calls:
        at += gap
        left = None if patience is None else at + patience
        observers.append((world.stream(at, length, left=left), left))
    subscriptions = [each for stream in world.subscriptions() for each in stream]
    for each in subscriptions:
        others = [
            other
            for other in subscriptions
            if other.subscribe <= each.subscribe < other.unsubscribe
        ]
        assert len(others) <= most
    begun = [stream.subscriptions[0].subscribe for stream in world.streams if stream.subscriptions]
    assert begun == sorted(begun)
    for (observer, left), stream in zip(observers, world.streams, strict=True):
        refused = [m for m in observer.messages if m.value.kind == "E"]
        if not stream.subscriptions:
            assert refused or left is not None
        elif left is None:
            assert observer.messages[-1].value.kind == "C"
        assert not (refused and stream.subscriptions)
        assert queue is not None or not refused
    assert (world.bulkhead.active, world.bulkhead.waiting) == (0, 0)


def test_a_turn_that_nobody_can_begin_is_another_s() -> None:
    """A loop that was closed: who waits on it takes no place, and breaks no other stream."""
    loop = asyncio.new_event_loop()
    bulkhead = Bulkhead(1)
    first: Subject[int] = Subject()
    told, last = Seen(), Seen()
    first.pipe(bulkhead).subscribe(told)
    for _ in range(500):
        waiting: Subject[int] = Subject()
        waiting.pipe(bulkhead).subscribe(scheduler=AsyncIOThreadSafeScheduler(loop))
    reactivex.just(3).pipe(bulkhead).subscribe(last)
    loop.close()
    first.on_completed()
    assert told.completed
    assert last.wait().values == [3]
    assert (bulkhead.active, bulkhead.waiting) == (0, 0)
