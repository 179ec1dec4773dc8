"""Streams of what async iterables yield: on which loop, how they end, and how they are left."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import closing
from typing import Any

import pytest
import reactivex
from reactivex import abc
from reactivex import operators as ops

from rxgradio.operators import from_async_iterable, to_async_iterable
from tests.contract.app import SOON, Seen

ERROR = ValueError("no")


async def numbers(count: int = 5) -> AsyncIterator[int]:
    for n in range(count):
        await asyncio.sleep(0)
        yield n


class Endless:
    """Numbers without end, that tell whether they are asked for, and closed, and where."""

    def __init__(self) -> None:
        self.pulled = 0
        self.closed = threading.Event()
        self.places: set[tuple[threading.Thread, asyncio.AbstractEventLoop]] = set()

    async def __aiter__(self) -> AsyncGenerator[int, None]:
        self._here()
        try:
            while True:
                self.pulled += 1
                yield self.pulled - 1
        finally:
            self._here()
            await asyncio.sleep(0)  # it may take its time
            self.closed.set()

    def _here(self) -> None:
        self.places.add((threading.current_thread(), asyncio.get_running_loop()))


async def waiting(left: threading.Event) -> AsyncIterator[int]:
    """Yield 1, and wait for ever."""
    try:
        yield 1
        await asyncio.Event().wait()
    finally:
        left.set()


class Heard:
    """An observer for a loop: keeps what it gets and where, and can be awaited."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.error: Exception | None = None
        self.completed = False
        self.places: set[tuple[threading.Thread, asyncio.AbstractEventLoop | None]] = set()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def on_next(self, value: Any) -> None:
        self.places.add((threading.current_thread(), asyncio.get_running_loop()))
        self.values.append(value)
        self._loop.call_soon_threadsafe(self._changed.set)

    def on_error(self, error: Exception) -> None:
        self.error = error
        self._loop.call_soon_threadsafe(self._changed.set)

    def on_completed(self) -> None:
        self.completed = True
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, there: Callable[[], object]) -> None:
        async with asyncio.timeout(SOON):
            while not there():
                self._changed.clear()
                await self._changed.wait()

    async def end(self) -> Heard:
        await self.until(lambda: self.completed or self.error)
        return self


def here() -> tuple[threading.Thread, asyncio.AbstractEventLoop]:
    return threading.current_thread(), asyncio.get_running_loop()


def run(main: Awaitable[Any]) -> Any:
    """Run in asyncio's debug mode, which finds calls from wrong threads."""

    async def limited() -> Any:
        return await asyncio.wait_for(main, SOON)

    return asyncio.run(limited(), debug=True)


async def closed(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, SOON)


# ---- what it emits


def test_it_emits_all_and_completes() -> None:
    async def main() -> None:
        heard = Heard()
        from_async_iterable(numbers()).subscribe(heard)
        assert heard.values == []  # never within `subscribe`
        await heard.end()
        assert heard.values == [0, 1, 2, 3, 4]
        assert heard.completed

    run(main())


def test_of_an_iterator_a_second_subscription_gets_the_rest() -> None:
    async def main() -> tuple[list[int], list[int]]:
        stream = from_async_iterable(numbers())
        first: list[int] = await stream.pipe(ops.take(2), ops.to_list())
        return first, await stream.pipe(ops.to_list())

    first, rest = run(main())
    # It was closed when the first one left; an async generator then is at its end.
    assert (first, rest) == ([0, 1], [])


def test_of_a_function_each_subscription_has_an_iterator_of_its_own() -> None:
    async def main() -> list[Any]:
        stream = from_async_iterable(numbers)
        lists = [stream.pipe(ops.to_list()) for _ in range(3)]
        return [await reactivex.zip(*lists), await lists[0]]

    everything = [0, 1, 2, 3, 4]
    assert run(main()) == [(everything,) * 3, everything]


def test_nothing_is_begun_without_a_subscriber() -> None:
    begun: list[int] = []

    def make() -> AsyncIterator[int]:
        begun.append(1)
        return numbers()

    async def main() -> None:
        stream = from_async_iterable(make)
        await asyncio.sleep(0)
        assert begun == []
        await stream
        assert begun == [1]

    run(main())


def test_an_error_comes_behind_the_items() -> None:
    async def fails() -> AsyncIterator[int]:
        yield 1
        raise ERROR

    async def main() -> None:
        heard = await subscribed(from_async_iterable(fails))
        assert heard.values == [1]
        assert heard.error is ERROR
        assert not heard.completed

    run(main())


async def subscribed(stream: Any) -> Heard:
    heard = Heard()
    stream.subscribe(heard)
    return await heard.end()


def test_an_error_of_the_function_is_an_error_of_the_stream() -> None:
    def fails() -> AsyncIterator[int]:
        raise ERROR

    assert run(subscribed_in(lambda: from_async_iterable(fails))).error is ERROR
    no_iterable: Any = lambda: 3  # noqa: E731
    assert isinstance(run(subscribed_in(lambda: from_async_iterable(no_iterable))).error, TypeError)


async def subscribed_in(make: Callable[[], Any]) -> Heard:
    return await subscribed(make())


def test_what_is_no_async_iterable_is_refused_at_once() -> None:
    wrong: Any = [1, 2]
    with pytest.raises(TypeError, match="not list"):
        from_async_iterable(wrong)


def test_there_and_back() -> None:
    async def main() -> list[int]:
        return [n async for n in from_async_iterable(numbers(500)).pipe(to_async_iterable())]

    assert run(main()) == list(range(500))


# ---- where


def test_it_runs_on_the_loop_of_the_subscriber_and_nowhere_else() -> None:
    source = Endless()

    async def main() -> None:
        heard = Heard()
        with from_async_iterable(source).subscribe(heard):
            await heard.until(lambda: len(heard.values) == 3)
        await closed(source.closed)
        assert source.places == heard.places == {here()}

    run(main())


def test_subscribed_to_elsewhere_it_runs_on_the_loop_where_it_was_made() -> None:
    source = Endless()

    async def main() -> None:
        heard = Heard()
        stream = from_async_iterable(source)
        subscription = await asyncio.to_thread(stream.subscribe, heard)
        await heard.until(lambda: len(heard.values) == 3)
        await asyncio.to_thread(subscription.dispose)
        await closed(source.closed)
        assert source.places == heard.places == {here()}

    run(main())


def test_the_loop_of_the_subscriber_comes_first() -> None:
    source = Endless()

    async def make() -> Any:
        return from_async_iterable(source)

    async def use(stream: Any) -> None:
        heard = Heard()
        with stream.subscribe(heard):
            await heard.until(lambda: len(heard.values) == 3)
        await closed(source.closed)
        assert source.places == heard.places == {here()}

    run(use(run(make())))


@pytest.mark.parametrize("made", ["nowhere", "on one that has ended", "on one that stands still"])
def test_without_a_loop_it_has_one_of_its_own(made: str) -> None:
    source = Endless()

    async def make() -> Any:
        return from_async_iterable(source)

    with closing(asyncio.new_event_loop()) as still:
        match made:
            case "nowhere":
                stream = from_async_iterable(source)
            case "on one that has ended":
                stream = run(make())
            case _:
                stream = still.run_until_complete(make())
        _runs_apart(stream, source)


def _runs_apart(stream: Any, source: Endless) -> None:
    seen = Seen()
    stream.pipe(ops.take(3)).subscribe(seen)
    assert seen.wait().values == [0, 1, 2]
    assert source.closed.wait(SOON)
    ((thread, _),) = source.places
    assert thread.name == "rxgradio-inputs"
    thread.join(SOON)
    assert not thread.is_alive()


def test_it_runs_in_the_context_of_the_subscriber() -> None:
    name = contextvars.ContextVar("name", default="nobody")
    found: list[str] = []

    async def asks() -> AsyncIterator[int]:
        found.append(name.get())
        yield 1

    async def main() -> None:
        stream = from_async_iterable(asks).pipe(ops.do_action(lambda _: found.append(name.get())))
        name.set("somebody")
        await subscribed(stream)
        name.set("else")
        await asyncio.to_thread(stream.run)

    run(main())
    assert found == ["somebody", "somebody", "else", "else"]

    def apart() -> None:
        name.set("third")
        from_async_iterable(asks).run()

    contextvars.copy_context().run(apart)
    assert found[4:] == ["third"]


# ---- how it is left


@pytest.mark.parametrize("thread", ["of the loop", "another"])
def test_disposing_ends_what_it_waits_for_and_closes_it(thread: str) -> None:
    async def main() -> Heard:
        left, heard = threading.Event(), Heard()
        subscription = from_async_iterable(waiting(left)).subscribe(heard)
        await heard.until(lambda: heard.values)
        assert not left.is_set()
        if thread == "another":
            await asyncio.to_thread(subscription.dispose)
        else:
            subscription.dispose()
            subscription.dispose()
        await closed(left)
        return heard

    heard = run(main())
    assert (heard.values, heard.completed, heard.error) == ([1], False, None)


def test_nothing_is_asked_for_after_disposing_in_a_callback() -> None:
    source = Endless()

    async def main() -> list[int]:
        found: list[int] = await from_async_iterable(source).pipe(ops.take(3), ops.to_list())
        await closed(source.closed)
        return found

    assert run(main()) == [0, 1, 2]
    assert source.pulled == 3


def test_disposing_at_once_begins_nothing() -> None:
    source = Endless()

    async def main() -> None:
        from_async_iterable(source).subscribe(Heard()).dispose()
        for _ in range(5):
            await asyncio.sleep(0)

    run(main())
    assert source.pulled == 0


def test_others_have_their_turn_though_it_never_waits() -> None:
    source = Endless()

    async def main() -> None:
        heard = Heard()
        subscription = from_async_iterable(source).subscribe(heard)
        for turn in range(20):
            assert len(heard.values) <= turn
            await asyncio.sleep(0)
        subscription.dispose()
        await closed(source.closed)

    run(main())


def test_an_observer_that_raises_has_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    source = Endless()
    got: list[int] = []

    def observe(n: int) -> None:
        got.append(n)
        raise ERROR

    async def main() -> None:
        from_async_iterable(source).subscribe(observe)
        await closed(source.closed)

    run(main())
    assert got == [0]
    assert ["raised, and is not called" in each.message for each in caplog.records] == [True]


@pytest.mark.parametrize("raised", [None, ERROR])
def test_an_error_that_nobody_handles_is_logged(
    caplog: pytest.LogCaptureFixture, raised: Exception | None
) -> None:
    """Nor does asyncio complain of a task."""

    async def fails() -> AsyncIterator[int]:
        await asyncio.sleep(0)
        if raised is not None:
            raise raised
        yield 1

    def complain() -> None:
        raise ERROR

    async def main() -> None:
        from_async_iterable(fails).subscribe(on_completed=complain)
        await asyncio.sleep(0.01)

    run(main())
    gc.collect()
    (record,) = caplog.records
    assert record.name == "rxgradio"
    assert ("has no on_error" in record.message) == (raised is not None)
    assert record.levelno == (logging.ERROR if raised is None else logging.WARNING)


def test_a_loop_that_ends_first_ends_the_stream_and_closes_the_iterator() -> None:
    seen, left = Seen(), threading.Event()

    async def main() -> None:
        from_async_iterable(waiting(left)).subscribe(seen)
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert left.is_set()
    assert isinstance(seen.wait().error, CancelledError)
    assert seen.values == [1]


def test_a_loop_that_is_closed_under_it_ends_the_stream() -> None:
    seen, left = Seen(), threading.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        from_async_iterable(waiting(left)).subscribe(seen)
        await asyncio.sleep(0.01)

    loop.set_exception_handler(lambda *_: None)  # it says that a task was pending
    loop.run_until_complete(main())
    loop.close()
    gc.collect()
    assert isinstance(seen.wait().error, CancelledError)


def test_what_has_ended_holds_nothing() -> None:
    class Item:
        pass

    kept: list[weakref.ref[Any]] = []

    async def items() -> AsyncIterator[Item]:
        for _ in range(3):
            item = Item()
            kept.append(weakref.ref(item))
            yield item
            del item
            assert kept[-1]() is None  # before there is a next one

    class Observer(abc.ObserverBase[Any]):
        def on_next(self, value: Any) -> None: ...
        def on_error(self, error: Exception) -> None: ...
        def on_completed(self) -> None: ...

    async def main() -> None:
        observer = Observer()
        kept.append(weakref.ref(observer))
        from_async_iterable(items).subscribe(observer)
        del observer
        for _ in range(20):
            await asyncio.sleep(0)
        assert [ref() for ref in kept] == [None] * 4

    gc.collect()
    gc.disable()
    try:
        run(main())
    finally:
        gc.enable()
