"""Servers that go away, fill up, or want a login: real ones, on real sockets."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from rxgradio import Client, ConnectionLost, Status
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
