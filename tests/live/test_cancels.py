"""Cancelling on real servers: what it reaches, what it tells, and whom it must not harm."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from rxgradio import Client
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
    victims = random.Random(tag).sample(range(20), 10)
    ticks = [2000 if n in victims else 40 for n in range(20)]
    jobs = [client.submit(f"{tag}-{n}", ticks[n], 0.05, api_name="/forever") for n in range(20)]
    for n in range(20):
        server.await_ledger(f"{tag}-{n}", "tick 0")
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
