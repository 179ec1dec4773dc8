"""Servers that fall silent, over real sockets: the connection is lost, or the queue is dead."""

from __future__ import annotations

import asyncio

import pytest

from rxgradio import Client, ConnectionLost, DeadlineExceeded, Limits, ProtocolError
from tests.transport.older import Wire, make_older
from tests.transport.server import EVENT_STREAM, SOON, FakeGradio, Peer, generating, within
from tests.transport.server import message as said

BRIEF = Limits(silence=0.3)


def connect(server: FakeGradio) -> Client:
    return Client(server.url, limits=BRIEF)


async def hold(peer: Peer) -> None:
    await peer.send(EVENT_STREAM)
    await peer.gone()


async def beat(peer: Peer) -> None:
    await peer.send(EVENT_STREAM)
    for _ in range(int(SOON / 0.05)):
        await peer.send_chunk(said("heartbeat"))
        await asyncio.sleep(0.05)


async def stall(peer: Peer) -> None:
    """Say something of the call, and then nothing more."""
    await peer.send(EVENT_STREAM)
    [event] = await peer.events()
    await peer.send_chunk(generating(event, "w"))
    await peer.gone()


def test_a_stream_that_stalls_is_lost_and_tells_since_when(server: FakeGradio) -> None:
    server.script("data", stall)
    with connect(server) as client, within(SOON):
        job = client.submit(3, api_name="/words")
        with pytest.raises(ConnectionLost, match="not even a heartbeat") as raised:
            job.result(SOON)
        assert raised.value.silence is not None
        assert raised.value.silence >= 0.25
        assert raised.value.outputs == ["w"]
        server.script("data", None)
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize("version", ["6.31.0", "4.8.0"])
def test_a_stream_without_a_sign_of_life_is_lost(server: FakeGradio, version: str) -> None:
    if version == "4.8.0":
        make_older(server, version, "sse")
    server.script("join" if version == "4.8.0" else "data", hold)
    with connect(server) as client, within(SOON):
        error = client.submit("x", api_name="/echo").exception(SOON)
    if version == "4.8.0":  # where one connection is one call, both are true
        assert isinstance(error, ProtocolError)
    else:
        assert isinstance(error, ConnectionLost)
        assert error.silence is None


@pytest.mark.parametrize("version", ["6.31.0", "4.8.0"])
def test_heartbeats_prove_the_connection_and_not_the_call(server: FakeGradio, version: str) -> None:
    if version == "4.8.0":
        make_older(server, version, "sse")
    server.script("join" if version == "4.8.0" else "data", beat)
    with connect(server) as client, within(SOON):
        error = client.submit("x", api_name="/echo").exception(SOON)
    assert isinstance(error, ProtocolError)
    assert "queue" in str(error)


def test_a_websocket_that_answers_pings_but_never_speaks_of_the_call_has_a_dead_queue(
    server: FakeGradio,
) -> None:
    async def run(peer: Peer) -> None:
        wire = await Wire.shake_hands(peer)
        await wire.told()  # answers pings, for ever

    make_older(server, "3.50.2", None)
    server.script("join", run)
    with connect(server) as client, within(SOON):
        error = client.submit("x", api_name="/echo").exception(SOON)
    assert isinstance(error, ProtocolError)


def test_only_a_deadline_ends_a_direct_post_that_is_not_answered(server: FakeGradio) -> None:
    async def wait(peer: Peer) -> None:
        await peer.gone()

    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.script("predict", wait)
    with connect(server) as client, within(SOON):
        endpoint = client.endpoint("/echo", deadline=1)
        assert isinstance(endpoint.submit("x").exception(SOON), DeadlineExceeded)
    server.until(lambda: not server.open)
