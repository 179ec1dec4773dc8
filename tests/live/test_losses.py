"""Servers that go away, fill up, or want a login: real ones, on real sockets."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from rxgradio import AuthenticationError, Client, ConnectionLost, QueueFull, Status
from tests.live.servers.run import Server

SOON = 30.0
VERSIONS = ["4.44.1", "5.50.0", "6.31.0"]

Fresh = Callable[..., Server]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_that_dies_fails_its_jobs_and_may_come_back(
    fresh_server: Fresh, version: str
) -> None:
    server = fresh_server(version)
    tag = uuid.uuid4().hex
    with Client(server.url) as client:
        jobs = [client.submit(f"{tag}-{n}", 100, 0.05, api_name="/forever") for n in range(3)]
        for n in range(3):
            server.await_ledger(f"{tag}-{n}", "tick 0")
        server.kill()
        for job in jobs:
            with pytest.raises(ConnectionLost):
                job.result(SOON)
            assert not job.cancelled()
            assert job.status().code is Status.FINISHED
            assert job.status().success is False
        with pytest.raises(ConnectionLost, match="is the app running there") as caught:
            client.predict("x", api_name="/echo")
        assert not caught.value.sent
        server.start()
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_queue_is_told_as_such(fresh_server: Fresh, version: str) -> None:
    server = fresh_server(version, APP_MAX_SIZE="1")
    tag = uuid.uuid4().hex
    with Client(server.url) as client:
        running = client.submit(f"{tag}-1", 1.0, api_name="/single")
        server.await_ledger(f"{tag}-1", "started")
        waiting = client.submit(f"{tag}-2", 0.0, api_name="/single")
        refused = [client.submit(f"{tag}-{n}", 0.0, api_name="/single") for n in range(3, 6)]
        for job in refused:
            error = job.exception(SOON)
            if error is None:  # one of them may have come before `waiting`
                continue
            assert isinstance(error, QueueFull), error
            assert "Queue is full" in str(error)
        assert sum(job.exception() is not None for job in [waiting, *refused]) == 3
        assert running.result(SOON) == f"slept {tag}-1"


def test_an_app_with_a_login_says_so(fresh_server: Fresh) -> None:
    server = fresh_server("6.31.0", APP_AUTH="user:password")
    with pytest.raises(AuthenticationError, match="login"):
        Client(server.url)
