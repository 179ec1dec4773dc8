"""Streams of single calls (4.0 to 4.8), and streams that may be opened again (4.19.2 to 4.23.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rxgradio import CancelOutcome, Client
from rxgradio.exceptions import (
    AuthenticationError,
    ConnectionLost,
    ProtocolError,
    QueueFull,
    TooManyRequestsError,
)
from tests.transport.older import make_older
from tests.transport.server import (
    EVENT_STREAM,
    LAST_CHUNK,
    SOON,
    FakeGradio,
    Peer,
    answer,
    chunk,
    completed,
    generating,
    started,
    within,
)


def said(name: str, **fields: Any) -> bytes:
    return chunk(b"data: " + json.dumps({"msg": name, **fields}).encode() + b"\n\n")


class TestStreamsOfSingleCalls:
    @pytest.fixture
    def client(self, server: FakeGradio) -> Iterator[Client]:
        make_older(server, "4.8.0", "sse")
        server.script("data", answer(b"null"))
        with Client(server.url) as client:
            yield client

    def scripted(self, server: FakeGradio, *rest: bytes, end: str = "complete") -> None:
        async def run(peer: Peer) -> None:
            await peer.send(EVENT_STREAM + said("estimation", rank=0, queue_size=1))
            await peer.send(said("send_data", event_id="e1"))
            await server.asked_for_data()
            for each in rest:
                await peer.send(each)
            if end == "complete":
                await peer.send(LAST_CHUNK)
            elif end == "wait":
                await peer.gone()
            else:
                getattr(peer, end)()

        server.script("join", run)

    def test_a_call_is_a_stream_and_a_post(self, server: FakeGradio, client: Client) -> None:
        done = said("process_completed", output={"data": ["x"]}, success=True)
        self.scripted(server, said("process_starts"), done)
        assert client.predict("x", api_name="/echo", headers={"x-a": "b"}) == "x"
        [join], [data] = server.asked("join"), server.asked("data")
        assert join.method == "GET"
        assert "fn_index=0&session_hash=" in join.target
        assert data.document["event_id"] == "e1"
        assert data.document["data"] == ["x"]
        assert data.document["session_hash"] in join.target
        assert join.values("x-a") == data.values("x-a") == ["b"]

    def test_connections_are_used_again(self, server: FakeGradio, client: Client) -> None:
        done = said("process_completed", output={"data": ["x"]}, success=True)
        self.scripted(server, said("process_starts"), done)
        for _ in range(5):
            client.predict("x", api_name="/echo")
        assert server.accepted <= 3

    @pytest.mark.parametrize("end", ["complete", "close", "reset", "abort"])
    def test_an_end_without_a_completion_is_a_loss(
        self, server: FakeGradio, client: Client, end: str
    ) -> None:
        part = said("process_generating", output={"data": ["w"]}, success=True)
        self.scripted(server, said("process_starts"), part, end=end)
        job = client.submit(3, api_name="/words")
        with within(SOON), pytest.raises(ConnectionLost):
            job.result()
        assert end in {"reset", "abort"} or job.outputs() == ["w"]

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("401 Unauthorized", AuthenticationError),
            ("429 Too Many Requests", TooManyRequestsError),
            ("500 Internal Server Error", ProtocolError),
        ],
    )
    def test_a_refused_stream_is_an_error(
        self, server: FakeGradio, client: Client, status: str, kind: type[Exception]
    ) -> None:
        server.script("join", answer(b"no", status))
        with pytest.raises(kind):
            client.predict("x", api_name="/echo")

    def test_data_that_cannot_be_handed_over_is_an_error(
        self, server: FakeGradio, client: Client
    ) -> None:
        server.script("data", answer(b"no", "413 Content Too Large"))
        self.scripted(server, end="wait")
        with within(SOON), pytest.raises(ProtocolError, match="413"):
            client.predict("x", api_name="/echo")

    def test_a_full_queue_says_so(self, server: FakeGradio, client: Client) -> None:
        server.script("join", EVENT_STREAM + said("queue_full") + LAST_CHUNK)
        with pytest.raises(QueueFull):
            client.predict("x", api_name="/echo")

    def test_a_cancel_drops_the_stream(self, server: FakeGradio, client: Client) -> None:
        self.scripted(server, said("process_starts"), end="wait")
        job = client.submit(3, api_name="/words")
        server.until(lambda: server.asked("data"))
        job.cancel()
        assert job.cancel_outcome.result(SOON) in {
            CancelOutcome.GENERATOR_CLOSED,
            CancelOutcome.REMOVED,
        }
        server.until(lambda: all(peer.idle for peer in list(server._peers)))


class TestStreamsThatAreResumed:
    @pytest.fixture
    def client(self, server: FakeGradio) -> Iterator[Client]:
        make_older(server, "4.20.1", "sse_v2")
        with Client(server.url) as client:
            yield client

    @pytest.mark.parametrize("accident", ["reset", "close", "abort"])
    def test_the_stream_is_opened_again_and_goes_on(
        self, server: FakeGradio, client: Client, accident: str
    ) -> None:
        heard = server.gate()

        async def first(peer: Peer) -> None:
            [event] = await peer.events()
            await peer.send(EVENT_STREAM + chunk(started(event)) + chunk(generating(event, "w")))
            await heard.passed()
            getattr(peer, accident)()

        async def second(peer: Peer) -> None:
            [event] = await peer.events()
            more = generating(event, [["append", [], "w"]])
            await peer.send(EVENT_STREAM + chunk(more) + chunk(completed(event, "ww")) + LAST_CHUNK)

        server.script("data", first, second)
        job = client.submit("x", api_name="/held")
        outputs = iter(job)
        assert next(outputs) == "w"
        heard.open()
        assert list(outputs) == ["ww"]
        assert len(server.asked("data")) == 2
        assert len(server.asked("join")) == 1

    def test_a_stream_that_breaks_within_a_message_is_lost(
        self, server: FakeGradio, client: Client
    ) -> None:
        async def torn(peer: Peer) -> None:
            [event] = await peer.events()
            await peer.send(EVENT_STREAM + chunk(started(event)) + chunk(b"data: {"))
            peer.close()

        server.script("data", torn)
        with within(SOON), pytest.raises(ConnectionLost):
            client.predict("x", api_name="/held")

    def test_a_server_that_does_not_come_back_is_given_up(
        self, server: FakeGradio, client: Client
    ) -> None:
        async def cut(peer: Peer) -> None:
            [event] = await peer.events()
            await peer.send(EVENT_STREAM + chunk(started(event)))
            peer.reset()

        server.script("data", cut)
        with within(30), pytest.raises(ConnectionLost):
            client.predict("x", api_name="/held")
