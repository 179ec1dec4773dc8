"""Many calls in virtual time: order, places, errors, the end, disposal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import ClientClosed
from rxgradio.bulk import MapProgress, MapResult, mapped
from rxgradio.bulk.inputs import pulling
from rxgradio.bulk.mapping import _Calls
from rxgradio.runtime.log import End
from tests.contract.app import Seen

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")


class World:
    """An app whose calls take as long as their input says; negative ones fail."""

    def __init__(self) -> None:
        self.scheduler = TestScheduler()
        self.calls: list[Any] = []

    def call(self, length: int) -> Observable[int]:
        if length == 0:
            raise ERROR
        stream = self.scheduler.create_cold_observable(
            on_next(1, "not the last"), on_next(length, 10 * length), on_completed(length)
        )
        if length < 0:
            stream = self.scheduler.create_cold_observable(on_error(-length, ERROR))
        self.calls.append(stream)
        return stream

    def map(
        self,
        inputs: Any,
        *,
        k: int = 2,
        ordered: bool = True,
        on_error: Literal["keep", "raise"] = "keep",
    ) -> Observable[MapResult]:
        return mapped(
            inputs, self.call, max_concurrent=k, ordered=ordered, on_error=on_error, label="a map"
        )

    def run(self, inputs: Any, *, disposed: float = 1000, **how: Any) -> list[Recorded[Any]]:
        stream = self.map(inputs, **how)
        return self.scheduler.start(lambda: stream, disposed=disposed).messages

    @property
    def spans(self) -> list[tuple[int, int]]:
        """When each call was under way."""
        spans = [each for call in self.calls for each in call.subscriptions]
        return [(each.subscribe, each.unsubscribe) for each in spans]


def ok(index: int, length: int) -> MapResult:
    return MapResult(index, length, 10 * length)


def failed(index: int, length: int) -> MapResult:
    return MapResult(index, length, None, ERROR)


def test_results_come_in_the_order_of_the_inputs() -> None:
    world = World()
    assert world.run([30, 10, 20]) == [
        on_next(230, ok(0, 30)),
        on_next(230, ok(1, 10)),
        on_next(250, ok(2, 20)),
        on_completed(250),
    ]
    # The second has ended at 210, but keeps its place until its result is taken.
    assert world.spans == [(200, 230), (200, 210), (230, 250)]


def test_results_come_in_the_order_of_their_ends() -> None:
    world = World()
    assert world.run([30, 10, 40], ordered=False) == [
        on_next(210, ok(1, 10)),
        on_next(230, ok(0, 30)),
        on_next(250, ok(2, 40)),
        on_completed(250),
    ]
    assert world.spans == [(200, 230), (200, 210), (210, 250)]


def test_an_error_is_kept_as_a_result() -> None:
    world = World()
    assert world.run([20, -10, 0, 30], ordered=False) == [
        on_next(210, failed(1, -10)),
        on_next(210, failed(2, 0)),
        on_next(220, ok(0, 20)),
        on_next(240, ok(3, 30)),
        on_completed(240),
    ]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_that_is_raised_cancels_the_others(ordered: bool) -> None:
    world = World()
    told = world.run([10, 40, -30, 50], k=3, ordered=ordered, on_error="raise")
    assert told == [on_next(210, ok(0, 10)), on_error(230, ERROR)]
    assert world.spans == [(200, 210), (200, 230), (200, 230), (210, 230)]


def test_an_input_that_does_not_fit_is_an_error_like_others() -> None:
    world = World()
    told = world.run([20, 0, 30], on_error="raise")
    assert told == [on_error(200, ERROR)]
    assert world.spans == [(200, 200)]


def test_an_error_that_is_raised_says_of_which_input() -> None:
    error = ValueError("of the second")
    scheduler = TestScheduler()
    stream = mapped(
        ["a", "b"],
        lambda name: scheduler.create_cold_observable(
            on_error(10, error) if name == "b" else on_completed(20)
        ),
        max_concurrent=2,
        ordered=True,
        on_error="raise",
        label="a map",
    )
    scheduler.start(lambda: stream)
    assert error.__notes__ == ["(input 1 of a map)"]


def test_no_inputs_complete_at_once() -> None:
    world = World()
    assert world.run([]) == [on_completed(200)]


def test_disposing_cancels_the_calls_under_way_and_begins_no_more() -> None:
    world = World()
    assert world.run([30, 10, 20, 20], disposed=215) == []
    assert world.spans == [(200, 215), (200, 210)]


def test_an_observer_that_disposes_gets_no_more() -> None:
    world = World()
    got: list[int] = []

    def observe(result: MapResult) -> None:
        got.append(result.index)
        subscription.dispose()

    stream = world.map([10, 10, 10, 10])
    subscription = stream.subscribe(observe, scheduler=world.scheduler)
    world.scheduler.start()
    assert got == [0]
    assert len(world.calls) == 2


def test_each_subscription_begins_anew() -> None:
    world = World()
    stream = world.map([10, 20])
    others = [world.scheduler.create_observer() for _ in range(2)]
    for other in others:
        stream.subscribe(other, scheduler=world.scheduler)
    world.scheduler.start()
    for other in others:
        assert [each.value.value for each in other.messages[:-1]] == [ok(0, 10), ok(1, 20)]
    assert len(world.calls) == 4


def test_nothing_begins_before_it_is_subscribed_to() -> None:
    world = World()
    world.map([10])
    world.scheduler.start()
    assert world.calls == []


def test_each_result_tells_how_far_all_are() -> None:
    world = World()
    told = world.run([30, -10, 20, 20], ordered=False)
    assert [each.value.value.progress for each in told[:-1]] == [
        MapProgress(done=1, failed=1, in_flight=1, total=4),
        # At 230 the first and the third end; the fourth begins when the first is taken.
        MapProgress(done=2, failed=1, in_flight=0, total=4),
        MapProgress(done=3, failed=1, in_flight=1, total=4),
        MapProgress(done=4, failed=1, in_flight=0, total=4),
    ]


# ---- inputs from a stream


def test_a_stream_of_inputs_is_begun_as_it_comes() -> None:
    world = World()
    source = world.scheduler.create_hot_observable(
        on_next(210, 30), on_next(215, 10), on_next(216, 20), on_completed(217)
    )
    assert world.run(source) == [
        on_next(240, ok(0, 30)),
        on_next(240, ok(1, 10)),
        on_next(260, ok(2, 20)),
        on_completed(260),
    ]
    assert world.spans == [(210, 240), (215, 225), (240, 260)]
    assert source.subscriptions == [Subscription(200, 217)]


def test_a_stream_that_says_nothing_completes() -> None:
    world = World()
    assert world.run(world.scheduler.create_hot_observable(on_completed(250))) == [
        on_completed(250)
    ]


@pytest.mark.parametrize("kind", ["stream", "collection"])
def test_with_keep_an_error_of_the_inputs_comes_behind_all_results(kind: str) -> None:
    world = World()
    source: Any
    if kind == "stream":
        source = world.scheduler.create_cold_observable(
            on_next(0, 20), on_next(0, 10), on_next(0, 10), on_error(5, ERROR)
        )
    else:
        source = Failing([20, 10, 10])
    assert world.run(source) == [
        on_next(220, ok(0, 20)),
        on_next(220, ok(1, 10)),
        on_next(230, ok(2, 10)),
        on_error(230, ERROR),
    ]


@pytest.mark.parametrize(("kind", "at"), [("stream", 225), ("collection", 220)])
def test_with_raise_an_error_of_the_inputs_cancels_the_calls(kind: str, at: int) -> None:
    world = World()
    source: Any
    if kind == "stream":
        source = world.scheduler.create_cold_observable(
            on_next(0, 20), on_next(0, 40), on_error(25, ERROR)
        )
    else:
        source = Failing([20, 40])
    assert world.run(source, on_error="raise") == [on_next(220, ok(0, 20)), on_error(at, ERROR)]
    assert world.spans == [(200, 220), (200, at)]


class Failing(list[int]):
    """A collection with something wrong at its end."""

    def __iter__(self) -> Iterator[int]:
        yield from super().__iter__()
        raise ERROR


def test_disposing_leaves_the_stream_of_inputs() -> None:
    world = World()
    source = world.scheduler.create_hot_observable(on_next(210, 30), on_next(300, 10))
    assert world.run(source, disposed=220) == []
    assert source.subscriptions == [Subscription(200, 220)]
    assert world.spans == [(210, 220)]


def test_a_failure_leaves_the_stream_of_inputs() -> None:
    world = World()
    source = world.scheduler.create_hot_observable(on_next(210, -30), on_next(300, 10))
    assert world.run(source, on_error="raise") == [on_error(240, ERROR)]
    assert source.subscriptions == [Subscription(200, 240)]


def test_a_closed_client_ends_all_behind_the_results_that_there_are() -> None:
    scheduler = TestScheduler()
    closed = ClientClosed("closed")
    pulled: list[int] = []

    def call(n: int) -> Observable[int]:
        pulled.append(n)
        if n == 2:
            raise closed
        return scheduler.create_cold_observable(on_next(30, n), on_completed(30))

    stream = mapped(
        list(range(100)), call, max_concurrent=4, ordered=True, on_error="keep", label="a map"
    )
    told = scheduler.start(lambda: stream).messages
    assert pulled == [0, 1, 2]
    assert [each.value.value for each in told[:-1]] == [
        MapResult(0, 0, 0),
        MapResult(1, 1, 1),
        MapResult(2, 2, None, closed),
    ]
    assert told[-1] == on_error(230, closed)


def test_the_scheduler_is_passed_down() -> None:
    seen: list[Any] = []

    def subscribe(observer: Any, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        seen.append(scheduler)
        observer.on_next(1)
        return Disposable()

    scheduler = TestScheduler()
    stream = Observable(subscribe)
    results = mapped(
        stream, lambda _: stream, max_concurrent=1, ordered=True, on_error="keep", label="a map"
    )
    results.subscribe(scheduler=scheduler)
    scheduler.start()
    assert seen == [scheduler, scheduler]


def test_calls_that_end_at_once_take_no_stack() -> None:
    got: list[int] = []
    scheduler = TestScheduler()

    def call(n: int) -> Observable[int]:
        def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
            observer.on_next(n)
            observer.on_completed()
            return Disposable()

        return Observable(subscribe)

    stream = mapped(
        range(20_000), call, max_concurrent=3, ordered=True, on_error="keep", label="a map"
    )
    stream.subscribe(lambda result: got.append(result.output), scheduler=scheduler)
    scheduler.start()
    assert got == list(range(20_000))


# ---- the races, step by step


class Steps:
    """One subscription, read by hand."""

    def __init__(self) -> None:
        self.calls: list[Subject[int]] = []
        self.results = _Calls(self.call, None, places=1, ordered=True, keep=True, total=None)
        self.results.begin(pulling([1, 2])(self.results, None))
        self.woken: list[str] = []

    def call(self, _: int) -> Observable[int]:
        self.calls.append(Subject())
        return self.calls[-1]

    def park(self) -> bool:
        return self.results.park(lambda: self.woken.append("woken"))


def test_a_result_that_comes_before_the_reader_parks_is_not_missed() -> None:
    steps = Steps()
    assert steps.results.take() == []
    assert steps.results.end is None
    steps.calls[0].on_completed()
    assert not steps.park()
    assert [each.index for each in steps.results.take()] == [0]


def test_an_end_that_comes_before_the_reader_parks_is_not_missed() -> None:
    steps = Steps()
    for n in (0, 1):
        steps.results.take()
        steps.calls[n].on_completed()
        steps.results.take()
    assert steps.results.take() == []
    assert not steps.park()
    assert steps.results.end == End(None)


def test_a_reader_that_has_parked_is_woken_once() -> None:
    steps = Steps()
    steps.results.take()
    assert steps.park()
    steps.calls[0].on_next(5)
    assert steps.woken == []
    steps.calls[0].on_completed()
    assert steps.woken == ["woken"]


def test_an_input_that_was_on_its_way_when_it_was_disposed_of_begins_no_call() -> None:
    steps = Steps()
    steps.results.stop()
    steps.results.on_input(1)
    assert steps.calls == []
    assert steps.results.take() == []
    assert not steps.park()


# ---- arguments


@pytest.mark.parametrize("inputs", [5, None, object()])
def test_what_has_no_inputs_is_refused(inputs: Any) -> None:
    with pytest.raises(TypeError, match="iterable"):
        World().map(inputs)


@pytest.mark.parametrize("inputs", ["text", b"bytes"])
def test_a_text_is_taken_for_a_mistake(inputs: Any) -> None:
    with pytest.raises(TypeError, match="one input"):
        World().map(inputs)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="max_concurrent"):
        World().map([], k=0)
    with pytest.raises(ValueError, match="on_error"):
        World().map([], on_error="ignore")  # type: ignore[arg-type] # the point of it


# ---- laws

lengths = st.integers(-40, 60)


@given(
    inputs=st.lists(lengths, max_size=25),
    k=st.integers(1, 6),
    ordered=st.booleans(),
    pushed=st.booleans(),
    disposed=st.integers(200, 3000),
    keep=st.booleans(),
)
def test_the_laws_hold_for_any_calls(
    inputs: list[int], k: int, ordered: bool, pushed: bool, disposed: int, keep: bool
) -> None:
    world = World()
    source: Any = inputs
    if pushed:
        source = world.scheduler.create_hot_observable(
            *(on_next(201 + 7 * n, length) for n, length in enumerate(inputs)),
            on_completed(203 + 7 * len(inputs)),
        )
    how: dict[str, Any] = {"k": k, "ordered": ordered, "on_error": "keep" if keep else "raise"}
    told = world.run(source, disposed=disposed, **how)
    results = [each for each in told if each.value.kind == "N"]
    values = [each.value.value for each in results]

    # Nothing is invented, nothing comes twice, and order is kept where it is promised.
    indices = [each.index for each in values]
    assert len(set(indices)) == len(indices)
    for value in values:
        length = inputs[value.index]
        fits = ok(value.index, length) if length > 0 else failed(value.index, length)
        assert value == fits
    if ordered:
        assert indices == list(range(len(indices)))

    # Places: from the begin of a call until its result is taken there are at most k.
    taken = {each.value.value.index: each.time for each in results}
    begun = [call.subscriptions[0] for call in world.calls]
    numbers = [n for n, length in enumerate(inputs) if length != 0][: len(begun)]
    for now in {each.subscribe for each in begun}:
        on_the_way = [
            n
            for n, each in zip(numbers, begun, strict=True)
            if each.subscribe <= now < taken.get(n, disposed)
        ]
        assert len(on_the_way) <= k

    # The end: of all, of the first failure, or by disposal, which cancels.
    assert all(each.unsubscribe <= disposed for each in begun)
    assert all(each.time <= disposed for each in told)
    ends = [each for each in told if each.value.kind != "N"]
    if ends and ends[0].value.kind == "C":
        assert len(values) == len(inputs)
        assert keep or all(length > 0 for length in inputs)
    elif ends:
        assert not keep
        assert all(each.unsubscribe <= ends[0].time for each in begun)
        assert all(each.error is None for each in values)
    else:
        assert disposed < 203 + 7 * len(inputs) + sum(map(abs, inputs))


@pytest.mark.parametrize("on_error", ["keep", "raise"])
@pytest.mark.parametrize("pulled", [list, iter])
def test_what_is_no_exception_ends_it_instead_of_being_waited_for(
    pulled: Any, on_error: Literal["keep", "raise"]
) -> None:
    def call(value: int) -> Observable[int]:
        if value == 2:
            raise SystemExit
        return reactivex.just(value)

    seen = Seen()
    mapped(
        pulled([1, 2, 3]), call, max_concurrent=1, ordered=True, on_error=on_error, label="a map"
    ).subscribe(seen)
    assert isinstance(seen.wait().error, SystemExit)
    assert [each.output for each in seen.values] == [1]


def test_a_collection_that_raises_whatever_it_is_ends_it() -> None:
    class Broken(list[int]):
        def __iter__(self) -> Iterator[int]:
            raise SystemExit

    seen = Seen()
    mapped(
        Broken([1]), reactivex.just, max_concurrent=1, ordered=True, on_error="keep", label="a map"
    ).subscribe(seen)
    assert isinstance(seen.wait().error, SystemExit)
