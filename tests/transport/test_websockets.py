"""Websockets that fail, over real sockets: nothing hangs, and every error says what it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rxgradio.transport.websocket as module
from rxgradio import CancelOutcome, Client, Limits, handle_file
from rxgradio.exceptions import (
    AppError,
    AuthenticationError,
    ConnectionLost,
    ProtocolError,
    QueueFull,
    ServerStopped,
)
from tests.transport.older import Wire, make_older
from tests.transport.server import SOON, FakeGradio, Peer, answer, within


@pytest.fixture
def client(server: FakeGradio) -> Iterator[Client]:
    make_older(server, "3.50.2", None)
    with Client(server.url, headers={"x-token": "s3cret"}) as client:
        yield client


def scripted(server: FakeGradio, script: Callable[[Wire], Any]) -> None:
    async def run(peer: Peer) -> None:
        await script(await Wire.shake_hands(peer))

    server.script("join", run)


def test_a_call_is_a_conversation(server: FakeGradio, client: Client) -> None:
    calls: list[dict[str, Any]] = []

    async def script(wire: Wire) -> None:
        calls.append(await wire.take())
        await wire.complete("x")

    scripted(server, script)
    assert client.predict("x", api_name="/echo") == "x"
    [call] = calls
    assert (call["fn_index"], call["data"]) == (0, ["x"])
    [request] = server.asked("join")
    assert request.values("x-token") == ["s3cret"]
    assert request.values("sec-websocket-extensions") == []  # nothing is compressed


def test_header_fields_of_a_call_come_before_those_of_the_client(
    server: FakeGradio, client: Client
) -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.complete("x")

    scripted(server, script)
    client.predict("x", api_name="/echo", headers={"X-Token": "another"})
    assert server.asked("join")[0].values("x-token") == ["another"]


def test_calls_without_state_have_sessions_of_their_own(server: FakeGradio, client: Client) -> None:
    sessions: set[str] = set()

    async def script(wire: Wire) -> None:
        sessions.add((await wire.take())["session_hash"])
        await wire.complete("x")

    scripted(server, script)
    for job in [client.submit(str(n), api_name="/words") for n in range(5)]:
        job.result(SOON)
    assert len(sessions) == 5


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        ("403 Forbidden", AuthenticationError, "login.*403"),
        ("404 Not Found", ProtocolError, "404"),
        ("500 Internal Server Error", ProtocolError, "500.*Nobody"),
        ("200 OK", ProtocolError, "200"),
    ],
)
def test_a_handshake_may_be_refused(
    server: FakeGradio, client: Client, status: str, kind: type[Exception], text: str
) -> None:
    server.script("join", answer(b"Nobody is here", status, kind="text/plain"))
    with pytest.raises(kind, match=text) as caught:
        client.predict("x", api_name="/echo")
    assert "s3cret" not in str(caught.value)


def test_a_redirect_is_not_followed(
    server: FakeGradio, elsewhere: FakeGradio, client: Client
) -> None:
    location = f"Location: ws://{elsewhere.origin}/queue/join"
    server.script("join", answer(b"", "307 Temporary Redirect", location))
    with pytest.raises(ProtocolError, match="redirects"):
        client.predict("x", api_name="/echo")
    assert not elsewhere.requests


def test_a_handshake_that_is_never_answered_is_given_up(
    server: FakeGradio, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OPEN", 0.2)

    async def say_nothing(peer: Peer) -> None:
        await peer.gone()

    server.script("join", say_nothing)
    with within(SOON), pytest.raises(ConnectionLost, match="did not open a websocket"):
        client.predict("x", api_name="/echo")


def test_a_server_that_is_gone_was_never_sent_the_call(server: FakeGradio, client: Client) -> None:
    server.stop_listening()
    server.end_idle_connections()
    with pytest.raises(ConnectionLost, match="cannot connect") as caught:
        client.predict("x", api_name="/echo")
    assert not caught.value.sent


@pytest.mark.parametrize("accident", ["reset", "close", "abort"])
@pytest.mark.parametrize("when", ["shaken hands", "taken"])
def test_a_connection_that_breaks_ends_the_call(
    server: FakeGradio, client: Client, accident: str, when: str
) -> None:
    async def script(wire: Wire) -> None:
        if when == "taken":
            await wire.take()
            await wire.say("process_generating", output={"data": ["w"]}, success=True)
        getattr(wire.peer, accident)()

    scripted(server, script)
    job = client.submit(3, api_name="/words")
    with within(SOON), pytest.raises(ConnectionLost):
        job.result()
    assert job.outputs() == (["w"] if when == "taken" else [])


def test_a_connection_cut_within_a_frame_ends_the_call(server: FakeGradio, client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.peer.send(b"\x81\x7e\x10\x00{")  # of 4,096 bytes
        wire.peer.close()

    scripted(server, script)
    with within(SOON), pytest.raises(ConnectionLost):
        client.predict("x", api_name="/echo")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, AppError),
        (1001, ServerStopped),
        (1012, ServerStopped),
        (1011, ConnectionLost),
        (4000, ConnectionLost),
    ],
)
def test_the_code_of_a_close_tells_why(
    server: FakeGradio, client: Client, code: int, kind: type[Exception]
) -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.close(code)

    scripted(server, script)
    with within(SOON), pytest.raises(kind):
        client.predict("x", api_name="/echo")


def test_a_full_queue_says_so(server: FakeGradio, client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.say("send_hash")
        await wire.told()
        await wire.say("queue_full")
        await wire.close(1000)

    scripted(server, script)
    with pytest.raises(QueueFull):
        client.predict("x", api_name="/echo")


def test_a_server_that_does_not_answer_pings_is_lost(
    server: FakeGradio,
) -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.peer.gone()

    make_older(server, "3.50.2", None)
    scripted(server, script)
    with (
        Client(server.url, limits=Limits(silence=0.3)) as client,
        within(SOON),
        pytest.raises(ConnectionLost),
    ):
        client.predict("x", api_name="/echo")


def test_large_messages_pass_and_too_large_ones_are_refused(
    server: FakeGradio,
) -> None:
    async def script(wire: Wire) -> None:
        size = (await wire.take())["data"][0]
        await wire.say("process_completed", output={"data": ["x" * size]}, success=True)
        await wire.close(1000)

    make_older(server, "3.50.2", None)
    scripted(server, script)
    with Client(server.url, limits=Limits(event=4_000_000)) as client:
        assert len(client.predict(3_000_000, api_name="/echo")) == 3_000_000
        with within(SOON), pytest.raises(ProtocolError, match="more than 4000000 bytes"):
            client.predict(5_000_000, api_name="/echo")


def test_a_cancel_closes_the_websocket(server: FakeGradio, client: Client) -> None:
    closed = threading.Event()

    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.say("process_generating", output={"data": ["w"]}, success=True)
        while (await wire.heard())[0] != 8:
            pass
        closed.set()
        await wire.frame(8, (1000).to_bytes(2, "big"))
        wire.peer.close()

    scripted(server, script)
    job = client.submit(3, api_name="/words")
    assert next(iter(job)) == "w"
    assert job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
    assert closed.wait(SOON)


def test_closing_the_client_closes_its_websockets(server: FakeGradio, client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.peer.gone()

    scripted(server, script)
    jobs = [client.submit("x", api_name="/echo") for _ in range(3)]
    server.until(lambda: len(server.asked("join")) == 3)
    with within(SOON):
        client.close()
    assert all(job.exception() is not None for job in jobs)
    server.until(lambda: server.open == 0)


def test_nonsense_ends_its_own_call_only(server: FakeGradio, client: Client) -> None:
    async def script(wire: Wire) -> None:
        call = await wire.take()
        if call["data"] == ["bad"]:
            await wire.frame(1, b"\xff\xfe nonsense")
            await wire.peer.gone()
        else:
            await wire.complete("fine")

    scripted(server, script)
    bad, good = client.submit("bad", api_name="/echo"), client.submit("good", api_name="/echo")
    assert good.result(SOON) == "fine"
    with pytest.raises(ProtocolError):
        bad.result(SOON)


def test_more_calls_than_connections_wait_their_turn(server: FakeGradio, client: Client) -> None:
    most = 0

    async def script(wire: Wire) -> None:
        nonlocal most
        await wire.take()
        most = max(most, server.open)
        await wire.complete("x")

    scripted(server, script)
    jobs = [client.submit("x", api_name="/echo") for _ in range(300)]
    assert [job.result(30) for job in jobs] == ["x"] * 300
    assert most <= 101


def test_before_3_19_files_go_along_with_the_call(
    server: FakeGradio, client: Client, tmp_path: Path
) -> None:
    calls: list[dict[str, Any]] = []

    async def script(wire: Wire) -> None:
        calls.append(await wire.take())
        await wire.complete("x")

    scripted(server, script)
    server.script("upload", answer(b"", "404 Not Found"))
    file = tmp_path / "in.txt"
    file.write_bytes(b"hello")
    client.predict(handle_file(file), api_name="/echo")
    assert server.asked("upload")
    inline = {"name": "in.txt", "data": "data:text/plain;base64,aGVsbG8=", "is_file": False}
    assert calls[0]["data"] == [inline]
