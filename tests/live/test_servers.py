"""The servers that the live tests rely on do what those tests take for granted.

Nothing here uses rxgradio: it speaks to the servers by hand, so when a live test fails
this file tells whether the client or the server is not what it was.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.live.servers.by_hand import Session, events
from tests.live.servers.install import REQUIREMENTS, VERSIONS, _fingerprint
from tests.live.servers.run import Server, StartError
from tests.live.servers.values import JS, LOGS, growing, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROTOCOLS = {
    "3.36.1": "ws",
    "3.50.2": "ws",
    "4.8.0": "sse",
    "4.16.0": "sse_v1",
    "4.20.1": "sse_v2",
    "4.21.0": "sse_v2.1",
    "4.22.0": "sse_v3",
    "4.44.1": "sse_v3",
    "5.50.0": "sse_v3",
    "6.31.0": "sse_v3",
}
IN_FULL = {"ws", "sse", "sse_v1"}
OFFERED = {
    *("add", "echo", "two", "nothing", "many_defaults", "upd", "big", "batch", "direct"),
    *("file_out", "file_in", "file_copy", "file_copies", "file_digests", "chat_files"),
    *("image_copy", "image_frames", "image_pixels", "gallery", "audio_copy", "video_out"),
    *("path_in_json", "dup", "dup_1"),
    *("count", "tokens", "js", "chat", "progress", "progress_tqdm", "logs"),
    *("fail", "crash", "fail_mid"),
    *("state", "only_state", "recall", "state_between", "words_and_state"),
    *("forever", "sleep", "single", "single_gen", "gated", "gated_single", "gated_words"),
    *("open_gate", "ledger", "await_ledger"),
}


def major(server: Server) -> int:
    return int(server.version.split(".")[0])


def chunks(session: Session, name: str, *data: object) -> list[Any]:
    """Return the first output of every partial result, as sent."""
    made = events(session.call(name, *data), "process_generating")
    return [message["output"]["data"][0] for message in made]


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    with Session(server) as session:
        yield session


def newest(fresh_server: Callable[..., Server], **env: str) -> Server:
    return fresh_server(VERSIONS[-1], **env)


def test_each_server_is_the_release_it_says(server: Server, session: Session) -> None:
    assert session.config["version"].strip() == server.version
    assert session.protocol == PROTOCOLS[server.version]


def test_there_is_a_server_for_each_protocol() -> None:
    assert tuple(PROTOCOLS) == VERSIONS


def test_every_endpoint_is_offered_by_name(server: Server, session: Session) -> None:
    info = session.http.get(f"{server.api_url}/info").json()["named_endpoints"]
    offered = set(OFFERED)
    if major(server) >= 4:  # since when a function lends its name
        offered |= {"unnamed"}
    if major(server) >= 5:
        offered |= {"frames", "frames_briefly", "frame_digests"}
    if server.version in {"4.22.0", "4.44.1", "5.50.0", "6.31.0"}:
        offered |= {"message_digests"}
    if server.version not in {"4.44.1", "5.50.0", "6.31.0"}:  # which chat in messages
        offered |= {"chat_digests"}
    if server.version in {"3.36.1", "3.50.2", "4.8.0"}:  # which cannot hide any
        offered |= {"closed_api"}

    assert {name.removeprefix("/") for name in info} == offered
    assert session.fn_index("closed_api")


def test_a_default_belongs_to_its_parameter(server: Server, session: Session) -> None:
    add = session.http.get(f"{server.api_url}/info").json()["named_endpoints"]["/add"]
    told = [
        (p.get("parameter_name"), p.get("parameter_has_default"), p.get("parameter_default"))
        for p in add["parameters"]
    ]

    if server.version in {"4.44.1", "5.50.0", "6.31.0"}:
        assert told == [("a", False, None), ("b", True, 10)]
    else:  # parameters have no names, as far as one is told
        assert told == [(None, None, None)] * 2
        assert [p["label"] for p in add["parameters"]] == ["a", "b"]


def test_functions_answer(server: Server, session: Session) -> None:
    assert session.answer("echo", "hello") == ["hello"]
    assert session.answer("add", 1, 2) == [3]
    assert session.answer("two", "abc") == ["abc", 3]
    assert session.answer("nothing", "abc") == []
    assert session.answer("many_defaults", "x", 2, True) == ["a=x b=2 c=True"]
    if server.version != "4.8.0":  # whose queue does not survive it
        assert session.answer("batch", "one") == ["one of 1"]
    assert session.answer("dup", "x") == ["one x"]
    assert session.answer("dup_1", "x") == ["two x"]
    if major(server) >= 4:
        assert session.answer("unnamed", "x") == ["unnamed x"]
    assert session.answer("closed_api", "x") == ["closed x"]
    assert len(session.answer("big", 0.5)[0]) == 2**19
    assert session.answer("upd")[0] == {"__type__": "update", "value": "new", "visible": True}
    assert session.answer("direct", "x") == ["direct x"]
    assert session.direct("direct", "x").json()["data"] == ["direct x"]


def test_files_go_out_and_come_in(server: Server, session: Session) -> None:
    (out,) = session.answer("file_out")
    if major(server) == 3:
        url = f"{session.api_url}/file={out['name']}"
    else:
        url = out["url"] or f"{session.api_url}/file={out['path']}"
    assert session.http.get(url).text == "file content"

    upload = session.http.post(f"{session.api_url}/upload", files={"files": ("in.txt", b"hi")})
    (path,) = upload.json()
    if major(server) == 3:
        sent = {"name": path, "data": None, "orig_name": "in.txt", "is_file": True}
    else:
        sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert session.answer("file_in", sent) == ["hi"]


def test_text_streams_grow(session: Session) -> None:
    for name, data, word in [("count", [5], "word"), ("tokens", [5, 0.01], "token")]:
        first, *later = chunks(session, name, *data)
        texts = list(growing(word, 5))

        assert first == texts[0]
        if session.protocol in IN_FULL:
            assert later == texts[1:]
        else:
            assert later == [[["append", [], new[len(old) :]]] for old, new in pairwise(texts)]


@pytest.mark.parametrize("kind", JS)
def test_structured_values_are_sent_as_differences(session: Session, kind: str) -> None:
    first, *later = chunks(session, "js", kind)

    assert first == JS[kind][0]
    if session.protocol in IN_FULL:
        assert later == JS[kind][1:]
    else:
        assert len(later) == len(JS[kind]) - 1
        assert all(action for edits in later for action, _, _ in edits)
    assert session.answer("js", kind) == [JS[kind][-1]]


def test_elements_of_nested_lists_are_deleted_by_differences(session: Session) -> None:
    if session.protocol in IN_FULL:
        assert chunks(session, "js", "nested")[1] == [[1], [3]]
        return
    _, shrunk, *_ = chunks(session, "js", "nested")

    assert [(action, path[0], len(path)) for action, path, _ in shrunk] == [
        ("delete", 0, 2),
        ("delete", 1, 2),
    ]


def test_chat_streams_its_reply_into_the_history(server: Server, session: Session) -> None:
    emptied, history = session.answer("chat", "good day", [])

    assert emptied == ""
    if server.version in {"4.44.1", "5.50.0", "6.31.0"}:
        assert [m["role"] for m in history] == ["user", "assistant"]
        assert reply("good day") in json.dumps(history[1]["content"])
    else:
        assert history == [["good day", reply("good day")]]


def test_progress_is_reported(session: Session) -> None:
    for name, done, unit in [
        ("progress", "4 steps", "steps"),
        ("progress_tqdm", "4 things", "things"),
    ]:
        messages = session.call(name, 4)
        reports = [m["progress_data"][0] for m in messages if m["msg"] == "progress"]

        assert messages[-1]["output"]["data"] == [done]
        assert {report["unit"] for report in reports} == {unit}
        assert {report["length"] for report in reports} == {4}


def test_logs_arrive_in_order(session: Session) -> None:
    messages = session.call("logs")

    assert [(m["level"], m["log"]) for m in messages if m["msg"] == "log"] == LOGS
    assert messages[-1]["output"]["data"] == ["logged"]


def test_failures_say_what_the_app_lets_them(session: Session) -> None:
    assert "told you so" in session.call("fail")[-1]["output"]["error"]
    assert session.call("crash")[-1]["output"]["error"] is None

    *_, one, end = session.call("fail_mid", 2)
    assert one["msg"] == "process_generating"
    assert "half-way" in end["output"]["error"]
    assert end["success"] is False


def test_state_fills_its_slots_and_lasts_for_the_session(session: Session) -> None:
    assert session.answer("state", "x", None) == [1, None]
    assert session.answer("state", "x", None) == [2, None]

    assert session.answer("only_state", "kept", None) == [None]
    assert session.answer("recall", None) == ['["kept"]']

    assert session.answer("state_between", "x", None, 4) == [None, "x #0", None, 8]
    assert session.answer("state_between", "x", None, 5) == [None, "x #1", None, 10]

    # One session may tell what another has, but not what it is.
    assert session.answer("words_and_state", 2, None) == ["call 0: word 0 word 1", None]
    assert session.answer("words_and_state", 1, None)[0] in {"call 1: word 0", "call 2: word 0"}


def test_a_stopped_generator_is_closed(server: Server, session: Session) -> None:
    """Each release has its own way to be told; `test_wire` is about them."""
    with session.start("forever", session.hash, 10_000, 0.01) as call:
        call.until("process_generating")
        if server.version in {"4.44.1", "5.50.0", "6.31.0"}:
            session.cancel("forever", call.event_id)
            assert call.until("process_completed")["output"] == {}
        elif session.protocol != "ws":
            assert session.reset(call.event_id).json() == {"success": True}
    if server.version == "4.44.1":
        # It is never advanced again, and not told either.
        assert "finished" not in server.ledger(session.hash)
    else:
        assert server.await_ledger(session.hash, "closed")[-1] == "closed"
    with Session(server) as other:
        told = other.answer("ledger", session.hash)[0]
    assert json.loads(told) == server.ledger(session.hash)


def test_runs_wait_at_gates(server: Server, session: Session) -> None:
    with session.start("gated", session.hash) as call:
        call.until("process_starts")
        assert server.await_ledger(session.hash, "started") == ["started"]
        server.open_gate(session.hash)
        assert call.until("process_completed")["output"]["data"] == [f"{session.hash} went through"]
    server.await_ledger(session.hash, "finished")

    tag = f"{session.hash}-words"
    first, second, third = growing("word", 3)
    with session.start("gated_words", tag, 3) as call:
        call.until("process_starts")
        for words in (first, second):
            assert words not in server.ledger(tag)
            server.open_gate(tag)
            call.until("process_generating")
        server.open_gate(tag)
        assert call.until("process_completed")["success"] is True
    assert server.ledger(tag) == ["started", first, second, third, "finished"]


def test_gates_and_ledgers_are_no_matter_of_the_queue(server: Server, session: Session) -> None:
    for name in ("open_gate", "ledger", "await_ledger"):
        index = session.fn_index(name)
        assert session.config["dependencies"][index]["queue"] is False
    assert session.direct("ledger", "nobody").json()["data"] == ["[]"]


def test_one_run_at_a_time_waits_its_turn(fresh_server: Callable[..., Server]) -> None:
    """Of all runs on 3.x, which knows no limit for one endpoint."""
    for version in ("3.50.2", VERSIONS[-1]):
        server = fresh_server(version, APP_CONCURRENCY="1")
        with ExitStack() as stack:
            one, two = (stack.enter_context(Session(server)) for _ in range(2))
            first = stack.enter_context(one.start("gated_single", "one"))
            first.until("process_starts")
            second = stack.enter_context(two.start("gated_single", "two"))
            assert second.until("estimation")["rank"] == 0
            server.open_gate("one")
            first.until("process_completed")
            server.open_gate("two")
            second.until("process_completed")
        assert server.ledger("one") == server.ledger("two") == ["started", "finished"]
        server.stop()


def test_many_runs_sleep_side_by_side(server: Server) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(server)) for _ in range(10)]
        calls = [stack.enter_context(s.start("gated", s.hash)) for s in sessions]
        for session, call in zip(sessions, calls, strict=True):
            call.until("process_starts")
            assert server.await_ledger(session.hash, "started") == ["started"]
        for session, call in zip(sessions, calls, strict=True):
            server.open_gate(session.hash)
            call.until("process_completed")


def test_streams_are_fed_frame_by_frame(server: Server, session: Session) -> None:
    if major(server) < 5:
        assert "frames" not in {d["api_name"] for d in session.config["dependencies"]}
        return
    frames = session.config["dependencies"][session.fn_index("frames")]
    assert frames["connection"] == "stream"
    assert (frames["time_limit"], frames["stream_every"]) == (60, 0.05)

    with session.start("frames", "a", None) as call:
        said = [call.until("process_streaming")["output"]["data"]]
        session.post(f"/stream/{call.event_id}", session.body("frames", "b", None))
        said.append(call.until("process_streaming")["output"]["data"])
        session.post(f"/stream/{call.event_id}/close", {})
        call.until("process_completed")
    assert said == [["frame 0: a", None], ["frame 1: b", None]]


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2"])
def test_an_app_may_have_no_queue(fresh_server: Callable[..., Server], version: str) -> None:
    with Session(fresh_server(version, APP_QUEUE="0")) as session:
        assert session.config["enable_queue"] is False
        assert session.direct("add", 1, 2).json()["data"] == [3]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_app_may_be_mounted(fresh_server: Callable[..., Server], version: str) -> None:
    server = fresh_server(version, APP_ROOT="/some/app")
    with Session(server) as session:
        assert server.url.endswith("/some/app")
        assert session.answer("add", 1, 2) == [3]
    server.stop()


def test_a_tiny_queue_is_soon_full(fresh_server: Callable[..., Server]) -> None:
    with Session(newest(fresh_server, APP_MAX_SIZE="1")) as session:
        answers = [session.join("single", "tag", 5).status_code for _ in range(4)]

    assert answers[0] == 200
    assert answers[-1] == 503


def test_a_server_can_demand_a_login(fresh_server: Callable[..., Server]) -> None:
    server = newest(fresh_server, APP_AUTH="ada:secret")
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get("/config").status_code == 401
        assert http.post("/login", data={"username": "ada", "password": "no"}).status_code == 400
        http.post("/login", data={"username": "ada", "password": "secret"}).raise_for_status()
        assert http.get("/config").status_code == 200


def test_a_killed_server_comes_back_at_its_address(fresh_server: Callable[..., Server]) -> None:
    server = newest(fresh_server)
    url = server.url
    with Session(server) as before:
        before.join("sleep", "tag", 60)
        server.await_ledger("tag", "started")
        server.kill()
        with pytest.raises(httpx.TransportError):
            before.join("echo", "anyone?")
        assert server.ledger("tag") == ["started"]

    server.start()
    assert server.url == url
    with Session(server) as after:
        assert after.answer("echo", "back") == ["back"]
        assert after.config["app_id"] != before.config["app_id"]


def test_a_server_ends_with_its_parent(fresh_server: Callable[..., Server]) -> None:
    server = newest(fresh_server)
    with Session(server) as session:
        session.join("sleep", "tag", 60)
        server.await_ledger("tag", "started")
    # All that the death of the parent does.
    server._process.stdin.close()

    assert server._process.wait(10) == 0


def test_what_is_installed_beside_makes_an_environment_of_its_own() -> None:
    requirements = REQUIREMENTS / "6.31.0.txt"
    assert _fingerprint(requirements, ()) != _fingerprint(requirements, ["orjson"])


def test_a_server_that_cannot_start_says_why(fresh_server: Callable[..., Server]) -> None:
    with pytest.raises(StartError, match="invalid literal"):
        newest(fresh_server, APP_MAX_SIZE="many")
