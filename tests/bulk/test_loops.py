"""Loops over many calls, and calls with the results of others: nothing runs ahead."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import pytest
import reactivex
from reactivex import Observable, Subject, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxgradio import Client, ConsumerTooSlow
from rxgradio.bulk import MapResults
from rxgradio.operators import from_async_iterable, iterate, to_async_iterable
from rxgradio.runtime.log import End
from tests.bulk.test_inputs import ERROR, Watched, WatchedAsync, numbers, squares
from tests.contract.app import SOON, Seen, until_closed
from tests.contract.memory_app import MemoryApp

Loop = Callable[..., list[Any]]
"""Loops over what it is given, does something in each turn, and returns the outputs."""

nothing: Callable[[int], object] = lambda _: None  # noqa: E731


class Item(NamedTuple):
    output: int


def by_for(results: Any, body: Callable[[int], object] = nothing) -> list[Any]:
    got: list[Any] = []
    for result in results:
        got.append(getattr(result, "output", result))
        if body(len(got)):
            break
    return got


def by_async_for(results: Any, body: Callable[[int], object] = nothing) -> list[Any]:
    async def main() -> list[Any]:
        got: list[Any] = []
        async for result in results:
            got.append(getattr(result, "output", result))
            # The loop goes on meanwhile, so that what could come does.
            if await asyncio.to_thread(body, len(got)):
                break
        return got

    return asyncio.run(main(), debug=True)


loops = pytest.mark.parametrize("loop", [by_for, by_async_for])
ways = pytest.mark.parametrize(
    "way",
    [lambda results: results, lambda r: r.pipe(iterate()), lambda r: r.pipe(to_async_iterable())],
    ids=["itself", "iterate", "to_async_iterable"],
)


class Calls:
    """Calls that end when they begin, unless they wait; it counts those that it was asked for."""

    def __init__(self) -> None:
        self.begun = 0
        self.left = threading.Event()

    def call(self, n: int) -> Observable[int]:
        self.begun += 1
        return reactivex.of(n * n)

    def endless(self, n: int) -> Observable[int]:
        def subscribe(
            observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            self.begun += 1
            if n < 3:
                observer.on_next(n)
                observer.on_completed()
                return Disposable()
            return Disposable(self.left.set)

        return Observable(subscribe)


@loops
@ways
@pytest.mark.parametrize(
    "inputs",
    [
        lambda: range(50),
        lambda: iter(range(50)),
        lambda: numbers(50),
        lambda: reactivex.range(0, 50),
    ],
    ids=["collection", "iterator", "async", "observable"],
)
def test_a_loop_yields_all(loop: Loop, way: Any, inputs: Callable[[], Any]) -> None:
    assert loop(way(squares(inputs()))) == [n * n for n in range(50)]


@loops
@ways
@pytest.mark.parametrize("kind", [Watched, WatchedAsync])
def test_inputs_are_pulled_no_faster_than_the_loop_goes(
    loop: Loop, way: Any, kind: type[Watched]
) -> None:
    inputs, calls = kind(), Calls()

    def body(taken: int) -> bool:
        threading.Event().wait(0.001)  # for what is too eager to show itself
        assert inputs.pulled < taken + 4
        assert calls.begun < taken + 4
        return taken == 100

    assert loop(way(squares(inputs, k=4, call=calls.call)), body) == [n * n for n in range(100)]
    assert inputs.closed.wait(SOON)
    assert inputs.pulled < 100 + 4


@loops
def test_what_a_slow_loop_has_not_taken_is_not_there(loop: Loop) -> None:
    class Picture:
        pass

    alive: weakref.WeakSet[Picture] = weakref.WeakSet()

    def pictures() -> Iterator[Picture]:
        for _ in range(300):
            picture = Picture()
            alive.add(picture)
            yield picture
            del picture

    most = 0

    def body(_: int) -> None:
        nonlocal most
        most = max(most, len(alive))

    def call(picture: Picture) -> Observable[int]:
        return reactivex.of(1)

    assert loop(squares(pictures(), k=4, call=call), body) == [1] * 300
    assert most <= 4 + 2  # and what the loop and the generator have in hand


@loops
def test_where_it_is_wanted_the_stream_goes_at_its_own_pace(loop: Loop) -> None:
    assert loop(squares(range(50)).pipe(iterate(on_slow="latest")))[-1] == 49 * 49
    done = threading.Event()
    eager = squares(range(50)).pipe(ops.do_action(on_completed=done.set))
    with pytest.raises(ConsumerTooSlow):
        loop(eager.pipe(iterate(on_slow="error", most=10)), lambda _: done.wait(SOON) and None)


@loops
@ways
def test_the_errors_of_a_map_are_raised(loop: Loop, way: Any) -> None:
    def call(n: int) -> Observable[int]:
        return reactivex.throw(ERROR) if n == 3 else reactivex.of(n)

    got: list[int] = []
    with pytest.raises(ValueError, match="no"):
        loop(way(squares(range(10), on_error="raise", call=call)), got.append)
    assert len(got) <= 3


@loops
@ways
def test_leaving_a_loop_ends_the_calls(loop: Loop, way: Any) -> None:
    calls = Calls()
    results = way(squares(range(10**9), call=calls.endless))
    assert loop(results, lambda taken: taken == 2) == [0, 1]
    assert calls.left.wait(SOON)


def test_letting_go_of_an_iterator_ends_the_calls() -> None:
    calls = Calls()
    results = iter(squares(range(10**9), call=calls.endless))
    assert next(results).output == 0
    for _ in range(2):
        next(results)
    assert not calls.left.is_set()
    del results
    gc.collect()
    assert calls.left.wait(SOON)


@loops
def test_each_loop_begins_anew(loop: Loop) -> None:
    results = squares([1, 2])
    assert isinstance(results, MapResults)
    assert loop(results) == loop(results) == [1, 4]


def test_cancelling_a_task_that_loops_ends_the_calls() -> None:
    calls = Calls()

    async def main() -> None:
        async def loop() -> None:
            async for _ in squares(range(10**9), call=calls.endless):
                waits.set()

        waits = asyncio.Event()
        task = asyncio.create_task(loop())
        await asyncio.wait_for(waits.wait(), SOON)
        assert not calls.left.is_set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main(), debug=True)
    assert calls.left.wait(SOON)


@pytest.mark.parametrize(
    "made", [lambda: squares(numbers(20)), lambda: from_async_iterable(numbers(20))]
)
def test_a_loop_that_blocks_an_event_loop_does_not_wait_for_it(
    made: Callable[[], Any],
) -> None:
    """As in a cell of a notebook."""

    async def cell() -> int:
        return len(list(made().pipe(iterate())))

    assert asyncio.run(cell()) == 20


# ---- what is made of an async iterable


@loops
@pytest.mark.parametrize("how", [iterate, to_async_iterable])
def test_an_async_iterable_is_pulled_no_faster_than_the_loop_goes(loop: Loop, how: Any) -> None:
    inputs = WatchedAsync()

    def body(taken: int) -> bool:
        threading.Event().wait(0.001)  # for what is too eager to show itself
        assert inputs.pulled == taken
        return taken == 50

    items = from_async_iterable(inputs)
    assert len(loop(items.pipe(how()), body)) == 50
    assert inputs.closed.wait(SOON)
    assert inputs.pulled == 50


@loops
@pytest.mark.parametrize("how", [iterate, to_async_iterable])
def test_it_yields_all_of_an_async_iterable(loop: Loop, how: Any) -> None:
    async def fails() -> AsyncIterator[Item]:
        yield Item(1)
        raise ERROR

    async def items() -> AsyncIterator[Item]:
        for n in range(50):
            yield Item(n)

    assert loop(from_async_iterable(items).pipe(how())) == [*range(50)]
    got: list[int] = []
    with pytest.raises(ValueError, match="no"):
        loop(from_async_iterable(fails).pipe(how()), got.append)
    assert got == [1]


def test_a_map_of_one_pulls_no_faster_than_its_calls_end() -> None:
    inputs = WatchedAsync()
    for taken, _ in enumerate(squares(from_async_iterable(inputs), k=3), 1):
        assert inputs.pulled < taken + 3
        if taken == 50:
            break
    assert inputs.closed.wait(SOON)
    assert inputs.pulled < 50 + 3


# ---- a map of a map


@pytest.mark.parametrize("count", [0, 1, 200])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_map_of_a_map_gives_all(count: int, ordered: bool) -> None:
    def call(number: int) -> Observable[int]:
        return reactivex.of(number + 1)

    chained = squares(squares(range(count)), call=call)
    assert by_for(chained) == [n * n + 1 for n in range(count)]
    assert chained.pipe(ops.map(lambda result: result.output), ops.to_list()).run() == [
        n * n + 1 for n in range(count)
    ]


def test_a_map_of_a_map_pulls_no_faster_than_its_calls_end() -> None:
    inputs, begun = Watched(), threading.Semaphore(0)
    calls: list[Subject[int]] = []

    def call(_: Any) -> Observable[int]:
        calls.append(Subject())
        begun.release()
        return calls[-1]

    subscription = squares(squares(inputs, k=3), k=2, call=call).subscribe()
    assert begun.acquire(timeout=SOON)
    for turn in range(20):
        assert begun.acquire(timeout=SOON)
        assert len(calls) == turn + 2
        assert inputs.pulled <= turn + 2 + 3
        calls[turn].on_next(1)
        calls[turn].on_completed()
    subscription.dispose()
    assert inputs.closed.wait(SOON)
    assert inputs.pulled <= 20 + 2 + 3


class Hasty(Observable[int]):
    """Can be asked, and has the next number just when somebody begins to wait for it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = list(range(count))
        self._there: list[int] = []
        self.left = threading.Event()

    def pull(self) -> tuple[Hasty, Callable[[], object]]:
        return self, self.left.set

    def take(self) -> list[int]:
        taken, self._there = self._there, []
        return taken

    @property
    def end(self) -> End | None:
        return None if self._left or self._there else End()

    def park(self, waker: Callable[[], object]) -> bool:
        self._there.append(self._left.pop(0))
        waker()
        return True

    def unpark(self) -> None: ...


def test_what_comes_just_when_a_map_begins_to_wait_is_not_lost() -> None:
    seen = Seen()
    squares(Hasty(20)).subscribe(seen)
    assert [result.output for result in seen.wait().values] == [n * n for n in range(20)]


def test_an_error_of_the_first_map_is_one_of_the_second() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ERROR

    got: list[int] = []
    with pytest.raises(ValueError, match="no"):
        by_for(squares(squares(fails()), call=lambda result: reactivex.of(1)), got.append)
    assert got == [1]


# ---- on an app


@pytest.fixture
def app() -> Iterator[MemoryApp]:
    app = MemoryApp(outlives=True)
    yield app
    app.close()


@loops
def test_an_app_has_no_more_calls_than_there_are_places_in_the_loop(
    app: MemoryApp, loop: Loop
) -> None:
    with app.connect() as client:
        assert isinstance(client, Client)

        def body(taken: int) -> None:
            assert len(app.calls) < taken + 3

        results = client.endpoint("/echo").map((str(n) for n in range(60)), max_concurrent=3)
        assert loop(results, body) == [str(n) for n in range(60)]
        assert len(app.calls) == 60


@loops
def test_leaving_a_loop_cancels_on_the_server(app: MemoryApp, loop: Loop) -> None:
    async def words() -> AsyncIterator[tuple[str, int]]:
        yield "a", 1
        yield "b", 1000
        yield "c", 1000

    with app.connect() as client:
        app.open("a")
        results = client.endpoint("/gated_words").map(words(), max_concurrent=2, unpack=True)

        def body(_: int) -> bool:
            app.await_ledger("b", "started")
            return True

        assert loop(results, body) == ["word 0"]
        until_closed(app, "b")
