"""share_in_flight and cached, in virtual time and with real threads."""

from __future__ import annotations

import gc
import itertools
import math
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler
from reactivex.testing.mockobserver import MockObserver
from reactivex.testing.subscription import Subscription

from rxgradio.operators import cached, share_in_flight
from tests.contract.app import SOON, Seen

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")

STORY = [on_next(10, 1), on_next(30, 2), on_completed(50)]

Sharing = Callable[..., Callable[..., Observable[Any]]]

both = pytest.mark.parametrize("sharing", [share_in_flight, cached])


class World:
    """Calls of a function whose streams all have the same story."""

    def __init__(
        self,
        sharing: Sharing,
        story: list[Recorded[Any]] = STORY,
        *,
        timed: bool = False,
        **how: Any,
    ) -> None:
        self.scheduler = TestScheduler()
        self.made: list[tuple[Any, Any]] = []
        self._story = story
        if timed:
            how["scheduler"] = self.scheduler
        self.shared = sharing(self._make, **how)

    def _make(self, *args: Any) -> Observable[Any]:
        stream = self.scheduler.create_cold_observable(self._story)
        self.made.append((args, stream))
        return stream

    def call(self, at: float, *args: Any, left: float | None = None) -> MockObserver[Any]:
        observer = self.scheduler.create_observer()
        held: list[abc.DisposableBase] = []
        stream = self.shared(*args)
        self.scheduler.schedule_absolute(
            float(at),
            lambda *_: held.append(stream.subscribe(observer, scheduler=self.scheduler)),
        )
        if left is not None:
            self.scheduler.schedule_absolute(float(left), lambda *_: held[0].dispose())
        return observer

    def run(self) -> list[tuple[Any, Subscription]]:
        self.scheduler.start()
        return [(args[0], each) for args, stream in self.made for each in stream.subscriptions]


@both
def test_who_joins_gets_all_that_was_said(sharing: Sharing) -> None:
    world = World(sharing)
    first, second = world.call(200, "x"), world.call(220, "x")
    assert world.run() == [("x", Subscription(200, 250))]
    assert first.messages == [on_next(210, 1), on_next(230, 2), on_completed(250)]
    assert second.messages == [on_next(220, 1), on_next(230, 2), on_completed(250)]


@both
def test_other_arguments_are_other_calls(sharing: Sharing) -> None:
    world = World(sharing)
    for args in (("x",), ("y",), ("x", 1), ("x", True), ("x", 1.0)):
        world.call(200, *args)
    world.run()
    assert [args for args, _ in world.made] == [("x",), ("y",), ("x", 1), ("x", True), ("x", 1.0)]


@both
def test_arguments_by_name_are_told_apart_and_their_order_is_not(sharing: Sharing) -> None:
    made: list[dict[str, Any]] = []

    def make(**named: Any) -> Observable[Any]:
        made.append(named)
        return Subject()

    shared = sharing(make)
    shared(a=1, b=2).subscribe()
    shared(b=2, a=1).subscribe()
    shared(a=1).subscribe()
    assert made == [{"a": 1, "b": 2}, {"a": 1}]


@both
def test_a_key_tells_what_is_equal(sharing: Sharing) -> None:
    world = World(sharing, key=lambda item: item["id"])
    world.call(200, {"id": 1, "at": 5})
    world.call(210, {"id": 1, "at": 6})
    world.call(210, {"id": 2, "at": 6})
    world.run()
    assert [args[0]["id"] for args, _ in world.made] == [1, 2]


@both
def test_the_last_to_leave_disposes_of_it(sharing: Sharing) -> None:
    world = World(sharing)
    world.call(200, "x", left=215)
    second = world.call(210, "x", left=225)
    again = world.call(230, "x")
    assert world.run() == [("x", Subscription(200, 225)), ("x", Subscription(230, 280))]
    assert second.messages == [on_next(210, 1)]
    assert again.messages[-1] == on_completed(280)


@both
def test_an_error_is_told_to_all_and_not_kept(sharing: Sharing) -> None:
    world = World(sharing, [on_next(10, 1), on_error(50, ERROR)])
    first, second = world.call(200, "x"), world.call(220, "x")
    third = world.call(300, "x")
    assert world.run() == [("x", Subscription(200, 250)), ("x", Subscription(300, 350))]
    assert first.messages[-1] == second.messages[-1] == on_error(250, ERROR)
    assert third.messages == [on_next(310, 1), on_error(350, ERROR)]


@both
def test_what_the_function_raises_is_the_error_and_not_kept(sharing: Sharing) -> None:
    calls: list[str] = []

    def make(name: str) -> Observable[Any]:
        calls.append(name)
        raise ERROR

    shared = sharing(make)
    for _ in range(2):
        seen = Seen()
        shared("x").subscribe(seen)
        assert seen.wait().error is ERROR
    assert calls == ["x", "x"]


@both
def test_a_key_that_cannot_be_one_is_an_error(sharing: Sharing) -> None:
    seen = Seen()
    sharing(lambda items: Subject())([1]).subscribe(seen)
    assert isinstance(seen.wait().error, TypeError)


@both
def test_nothing_is_made_before_somebody_subscribes(sharing: Sharing) -> None:
    world = World(sharing)
    stream = world.shared("x")
    assert world.made == []
    stream.subscribe(scheduler=world.scheduler)
    assert len(world.made) == 1


@both
def test_it_is_still_the_function_that_it_was(sharing: Sharing) -> None:
    def caption(path: str) -> Observable[str]:
        """Say what is on a picture."""
        return Subject()

    assert sharing(caption).__doc__ == caption.__doc__


@both
def test_who_leaves_while_it_is_made_takes_nothing_from_others(sharing: Sharing) -> None:
    subscribed: list[int] = []
    entered, go_on = threading.Event(), threading.Event()
    seen = Seen()

    def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
        subscribed.append(1)
        observer.on_completed()
        return Disposable()

    def make() -> Observable[Any]:
        entered.set()
        assert go_on.wait(SOON)
        return Observable(subscribe)

    shared = sharing(make)
    first = threading.Thread(target=lambda: shared().subscribe(seen))
    first.start()
    assert entered.wait(SOON)
    shared().subscribe().dispose()
    go_on.set()
    first.join(SOON)
    assert seen.wait().completed
    assert subscribed == [1]


class Deaf(Observable[Any]):
    """A stream that ends although it was disposed of, as one that is just about to."""

    def subscribe(self, *told: Any, **_: Any) -> abc.DisposableBase:
        self.told = told
        return Disposable()


@both
def test_an_end_that_was_on_its_way_when_all_left_is_dropped(sharing: Sharing) -> None:
    made: list[Deaf] = []

    def make() -> Observable[Any]:
        made.append(Deaf())
        return made[-1]

    shared = sharing(make)
    shared().subscribe().dispose()
    shared().subscribe()
    made[0].told[2]()
    shared().subscribe()
    assert len(made) == 2


@both
def test_one_that_subscribes_again_when_it_has_ended_gets_another(sharing: Sharing) -> None:
    scheduler = TestScheduler()
    made: list[int] = []

    def make() -> Observable[Any]:
        made.append(1)
        return scheduler.create_cold_observable(on_error(10, ERROR))

    shared = sharing(make)
    ends: list[float] = []

    def again(_: Exception) -> None:
        ends.append(scheduler.clock)
        if len(ends) < 3:
            shared().subscribe(on_error=again, scheduler=scheduler)

    shared().subscribe(on_error=again, scheduler=scheduler)
    scheduler.start()
    assert (len(made), ends) == (3, [10, 20, 30])


@both
def test_a_slow_observer_delays_no_other(sharing: Sharing) -> None:
    source: Subject[int] = Subject()
    shared = sharing(lambda: source)
    entered, go_on = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        entered.set()
        assert go_on.wait(SOON)

    shared().subscribe(slow)
    seen = Seen()
    shared().subscribe(seen)
    source.on_next(1)
    assert entered.wait(SOON)
    source.on_next(2)
    source.on_completed()
    assert seen.wait().values == [1, 2]
    go_on.set()


@both
def test_the_scheduler_of_the_first_is_passed_down(sharing: Sharing) -> None:
    given_: list[Any] = []

    def subscribe(_: Any, scheduler: Any = None) -> abc.DisposableBase:
        given_.append(scheduler)
        return Disposable()

    shared = sharing(lambda: Observable(subscribe))
    first, second = TestScheduler(), TestScheduler()
    shared().subscribe(scheduler=first)
    shared().subscribe(scheduler=second)
    assert given_ == [first]


@both
@pytest.mark.parametrize("attempt", range(5))
def test_one_subscription_per_key_from_many_threads(sharing: Sharing, attempt: int) -> None:
    now: Counter[int] = Counter()
    most: Counter[int] = Counter()
    lock = threading.Lock()

    def make(key: int) -> Observable[int]:
        def subscribe(observer: Any, _: Any = None) -> abc.DisposableBase:
            with lock:
                now[key] += 1
                most[key] = max(most[key], now[key])

            def over() -> None:
                with lock:
                    now[key] -= 1

            return Disposable(over)

        return Observable(subscribe)

    shared = sharing(make)
    gate = threading.Barrier(6)

    def call(n: int) -> None:
        gate.wait(SOON)
        held = [shared(k % 2).subscribe() for k in range(20)]
        gate.wait(SOON)
        for each in held:
            each.dispose()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert most == {0: 1, 1: 1}
    assert now == {0: 0, 1: 0}


# cached


def test_what_has_completed_is_replayed() -> None:
    world = World(cached)
    world.call(200, "x")
    late = world.call(300, "x")
    assert world.run() == [("x", Subscription(200, 250))]
    assert late.messages == [on_next(300, 1), on_next(300, 2), on_completed(300)]


def test_sharing_alone_keeps_nothing() -> None:
    world = World(share_in_flight)
    world.call(200, "x")
    late = world.call(300, "x")
    assert world.run() == [("x", Subscription(200, 250)), ("x", Subscription(300, 350))]
    assert late.messages[0] == on_next(310, 1)


def test_it_is_good_for_some_time_after_its_end() -> None:
    world = World(cached, seconds=100, timed=True)
    for at in (200, 349, 350):
        world.call(at, "x")
    assert world.run() == [("x", Subscription(200, 250)), ("x", Subscription(350, 400))]


def test_of_too_many_the_one_used_longest_ago_goes() -> None:
    world = World(cached, most=2)
    for at, name in ((200, "a"), (300, "b"), (400, "a"), (500, "c"), (600, "a"), (700, "b")):
        world.call(at, name)
    world.run()
    assert [args[0] for args, _ in world.made] == ["a", "b", "c", "b"]


def test_what_is_left_before_its_end_is_not_kept() -> None:
    world = World(cached)
    world.call(200, "x", left=235)
    world.call(300, "x")
    assert world.run() == [("x", Subscription(200, 235)), ("x", Subscription(300, 350))]


def test_one_that_has_got_all_and_leaves_takes_nothing_with_it() -> None:
    world = World(cached)
    world.call(200, "x", left=260)
    late = world.call(300, "x", left=310)
    world.call(400, "x")
    assert len(world.run()) == 1
    assert late.messages[-1] == on_completed(300)


class Value:
    """Something to be let go of."""


def test_what_goes_is_not_held() -> None:
    def make(_: int) -> Observable[Value]:
        def subscribe(observer: Any, __: Any = None) -> abc.DisposableBase:
            value = Value()
            values.append(weakref.ref(value))
            observer.on_next(value)
            observer.on_completed()
            return Disposable()

        return Observable(subscribe)

    values: list[weakref.ref[Value]] = []
    for sharing, kept in ((cached, 2), (share_in_flight, 0)):
        values.clear()
        how = {"most": 2} if sharing is cached else {}
        shared = sharing(make, **how)
        scheduler = TestScheduler()
        for n in range(5):
            shared(n).subscribe(scheduler=scheduler)
        scheduler.start()
        gc.collect()
        assert sum(each() is not None for each in values) == kept


@pytest.mark.parametrize("how", [{"most": 0}, {"seconds": 0}, {"seconds": float("nan")}])
def test_numbers_that_are_none_are_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"most|seconds"):
        cached(Subject, **how)


@given(
    calls=st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from("abc"), st.none() | st.integers(1, 80)),
        max_size=15,
    ),
    fails=st.booleans(),
    most=st.none() | st.integers(1, 3),
)
def test_the_laws_hold_for_any_schedule(
    calls: list[tuple[int, str, int | None]], fails: bool, most: int | None
) -> None:
    """One subscription per key at a time, everybody gets everything, and nobody's leaving harms."""
    end = on_error(50, ERROR) if fails else on_completed(50)
    story = [*STORY[:-1], end]
    world = World(share_in_flight, story) if most is None else World(cached, story, most=most)
    at = 200
    observers: list[tuple[MockObserver[Any], float, float | None]] = []
    for gap, name, patience in calls:
        at += gap
        left = None if patience is None else at + patience + 0.5
        observers.append((world.call(at, name, left=left), at, left))
    for name in "abc":
        mine = [each for key, each in world.run() if key == name]
        for one, other in itertools.pairwise(mine):
            assert one.unsubscribe <= other.subscribe
    for observer, begun, left in observers:
        kinds = "".join(each.value.kind for each in observer.messages)
        whole = "NNE" if fails else "NNC"
        assert whole.startswith(kinds)
        if left is None or left > begun + 50:
            assert kinds == whole
    kept = most is not None and not fails
    if kept and most == 3 and all(left is None for *_, left in observers):
        assert len(world.made) == len({name for _, name, _ in calls})


@both
@pytest.mark.parametrize("where", ["make", "subscribe"])
def test_a_call_that_is_interrupted_is_not_joined(sharing: Sharing, where: str) -> None:
    """It used to be waited for by all who came later."""
    count = itertools.count()
    joined = Seen()

    def interrupt(*_: Any) -> abc.DisposableBase:
        shared().subscribe(joined)  # who comes while it begins
        raise KeyboardInterrupt

    def make() -> Observable[int]:
        if next(count):
            return reactivex.just(1)
        if where == "make":
            interrupt()
        return Observable(interrupt)

    shared = sharing(make)
    with pytest.raises(KeyboardInterrupt):
        shared().subscribe(Seen())
    assert isinstance(joined.wait().error, KeyboardInterrupt)
    after = Seen()
    shared().subscribe(after)
    assert after.wait().values == [1]


def test_a_result_may_be_good_for_any_time() -> None:
    world = World(cached, timed=True, seconds=math.inf)
    world.call(200, "x")
    later = world.call(10_000, "x")
    assert len(world.run()) == 1
    assert [each.value.value for each in later.messages[:-1]] == [1, 2]


@pytest.mark.parametrize("shared", [share_in_flight, cached])
def test_what_cannot_be_compared_needs_a_key(shared: Callable[..., Any]) -> None:
    made = shared(lambda values: reactivex.of(sum(values)))
    errors: list[Exception] = []
    made([1, 2]).subscribe(on_error=errors.append)
    assert [str(error) for error in errors] == [
        "equal calls cannot be told by these arguments (unhashable type: 'list'): give a `key`"
    ]
    keyed = shared(lambda values: reactivex.of(sum(values)), key=tuple)
    assert keyed([1, 2]).run() == 3
