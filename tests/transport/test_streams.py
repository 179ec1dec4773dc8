"""The stream of events: losing it, and reading it in whatever shape it comes."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rxgradio import (
    AppError,
    AuthenticationError,
    Client,
    ConnectionLost,
    ProtocolError,
    RxGradioError,
    ServerStopped,
    Status,
    TooManyRequestsError,
)
from rxgradio.protocol import session
from rxgradio.runtime.process import loop_thread
from tests.transport.server import (
    CLOSE_STREAM,
    EVENT_STREAM,
    LAST_CHUNK,
    SOON,
    FakeGradio,
    Peer,
    Script,
    answer,
    chunk,
    completed,
    generating,
    message,
    started,
    within,
)
from tests.transport.test_joins import failure, works

UNCHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

# ---- losing it


async def _begin(peer: Peer) -> None:
    await peer.send(EVENT_STREAM)
    for event in await peer.events():
        await peer.send_chunk(started(event))


async def truncated_chunk(peer: Peer) -> None:
    await _begin(peer)
    await peer.send(b'50\r\ndata: {"msg"')
    peer.close()


async def truncated_event(peer: Peer) -> None:
    await _begin(peer)
    await peer.send_chunk(b'data: {"msg": "process_comp')
    peer.close()


async def reset_mid_event(peer: Peer) -> None:
    await _begin(peer)
    await peer.send_chunk(b'data: {"msg": "process_comp')
    peer.reset()


async def reset_before_the_head(peer: Peer) -> None:
    await peer.events()
    peer.server.forget(peer.request.session)
    peer.reset()


async def close_before_the_head(peer: Peer) -> None:
    await peer.events()
    peer.server.forget(peer.request.session)
    peer.close()


async def half_closed(peer: Peer) -> None:
    await _begin(peer)
    peer.half_close()
    await peer.gone()


async def clean_end(peer: Peer) -> None:
    await _begin(peer)
    await peer.send(LAST_CHUNK)


async def clean_end_at_once(peer: Peer) -> None:
    await peer.send(EVENT_STREAM + LAST_CHUNK)


async def cut_without_framing(peer: Peer) -> None:
    await peer.send(UNCHUNKED + started((await peer.events())[0]))
    peer.close()


async def garbage_framing(peer: Peer) -> None:
    await _begin(peer)
    await peer.send(b"zzzz\r\ngarbage")
    await peer.gone()


async def garbage_after_a_chunk(peer: Peer) -> None:
    await _begin(peer)
    await peer.send(b"3\r\n: \nnot the end of a chunk\r\n")
    await peer.gone()


async def not_http(peer: Peer) -> None:
    await peer.send(b"\x00\xff garbage\r\n\r\n")
    await peer.gone()


async def session_not_found(peer: Peer) -> None:
    await _begin(peer)
    await peer.send_chunk(
        message("unexpected_error", message="404: Session not found.", session_not_found=True)
    )
    peer.close()


async def gzipped(peer: Peer) -> None:
    body = gzip.compress(completed((await peer.events())[0], "x"))
    await peer.send(EVENT_STREAM.replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1))
    await peer.send_chunk(body)
    await peer.gone()


async def bomb(peer: Peer) -> None:
    body = gzip.compress(b"data: " + b"0" * 50_000_000)
    await peer.send(answer(body, "200 OK", "Content-Encoding: gzip", kind="text/event-stream"))


async def too_large(peer: Peer) -> None:
    await _begin(peer)
    while not peer.over:
        await peer.send_chunk(b"x" * (4 << 20))


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        (truncated_chunk, ConnectionLost, "broke"),
        (truncated_event, ConnectionLost, "broke"),
        (reset_mid_event, ConnectionLost, "broke"),
        # aiohttp may ask again for these, and then the session is gone.
        (reset_before_the_head, ConnectionLost, "broke|does not know the session"),
        (close_before_the_head, ConnectionLost, "broke|does not know the session"),
        (half_closed, ConnectionLost, "broke"),
        (clean_end, ConnectionLost, "cut"),
        (clean_end_at_once, ConnectionLost, "cut"),
        (cut_without_framing, ConnectionLost, "cut"),
        (garbage_framing, ConnectionLost, "broke"),
        (garbage_after_a_chunk, ConnectionLost, "broke"),
        (not_http, ConnectionLost, "broke"),
        (session_not_found, ConnectionLost, "does not know the session"),
        (gzipped, ProtocolError, "not asked for: gzip"),
        (bomb, ProtocolError, "not asked for: gzip"),
        (too_large, ProtocolError, "event of more than"),
        (answer(b"<html>hi</html>", kind="text/html"), ProtocolError, "has the type 'text/html'"),
        (answer({"a": 1}), ProtocolError, "has the type 'application/json'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ProtocolError, "has the type ''"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ProtocolError, "204"),
        (answer(b"nobody", "404 Not Found"), ProtocolError, "404.*nobody"),
        (answer(b"boom", "500 X"), ProtocolError, "500.*boom"),
        (answer(b"", "401 X"), AuthenticationError, "login"),
    ],
)
def test_a_lost_stream_fails_its_calls_at_once_and_no_later_one(
    server: FakeGradio,
    client: Client,
    script: Script,
    kind: type[RxGradioError],
    text: str,
) -> None:
    server.script("data", script, None)
    job = client.submit("x", api_name="/held")
    error = failure(job, kind)
    with pytest.raises(kind, match=text):
        job.result()
    if isinstance(error, ConnectionLost):
        assert error.sent
    assert works(client)
    assert len(server.asked("join")) == 3  # and none was repeated


def test_a_loss_ends_all_calls_of_the_stream_and_keeps_their_outputs(
    server: FakeGradio, client: Client
) -> None:
    lose = server.gate()

    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        for event in await peer.events(10):
            await peer.send_chunk(generating(event, event.data[0]))
        await lose.passed()
        peer.reset()

    server.script("data", stream, None)
    jobs = [client.submit(f"{n}", api_name="/held") for n in range(10)]
    iterators = [iter(job) for job in jobs]
    assert [next(iterator) for iterator in iterators] == [f"{n}" for n in range(10)]
    lose.open()
    for n, job in enumerate(jobs):
        failure(job, ConnectionLost)
        assert job.outputs() == [f"{n}"]
        with pytest.raises(ConnectionLost):
            next(iterators[n])
    assert len(server.asked("join")) == 10
    assert works(client)


def test_a_loss_ends_calls_whose_join_is_in_flight(server: FakeGradio, client: Client) -> None:
    lose = server.gate()

    async def stream(peer: Peer) -> None:
        await _begin(peer)
        await lose.passed()
        peer.reset()

    server.script("data", stream, None)
    server.script("join", None, Peer.gone, None)
    first = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    second = client.submit("y", api_name="/echo")
    server.until(lambda: len(server.asked("join")) == 2)
    lose.open()
    failure(first, ConnectionLost)
    assert "may or may not run" in str(failure(second, ConnectionLost))
    assert works(client)
    assert len(server.asked("join")) == 4


def test_a_client_survives_one_loss_after_another(server: FakeGradio, client: Client) -> None:
    server.script("data", *([reset_mid_event, None] * 10))
    for n in range(10):
        failure(client.submit("x", api_name="/held"), ConnectionLost)
        assert client.predict(f"{n}", api_name="/echo") == f"{n}"


@pytest.mark.parametrize("script", [reset_mid_event, truncated_chunk, garbage_framing])
def test_a_loss_is_told_to_its_calls_and_not_to_standard_error(
    server: FakeGradio, client: Client, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio logs a traceback for each failed future that nobody has asked for its error."""
    server.script("data", script)
    for _ in range(3):
        assert client.submit("x", api_name="/held").exception(SOON)
    server.script("data", None)
    assert works(client)
    gc.collect()
    loop_thread().run(asyncio.sleep(0)).result(SOON)
    gc.collect()
    assert [r.getMessage() for r in caplog.records if r.levelname in {"WARNING", "ERROR"}] == []


def test_a_lost_session_is_not_used_again_though_there_was_state_in_it(
    make_server: Callable[..., FakeGradio],
) -> None:
    server = make_server(state=True)
    server.script("data", reset_mid_event, None)
    with Client(server.url) as client:
        lost = failure(client.submit("x", api_name="/stateful"), ConnectionLost)
        assert "State" in str(lost.__notes__)
        assert client.predict("y", api_name="/stateful") == "y"
    sessions = {request.document["session_hash"] for request in server.asked("join")}
    assert len(sessions) == 2


def test_a_server_that_stops_says_so(server: FakeGradio, client: Client) -> None:
    async def stop(peer: Peer) -> None:
        await _begin(peer)
        await peer.send_chunk(
            message("unexpected_error", message="Server stopped unexpectedly.", success=False)
        )
        await peer.send(LAST_CHUNK)

    server.script("data", stop, None)
    failure(client.submit("x", api_name="/held"), ServerStopped)
    assert works(client)


# ---- opening it again


@pytest.mark.parametrize("status", ["503 X", "502 Bad Gateway", "504 X", "429 X"])
def test_a_stream_that_is_not_there_yet_is_asked_for_again(
    server: FakeGradio, client: Client, status: str
) -> None:
    server.script("data", *[answer(b"wait", status)] * 3, None)
    assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("data")) == 4
    assert len(server.asked("join")) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [("503 X", ProtocolError), ("429 X", TooManyRequestsError)]
)
def test_a_stream_that_never_comes_is_lost_in_the_end(
    server: FakeGradio,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    kind: type[RxGradioError],
) -> None:
    monkeypatch.setattr(session, "_MOST_OPENS", 4)  # with ten, it takes nine seconds
    server.script("data", answer(b"busy", status))
    failure(client.submit("x", api_name="/echo"), kind)
    assert len(server.asked("data")) == 5
    server.script("data", None)
    assert works(client)


@pytest.mark.parametrize("end", [Peer.close, Peer.reset, None])
def test_a_stream_that_stumbles_is_opened_again(
    server: FakeGradio, client: Client, end: Callable[[Peer], None] | None
) -> None:
    """What Gradio does when a cancelled event ends a second time."""

    async def stumble(peer: Peer) -> None:
        await _begin(peer)
        await peer.send_chunk(message("unexpected_error", message="'0123abcd'", success=False))
        if end is None:
            await peer.send(LAST_CHUNK)
        else:
            await peer.send(b"5\r\nda")
            end(peer)

    server.script("data", stumble, stumble, None)
    assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("data")) == 3
    assert len(server.asked("join")) == 1
    assert works(client)


def test_a_stream_that_stays_open_after_its_last_word_is_dropped(
    server: FakeGradio, client: Client
) -> None:
    dropped = threading.Event()
    slow = threading.Event()

    async def linger(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        await peer.send_chunk(completed(event, "x") + CLOSE_STREAM)
        start = asyncio.get_running_loop().time()
        await peer.gone()
        if not 0.5 < asyncio.get_running_loop().time() - start < 3.0:
            slow.set()
        dropped.set()

    server.script("data", linger, None)
    assert client.predict("x", api_name="/echo") == "x"
    assert not dropped.is_set()
    assert works(client)  # it is not waited for
    assert dropped.wait(SOON)
    assert not slow.is_set()
    assert works(client)


def test_an_endless_stream_after_the_last_word_is_dropped_too(
    server: FakeGradio, client: Client
) -> None:
    dropped = threading.Event()

    async def babble(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        await peer.send_chunk(completed(event, "x") + CLOSE_STREAM)
        try:
            while True:
                await peer.send_chunk(message("heartbeat"))
                await asyncio.sleep(0.01)
        finally:
            dropped.set()

    server.script("data", babble, None)
    assert client.predict("x", api_name="/echo") == "x"
    assert dropped.wait(SOON)
    assert works(client)


# ---- reading it


async def _end(peer: Peer) -> None:
    await peer.send(chunk(CLOSE_STREAM) + LAST_CHUNK)


def test_a_stream_may_be_cut_anywhere(server: FakeGradio, client: Client) -> None:
    async def bytewise(peer: Peer) -> None:
        [event] = await peer.events()
        body = started(event) + completed(event, "gänz, ✓, 𝄞") + CLOSE_STREAM
        for n in range(len(EVENT_STREAM)):
            await peer.send(EVENT_STREAM[n : n + 1])
        for n in range(len(body)):
            for byte in chunk(body[n : n + 1]):
                await peer.send(bytes([byte]))
        await peer.send(LAST_CHUNK)

    server.script("data", bytewise, None)
    assert client.predict("x", api_name="/held") == "gänz, ✓, 𝄞"
    assert works(client)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("pieces", ["whole", "bytes"])
def test_line_ends_comments_and_fields_are_those_of_the_standard(
    server: FakeGradio, client: Client, line_end: bytes, pieces: str
) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        first, second = json.dumps(json.loads(completed(event, "x")[6:]), indent=1).split("\n", 1)
        lines = ["\ufeff: a comment", "retry: 5", "id: 7", "event: message", f"data: {first}"]
        lines += [f"data:{line}" for line in second.split("\n")]
        lines += ["unheard-of: of", "dat", "", ":", "", "data: ", "", "", ""]
        body = line_end.join(line.encode() for line in lines)
        body += CLOSE_STREAM.replace(b"\n", line_end)
        if pieces == "whole":
            await peer.send_chunk(body)
        else:
            await peer.send(b"".join(chunk(body[n : n + 1]) for n in range(len(body))))
        await peer.send(LAST_CHUNK)

    server.script("data", stream, None)
    assert client.predict("x", api_name="/held") == "x"
    assert works(client)


def test_comments_and_heartbeats_are_no_news(server: FakeGradio, client: Client) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        for _ in range(100):
            await peer.send_chunk(b": ping\n\n" + message("heartbeat"))
        await peer.send_chunk(completed(event, "x"))
        await _end(peer)

    server.script("data", stream, None)
    job = client.submit("x", api_name="/held")
    assert job.result(SOON) == "x"
    seen: list[Any] = []
    ended = threading.Event()
    job.updates.subscribe(seen.append, on_completed=ended.set)
    assert ended.wait(SOON)
    assert [update.code for update in seen if update.type == "status"] == [
        Status.STARTING,
        Status.JOINING_QUEUE,
        Status.FINISHED,
    ]


@pytest.mark.parametrize("framing", ["chunked", "closed", "length"])
def test_a_huge_event_is_right(server: FakeGradio, client: Client, framing: str) -> None:
    text = "0123456789abcdef" * (1 << 20)  # 16 MB

    async def stream(peer: Peer) -> None:
        [event] = await peer.events()
        body = started(event) + completed(event, text) + CLOSE_STREAM
        if framing == "chunked":
            await peer.send(EVENT_STREAM + chunk(body) + LAST_CHUNK)
        elif framing == "closed":
            await peer.send(UNCHUNKED + body)
            peer.close()
        else:
            await peer.send(answer(body, kind="text/event-stream; charset=utf-8"))

    server.script("data", stream, None)
    with within(SOON):
        assert client.predict("x", api_name="/held") == text
    assert works(client)


# ---- messages that are none


def _to(event_id: str, rest: str) -> bytes:
    return f'data: {{"msg": "process_completed", "event_id": "{event_id}", {rest}\n\n'.encode()


BAD = [
    '"output": {"data": [',
    '"output": {"data": ["x", "y"]}, "success": true}',
    '"output": {"data": []}, "success": true}',
    '"output": {"data": "x"}, "success": true}',
    '"output": {"data": {"0": "x"}}, "success": true}',
    '"output": [], "success": true}',
    '"output": null, "success": true}',
    '"success": true}',
    '"output": {"data": [' + "[" * 100_000 + "]" * 100_000 + ']}, "success": true}',
    '"output": {"data": [' + "[" * 100_000,
]


@pytest.mark.parametrize("rest", BAD, ids=lambda rest: rest[:40])
def test_a_message_that_cannot_be_read_harms_only_its_own_call(
    server: FakeGradio, client: Client, rest: str
) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        first, second, third = await peer.events(3)
        await peer.send_chunk(completed(first, "1"))
        await peer.send_chunk(_to(second.event_id, rest))
        await peer.send_chunk(completed(third, "3"))
        await _end(peer)

    server.script("data", stream, None)
    jobs = [client.submit(f"{n}", api_name="/held") for n in range(3)]
    errors = [job.exception(SOON) for job in jobs]
    ids = [event.event_id for event in server.events]
    by_id = {event.event_id: jobs[int(event.data[0])] for event in server.events}
    assert by_id[ids[0]].result() == "1"
    assert by_id[ids[2]].result() == "3"
    failure(by_id[ids[1]], ProtocolError)
    assert sum(error is not None for error in errors) == 1
    assert works(client)


@pytest.mark.parametrize(
    "stray",
    [
        b"data: {not json\n\n",
        b"data: \xff\xfe\x00\n\n",
        b"data: []\n\n",
        b"data: null\n\n",
        b"data: " + b"[" * 200_000 + b"\n\n",
        b"data: {}\n\n",
        message("process_completed", "nobody", output={"data": ["foreign"]}, success=True),
        message("process_completed", None, output={"data": ["foreign"]}, success=True),
        message("unheard_of", "nobody", more=[1, 2]),
        message("unheard_of"),
        message("unexpected_error", "nobody", message="of somebody else"),
        b'data: {"msg": 5, "event_id": []}\n\n',
        b'data: {"msg": "log", "event_id": {}, "log": "x"}\n\n',
    ],
    ids=range(13),
)
def test_what_is_for_nobody_changes_nothing(
    server: FakeGradio, client: Client, stray: bytes
) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        await peer.send_chunk(stray)
        await peer.send_chunk(message("unheard_of", event.event_id) + stray)
        await peer.send_chunk(generating(event, "part") + stray)
        await peer.send_chunk(completed(event, "x") + stray)
        await peer.send_chunk(completed(event, "again"))
        await _end(peer)

    server.script("data", stream, None)
    job = client.submit("x", api_name="/held")
    assert job.result(SOON) == "x"
    assert job.outputs() == ["part"]
    assert works(client)


def test_text_that_is_no_utf8_is_replaced(server: FakeGradio, client: Client) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        [event] = await peer.events()
        await peer.send_chunk(completed(event, "a?b").replace(b"?", b"\xff"))
        await _end(peer)

    server.script("data", stream, None)
    assert client.predict("x", api_name="/held") == "a\ufffdb"


def test_an_error_of_the_stream_with_an_event_id_is_of_that_call(
    server: FakeGradio, client: Client
) -> None:
    async def stream(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        first, second = await peer.events(2)
        await peer.send_chunk(message("unexpected_error", first.event_id, message="broken"))
        await peer.send_chunk(completed(second, "fine"))
        await _end(peer)

    server.script("data", stream, None)
    jobs = [client.submit(f"{n}", api_name="/held") for n in range(2)]
    errors = [job.exception(SOON) for job in jobs]
    assert sum(isinstance(error, AppError) and "broken" in str(error) for error in errors) == 1
    assert errors.count(None) == 1
    assert works(client)
