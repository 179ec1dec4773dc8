"""What all operators on updates have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable
from reactivex.scheduler import CurrentThreadScheduler
from reactivex.testing import TestScheduler
from reactivex.testing.subscription import Subscription

import rxgradio.operators
from rxgradio import Update
from rxgradio.fluent import Updates
from rxgradio.operators import (
    LogMessage,
    Snapshot,
    TextDelta,
    Timings,
    logs,
    outputs,
    progress,
    result,
    snapshots,
    statuses,
    text_deltas,
    timings,
)
from rxgradio.operators.folding import Fold, folding
from tests.contract.app import SOON
from tests.operators.virtual import (
    FINAL,
    STORY,
    final,
    log,
    on_completed,
    on_error,
    on_next,
    out,
    ran,
)

Operator = Callable[[], Callable[[Observable[Update]], Observable[Any]]]

OPERATORS: list[Operator] = [
    outputs,
    statuses,
    progress,
    logs,
    result,
    text_deltas,
    snapshots,
    timings,
]

OF_THE_STORY: dict[str, list[int]] = {
    "outputs": [260, 270],
    "statuses": [210, 220, 230, 240, 250, 290],
    "progress": [240],
    "logs": [250],
    "result": [280],
    "text_deltas": [260, 270],
    "snapshots": [210, 220, 230, 240, 250, 260, 270, 280],
    "timings": [220, 230, 260, 290],
}
"""When an operator has something to tell."""


@pytest.fixture(params=OPERATORS, ids=lambda operator: operator.__name__)
def operator(request: pytest.FixtureRequest) -> Operator:
    return request.param


def name(operator: Operator) -> str:
    return operator.__name__


def test_each_has_an_ending_of_the_story(operator: Operator) -> None:
    told = ran(operator())
    end = FINAL if operator is result else 300
    assert [each.time for each in told.messages] == [*OF_THE_STORY[name(operator)], end]
    assert told.messages[-1] == on_completed(end)
    assert told.subscriptions == [Subscription(200, end)]


def test_a_cold_source_is_subscribed_to_by_each_subscriber(operator: Operator) -> None:
    assert ran(operator(), cold=True).messages == ran(operator()).messages
    scheduler = TestScheduler()
    source: Any = scheduler.create_cold_observable([on_next(t - 200, u) for t, u in STORY])
    passed = source.pipe(operator())
    first, second = scheduler.create_observer(), scheduler.create_observer()
    for time, observer in ((200, first), (235, second)):
        scheduler.schedule_absolute(
            time, lambda *_, o=observer: passed.subscribe(o, scheduler=scheduler) and None
        )
    scheduler.start()
    assert len(first.messages) >= 1
    assert [each.value for each in second.messages] == [each.value for each in first.messages]
    assert [each.time - 35 for each in second.messages] == [each.time for each in first.messages]
    assert [each.subscribe for each in source.subscriptions] == [200, 235]


def test_an_error_is_passed_on_at_once(operator: Operator) -> None:
    error = ValueError("of the source")
    told = ran(operator(), STORY[:2], error=error, end=225)
    assert told.subscriptions == [Subscription(200, 225)]
    if operator is snapshots:
        assert told.messages[-2].value.value.error is error
        assert told.messages[-1] == on_completed(225)
    else:
        assert told.messages[-1] == on_error(225, error)


def test_an_error_instead_of_a_subscription_is_passed_on(operator: Operator) -> None:
    def refuses(*_: object) -> abc.DisposableBase:
        raise ValueError("closed")

    seen = Notes()
    refusing: Observable[Update] = Observable(refuses)
    refusing.pipe(operator()).subscribe(seen.take("next"), seen.take("error"), seen.take("done"))
    if operator is snapshots:
        (_, snapshot), _ = seen
        assert isinstance(snapshot.error, ValueError)
        assert snapshot.done
    else:
        assert [kind for kind, _ in seen if kind != "next"] == ["error"]


def test_disposing_leaves_the_source_once_and_nothing_follows(operator: Operator) -> None:
    told = ran(operator(), disposed=255)
    expected = [time for time in OF_THE_STORY[name(operator)] if time < 255]
    assert [each.time for each in told.messages] == expected
    assert told.subscriptions == [Subscription(200, 255)]

    disposals: list[None] = []
    source: Observable[Update] = Observable(lambda *_: Disposable(lambda: disposals.append(None)))
    subscription = source.pipe(operator()).subscribe()
    subscription.dispose()
    subscription.dispose()
    assert len(disposals) == 1


def test_an_empty_stream_and_one_that_never_ends(operator: Operator) -> None:
    empty = ran(operator(), [], end=300)
    if operator is timings:
        assert empty.values == [Timings(done=100.0)]
    else:
        assert empty.messages == [on_completed(300)]
    never = ran(operator(), [], end=None)
    assert never.messages == []
    assert never.subscriptions == [Subscription(200, 1000)]


def test_the_scheduler_of_the_subscription_is_passed_down(operator: Operator) -> None:
    given: list[abc.SchedulerBase | None] = []

    def subscribe(_: object, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        given.append(scheduler)
        return Disposable()

    source: Observable[Update] = Observable(subscribe)
    scheduler = CurrentThreadScheduler()
    source.pipe(operator()).subscribe(scheduler=scheduler)
    source.pipe(operator()).subscribe()
    assert given == [scheduler, None]


def test_the_methods_of_updates_are_these(operator: Operator) -> None:
    source: Subject[Update] = Subject()
    updates = Updates(lambda observer, _: source.subscribe(observer))
    piped, fluent = Notes(), Notes()
    updates.pipe(operator()).subscribe(piped.take("next"), on_completed=piped.take("done"))
    getattr(updates, name(operator))().subscribe(
        fluent.take("next"), on_completed=fluent.take("done")
    )
    for _, update in STORY:
        source.on_next(update)
    source.on_completed()
    assert len(piped) > 1
    if operator is timings:  # by the clock of the day
        assert [kind for kind, _ in fluent] == [kind for kind, _ in piped]
    else:
        assert fluent == piped


def test_all_are_methods_and_all_are_exported() -> None:
    assert {name(each) for each in OPERATORS} <= set(rxgradio.operators.__all__)
    for each in OPERATORS:
        assert callable(getattr(Updates, name(each)))
        assert not hasattr(Observable, name(each))
        assert "--" in (each.__doc__ or "")


# ---- serial, from whatever threads and from within


class Notes(list[tuple[str, Any]]):
    """What an observer was told."""

    def take(self, kind: str) -> Callable[..., None]:
        return lambda value=None: self.append((kind, value))


def test_what_comes_from_within_the_observer_comes_after(operator: Operator) -> None:
    source: Subject[Update] = Subject()
    straight, within = Notes(), Notes()
    source.pipe(operator()).subscribe(straight.take("next"), on_completed=straight.take("done"))
    for _, update in STORY:
        source.on_next(update)
    source.on_completed()

    source = Subject()
    rest = [update for _, update in STORY]
    depth = [0]

    def feed(_: object) -> None:
        depth[0] += 1
        assert depth[0] == 1
        while rest:
            source.on_next(rest.pop(0))
        source.on_completed()
        within.append(("next", _))
        depth[0] -= 1

    source.pipe(operator()).subscribe(feed, on_completed=within.take("done"))
    while rest:
        source.on_next(rest.pop(0))
    if operator is timings:
        assert len(within) == len(straight)
    else:
        assert within == straight


def test_threads_that_feed_it_at_once_are_put_in_a_line() -> None:
    source: Subject[Update] = Subject()
    inside = threading.Lock()
    seen: list[str] = []

    def alone(message: Any) -> None:
        assert inside.acquire(blocking=False)
        seen.append(message.text)
        inside.release()

    source.pipe(logs()).subscribe(alone)

    def feed(thread: int) -> None:
        for n in range(300):
            source.on_next(log(f"{thread} {n}"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(feed, range(4)))
    assert len(seen) == 1200
    for thread in range(4):
        of_it = [text for text in seen if text.startswith(f"{thread} ")]
        assert of_it == [f"{thread} {n}" for n in range(300)]


def test_no_lock_is_held_while_the_observer_is_called(operator: Operator) -> None:
    source: Subject[Update] = Subject()
    called = Notes()

    def feeds_from_elsewhere(value: object) -> None:
        # The other thread must get through: all it does is to leave its update.
        other = threading.Thread(target=source.on_next, args=(out("more"),), daemon=True)
        other.start()
        other.join(SOON)
        assert not other.is_alive()
        called.append(("next", value))
        subscription.dispose()

    subscription = source.pipe(operator()).subscribe(feeds_from_elsewhere)
    for _, update in STORY:
        source.on_next(update)
    assert len(called) == 1


def test_disposing_does_not_wait_for_the_observer_and_nothing_follows() -> None:
    source: Subject[Update] = Subject()
    entered, go_on = threading.Event(), threading.Event()
    seen = Notes()

    def blocks(value: object) -> None:
        seen.append(("next", value))
        entered.set()
        assert go_on.wait(SOON)

    subscription = source.pipe(outputs()).subscribe(blocks, on_completed=seen.take("done"))
    feeding = threading.Thread(target=source.on_next, args=(out("a"),), daemon=True)
    feeding.start()
    assert entered.wait(SOON)
    source.on_next(out("b"))  # waits for its turn, which does not come
    subscription.dispose()
    assert not source.observers
    go_on.set()
    feeding.join(SOON)
    source.on_next(out("c"))
    source.on_completed()
    assert seen == [("next", "a")]


def test_an_observer_that_raises_has_cancelled(operator: Operator) -> None:
    source: Subject[Update] = Subject()
    seen = Notes()

    def raises(value: object) -> None:
        seen.append(("next", value))
        raise ValueError("its own trouble")

    source.pipe(operator()).subscribe(raises, seen.take("error"), seen.take("done"))
    with pytest.raises(ValueError, match="its own trouble"):  # noqa: PT012 (at whichever of them)
        for _, update in STORY:
            source.on_next(update)
    assert not source.observers
    for _, update in STORY:
        source.on_next(update)
    assert len(seen) == 1


def test_of_several_values_of_one_update_none_comes_after_disposing() -> None:
    source: Subject[Update] = Subject()
    seen: list[TextDelta] = []

    def one(delta: TextDelta) -> None:
        seen.append(delta)
        subscription.dispose()

    subscription = source.pipe(text_deltas()).subscribe(one)
    source.on_next(out([["hello", "good day"]]))
    assert seen == [TextDelta("hello", message=0, role="user")]


def test_what_waits_when_it_is_disposed_of_is_not_looked_at() -> None:
    source: Subject[Update] = Subject()
    looked: list[str] = []

    def of(text: str) -> str:
        looked.append(text)
        return text

    def feeds_and_leaves(_: TextDelta) -> None:
        source.on_next(out("ab"))
        subscription.dispose()

    subscription = source.pipe(text_deltas(of)).subscribe(feeds_and_leaves)
    source.on_next(out("a"))
    assert looked == ["a"]


def test_what_a_fold_raises_is_an_error_of_the_stream() -> None:
    class Raises(Fold[Update, Any]):
        def next(self, value: Update) -> list[Any]:
            raise ValueError("of the operator")

    class RaisesAtTheEnd(Fold[Update, Any]):
        def next(self, value: Update) -> list[Any]:
            return []

        def end(self, error: Exception | None) -> Any:
            raise ValueError("at the end")

    told = ran(folding(lambda _: Raises()))
    assert str(told.messages[-1].value.exception) == "of the operator"
    assert told.subscriptions == [Subscription(200, 210)]
    told = ran(folding(lambda _: RaisesAtTheEnd()))
    assert [each.time for each in told.messages] == [300]
    assert str(told.messages[-1].value.exception) == "at the end"


def test_the_values_of_operators_are_frozen_and_slotted() -> None:
    for value in (LogMessage("a", "info"), Snapshot(), TextDelta("a"), Timings()):
        assert not hasattr(value, "__dict__")
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, "b")


def test_a_final_output_can_be_all_there_is() -> None:
    assert ran(outputs(), [(210, final("a"))]).values == ["a"]
    assert ran(result(), [(210, final("a"))]).values == ["a"]


class Echo(Fold[Any, Any]):
    """Passes values on, and completes behind one that is None."""

    def next(self, value: Any) -> Sequence[Any]:
        self.complete = value is None
        return (value,)


@pytest.mark.parametrize("end", [None, ValueError])
def test_the_source_is_left_before_the_observer_hears_of_the_end(end: Any) -> None:
    source: Subject[Any] = Subject()
    there: list[int] = []

    class Ends(Echo):
        def next(self, value: Any) -> Sequence[Any]:
            if end is not None:
                raise end
            return super().next(value)

    source.pipe(folding(lambda _: Ends())).subscribe(
        on_error=lambda _: there.append(len(source.observers)),
        on_completed=lambda: there.append(len(source.observers)),
    )
    source.on_next(None)
    assert there == [0]


def test_what_is_let_go_of_may_say_something_itself() -> None:
    """A finalizer of a value, which runs where that is let go of."""

    class Value:
        def __del__(self) -> None:
            source.on_next("from the finalizer")

    source: Subject[Any] = Subject()
    got: list[Any] = []

    def observe(value: Any) -> None:
        got.append(value)
        source.on_next(Value())  # waits for its turn
        subscription.dispose()  # which it never gets

    subscription = source.pipe(folding(lambda _: Echo())).subscribe(observe)
    saying = threading.Thread(target=source.on_next, args=("a",), daemon=True)
    saying.start()
    saying.join(10)
    assert not saying.is_alive(), "it waits for a lock that it holds itself"
    assert got == ["a"]
