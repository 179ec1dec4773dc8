"""Cancelling on real servers: what it reaches, what it tells, and whom it must not harm."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from rxgradio import CancelOutcome, Client, Status
from tests.live.servers.run import Server

SOON = 30.0


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


def test_half_of_twenty_running_jobs_are_cancelled_and_the_others_complete(
    client: Client, server: Server, tag: str
) -> None:
    jobs = [client.submit(f"{tag}-{n}", 40, 0.05, api_name="/forever") for n in range(20)]
    for n in range(20):
        server.await_ledger(f"{tag}-{n}", "tick 0")
    victims = random.Random(tag).sample(range(20), 10)
    for n in victims:
        assert jobs[n].cancel()
    for n in range(20):
        if n in victims:
            with pytest.raises(CancelledError):
                jobs[n].result(SOON)
        else:
            assert jobs[n].result(SOON) == "tick 39"
            assert jobs[n].outputs() == [f"tick {i}" for i in range(40)]
    assert client.predict(1, 2, api_name="/add") == 3


def test_a_running_generator_is_closed_on_the_server(
    client: Client, server: Server, tag: str
) -> None:
    job = client.submit(tag, 1000, 0.05, api_name="/forever")
    server.await_ledger(tag, "tick 1")
    assert job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
    if server.version != "4.44.1":  # there it is only never asked again
        server.await_ledger(tag, "closed")
    assert "finished" not in server.ledger(tag)
    assert client.predict(1, 2, api_name="/add") == 3


def test_a_plain_function_cannot_be_stopped_and_that_is_told(
    client: Client, server: Server, tag: str
) -> None:
    job = client.submit(tag, 1.0, api_name="/sleep")
    server.await_ledger(tag, "started")
    assert job.cancel()
    assert job.cancelled()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.STILL_RUNNING
    server.await_ledger(tag, "finished")


def test_a_call_that_waits_is_removed_or_runs_unheard_and_that_is_told(
    client: Client, server: Server, tag: str
) -> None:
    first = client.submit(f"{tag}-1", 0.6, api_name="/single")
    server.await_ledger(f"{tag}-1", "started")
    queued = threading.Event()
    with Client(server.url) as other:  # in a session of its own, it has no sibling
        second = other.submit(f"{tag}-2", 0.1, api_name="/single")
        second.updates.subscribe(
            lambda u: u.type == "status" and u.code is Status.IN_QUEUE and queued.set() and None,
            lambda _: None,
        )
        assert queued.wait(SOON)
        assert second.cancel()
        outcome = second.cancel_outcome.result(SOON)
        assert first.result(SOON) == f"slept {tag}-1"
        if server.version == "6.31.0":
            assert outcome is CancelOutcome.REMOVED
            assert other.predict(f"{tag}-3", 0.0, api_name="/single") == f"slept {tag}-3"
            assert server.ledger(f"{tag}-2") == []
        else:
            assert outcome is CancelOutcome.STILL_RUNNING
            server.await_ledger(f"{tag}-2", "finished")
        # Its late completion must not disturb the calls that follow.
        assert [other.predict(n, 1, api_name="/add") for n in range(5)] == [1, 2, 3, 4, 5]


def test_disposing_of_a_cold_stream_cancels_it_and_no_other(
    client: Client, server: Server, tag: str
) -> None:
    seen: dict[int, list[Any]] = {n: [] for n in range(6)}
    done = threading.Semaphore(0)
    subscriptions = [
        client.observe(f"{tag}-{n}", 40, 0.05, api_name="/forever").subscribe(
            seen[n].append, on_completed=done.release
        )
        for n in range(6)
    ]
    for n in range(6):
        server.await_ledger(f"{tag}-{n}", "tick 0")
    for n in (0, 2, 4):
        subscriptions[n].dispose()
    for _ in range(3):
        assert done.acquire(timeout=SOON)
    for n in (1, 3, 5):
        assert server.ledger(f"{tag}-{n}")[-1] == "finished"
        assert seen[n][-1].success is True
    for n in (0, 2, 4):
        assert "finished" not in server.ledger(f"{tag}-{n}")


def test_cancelling_and_calling_again_at_once_goes_on_for_ever(
    client: Client, server: Server, tag: str
) -> None:
    """Type-ahead: each call supersedes the one before."""
    jobs = []
    for n in range(25):
        jobs.append(client.submit(f"{tag}-{n}", 5, 0.02, api_name="/forever"))
        if n:
            jobs[n - 1].cancel()
    assert jobs[-1].result(SOON) == "tick 4"
    for job in jobs[:-1]:
        assert job.done()
        assert job.cancel_outcome.result(SOON)
