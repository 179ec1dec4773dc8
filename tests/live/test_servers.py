"""The servers that the live tests rely on do what those tests take for granted.

Nothing here uses rxgradio: it speaks to the servers by hand, so when a live test fails
this file tells whether the client or the server is not what it was.
"""

from __future__ import annotations

import json
import uuid
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from tests.live.servers.install import VERSIONS
from tests.live.servers.run import Server, StartError
from tests.live.servers.values import JS, LOGS, growing, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OFFERED = {
    *("add", "echo", "two", "nothing", "many_defaults", "upd", "big", "batch"),
    *("file_out", "file_in", "dup", "dup_1", "unnamed"),
    *("count", "tokens", "js", "chat", "progress", "progress_tqdm", "logs"),
    *("fail", "crash", "fail_mid", "state", "only_state", "recall", "state_between"),
    *("forever", "sleep", "single", "single_gen", "ledger", "await_ledger"),
}
Message = dict[str, Any]


class Session:
    """One session of a server, in plain HTTP."""

    def __init__(self, server: Server) -> None:
        self.hash = uuid.uuid4().hex
        self.http = httpx.Client(timeout=30, trust_env=False)
        self.url, self.api_url = server.url, server.api_url

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.http.get(f"{self.url}/config").raise_for_status().json()

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def fn_index(self, name: str) -> int:
        """Return the id of an endpoint, which counts those that are not offered too."""
        (found,) = [d["id"] for d in self.config["dependencies"] if d["api_name"] == name]
        return found

    def join(self, name: str, *data: object) -> httpx.Response:
        body = {"data": data, "fn_index": self.fn_index(name), "session_hash": self.hash}
        return self.http.post(f"{self.api_url}/queue/join", json=body)

    def messages(self) -> Iterator[Message]:
        """Read the stream of the session until the server closes it."""
        url, params = f"{self.api_url}/queue/data", {"session_hash": self.hash}
        with self.http.stream("GET", url, params=params) as response:
            for line in response.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {"msg": None}
                if message["msg"] == "close_stream":
                    return
                if message["msg"]:
                    yield message

    def call(self, name: str, *data: object) -> list[Message]:
        self.join(name, *data).raise_for_status()
        return list(self.messages())

    def answer(self, name: str, *data: object) -> list[Any]:
        return self.call(name, *data)[-1]["output"]["data"]

    def chunks(self, name: str, *data: object) -> list[Any]:
        """Return the first output of every partial result, as sent."""
        messages = self.call(name, *data)
        return [m["output"]["data"][0] for m in messages if m["msg"] == "process_generating"]

    def cancel(self, name: str, event_id: str) -> None:
        body = {"session_hash": self.hash, "fn_index": self.fn_index(name), "event_id": event_id}
        self.http.post(f"{self.api_url}/cancel", json=body).raise_for_status()


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    with Session(server) as session:
        yield session


def newest(fresh_server: Callable[..., Server], **env: str) -> Server:
    return fresh_server(VERSIONS[-1], **env)


def test_each_server_is_the_release_it_says(server: Server, session: Session) -> None:
    assert session.config["version"] == server.version
    assert session.config["protocol"] == "sse_v3"


def test_every_endpoint_is_offered_by_name(server: Server, session: Session) -> None:
    info = session.http.get(f"{server.api_url}/info").json()["named_endpoints"]

    assert {name.removeprefix("/") for name in info} == OFFERED
    assert session.fn_index("closed_api")


def test_a_default_belongs_to_its_parameter(server: Server, session: Session) -> None:
    add = session.http.get(f"{server.api_url}/info").json()["named_endpoints"]["/add"]

    assert [
        (p["parameter_name"], p["parameter_has_default"], p["parameter_default"])
        for p in add["parameters"]
    ] == [("a", False, None), ("b", True, 10)]


def test_functions_answer(session: Session) -> None:
    assert session.answer("echo", "hello") == ["hello"]
    assert session.answer("add", 1, 2) == [3]
    assert session.answer("two", "abc") == ["abc", 3]
    assert session.answer("nothing", "abc") == []
    assert session.answer("many_defaults", "x", 2, True) == ["a=x b=2 c=True"]
    assert session.answer("batch", "one") == ["one of 1"]
    assert session.answer("dup", "x") == ["one x"]
    assert session.answer("dup_1", "x") == ["two x"]
    assert session.answer("unnamed", "x") == ["unnamed x"]
    assert session.answer("closed_api", "x") == ["closed x"]
    assert len(session.answer("big", 0.5)[0]) == 2**19
    assert session.answer("upd")[0] == {"__type__": "update", "value": "new", "visible": True}


def test_files_go_out_and_come_in(session: Session) -> None:
    (out,) = session.answer("file_out")
    assert session.http.get(out["url"]).text == "file content"

    upload = session.http.post(f"{session.api_url}/upload", files={"files": ("in.txt", b"hi")})
    sent = {"path": upload.json()[0], "meta": {"_type": "gradio.FileData"}}
    assert session.answer("file_in", sent) == ["hi"]


def test_text_streams_grow(session: Session) -> None:
    for name, data, word in [("count", [5], "word"), ("tokens", [5, 0.01], "token")]:
        first, *appended = session.chunks(name, *data)
        texts = list(growing(word, 5))

        assert first == texts[0]
        assert appended == [[["append", [], new[len(old) :]]] for old, new in pairwise(texts)]


@pytest.mark.parametrize("kind", JS)
def test_structured_values_are_sent_as_differences(session: Session, kind: str) -> None:
    first, *edits = session.chunks("js", kind)

    assert first == JS[kind][0]
    assert len(edits) == len(JS[kind]) - 1
    assert session.answer("js", kind) == [JS[kind][-1]]


def test_elements_of_nested_lists_are_deleted_by_differences(session: Session) -> None:
    _, shrunk, *_ = session.chunks("js", "nested")

    assert [(action, path[0], len(path)) for action, path, _ in shrunk] == [
        ("delete", 0, 2),
        ("delete", 1, 2),
    ]


def test_chat_streams_its_reply_into_the_history(session: Session) -> None:
    messages = session.call("chat", "good day", [])
    emptied, history = messages[-1]["output"]["data"]

    assert emptied == ""
    assert [m["role"] for m in history] == ["user", "assistant"]
    assert reply("good day") in json.dumps(history[1]["content"])


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


def test_a_cancelled_generator_is_closed(server: Server, session: Session) -> None:
    event_id = session.join("forever", session.hash, 10_000, 0.01).json()["event_id"]
    server.await_ledger(session.hash, "tick 2")
    session.cancel("forever", event_id)

    assert list(session.messages())[-1]["output"] == {}
    if server.version == "4.44.1":
        # It is never advanced again, and not told either.
        assert "finished" not in server.ledger(session.hash)
    else:
        assert server.await_ledger(session.hash, "closed")[-1] == "closed"
    assert json.loads(session.answer("ledger", session.hash)[0]) == server.ledger(session.hash)


def test_one_run_at_a_time_waits_its_turn(server: Server, session: Session) -> None:
    session.join("single", session.hash, 0.3)
    server.await_ledger(session.hash, "started")
    messages = session.call("single", session.hash, 0)

    assert [m["rank"] for m in messages if m["msg"] == "estimation"][-1] == 0
    assert server.ledger(session.hash) == ["started", "finished"] * 2


def test_many_runs_sleep_side_by_side(server: Server, session: Session) -> None:
    tags = [f"{session.hash}-{i}" for i in range(10)]
    for tag in tags:
        session.join("sleep", tag, 1)

    for tag in tags:
        assert server.await_ledger(tag, "started") == ["started"]


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


def test_a_server_that_cannot_start_says_why(fresh_server: Callable[..., Server]) -> None:
    with pytest.raises(StartError, match="invalid literal"):
        newest(fresh_server, APP_MAX_SIZE="many")
