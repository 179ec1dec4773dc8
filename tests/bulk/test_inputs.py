"""Where inputs come from: on which thread, how far ahead, and what becomes of them early."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any, Literal

import pytest
import reactivex
from reactivex import Observable, Subject
from reactivex import operators as ops

from rxgradio import DeliveryScheduler
from rxgradio.bulk import MapResult, mapped
from rxgradio.runtime.process import delivery
from tests.contract.app import SOON, Seen

ERROR = ValueError("no")

Call = Callable[[Any], Observable[Any]]


def squares(
    inputs: Any,
    *,
    k: int = 4,
    on_error: Literal["keep", "raise"] = "keep",
    call: Call = lambda n: reactivex.of(n * n),
) -> Observable[MapResult]:
    return mapped(
        inputs, call, max_concurrent=k, ordered=True, on_error=on_error, label="a map of squares"
    )


def values(stream: Observable[MapResult]) -> list[Any]:
    seen = Seen()
    stream.subscribe(seen)
    seen.wait()
    assert seen.error is None
    return [result.output for result in seen.values]


async def numbers(count: int) -> AsyncIterator[int]:
    for n in range(count):
        yield n


class Watched:
    """An iterator of numbers that writes down what is done to it."""

    def __init__(self, count: int = 10**9) -> None:
        self.pulled = 0
        self.closed = threading.Event()
        self.threads: set[threading.Thread] = set()
        self._count = count

    def __iter__(self) -> Watched:
        return self

    def __next__(self) -> int:
        self.threads.add(threading.current_thread())
        if self.pulled == self._count:
            raise StopIteration
        self.pulled += 1
        return self.pulled - 1

    def close(self) -> None:
        self.closed.set()


class WatchedAsync(Watched):
    """The same for `async for`."""

    def __init__(self, count: int = 10**9) -> None:
        super().__init__(count)
        self.loops: set[asyncio.AbstractEventLoop] = set()

    def __aiter__(self) -> WatchedAsync:
        return self

    async def __anext__(self) -> int:
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self.close()


# The sync face would be taken for one that may block.
WatchedAsync.__iter__ = None  # type: ignore[method-assign, assignment] # how Python says so

each_kind = pytest.mark.parametrize("kind", [Watched, WatchedAsync])


@pytest.mark.parametrize(
    "inputs",
    [
        lambda: list(range(50)),
        lambda: range(50),
        lambda: dict.fromkeys(range(50)),
        lambda: iter(range(50)),
        lambda: (n for n in range(50)),
        lambda: Watched(50),
        lambda: WatchedAsync(50),
        lambda: numbers(50),
        lambda: reactivex.range(0, 50),
        lambda: reactivex.timer(0.0, 0.001, scheduler=DeliveryScheduler()).pipe(ops.take(50)),
    ],
)
def test_all_kinds_of_inputs_give_all_results(inputs: Callable[[], Any]) -> None:
    assert values(squares(inputs())) == [n * n for n in range(50)]


@each_kind
def test_a_slow_observer_slows_the_pulling(kind: type[Watched]) -> None:
    inputs = kind()
    taken = threading.Semaphore(0)
    go_on = threading.Semaphore(0)

    def observe(_: MapResult) -> None:
        taken.release()
        assert go_on.acquire(timeout=SOON)

    subscription = squares(inputs, k=3).subscribe(observe)
    for n in range(20):
        assert taken.acquire(timeout=SOON)
        # The n + 1st result is not done with: as many have been asked for as have places.
        assert inputs.pulled <= n + 3
        go_on.release()
    subscription.dispose()
    go_on.release(3)
    assert inputs.closed.wait(SOON)
    assert inputs.pulled <= 20 + 3


@each_kind
def test_calls_that_do_not_end_stop_the_pulling(kind: type[Watched]) -> None:
    inputs = kind()
    begun = threading.Semaphore(0)
    calls: list[Subject[int]] = []

    def call(_: int) -> Observable[int]:
        calls.append(Subject())
        begun.release()
        return calls[-1]

    subscription = squares(inputs, k=3, call=call).subscribe()
    for _ in range(3):
        assert begun.acquire(timeout=SOON)
    assert not begun.acquire(timeout=0.05)
    calls[2].on_completed()  # its result waits for that of the first
    assert not begun.acquire(timeout=0.05)
    calls[0].on_completed()
    assert begun.acquire(timeout=SOON)
    assert not begun.acquire(timeout=0.05)
    assert inputs.pulled == 4
    subscription.dispose()
    assert inputs.closed.wait(SOON)
    assert not any(call.observers for call in calls)


@each_kind
def test_what_is_exhausted_is_not_closed(kind: type[Watched]) -> None:
    inputs = kind(10)
    values(squares(inputs))
    assert not inputs.closed.is_set()


@each_kind
def test_a_failure_closes_the_inputs(kind: type[Watched]) -> None:
    inputs = kind()
    fails = squares(inputs, k=2, on_error="raise", call=lambda _: reactivex.throw(ERROR))
    seen = Seen()
    fails.subscribe(seen)
    assert seen.wait().error is ERROR
    assert inputs.closed.wait(SOON)


@each_kind
def test_nothing_is_pulled_after_disposing(kind: type[Watched]) -> None:
    inputs = kind()
    squares(inputs).pipe(ops.take(5)).run()
    assert inputs.closed.wait(SOON)
    assert inputs.pulled <= 5 + 4


def test_an_iterator_is_pulled_on_one_thread_that_is_not_one_of_the_deliveries() -> None:
    inputs = Watched(100)
    values(squares(inputs))
    (thread,) = inputs.threads
    assert thread.name == "rxgradio-inputs"
    thread.join(SOON)
    assert not thread.is_alive()


def test_iterators_that_block_hold_up_nobody_else() -> None:
    blocked: list[queue.Queue[int]] = [queue.Queue() for _ in range(80)]
    seen = [Seen() for _ in blocked]
    for inputs, each in zip(blocked, seen, strict=True):
        squares(iter(inputs.get, -1)).subscribe(each)
    assert values(squares(range(20))) == [n * n for n in range(20)]
    done = threading.Event()
    delivery().start(done.set, "a test")
    assert done.wait(SOON)
    for inputs, each in zip(blocked, seen, strict=True):
        inputs.put(3)
        inputs.put(-1)
        assert [result.output for result in each.wait().values] == [9]


def test_disposing_does_not_wait_for_an_iterator_that_blocks() -> None:
    inputs: queue.Queue[int] = queue.Queue()
    closed, asked = threading.Event(), threading.Event()

    def blocking() -> Iterator[int]:
        try:
            asked.set()
            while True:
                yield inputs.get()
        finally:
            closed.set()

    seen = Seen()
    subscription = squares(blocking()).subscribe(seen)
    assert asked.wait(SOON)
    subscription.dispose()  # returns
    assert not closed.is_set()
    inputs.put(1)
    assert closed.wait(SOON)
    assert seen.values == []


def test_an_async_iterable_is_asked_on_the_loop_of_the_subscriber() -> None:
    inputs = WatchedAsync(20)

    async def main() -> asyncio.AbstractEventLoop:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        squares(inputs).subscribe(on_completed=lambda: loop.call_soon_threadsafe(done.set))
        await asyncio.wait_for(done.wait(), SOON)
        return loop

    loop = asyncio.run(main())
    assert inputs.loops == {loop}
    assert inputs.pulled == 20
    assert inputs.threads == {threading.main_thread()}


def test_disposing_on_a_loop_stops_what_an_async_iterable_waits_for() -> None:
    order: list[str] = []

    async def never() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            order.append("closed")

    async def main() -> None:
        taken = asyncio.Event()
        loop = asyncio.get_running_loop()
        subscription = squares(never()).subscribe(
            lambda _: loop.call_soon_threadsafe(taken.set) and None
        )
        await asyncio.wait_for(taken.wait(), SOON)
        subscription.dispose()
        while not order:  # noqa: ASYNC110 (a few turns of the loop)
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(main(), SOON))
    assert order == ["closed"]


def test_without_a_loop_an_async_iterable_has_one_of_its_own() -> None:
    inputs = WatchedAsync(20)
    values(squares(inputs))
    (thread,) = inputs.threads
    assert thread.name == "rxgradio-inputs"
    thread.join(SOON)
    assert not thread.is_alive()


def test_a_loop_that_ends_before_its_inputs_ends_the_stream() -> None:
    seen = Seen()

    async def never() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    async def main() -> None:
        squares(never()).subscribe(seen)
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert isinstance(seen.wait().error, CancelledError)


@pytest.mark.parametrize("error", [ERROR, KeyError("x"), SystemExit(3)])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_error_of_the_inputs_comes_behind_the_results(kind: str, error: BaseException) -> None:
    def fails() -> Iterator[int]:
        yield from range(3)
        raise error

    async def fails_async() -> AsyncIterator[int]:
        for n in range(3):
            yield n
        raise error

    seen = Seen()
    squares(fails() if kind == "sync" else fails_async()).subscribe(seen)
    assert seen.wait().error is error
    assert [result.output for result in seen.values] == [0, 1, 4]


def test_what_cannot_be_closed_is_logged() -> None:
    logged: queue.Queue[str] = queue.Queue()

    def bad() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            raise ERROR

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.put(record.getMessage())

    handler = Handler()
    logging.getLogger("rxgradio").addHandler(handler)
    try:
        squares(bad()).pipe(ops.take(1)).run()
        assert "could not be closed" in logged.get(timeout=SOON)
    finally:
        logging.getLogger("rxgradio").removeHandler(handler)


def test_inputs_are_pulled_in_the_context_of_the_subscriber() -> None:
    name = contextvars.ContextVar("name", default="nobody")
    found: list[str] = []

    def asks() -> Iterator[int]:
        found.append(name.get())
        yield 1

    async def asks_async() -> AsyncIterator[int]:
        found.append(name.get())
        yield 1

    name.set("somebody")
    values(squares(asks()))
    values(squares(asks_async()))
    assert found == ["somebody", "somebody"]


def test_a_stream_of_inputs_is_not_lost_whatever_the_threads() -> None:
    inputs: Subject[int] = Subject()
    seen = Seen()
    squares(inputs, k=3).subscribe(seen)
    threads = [
        threading.Thread(target=lambda first=n: [inputs.on_next(m) for m in range(first, 2000, 4)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    inputs.on_completed()
    found = [result.output for result in seen.wait().values]
    assert sorted(found) == sorted(n * n for n in range(2000))
    assert [result.index for result in seen.values] == list(range(2000))


def test_inputs_of_several_threads_are_taken_one_at_a_time() -> None:
    inputs: Subject[int] = Subject()
    begun: list[int] = []
    entered, go_on = threading.Event(), threading.Event()

    def call(n: int) -> Observable[int]:
        begun.append(n)
        entered.set()
        assert go_on.wait(SOON)
        return reactivex.of(n)

    seen = Seen()
    squares(inputs, call=call).subscribe(seen)
    first = threading.Thread(target=inputs.on_next, args=(1,))
    first.start()
    assert entered.wait(SOON)
    inputs.on_next(2)  # returns
    assert begun == [1]
    go_on.set()
    first.join(SOON)
    inputs.on_completed()
    assert [result.output for result in seen.wait().values] == [1, 2]


def test_an_observer_that_raises_has_cancelled() -> None:
    inputs = Watched()

    def raises(_: MapResult) -> None:
        raise ERROR

    squares(inputs).subscribe(raises)
    assert inputs.closed.wait(SOON)
    assert inputs.pulled <= 4


def test_nothing_is_held_of_what_has_been_taken() -> None:
    """Of many inputs, only those on their way are in memory."""

    class Picture:
        pass

    alive: weakref.WeakSet[Picture] = weakref.WeakSet()
    most = 0

    def pictures() -> Iterator[Picture]:
        for _ in range(2000):
            picture = Picture()
            alive.add(picture)
            yield picture

    def observe(_: MapResult) -> None:
        nonlocal most
        most = max(most, len(alive))

    done = threading.Event()
    squares(pictures(), call=reactivex.of).subscribe(observe, on_completed=done.set)
    assert done.wait(SOON)
    assert most <= 4 + 4  # those with a place, and what frames and the generator hold
