"""Apps of other kinds: without a queue, under a path, with endpoints that skip the queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rxgradio import Client
from rxgradio.exceptions import AppError, QueueError
from tests.live.servers.run import Server


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2"])
def test_an_app_that_has_no_queue_is_called_without_one(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_QUEUE="0")
    with Client(server.url) as client:
        assert client.predict(1, 2, api_name="/add") == 3
        assert client.predict("abc", api_name="/two") == ("abc", 3)
        assert [client.predict("x", api_name="/state") for _ in range(3)] == [1, 2, 3]
        jobs = [client.submit(str(n), api_name="/echo") for n in range(150)]
        assert [job.result() for job in jobs] == [str(n) for n in range(150)]
        with pytest.raises(AppError, match=r"^told you so$"):
            client.predict(api_name="/fail")
        with pytest.raises(QueueError, match="has no queue to run it"):
            client.predict(3, api_name="/count")


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2", "4.8.0", "4.22.0", "5.50.0", "6.31.0"])
def test_an_app_under_a_path_is_found_there(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_ROOT="/deep/down")
    for url in (server.url, server.url + "/"):
        with Client(url) as client:
            assert client.predict("x", api_name="/echo") == "x"
            assert list(client.submit(2, api_name="/count")) == ["word 0", "word 0 word 1"]
            assert client.predict("x", api_name="/direct") == "direct x"


def test_an_endpoint_that_skips_the_queue_is_posted(server: Server) -> None:
    with Client(server.url) as client:
        endpoint = client.endpoint("/direct")
        assert not endpoint.info.queued
        job = endpoint.submit("x")
        assert job.result() == "direct x"
        assert job.status().success


def test_a_batched_endpoint_works_and_the_queue_lives_on(server: Server) -> None:
    # On 4.0 to 4.9.0 the queue of the app would die of it.
    with Client(server.url) as client:
        jobs = [client.submit(f"t{n}", api_name="/batch") for n in range(3)]
        assert [job.result(30).split(" of ")[0] for job in jobs] == ["t0", "t1", "t2"]
        assert client.submit("x", api_name="/echo").result(30) == "x"
