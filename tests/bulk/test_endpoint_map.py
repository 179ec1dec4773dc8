"""Endpoint.map: real calls of an app in memory, their lanes, and their cancels."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from rxgradio import AppError, Client, ClientClosed, DeadlineExceeded
from rxgradio.bulk import MapResult, mapped
from rxgradio.testing import Endpoint as EndpointOf
from rxgradio.testing import Marbles, MemoryApp, VirtualTime
from tests.contract.app import SOON, STEPS, VERSIONS, Seen, until_closed
from tests.contract.memory_app import MemoryApp as App


def results(stream: Any) -> list[MapResult]:
    return list(stream.pipe(ops.to_list()).run())


def sessions(app: App) -> set[str]:
    return {body["session_hash"] for body in app.posted("/join")}


def test_each_input_is_the_one_argument(memory_client: Client, memory_app: App) -> None:
    echo = memory_client.endpoint("/echo")
    inputs: list[Any] = ["a", ("b", 1), {"c": 2}, None]
    found = results(echo.map(inputs))
    assert [each.output for each in found] == ["a", ["b", 1], {"c": 2}, None]
    assert [each.input for each in found] == inputs
    assert [each.index for each in found] == [0, 1, 2, 3]


def test_inputs_are_unpacked_if_wanted(memory_client: Client) -> None:
    add = memory_client.endpoint("/add")
    found = results(add.map([(1, 2), [3, 4], (5,), {"a": 1}, {"b": 2, "a": 1}], unpack=True))
    assert [each.output for each in found] == [3, 7, 15, 11, 3]


@pytest.mark.parametrize("unpack", [False, True])
def test_arguments_that_do_not_fit_are_the_error_of_that_input(
    memory_client: Client, unpack: bool
) -> None:
    add = memory_client.endpoint("/add")
    good: Any = (1, 2) if unpack else 1
    bad: list[Any] = [(1, 2, 3), {"c": 1}, 5] if unpack else [object(), float("nan")]
    found = results(add.map([good, *bad, good], unpack=unpack))
    assert [each.error is None for each in found] == [True, *[False] * len(bad), True]
    assert all(isinstance(each.error, TypeError) for each in found[1:-1])


def test_failures_are_kept(memory_client: Client) -> None:
    direct = memory_client.endpoint("/direct")
    found = results(direct.map(["a", "fail", "b"]))
    assert [each.output for each in found] == ["direct a", None, "direct b"]
    assert isinstance(found[1].error, AppError)


def test_observers_are_called_on_delivery_threads_one_at_a_time(memory_client: Client) -> None:
    seen = Seen()
    memory_client.endpoint("/echo").map(iter(range(100))).subscribe(seen)
    assert [each.output for each in seen.wait().values] == list(range(100))
    assert all(name.startswith("rxgradio-delivery") for name in seen.threads)


def test_no_more_calls_are_under_way_than_allowed(memory_client: Client, memory_app: App) -> None:
    gated = memory_client.endpoint("/gated")
    seen = Seen()
    gated.map((f"{n}" for n in range(12)), max_concurrent=3).subscribe(seen)
    for n in range(0, 12, 3):
        for m in range(n, n + 3):
            memory_app.await_ledger(f"{m}", "started")
        assert len(memory_app.posted("/join")) == n + 3
        for m in range(n, n + 3):
            memory_app.open(f"{m}")
    assert [each.index for each in seen.wait().values] == list(range(12))


def test_a_slow_observer_holds_up_the_calls(memory_client: Client, memory_app: App) -> None:
    first, go_on = threading.Event(), threading.Event()
    done = threading.Event()

    def observe(_: MapResult) -> None:
        first.set()
        assert go_on.wait(SOON)

    echo = memory_client.endpoint("/echo")
    echo.map(range(50), max_concurrent=4).subscribe(observe, on_completed=done.set)
    assert first.wait(SOON)
    memory_client.predict("other", api_name="/echo")
    assert len(memory_app.posted("/join")) <= 4 + 1
    go_on.set()
    assert done.wait(SOON)
    assert len(memory_app.posted("/join")) == 50 + 1


def test_disposing_cancels_on_the_server_and_pulls_no_more(
    memory_client: Client, memory_app: App
) -> None:
    pulled: list[int] = []
    closed = threading.Event()

    def inputs() -> Iterator[tuple[str, int]]:
        try:
            for n in range(100):
                pulled.append(n)
                yield (f"{n}", STEPS)
        finally:
            closed.set()

    words = memory_client.endpoint("/gated_words")
    seen = Seen()
    subscription = words.map(inputs(), max_concurrent=3, unpack=True).subscribe(seen)
    for n in range(3):
        memory_app.await_ledger(f"{n}", "started")
    subscription.dispose()
    subscription.dispose()
    assert closed.wait(SOON)
    for n in range(3):
        until_closed(memory_app, f"{n}")
    assert pulled == [0, 1, 2]
    assert len(memory_app.posted("/join")) == 3
    assert (seen.values, seen.completed, seen.error) == ([], False, None)


def test_the_first_failure_cancels_the_others_on_the_server(
    memory_client: Client, memory_app: App
) -> None:
    def inputs() -> Iterator[tuple[Any, ...]]:
        yield ("0", STEPS)
        yield ("1", STEPS)
        for tag in ("0", "1"):
            memory_app.await_ledger(tag, "started")
        yield ("2", 5, "too many")
        yield ("3", 5)

    words = memory_client.endpoint("/gated_words")
    seen = Seen()
    words.map(inputs(), max_concurrent=3, unpack=True, on_error="raise").subscribe(seen)
    assert isinstance(seen.wait().error, TypeError)
    for tag in ("0", "1"):
        until_closed(memory_app, tag)
    assert len(memory_app.posted("/join")) == 2
    assert memory_app.ledger("3") == []


def test_the_cancels_harm_no_call_of_others(memory_client: Client, memory_app: App) -> None:
    job = memory_client.submit("mine", 3, api_name="/gated_words")
    memory_app.await_ledger("mine", "started")
    words = memory_client.endpoint("/gated_words")
    inputs = [(f"{n}", STEPS) for n in range(4)]
    subscription = words.map(inputs, unpack=True).subscribe()
    for n in range(4):
        memory_app.await_ledger(f"{n}", "started")
    subscription.dispose()
    for n in range(4):
        until_closed(memory_app, f"{n}")
    memory_app.open("mine", 3)
    assert job.result(SOON) == "word 0 word 1 word 2"


def test_lanes_are_used_again(memory_client: Client, memory_app: App) -> None:
    found = results(memory_client.endpoint("/echo").map(range(400), max_concurrent=6))
    assert [each.output for each in found] == list(range(400))
    # One may be between its last message and being idle when the next call looks for one.
    assert len(sessions(memory_app)) <= 2 * 6


def test_a_deadline_is_that_of_each_call(memory_client: Client, memory_app: App) -> None:
    gated = memory_client.endpoint("/gated", deadline=1.0)
    for n in (0, 2):
        memory_app.open(f"{n}")
    found = results(gated.map(["0", "1", "2"]))
    assert [each.output for each in found] == ["0 went through", None, "2 went through"]
    assert isinstance(found[1].error, DeadlineExceeded)


def test_closing_the_client_ends_it(make_app: Any) -> None:
    app = make_app()
    client = app.connect()
    seen = Seen()

    def endless() -> Iterator[str]:
        n = 0
        while True:
            yield f"{n}"
            n += 1

    client.endpoint("/gated").map(endless(), max_concurrent=2).subscribe(seen)
    app.await_ledger("1", "started")
    client.close()
    assert isinstance(seen.wait().error, ClientClosed)
    assert all(isinstance(each.error, ClientClosed) for each in seen.values)
    assert [each.index for each in seen.values] == [0, 1]


def test_an_endpoint_with_state_is_called_in_its_session(
    memory_client: Client, memory_app: App
) -> None:
    results(memory_client.endpoint("/state").map(["a"] * 20))
    assert len(sessions(memory_app)) == 1


def test_streams_and_async_iterables_are_inputs_too(memory_client: Client) -> None:
    echo = memory_client.endpoint("/echo")
    assert [each.output for each in results(echo.map(reactivex.range(0, 30)))] == list(range(30))


def test_the_outputs_of_a_job_are_inputs(memory_client: Client) -> None:
    job = memory_client.submit(3, api_name="/count")
    found = results(memory_client.endpoint("/echo").map(job))
    assert [each.output for each in found] == ["word 0", "word 0 word 1", "word 0 word 1 word 2"]


def test_maps_feed_one_another(memory_client: Client) -> None:
    echo, add = memory_client.endpoint("/echo"), memory_client.endpoint("/add")
    first = echo.map(range(30), max_concurrent=3).pipe(ops.map(lambda result: result.output))
    assert [each.output for each in results(add.map(first))] == [n + 10 for n in range(30)]


def test_a_map_keeps_its_client(memory_app: App) -> None:
    found = results(memory_app.connect().endpoint("/echo").map(iter(range(30))))
    assert [each.output for each in found] == list(range(30))


# ---- in virtual time


@pytest.mark.parametrize("on_error", ["keep", "raise"])
def test_the_results_of_a_map_are_inputs_by_their_output(
    on_error: Literal["keep", "raise"],
) -> None:
    def half(n: int) -> int:
        if n % 2:
            raise AppError(f"{n} is odd")
        return n // 2

    with VirtualTime() as time:
        app = MemoryApp({"/half": half})
        endpoint = app.client().endpoint("/half")
        twice = endpoint.map(endpoint.map([4, 3, 6, 8]), on_error=on_error)
        if on_error == "raise":
            with pytest.raises(AppError, match="3 is odd") as caught:
                time.run(twice)
            assert "(input 1 of a map)" in caught.value.__notes__
            return
        told = [(each.input, each.output, str(each.error or "")) for each in twice]
        assert told == [
            (2, 1, ""),
            (None, None, "3 is odd"),
            (3, None, "3 is odd"),
            (4, 2, ""),
        ]
        assert [call.inputs for call in app.calls].count((3,)) == 2


def test_any_calls_can_be_mapped_with_policies_for_each() -> None:
    tries: Counter[str] = Counter()

    def moody(text: str) -> str:
        tries[text] += 1
        if tries[text] < 3:
            raise AppError("not now")
        return text.upper()

    with VirtualTime() as time:
        app = MemoryApp({"/moody": moody})
        endpoint = app.client().endpoint("/moody")

        def call(text: str) -> Observable[Any]:
            return endpoint.observe(text).retry(3).result()

        results = mapped((each for each in "abcdef"), call, max_concurrent=2)
        assert [each.output for each in results] == [*"ABCDEF"]
        assert time.run(mapped(["a", "b", "c"], call, max_concurrent=2).pipe(ops.count())) == 3
        assert len(app.calls) == 6 * 3 + 3


@pytest.mark.parametrize("version", [each for each in VERSIONS if each > "4.9"])
def test_the_calls_of_a_map_share_a_session(version: str) -> None:
    with VirtualTime():
        app = MemoryApp({"/slow": "-a|"}, version=version)
        endpoint = app.client().endpoint("/slow")
        assert len(list(endpoint.map([*"abcdefghij"], max_concurrent=3))) == 10
        assert len({call.session for call in app.calls}) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_of_a_map_that_is_late_harms_no_other(version: str) -> None:
    def told(n: int) -> AsyncIterator[str]:
        return Marbles("-a-b-|" if n != 2 else "-a-", timespan=1).play()

    async def slow(n: int) -> AsyncIterator[str]:
        async for each in told(n):
            yield f"{n}{each}"

    with VirtualTime() as time:
        app = MemoryApp({"/slow": slow}, version=version)
        endpoint = app.client(deadline=7.5).endpoint("/slow")
        results = list(endpoint.map(range(12), max_concurrent=3))
        late = results.pop(2)
        assert isinstance(late.error, DeadlineExceeded)
        assert [each.output for each in results] == [f"{n}b" for n in range(12) if n != 2]
        time.advance_by(20)
        ends = {call.inputs[0]: call.end for call in app.calls}
        assert ends.pop(2) == "cancelled"
        assert set(ends.values()) == {"finished"}


@pytest.mark.parametrize("version", VERSIONS)
def test_leaving_a_map_cancels_all_at_once(version: str) -> None:
    with VirtualTime() as time:
        one = EndpointOf(function=Marbles("-a-b-|", timespan=1), concurrency=2)
        app = MemoryApp({"/slow": one}, version=version)
        client = app.client()
        subscription = client.endpoint("/slow").map(range(50), max_concurrent=4).subscribe()
        time.advance_by(7)
        subscription.dispose()
        time.advance_by(60)
        assert {call.end for call in app.calls[:2]} == {"finished"}
        assert {call.end for call in app.calls[2:]} == {"cancelled"}
        assert len(app.calls) <= 7
