"""CircuitBreaker, in virtual time and with real threads."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.mockobserver import MockObserver
from reactivex.testing.subscription import Subscription

from rxgradio import CircuitOpen, ClientClosed, OutputUpdate, Retry, Status, StatusUpdate
from rxgradio.operators import CircuitBreaker, CircuitState, result, retry
from tests.contract.app import SOON

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN

ERROR = ValueError("no")


class World:
    """Cold streams through a breaker that opens after 2 failures, for 100 seconds."""

    def __init__(self, failures: int = 2, **how: Any) -> None:
        self.scheduler = TestScheduler()
        self.breaker = CircuitBreaker(failures, 100, scheduler=self.scheduler, **how)
        self.states = self.scheduler.create_observer()
        self.breaker.states.subscribe(self.states, scheduler=self.scheduler)
        self.calls: list[tuple[Any, MockObserver[Any]]] = []

    def call(
        self,
        at: float,
        length: float = 5,
        error: Exception | None = None,
        left: float | None = None,
    ) -> MockObserver[Any]:
        end = on_completed(length) if error is None else on_error(length, error)
        cold = self.scheduler.create_cold_observable(end)
        observer = self.scheduler.create_observer()
        held: list[abc.DisposableBase] = []

        def subscribe(*_: Any) -> None:
            stream = cold.pipe(self.breaker)
            held.append(stream.subscribe(observer, scheduler=self.scheduler))

        self.scheduler.schedule_absolute(float(at), subscribe)
        if left is not None:
            self.scheduler.schedule_absolute(float(left), lambda *_: held[0].dispose())
        self.calls.append((cold, observer))
        return observer

    def fail(self, *times: float) -> None:
        for at in times:
            self.call(at, error=ERROR)

    def run(self) -> list[tuple[float, CircuitState]]:
        self.scheduler.start()
        return [(each.time, each.value.value) for each in self.states.messages]

    @property
    def made(self) -> list[bool]:
        return [bool(cold.subscriptions) for cold, _ in self.calls]


def refused(observer: MockObserver[Any], at: float, retry_after: float | None) -> None:
    (message,) = observer.messages
    assert message.time == at
    assert type(message.value.exception) is CircuitOpen
    assert message.value.exception.retry_after == retry_after


def test_failures_in_a_row_open_it() -> None:
    world = World()
    world.fail(210, 220)
    open_ = world.call(235)
    assert world.run()[:2] == [(0, CLOSED), (225, OPEN)]
    assert world.made == [True, True, False]
    refused(open_, 235, 90)
    assert world.calls[1][1].messages == [on_error(225, ERROR)]


def test_what_goes_well_between_begins_the_count_anew() -> None:
    world = World()
    world.fail(210)
    world.call(220)
    world.fail(230)
    assert world.run() == [(0, CLOSED)]
    assert world.breaker.state is CLOSED


def test_a_trial_that_goes_well_closes_it() -> None:
    world = World()
    world.fail(210, 220)
    world.call(330, 20)
    other = world.call(340)
    world.call(360)
    assert world.run() == [(0, CLOSED), (225, OPEN), (325, HALF_OPEN), (350, CLOSED)]
    assert world.made == [True, True, True, False, True]
    refused(other, 340, None)


def test_a_trial_that_fails_opens_it_again() -> None:
    world = World(3)
    world.fail(210, 211, 212, 330)
    after = world.call(340)
    assert world.run() == [
        *((0, CLOSED), (217, OPEN)),
        *((317, HALF_OPEN), (335, OPEN), (435, HALF_OPEN)),
    ]
    refused(after, 340, 95)


def test_a_trial_that_is_left_makes_room_for_another() -> None:
    world = World()
    world.fail(210, 220)
    world.call(330, 50, left=340)
    world.call(341)
    assert world.run()[-1] == (346, CLOSED)
    assert world.made == [True] * 4


def test_a_call_that_is_left_tells_nothing() -> None:
    world = World()
    world.fail(210)
    world.call(220, 50, left=230)
    world.fail(240)
    assert world.run()[1] == (245, OPEN)


def test_what_began_before_tells_nothing_of_the_present() -> None:
    world = World()
    world.call(205, 40, error=ERROR)  # ends when it is open
    world.call(206, 130, error=ERROR)  # ends when it is half open
    world.call(207, 125)
    world.fail(210, 220)
    world.call(350)
    assert world.run() == [(0, CLOSED), (225, OPEN), (325, HALF_OPEN), (355, CLOSED)]
    assert world.calls[0][1].messages == [on_error(245, ERROR)]  # it went on


@pytest.mark.parametrize("error", [CancelledError(), ClientClosed("closed")])
def test_cancels_and_closed_clients_do_not_count(error: Exception) -> None:
    world = World(1)
    observer = world.call(210, error=error)
    assert world.run() == [(0, CLOSED)]
    assert observer.messages == [on_error(215, error)]


def test_errors_may_be_chosen_and_others_tell_nothing() -> None:
    other = KeyError("other")
    world = World(2, only=lambda error: isinstance(error, ValueError))
    world.fail(210)
    world.call(220, error=other)
    world.fail(230)
    world.call(340, error=other)  # a trial
    world.call(350)
    assert world.run() == [(0, CLOSED), (235, OPEN), (335, HALF_OPEN), (355, CLOSED)]


def test_what_the_choice_raises_is_the_error() -> None:
    broken = KeyError("broken")

    def only(_: Exception) -> bool:
        raise broken

    world = World(1, only=only)
    observer = world.call(210, error=ERROR)
    assert world.run() == [(0, CLOSED)]
    assert observer.messages == [on_error(215, broken)]


def test_a_timer_that_is_late_changes_nothing_any_more() -> None:
    scheduler = TestScheduler()
    breaker = CircuitBreaker(1, 100, scheduler=scheduler)
    inputs: Subject[int] = Subject()
    inputs.pipe(breaker).subscribe(on_error=lambda _: None)
    inputs.on_error(ERROR)
    assert breaker.state is OPEN
    scheduler.sleep(150)  # runs nothing: the timer is late
    trial: Subject[int] = Subject()
    trial.pipe(breaker).subscribe(on_error=lambda _: None)
    assert trial.observers
    assert breaker.state is HALF_OPEN
    trial.on_error(ERROR)
    scheduler.advance_to(249)
    assert breaker.state is OPEN
    scheduler.advance_to(250)
    assert breaker.state is HALF_OPEN


def test_states_are_told_to_each_from_the_present_one() -> None:
    world = World()
    world.fail(210, 220)
    late, left = world.scheduler.create_observer(), world.scheduler.create_observer()
    states = world.breaker.states
    held = states.subscribe(left, scheduler=world.scheduler)
    world.scheduler.schedule_absolute(230.0, lambda *_: held.dispose())
    world.scheduler.schedule_absolute(
        240.0, lambda *_: states.subscribe(late, scheduler=world.scheduler) and None
    )
    world.run()
    assert late.messages == [on_next(240, OPEN), on_next(325, HALF_OPEN)]
    assert left.messages == [on_next(0, CLOSED), on_next(225, OPEN)]
    assert len(world.breaker._watchers) == 2  # the one that has left is forgotten


def test_retry_waits_until_a_trial_is_due() -> None:
    world = World(1)
    tried = world.scheduler.create_cold_observable(on_error(5, ERROR))
    policy = Retry(attempts=4, initial=0, longest=0, budget=1e9)
    stream = tried.pipe(world.breaker, retry(policy))
    told = world.scheduler.start(lambda: stream)
    assert tried.subscriptions == [Subscription(200, 205), Subscription(305, 310)]
    # The second try was refused, and so is the fourth.
    refused(told, 310, 100)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 0), (1, float("nan"))])
def test_numbers_that_are_none_are_refused(failures: int, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"failures|reset_after"):
        CircuitBreaker(failures, seconds)


def test_its_states_in_words() -> None:
    assert [str(each) for each in CircuitState] == ["closed", "open", "half_open"]


def test_in_real_time() -> None:
    breaker = CircuitBreaker(2, 0.02)
    seen: list[CircuitState] = []
    half_open, closed = threading.Event(), threading.Event()

    def observe(state: CircuitState) -> None:
        seen.append(state)
        if state is HALF_OPEN:
            half_open.set()
        elif len(seen) > 1 and state is CLOSED:
            closed.set()

    breaker.states.subscribe(observe)
    failing: Observable[int] = reactivex.throw(ERROR)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            failing.pipe(breaker).run()
    assert half_open.wait(SOON)
    assert reactivex.of(1).pipe(breaker).run() == 1
    assert closed.wait(SOON)
    assert seen == [CLOSED, OPEN, HALF_OPEN, CLOSED]


def test_an_open_circuit_refuses_without_subscribing_and_not_at_once() -> None:
    breaker = CircuitBreaker(1, 1000)
    with pytest.raises(ValueError, match="no"):
        reactivex.throw(ERROR).pipe(breaker).run()
    subscribed: list[int] = []
    caller = threading.get_ident()
    told: list[int] = []
    over = threading.Event()

    def failed(_: Exception) -> None:
        told.append(threading.get_ident())
        over.set()

    def subscribe(*_: Any) -> abc.DisposableBase:
        subscribed.append(1)
        return Disposable()

    Observable(subscribe).pipe(breaker).subscribe(on_error=failed)
    assert over.wait(SOON)
    assert subscribed == []
    assert told != [caller]


@pytest.mark.parametrize("attempt", range(5))
def test_one_trial_at_a_time_from_many_threads(attempt: int) -> None:
    breaker = CircuitBreaker(1, 0.001)
    half_open = threading.Event()
    breaker.states.pipe(ops.filter(lambda state: state is HALF_OPEN)).subscribe(
        lambda _: half_open.set()
    )
    with pytest.raises(ValueError, match="no"):
        reactivex.throw(ERROR).pipe(breaker).run()
    assert half_open.wait(SOON)
    trials: list[int] = []
    refusals: list[Exception] = []
    hold: Subject[int] = Subject()
    over = threading.Semaphore(0)

    def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
        trials.append(1)
        over.release()
        return hold.subscribe(observer)

    def failed(error: Exception) -> None:
        refusals.append(error)
        over.release()

    gate = threading.Barrier(8)

    def call() -> None:
        gate.wait(SOON)
        Observable(subscribe).pipe(breaker).subscribe(on_error=failed)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        assert over.acquire(timeout=SOON)
    for thread in threads:
        thread.join(SOON)
    assert len(trials) == 1
    assert [type(each) for each in refusals] == [CircuitOpen] * 7
    hold.on_completed()
    assert breaker.state is CLOSED


@given(
    failures=st.integers(1, 3),
    calls=st.lists(
        st.tuples(
            st.integers(1, 60),
            st.integers(1, 30),
            st.sampled_from(["well", "fails", "left"]),
        ),
        max_size=20,
    ),
)
def test_the_laws_hold_for_any_schedule(failures: int, calls: list[tuple[int, int, str]]) -> None:
    """None is made while it is open, one at a time while half open, and states follow the rules."""
    world = World(failures)
    at = 210
    for gap, length, how in calls:
        at += gap
        world.call(
            at,
            length,
            error=ERROR if how == "fails" else None,
            left=at + length - 0.5 if how == "left" else None,
        )
    states = world.run()
    allowed = {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (HALF_OPEN, CLOSED)}
    for (since, before), (until, after) in itertools.pairwise(states):
        assert (before, after) in allowed
        if before is OPEN:
            assert until - since == 100
    spans = zip(states, [*[at for at, _ in states[1:]], 1e9], strict=True)
    for (since, state), until in spans:
        made = [
            cold.subscriptions[0]
            for cold, _ in world.calls
            if cold.subscriptions and since < cold.subscriptions[0].subscribe < until
        ]
        if state is OPEN:
            assert made == []
        if state is HALF_OPEN:
            for one, other in itertools.pairwise(made):
                assert one.unsubscribe <= other.subscribe
    for cold, observer in world.calls:
        if not cold.subscriptions:
            assert isinstance(observer.messages[0].value.exception, CircuitOpen)


def test_a_call_that_is_left_behind_its_final_output_has_gone_well() -> None:
    """So does `result()`, which does not wait for the end of the stream."""
    scheduler = TestScheduler()
    breaker = CircuitBreaker(2, 10, scheduler=scheduler)
    call = reactivex.of(StatusUpdate(Status.STARTING), OutputUpdate("a", final=True))
    good = call.pipe(ops.concat(reactivex.never()), breaker, result())
    bad: Observable[Any] = reactivex.throw(ERROR).pipe(breaker)

    def fail() -> None:
        bad.subscribe(on_error=lambda _: None)

    fail()
    assert good.run() == "a"
    fail()
    assert breaker.state is CLOSED
    fail()
    assert breaker.state is OPEN
    scheduler.advance_by(11)
    assert good.run() == "a"
    assert breaker.state is CLOSED


def test_watching_its_states_keeps_nothing_of_them() -> None:
    scheduler = TestScheduler()
    breaker = CircuitBreaker(1, 10, scheduler=scheduler)
    states = scheduler.create_observer()
    breaker.states.subscribe(states, scheduler=scheduler)
    for _ in range(500):
        reactivex.throw(ERROR).pipe(breaker).subscribe(on_error=lambda _: None)
        scheduler.advance_by(11)
        reactivex.just(1).pipe(breaker).subscribe()
        scheduler.advance_by(1)
    assert [each.value.value for each in states.messages] == [
        CLOSED,
        *[OPEN, HALF_OPEN, CLOSED] * 500,
    ]
    (watcher,) = breaker._watchers
    assert watcher.log._kept < 200
