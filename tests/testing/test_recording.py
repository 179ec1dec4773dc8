"""What was recorded of apps is heard again without them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.notification import Notification, OnNext

from rxgradio import (
    AppError,
    Client,
    ConnectionLost,
    Job,
    ProgressUnit,
    QueueFull,
    Retry,
    Status,
    StatusUpdate,
    handle_file,
    operators,
)
from rxgradio.testing import (
    Endpoint,
    FaultServer,
    Full,
    MemoryApp,
    NotRecorded,
    Refuse,
    Reset,
    Rewrite,
    VirtualTime,
    record,
    replay,
)
from rxgradio.testing.cassette import Cassette
from tests.contract.app import VERSIONS


def write(text: str) -> Iterator[Any]:
    yield StatusUpdate(Status.LOG, log=("begun", "info"))
    for end in range(len(text)):
        yield StatusUpdate(Status.PROGRESS, progress_data=[ProgressUnit(end, len(text), "x")])
        yield text[: end + 1]


def divide(by: float) -> float:
    if by == 0:
        raise AppError("by zero")
    return 12 / by


FUNCTIONS: dict[str, Any] = {
    "/write": write,
    "/divide": divide,
    "/at_once": Endpoint(function=str.upper, queued=False),
}
CALLS = [("/write", "abc"), ("/divide", 0), ("/divide", 5), ("/at_once", "x")]


def told(job: Job) -> list[str]:
    """Return all that is heard of a job, without the time of day."""

    def shown(heard: Notification[Any]) -> str:
        if isinstance(heard, OnNext) and isinstance(heard.value, StatusUpdate):
            return repr(replace(heard.value, time=None))
        return str(heard)

    return [shown(each) for each in job.updates.pipe(ops.materialize(), operators.iterate())]


def session(url: str) -> list[list[str]]:
    """Make some calls, and return all that is heard of them."""
    with Client(url) as client:
        return [told(client.submit(given, api_name=name)) for name, given in CALLS]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_was_heard_is_heard_again(version: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with FaultServer(FUNCTIONS, version=version) as server, record(path):
        live = session(server.url)
    with replay(path):
        again = session(server.url)
    with VirtualTime(), replay(path, pace=60):
        virtual = session(server.url)
    assert again == virtual
    if version < "4.9":  # which ask for the data of a call when it is its turn
        live, again = ([sorted(each) for each in heard] for heard in (live, again))
    assert again == live
    assert sum(len(each) for each in live) > 25
    assert server.called == [(name, (given,)) for name, given in CALLS]


def test_times_are_kept_or_multiplied(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    address = "http://app.test"

    def course() -> list[tuple[float, Any]]:
        with Client(address) as client:
            return [(time.seconds, each) for each in client.submit(api_name="/slow")]

    slow = {"/slow": Endpoint(function="-a---b--|")}
    with VirtualTime() as time, MemoryApp(slow, address=address), record(path):
        live = course()
    assert [at for at, _ in live] == pytest.approx([0.1, 0.5])
    for pace in (1, 0, 100):
        with VirtualTime() as time, replay(path, pace=pace):
            again = course()
            assert time.seconds == pytest.approx(0.8 * pace)
        assert again == [(pytest.approx(at * pace), each) for at, each in live]


def test_the_same_inputs_again_are_the_next_call_then_the_last(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    numbers = iter(range(100))
    app = FaultServer({"/next": lambda: next(numbers)})
    with app as server, record(path), Client(server.url) as client:
        assert [client.predict(api_name="/next") for _ in range(3)] == [0, 1, 2]
    with replay(path), Client(server.url) as client:
        assert [client.predict(api_name="/next") for _ in range(5)] == [0, 1, 2, 2, 2]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_not_recorded_is_said_to(version: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with FaultServer(FUNCTIONS, version=version) as server, record(path):
        session(server.url)
    with replay(path), Client(server.url) as client:
        for name, given in (("/divide", 7), ("/at_once", "y")):
            error = client.submit(given, api_name=name).exception()
            assert isinstance(error, NotRecorded)
            assert f"[{given!r}]" in str(error)
            assert "was recorded, but with [" in str(error)
        with pytest.raises(NotRecorded, match=r"http://other\.test was not recorded"):
            Client("http://other.test")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_was_cancelled_fails_where_its_record_ends(
    version: str, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    address = "http://app.test"
    app = {"/slow": "-a-b-c-|"}
    with (
        VirtualTime() as time,
        MemoryApp(app, version=version, address=address),
        record(path),
        Client(address) as client,
    ):
        job = client.submit("x", api_name="/slow")
        time.advance_by(0.35)
        job.cancel()
        time.advance_by(10)
    with VirtualTime() as time, replay(path), Client(address) as client:
        job = client.submit("x", api_name="/slow")
        error = job.exception()
        assert isinstance(error, AppError)
        assert "the recording of this call ends here" in str(error)
        assert job.outputs() == ["a", "b"]
        job = client.submit("x", api_name="/slow")
        time.advance_by(0.35)
        assert job.cancel()
        assert job.outputs() == ["a", "b"]


def test_a_connection_that_broke_is_an_end_too(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    address = "http://app.test"
    with (
        VirtualTime() as time,
        MemoryApp({"/slow": "-a-b-"}, address=address) as app,
        record(path),
        Client(address) as client,
    ):
        job = client.submit("x", api_name="/slow")
        time.advance_by(0.35)
        app.cut()
        assert isinstance(job.exception(), ConnectionLost)
    with VirtualTime() as time, replay(path), Client(address) as client:
        job = client.submit("x", api_name="/slow")
        assert isinstance(job.exception(), ConnectionLost)
        assert job.outputs() == ["a", "b"]
        assert time.seconds == pytest.approx(0.35)


def test_several_apps_and_clients_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    one = FaultServer({"/who": lambda x: f"one {x}"})
    other = FaultServer({"/who": lambda x: f"other {x}"}, version="4.8.0")

    def both() -> list[Any]:
        clients = [Client(each.url) for each in (one, other, one, other)]
        jobs = [each.submit("a", api_name="/who") for each in clients]
        results = [job.result() for job in jobs]
        for client in clients:
            client.close()
        return results

    with one, other, record(path):
        live = both()
    with replay(path):
        assert both() == live == ["one a", "other a"] * 2


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    secrets = ("a-user", "pass-of-it", "hf_token", "in-a-header")
    with FaultServer(FUNCTIONS, auth=secrets[:2]) as server, record(path):
        for url in (server.url, server.url.replace("//", f"//{secrets[0]}:{secrets[1]}@")):
            with Client(
                url, secrets[2], auth=secrets[:2], headers={"X-Secret": secrets[3]}
            ) as client:
                assert client.predict("a", api_name="/write") == "a"
    text = path.read_text("utf-8")
    assert '"abc"' in text or '"a"' in text
    assert [secret for secret in secrets if secret in text] == []
    with replay(path), Client(server.url, auth=("any", "one")) as client:
        assert client.predict("a", api_name="/write") == "a"


def test_a_recording_is_written_when_its_code_fails_too(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"

    def fail(url: str) -> None:
        with record(path), Client(url) as client:
            client.predict("a", api_name="/write")
            raise ZeroDivisionError

    with FaultServer(FUNCTIONS) as server, pytest.raises(ZeroDivisionError):
        fail(server.url)
    with replay(path), Client(server.url) as client:
        assert client.predict("a", api_name="/write") == "a"
    assert list(tmp_path.iterdir()) == [path]
    for line in path.read_text("utf-8").splitlines():
        assert isinstance(json.loads(line), dict)


def test_what_is_said_after_it_is_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with FaultServer(FUNCTIONS) as server:
        with record(path):
            client = Client(server.url)
            client.predict("a", api_name="/write")
        client.predict("b", api_name="/write")
        client.close()
    with replay(path), Client(server.url) as client:
        assert isinstance(client.submit("b", api_name="/write").exception(), NotRecorded)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ('{"rxgradio recording": 1}\n', "is empty"),
        ("hello\n", "line 1"),
        ('{"rxgradio recording": 2}\n', "line 1: it begins otherwise"),
        ('{"rxgradio recording": 1}\n[]\n', "line 2"),
        ('{"rxgradio recording": 1}\n{"at": 0, "app": "http://a", "sung": 1}\n', "line 2"),
        ('{"rxgradio recording": 1}\n{"at": 0, "app": "http://a", "call": "x"}\n', "no config"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=said), replay(path):
        pass


def test_a_pace_is_a_factor() -> None:
    for pace in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="pace"), replay("nowhere", pace=pace):
            pass


# ---- what goes wrong is recorded, too


def outcomes(url: str) -> list[tuple[Any, ...]]:
    with Client(url, retry=None) as client:
        told: list[tuple[Any, ...]] = []
        for _ in range(2):
            job = client.submit("a", api_name="/upper")
            error = job.exception()
            what = (type(error).__name__, getattr(error, "status", None))
            told.append((job.outputs(), *what, getattr(error, "retry_after", None)))
        return told


async def upper(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize("accident", [Full(), Refuse(429, retry_after=7), Refuse(503)])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_refused_is_refused_again(
    version: str, accident: Full | Refuse, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    step = "join" if as_numbers(version) >= (4, 9) else "stream"
    with FaultServer({"/upper": upper}, version=version) as server, record(path):
        server.script(step, accident, None)
        live = outcomes(server.url)
    assert live[0][1] in {"QueueFull", "TooManyRequestsError", "ProtocolError", "QueueError"}
    assert live[1] == (["A"], "NoneType", None, None)
    with VirtualTime(), replay(path):
        assert outcomes(server.url) == live


@pytest.mark.parametrize("version", VERSIONS)
def test_a_direct_call_that_was_refused_is_refused_again(version: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    functions = {"/upper": Endpoint(function=upper, queued=False)}
    with FaultServer(functions, version=version) as server, record(path):
        server.script("run", Refuse(429, retry_after=7), None)
        live = outcomes(server.url)
    assert live[0] == ([], "TooManyRequestsError", 429, 7)
    with VirtualTime(), replay(path):
        assert outcomes(server.url) == live


@pytest.mark.parametrize("version", VERSIONS)
def test_waiting_for_room_is_heard_again(version: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    step = "join" if as_numbers(version) >= (4, 9) else "stream"
    with FaultServer({"/upper": upper}, version=version) as server, record(path):
        server.script(step, Full(), None)
        with Client(server.url, wait_for_room=True) as client:
            assert client.predict("a", api_name="/upper") == "A"
    assert len(server.asked(step)) >= 2
    with VirtualTime(), replay(path), Client(server.url, wait_for_room=True) as client:
        assert client.predict("a", api_name="/upper") == "A"
    with VirtualTime(), replay(path), Client(server.url) as client:
        assert isinstance(client.submit("a", api_name="/upper").exception(), QueueFull)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_was_made_again_is_made_again(version: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"

    async def count(n: int) -> AsyncIterator[int]:
        for each in range(n):
            yield each

    def course() -> list[Any]:
        with Client(server.url, resubmit=Retry()) as client:
            return list(client.submit(4, api_name="/count"))

    with FaultServer({"/count": count}, version=version) as server, record(path):
        server.script("stream", Reset(after=2, of="process_generating"), None)
        live = course()
    assert live[:2] == [0, 1]
    assert live[-1] == 3
    with VirtualTime(), replay(path):
        assert course() == live


def test_a_file_that_was_sent_twice_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    sent = tmp_path / "sent.txt"
    sent.write_text("four")

    def size(file: Path, times: int) -> int:
        return times * len(file.read_bytes())

    def course() -> list[int]:
        sizes: list[int] = []
        for times in (1, 2):
            with Client(address) as client:
                sizes.append(client.predict(handle_file(sent), times, api_name="/size"))
        return sizes

    address = "http://app.test"
    with MemoryApp({"/size": size}, address=address), record(path):
        assert course() == [4, 8]
    with replay(path):
        assert course() == [4, 8]


def test_text_that_is_no_text_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    half = "half a pair: \ud83d"

    def course() -> Any:
        with Client("http://app.test") as client:
            return client.predict(api_name="/half")

    with MemoryApp({"/half": lambda: half}, address="http://app.test"), record(path):
        assert course() == half
    path.read_text("utf-8")
    with replay(path):
        assert course() == half


def test_bytes_that_are_no_utf8_are_heard_alike(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"

    def course() -> Any:
        with Client(server.url) as client:
            return client.predict("a", api_name="/upper")

    with FaultServer({"/upper": upper}) as server, record(path):
        server.script("stream", Rewrite(lambda said: [_spoilt(said)]))
        live = course()
    assert live == "\ufffd"
    with replay(path):
        assert course() == live


def test_a_recording_without_a_folder_fails_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), record(tmp_path / "none" / "session.jsonl"):
        pytest.fail("it has begun")


def test_the_order_of_contexts_is_told(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with FaultServer({"/upper": upper}) as server, record(path):
        Client(server.url).close()
    with (
        replay(path),
        VirtualTime(),
        pytest.raises(RuntimeError, match="entered after VirtualTime"),
    ):
        Client(server.url)


def test_what_was_said_before_a_call_was_accepted_is_said_in_time() -> None:
    cassette = Cassette()
    cassette.take({"at": 2.0, "call": "a", "message": {"msg": "estimation"}})
    cassette.take({"at": 1.5, "call": "a", "fn_index": 0, "data": []})
    cassette.take({"at": 3.0, "call": "a", "message": {"msg": "process_starts"}})
    [call] = cassette.calls.values()
    assert [at for at, _ in call.messages] == [0.5, 1.5]


def _spoilt(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode().replace(b'"A"', b'"\xff"')


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
