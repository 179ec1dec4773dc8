"""The operators are methods of streams of updates, and give such streams where they can."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import reactivex
from reactivex import operators as ops
from reactivex.testing import ReactiveTest

from rxgradio import AppError, Client, DeadlineExceeded, Retry, Status
from rxgradio.fluent import Updates
from rxgradio.testing import MemoryApp, VirtualTime

on_next = ReactiveTest.on_next
on_completed = ReactiveTest.on_completed


@pytest.fixture
def time() -> Iterator[VirtualTime]:
    with VirtualTime() as time:
        yield time


@pytest.fixture
def app() -> MemoryApp:
    tries = iter(range(100))

    def moody() -> str:
        if next(tries) < 2:
            raise AppError("not now")
        return "well"

    return MemoryApp({"/write": "-a-b-|", "/silent": "-a-", "/moody": moody})


@pytest.fixture
def client(time: VirtualTime, app: MemoryApp) -> Client:
    return app.client()


def test_a_chain_of_methods(time: VirtualTime, app: MemoryApp, client: Client) -> None:
    stream = client.observe(api_name="/moody").timeout(5).retry(3).deadline(60)
    assert isinstance(stream, Updates)
    assert time.run(stream.outputs()) == "well"
    assert [call.end for call in app.calls] == ["failed", "failed", "finished"]
    assert time.seconds > 0


@pytest.mark.parametrize("seconds", [3, 3.0, timedelta(seconds=3)])
def test_a_timeout_is_ours(
    time: VirtualTime, app: MemoryApp, client: Client, seconds: float | timedelta
) -> None:
    with pytest.raises(DeadlineExceeded):
        time.run(client.observe(api_name="/silent").timeout(seconds))
    assert [(call.end, call.ended) for call in app.calls] == [("cancelled", 3.1)]


def test_a_timeout_may_be_another_for_the_first(time: VirtualTime, client: Client) -> None:
    begun = client.observe(api_name="/silent").timeout(3, first=0.5)
    with pytest.raises(DeadlineExceeded):
        time.run(begun)
    assert time.seconds == 3.1  # the first update is a status


def test_a_timeout_with_another_stream_is_that_of_reactivex(
    time: VirtualTime, client: Client
) -> None:
    instead = client.observe(api_name="/write")
    stream = client.observe(api_name="/silent").timeout(3, instead, time)
    assert isinstance(stream, Updates)
    assert time.run(stream.outputs().pipe(ops.to_list())) == ["a", "a", "b"]


def test_a_deadline_and_kept_errors(time: VirtualTime, client: Client) -> None:
    stream = client.observe(api_name="/write").deadline(0.2).keep_errors()
    last = time.run(stream.statuses())
    assert last.code is Status.FINISHED
    assert isinstance(last.error, DeadlineExceeded)
    assert time.seconds == 0.2


def test_a_retry_takes_a_policy(time: VirtualTime, app: MemoryApp, client: Client) -> None:
    stream = client.observe(api_name="/moody").retry(Retry(attempts=2))
    with pytest.raises(AppError):
        time.run(stream)
    assert len(app.calls) == 2
    with pytest.raises(AppError):
        time.run(client.observe(api_name="/silent").pipe(ops.flat_map(_fail)))
    never = client.observe(api_name="/moody").retry(5, when=lambda _: False)
    assert time.run(never.outputs()) == "well"


def test_a_retry_without_a_number_is_that_of_reactivex(time: VirtualTime, client: Client) -> None:
    stream = client.observe(api_name="/moody").retry()
    assert isinstance(stream, Updates)
    assert time.run(stream.outputs()) == "well"
    assert time.seconds == 0


def test_a_loop(time: VirtualTime, client: Client) -> None:
    heard = [each.type for each in client.observe(api_name="/write").iterate()]
    assert heard.count("output") == 3
    assert time.seconds == pytest.approx(0.5)


def test_a_stream_that_may_miss_updates_is_still_known_as_such(
    time: VirtualTime, client: Client
) -> None:
    job = client.submit(api_name="/write")
    job.result()
    stream = job.updates_with(on_slow="latest").timeout(5).keep_errors()
    assert time.run(stream.outputs().pipe(ops.to_list())) == ["b"]


def _fail(_: object) -> reactivex.Observable[None]:
    return reactivex.throw(AppError("no"))


def test_streams_can_be_looped_over(time: VirtualTime, app: MemoryApp, client: Client) -> None:
    stream = client.observe(api_name="/write")
    assert list(stream.outputs()) == ["a", "b"]
    assert [each.type for each in stream] == [each.type for each in stream.iterate()]
    assert [each.text for each in stream.text_deltas()] == ["a", "b"]
    for output in client.observe(api_name="/silent").outputs():
        assert output == "a"
        break
    time.advance_by(0)
    assert app.calls[-1].end == "cancelled"

    async def main() -> list[str]:
        return [output async for output in stream.outputs()]

    assert time.run(main()) == ["a", "b"]
    with pytest.raises(AppError):
        list(client.observe(api_name="/moody").result())
