"""Concurrent calls of generators, in one session and apart, on every release."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

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


@pytest.mark.parametrize("version", ["4.44.1", "5.50.0", "6.31.0"])
def test_an_app_that_wants_to_know_hears_when_a_session_ends(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_UNLOAD="1")
    with Client(server.url) as client:
        visitor = Client(server.url)
        assert visitor.predict("hello", api_name="/echo") == "hello"
        assert entries(client, "/ledger") == []
        visitor.close()
        assert entries(client, "/await_ledger", "1 left", 10) == ["1 left"]
        session = client.session()
        assert session.predict("hello", api_name="/echo") == "hello"
        assert entries(client, "/ledger") == ["1 left"]
        session.reset_session()
        assert entries(client, "/await_ledger", "2 left", 10) == ["1 left", "2 left"]


def entries(client: Client, name: str, *more: object) -> list[str]:
    """Return when visitors left."""
    found: list[str] = json.loads(client.predict("visitors", *more, api_name=name))
    return found


def test_a_session_of_its_own_and_one_that_is_reset_have_state_of_their_own(
    client: Client,
) -> None:
    session = client.session()
    assert client.predict("a", api_name="/state") == 1
    assert session.predict("b", api_name="/state") == 1
    assert client.predict("c", api_name="/state") == 2
    client.reset_session()
    assert client.predict("d", api_name="/state") == 1
    assert session.predict("e", api_name="/state") == 2
