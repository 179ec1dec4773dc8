"""Putting a call into the queue: every way in which it can go wrong, once and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError

import pytest

from rxgradio import (
    AppError,
    AuthenticationError,
    CancelOutcome,
    Client,
    ClientClosed,
    ConnectionLost,
    Job,
    ProtocolError,
    QueueError,
    QueueFull,
    RxGradioError,
    Status,
    TooManyRequestsError,
    ValidationError,
)
from tests.contract.test_job import reached
from tests.transport.server import (
    EVENT_STREAM,
    LAST_CHUNK,
    SOON,
    FakeGradio,
    Peer,
    Script,
    answer,
    completed,
    generating,
    within,
)


def works(client: Client) -> bool:
    """Whether a client can still be used, and not just once."""
    return [client.predict(n, api_name="/echo") for n in ("a", "b")] == ["a", "b"]


def failure(job: Job, kind: type[Exception]) -> Exception:
    """Return the error of a job that is the same on every face."""
    error = job.exception(SOON)
    assert isinstance(error, kind), repr(error)
    assert not job.cancelled()
    assert job.status().code is Status.FINISHED
    assert job.status().success is False
    with pytest.raises(kind) as caught:
        list(job)
    assert caught.value is error
    return error


# ---- refusals


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (
            answer({"detail": "Queue is full. Max size is 1 and size is 1."}, "503 X"),
            QueueFull,
            "Queue is full. Max size is 1",
        ),
        (answer({"detail": "Queue is stopped."}, "503 X"), QueueError, "Queue is stopped."),
        (answer(b"<html>Unavailable</html>", "503 X"), QueueError, "Unavailable"),
        (answer(b"", "503 X"), QueueError, "did not take the call"),
        (answer({"detail": "No such thing"}, "400 Bad Request"), AppError, "No such thing"),
        (answer(b"", "401 Unauthorized"), AuthenticationError, "login"),
        (answer(b"", "403 Forbidden"), AuthenticationError, "login"),
        (answer(b"", "429 X"), TooManyRequestsError, "slow down"),
        (answer({"detail": "Gone"}, "404 Not Found"), ProtocolError, "404.*Gone"),
        (answer(b"boom", "500 X"), ProtocolError, "500.*boom"),
        (answer(b"<html>hi</html>"), ProtocolError, "not JSON"),
        (answer(b"\xff\xfe{"), ProtocolError, "not JSON"),
        (answer(b""), ProtocolError, "not JSON"),
        (answer([1, 2]), ProtocolError, "no event id"),
        (answer({}), ProtocolError, "no event id"),
        (answer({"event_id": None}), ProtocolError, "no event id"),
        (answer({"event_id": 5}), ProtocolError, "no event id"),
        (answer({"event_id": ""}), ProtocolError, "no event id"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ProtocolError, "not JSON"),
        (answer(b"junk", "200 OK", "Content-Encoding: gzip"), ProtocolError, "gzip"),
        (answer(b"[" * 100_000, "422 X"), ValidationError, "refused the arguments"),
    ],
)
def test_a_refusal_fails_its_own_call_and_is_not_repeated(
    server: FakeGradio, client: Client, content: bytes, kind: type[RxGradioError], text: str
) -> None:
    sibling = client.submit("x", api_name="/held")
    server.until(lambda: server.events and server.asked("data"))
    server.script("join", content)
    job = client.submit("mine", api_name="/echo")
    error = failure(job, kind)
    with pytest.raises(kind, match=text):
        job.result()
    assert type(error) is kind
    assert len(server.asked("join")) == 2
    server.script("join", None)
    server.finish(server.events[0], "still")
    assert sibling.result(SOON) == "still"
    assert works(client)


def test_a_validator_says_which_argument_it_refuses(server: FakeGradio, client: Client) -> None:
    fields = [{"is_valid": False, "message": "too short"}]
    server.script("join", answer({"detail": fields}, "422 Unprocessable"))
    error = failure(client.submit("x", api_name="/echo"), ValidationError)
    assert isinstance(error, ValidationError)
    assert error.fields == fields
    assert "too short" in str(error)


def test_one_event_id_for_two_calls_harms_only_the_second(
    server: FakeGradio, client: Client
) -> None:
    first = client.submit("x", api_name="/held")
    server.until(lambda: server.events and server.asked("data"))
    server.script("join", answer({"event_id": server.events[0].event_id}))
    second = client.submit("y", api_name="/echo")
    assert "one event id" in str(failure(second, ProtocolError))
    server.finish(server.events[0], "mine")
    assert first.result(SOON) == "mine"
    server.script("join", None)
    assert works(client)


# ---- broken connections


async def close(peer: Peer) -> None:
    peer.close()


async def reset(peer: Peer) -> None:
    peer.reset()


async def cut_head(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    peer.close()


async def cut_body(peer: Peer) -> None:
    await peer.send(answer({"event_id": "event-1"})[:-5])
    peer.close()


async def cut_and_reset(peer: Peer) -> None:
    await peer.send(answer({"event_id": "event-1"})[:-5])
    peer.reset()


async def garbage(peer: Peer) -> None:
    await peer.send(b"\x16\x03\x01 what?\r\n\r\n")
    peer.close()


async def bad_framing(peer: Peer) -> None:
    await peer.send(EVENT_STREAM + b"xyz\r\n{}")
    await peer.gone()


async def accept_and_reset(peer: Peer) -> None:
    await peer.server.accept(peer.request)
    peer.reset()


@pytest.mark.parametrize(
    "accident",
    [close, reset, cut_head, cut_body, cut_and_reset, garbage, bad_framing, accept_and_reset],
)
def test_a_call_that_may_have_been_accepted_is_never_made_again(
    server: FakeGradio, client: Client, accident: Script
) -> None:
    server.script("join", accident)
    job = client.submit("x", api_name="/echo")
    error = failure(job, ConnectionLost)
    assert isinstance(error, ConnectionLost)
    assert error.sent
    server.until(lambda: server.open == 0)
    assert len(server.asked("join")) == 1
    server.script("join", None)
    assert works(client)
    assert len(server.asked("join")) == 3


@pytest.mark.parametrize("accident", [close, reset])
def test_a_connection_that_breaks_before_the_request_is_read_is_not_tried_again(
    server: FakeGradio, client: Client, accident: Callable[[Peer], Awaitable[None]]
) -> None:
    broken: list[None] = []

    async def break_off(peer: Peer) -> None:
        broken.append(None)
        await accident(peer)

    server.script("bytes", break_off)
    failure(client.submit("x", api_name="/echo"), ConnectionLost)
    server.until(lambda: server.open == 0)
    assert len(broken) == 1
    server.script("bytes", None)
    assert works(client)
    assert len(server.asked("join")) == 2


def test_of_many_calls_only_those_are_lost_whose_connection_broke(
    server: FakeGradio, client: Client
) -> None:
    server.script("join", *([reset, None, None] * 20), None)
    jobs = [client.submit(f"{n}", api_name="/echo") for n in range(100)]
    errors = [job.exception(SOON) for job in jobs]
    lost = [error for error in errors if error is not None]
    assert len(lost) == 20
    assert all(isinstance(error, ConnectionLost) for error in lost)
    for n, (job, error) in enumerate(zip(jobs, errors, strict=True)):
        if error is None:
            assert job.result() == f"{n}"
    assert len(server.asked("join")) == 100
    assert works(client)


def test_a_server_that_is_gone_is_told_from_a_call_that_is_lost(
    server: FakeGradio, client: Client
) -> None:
    client.predict("x", api_name="/echo")
    server.end_idle_connections()
    server.until(lambda: server.open == 0)
    server.stop_listening()
    job = client.submit("x", api_name="/echo")
    error = failure(job, ConnectionLost)
    assert isinstance(error, ConnectionLost)
    assert not error.sent


# ---- answers that come late, or never


def test_a_join_that_is_never_answered_ends_with_the_client(server: FakeGradio) -> None:
    server.script("join", Peer.gone)
    with Client(server.url) as client:
        jobs = [client.submit("x", api_name="/echo") for _ in range(3)]
        server.until(lambda: len(server.asked("join")) == 3)
        assert not any(job.done() for job in jobs)
    for job in jobs:
        failure(job, ClientClosed)
    server.until(lambda: server.open == 0)


def test_a_completion_before_the_answer_to_its_join_is_kept(
    server: FakeGradio, client: Client
) -> None:
    answered = server.gate()

    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        first, second = await peer.events(2)
        await peer.send_chunk(completed(second, "early"))
        await peer.send_chunk(generating(first, "seen"))
        await peer.gone()

    async def answer_late(peer: Peer) -> None:
        event = await server.accept(peer.request)
        await answered.passed()
        await peer.send(answer({"event_id": event.event_id}))

    server.script("data", stream)
    server.script("join", None, answer_late)
    first = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    second = client.submit("y", api_name="/echo")
    assert next(iter(first)) == "seen"  # so what was sent before it has been read
    assert not second.done()
    answered.open()
    assert second.result(SOON) == "early"
    assert len(server.asked("data")) == 1


def test_a_stream_may_be_over_before_the_answer_to_a_join(
    server: FakeGradio, client: Client
) -> None:
    """All was said of the call: no other stream is needed."""
    answered = server.gate()

    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        first, second = await peer.events(2)
        await peer.send_chunk(completed(second, "early") + completed(first, "done"))
        await peer.send_chunk(b'data: {"msg": "close_stream"}\n\n')
        await peer.send(LAST_CHUNK)

    async def answer_late(peer: Peer) -> None:
        event = await server.accept(peer.request)
        await answered.passed()
        await peer.send(answer({"event_id": event.event_id}))

    server.script("data", stream)
    server.script("join", None, answer_late, None)
    first = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    second = client.submit("y", api_name="/echo")
    assert first.result(SOON) == "done"
    assert not second.done()
    answered.open()
    assert second.result(SOON) == "early"
    assert len(server.asked("data")) == 1
    server.script("data", None)
    assert works(client)


@pytest.mark.parametrize("accepted", ["before", "after"])
def test_a_call_accepted_around_the_end_of_a_stream_gets_another(
    server: FakeGradio, client: Client, accepted: str
) -> None:
    """Nothing was said of the call, which the server accepted late: another is opened."""
    answered = server.gate()

    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        event, *_ = await peer.events(2 if accepted == "before" else 1)
        await peer.send_chunk(completed(event, "done") + b'data: {"msg": "close_stream"}\n\n')
        await peer.send(LAST_CHUNK)

    async def answer_late(peer: Peer) -> None:
        if accepted == "after":
            await answered.passed()
        event = await server.accept(peer.request)
        await answered.passed()
        await peer.send(answer({"event_id": event.event_id}))

    server.script("data", stream, None)
    server.script("join", None, answer_late, None)
    first = client.submit("x", api_name="/echo")
    second = client.submit("y", api_name="/echo")
    assert first.result(SOON) == "done"
    assert not second.done()
    answered.open()
    assert second.result(SOON) == "y"
    assert len(server.asked("data")) == 2
    assert works(client)


# ---- cancels


def _held(server: FakeGradio, client: Client) -> Job:
    before = len(server.events)
    job = client.submit("x", api_name="/held")
    server.until(lambda: len(server.events) > before)
    reached(job, Status.PROCESSING)
    return job


def test_a_cancel_closes_the_function_on_the_server(server: FakeGradio, client: Client) -> None:
    job = _held(server, client)
    assert job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
    assert server.asked("cancel")[0].document["event_id"] == server.events[0].event_id
    assert works(client)


def test_a_cancel_that_is_never_answered_delays_nothing(server: FakeGradio) -> None:
    server.script("cancel", Peer.gone)
    with Client(server.url) as client:
        job = _held(server, client)
        with within(1.0):
            assert job.cancel()
            with pytest.raises(CancelledError):
                job.result(SOON)
            assert job.cancel()  # again, and for nothing
        server.until(lambda: server.asked("cancel"))
        assert client.predict("x", api_name="/echo") == "x"
        other = client.submit("y", api_name="/held")  # the same endpoint, and it may be used
        server.until(lambda: len(server.events) == 3)
        server.finish(server.events[2], "y")
        assert other.result(SOON) == "y"
        with within(3.0):
            client.close()
    assert len(server.asked("cancel")) == 1
    server.until(lambda: server.open == 0)


@pytest.mark.parametrize("accident", [answer(b"boom", "500 X"), close, reset, garbage])
def test_a_cancel_that_fails_has_an_unknown_outcome(
    server: FakeGradio, client: Client, accident: Script
) -> None:
    server.script("cancel", accident)
    job = _held(server, client)
    assert job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.UNKNOWN
    assert job.cancelled()
    assert works(client)
    assert len(server.asked("cancel")) == 1


def test_a_call_that_is_cancelled_before_its_answer_is_cancelled_once_it_is_known(
    server: FakeGradio, client: Client
) -> None:
    answered = server.gate()

    async def answer_late(peer: Peer) -> None:
        await answered.passed()
        await server.healthy(peer)

    server.script("join", answer_late, None)
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("join"))
    assert job.cancel()
    with pytest.raises(CancelledError):
        job.result(SOON)
    assert not server.asked("cancel")
    answered.open()
    server.until(lambda: server.asked("cancel"))
    job.cancel_outcome.result(SOON)
    assert [r.document["event_id"] for r in server.asked("cancel")] == [server.events[0].event_id]
    assert works(client)


def test_a_call_whose_awaiting_task_is_cancelled_is_cancelled(
    server: FakeGradio, client: Client
) -> None:
    async def main() -> Job:
        job = client.submit("x", api_name="/held")
        there = asyncio.Event()

        async def wait() -> None:
            there.set()
            await job

        task = asyncio.create_task(wait())
        await there.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return job

    job = asyncio.run(main())
    assert job.cancelled()
    assert job.cancel_outcome.result(SOON)
