"""What holds for all fan-in: one observer that is called serially, and streams that are left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import reactivex
from reactivex import Observable, Subject, abc
from reactivex.disposable import Disposable
from reactivex.testing import TestScheduler

from rxgradio import fanin
from tests.fanin.streams import ERROR, SOON

Combine = Callable[[Mapping[str, Observable[Any]]], Observable[Any]]


def raced(streams: Mapping[str, Observable[Any]]) -> Observable[Any]:
    return fanin.race(*streams.values())


ALL: dict[str, Combine] = {
    "merge": fanin.merge,
    "combine_latest": fanin.combine_latest,
    "partial": lambda streams: fanin.combine_latest(streams, partial=True),
    "zip": fanin.zip,
    "race": raced,
}
all_of_them = pytest.mark.parametrize("combine", ALL.values(), ids=ALL)


def subjects() -> dict[str, Subject[Any]]:
    return {"a": Subject(), "b": Subject()}


@all_of_them
def test_an_observer_that_raises_has_cancelled(combine: Combine) -> None:
    streams = subjects()
    seen: list[Any] = []

    def raises(value: Any) -> None:
        seen.append(value)
        raise ERROR

    combine(streams).subscribe(raises)

    def emit() -> None:
        for stream in streams.values():
            stream.on_next(1)

    with pytest.raises(ValueError, match="no"):
        emit()
    assert len(seen) == 1
    assert not any(stream.observers for stream in streams.values())


@all_of_them
def test_disposing_does_not_wait_for_the_observer(combine: Combine) -> None:
    streams = subjects()
    entered, go_on = threading.Event(), threading.Event()
    got: list[Any] = []

    def observe(value: Any) -> None:
        got.append(value)
        entered.set()
        assert go_on.wait(SOON)

    subscription = combine(streams).subscribe(observe)
    slow = threading.Thread(target=lambda: [each.on_next(1) for each in streams.values()] * 2)
    slow.start()
    assert entered.wait(SOON)
    subscription.dispose()
    assert not any(stream.observers for stream in streams.values())
    go_on.set()
    slow.join(SOON)
    assert len(got) == 1


def test_losers_are_left_before_the_observer_is_called_and_whatever_it_does() -> None:
    streams = subjects()
    there: list[bool] = []
    raced(streams).subscribe(lambda _: there.append(bool(streams["b"].observers)))
    streams["a"].on_next(1)
    assert there == [False]


@all_of_them
def test_the_scheduler_is_passed_down(combine: Combine) -> None:
    seen: list[Any] = []

    def subscribe(observer: Any, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        seen.append(scheduler)
        return Disposable()

    scheduler = TestScheduler()
    combine({"a": Observable(subscribe), "b": Observable(subscribe)}).subscribe(scheduler=scheduler)
    assert seen == [scheduler, scheduler]


@all_of_them
def test_each_stream_is_left_exactly_once(combine: Combine) -> None:
    left: list[str] = []

    def watched(name: str) -> Observable[Any]:
        return Observable(lambda *_: Disposable(lambda: left.append(name)))

    subscription = combine({"a": watched("a"), "b": watched("b")}).subscribe()
    assert left == []
    subscription.dispose()
    subscription.dispose()
    assert sorted(left) == ["a", "b"]


@all_of_them
def test_a_value_from_within_the_observer_takes_its_turn(combine: Combine) -> None:
    streams = subjects()
    depth = 0
    deepest = 0
    count = 0

    def observe(_: Any) -> None:
        nonlocal depth, deepest, count
        depth += 1
        deepest = max(deepest, depth)
        count += 1
        if count < 2000:
            for each in streams.values():
                each.on_next(count)
        depth -= 1

    combine(streams).subscribe(observe)
    for each in streams.values():
        each.on_next(0)
    assert deepest == 1
    assert count >= 2000


@all_of_them
def test_signals_never_overlap_whatever_the_threads(combine: Combine) -> None:
    streams = subjects()
    inside = threading.Lock()
    overlaps: list[Any] = []
    got: list[Any] = []
    ended = threading.Event()

    def observe(value: Any) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(value)
            return
        got.append(value)
        inside.release()

    combine(streams).subscribe(observe, on_completed=ended.set)
    together = threading.Barrier(2)

    def emit(name: str) -> None:
        together.wait(SOON)
        for n in range(500):
            streams[name].on_next((name, n))
        streams[name].on_completed()

    threads = [threading.Thread(target=emit, args=(name,)) for name in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert ended.wait(SOON)
    assert not overlaps
    if combine is raced:
        assert [n for _, n in got] == list(range(500))
        assert len({name for name, _ in got}) == 1
    if combine is fanin.merge:
        assert len(got) == 1000
    if combine is fanin.zip:
        assert [each["a"][1] for each in got] == [each["b"][1] for each in got] == list(range(500))


@pytest.mark.parametrize("attempt", range(30))
def test_one_wins_however_close_it_is(attempt: int) -> None:
    streams = [Subject[int]() for _ in range(4)]
    got: list[int] = []
    fanin.race(*streams).subscribe(got.append)
    together = threading.Barrier(len(streams))

    def emit(which: int) -> None:
        together.wait(SOON)
        for _ in range(3):
            streams[which].on_next(which)

    threads = [threading.Thread(target=emit, args=(n,)) for n in range(len(streams))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    (winner,) = set(got)
    assert got == [winner] * 3
    assert [bool(stream.observers) for stream in streams] == [n == winner for n in range(4)]


class Raw(Observable[Any]):
    """A stream that does not heed that it is disposed of, as one that is just about to emit."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Any = None

    def subscribe(self, *told: Any, **_: Any) -> abc.DisposableBase:
        self.told = told
        return Disposable()


@pytest.mark.parametrize("signal", [0, 1, 2])
def test_what_a_loser_was_about_to_say_is_dropped(signal: int) -> None:
    a, b = Raw(), Raw()
    got: list[Any] = []
    fanin.race(a, b).subscribe(got.append, got.append, lambda: got.append("done"))
    a.told[0](1)
    b.told[signal](*[ERROR][: signal < 2])
    a.told[0](2)
    assert got == [1, 2]


@all_of_them
def test_nothing_follows_a_disposal(combine: Combine) -> None:
    streams = {"a": Raw(), "b": Raw()}
    got: list[Any] = []
    combine(streams).subscribe(got.append, got.append, lambda: got.append("done")).dispose()
    for stream in streams.values():
        stream.told[0](1)
        stream.told[1](ERROR)
        stream.told[2]()
    assert got == []


@all_of_them
def test_a_stream_that_ends_all_while_others_begin_has_them_left(combine: Combine) -> None:
    """The first fails, or is told enough, while it is subscribed to."""
    begun: list[str] = []
    left: list[str] = []

    def later(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
        begun.append("b")
        return Disposable(lambda: left.append("b"))

    def at_once(observer: Any, scheduler: Any = None) -> abc.DisposableBase:
        observer.on_error(ERROR)
        return Disposable()

    errors: list[Any] = []
    combine({"a": Observable(at_once), "b": Observable(later)}).subscribe(
        on_error=errors.append
    ).dispose()
    assert left == begun
    assert len(errors) == (combine is not raced)


def test_what_is_no_stream_is_refused_with_a_hint() -> None:
    wrong: Any = {"a": 5}
    for combine in (fanin.merge, fanin.combine_latest, fanin.zip, fanin.gather):
        with pytest.raises(TypeError, match="not int: of a job take its `updates`"):
            combine(wrong)


@all_of_them
def test_a_subscription_that_is_interrupted_leaves_all(combine: Combine) -> None:
    def interrupted(*_: Any) -> abc.DisposableBase:
        raise KeyboardInterrupt

    begun: Subject[Any] = Subject()
    with pytest.raises(KeyboardInterrupt):
        combine({"a": begun, "b": Observable(interrupted)}).subscribe()
    assert begun.observers == []


@pytest.mark.parametrize("made", [fanin.merge, fanin.combine_latest, fanin.zip])
def test_streams_without_labels_are_refused(made: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r'by their labels, as \{"a": stream\}, not as a list'):
        made([reactivex.of(1)])
