"""What the client believes of each generation of servers, asked of the servers themselves.

Nothing here uses rxgradio. A failure means that a server does not do what a machine in
`rxgradio/protocol` was written for: another release was installed, or the belief was wrong.
Every fact is stated for each release, as they differ in all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.live.servers.by_hand import Call, Message, Session, SocketCall
from tests.live.servers.install import VERSIONS
from tests.live.servers.run import Server
from tests.live.servers.values import growing

Servers = Callable[..., Server]

WEBSOCKETS = {"3.36.1", "3.50.2"}
SESSIONS = set(VERSIONS) - WEBSOCKETS - {"4.8.0"}
"""Which have one stream for all calls of a session."""
RESUMES = {"4.20.1", "4.21.0", "4.22.0"}
"""Which do not notice that a stream was dropped."""
CANCELS = {"4.44.1", "5.50.0", "6.31.0"}
"""Which have `/cancel`; those before have `/reset`, as far as it goes."""
RESETS = set(VERSIONS) - WEBSOCKETS - CANCELS
SILENCE = 2.0
"""Seconds without a word that count as silence; a server that speaks does so within a tenth."""


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    with Session(server) as session:
        yield session


@pytest.fixture
def other(server: Server) -> Iterator[Session]:
    with Session(server) as session:
        yield session


@pytest.fixture(scope="module", params=VERSIONS)
def narrow(request: pytest.FixtureRequest, servers: Any) -> Iterator[Server]:
    """A server that runs one call at a time, while two may wait."""
    python = servers.python(request.param)
    with Server(python, request.param, APP_CONCURRENCY="1", APP_MAX_SIZE="2") as server:
        yield server


def of(*versions: str) -> pytest.MarkDecorator:
    """Run a test on these versions, of all that `server` or `narrow` would run it on."""
    return pytest.mark.parametrize("server", sorted(versions), indirect=True)


def quiet(call: Call) -> list[Message]:
    """Return what a server says before it falls silent with the stream left open."""
    heard: list[Message] = []
    with pytest.raises(httpx.ReadTimeout):
        heard.extend(call)
    return [message for message in heard if message["msg"] != "heartbeat"]


def until_broken(call: Call) -> list[Message]:
    """Return what a server says before its answer breaks off."""
    heard: list[Message] = []
    with pytest.raises(httpx.RemoteProtocolError):
        heard.extend(call)
    return heard


def refusal(session: Session) -> Message:
    """Return what a server says that does not open a stream again.

    It takes a moment to forget a session whose call it has closed; until then, it opens a stream
    on which nothing comes.
    """
    deadline = time.monotonic() + 60
    while True:
        with session.stream(SILENCE) as again:
            try:
                heard = until_broken(again)
            except httpx.ReadTimeout:
                assert time.monotonic() < deadline, "it is not refused"
                continue
        (error,) = heard
        return error


def in_second_step(session: Session) -> Call:
    """Start a generator of three steps, and let it go on to where it waits in the second."""
    tag = session.hash
    call = session.start("gated_words", tag, 3)
    call.until("process_starts")
    session.server.open_gate(tag)
    call.until("process_generating")
    # Told before the second step is begun.
    session.server.await_ledger(f"{tag} at the gate", [*growing("word", 3)][1])
    return call


def started(session: Session, name: str, tag: str, *data: object) -> Call:
    """Make a call, and wait until its function runs."""
    call = session.start(name, tag, *data)
    call.until("process_starts")
    session.server.await_ledger(tag, "started")
    return call


# What becomes of a call whose client vanishes


def test_a_generator_is_closed_or_goes_on(server: Server, session: Session) -> None:
    with session.start("forever", session.hash, 40, 0.05) as call:
        call.until("process_generating")
    if server.version in RESUMES:
        assert "closed" not in server.await_ledger(session.hash, "finished")
    else:
        assert "finished" not in server.await_ledger(session.hash, "closed")


def test_a_function_runs_to_its_end(server: Server, session: Session) -> None:
    with started(session, "gated", session.hash):
        pass
    server.open_gate(session.hash)
    assert server.await_ledger(session.hash, "finished") == ["started", "finished"]


def test_a_call_that_waits_is_removed_or_runs_later(narrow: Server) -> None:
    with ExitStack() as stack:
        running, waiting, last = (stack.enter_context(Session(narrow)) for _ in range(3))
        busy = stack.enter_context(started(running, "gated_single", running.hash))
        with waiting.start("gated_single", waiting.hash) as dropped:
            dropped.until("estimation")
        behind = stack.enter_context(last.start("gated_single", last.hash))
        rank = behind.until("estimation")["rank"]
        # It is gone once those behind it move up. 3.x drops it only when its turn has come.
        while rank and narrow.version not in RESUMES | WEBSOCKETS:
            rank = behind.until("estimation")["rank"]
        narrow.open_gate(waiting.hash)
        narrow.open_gate(running.hash)
        busy.until("process_completed")
        narrow.open_gate(last.hash)
        behind.until("process_completed")
        ran = narrow.version in RESUMES
        assert narrow.ledger(waiting.hash) == (["started", "finished"] if ran else [])


@of(*SESSIONS)
def test_a_stream_that_is_opened_again_goes_on_or_is_refused(
    server: Server, session: Session
) -> None:
    tag = session.hash
    with session.start("forever", tag, 40, 0.05) as call:
        heard = [call.until("process_generating")]
    if server.version not in RESUMES:
        server.await_ledger(tag, "closed")
        error = refusal(session)
        assert error["msg"] == "unexpected_error"
        assert error["message"] in {"404: Session not found.", "404: Not Found"}
        assert error.get("session_not_found", False) is (server.version >= "5")
        return
    with session.stream() as again:
        heard += list(again)
    words = [m for m in heard if m["msg"] == "process_generating"]
    assert len(words) == 40
    assert heard[40]["output"]["data"] == ["tick 39"]


@of(*SESSIONS)
def test_a_session_that_lost_its_stream_works_but_its_streams_do_not_end(
    server: Server, session: Session
) -> None:
    with session.start("forever", session.hash, 40, 0.05) as call:
        call.until("process_generating")
    if server.version not in RESUMES:
        server.await_ledger(session.hash, "closed")
    session.join("echo", "still there?").raise_for_status()
    with session.stream(SILENCE) as stream:
        while stream.until("process_completed")["output"]["data"] != ["still there?"]:
            pass
        if server.version in RESUMES:
            list(stream)
        else:
            assert quiet(stream) == []


# Cancelling on 3.x: closing the socket, or the app's own button


@of(*WEBSOCKETS, "4.8.0")
def test_a_call_that_was_not_given_its_data_does_not_run(server: Server, session: Session) -> None:
    with session.start("gated", session.hash) as call:
        call.until("send_data")
    with session.start("gated", f"{session.hash}-next") as call:
        call.until("process_starts")
        server.open_gate(f"{session.hash}-next")
        call.until("process_completed")
    assert server.ledger(session.hash) == []


@of(*WEBSOCKETS, "4.8.0")
def test_a_call_that_was_given_its_data_runs_without_its_client(
    server: Server, session: Session
) -> None:
    with session.start("gated", session.hash) as call:
        call.until("send_data")
        call.answer()
        server.await_ledger(session.hash, "started")
    server.open_gate(session.hash)
    assert server.await_ledger(session.hash, "finished") == ["started", "finished"]


@of(*WEBSOCKETS)
def test_a_socket_is_closed_after_the_end_and_cut_at_a_call_of_nothing(session: Session) -> None:
    with session.start("echo", "x") as call:
        *_, last = call
        assert isinstance(call, SocketCall)
        assert last["output"]["data"] == ["x"]
        assert call.closed == 1000
    url = f"{session.api_url}/queue/join".replace("http", "ws", 1)
    with SocketCall(url, {}, {"fn_index": 1_000, "session_hash": session.hash}) as call:
        assert [message["msg"] for message in call] == ["send_hash"]
        assert call.closed != 1000


def test_the_apps_own_stop_button_ends_calls_without_a_word(server: Server) -> None:
    with Session(server, patience=SILENCE) as session:
        tag = session.hash
        stop = session.find(lambda dependency: dependency["cancels"])
        call = in_second_step(session)
        body = {"data": [], "fn_index": stop, "session_hash": session.hash}
        answer = session.post("/run/predict", body)
        server.open_gate(tag, 2)
        # Its page is expected to post to `/cancel` where there is that.
        assert answer.status_code == (500 if server.version in CANCELS else 200)
        if server.version in CANCELS:
            assert call.until("process_completed")["output"]["data"] == [[*growing("word", 3)][-1]]
        elif server.version in WEBSOCKETS:
            assert isinstance(call, SocketCall)
            assert (list(call), call.closed) == ([], 1000)
        else:
            assert quiet(call) == []
        call.drop()


@of(*WEBSOCKETS)
def test_two_runs_of_a_generator_in_one_session_of_3_spoil_each_other(session: Session) -> None:
    tags = [f"{session.hash}-{n}" for n in range(2)]
    with (
        session.start("forever", tags[0], 10, 0.1) as one,
        session.start("forever", tags[1], 10, 0.1) as two,
    ):
        one.until("process_generating")
        two.until("process_starts")
        first = [message["output"]["data"] for message in one if "output" in message]
        (second,) = (message["output"] for message in two if "output" in message)
    assert ["tick 0"] in first, "it has begun again"
    assert second == {"error": None}


@of(*set(VERSIONS) - WEBSOCKETS - SESSIONS)
def test_two_runs_of_a_generator_in_one_session_are_two_since_4(
    server: Server, session: Session
) -> None:
    tags = [f"{session.hash}-{n}" for n in range(2)]
    with (
        session.start("forever", tags[0], 10, 0.05) as one,
        session.start("forever", tags[1], 10, 0.05) as two,
    ):
        one.until("process_generating")
        two.until("process_starts")
        for call in (one, two):
            assert call.until("process_completed")["output"]["data"] == ["tick 9"]
    for tag in tags:
        assert server.ledger(tag) == ["started", *(f"tick {n}" for n in range(10)), "finished"]


# Cancelling on 4.0 to 4.30: /reset


@of(*RESETS)
def test_a_reset_ends_a_generator_that_has_yielded(server: Server, session: Session) -> None:
    tag, session.patience = session.hash, SILENCE
    with in_second_step(session) as call:
        # Which is let end.
        assert session.reset(call.event_id).json() == {"success": True}
        server.open_gate(tag)
        server.await_ledger(tag, "closed")
        assert session.reset(call.event_id).json() == {"success": False}
        if server.version == "4.8.0":
            assert list(call) == []
        else:  # nothing is said of the end, and the stream is left open
            assert quiet(call) == []


@of(*RESETS)
def test_a_reset_of_anything_else_is_refused_and_changes_nothing(
    server: Server, session: Session, other: Session
) -> None:
    tag = session.hash
    with session.start("gated_words", tag, 3) as call:
        call.until("process_starts")
        server.await_ledger(tag, "started")
        assert session.reset(call.event_id).json() == {"success": False}, "before it yields"
        server.open_gate(tag, 3)
        assert call.until("process_completed")["output"]["data"] == [[*growing("word", 3)][-1]]
    with started(session, "gated", tag) as call:
        assert session.reset(call.event_id).json() == {"success": False}, "a plain function"
        server.open_gate(tag)
        assert call.until("process_completed")["success"] is True
    if server.version == "4.8.0":  # which tells no id to those who wait
        return
    tags = [f"{tag}-busy", f"{tag}-waiting"]
    with (
        started(session, "gated_single", tags[0]) as busy,
        other.start("gated_single", tags[1]) as call,
    ):
        call.until("estimation")
        assert other.reset(call.event_id).json() == {"success": False}, "one that waits"
        for each in tags:
            server.open_gate(each)
        busy.until("process_completed")
        assert call.until("process_completed")["success"] is True


@of(*CANCELS)
def test_a_reset_is_granted_by_later_servers_and_does_nothing(
    server: Server, session: Session
) -> None:
    tag = session.hash
    with session.start("gated_words", tag, 2) as call:
        call.until("process_starts")
        server.open_gate(tag)
        call.until("process_generating")
        assert session.reset(call.event_id).json() == {"success": True}
        server.open_gate(tag)
        assert call.until("process_completed")["output"]["data"] == ["word 0 word 1"]


@of(*WEBSOCKETS)
def test_a_reset_starts_a_generator_of_3_again(server: Server, session: Session) -> None:
    tag = session.hash
    with session.start("forever", tag, 8, 0.1) as call:
        call.until("process_generating")
        body = {"fn_index": session.fn_index("forever"), "session_hash": tag}
        assert session.post("/reset", body).json() == {"success": True}
        call.until("process_completed")
    assert server.ledger(tag).count("tick 0") == 2


@of(*RESETS)
def test_there_is_no_cancel_before_4_31(session: Session) -> None:
    assert session.cancel("echo", "event-1").status_code == 404


# Cancelling since 4.31: /cancel


@of(*CANCELS)
def test_a_cancel_ends_all_calls_of_the_endpoint_and_tells_one(
    server: Server, session: Session, other: Session
) -> None:
    tags = [f"{session.hash}-{n}" for n in range(4)]
    named, sibling = (session.join("gated", tag).json()["event_id"] for tag in tags[:2])
    cousin = session.join("gated_words", tags[2], 1).json()["event_id"]
    with other.start("gated", tags[3]) as stranger, session.stream(SILENCE) as stream:
        for tag in tags:
            server.await_ledger(tag, "started")
        assert session.cancel("gated", named).json() == {"success": True}
        ended = stream.until("process_completed")
        assert (ended["event_id"], ended["output"], ended["success"]) == (named, {}, True)
        for tag in tags:
            server.open_gate(tag)
            server.await_ledger(tag, "finished")
        assert stranger.until("process_completed")["output"]["data"]
        told = stream.until("process_completed")
        assert (told["event_id"], told["output"]["data"]) == (cousin, ["word 0"])
        assert quiet(stream) == [], f"nothing of {sibling}"


@of(*CANCELS)
def test_a_cancel_may_wait_for_the_steps_of_this_and_other_generators(
    server: Server, session: Session, other: Session
) -> None:
    """Since 5.x the steps are waited for with a lock held that there is one of (`app.lock`)."""
    waits = server.version != "4.44.1"
    with ThreadPoolExecutor(2) as threads, ExitStack() as stack:
        calls: list[Call] = []
        answers: list[Future[httpx.Response]] = []
        for each in (session, other):
            stack.callback(server.open_gate, each.hash, 3)
            calls.append(stack.enter_context(in_second_step(each)))
            answers.append(threads.submit(each.cancel, "gated_words", calls[-1].event_id))
            assert answered(answers[-1]) is not waits
        server.open_gate(other.hash)
        assert answered(answers[1]) is not waits, "its own step is done"
        server.open_gate(session.hash)
        for call, answer in zip(calls, answers, strict=True):
            assert answer.result(10).json() == {"success": True}
            assert call.until("process_completed")["output"] == {}


def answered(answer: Future[httpx.Response]) -> bool:
    return bool(wait([answer], SILENCE).done)


@of(*CANCELS)
def test_a_generator_that_is_cancelled_before_it_yields_is_abandoned(
    server: Server, session: Session
) -> None:
    tag = session.hash
    with started(session, "gated_words", tag, 2) as call:
        assert session.cancel("gated_words", call.event_id).json() == {"success": True}
        assert call.until("process_completed")["output"] == {}
    server.open_gate(tag, 2)
    # Its first step goes on to the end, and there is no second.
    assert server.await_ledger(tag, "word 0") == ["started", "word 0"]


@of(*CANCELS)
def test_a_cancelled_call_that_waits_is_removed_or_runs_later(
    server: Server, session: Session, other: Session
) -> None:
    tags = [f"{session.hash}-{n}" for n in range(3)]
    with started(other, "gated_single", tags[0]) as busy:
        with session.start("gated_single", tags[1]) as call:
            call.until("estimation")
            assert session.cancel("gated_single", call.event_id).json() == {"success": True}
            assert call.until("process_completed")["output"] == {}
        for tag in tags:
            server.open_gate(tag)
        busy.until("process_completed")
    with Session(server) as third, third.start("gated_single", tags[2]) as call:
        call.until("process_completed")
    removed = server.version == "6.31.0"
    assert server.ledger(tags[1]) == ([] if removed else ["started", "finished"])


@of(*CANCELS)
def test_a_second_cancel_spoils_the_next_stream(server: Server, session: Session) -> None:
    event_id = session.join("gated", session.hash).json()["event_id"]
    server.await_ledger(session.hash, "started")
    for _ in range(2):
        assert session.cancel("gated", event_id).json() == {"success": True}
    server.open_gate(session.hash)
    with session.stream() as stream:
        assert stream.until("process_completed")["event_id"] == event_id
        list(stream)
    session.join("echo", "next").raise_for_status()
    with session.stream() as stream:
        stale = next(stream)
        assert (stale["msg"], stale["event_id"]) == ("process_completed", event_id)
        if server.version == "4.44.1":
            (error,) = until_broken(stream)
            assert (error["msg"], error["message"]) == ("unexpected_error", f"'{event_id}'")
        else:
            assert stream.until("process_completed")["output"]["data"] == ["next"]


# The queue


def test_a_full_queue_is_told_by_a_message_or_a_status(narrow: Server) -> None:
    tag = "full"
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(narrow)) for _ in range(4)]
        calls = [stack.enter_context(started(sessions[0], "gated_single", tag))]
        for session in sessions[1:3]:
            calls.append(stack.enter_context(session.start("gated_single", tag)))
            calls[-1].until("estimation")
        if narrow.version in SESSIONS:
            answer = sessions[3].join("gated_single", tag)
            assert answer.status_code == 503
            assert answer.json()["detail"] == "Queue is full. Max size is 2 and size is 2."
        else:
            refused = stack.enter_context(sessions[3].start("gated_single", tag))
            assert [m["msg"] for m in refused if m["msg"] != "send_hash"] == ["queue_full"]
        narrow.open_gate(tag, 3)
        for call in calls:
            call.until("process_completed")


@of(*SESSIONS)
def test_what_was_said_before_the_stream_opened_is_kept(server: Server, session: Session) -> None:
    event_id = session.join("forever", session.hash, 3, 0).json()["event_id"]
    server.await_ledger(session.hash, "finished")
    with session.stream() as stream:
        heard = [message for message in stream if message["msg"] != "close_stream"]
    assert {message["event_id"] for message in heard} == {event_id}
    assert [m["msg"] for m in heard if m["msg"] != "estimation"] == [
        "process_starts",
        *["process_generating"] * 3,
        "process_completed",
    ]


@of(*SESSIONS)
def test_a_session_without_calls_has_no_stream(server: Server, session: Session) -> None:
    with session.stream() as stream:
        (error,) = list(stream) if server.version in RESUMES else until_broken(stream)
    assert error["msg"] == "unexpected_error"


def test_state_has_a_slot_in_the_data(session: Session) -> None:
    (*_, failed) = session.call("state", "x")
    assert failed["msg"] == "process_completed"
    assert failed["output"]["error"] is None


def test_a_batch_stops_the_queue_of_4_8(fresh_server: Servers) -> None:
    """It says that the call is the next, and it is so for ever."""
    server = fresh_server("4.8.0")
    for name in ("batch", "echo", "echo"):
        with Session(server, patience=SILENCE) as session, session.start(name, "x") as call:
            (estimation,) = quiet(call)
            assert (estimation["msg"], estimation["rank"]) == ("estimation", 0)


# Without the queue


def test_a_direct_post_gives_the_first_of_a_generator(session: Session) -> None:
    for _ in range(2):
        answer = session.direct("count", 3).json()
        assert answer["data"] == ["word 0"]
        assert answer["is_generating"] is True


def test_a_direct_post_works_for_what_has_a_queue(server: Server, session: Session) -> None:
    assert session.direct("add", 1, 2).json()["data"] == [3]
    answer = session.direct("fail")
    assert answer.status_code == 500
    quoted = server.version < "5"
    assert answer.json()["error"] == ("'told you so'" if quoted else "told you so")


# Streams of frames


@of("5.50.0", "6.31.0")
def test_a_stream_of_frames_takes_no_more_after_its_end(server: Server, session: Session) -> None:
    with session.start("frames_briefly", "a") as call:
        first = call.until("process_streaming")
        assert 0 < first["time_limit"] <= 1
        assert call.until("process_completed")["output"]["data"] == ["frame: a"]
        late = session.post(f"/stream/{call.event_id}", session.body("frames_briefly", "b"))
        assert late.status_code in {200, 404}  # on 6.31 it may be a moment too early for 404
        assert [m["msg"] for m in call] == ["close_stream"]


@of("5.50.0", "6.31.0")
def test_a_stream_of_frames_is_cancelled_like_any_call(session: Session) -> None:
    with session.start("frames", "a", None) as call:
        call.until("process_streaming")
        assert session.cancel("frames", call.event_id).json() == {"success": True}
        assert call.until("process_completed")["output"] == {}
