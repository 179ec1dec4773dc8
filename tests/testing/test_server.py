"""The fault server while it is healthy: every generation, through the real client."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from reactivex import operators as ops

from rxgradio import (
    AppError,
    AuthenticationError,
    CancelOutcome,
    Client,
    ConnectionLost,
    QueueFull,
    Status,
    StatusUpdate,
    handle_file,
)
from rxgradio.testing import Endpoint, FaultServer, Gate, Marbles, Peer, answer

SOON = 20.0


def test_it_answers_as_its_version_does(server: FaultServer) -> None:
    with Client(server.url) as client:
        assert client.predict("hi", api_name="/echo") == "hi"
        assert list(client.submit(3, api_name="/words")) == ["w", "ww", "www"]
        assert f"Gradio {server.version}" in repr(client)
    assert server.called == [("/echo", ("hi",)), ("/words", (3,))]


def test_all_of_many_calls_at_once_end_right(server: FaultServer) -> None:
    with Client(server.url) as client:
        jobs = [client.submit(f"{n}", api_name="/echo") for n in range(150)]
        assert [job.result(SOON) for job in jobs] == [f"{n}" for n in range(150)]
    assert sorted(server.called) == sorted(("/echo", (f"{n}",)) for n in range(150))


def test_functions_of_every_kind_are_endpoints(version: str) -> None:
    async def greet(name: str, greeting: str = "hello") -> str:
        return f"{greeting} {name}"

    def fail() -> None:
        raise AppError("told you so")

    def count(state: int = 0) -> tuple[int, int]:
        return state + 1, state + 1

    async def letters(text: str) -> AsyncGenerator[Any, None]:
        yield StatusUpdate(Status.LOG, log=("spelling", "info"))
        for letter in text:
            await asyncio.sleep(0)
            yield letter

    def split(text: str) -> tuple[str, str]:
        return text[:1], text[1:]

    app = {
        "greet": greet,
        "/fail": fail,
        "/count": Endpoint(function=count, outputs=("count", "state")),
        "/letters": letters,
        "/split": Endpoint(function=split, outputs=("head", "tail")),
    }
    with FaultServer(app, version=version) as server, Client(server.url) as client:
        assert client.predict("ann", "good day", api_name="/greet") == "good day ann"
        assert client.predict("ann", greeting="hello", api_name="/greet") == "hello ann"
        with pytest.raises(AppError, match=r"^told you so$"):
            client.predict(api_name="/fail")
        assert [client.predict(api_name="/count") for _ in range(2)] == [1, 2]
        job = client.submit("abc", api_name="/letters")
        assert list(job) == ["a", "b", "c"]
        logs = [each.log for each in job.updates.pipe(ops.to_list()).run() if each.type == "status"]
        assert ("spelling", "info") in logs
        assert client.predict("abc", api_name="/split") == ("a", "bc")


def test_a_gate_holds_a_call_until_it_is_opened(version: str) -> None:
    gate = Gate()

    async def held(text: str) -> AsyncGenerator[str, None]:
        yield "held"
        await gate.passed()
        yield text

    with FaultServer({"/held": held}, version=version) as server, Client(server.url) as client:
        job = client.submit("x", api_name="/held")
        assert next(iter(job)) == "held"
        assert not job.done()
        gate.open()
        gate.open()
        assert job.result(SOON) == "x"


def test_a_cancel_reaches_the_function(version: str) -> None:
    closed = threading.Event()
    gate = Gate()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            for n in range(1_000_000):
                yield n
                if n:
                    await gate.passed()
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    with FaultServer({"/endless": endless}, version=version) as server:
        with Client(server.url) as client:
            job = client.submit(api_name="/endless")
            next(iter(job))
            assert job.cancel()
            gate.open()
            assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
            release = tuple(map(int, version.split(".")))
            if not (4, 31) <= release < (5,):  # which only forgets it
                assert closed.wait(SOON)
        assert len(server.asked("cancel")) == (1 if release >= (4, 9) else 0)


def test_files_go_there_and_back(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(bytes(range(256)))
    with Client(server.url, download_files=tmp_path / "out") as client:
        value = client.predict(handle_file(tmp_path / "in.txt"), api_name="/echo")
    [upload] = server.asked("upload")
    assert bytes(range(256)) in upload.body
    if isinstance(value, str):
        assert Path(value).read_bytes() == bytes(range(256))
        assert len(server.asked("file")) == 1
    else:  # before 4.21 only a component of files tells that it is one
        path = value.get("name") or value.get("path")
        assert httpx.get(f"{server.url}/file={path}").content == bytes(range(256))


def test_a_queue_may_be_full(version: str) -> None:
    with FaultServer(version=version, max_size=0) as server, Client(server.url) as client:
        with pytest.raises(QueueFull):
            client.predict("x", api_name="/echo")
        assert server.called == []


def test_an_app_of_3_without_a_queue_is_posted_to() -> None:
    with FaultServer(version="3.50.2", has_queue=False) as server, Client(server.url) as client:
        assert client.predict("x", api_name="/echo") == "x"
        assert len(server.asked("run")) == 1
        assert server.asked("join") == []


def test_a_login_is_wanted(version: str) -> None:
    with FaultServer(version=version, auth=("ann", "s3cret")) as server:
        with pytest.raises(AuthenticationError):
            Client(server.url)
        with pytest.raises(AuthenticationError):
            Client(server.url, auth=("ann", "wrong"))
        with Client(server.url, auth=("ann", "s3cret")) as client:
            assert client.predict("x", api_name="/echo") == "x"


def test_a_restart_forgets_the_calls_and_serves_new_ones(version: str) -> None:
    async def endless() -> AsyncGenerator[int, None]:
        yield 0
        await Gate().passed()

    app = {"/endless": endless, "/echo": lambda text: text}
    with FaultServer(app, version=version) as server, Client(server.url) as client:
        job = client.submit(api_name="/endless")
        next(iter(job))
        server.restart()
        with pytest.raises(ConnectionLost):
            job.result(SOON)
        assert job.outputs() == [0]
        assert client.predict("x", api_name="/echo") == "x"


def test_a_restart_may_bring_another_version() -> None:
    with FaultServer(version="3.50.2") as server:
        server.restart("6.31.0")
        with Client(server.url) as client:
            assert client.predict("x", api_name="/echo") == "x"
        assert [request.route for request in server.asked("stream")] == ["data"]


def test_what_arrived_is_kept() -> None:
    with FaultServer() as server, Client(server.url, headers={"x-a": "b"}) as client:
        client.predict("x", api_name="/echo")
    [join] = server.asked("join")
    assert (join.method, join.path) == ("POST", "/gradio_api/queue/join")
    assert join.values("X-A") == ["b"]
    assert join.document["data"] == ["x"]
    [event] = server.events
    assert (event.fn_index, event.data) == (0, ["x"])
    assert server.asked("stream")[0].session == event.session


def test_nobody_listens_after_stop_listening_until_listen(version: str) -> None:
    with FaultServer(version=version) as server:
        server.stop_listening()
        with pytest.raises(ConnectionLost) as caught:
            Client(server.url, retry=None)
        assert not caught.value.sent
        server.listen()
        with Client(server.url) as client:
            assert client.predict("x", api_name="/echo") == "x"


def test_a_mistake_in_a_script_is_raised_where_the_context_ends() -> None:
    async def wrong(peer: Peer) -> None:
        raise LookupError("no such thing")

    server = FaultServer()
    server.script("config", wrong)
    with (
        pytest.raises(LookupError, match="no such thing"),
        server,
        pytest.raises(ConnectionLost),
    ):
        Client(server.url, retry=None)


def test_a_script_is_for_one_request_and_the_last_for_all() -> None:
    with FaultServer() as server:
        server.script("info", answer(b"1"), None, answer(b"3"))
        with httpx.Client(base_url=server.url) as http:
            bodies = [http.get("/gradio_api/info").text for _ in range(4)]
    assert [len(body) > 1 for body in bodies] == [False, True, False, False]


def test_it_keeps_its_port_and_leaves_nothing() -> None:
    before = set(threading.enumerate())
    server = FaultServer()
    ports = set[int]()
    for _ in range(3):
        with server:
            ports.add(server.port)
            assert httpx.get(f"{server.url}/config").status_code == 200
    assert len(ports) == 1
    assert set(threading.enumerate()) == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/config")


def test_heartbeats_come_as_often_as_is_said() -> None:
    gate = Gate()

    async def held() -> str:
        await gate.passed()
        return "x"

    def events(lines: Iterator[str]) -> Iterator[str]:
        return (line for line in lines if line)

    with FaultServer({"/held": held}, heartbeat=0.01) as server:
        body = {"data": [], "fn_index": 0, "session_hash": "s"}
        httpx.post(f"{server.url}/gradio_api/queue/join", json=body)
        url = f"{server.url}/gradio_api/queue/data?session_hash=s"
        with httpx.stream("GET", url) as stream:
            lines = events(stream.iter_lines())
            for line in lines:
                if "heartbeat" in line:
                    break
            gate.open()
            rest = [line for line in lines if "heartbeat" not in line]
    assert "process_completed" in rest[0]
    assert "close_stream" in rest[1]


def test_rxgradio_imports_nothing_of_it() -> None:
    code = "import sys, rxgradio; print(any(m.startswith('rxgradio.testing') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_endpoint_may_be_marbles(version: str) -> None:
    served = {"/write": Marbles("-a-b-(c,|)", timespan=0.01), "/never": "-a-"}
    with FaultServer(served, version=version) as server, Client(server.url) as client:
        assert list(client.submit("x", api_name="/write")) == ["a", "b", "c"]
        assert next(client.submit("x", api_name="/never")) == "a"
