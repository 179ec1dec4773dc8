"""Concurrent calls of generators, in one session and apart, on every release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rxgradio import CancelOutcome, Client
from tests.live.servers.run import Server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


GROWN = [" ".join(f"word {n}" for n in range(k + 1)) for k in range(4)]


def test_concurrent_calls_of_a_generator_are_kept_apart(client: Client) -> None:
    jobs = [client.submit(4, api_name="/count") for _ in range(12)]
    for job in jobs:
        assert job.result(30) == GROWN[-1]
        assert job.outputs() == GROWN


def test_concurrent_calls_of_a_generator_with_state_are_kept_apart(client: Client) -> None:
    jobs = [client.submit(4, api_name="/words_and_state") for _ in range(4)]
    for job in jobs:
        job.result(30)
        numbers, words = zip(*(text.split(": ") for text in job.outputs()), strict=True)
        assert list(words) == GROWN
        assert len(numbers) == 4


def test_a_generator_with_state_can_be_called_again_after_a_cancel(client: Client) -> None:
    for _ in range(3):
        job = client.submit(5000, api_name="/words_and_state")
        next(iter(job))
        job.cancel()
        assert job.cancel_outcome.result(10) is CancelOutcome.GENERATOR_CLOSED
        job = client.submit(4, api_name="/words_and_state")
        job.result(30)
        assert [text.split(": ")[1] for text in job.outputs()] == GROWN
