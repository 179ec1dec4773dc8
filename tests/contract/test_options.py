"""How a call is made: calls made again, and room in the queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from functools import partial

import pytest

from rxgradio import (
    CancelOutcome,
    Client,
    ConnectionLost,
    OutputUpdate,
    QueueFull,
    Retry,
    Status,
    StatusUpdate,
)
from rxgradio.options import CallOptions
from tests.contract.app import SOON, VERSIONS, reached
from tests.contract.memory_app import MemoryApp
from tests.live.servers.values import growing

AT_ONCE = Retry(attempts=2, initial=0)


def begun(app: MemoryApp, times: int) -> bool:
    return app.ledger("x").count("started") == times


def test_a_call_that_is_lost_again_and_again_is_given_up(memory_app: MemoryApp) -> None:
    with memory_app.connect() as client:
        job = client.endpoint("/gated_words", resubmit=AT_ONCE).submit("x", 3)
        for attempt in (1, 2):
            memory_app.until(partial(begun, memory_app, attempt))
            memory_app.cut()
        with pytest.raises(ConnectionLost):
            job.result(SOON)
        assert job.status().attempt == 2
        assert memory_app.ledger("x").count("started") == 2


def test_only_losses_that_are_chosen_are_made_again(memory_app: MemoryApp) -> None:
    asked: list[Exception] = []

    def never(error: Exception) -> bool:
        asked.append(error)
        return False

    with memory_app.connect() as client:
        options = {"resubmit": replace(AT_ONCE, only=never)}
        job = client.endpoint("/gated_words", **options).submit("x", 3)
        memory_app.await_ledger("x", "started")
        memory_app.cut()
        with pytest.raises(ConnectionLost):
            job.result(SOON)
        assert [type(error) for error in asked] == [ConnectionLost]
        failing = client.endpoint("/crash", **options).submit()
        assert failing.exception(SOON) is not None
        assert len(asked) == 1


@pytest.mark.parametrize("ending", ["cancel", "deadline", "close"])
def test_a_call_between_two_attempts_can_be_ended(memory_app: MemoryApp, ending: str) -> None:
    client = memory_app.connect()
    later = Retry(attempts=2, initial=1e9, longest=1e9, budget=1e10)
    deadline = 0.5 if ending == "deadline" else None
    endpoint = client.endpoint("/gated_words", deadline=deadline, resubmit=later)
    job = endpoint.submit("x", 3)
    again = threading.Event()
    job.updates.subscribe(
        lambda update: again.set() if getattr(update, "attempt", 1) == 2 else None, lambda _: None
    )
    memory_app.await_ledger("x", "started")
    memory_app.cut()
    assert again.wait(SOON)
    if ending == "cancel":
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.UNKNOWN  # of what was lost
    elif ending == "close":
        client.close()
    assert wait([job], SOON).not_done == set()
    assert memory_app.ledger("x").count("started") == 1
    client.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_room_in_a_full_queue_is_waited_for(
    make_app: Callable[..., MemoryApp], version: str
) -> None:
    app = make_app(version, max_size=0)
    with app.connect() as client:
        job = client.endpoint("/echo", wait_for_room=True).submit("x")
        reached(job, Status.QUEUE_FULL)
        assert not job.done()
        app.server._queue._max_size = None
        assert job.result(SOON) == "x"
        codes = [each.code for each in updates_of(job) if isinstance(each, StatusUpdate)]
        assert Status.QUEUE_FULL in codes
        assert codes.count(Status.FINISHED) == 1
        assert app.calls == [("x",)]


def test_a_full_queue_is_an_error_by_default(make_app: Callable[..., MemoryApp]) -> None:
    with make_app(max_size=0).connect() as client, pytest.raises(QueueFull):
        client.predict("x", api_name="/echo")


def updates_of(job: object) -> list[object]:
    async def main() -> list[object]:
        return [update async for update in job]  # type: ignore[attr-defined]

    return asyncio.run(main())


def test_a_job_keeps_as_much_for_late_readers_as_is_wanted(memory_app: MemoryApp) -> None:
    with memory_app.connect() as client:
        job = client.endpoint("/gated_words", replay=10).submit("x", 1000)
        memory_app.open("x", 1000)
        last = job.result(SOON)
        late = [each.outputs for each in updates_of(job) if isinstance(each, OutputUpdate)]
        assert late[-1] == last == [*growing("word", 1000)][-1]
        assert len(late) < 200
        # Those that are left are right, although they are edits of what is forgotten.
        assert all(last.startswith(each) for each in late)
        assert job.outputs()[-1] == last
        assert len(job.outputs()) <= 10


# The values


def test_options_are_those_of_the_client_unless_an_endpoint_says_otherwise(
    memory_client: Client,
) -> None:
    endpoint = memory_client.endpoint("/echo", deadline=5)
    assert endpoint.options == CallOptions(deadline=5)
    assert endpoint.with_options(retry=None).options == CallOptions(deadline=5, retry=None)
    assert memory_client.endpoint("/echo").options == CallOptions()


def test_header_fields_of_an_endpoint_are_no_longer_shown(memory_client: Client) -> None:
    endpoint = memory_client.endpoint("/echo", headers={"x-a": "s3cret"})
    endpoint = endpoint.with_options(headers={"x-b": "t0ken"})
    assert endpoint.options.headers == {"x-a": "s3cret", "x-b": "t0ken"}
    assert "s3cret" not in repr((endpoint, endpoint.options))
    with pytest.raises(ValueError, match="not printable"):
        endpoint.with_options(headers={"x": "a\r\nb"})


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"deadline": 0}, ValueError),
        ({"deadline": float("nan")}, ValueError),
        ({"retry": 3}, TypeError),
        ({"replay": 0}, ValueError),
        ({"resubmit": True}, TypeError),
        ({"dead_line": 3}, TypeError),
    ],
)
def test_wrong_options_are_refused(
    memory_client: Client, options: dict[str, object], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        memory_client.endpoint("/echo", **options)  # type: ignore[arg-type]
