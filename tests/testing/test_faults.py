"""Each accident, on each generation where it can happen: the call ends, and says how."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from rxgradio import (
    AppError,
    AuthenticationError,
    CancelOutcome,
    Client,
    ConnectionLost,
    Limits,
    ProtocolError,
    QueueError,
    QueueFull,
    Retry,
    ServerStopped,
    TooManyRequestsError,
)
from rxgradio.testing import (
    Close,
    Complete,
    Duplicate,
    FaultServer,
    Full,
    Gate,
    HalfClose,
    Hang,
    Insert,
    Latency,
    Mute,
    Play,
    Refuse,
    Replace,
    Reset,
    Restart,
    Rewrite,
    Script,
    Stop,
    Toxic,
    Trickle,
    answer,
    chunk,
    huge,
    message,
    nested,
    stream_head,
    unknown,
)

SOON = 20.0
YIELDED = "process_generating"
ENDED = "process_completed"
RESUMING = {"4.20.1", "4.21.0", "4.22.0"}
"""Which do not notice that a stream was dropped, and go on when it is opened again."""

LIMITS = Limits(event=200_000)
IMPATIENT = Limits(silence=0.6)
PROMPT = Retry(attempts=2, initial=0)

Fault = Toxic | bytes


def failure_of(
    server: FaultServer, step: str, *scripts: Script, limits: Limits = LIMITS
) -> tuple[BaseException | None, list[Any]]:
    """Return what a call of a generator of three ends with, and what it had yielded."""
    server.script(step, *scripts)
    with Client(server.url, limits=limits, retry=PROMPT) as client:
        job = client.submit(3, api_name="/words")
        return job.exception(SOON), job.outputs()


ENDS = [Reset, Close, HalfClose]


@pytest.mark.parametrize("end", ENDS)
def test_a_stream_that_ends_is_lost_or_resumed(server: FaultServer, end: Any) -> None:
    error, outputs = failure_of(server, "stream", end(after=1, of=YIELDED), None)
    if server.version in RESUMING:
        assert error is None
        assert outputs[-1] == "www"
    else:
        assert type(error) is ConnectionLost
        assert outputs == ["w"]
    assert server.called == [("/words", (3,))]


@pytest.mark.parametrize("end", ENDS)
def test_a_stream_that_ends_within_a_message_is_lost(server: FaultServer, end: Any) -> None:
    error, outputs = failure_of(server, "stream", end(after=1, of=YIELDED, torn=True), None)
    assert type(error) is ConnectionLost
    assert outputs == ["w"]


@pytest.mark.parametrize("end", ENDS)
def test_a_stream_that_ends_after_its_head_is_lost_or_resumed(
    server: FaultServer, end: Any
) -> None:
    error, _ = failure_of(server, "stream", end(late=True), None)
    assert type(error) is (type(None) if server.version in RESUMING else ConnectionLost)


@pytest.mark.parametrize("end", [Reset, Close])
def test_a_call_whose_answer_is_lost_is_not_made_again(server: FaultServer, end: Any) -> None:
    error, _ = failure_of(server, "join", end(late=True), None)
    assert isinstance(error, ConnectionLost)
    assert error.sent
    assert len(server.asked("join")) == 1


def test_a_call_whose_answer_is_torn_is_not_made_again(server: FaultServer) -> None:
    error, _ = failure_of(server, "join", Close(torn=True), None)
    assert isinstance(error, ConnectionLost)
    assert len(server.asked("join")) == 1


def test_a_server_that_hangs_is_lost(server: FaultServer) -> None:
    error, outputs = failure_of(server, "stream", Hang(after=1, of=YIELDED), limits=IMPATIENT)
    assert type(error) is ConnectionLost
    assert outputs == ["w"]


def test_a_server_that_hangs_from_the_start_is_given_up(server: FaultServer) -> None:
    error, _ = failure_of(server, "stream", Hang(late=True), limits=IMPATIENT)
    assert isinstance(error, (ConnectionLost, ProtocolError))


def test_a_call_of_which_only_heartbeats_come_is_given_up(version: str) -> None:
    if version.startswith("3."):
        pytest.skip("3.x has no heartbeats")

    async def held(n: int) -> int:
        await Gate().passed()
        return n

    with FaultServer({"/words": held}, version=version, heartbeat=0.05) as server:
        error, _ = failure_of(server, "stream", Mute(), limits=IMPATIENT)
        assert isinstance(error, ProtocolError)
        assert "said nothing" in str(error)


def test_a_restart_loses_the_call(server: FaultServer) -> None:
    error, outputs = failure_of(server, "stream", Restart(after=1, of=YIELDED), None)
    assert type(error) is ConnectionLost
    assert outputs == ["w"]


def test_a_server_that_stops_says_so_if_it_can(server: FaultServer) -> None:
    error, outputs = failure_of(server, "stream", Stop(after=1, of=YIELDED), None)
    mute = server.queue == "connection"
    assert type(error) is (ConnectionLost if mute else ServerStopped)
    assert outputs == ["w"]


def test_a_stream_that_ends_properly_ends_no_call(server: FaultServer) -> None:
    error, outputs = failure_of(server, "stream", Complete(after=1, of=YIELDED), None)
    if server.version in RESUMING:
        assert error is None
        assert outputs[-1] == "www"
    elif server.queue == "websocket":  # as when the app's own stop button is pressed
        assert isinstance(error, AppError)
    else:
        assert type(error) is ConnectionLost
        assert outputs == ["w"]


@pytest.mark.parametrize("step", ["join", "stream"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", AuthenticationError),
        ("403 Forbidden", AuthenticationError),
        ("404 Not Found", ProtocolError),
        ("429 Too Many Requests", TooManyRequestsError),
        ("500 Internal Server Error", ProtocolError),
        ("307 Temporary Redirect", ProtocolError),
    ],
)
def test_a_refusal_is_what_it_says(
    server: FaultServer,
    step: str,
    status: str,
    kind: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rxgradio.protocol.session._MOST_OPENS", 2)  # for those put off
    elsewhere = f"Location: {server.url}/elsewhere"
    error, _ = failure_of(server, step, Refuse(status, fields=(elsewhere,)))
    assert isinstance(error, kind)
    assert not server.asked("elsewhere")
    assert len(server.called) <= 1


def test_a_full_queue_says_so(server: FaultServer) -> None:
    error, _ = failure_of(server, "join", Full(), None)
    assert type(error) is QueueFull
    assert server.called == []


def test_a_refusal_with_a_time_is_waited_for(server: FaultServer) -> None:
    refusal = Refuse("429 Too Many Requests", retry_after=0)
    error, outputs = failure_of(server, "join", refusal, None)
    assert error is None
    assert outputs == ["w", "ww", "www"]
    assert len(server.asked("join")) == 2


def test_a_503_that_is_no_full_queue_is_told_apart(server: FaultServer) -> None:
    error, _ = failure_of(server, "join", Refuse("503 Service Unavailable", "in repair"))
    assert isinstance(error, QueueError if server.queue == "session" else ProtocolError)
    assert not isinstance(error, QueueFull)


def test_a_page_is_no_stream(server: FaultServer) -> None:
    page = answer(b"<html>Sign in to the hotel's network</html>", kind="text/html")
    error, _ = failure_of(server, "stream", page)
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize(
    "content",
    [
        lambda document: json.dumps(document)[:-5].encode(),
        huge(300_000),
        nested(100_000),
        {"msg": ENDED, "output": [], "success": True},
        {"msg": ENDED, "output": {"data": []}, "success": True},
    ],
    ids=["torn", "huge", "nested", "shapeless", "too few"],
)
def test_a_bad_end_is_an_error_of_its_call_only(server: FaultServer, content: Any) -> None:
    server.script("stream", Replace(content, of=ENDED), None)
    with Client(server.url, limits=LIMITS) as client:
        with pytest.raises(ProtocolError):
            client.predict(3, api_name="/words")
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize("content", [(), (b"{garbage",)], ids=["nothing", "garbage"])
def test_a_call_whose_end_is_lost_or_unreadable_does_not_wait_for_ever(
    server: FaultServer, content: Any
) -> None:
    server.script("stream", Replace(*content, of=ENDED), None)
    # Where a stream may have gaps, a call is waited for forty times as long.
    limits = Limits(silence=0.3) if server.version in RESUMING else LIMITS
    with Client(server.url, limits=limits) as client:
        error = client.submit(3, api_name="/words").exception(SOON)
        assert isinstance(error, ProtocolError | ConnectionLost | AppError)
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize(
    "toxic",
    [
        Duplicate(ENDED),
        Duplicate("process_starts"),
        Rewrite(lambda document: [unknown(document), document]),
        Insert({"msg": "brand_new", "x": 1}, of=YIELDED),
        Insert({"msg": "log", "log": {"not": "text"}, "level": 5}, of=YIELDED),
        Trickle(3),
        Latency(0.05),
        (Latency(0.05), Trickle(50), Duplicate(ENDED)),
    ],
    ids=["ends", "starts", "foreign", "new", "odd log", "trickle", "latency", "several"],
)
def test_what_is_odd_but_no_error_changes_nothing(server: FaultServer, toxic: Any) -> None:
    if isinstance(toxic, Rewrite) and server.queue != "session":
        pytest.skip("all that comes on the connection of a call is about that call")
    error, outputs = failure_of(server, "stream", toxic)
    assert error is None
    assert outputs == ["w", "ww", "www"]


def test_a_cancel_that_is_never_answered_does_not_hold_up_its_job(version: str) -> None:
    async def held() -> Any:
        yield 0
        await Gate().passed()

    with FaultServer({"/held": held}, version=version, heartbeat=0.1) as server:
        server.script("cancel", Hang())
        with Client(server.url) as client:
            job = client.submit(api_name="/held")
            next(iter(job))
            begun = time.monotonic()
            assert job.cancel()
            assert job.cancelled()
            assert time.monotonic() - begun < 3
            if server.queue == "session":
                server.until(lambda: server.asked("cancel"))
        assert isinstance(job.cancel_outcome.result(SOON), CancelOutcome)


def test_toxics_befall_every_kind_of_request(server: FaultServer) -> None:
    server.script("config", Trickle(10))
    server.script("info", Refuse("404 Not Found"))
    with Client(server.url) as client:
        assert client.predict(*[2], api_name="/words") == "ww"
    server.script("config", Reset())
    with pytest.raises(ConnectionLost):
        Client(server.url, retry=None)
    server.script("config", Close(torn=True))
    with pytest.raises(ConnectionLost):
        Client(server.url, retry=None)


def test_a_connection_may_be_refused_as_soon_as_it_is_made(server: FaultServer) -> None:
    server.script("connect", Reset(), None)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/config")
    assert httpx.get(f"{server.url}/config").status_code == 200
    assert len(server.requests) == 1


def test_a_script_by_hand_says_what_it_likes() -> None:
    with FaultServer() as server:
        script = Play(stream_head(), chunk(message("heartbeat")), 0.01, chunk(b"da"), Reset())
        server.script("stream", script)
        with httpx.stream("GET", f"{server.url}/queue/data?session_hash=s") as stream:
            parts = stream.iter_raw()
            heard = next(parts)
            with pytest.raises(httpx.TransportError):
                list(parts)
    assert heard.startswith(b'data: {"msg": "heartbeat"')


def test_an_end_waits_for_as_many_messages_as_it_is_told() -> None:
    names: list[str] = []
    with FaultServer(version="4.44.1", heartbeat=None) as server:
        server.script("stream", Close(after=3))
        body = {"data": [5], "fn_index": 1, "session_hash": "s"}
        httpx.post(f"{server.url}/queue/join", json=body)
        url = f"{server.url}/queue/data?session_hash=s"
        with httpx.stream("GET", url) as stream, pytest.raises(httpx.RemoteProtocolError):
            names.extend(json.loads(line[6:])["msg"] for line in stream.iter_lines() if line)
    assert names == ["estimation", "process_starts", YIELDED]


@pytest.mark.parametrize("wrong", [Reset, "reset", 3, [Reset], [b"x"]])
def test_what_is_no_script_is_refused_at_once(server: FaultServer, wrong: Any) -> None:
    with pytest.raises(TypeError, match="nothing to be done at 'join'"):
        server.script("join", wrong)


def test_what_is_no_refusal_is_refused(server: FaultServer) -> None:
    with pytest.raises(ValueError, match="from 300 to 599"):
        Refuse(200)


@pytest.mark.parametrize("status", [429, "429"])
def test_a_status_without_a_reason_gets_one(server: FaultServer, status: int | str) -> None:
    error, _ = failure_of(server, "join" if server.queue == "session" else "stream", Refuse(status))
    assert isinstance(error, TooManyRequestsError)
