"""What is repeated by itself, over real sockets: never what a server may have accepted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rxgradio import (
    CancelOutcome,
    Client,
    ConnectionLost,
    ProtocolError,
    QueueError,
    Retry,
    TooManyRequestsError,
)
from tests.transport.older import Wire, event_of, make_older
from tests.transport.server import EVENT_STREAM, LAST_CHUNK, SOON, FakeGradio, Peer, answer, chunk
from tests.transport.server import message as said

PROMPT = Retry(attempts=3, initial=0)
LATER = [
    answer(b"", "429 X", "Retry-After: 0"),
    answer(b"<html>come again</html>", "503 X", "Retry-After: 0"),
]
BOTH = pytest.mark.parametrize("later", LATER, ids=["429", "503"])


def connect(server: FakeGradio, **how: object) -> Client:
    return Client(server.url, **{"retry": PROMPT, **how})  # type: ignore[arg-type]


@BOTH
def test_a_join_that_the_server_puts_off_is_posted_again(server: FakeGradio, later: bytes) -> None:
    server.script("join", later, later, None)
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("join")) == 3
    assert len(server.events) == 1


@BOTH
def test_a_server_that_puts_off_again_and_again_is_believed(
    server: FakeGradio, later: bytes
) -> None:
    server.script("join", later)
    with connect(server) as client, pytest.raises((TooManyRequestsError, QueueError)) as raised:
        client.predict("x", api_name="/echo")
    assert raised.value.retry_after == 0
    assert len(server.asked("join")) == 3


def test_nothing_is_repeated_that_is_not_to_be(server: FakeGradio) -> None:
    server.script("join", LATER[0])
    with connect(server) as client:
        endpoint = client.endpoint("/echo", retry=None)
        with pytest.raises(TooManyRequestsError):
            endpoint.predict("x")
    assert len(server.asked("join")) == 1


def test_a_time_that_is_too_long_is_not_waited_for(server: FakeGradio) -> None:
    server.script("join", answer(b"", "429 X", "Retry-After: 3600"))
    with connect(server) as client, pytest.raises(TooManyRequestsError) as raised:
        client.submit("x", api_name="/echo").result(SOON)
    assert raised.value.retry_after == 3600


def test_a_date_is_understood_by_the_clock_of_the_server(server: FakeGradio) -> None:
    now = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    fields = (
        f"Date: {format_datetime(now, usegmt=True)}",
        f"Retry-After: {format_datetime(now + timedelta(minutes=20), usegmt=True)}",
    )
    server.script("join", answer(b"", "429 X", *fields))
    with connect(server) as client, pytest.raises(TooManyRequestsError) as raised:
        client.predict("x", api_name="/echo")
    assert raised.value.retry_after == 1200


@pytest.mark.parametrize("fault", ["reset", "close", "hang up"])
def test_a_join_that_may_have_been_accepted_is_not_posted_again(
    server: FakeGradio, fault: str
) -> None:
    async def break_off(peer: Peer) -> None:
        if fault == "reset":
            peer.reset()
        elif fault == "close":
            peer.close()
        else:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            peer.close()

    server.script("join", break_off)
    with connect(server) as client, pytest.raises(ConnectionLost) as raised:
        client.predict("x", api_name="/echo")
    assert raised.value.sent
    assert len(server.asked("join")) == 1


def test_a_server_that_is_just_starting_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    servers: list[FakeGradio] = []
    tried = threading.Event()

    def start(error: Exception) -> bool:
        if not servers:
            servers.append(FakeGradio(port=port))
        tried.set()
        return True

    try:
        with connect_to(port, start) as client:
            assert client.predict("x", api_name="/echo") == "x"
        assert tried.is_set()
    finally:
        for server in servers:
            server.stop()


def connect_to(port: int, only: Callable[[Exception], bool]) -> Client:
    return Client(f"http://127.0.0.1:{port}", retry=Retry(attempts=5, initial=0.1, only=only))


@pytest.mark.parametrize("route", ["config", "info"])
def test_what_connecting_asks_for_is_asked_for_again(server: FakeGradio, route: str) -> None:
    server.script(route, LATER[1], None)
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked(route)) == 2


def test_a_call_that_is_cancelled_while_it_waits_to_be_posted_again_is_not(
    server: FakeGradio,
) -> None:
    server.script("join", answer(b"", "429 X", "Retry-After: 1"))
    with connect(server) as client:
        job = client.submit("x", api_name="/echo")
        server.until(lambda: server.asked("join"))
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT
        server.script("join", None)
        assert client.predict("after", api_name="/echo") == "after"
    assert len(server.asked("join")) == 2


@BOTH
def test_a_stream_that_is_put_off_is_opened_again(server: FakeGradio, later: bytes) -> None:
    server.script("data", later, None)
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("data")) == 2


@BOTH
def test_a_websocket_that_is_put_off_is_opened_again(server: FakeGradio, later: bytes) -> None:
    async def run(peer: Peer) -> None:
        wire = await Wire.shake_hands(peer)
        await wire.complete((await wire.take())["data"][0])

    make_older(server, "3.50.2", None)
    server.script("join", later, run)
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("join")) == 2


@BOTH
def test_a_stream_of_one_call_is_put_off_and_opened_again(server: FakeGradio, later: bytes) -> None:
    handed = server.gate()

    async def run(peer: Peer) -> None:
        await peer.send(EVENT_STREAM + chunk(said("send_data", "event-1")))
        await handed.passed()
        document = server.asked("data")[-1].document
        done = said("process_completed", output={"data": event_of(document).data}, success=True)
        await peer.send(chunk(done) + LAST_CHUNK)

    async def take(peer: Peer) -> None:
        await peer.send(answer({"success": True}))
        handed.open()

    make_older(server, "4.8.0", "sse")
    server.script("join", later, run)
    server.script("data", later, take)
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert [len(server.asked(route)) for route in ("join", "data")] == [2, 2]


@BOTH
def test_a_direct_post_that_is_put_off_is_posted_again(server: FakeGradio, later: bytes) -> None:
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.script("predict", later, answer({"data": ["x"]}))
    with connect(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("predict")) == 2


def test_a_503_without_a_time_is_not_posted_again(server: FakeGradio) -> None:
    server.script("join", answer(b"", "503 X"))
    with connect(server) as client, pytest.raises(QueueError):
        client.predict("x", api_name="/echo")
    assert len(server.asked("join")) == 1


def test_a_refused_connection_is_a_clear_error_in_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with pytest.raises(ConnectionLost, match="is the app running there") as raised:
        Client(f"http://127.0.0.1:{port}", retry=PROMPT)
    assert raised.value.sent is False


def test_no_gradio_app_is_told_at_once(server: FakeGradio) -> None:
    server.script("config", answer(b"no", "404 X"))
    with pytest.raises(ProtocolError):
        connect(server)
    assert len(server.asked("config")) == 1
