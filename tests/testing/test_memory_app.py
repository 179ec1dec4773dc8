"""An app in memory is called as any app is, and tells what has become of its calls."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from rxgradio import (
    AppError,
    Client,
    ClientClosed,
    ConnectionLost,
    DeadlineExceeded,
    InvalidAPIEndpointError,
    ProgressUnit,
    QueueFull,
    Status,
    StatusUpdate,
    handle_file,
)
from rxgradio.testing import Call, Endpoint, Marbles, MemoryApp
from tests.contract.app import VERSIONS


def words(n: int = 3) -> Iterator[str]:
    for length in range(1, n + 1):
        yield "w" * length


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_an_app_of_its_version(version: str) -> None:
    async def later(a: int, b: int = 2) -> int:
        await asyncio.sleep(0)
        return a * b

    async def stream(n: int) -> AsyncIterator[int]:
        for each in range(n):
            yield each

    functions = {"upper": str.upper, "/words": words, "/later": later, "/stream": stream}
    with MemoryApp(functions, version=version) as app:
        client = app.client()
        assert client.app_version == version
        assert client.predict("a", api_name="/upper") == "A"
        assert client.predict(3, api_name="/later") == 6
        assert list(client.submit(api_name="/words")) == ["w", "ww", "www"]
        assert list(client.submit(2, api_name="/stream")) == [0, 1]
        with pytest.raises(InvalidAPIEndpointError):
            client.predict(api_name="/other")
        assert [(call.endpoint, call.inputs) for call in app.calls] == [
            ("/upper", ("a",)),
            ("/later", (3, 2)),
            ("/words", (3,)),
            ("/stream", (2,)),
        ]
        assert {call.end for call in app.calls} == {"finished"}
        assert all(call.submitted <= (call.started or 0) <= (call.ended or 0) for call in app.calls)


def test_failures_are_those_of_the_app(version: str) -> None:
    def fail() -> None:
        raise AppError("no")

    def crash() -> None:
        raise ZeroDivisionError

    with MemoryApp({"/fail": fail, "/crash": crash, "/marbles": "-#"}, version=version) as app:
        client = app.client()
        for name, said in (("/fail", "no"), ("/crash", "exception"), ("/marbles", "error")):
            given = ["x"] * (name == "/marbles")
            error = client.submit(*given, api_name=name).exception()
            assert isinstance(error, AppError)
            assert said in str(error)
        assert [call.end for call in app.calls] == ["failed"] * 3


def test_a_cancel_is_told(version: str) -> None:
    with MemoryApp({"/endless": Marbles("(a,)-", timespan=0.01)}, version=version) as app:
        job = app.client().submit("x", api_name="/endless")
        assert next(job) == "a"
        job.cancel()
        app.until(lambda: app.calls[0].end == "cancelled")


def test_what_blocks_holds_up_nobody() -> None:
    blocks, reached = threading.Event(), threading.Event()

    def block() -> str:
        reached.set()
        assert blocks.wait(20)
        return "done"

    def steps() -> Iterator[str]:
        yield "one"
        assert blocks.wait(20)
        yield "two"

    with MemoryApp({"/block": block, "/steps": steps, "/upper": str.upper}) as app:
        client = app.client()
        job, stepping = client.submit(api_name="/block"), client.submit(api_name="/steps")
        assert next(stepping) == "one"
        assert reached.wait(20)
        assert client.predict("a", api_name="/upper") == "A"
        blocks.set()
        assert job.result() == "done"
        assert next(stepping) == "two"


def test_an_app_may_call_an_app() -> None:
    with MemoryApp({"/upper": str.upper}) as inner:
        client = inner.client()

        def outer(text: str) -> str:
            return f"{client.predict(text, api_name='/upper')}!"

        with MemoryApp({"/outer": outer}) as app:
            assert app.client().predict("a", api_name="/outer") == "A!"


def test_state_logs_progress_and_several_outputs(version: str) -> None:
    def chat(text: str, state: int = 0) -> tuple[str, int, int]:
        return f"{text} {state}", state, state + 1

    def work() -> Iterator[Any]:
        yield StatusUpdate(Status.LOG, log=("careful", "warning"))
        yield StatusUpdate(Status.PROGRESS, progress_data=[ProgressUnit(1, 2, "steps")])
        yield "done"

    functions: dict[str, Any] = {
        "/chat": Endpoint(function=chat, outputs=("text", "n", "state")),
        "/work": work,
        "/pair": Endpoint(function=Marbles("(p,|)", {"p": (1, 2)}), outputs=("a", "b")),
        "/none": Endpoint(function=lambda: None, outputs=()),
        "/at_once": Endpoint(function=str.upper, queued=False),
    }
    with MemoryApp(functions, version=version) as app:
        client = app.client()
        assert client.predict("a", api_name="/chat") == ("a 0", 0)
        assert client.predict("b", api_name="/chat") == ("b 1", 1)
        assert app.client().predict("c", api_name="/chat") == ("c 0", 0)
        assert client.predict("x", api_name="/pair") == (1, 2)
        client.predict(api_name="/none")
        assert client.predict("a", api_name="/at_once") == "A"
        job = client.submit(api_name="/work")
        codes: list[Status] = []
        job.updates.statuses().subscribe(lambda update: codes.append(update.code))
        assert job.result() == "done"
        assert [call.end for call in app.calls] == ["finished"] * 7
        assert app.calls_of("at_once")[0].inputs == ("a",)


def test_a_queue_is_bounded() -> None:
    one = Endpoint(function=Marbles("-"), concurrency=1)
    with MemoryApp({"/one": one}, max_size=1) as app:
        client = app.client()
        first = client.submit(api_name="/one")
        app.until(lambda: [call.started is not None for call in app.calls] == [True])
        client.submit(api_name="/one")
        app.until(lambda: len(app.calls) == 2)
        assert isinstance(client.submit(api_name="/one").exception(), QueueFull)
        assert not first.done()


def test_options_are_those_of_a_client() -> None:
    with MemoryApp({"/never": "-"}) as app:
        error = app.client(deadline=0.05).submit(api_name="/never").exception()
        assert isinstance(error, DeadlineExceeded)
        app.until(lambda: app.calls[0].end == "cancelled")


def test_a_cut_is_a_loss() -> None:
    with MemoryApp({"/never": "(a,)-"}) as app:
        job = app.client().submit(api_name="/never")
        next(job)
        app.cut()
        error = job.exception()
        assert isinstance(error, ConnectionLost)
        assert error.outputs == ["a"]


def test_it_is_where_its_address_says_while_in_its_context() -> None:
    def greet(url: str) -> Any:
        with Client(url, connect_timeout=5) as client:
            return client.predict("a", api_name="/upper")

    address = "http://app.test:7860/mounted"
    with MemoryApp({"/upper": str.upper}, address=address + "/") as app:
        assert greet(address) == greet(address + "/?__theme=dark") == "A"
        with MemoryApp({"/upper": str.lower}, address=address):
            assert greet(address) == "a"
        with MemoryApp({"/upper": str.lower}, address="http://other.test") as other:
            assert greet(address) == "A"
            assert greet(other.address) == "a"
        assert len(app.calls) == 3
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with MemoryApp({"/upper": str.upper}, address=address):
            pass
        with pytest.raises(ConnectionLost):
            greet(address)


def test_files_are_paths_to_its_functions(version: str, tmp_path: Path) -> None:
    def copy(file: Path, times: int) -> Path:
        copied = tmp_path / f"copy of {file.name}"
        copied.write_bytes(file.read_bytes() * times)
        return copied

    def several(files: list[Path]) -> list[Path]:
        return files

    def grow(file: Path) -> Iterator[Path]:
        for n in range(1, 3):
            yield copy(file, n)

    sent = tmp_path / "sent.bin"
    sent.write_bytes(b"\0\1")
    functions: dict[str, Any] = {"/copy": copy, "/several": several, "/grow": grow}
    with MemoryApp(functions, version=version) as app:
        client = app.client(download_files=tmp_path / "downloads")
        came = Path(client.predict(handle_file(sent), 2, api_name="/copy"))
        assert came.name == "copy of sent.bin"
        assert came.read_bytes() == b"\0\1\0\1"
        assert tmp_path / "downloads" in came.parents
        both = client.predict([handle_file(sent), handle_file(came)], api_name="/several")
        assert [Path(each).read_bytes() for each in both] == [b"\0\1", b"\0\1\0\1"]
        grown = [
            Path(each).read_bytes() for each in client.submit(handle_file(sent), api_name="/grow")
        ]
        assert grown == [b"\0\1", b"\0\1\0\1"]


def test_closing_ends_all() -> None:
    ended: list[str] = []

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
                await asyncio.sleep(0.01)
        finally:
            ended.append("ended")

    with MemoryApp({"/endless": endless}) as app:
        client = app.client()
        job = client.submit(api_name="/endless")
        next(job)
    assert isinstance(job.exception(), ClientClosed)
    assert ended == ["ended"]
    with pytest.raises(ClientClosed):
        client.submit(api_name="/endless")


def test_waiting_has_an_end() -> None:
    with MemoryApp({"/upper": str.upper}) as app:
        app.client().predict("a", api_name="/upper")
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="endpoint='/upper', inputs="):
            app.until(lambda: len(app.calls) == 2, timeout=0.05)
        assert 0.05 <= time.monotonic() - begun < 20


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match=r"'6\.31\.0'"):
        MemoryApp({}, version="six")
    with pytest.raises(ValueError, match="after"):
        MemoryApp({"/m": "-|-a"})
    with pytest.raises(ValueError, match="after"):
        Marbles("#a")
    with pytest.raises(TypeError, match=r"/any: .* fixed number of inputs"):
        MemoryApp({"/any": lambda *given: given})
    with pytest.raises(TypeError, match="/range: what it takes cannot be seen"):
        MemoryApp({"/range": range})
    with pytest.raises(TypeError, match="/number"):
        MemoryApp({"/number": 5})  # type: ignore[dict-item]  # a mistake
    with MemoryApp({"/upper": str.upper}) as app, pytest.raises(ValueError, match="it has /upper"):
        app.calls_of("/lower")


def test_a_call_reads_well() -> None:
    call = Call("/search", ("g",), "secret", 300.0, 300.0, 300.1, "cancelled")
    assert repr(call) == (
        "Call(endpoint='/search', inputs=('g',), submitted=300.0, started=300.0, "
        "ended=300.1, end='cancelled')"
    )


@pytest.mark.parametrize("wrong", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_whatever_an_endpoint_raises_its_call_ends_and_the_app_goes_on(
    wrong: type[BaseException], asynchronous: bool
) -> None:
    def bad() -> None:
        raise wrong

    async def also_bad() -> None:
        raise wrong

    with MemoryApp({"/bad": also_bad if asynchronous else bad, "/upper": str.upper}) as app:
        client = app.client()
        assert isinstance(client.submit(api_name="/bad").exception(timeout=20), AppError)
        assert app.calls[-1].end == "failed"
        assert client.submit("a", api_name="/upper").result(timeout=20) == "A"


def test_a_function_that_has_no_more_answers_fails() -> None:
    answers = iter([1])
    with MemoryApp({"/next": lambda: next(answers)}) as app:
        client = app.client()
        assert client.predict(api_name="/next") == 1
        assert isinstance(client.submit(api_name="/next").exception(timeout=20), AppError)
        assert app.calls[-1].end == "failed"


def test_an_error_is_told_with_its_title() -> None:
    def refuse() -> None:
        raise AppError("no", title="Refused", duration=3, visible=False)

    with MemoryApp({"/refuse": refuse}) as app:
        error = app.client().submit(api_name="/refuse").exception()
    assert isinstance(error, AppError)
    assert (error.title, error.duration, error.visible) == ("Refused", 3, False)


def test_a_fact_may_be_about_anything_and_may_wait() -> None:
    with MemoryApp({"/upper": str.upper}) as app:
        client = app.client()
        heard: list[str] = []
        client.observe("a", api_name="/upper").outputs().subscribe(heard.append)
        app.until(lambda: heard == ["A"])
        # Whoever waits in a fact waits for the app, which must be able to go on.
        app.until(lambda: client.submit("b", api_name="/upper").result(timeout=5) == "B")
        since = threading.Event()
        threading.Timer(0.2, since.set).start()
        begun = time.monotonic()
        app.until(since.is_set, timeout=60)
        assert time.monotonic() - begun < 40, "no call took a turn, and it was looked at"


def test_files_of_calls_at_once_are_in_one_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[Path] = []

    def slowly(prefix: str) -> str:
        time.sleep(0.05)  # in which the other ones come
        made.append(tmp_path / f"{prefix}{len(made)}")
        made[-1].mkdir()
        return str(made[-1])

    def size(file: Path) -> int:
        return len(file.read_bytes())

    monkeypatch.setattr("tempfile.mkdtemp", slowly)
    with MemoryApp({"/size": size}) as app:
        clients = [app.client() for _ in range(4)]
        sent = tmp_path / "sent.txt"
        sent.write_text("four")
        jobs = [each.submit(handle_file(sent), api_name="/size") for each in clients]
        assert [job.result() for job in jobs] == [4] * 4
    assert len(made) == 1
    assert not made[0].exists()
