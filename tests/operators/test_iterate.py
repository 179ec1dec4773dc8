"""Loops over streams: what they yield, how they end, and what leaving them does."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxgradio import Client, ConsumerTooSlow, DeliveryScheduler
from rxgradio.operators import iterate, to_async_iterable
from tests.contract.app import until_closed
from tests.contract.memory_app import MemoryApp

SOON = 10.0

Loop = Callable[..., list[Any]]


def sync_loop(source: Observable[Any], **how: Any) -> list[Any]:
    """Return what a loop yields, with the error that it raised, if any."""
    got: list[Any] = []
    try:
        for value in source.pipe(iterate(**how)):
            got.append(value)  # noqa: PERF402 (what came before an error counts)
    except ValueError as error:
        got.append(error)
    return got


def async_loop(source: Observable[Any], **how: Any) -> list[Any]:
    async def main() -> list[Any]:
        got: list[Any] = []
        try:
            async for value in source.pipe(to_async_iterable(**how)):
                got.append(value)  # noqa: PERF401 (as above)
        except ValueError as error:
            got.append(error)
        return got

    return asyncio.run(main())


loops = pytest.mark.parametrize("loop", [sync_loop, async_loop])


@loops
def test_it_yields_all_and_ends(loop: Loop) -> None:
    assert loop(reactivex.range(0, 1000)) == list(range(1000))
    assert loop(reactivex.empty()) == []


@loops
def test_it_waits_for_what_comes_from_other_threads(loop: Loop) -> None:
    late = reactivex.timer(0.01, 0.001, scheduler=DeliveryScheduler()).pipe(ops.take(20))
    assert loop(late) == list(range(20))


@loops
def test_it_raises_the_error_of_the_stream_after_its_values(loop: Loop) -> None:
    error = ValueError("no")
    source = reactivex.concat(reactivex.of(1, 2), reactivex.throw(error))
    assert loop(source) == [1, 2, error]


@loops
def test_each_loop_subscribes_anew(loop: Loop) -> None:
    subscribed: list[int] = []
    source = reactivex.defer(lambda _: reactivex.of(subscribed.append(1)))
    iteration = source.pipe(iterate())
    assert subscribed == []
    assert list(iteration) == [None]
    assert list(iteration) == [None]
    assert len(subscribed) == 2
    loop(source)
    assert len(subscribed) == 3


@loops
def test_of_what_waits_it_yields_what_is_wanted(loop: Loop) -> None:
    source = reactivex.range(0, 100)
    assert loop(source, on_slow="latest") == [99]
    assert loop(source, on_slow="drop_oldest", most=3) == [97, 98, 99]
    with pytest.raises(ConsumerTooSlow):
        loop(source, on_slow="error", most=99)
    assert loop(source, on_slow="error", most=100) == list(range(100))


def watched(left: threading.Event) -> Observable[int]:
    """Return an endless stream that tells when nobody is subscribed any more."""

    def subscribe(
        observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        observer.on_next(1)
        observer.on_next(2)
        return Disposable(left.set)

    return Observable(subscribe)


def test_leaving_a_loop_disposes() -> None:
    left = threading.Event()
    for value in watched(left).pipe(iterate()):
        assert value == 1
        break
    assert left.wait(SOON)


def test_letting_go_of_an_iterator_disposes() -> None:
    left = threading.Event()
    values = iter(watched(left).pipe(iterate()))
    assert next(values) == 1
    assert not left.is_set()
    del values
    gc.collect()
    assert left.wait(SOON)


def test_cancelling_a_task_that_loops_disposes() -> None:
    left = threading.Event()

    async def main() -> None:
        got: list[int] = []
        two = asyncio.Event()

        async def loop() -> None:
            async for value in watched(left).pipe(to_async_iterable()):
                got.append(value)
                if value == 2:
                    two.set()

        task = asyncio.create_task(loop())
        await asyncio.wait_for(two.wait(), SOON)
        assert not left.is_set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert got == [1, 2]

    asyncio.run(main())
    assert left.wait(SOON)


def test_values_that_were_taken_are_let_go_of() -> None:
    class Value:
        pass

    kept: list[weakref.ref[Value]] = []

    def subscribe(
        observer: abc.ObserverBase[Value], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        for _ in range(1000):
            value = Value()
            kept.append(weakref.ref(value))
            observer.on_next(value)
        return Disposable()

    values = iter(Observable(subscribe).pipe(iterate()))
    for _ in range(900):
        next(values)
    gc.collect()
    assert sum(ref() is not None for ref in kept) <= 100 + 128  # what waits, and two chunks


@pytest.fixture
def app() -> Iterator[MemoryApp]:
    app = MemoryApp(outlives=True)
    yield app
    app.close()


def test_leaving_a_loop_over_a_cold_call_cancels_it_on_the_server(app: MemoryApp) -> None:
    with app.connect() as client:
        assert isinstance(client, Client)
        updates = client.observe("x", 1000, api_name="/gated_words")
        for update in updates.pipe(iterate()):
            if update.type == "output":
                break
            if update.code.value == "PROCESSING":
                app.open("x")
        until_closed(app, "x")


@pytest.mark.parametrize("make", [iterate, to_async_iterable])
def test_what_there_is_not_is_refused_at_once(make: Any) -> None:
    with pytest.raises(ValueError, match="on_slow='last'"):
        make(on_slow="last")
    with pytest.raises(ValueError, match="most=0"):
        make(on_slow="drop_oldest", most=0)
