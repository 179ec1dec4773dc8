"""What holds for all policies: what they pass on, and how they leave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
import reactivex
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.scheduler import (
    CurrentThreadScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    TimeoutScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import DeliveryScheduler, Retry, TooManyRequestsError
from rxgradio.operators import Bulkhead, CircuitBreaker, deadline, rate_limit, retry, timeout
from rxgradio.operators.clock import clock
from tests.contract.app import SOON

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")

Operator = Callable[[Observable[Any]], Observable[Any]]

POLICIES: dict[str, Callable[[], Operator]] = {
    "retry": lambda: retry(1),
    "timeout": lambda: timeout(500),
    "deadline": lambda: deadline(900),
    "rate_limit": lambda: rate_limit(1_000_000, 1000),
    "Bulkhead": lambda: Bulkhead(2),
    "CircuitBreaker": CircuitBreaker,
}


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> Operator:
    return POLICIES[request.param]()


@pytest.mark.parametrize("cold", [False, True])
def test_values_and_the_end_pass_at_once(policy: Operator, cold: bool) -> None:
    scheduler = TestScheduler()
    shift = 200 if cold else 0
    create = scheduler.create_cold_observable if cold else scheduler.create_hot_observable
    source: Any = create(
        on_next(210 - shift, "a"), on_next(260 - shift, "b"), on_completed(300 - shift)
    )
    told = scheduler.start(lambda: source.pipe(policy))
    assert told.messages == [on_next(210, "a"), on_next(260, "b"), on_completed(300)]
    assert source.subscriptions == [Subscription(200, 300)]


def test_an_error_passes_at_once(policy: Operator) -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(210, "a"), on_error(260, ERROR))
    told = scheduler.start(lambda: source.pipe(policy))
    assert told.messages == [on_next(210, "a"), on_error(260, ERROR)]
    assert source.subscriptions == [Subscription(200, 260)]


def test_disposing_disposes_of_the_source(policy: Operator) -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(210, "a"), on_next(260, "b"))
    told = scheduler.start(lambda: source.pipe(policy), disposed=250)
    assert told.messages == [on_next(210, "a")]
    assert source.subscriptions == [Subscription(200, 250)]


def test_it_is_cold_and_subscribers_have_streams_of_their_own(policy: Operator) -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(on_next(10, "a"), on_completed(20))
    stream = source.pipe(policy)
    late = scheduler.create_observer()
    scheduler.schedule_absolute(
        215.0, lambda *_: stream.subscribe(late, scheduler=scheduler) and None
    )
    first = scheduler.start(lambda: stream)
    assert first.messages == [on_next(210, "a"), on_completed(220)]
    assert late.messages == [on_next(225, "a"), on_completed(235)]
    assert source.subscriptions == [Subscription(200, 220), Subscription(215, 235)]


def test_the_scheduler_is_passed_down(policy: Operator) -> None:
    seen: list[Any] = []

    def subscribe(observer: Any, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        seen.append(scheduler)
        return Disposable()

    scheduler = TestScheduler()
    Observable(subscribe).pipe(policy).subscribe(scheduler=scheduler)
    assert seen == [scheduler]


class Watched:
    """A stream of what a subject says, and how often it was left."""

    def __init__(self) -> None:
        self.subject: Subject[Any] = Subject()
        self.left = 0

    @property
    def stream(self) -> Observable[Any]:
        def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
            subscription = self.subject.subscribe(observer)

            def dispose() -> None:
                self.left += 1
                subscription.dispose()

            return Disposable(dispose)

        return Observable(subscribe)


def test_the_source_is_left_once_however_it_ends(policy: Operator) -> None:
    for end in ("dispose", "on_completed", "on_error"):
        source = Watched()
        got: list[Any] = []
        subscription = source.stream.pipe(policy).subscribe(got.append, got.append)
        source.subject.on_next(1)
        if end == "on_completed":
            source.subject.on_completed()
        elif end == "on_error":
            source.subject.on_error(ERROR)
        subscription.dispose()
        subscription.dispose()
        source.subject.on_next(2)
        assert source.left == 1
        assert got == ([1, ERROR] if end == "on_error" else [1])


def test_an_observer_that_raises_has_cancelled(policy: Operator) -> None:
    source = Watched()
    seen: list[int] = []

    def raises(value: int) -> None:
        seen.append(value)
        raise ERROR

    source.stream.pipe(policy).subscribe(raises)
    with pytest.raises(ValueError, match="no"):
        source.subject.on_next(1)
    source.subject.on_next(2)
    assert (seen, source.left) == ([1], 1)


def test_an_observer_may_feed_the_source(policy: Operator) -> None:
    source = Watched()
    got: list[int] = []

    def observe(n: int) -> None:
        got.append(n)
        if n < 500:
            source.subject.on_next(n + 1)

    source.stream.pipe(policy).subscribe(observe)
    source.subject.on_next(0)
    assert got == list(range(501))


def test_an_observer_may_dispose(policy: Operator) -> None:
    source = Watched()
    got: list[int] = []

    def observe(n: int) -> None:
        got.append(n)
        subscription.dispose()

    subscription = source.stream.pipe(policy).subscribe(observe)
    for n in range(3):
        source.subject.on_next(n)
    assert (got, source.left) == ([0], 1)


def test_disposing_does_not_wait_for_the_observer(policy: Operator) -> None:
    source = Watched()
    entered, go_on = threading.Event(), threading.Event()
    got: list[int] = []

    def observe(value: int) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    subscription = source.stream.pipe(policy).subscribe(observe)
    slow = threading.Thread(target=lambda: [source.subject.on_next(n) for n in (1, 2)])
    slow.start()
    assert entered.wait(SOON)
    subscription.dispose()
    assert source.left == 1
    go_on.set()
    slow.join(SOON)
    assert got == [1]


def test_signals_of_many_threads_are_serial_and_none_is_lost(policy: Operator) -> None:
    source = Watched()
    got: list[int] = []
    inside = threading.Lock()
    done = threading.Event()

    def observe(value: int) -> None:
        assert inside.acquire(blocking=False)
        got.append(value)
        inside.release()
        if len(got) == 800:
            done.set()

    source.stream.pipe(policy).subscribe(observe)
    threads = [
        threading.Thread(
            target=lambda start: [source.subject.on_next(start + n) for n in range(200)],
            args=(200 * n,),
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert done.wait(SOON)
    assert sorted(got) == list(range(800))
    for n in range(4):
        of_one = [value for value in got if value // 200 == n]
        assert of_one == sorted(of_one)


class Timers(TestScheduler):
    """Keeps what takes its timers back."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[SingleAssignmentDisposable] = []

    def schedule_relative(self, duetime: Any, action: Any, state: Any = None) -> Any:
        timer = super().schedule_relative(duetime, action, state)
        self.taken.append(timer)
        return timer


@pytest.mark.parametrize("end", ["dispose", "on_completed"])
def test_timers_are_taken_back(end: str) -> None:
    for policy in (timeout(50), deadline(50), rate_limit(0.1)):
        scheduler = Timers()
        source = Watched()
        subscription = source.stream.pipe(policy).subscribe(scheduler=scheduler)
        source.subject.on_next(1)
        if end == "dispose":
            source.subject.on_next(2)
            subscription.dispose()
        else:
            source.subject.on_completed()
        assert all(timer.is_disposed for timer in scheduler.taken)


def test_the_wait_for_a_retry_is_taken_back() -> None:
    scheduler = Timers()
    failing: Observable[Any] = reactivex.throw(TooManyRequestsError("no", retry_after=30))
    subscription = failing.pipe(retry(2)).subscribe(scheduler=scheduler)
    scheduler.advance_to(1)
    (wait,) = scheduler.taken
    assert not wait.is_disposed
    subscription.dispose()
    assert wait.is_disposed


def test_what_sleeps_or_starts_threads_keeps_no_time() -> None:
    for each in (
        None,
        CurrentThreadScheduler(),
        CurrentThreadScheduler.singleton(),
        ImmediateScheduler(),
        NewThreadScheduler(),
        ThreadPoolScheduler(1),
        TimeoutScheduler(),
    ):
        assert isinstance(clock(None, each), DeliveryScheduler)
        if each is not None:
            assert clock(each) is each  # who says so has it
    virtual = TestScheduler()
    assert clock(None, virtual) is virtual


def test_a_scheduler_of_asyncio_is_asked_in_a_way_that_threads_may() -> None:
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        assert isinstance(clock(None, AsyncIOScheduler(loop)), AsyncIOThreadSafeScheduler)
        safe = AsyncIOThreadSafeScheduler(loop)
        assert clock(None, safe) is safe
    finally:
        loop.close()


def test_many_streams_that_run_need_no_thread_each() -> None:
    started: list[str] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", counted)
        for n in range(50):
            stream = reactivex.from_iterable([n], scheduler=CurrentThreadScheduler())
            assert stream.pipe(timeout(SOON), deadline(SOON), rate_limit(1e6)).run() == n
    assert all(name.startswith("rxgradio-") for name in started)


def interrupted(*_: Any) -> abc.DisposableBase:
    raise KeyboardInterrupt


def test_a_subscription_that_is_interrupted_takes_up_no_room() -> None:
    bulkhead = Bulkhead(1)
    source: Observable[int] = Observable(interrupted)
    with pytest.raises(KeyboardInterrupt):
        source.pipe(bulkhead).subscribe()
    assert bulkhead.active == 0


def test_a_trial_that_is_interrupted_makes_room_for_another() -> None:
    scheduler = TestScheduler()
    breaker = CircuitBreaker(1, 10, scheduler=scheduler)
    reactivex.throw(ERROR).pipe(breaker).subscribe(on_error=lambda _: None)
    scheduler.advance_by(11)
    source: Observable[int] = Observable(interrupted)
    with pytest.raises(KeyboardInterrupt):
        source.pipe(breaker).subscribe()
    told = scheduler.create_observer()
    reactivex.just(1).pipe(breaker).subscribe(told)
    assert [message.value.kind for message in told.messages] == ["N", "C"]


def test_a_timer_that_was_set_is_taken_back_if_the_subscription_is_interrupted() -> None:
    clock = TestScheduler()
    source: Observable[int] = Observable(interrupted)
    told = clock.create_observer()
    with pytest.raises(KeyboardInterrupt):
        source.pipe(deadline(5, scheduler=clock)).subscribe(told)
    clock.advance_by(10)
    assert told.messages == []


VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="nobody's")


@pytest.mark.parametrize("name", ["retry", "timeout", "deadline", "rate_limit", "Bulkhead"])
def test_what_a_timer_brings_about_is_in_the_context_of_the_subscriber(name: str) -> None:
    seen: list[str] = []
    over = threading.Event()
    bulkhead = Bulkhead(1)
    policies: dict[str, Operator] = {
        "retry": retry(Retry(attempts=2, initial=0.01)),
        "timeout": timeout(0.01),
        "deadline": deadline(0.01),
        "rate_limit": rate_limit(100),
        "Bulkhead": bulkhead,
    }

    def subscribe(observer: Any, _: Any) -> abc.DisposableBase:
        seen.append(VARIABLE.get())
        if name in {"retry", "rate_limit", "Bulkhead"}:
            observer.on_next(1)
            observer.on_next(2)
            observer.on_error(ERROR)
        return Disposable()

    def end(*_: object) -> None:
        seen.append(VARIABLE.get())
        over.set()

    source: Observable[int] = Observable(subscribe)
    first: Subject[int] = Subject()
    first.pipe(bulkhead).subscribe()

    def run() -> None:
        VARIABLE.set("mine")
        source.pipe(policies[name]).subscribe(lambda _: seen.append(VARIABLE.get()), end)

    copy_context().run(run)
    first.on_completed()
    assert over.wait(SOON)
    assert set(seen) == {"mine"}
