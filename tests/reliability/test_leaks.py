"""A stream that was composed, run and dropped leaves nothing, without the garbage collector."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import reactivex
from reactivex import Observable, Subject
from reactivex import operators as ops

from rxgradio import Client, Job, OutputUpdate, fanin
from rxgradio.bulk import mapped
from rxgradio.operators import (
    Bulkhead,
    CircuitBreaker,
    cached,
    concat_map,
    deadline,
    exhaust_map,
    keep_errors,
    outputs,
    rate_limit,
    result,
    retry,
    share_in_flight,
    snapshots,
    switch_map,
    text_deltas,
    timeout,
    timings,
)
from rxgradio.runtime.process import loop_thread
from tests.contract.app import SOON
from tests.contract.memory_app import MemoryApp

Stream = Observable[Any]


class Text(str):  # noqa: SLOT000 (it is to be referred to weakly)
    """A value that tells when it is gone."""


def many(stream: Stream) -> Stream:
    return mapped(
        stream, reactivex.just, max_concurrent=2, ordered=True, on_error="keep", label="a map"
    )


OPERATORS: dict[str, Callable[[Stream], Stream]] = {
    "outputs": outputs(),
    "result": result(),
    "text_deltas": text_deltas(),
    "snapshots": snapshots(),
    "timings": timings(),
    "keep_errors": keep_errors(),
    "switch_map": switch_map(reactivex.just),
    "exhaust_map": exhaust_map(reactivex.just),
    "concat_map": concat_map(reactivex.just),
    "retry": retry(1),
    "timeout": timeout(1000),
    "deadline": deadline(1000),
    "rate_limit": rate_limit(1e6, 1000),
    "bulkhead": Bulkhead(1000),
    "breaker": CircuitBreaker(1000),
    "share_in_flight": lambda stream: share_in_flight(lambda: stream)(),
    "cached": lambda stream: cached(lambda: stream)(),
    "map": many,
    "merge": lambda stream: fanin.merge({"a": stream, "b": stream}),
    "combine_latest": lambda stream: fanin.combine_latest({"a": stream, "b": stream}),
    "zip": lambda stream: fanin.zip({"a": stream, "b": stream}),
    "gather": lambda stream: fanin.gather([stream, stream]),
    "race": lambda stream: fanin.race(stream, stream),
    "fail_over": lambda stream: fanin.fail_over(stream, stream),
    "hedge": lambda stream: fanin.hedge(stream, after=1000),
    "nested": lambda stream: fanin.race(
        share_in_flight(lambda: fanin.hedge(stream, after=1000))().pipe(retry(2)),
        many(stream).pipe(timeout(1000)),
    ),
}


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def gone(refs: list[weakref.ref[Any]]) -> bool:
    """Wait until nothing is left: a thread may be about to let go of the last of it."""
    for _ in range(int(SOON / 0.01)):
        if not any(ref() is not None for ref in refs):
            return True
        threading.Event().wait(0.01)
    return False


def ended(source: Subject[Any]) -> None:
    source.on_completed()


def failed(source: Subject[Any]) -> None:
    source.on_error(ValueError("no"))


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("end", [ended, failed, None])
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_nothing_is_left(
    operator: Callable[[Stream], Stream], end: Callable[[Subject[Any]], None] | None
) -> None:
    def run() -> list[weakref.ref[Any]]:
        source: Subject[Any] = Subject()
        over = threading.Event()
        value = Text("a")
        subscription = source.pipe(operator).subscribe(
            lambda _: None, lambda _: over.set(), over.set
        )
        source.on_next(OutputUpdate(value))
        if end is None:
            subscription.dispose()
        else:
            end(source)
            assert over.wait(SOON)
        assert not source.observers
        return [weakref.ref(source), weakref.ref(value), weakref.ref(over)]

    refs = run()
    assert gone(refs), [ref() for ref in refs]


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_what_is_taken_of_it_leaves_nothing(operator: Callable[[Stream], Stream]) -> None:
    def run() -> list[weakref.ref[Any]]:
        source: Subject[Any] = Subject()
        over = threading.Event()
        source.pipe(operator, ops.take(1)).subscribe(lambda _: None, lambda _: None, over.set)
        value = Text("a")
        source.on_next(OutputUpdate(value, final=True))
        source.on_completed()
        assert over.wait(SOON)
        return [weakref.ref(source), weakref.ref(value), weakref.ref(over)]

    refs = run()
    assert gone(refs), [ref() for ref in refs]


def jobs() -> set[Job]:
    # One that has failed is known to its error, which tells its outputs: that is a cycle.
    return {each for each in gc.get_objects() if isinstance(each, Job)}


COMPOSED: dict[str, Callable[[Client], Stream]] = {
    "observe": lambda client: client.observe("a", api_name="/echo"),
    "map": lambda client: client.endpoint("/echo").map(list("abcd")),
    "latest": lambda client: reactivex.of("a", "b").pipe(client.endpoint("/echo").latest()),
    "concat": lambda client: reactivex.of("a", "b").pipe(client.endpoint("/echo").concat()),
    "race": lambda client: fanin.race(*[client.observe("a", api_name="/echo")] * 2),
    "hedge": lambda client: fanin.hedge(client.observe("a", api_name="/echo"), after=0),
    "gather": lambda client: fanin.gather([client.observe("a", api_name="/echo")] * 2),
    "share": lambda client: share_in_flight(client.endpoint("/echo").observe)("a"),
    "balance": lambda client: fanin.balance([client.endpoint("/echo")]).observe("a"),
    "retry": lambda client: client.observe("a", api_name="/echo").pipe(retry(2)),
    "timeout": lambda client: client.observe("x", api_name="/gated").pipe(
        timeout(0.05), snapshots()
    ),
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("compose", COMPOSED.values(), ids=COMPOSED)
def test_calls_leave_no_jobs(compose: Callable[[Client], Stream]) -> None:
    others = jobs()
    app = MemoryApp(outlives=True)
    with app.connect() as client:
        client.predict("a", api_name="/echo")
        with suppress(Exception):
            compose(client).run()
        app.open("x")
        for _ in range(int(SOON / 0.01)):
            if jobs() <= others:
                break
            threading.Event().wait(0.01)
        assert jobs() <= others
    app.close()


def test_timers_that_are_taken_back_do_not_pile_up() -> None:
    before = timers()
    for _ in range(2000):
        Subject[int]().pipe(timeout(1000), deadline(1000)).subscribe().dispose()
    # asyncio keeps what was cancelled until it is half of all there is, but a hundred.
    assert timers() < before + 500


def timers() -> int:
    """Return how many timers the scheduler thread has, once it has done what it was asked to."""
    thread = loop_thread()

    async def count() -> int:
        return len(thread.loop._scheduled)  # type: ignore[attr-defined] # of asyncio's own loops

    return thread.run(count()).result(SOON)
