"""retry, in virtual time and with real threads."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import ClientClosed, Retry, TooManyRequestsError
from rxgradio.operators import retry
from tests.contract.app import SOON, Seen

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")
AT_ONCE = Retry(attempts=4, initial=0, longest=0, budget=1e9)


class Flaky:
    """A cold stream: one story for each subscription; of the last one, for all further ones."""

    def __init__(self, *stories: list[Recorded[Any]]) -> None:
        self.scheduler = TestScheduler()
        self.tries = [self.scheduler.create_cold_observable(story) for story in stories]
        self._begun = 0

    @property
    def stream(self) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
            tried = self.tries[min(self._begun, len(self.tries) - 1)]
            self._begun += 1
            return tried.subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    def run(self, *args: Any, disposed: float = 1000, **kwargs: Any) -> list[Recorded[Any]]:
        stream = self.stream.pipe(retry(*args, **kwargs))
        return self.scheduler.start(lambda: stream, disposed=disposed).messages

    @property
    def subscriptions(self) -> list[Subscription]:
        return [each for tried in self.tries for each in tried.subscriptions]


def fails(at: int, error: Exception = ERROR) -> list[Recorded[Any]]:
    return [on_next(5, "a"), on_error(at, error)]


WELL = [on_next(5, "a"), on_next(10, "b"), on_completed(20)]


def test_it_subscribes_again_until_all_is_well() -> None:
    flaky = Flaky(fails(10), fails(20), WELL)
    assert flaky.run(AT_ONCE) == [
        on_next(205, "a"),
        on_next(215, "a"),
        on_next(235, "a"),
        on_next(240, "b"),
        on_completed(250),
    ]
    assert flaky.subscriptions == [
        Subscription(200, 210),
        Subscription(210, 230),
        Subscription(230, 250),
    ]


def test_the_last_error_is_passed_on_as_it_came() -> None:
    cause = OSError("the wire")
    last = ValueError("again")
    last.__cause__ = cause
    flaky = Flaky(fails(10), fails(10), fails(10, last), WELL)
    messages = flaky.run(Retry(attempts=3, initial=0, longest=0))
    assert messages[-1] == on_error(230, last)
    assert messages[-1].value.exception is last
    assert last.__cause__ is cause
    assert len(flaky.subscriptions) == 3


def test_a_number_counts_the_tries() -> None:
    flaky = Flaky(fails(10))
    assert flaky.run(1) == [on_next(205, "a"), on_error(210, ERROR)]
    assert len(Flaky(fails(10)).run(3)) == 4


def test_it_waits_as_the_policy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float, float | None]] = []

    def delay(
        self: Retry, error: Exception, *, failed: int, spent: float, retry_after: float | None
    ) -> float | None:
        assert error is ERROR
        asked.append((failed, spent, retry_after))
        return [30.0, 60.0, None][failed - 1]

    monkeypatch.setattr(Retry, "delay", delay)
    flaky = Flaky(fails(10))
    assert flaky.run(Retry())[-1] == on_error(320, ERROR)
    assert flaky.subscriptions == [
        Subscription(200, 210),
        Subscription(240, 250),
        Subscription(310, 320),
    ]
    assert asked == [(1, 0, None), (2, 40, None), (3, 110, None)]


def test_what_the_server_asks_for_is_kept_to() -> None:
    busy = TooManyRequestsError("busy", retry_after=50)
    flaky = Flaky(fails(10, busy), WELL)
    assert flaky.run(2)[-1] == on_completed(280)
    assert flaky.subscriptions == [Subscription(200, 210), Subscription(260, 280)]


def test_what_is_asked_for_beyond_the_budget_is_not_waited_for() -> None:
    busy = TooManyRequestsError("busy", retry_after=500)
    flaky = Flaky(fails(10, busy), WELL)
    assert flaky.run(2)[-1] == on_error(210, busy)


def test_the_budget_counts_from_the_first_failure() -> None:
    flaky = Flaky(fails(40))
    policy = Retry(attempts=100, initial=0, longest=0, budget=100)
    assert flaky.run(policy)[-1] == on_error(360, ERROR)  # 240, 280, 320: within 100 s
    assert len(flaky.subscriptions) == 4


def test_transient_errors_are_counted_from_the_last_value() -> None:
    flaky = Flaky(*[fails(100)] * 3, [on_error(10, ERROR)], [on_error(10, ERROR)])
    policy = Retry(attempts=2, initial=0, longest=0, budget=1)
    assert flaky.run(policy, transient=True)[-1] == on_error(510, ERROR)
    assert len(Flaky(*[fails(100)] * 3).run(policy)) == 3


@pytest.mark.parametrize("where", ["when", "only"])
def test_some_errors_are_not_tried_again(where: str) -> None:
    def wanted(error: Exception) -> bool:
        return isinstance(error, ValueError)

    other = KeyError("other")
    flaky = Flaky(fails(10), fails(10, other), WELL)
    if where == "when":
        messages = flaky.run(AT_ONCE, when=wanted)
    else:
        messages = flaky.run(replace(AT_ONCE, only=wanted))
    assert messages[-1] == on_error(220, other)


@pytest.mark.parametrize("error", [CancelledError(), ClientClosed("closed")])
def test_a_cancel_and_a_closed_client_are_final(error: Exception) -> None:
    flaky = Flaky(fails(10, error), WELL)
    assert flaky.run(AT_ONCE, when=lambda _: True)[-1] == on_error(210, error)


def test_what_a_function_raises_is_the_error() -> None:
    broken = KeyError("broken")

    def when(_: Exception) -> bool:
        raise broken

    flaky = Flaky(fails(10), WELL)
    assert flaky.run(AT_ONCE, when=when)[-1] == on_error(210, broken)
    assert flaky.subscriptions == [Subscription(200, 210)]


def test_disposing_ends_the_wait() -> None:
    busy = TooManyRequestsError("busy", retry_after=50)
    flaky = Flaky(fails(10, busy), WELL)
    assert flaky.run(2, disposed=240) == [on_next(205, "a")]
    assert flaky.subscriptions == [Subscription(200, 210)]


def test_disposing_ends_the_try_under_way() -> None:
    flaky = Flaky(fails(10), WELL)
    assert flaky.run(AT_ONCE, disposed=217) == [on_next(205, "a"), on_next(215, "a")]
    assert flaky.subscriptions == [Subscription(200, 210), Subscription(210, 217)]


def test_each_subscriber_has_tries_of_its_own() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(on_error(10, ERROR))
    stream = source.pipe(retry(Retry(attempts=2, initial=0, longest=0)))
    late = scheduler.create_observer()
    scheduler.schedule_absolute(
        300.0, lambda *_: stream.subscribe(late, scheduler=scheduler) and None
    )
    first = scheduler.start(lambda: stream)
    assert first.messages == [on_error(220, ERROR)]
    assert late.messages == [on_error(320, ERROR)]


def test_the_scheduler_may_be_chosen() -> None:
    chosen = TestScheduler()
    tries: list[int] = []

    def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
        tries.append(1)
        observer.on_error(ERROR)
        return Disposable()

    got: list[Any] = []
    stream = Observable(subscribe).pipe(retry(AT_ONCE, scheduler=chosen))
    stream.subscribe(got.append, got.append)
    assert (len(tries), got) == (1, [])
    chosen.start()
    assert (len(tries), got) == (4, [ERROR])


def test_a_stream_that_fails_at_once_takes_no_stack() -> None:
    tries = 0

    def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
        nonlocal tries
        tries += 1
        observer.on_next(tries)
        observer.on_error(ERROR)
        return Disposable()

    policy = Retry(attempts=3000, initial=0, longest=0)
    seen = Seen()
    Observable(subscribe).pipe(retry(policy)).subscribe(seen)
    assert seen.wait().error is ERROR
    assert seen.values == list(range(1, 3001))


def test_disposing_from_another_thread_ends_all_tries() -> None:
    ended = threading.Event()

    def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
        observer.on_error(ERROR)
        return Disposable()

    begun = threading.Semaphore(0)
    tries: list[int] = []

    def when(_: Exception) -> bool:
        tries.append(1)
        begun.release()
        return True

    policy = Retry(attempts=2**31, initial=0, longest=0, budget=float("inf"))
    stream = Observable(subscribe).pipe(retry(policy, when=when))
    subscription = stream.subscribe(on_error=lambda _: ended.set())
    for _ in range(20):
        assert begun.acquire(timeout=SOON)
    subscription.dispose()
    # One more may have been on its way; behind it there is none.
    after = len(tries)
    reactivex.timer(0.05).run()
    assert len(tries) <= after + 1
    assert not ended.is_set()


@given(
    attempts=st.integers(1, 6),
    lengths=st.lists(st.integers(1, 20), min_size=6, max_size=6),
    good=st.integers(0, 8),
)
def test_the_laws_hold_for_any_schedule(attempts: int, lengths: list[int], good: int) -> None:
    """One try at a time, no more of them than allowed, each soon enough, and all that they say."""
    stories = [
        [on_next(1, n), on_completed(length) if n == good else on_error(length, ERROR)]
        for n, length in enumerate(lengths)
    ]
    flaky = Flaky(*stories)
    policy = Retry(attempts=attempts, initial=5, multiplier=2, longest=15, budget=1e9)
    messages = flaky.run(policy)
    tries = sorted(flaky.subscriptions, key=lambda each: each.subscribe)
    assert len(tries) == min(attempts, good + 1)
    for n, (before, after) in enumerate(itertools.pairwise(tries)):
        assert 0 <= after.subscribe - before.unsubscribe <= min(5 * 2**n, 15) + 1e-3
    said = [each.value.value for each in messages if each.value.kind == "N"]
    assert said == [n for n, length in enumerate(lengths[: len(tries)]) if length >= 1]
    assert messages[-1].value.kind == ("C" if good < attempts else "E")


def test_errors_are_tried_again_by_their_class() -> None:
    tries: list[Exception] = []

    def fail(_: abc.SchedulerBase) -> Observable[int]:
        tries.append(ValueError() if len(tries) < 2 else KeyError())
        return reactivex.throw(tries[-1])

    scheduler = TestScheduler()
    again = retry(Retry(attempts=9), when=ValueError)
    seen = scheduler.start(lambda: reactivex.defer(fail).pipe(again))
    assert [type(error) for error in tries] == [ValueError, ValueError, KeyError]
    assert len(seen.messages) == 1
