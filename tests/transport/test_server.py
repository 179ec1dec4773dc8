"""The server of these tests, while it is healthy."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

from rxgradio import CancelOutcome, Client
from tests.transport.server import SOON, FakeGradio


def test_a_healthy_server_answers_everything(make_server: Callable[..., FakeGradio]) -> None:
    server = make_server(state=True)
    with Client(server.url) as client:
        assert client.predict("hi", api_name="/echo") == "hi"
        assert list(client.submit(3, api_name="/words")) == ["w", "ww", "www"]
        assert client.predict("hi", api_name="/stateful") == "hi"
        held = client.submit("x", api_name="/held")
        server.until(lambda: len(server.events) == 4)
        server.finish(server.events[3], "done")
        assert held.result(SOON) == "done"
    server.until(lambda: server.open == 0)


def test_a_healthy_server_cancels(server: FakeGradio, client: Client) -> None:
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    assert job.cancel()
    assert isinstance(job.cancel_outcome.result(SOON), CancelOutcome)
    assert len(server.asked("cancel")) == 1


def test_all_of_many_calls_at_once_end_right(server: FakeGradio, client: Client) -> None:
    jobs = [client.submit(f"{n}", api_name="/echo") for n in range(300)]
    assert [job.result(SOON) for job in jobs] == [f"{n}" for n in range(300)]
    assert len(server.asked("join")) == 300


def test_a_server_that_stops_closes_what_has_just_been_connected(
    make_server: Callable[..., FakeGradio],
) -> None:
    for _ in range(20):
        server = make_server()
        ends = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
        server.stop()
        for end in ends:
            end.close()
    gc.collect()  # which warns of sockets that nobody has closed, and warnings are errors
    assert server.open == 0
