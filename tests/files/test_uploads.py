"""Each file goes to the app once, is told of on its way, and only if the app takes it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from rxgradio import Client, ConnectionLost, Retry, Status, StatusUpdate, ValidationError
from rxgradio import handle_file as handle
from rxgradio.files import uploads
from rxgradio.protocol.files import accepted
from tests.transport.server import SOON, FakeGradio, Peer, answer

CONTENT = bytes(range(256)) * 10_000
META = {"_type": "gradio.FileData"}


@pytest.fixture
def client(server: FakeGradio) -> Iterator[Client]:
    with Client(server.url, download_files=False, retry=Retry(initial=0)) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    return path


def test_what_is_no_file_yet_is_uploaded(server: FakeGradio, client: Client) -> None:
    server.script("upload", *[answer([f"/srv/{n}"]) for n in range(3)])
    data = {"a": [handle(b"one", name="one.txt")], "b": handle(io.BytesIO(b"two"))}
    client.predict(data, api_name="/echo")
    assert server.events[0].data[0]["a"][0]["orig_name"] == "one.txt"
    assert set(server.events[0].data[0]["b"]) == {"path", "orig_name", "meta"}
    sent = sorted(request.body.partition(b"\r\n\r\n")[2][:3] for request in server.asked("upload"))
    assert sent == [b"one", b"two"]


def test_the_content_lives_until_it_is_sent(server: FakeGradio, client: Client) -> None:
    gate = server.gate()

    async def slow(peer: Peer) -> None:
        await gate.passed()
        await peer.send(answer(["/srv/first"]))

    server.script("upload", slow, answer(["/srv/second"]))
    jobs = [client.submit(handle(text), api_name="/echo") for text in (b"first", b"second")]
    cold = client.observe(handle(b"third"), api_name="/echo")
    gate.open()
    for job in jobs:
        assert job.result(SOON)["path"].startswith("/srv/")
    server.script("upload", answer(["/srv/third"]))
    assert cold.run().code is Status.FINISHED
    assert len(server.asked("upload")) == 3


def test_a_file_is_sent_once_for_all_calls(
    server: FakeGradio, client: Client, path: Path, tmp_path: Path
) -> None:
    gate = server.gate()

    async def slow(peer: Peer) -> None:
        await gate.passed()
        await peer.send(answer(["/srv/a.bin"]))

    server.script("upload", slow)
    both = [client.submit(handle(path), api_name="/echo") for _ in range(2)]
    server.until(lambda: server.asked("upload"))
    gate.open()
    for job in both:
        assert job.result(SOON)["path"] == "/srv/a.bin"
    # What matters is what is in it, and what it is called.
    (tmp_path / "copy").mkdir()
    copied = tmp_path / "copy" / "a.bin"
    copied.write_bytes(CONTENT)
    for value in (handle(copied), handle(CONTENT, name="a.bin")):
        assert client.predict(value, api_name="/echo")["path"] == "/srv/a.bin"
    assert len(server.asked("upload")) == 1


def test_what_differs_is_sent(server: FakeGradio, client: Client, path: Path) -> None:
    server.script("upload", *[answer([f"/srv/{n}"]) for n in range(10)])
    places = [client.predict(handle(path), api_name="/echo")["path"]]
    path.write_bytes(CONTENT[::-1])  # with the same size, and perhaps at the same time
    places.append(client.predict(handle(path), api_name="/echo")["path"])
    places.append(client.predict(handle(path, name="b"), api_name="/echo")["path"])
    places.append(
        client.predict(handle(path), api_name="/echo", headers={"x-visitor": "7"})["path"]
    )
    with client.session() as other:
        places.append(other.predict(handle(path), api_name="/echo")["path"])
    assert places == [f"/srv/{n}" for n in range(5)]


def test_an_app_is_asked_after_a_while_whether_it_still_has_a_file(
    server: FakeGradio, client: Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.predict(handle(path), api_name="/echo")["path"]
    monkeypatch.setattr(uploads, "_TRUSTED", -1.0)  # as if that were long ago
    assert client.predict(handle(path), api_name="/echo")["path"] == first
    assert len(server.asked("upload")) == 1
    server.restart()
    server.script("upload", answer(["/srv/new"]))
    both = [client.submit(handle(path), api_name="/echo") for _ in range(2)]
    assert [job.result(SOON)["path"] for job in both] == ["/srv/new"] * 2


def test_what_goes_wrong_with_an_upload_of_one_call_is_no_end_of_another(
    server: FakeGradio, path: Path
) -> None:
    gate = server.gate()

    async def slow_then_cut(peer: Peer) -> None:
        await gate.passed()
        peer.reset()

    server.script("upload", slow_then_cut, answer(["/srv/a"]))
    with Client(server.url, download_files=False, retry=None) as client:
        first = client.submit(handle(path), api_name="/echo")
        server.until(lambda: server.asked("upload"))
        second = client.submit({"x": handle(path)}, api_name="/echo")
        joined = threading.Event()
        second.updates.subscribe(
            lambda update: joined.set() if _code(update) is Status.SENDING_DATA else None
        )
        assert joined.wait(SOON)
        gate.open()
        assert isinstance(first.exception(SOON), ConnectionLost)
        assert second.result(SOON)["x"]["path"] == "/srv/a"


def test_a_cancel_is_no_business_of_others_who_want_the_file(
    server: FakeGradio, client: Client, path: Path
) -> None:
    gate = server.gate()

    async def slow(peer: Peer) -> None:
        await gate.passed()
        await peer.send(answer(["/srv/a.bin"]))

    server.script("upload", slow)
    first = client.submit(handle(path), api_name="/echo")
    server.until(lambda: server.asked("upload"))
    second = client.submit({"x": handle(path)}, api_name="/echo")
    joined = threading.Event()
    second.updates.subscribe(
        lambda update: joined.set() if _code(update) is Status.SENDING_DATA else None
    )
    assert joined.wait(SOON)
    first.cancel()
    gate.open()
    with pytest.raises(CancelledError):
        first.result(SOON)
    assert second.result(SOON)["x"]["path"] == "/srv/a.bin"
    assert len(server.asked("upload")) == 1


def test_an_upload_that_failed_is_made_again(
    server: FakeGradio, client: Client, path: Path
) -> None:
    server.script("upload", answer(b"full", "500 X"), answer(["/srv/a"]))
    with pytest.raises(Exception, match="full"):
        client.predict(handle(path), api_name="/echo")
    assert client.predict(handle(path), api_name="/echo")["path"] == "/srv/a"


def test_an_upload_that_nobody_wants_any_more_ends(
    server: FakeGradio, client: Client, path: Path
) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("upload", hold, answer(["/srv/a"]))
    job = client.submit(handle(path), api_name="/echo")
    server.until(lambda: server.asked("upload"))
    job.cancel()
    assert client.predict(handle(path), api_name="/echo")["path"] == "/srv/a"


def test_after_a_loss_the_file_is_sent_again(
    make_server: Callable[..., FakeGradio], path: Path
) -> None:
    server = make_server()
    server.script("upload", answer(["/srv/old"]), answer(["/srv/new"]))

    async def reset(peer: Peer) -> None:
        server.script("join", None)
        peer.reset()

    server.script("join", reset)
    with Client(server.url, download_files=False, resubmit=Retry(initial=0)) as client:
        assert client.predict(handle(path), api_name="/echo")["path"] == "/srv/new"


# ---- news


def _code(update: Any) -> Status | None:
    return getattr(update, "code", None)


def sending(job: Any) -> list[StatusUpdate]:
    updates: list[Any] = []
    job.updates.subscribe(updates.append)
    job.result(SOON)
    return [each for each in updates if _code(each) is Status.SENDING_DATA]


def test_the_sending_is_told_in_bytes(
    server: FakeGradio, client: Client, path: Path, tmp_path: Path
) -> None:
    news = sending(client.submit(handle(path), api_name="/echo"))
    bars = [bar for status in news for bar in status.progress_data or []]
    assert (bars[0].index, bars[-1].index) == (0, len(CONTENT))
    assert {(bar.length, bar.unit, bar.desc) for bar in bars} == {(len(CONTENT), "bytes", "a.bin")}
    assert sorted(bar.index or 0 for bar in bars) == [bar.index for bar in bars]
    # Of several there is one bar, in which those count that the app has already.
    both = [handle(path), handle(b"x" * 500)]
    news = sending(client.submit(both, api_name="/echo"))
    last = (news[-1].progress_data or [])[0]
    assert (last.index, last.length, last.desc) == (
        len(CONTENT) + 500,
        len(CONTENT) + 500,
        "2 files",
    )


def test_a_call_without_files_sends_none(server: FakeGradio, client: Client) -> None:
    assert sending(client.submit("x", api_name="/echo")) == []


# ---- what the app takes


def test_what_is_too_large_for_the_app_is_not_sent(
    make_server: Callable[..., FakeGradio], path: Path
) -> None:
    server = make_server()
    server.config_fields["max_file_size"] = 1000
    with Client(server.url, download_files=False) as client:
        job = client.submit([handle(b"small"), handle(path)], api_name="/echo")
        with pytest.raises(ValidationError, match=r"'a\.bin' has 2560000 bytes.*1000 at most"):
            job.result(SOON)
        assert server.asked("upload") == server.asked("join") == []
        client.predict(handle(b"x" * 1000), api_name="/echo")


@pytest.mark.parametrize(
    ("name", "types", "taken"),
    [
        ("a.pdf", [".pdf"], True),
        ("A.PDF", [".pdf"], True),
        ("a.pdf", [".PDF", "image"], True),
        ("a.png", ["image"], True),
        ("a.tar.gz", [".tar.gz"], True),
        ("a.anything", ["file"], True),
        ("a.madeup", ["image"], True),  # the app may know what it is
        ("a.madeup", [".pdf"], False),
        (".pdf", [".pdf"], False),
        ("a.png", [".pdf", "audio"], False),
        ("pdf", [".pdf"], False),
    ],
)
def test_the_types_that_an_app_takes(name: str, types: list[str], taken: bool) -> None:
    assert accepted(name, types) is taken


@pytest.mark.parametrize(("version", "checked"), [("6.31.0", True), ("4.44.1", False)])
def test_what_the_app_would_refuse_is_not_sent(
    make_server: Callable[..., FakeGradio], version: str, checked: bool
) -> None:
    server = make_server()
    components = server._gradio.config()["components"]
    for component in components:
        component["props"] = {**component.get("props", {}), "file_types": [".pdf", "image"]}
    server.config_fields.update(components=components, version=version)
    with Client(server.url, download_files=False) as client:
        client.predict(handle(b"x", name="a.pdf"), api_name="/echo")
        job = client.submit(handle(b"x", name="a.wav"), api_name="/echo")
        if checked:
            with pytest.raises(ValidationError, match=r"'a\.wav' is of none.*\.pdf, image"):
                job.result(SOON)
        else:  # there, it is advice for those who choose a file in a browser
            assert job.result(SOON)["orig_name"] == "a.wav"
    assert len(server.asked("upload")) == (1 if checked else 2)
