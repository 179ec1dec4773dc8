"""switch_map, exhaust_map and concat_map, in virtual time and with real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio.operators import concat_map, exhaust_map, switch_map

SOON = 10.0

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")

Operator = Callable[[Callable[[Any], Any]], Callable[[Observable[Any]], Observable[Any]]]

ALL: tuple[Operator, ...] = (switch_map, exhaust_map, concat_map)
all_of_them = pytest.mark.parametrize("operator", ALL)


class World:
    """Three streams that inputs name, of 0, 20 and 40 after their subscription."""

    def __init__(self, inputs: list[Recorded[Any]], *, length: int = 50) -> None:
        self.scheduler = TestScheduler()
        self.inputs = self.scheduler.create_hot_observable(inputs)
        self.streams = {
            name: self.scheduler.create_cold_observable(
                on_next(20, f"{name}1"), on_next(40, f"{name}2"), on_completed(length)
            )
            for name in "abc"
        }

    def run(
        self, operator: Operator, project: Callable[[Any], Any] | None = None, **when: float
    ) -> list[Recorded[Any]]:
        operate = operator(project or self.streams.__getitem__)
        return self.scheduler.start(lambda: self.inputs.pipe(operate), **when).messages

    def subscriptions(self) -> dict[str, list[Subscription]]:
        return {name: stream.subscriptions for name, stream in self.streams.items()}


INPUTS = [on_next(210, "a"), on_next(240, "b"), on_next(320, "c"), on_completed(400)]


def test_switch_map_leaves_what_is_superseded() -> None:
    world = World(INPUTS)
    assert world.run(switch_map) == [
        on_next(230, "a1"),
        on_next(260, "b1"),
        on_next(280, "b2"),
        on_next(340, "c1"),
        on_next(360, "c2"),
        on_completed(400),
    ]
    assert world.subscriptions() == {
        "a": [Subscription(210, 240)],
        "b": [Subscription(240, 290)],
        "c": [Subscription(320, 370)],
    }
    assert world.inputs.subscriptions == [Subscription(200, 400)]


def test_exhaust_map_ignores_what_comes_meanwhile() -> None:
    world = World(INPUTS)
    assert world.run(exhaust_map) == [
        on_next(230, "a1"),
        on_next(250, "a2"),
        on_next(340, "c1"),
        on_next(360, "c2"),
        on_completed(400),
    ]
    assert world.subscriptions() == {
        "a": [Subscription(210, 260)],
        "b": [],
        "c": [Subscription(320, 370)],
    }


def test_concat_map_lets_inputs_wait() -> None:
    world = World(INPUTS)
    assert world.run(concat_map) == [
        on_next(230, "a1"),
        on_next(250, "a2"),
        on_next(280, "b1"),
        on_next(300, "b2"),
        on_next(340, "c1"),
        on_next(360, "c2"),
        on_completed(400),
    ]
    assert world.subscriptions() == {
        "a": [Subscription(210, 260)],
        "b": [Subscription(260, 310)],
        "c": [Subscription(320, 370)],
    }


@all_of_them
def test_the_end_of_the_inputs_waits_for_the_last_stream(operator: Operator) -> None:
    world = World([on_next(210, "a"), on_completed(220)])
    assert world.run(operator) == [on_next(230, "a1"), on_next(250, "a2"), on_completed(260)]
    assert world.inputs.subscriptions == [Subscription(200, 220)]


@all_of_them
def test_no_inputs_make_no_values(operator: Operator) -> None:
    world = World([on_completed(220)])
    assert world.run(operator) == [on_completed(220)]


@all_of_them
def test_an_error_of_the_inputs_ends_all(operator: Operator) -> None:
    world = World([on_next(210, "a"), on_error(240, ERROR)])
    assert world.run(operator) == [on_next(230, "a1"), on_error(240, ERROR)]
    assert world.subscriptions()["a"] == [Subscription(210, 240)]
    assert world.inputs.subscriptions == [Subscription(200, 240)]


@all_of_them
def test_an_error_of_a_stream_ends_all(operator: Operator) -> None:
    world = World([on_next(210, "a"), on_next(300, "b")])
    fails = world.scheduler.create_cold_observable(on_next(10, 1), on_error(20, ERROR))
    assert world.run(operator, lambda _: fails) == [on_next(220, 1), on_error(230, ERROR)]
    assert fails.subscriptions == [Subscription(210, 230)]
    assert world.inputs.subscriptions == [Subscription(200, 230)]


@all_of_them
def test_an_error_of_the_function_ends_all(operator: Operator) -> None:
    world = World([on_next(210, "a"), on_next(300, "x"), on_next(310, "b")])

    def project(name: str) -> Observable[Any]:
        if name == "x":
            raise ERROR
        return world.streams[name]

    messages = world.run(operator, project)
    assert messages == [on_next(230, "a1"), on_next(250, "a2"), on_error(300, ERROR)]
    assert world.inputs.subscriptions == [Subscription(200, 300)]
    assert world.subscriptions()["b"] == []


@all_of_them
def test_what_is_no_stream_is_refused(operator: Operator) -> None:
    world = World([on_next(210, "a")])
    (message,) = world.run(operator, lambda _: 5)
    assert isinstance(message.value.exception, TypeError)
    assert "not int" in str(message.value.exception)


@all_of_them
def test_disposing_disposes_of_the_inputs_and_the_stream(operator: Operator) -> None:
    world = World(INPUTS)
    assert world.run(operator, disposed=235) == [on_next(230, "a1")]
    assert world.subscriptions()["a"] == [Subscription(210, 235)]
    assert world.inputs.subscriptions == [Subscription(200, 235)]


@all_of_them
def test_each_subscriber_has_streams_of_its_own(operator: Operator) -> None:
    world = World([on_next(210, "a"), on_next(320, "b")])
    stream = world.inputs.pipe(operator(world.streams.__getitem__))
    late = world.scheduler.create_observer()
    world.scheduler.schedule_absolute(
        300.0, lambda *_: stream.subscribe(late, scheduler=world.scheduler) and None
    )
    first = world.scheduler.start(lambda: stream)
    assert [each.time for each in first.messages] == [230, 250, 340, 360]
    assert [each.time for each in late.messages] == [340, 360]
    assert world.streams["b"].subscriptions == [Subscription(320, 370), Subscription(320, 370)]


@all_of_them
def test_the_scheduler_is_passed_down(operator: Operator) -> None:
    seen: list[Any] = []

    def subscribe(observer: Any, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        seen.append(scheduler)
        observer.on_next(1)
        return Disposable()

    scheduler = TestScheduler()
    stream = Observable(subscribe)
    stream.pipe(operator(lambda _: stream)).subscribe(scheduler=scheduler)
    assert seen == [scheduler, scheduler]


@all_of_them
def test_many_streams_that_end_at_once_take_no_stack(operator: Operator) -> None:
    inputs: Subject[int] = Subject()
    got: list[int] = []

    def value(n: int) -> Observable[int]:
        def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
            observer.on_next(n)
            observer.on_completed()
            return Disposable()

        return Observable(subscribe)

    hold: Subject[int] = Subject()
    inputs.pipe(operator(lambda n: value(n) if n else hold)).subscribe(got.append)
    for n in range(5000):
        inputs.on_next(n)
    hold.on_completed()
    assert (
        got
        == {
            switch_map: list(range(1, 5000)),
            exhaust_map: [],
            concat_map: list(range(1, 5000)),
        }[operator]
    )


@all_of_them
def test_an_observer_that_gives_the_next_input_takes_no_stack(operator: Operator) -> None:
    inputs: Subject[int] = Subject()
    got: list[int] = []

    def observe(n: int) -> None:
        got.append(n)
        if n < 3000:
            inputs.on_next(n + 1)

    def project(n: int) -> Observable[int]:
        def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
            observer.on_next(n)
            observer.on_completed()
            return Disposable()

        return Observable(subscribe)

    inputs.pipe(operator(project)).subscribe(observe)
    inputs.on_next(0)
    # An input that comes while the stream before has not ended is not for exhaust_map.
    assert got == ([0] if operator is exhaust_map else list(range(3001)))


def test_disposing_of_the_stream_before_comes_before_the_next() -> None:
    order: list[str] = []

    def project(name: str) -> Observable[Any]:
        order.append(f"make {name}")
        return Observable(lambda *_: Disposable(lambda: order.append(f"leave {name}")))

    inputs: Subject[str] = Subject()
    subscription = inputs.pipe(switch_map(project)).subscribe()
    inputs.on_next("a")
    inputs.on_next("b")
    subscription.dispose()
    subscription.dispose()
    assert order == ["make a", "leave a", "make b", "leave b"]


@all_of_them
def test_an_observer_that_raises_has_cancelled(operator: Operator) -> None:
    inputs: Subject[str] = Subject()
    stream: Subject[int] = Subject()
    left: list[str] = []
    watched = Observable(
        lambda observer, scheduler=None: _both(stream.subscribe(observer), left.append)
    )
    seen: list[int] = []

    def raises(value: int) -> None:
        seen.append(value)
        raise ERROR

    inputs.pipe(operator(lambda _: watched)).subscribe(raises)
    inputs.on_next("a")
    with pytest.raises(ValueError, match="no"):
        stream.on_next(1)
    stream.on_next(2)
    assert seen == [1]
    assert left == ["left"]
    assert not inputs.observers


def _both(first: abc.DisposableBase, left: Callable[[str], object]) -> abc.DisposableBase:
    def dispose() -> None:
        first.dispose()
        left("left")

    return Disposable(dispose)


def test_futures_stand_for_their_results_and_are_cancelled() -> None:
    inputs: Subject[Future[int]] = Subject()
    got: list[int] = []
    inputs.pipe(switch_map(lambda future: future)).subscribe(got.append)
    first: Future[int] = Future()
    second: Future[int] = Future()
    inputs.on_next(first)
    inputs.on_next(second)
    assert first.cancelled()
    second.set_result(5)
    assert got == [5]


def test_a_slow_observer_does_not_delay_the_switch() -> None:
    inputs: Subject[str] = Subject()
    streams: dict[str, Subject[int]] = {"a": Subject(), "b": Subject()}
    entered, go_on = threading.Event(), threading.Event()
    got: list[int] = []

    def observe(value: int) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    inputs.pipe(switch_map(streams.__getitem__)).subscribe(observe)
    inputs.on_next("a")
    slow = threading.Thread(target=lambda: [streams["a"].on_next(n) for n in (1, 2)])
    slow.start()
    assert entered.wait(SOON)
    inputs.on_next("b")  # returns, and "a" is left
    assert not streams["a"].observers
    assert streams["b"].observers
    streams["b"].on_next(3)
    go_on.set()
    slow.join(SOON)
    assert got == [1, 3]


@all_of_them
def test_disposing_does_not_wait_for_the_observer(operator: Operator) -> None:
    inputs: Subject[str] = Subject()
    stream: Subject[int] = Subject()
    entered, go_on = threading.Event(), threading.Event()
    got: list[int] = []

    def observe(value: int) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    subscription = inputs.pipe(operator(lambda _: stream)).subscribe(observe)
    inputs.on_next("a")
    slow = threading.Thread(target=lambda: [stream.on_next(n) for n in (1, 2)])
    slow.start()
    assert entered.wait(SOON)
    subscription.dispose()
    assert not stream.observers
    assert not inputs.observers
    go_on.set()
    slow.join(SOON)
    assert got == [1]


def test_what_waits_for_a_slow_observer_is_superseded_too() -> None:
    inputs: Subject[str] = Subject()
    streams: dict[str, Subject[int]] = {"a": Subject(), "b": Subject()}
    entered, go_on = threading.Event(), threading.Event()
    got: list[int] = []

    def observe(value: int) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    inputs.pipe(switch_map(streams.__getitem__)).subscribe(observe)
    inputs.on_next("a")
    slow = threading.Thread(target=streams["a"].on_next, args=(1,))
    slow.start()
    assert entered.wait(SOON)
    streams["a"].on_next(2)
    inputs.on_next("b")
    streams["b"].on_next(3)
    go_on.set()
    slow.join(SOON)
    assert got == [1, 3]


@all_of_them
def test_a_failure_leaves_all_at_once_however_slow_the_observer(operator: Operator) -> None:
    inputs: Subject[str] = Subject()
    stream: Subject[int] = Subject()
    entered, go_on = threading.Event(), threading.Event()
    got: list[object] = []

    def observe(value: int) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    inputs.pipe(operator(lambda _: stream)).subscribe(observe, got.append)
    inputs.on_next("a")
    slow = threading.Thread(target=stream.on_next, args=(1,))
    slow.start()
    assert entered.wait(SOON)
    stream.on_error(ERROR)
    assert not inputs.observers
    assert got == [1]
    go_on.set()
    slow.join(SOON)
    assert got == [1, ERROR]


class Raw(Observable[Any]):
    """A stream that does not heed that it is disposed of, as one that is just about to emit."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def subscribe(self, *told: Any, **_: Any) -> abc.DisposableBase:
        self.told.append(told)
        return Disposable()


@pytest.mark.parametrize("signal", [0, 1, 2])
def test_a_signal_that_was_on_its_way_when_it_was_superseded_is_dropped(signal: int) -> None:
    inputs: Subject[str] = Subject()
    streams = {"a": Raw(), "b": Raw()}
    got: list[Any] = []
    inputs.pipe(switch_map(streams.__getitem__)).subscribe(got.append, got.append)
    inputs.on_next("a")
    inputs.on_next("b")
    (stale,) = streams["a"].told
    stale[signal](*[ERROR][: signal < 2])
    assert got == []
    (fresh,) = streams["b"].told
    fresh[0](1)
    inputs.on_next("a")
    assert got == [1]
    assert len(streams["a"].told) == 2


def test_what_is_superseded_while_it_is_made_is_not_subscribed_to() -> None:
    inputs: Subject[str] = Subject()
    streams = {"a": Raw(), "b": Raw()}

    def project(name: str) -> Raw:
        if name == "a":
            inputs.on_next("b")
        return streams[name]

    inputs.pipe(switch_map(project)).subscribe()
    inputs.on_next("a")
    assert (len(streams["a"].told), len(streams["b"].told)) == (0, 1)


@pytest.mark.parametrize("attempt", range(20))
def test_no_stale_value_follows_a_new_one_whatever_the_threads(attempt: int) -> None:
    """The race that reactivex's own switch loses: check, be superseded, emit."""
    inputs: Subject[int] = Subject()
    streams = [Subject[tuple[int, int]]() for _ in range(20)]
    got: list[tuple[int, int]] = []
    overlaps: list[object] = []
    inside = threading.Lock()

    def observe(value: tuple[int, int]) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(value)
            return
        got.append(value)
        inside.release()

    inputs.pipe(switch_map(streams.__getitem__)).subscribe(observe)
    stop = threading.Event()

    def emit(which: int) -> None:
        n = 0
        while not stop.is_set():
            streams[which].on_next((which, n))
            n += 1

    inputs.on_next(0)
    threads = [threading.Thread(target=emit, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for n in range(1, 20):
        inputs.on_next(n)
        streams[n].on_next((n, -1))
    stop.set()
    for thread in threads:
        thread.join(SOON)
    assert not overlaps
    order = [which for which, _ in got]
    assert order == sorted(order)
    assert order[-1] == 19


@given(
    inputs=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), max_size=12),
    gap=st.integers(1, 20),
)
def test_the_laws_hold_for_any_schedule(inputs: list[tuple[int, int]], gap: int) -> None:
    """One stream at a time; nothing lost with concat; the newest wins with switch."""
    times: list[int] = []
    at = 200
    for wait, _ in inputs:
        at += wait
        times.append(at)
    for operator in ALL:
        scheduler = TestScheduler()
        source = scheduler.create_hot_observable(
            *(on_next(at, n) for n, at in enumerate(times)), on_completed(900)
        )
        streams = [
            scheduler.create_cold_observable(
                *(on_next(t, (n, t)) for t in range(gap, length, gap)), on_completed(length)
            )
            for n, (_, length) in enumerate(inputs)
        ]
        operate = operator(streams.__getitem__)
        found = scheduler.start(lambda: source.pipe(operate), disposed=5000)  # noqa: B023 (at once)
        spans = sorted(
            (each.subscribe, each.unsubscribe)
            for stream in streams
            for each in stream.subscriptions
        )
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
        values = [each.value.value for each in found.messages[:-1]]
        assert [n for n, _ in values] == sorted(n for n, _ in values)
        assert found.messages[-1].value.kind == "C"
        assert found.messages[-1].time >= 900
        if operator is concat_map:
            assert values == [
                (n, t) for n, (_, length) in enumerate(inputs) for t in range(gap, length, gap)
            ]
        if operator is switch_map:
            assert all(len(stream.subscriptions) == 1 for stream in streams)
            assert values[len(values) - len(_last(inputs, gap)) :] == _last(inputs, gap)


def _last(inputs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    if not inputs:
        return []
    return [(len(inputs) - 1, t) for t in range(gap, inputs[-1][1], gap)]


def test_a_stream_that_is_subscribed_to_at_once_emits_at_once() -> None:
    got: list[int] = []
    reactivex.of(1, 2).pipe(concat_map(lambda n: reactivex.of(n, 10 * n))).subscribe(got.append)
    assert got == [1, 10, 2, 20]


@pytest.mark.parametrize("operator", ALL)
def test_a_function_that_is_interrupted_has_cancelled(operator: Any) -> None:
    """It used to be taken for busy ever after, and inputs to wait for good."""
    inputs: Subject[int] = Subject()

    def project(_: int) -> Observable[int]:
        raise KeyboardInterrupt

    inputs.pipe(operator(project)).subscribe()
    with pytest.raises(KeyboardInterrupt):
        inputs.on_next(1)
    assert inputs.observers == []


@pytest.mark.parametrize("operator", ALL)
def test_a_source_that_is_interrupted_leaves_no_stream(operator: Any) -> None:
    stream: Subject[int] = Subject()

    def subscribe(observer: Any, _: Any) -> abc.DisposableBase:
        observer.on_next(1)
        assert stream.observers
        raise KeyboardInterrupt

    source: Observable[int] = Observable(subscribe)
    with pytest.raises(KeyboardInterrupt):
        source.pipe(operator(lambda _: stream)).subscribe()
    assert stream.observers == []


def test_a_future_that_is_superseded_while_it_is_made_is_cancelled() -> None:
    inputs: Subject[int] = Subject()
    made: list[Future[int]] = []

    def project(n: int) -> Future[int]:
        future: Future[int] = Future()
        made.append(future)
        if n == 1:
            inputs.on_next(2)
        return future

    inputs.pipe(switch_map(project)).subscribe()
    inputs.on_next(1)
    assert [future.cancelled() for future in made] == [True, False]


@pytest.mark.parametrize("operator", ALL)
def test_a_future_that_nobody_wants_when_it_is_made_is_cancelled(operator: Any) -> None:
    inputs: Subject[int] = Subject()
    future: Future[int] = Future()

    def project(_: int) -> Future[int]:
        subscription.dispose()
        return future

    subscription = inputs.pipe(operator(project)).subscribe()
    inputs.on_next(1)
    assert future.cancelled()
