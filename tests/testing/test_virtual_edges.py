"""Virtual time where it is entered again, misused, interrupted, left half-way, or dropped."""

from __future__ import annotations

import asyncio
import gc
import threading
import time as real
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import AppError, Client, DeliveryScheduler
from rxgradio.testing import Marbles, MemoryApp, VirtualTime


@pytest.fixture
def time() -> Iterator[VirtualTime]:
    before = threading.active_count()
    with VirtualTime() as time:
        yield time
    assert threading.active_count() <= before, "virtual time needs no thread"


@pytest.fixture
def client(time: VirtualTime) -> Client:
    assert time.seconds == 0
    return MemoryApp({"/quick": "-a|", "/slow": "-----b|", "/never": "-c-"}).client()


# ---- the loop


def test_timers_that_do_the_same_are_two(time: VirtualTime) -> None:
    heard: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def note() -> None:
            heard.append(loop.time())

        for when in (5, 5, 7, 7):
            last = loop.call_at(when, note)
        last.cancel()
        await asyncio.sleep(10)

    time.run(main())
    assert heard == [5, 5, 7]


def test_a_generator_that_was_left_is_closed_as_on_any_loop(time: VirtualTime) -> None:
    closed: list[float] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(3)
            closed.append(time.seconds)

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(10)

    time.run(main())
    assert closed == [3]


def test_one_that_is_held_is_closed_when_time_ends() -> None:
    closed: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(1)
            closed.append("closed")

    held = numbers()

    async def main() -> int:
        return await anext(held)

    with VirtualTime() as time:
        assert time.run(main()) == 1
    assert closed == ["closed"]


def test_what_runs_on_a_thread_elsewhere_may_wait(time: VirtualTime, client: Client) -> None:
    async def main() -> Any:
        with pytest.raises(RuntimeError, match="no running event loop"):
            await asyncio.to_thread(asyncio.get_running_loop)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.to_thread(next, iter(()))
        return await asyncio.to_thread(client.predict, api_name="/slow")

    assert time.run(main()) == "b"
    assert time.seconds == pytest.approx(0.6)


def test_an_endpoint_may_call_another_app(time: VirtualTime, client: Client) -> None:
    def loud() -> str:
        return f"{client.predict(api_name='/slow')}!"

    assert MemoryApp({"/loud": loud}).client().predict(api_name="/loud") == "b!"
    assert time.seconds == pytest.approx(0.6)


def test_a_function_that_nobody_waits_for_any_more_is_not_begun(time: VirtualTime) -> None:
    begun: list[str] = []

    async def main() -> None:
        waiting = asyncio.ensure_future(asyncio.to_thread(begun.append, "begun"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(1)

    time.run(main())
    assert begun == []


# ---- waits in waits


def test_time_does_not_go_back_to_where_an_outer_wait_gave_up(
    time: VirtualTime, client: Client
) -> None:
    job = client.submit(api_name="/quick")
    job.add_done_callback(lambda _: client.predict(api_name="/slow"))
    with pytest.raises(TimeoutError):
        client.submit(api_name="/never").result(timeout=0.3)
    assert time.seconds == pytest.approx(0.8)
    job = client.submit(api_name="/quick")
    job.add_done_callback(lambda _: client.predict(api_name="/slow"))
    time.advance_by(0.3)
    assert time.seconds == pytest.approx(1.6)


def test_a_coroutine_lets_no_time_go_on_but_by_awaiting(time: VirtualTime) -> None:
    ways: list[Any] = [
        lambda: time.advance_by(5),
        lambda: time.advance_to(5),
        time.start,
        lambda: time.run(asyncio.sleep(1)),
    ]

    async def main() -> None:
        for way in ways:
            with pytest.raises(RuntimeError, match="in a coroutine that runs in it"):
                way()
        await asyncio.sleep(2)

    time.run(main())
    assert time.seconds == 2


def test_an_action_that_raises_is_heard_and_time_goes_on_after_it(time: VirtualTime) -> None:
    done: list[float] = []
    time.schedule_relative(5.0, lambda *_: 1 / 0)
    time.schedule_relative(6.0, lambda *_: done.append(time.seconds))
    with pytest.raises(ZeroDivisionError):
        time.advance_by(10)
    assert time.seconds == 5
    time.advance_by(10)
    assert (done, time.seconds) == ([6], 15)


# ---- who has no part in it


def test_it_has_one_context(time: VirtualTime) -> None:
    with pytest.raises(RuntimeError, match="make another one"), time:
        pass
    with VirtualTime() as inner:
        assert MemoryApp({"/quick": "-a|"}).client().predict(api_name="/quick") == "a"
        assert inner.seconds == pytest.approx(0.2)
    assert time.seconds == 0
    assert MemoryApp({"/quick": "-a|"}).client().predict(api_name="/quick") == "a"
    assert time.seconds == pytest.approx(0.2)


def test_another_thread_is_refused_and_does_not_hang(client: Client) -> None:
    told: list[str] = []

    def call() -> None:
        try:
            client.predict(api_name="/quick")
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    assert told == ["virtual time is that of one thread, and other threads have no part in it"]


@pytest.mark.parametrize("way", ["await", "async for"])
def test_another_loop_is_refused_and_does_not_hang(client: Client, way: str) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            job = client.submit(api_name="/quick")
            if way == "await":
                await job
            else:
                async for _ in job:
                    pass

    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(main())


def test_connecting_on_another_loop_is_refused_and_does_not_hang(time: VirtualTime) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await Client.connect("http://memory.test")

    with MemoryApp({"/quick": "-a|"}), pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(main())
    with MemoryApp({"/quick": "-a|"}):
        assert time.run(connected()) == "a"


async def connected() -> Any:
    async with Client.connect("http://memory.test") as client:
        return await client.submit(api_name="/quick")


def test_what_has_ended_can_be_awaited_anywhere(client: Client) -> None:
    job = client.submit(api_name="/quick")
    assert job.result() == "a"

    async def main() -> tuple[Any, int]:
        return await job, len([update async for update in job])

    result, updates = asyncio.run(main())
    assert result == "a"
    assert updates > 1


def test_an_app_may_be_closed_after_its_time() -> None:
    with VirtualTime():
        app = MemoryApp({"/quick": "-a|"})
        assert app.client().predict(api_name="/quick") == "a"
    app.close()
    assert [call.end for call in app.calls] == ["finished"]


def test_a_scheduler_that_was_made_before_keeps_virtual_time() -> None:
    scheduler = DeliveryScheduler()
    heard: list[tuple[float, str]] = []

    def note(*_: Any) -> None:
        heard.append((time.seconds, threading.current_thread().name))

    here = threading.current_thread().name
    with VirtualTime() as time:
        scheduler.schedule(note)
        scheduler.schedule_relative(5, note)
        time.advance_by(10)
    assert heard == [(0, here), (5, here)]
    ran = threading.Event()
    scheduler.schedule(lambda *_: ran.set())
    assert ran.wait(20)


# ---- inputs that wait


@pytest.mark.parametrize("disposed", [None, 1.0])
def test_inputs_that_wait_for_calls_are_asked_one_at_a_time(
    time: VirtualTime, client: Client, disposed: float | None
) -> None:
    heard: list[Any] = []

    def inputs() -> Iterator[str]:
        try:
            for _ in range(4):
                yield client.predict(api_name="/slow")  # the calls of the map end meanwhile
        finally:
            heard.append("closed")

    upper = MemoryApp({"/upper": str.upper}).client().endpoint("/upper")
    subscription = upper.map(inputs(), max_concurrent=2).subscribe(
        lambda result: heard.append(result.output), heard.append, lambda: heard.append("end")
    )
    if disposed is not None:
        time.schedule_absolute(disposed, lambda *_: subscription.dispose())
    time.advance_by(20)
    if disposed is None:
        assert heard == ["B", "B", "B", "closed", "B", "end"]
    else:
        assert heard == ["B", "closed"]


# ---- always the same course


@pytest.mark.parametrize("version", ["3.50.2", "4.8.0", "6.31.0"])
@pytest.mark.parametrize("ended_by", ["cut", "close", "time"])
def test_what_ends_many_calls_ends_them_in_order(version: str, ended_by: str) -> None:
    many = range(40)
    ended: list[int] = []
    with VirtualTime() as time:
        app = MemoryApp({"/never": "-a-"}, version=version)
        clients = [app.client() for _ in many]
        for number, client in enumerate(clients):
            job = client.submit("x", api_name="/never")
            job.add_done_callback(lambda _, number=number: ended.append(number))  # type: ignore[misc]  # mypy infers none of a lambda with a default
        time.advance_by(1)
        if ended_by == "cut":
            app.cut()
            time.advance_by(1)
        elif ended_by == "close":
            app.close()
    assert ended == list(many)


# ---- interrupts


@pytest.mark.parametrize("where", ["function", "coroutine function", "observer", "coroutine"])
def test_an_interrupt_reaches_the_test_once(time: VirtualTime, client: Client, where: str) -> None:
    def bad(*_: Any) -> Any:
        raise KeyboardInterrupt

    async def also_bad() -> Any:
        raise KeyboardInterrupt

    def without_inputs() -> Any:
        bad()

    own = MemoryApp({"/sync": without_inputs, "/async": also_bad}).client()
    observed = client.observe(api_name="/quick").pipe(ops.do_action(bad))
    ways: dict[str, Callable[[], Any]] = {
        "function": lambda: own.predict(api_name="/sync"),
        "coroutine function": lambda: own.predict(api_name="/async"),
        "observer": lambda: time.run(observed),
        "coroutine": lambda: time.run(also_bad()),
    }
    with pytest.raises(KeyboardInterrupt):
        ways[where]()
    assert client.predict(api_name="/quick") == "a"
    time.advance_by(10)


# ---- marbles


class OddError(AppError):
    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(f"{code}: {hint}")


def test_the_error_of_marbles_is_told_whole_however_it_is_made(time: VirtualTime) -> None:
    told = AppError("no", title="Refused", duration=3)
    app = MemoryApp(
        {"/odd": Marbles("-#", error=OddError(5, hint="six")), "/told": Marbles("-#", error=told)}
    )
    client = app.client()
    for _ in range(2):
        assert str(client.submit(api_name="/odd").exception()) == "5: six"
        error = client.submit(api_name="/told").exception()
        assert isinstance(error, AppError)
        assert (error.message, error.title, error.duration) == ("no", "Refused", 3)
    assert told.__traceback__ is None, "or it would hold on to all that ran"
    assert time.seconds == pytest.approx(0.4)


# ---- what is dropped


def _dropped() -> tuple[weakref.ref[Any], ...]:
    app = MemoryApp({"/upper": str.upper})
    client = app.client()
    assert client.predict("a", api_name="/upper") == "A"
    return weakref.ref(app), weakref.ref(client)


def test_an_app_and_its_clients_that_are_dropped_are_freed_in_virtual_time() -> None:
    with VirtualTime():
        refs = _dropped()
        gc.collect()
        assert [ref() for ref in refs] == [None, None]


def test_an_app_and_its_clients_that_are_dropped_are_freed() -> None:
    refs = _dropped()
    end = real.monotonic() + 20
    while any(ref() is not None for ref in refs) and real.monotonic() < end:
        gc.collect()
        real.sleep(0.01)  # what the scheduler thread still has in hand
    assert [ref() for ref in refs] == [None, None]


def test_a_virtual_time_that_has_ended_is_freed() -> None:
    def course() -> weakref.ref[VirtualTime]:
        with VirtualTime() as time:
            _dropped()
        return weakref.ref(time)

    ref = course()
    gc.collect()
    assert ref() is None
