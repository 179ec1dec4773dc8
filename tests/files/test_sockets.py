"""Files over real sockets: byte for byte, once each, to nobody else, and never hanging."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from rxgradio import (
    AuthenticationError,
    CancelOutcome,
    Client,
    ClientClosed,
    ConnectionLost,
    Job,
    OutputUpdate,
    ProtocolError,
    Retry,
    Status,
    StatusUpdate,
    ValidationError,
    handle_file,
)
from rxgradio.files.courier import Courier
from rxgradio.options import CallOptions
from rxgradio.protocol.dialects import dialect_of
from rxgradio.transport.chosen import HttpOptions
from rxgradio.transport.http import HttpTransport
from tests.transport.server import SOON, Event, FakeGradio, Peer, answer, generating

CONTENT = bytes(range(256)) * 10_000
META = {"_type": "gradio.FileData"}


PROMPT = Retry(attempts=3, initial=0)


@pytest.fixture
def client(server: FakeGradio, folder: Path) -> Iterator[Client]:
    with Client(
        server.url, headers={"x-secret": "s3cret"}, download_files=folder, retry=PROMPT
    ) as client:
        yield client


@pytest.fixture
def upload(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / 'a "ü" file.bin'
    path.write_bytes(CONTENT)
    return handle_file(path)


def remote(path: str, **more: Any) -> dict[str, Any]:
    """A file that the server has, as it says so."""
    return {"path": path, "url": None, "orig_name": None, "meta": META, **more}


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def event(server: FakeGradio) -> Event:
    server.until(lambda: server.events)
    return server.events[-1]


def say(server: FakeGradio, value: Any) -> None:
    """Have the call yield a value, or edits of the last one."""
    there = event(server)
    server.loop.call_soon_threadsafe(server.say, there.session, generating(there, value))


# ---- uploads


def test_a_file_is_uploaded_byte_for_byte_before_its_call(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    server.script("upload", answer(["/srv/a.bin"]))
    server.script("a.bin", answer(CONTENT, kind="application/octet-stream"))
    given = {"text": "x", "files": [upload, upload]}
    client.predict(given, api_name="/echo")
    (sent,) = server.asked("upload")
    assert sent.target == "/gradio_api/upload"
    assert sent.values("content-length") == [str(len(sent.body))]
    boundary = sent.values("content-type")[0].partition("boundary=")[2]
    head, _, rest = sent.body.partition(b"\r\n\r\n")
    assert 'name="files"; filename="a %22ü%22 file.bin"' in head.decode()
    assert rest == CONTENT + f"\r\n--{boundary}--\r\n".encode()
    expected = {"path": "/srv/a.bin", "orig_name": 'a "ü" file.bin', "meta": META}
    assert server.events[0].data == [{"text": "x", "files": [expected] * 2}]
    assert given["files"] == [upload, upload]


def test_an_empty_file_is_uploaded(server: FakeGradio, client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    server.script("upload", answer(["/srv/empty"]))
    server.script("empty", answer(b""))
    kept = client.predict(handle_file(tmp_path / "empty"), api_name="/echo")
    assert Path(kept).read_bytes() == b""


def test_the_headers_of_a_call_go_with_its_files(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    server.script("upload", answer(["/srv/a.bin"]))
    server.script("a.bin", answer(CONTENT))
    client.predict(upload, api_name="/echo", headers={"x-call": "7"})
    for route in ("upload", "a.bin"):
        (request,) = server.asked(route)
        assert request.values("x-call") == ["7"]
        assert request.values("x-secret") == ["s3cret"]


def test_integers_of_any_size_survive_beside_files(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    server.script("upload", answer(["/srv/a.bin"]))
    server.script("a.bin", answer(CONTENT))
    client.predict([2**70, 0.1, "ü", upload], api_name="/echo")
    assert server.events[0].data[0][:3] == [2**70, 0.1, "ü"]


def test_half_a_character_beside_a_file_is_refused(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    server.script("upload", answer(["/srv/a.bin"]))
    with pytest.raises(ValidationError, match=r"\\ud83d is half a character"):
        client.predict(["ü\ud83d", upload], api_name="/echo")
    assert not server.events


def test_downloads_may_be_wanted_without_saying_where(
    server: FakeGradio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    server.script("a.bin", answer(CONTENT))
    with Client(server.url, download_files=True) as client:
        sent = {"path": "/srv/a.bin", "url": "", "meta": {"_type": "gradio.FileData"}}
        got = Path(client.predict(sent, api_name="/echo"))
    assert got.read_bytes() == CONTENT
    assert tmp_path in got.parents


async def reset(peer: Peer) -> None:
    peer.reset()


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        (answer(b"File size exceeded 1000 bytes", "413 X"), ValidationError, "exceeded 1000 bytes"),
        (answer({"detail": "x"}, "401 X"), AuthenticationError, "401"),
        (answer({"detail": "x"}, "403 X"), AuthenticationError, "403"),
        (answer(b"oops", "500 X"), ProtocolError, "oops"),
        (answer({"no": "list"}), ProtocolError, "does not say where"),
        (answer(b"", "302 Found", "Location: http://127.0.0.1:9/"), ProtocolError, "redirects"),
        (reset, ConnectionLost, "broke"),
    ],
    ids=["too large", "401", "403", "500", "malformed", "redirect", "reset"],
)
def test_a_refused_upload_ends_the_job_and_sends_no_call(
    server: FakeGradio, client: Client, upload: dict[str, Any], script: Any, kind: Any, text: str
) -> None:
    server.script("upload", script)
    job = client.submit(upload, api_name="/echo")
    with pytest.raises(kind, match=text):
        job.result(SOON)
    assert job.status().code is Status.FINISHED
    assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED
    assert server.asked("join") == []


def test_a_refusal_before_the_end_of_the_body_is_heard(
    server: FakeGradio, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(CONTENT * 10)

    async def refuse(peer: Peer) -> None:
        if len(server.requests) >= 2:  # after those for /config and /info
            await peer.send(answer(b"too much", "413 X"))
            await peer.gone()

    server.script("bytes", refuse)
    with pytest.raises(ValidationError, match="too much"):
        client.submit(handle_file(path), api_name="/echo").result(SOON)
    server.script("bytes", None)
    assert client.predict("after", api_name="/echo") == "after"


class Shrinking:
    """A file that cannot be read to its end."""

    name = "a"
    size = 10_000_000

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise OSError("it has shrunk")


def test_a_file_that_cannot_be_read_is_no_lost_connection(server: FakeGradio) -> None:
    async def main() -> None:
        transport = HttpTransport(server.url)
        try:
            await transport.upload("/upload", [Shrinking()])
        finally:
            await transport.aclose()

    with pytest.raises(OSError, match="shrunk") as caught:
        asyncio.run(main())
    assert not isinstance(caught.value, ConnectionLost)
    server.until(lambda: server.accepted and not server.open)


def test_a_server_that_takes_nothing_is_given_up(server: FakeGradio) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("upload", hold)

    async def main() -> None:
        transport = HttpTransport(server.url, options=HttpOptions(kwargs={"timeout": 0.05}))
        try:
            await transport.upload("/upload", [])
        finally:
            await transport.aclose()

    with pytest.raises(ConnectionLost, match="in time"):
        asyncio.run(main())
    server.until(lambda: server.accepted and not server.open)


def test_an_upload_whose_connection_breaks_is_tried_again(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    server.script("upload", reset, answer(["/srv/a.bin"]))
    server.script("a.bin", reset, answer(CONTENT))
    kept = client.predict(upload, api_name="/echo")
    assert Path(kept).read_bytes() == CONTENT
    assert len(server.asked("upload")) == 2


def test_a_file_that_is_gone_when_it_is_needed_is_told(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    Path(upload["path"]).unlink()
    with pytest.raises(FileNotFoundError, match=r"file\.bin"):
        client.submit(upload, api_name="/echo").result(SOON)
    assert server.asked("upload") == server.asked("join") == []


def test_only_files_that_were_named_are_read(
    server: FakeGradio, client: Client, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"of nobody's business")
    theirs = remote(str(secret))
    server.script("secret", answer(b"theirs"))
    # What a server has said comes back to it as it was...
    kept = client.predict(theirs, api_name="/echo")
    assert server.events[0].data == [theirs]
    assert Path(kept).read_bytes() == b"theirs"
    # ...and what looks as if a user had named it is refused.
    with pytest.raises(ValidationError, match="handle_file"):
        client.predict({"path": str(secret), "meta": META}, api_name="/echo")
    # Even if the user has named it for another app.
    forged = {**handle_file(secret), "rxgradio_signature": "0" * 64}
    with pytest.raises(ValidationError, match="handle_file"):
        client.predict(forged, api_name="/echo")
    assert server.asked("upload") == []


def test_a_cancel_during_the_upload_sends_nothing(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("upload", hold)
    job = client.submit(upload, api_name="/echo")
    server.until(lambda: server.asked("upload"))
    assert job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT
    server.until(lambda: server.open <= 1)
    assert server.asked("join") == []


def test_a_cancel_before_the_upload_begins_sends_nothing(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    job = client.submit(upload, api_name="/echo")
    job.cancel()
    assert job.cancel_outcome.result(SOON) in {CancelOutcome.NOT_SENT, CancelOutcome.FINISHED}
    with pytest.raises(CancelledError):
        job.result(SOON)


def test_closing_during_the_upload_ends_the_job(
    server: FakeGradio, client: Client, upload: dict[str, Any]
) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("upload", hold)
    jobs = [client.submit(upload, api_name="/echo") for _ in range(3)]
    server.until(lambda: server.asked("upload"))
    client.close()
    for job in jobs:
        with pytest.raises(ClientClosed):
            job.result(SOON)


def test_calls_with_state_keep_their_order(
    make_server: Callable[..., FakeGradio], upload: dict[str, Any]
) -> None:
    server = make_server(state=True)
    gate = server.gate()

    async def slow(peer: Peer) -> None:
        await gate.passed()
        await peer.send(answer(["/srv/a.bin"]))

    server.script("upload", slow)
    with Client(server.url, download_files=False) as client:
        jobs = [
            client.submit(argument, api_name="/stateful")
            for argument in (upload, "second", "third")
        ]
        other = client.submit("beside", api_name="/echo")
        assert other.result(SOON) == "beside"
        gate.open()
        for job in jobs:
            job.result(SOON)
    said = [event.data[0] for event in server.events if event.data[0] != "beside"]
    assert said[1:] == ["second", "third"]
    assert said[0]["path"] == "/srv/a.bin"


# ---- downloads


def test_a_file_of_an_output_is_kept_byte_for_byte(
    server: FakeGradio, client: Client, folder: Path
) -> None:
    server.script("a%20%23%3F%25%20%C3%BC.bin", answer(CONTENT))
    kept = client.predict(remote("/srv/x y/a #?% ü.bin"), api_name="/echo")
    assert Path(kept).read_bytes() == CONTENT
    assert Path(kept).name == "a #% ü.bin"
    assert Path(kept).parent.parent == folder
    (asked,) = [request for request in server.requests if "file=" in request.target]
    assert asked.target == "/gradio_api/file=/srv/x%20y/a%20%23%3F%25%20%C3%BC.bin"
    assert left(folder) == ["a #% ü.bin"]


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "evil\x00", "a/../evil"])
def test_a_hostile_name_stays_in_the_folder(
    server: FakeGradio, client: Client, folder: Path, name: str
) -> None:
    server.script("x", answer(b"x"))
    kept = Path(client.predict(remote("/srv/x", orig_name=name), api_name="/echo"))
    assert kept.name == "evil"
    assert kept.parent.parent == folder


@pytest.mark.parametrize("path", ["/srv/../../logout", "../x", "/srv/./x", "x/.."])
def test_a_path_that_would_leave_the_route_is_not_asked_for(
    server: FakeGradio, client: Client, path: str
) -> None:
    with pytest.raises(ProtocolError, match="dots"):
        client.predict(remote(path), api_name="/echo")
    assert {request.route for request in server.requests} == {"config", "info", "join", "data"}


def test_nothing_is_fetched_from_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, client: Client, folder: Path
) -> None:
    url = f"{elsewhere.url}/x"
    assert client.predict(remote(url, url=url), api_name="/echo") == url
    server.script("x", answer(b"", "302 Found", f"Location: {url}"))
    with pytest.raises(ProtocolError, match=r"redirects.*'/srv/x'"):
        client.predict(remote("/srv/x", url=url), api_name="/echo")
    assert elsewhere.accepted == 0
    assert left(folder) == []


def test_a_url_of_the_app_itself_is_fetched(server: FakeGradio, client: Client) -> None:
    server.script("x", answer(b"here"))
    value = [remote(f"{server.url}/gradio_api/file=/srv/x")]
    (kept,) = client.predict(value, api_name="/echo")
    assert Path(kept).read_bytes() == b"here"
    assert server.asked("x")[0].values("x-secret") == ["s3cret"]
    for path in ["/a/../x", "/a/%2e%2E/x"]:
        with pytest.raises(ProtocolError, match="dots"):
            client.predict([remote(server.url + path)], api_name="/echo")


def test_a_url_of_the_app_itself_is_brought_to_it(server: FakeGradio, client: Client) -> None:
    server.script("x", answer(b"here"))
    server.script("upload", answer(["/srv/x"]))
    client.predict(handle_file(f"{server.url}/y/x"), api_name="/echo")
    assert server.events[0].data == [{"path": "/srv/x", "orig_name": "x", "meta": META}]
    assert server.asked("upload")[0].body.count(b"here") == 1


def cut(content: bytes) -> Callable[[Peer], Any]:
    async def send(peer: Peer) -> None:
        await peer.send(content)
        peer.close()

    return send


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer({"detail": "File not found: /srv/x."}, "404 X"), ProtocolError),
        (answer({"detail": "x"}, "401 X"), AuthenticationError),
        (answer(b"oops", "500 X"), ProtocolError),
        (answer(b"part", "206 X"), ProtocolError),
        (cut(answer(CONTENT)[:-1]), ConnectionLost),
        (cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), ConnectionLost),
        (reset, ConnectionLost),
    ],
    ids=["404", "401", "500", "206", "short", "chunk", "reset"],
)
def test_a_file_that_cannot_be_had_ends_the_job_and_leaves_nothing(
    server: FakeGradio, client: Client, folder: Path, script: Any, kind: Any
) -> None:
    server.script("x", script)
    job = client.submit(remote("/srv/x"), api_name="/echo")
    with pytest.raises(kind) as caught:
        job.result(SOON)
    if kind is not ConnectionLost:
        assert "'/srv/x'" in str(caught.value)
    assert job.status().success is False
    assert left(folder) == []


def test_outputs_stay_as_they_are_if_that_is_wanted(server: FakeGradio) -> None:
    with Client(server.url, download_files=False) as client:
        assert client.predict(remote("/srv/x"), api_name="/echo") == remote("/srv/x")
    assert server.asked("x") == []


CACHED = f"/cache/{'a' * 64}/x"
"""A path that says what is in the file, as Gradio's cache has it."""


def test_a_stream_keeps_its_order_behind_a_file(server: FakeGradio, client: Client) -> None:
    gate = server.gate()

    async def slow(peer: Peer) -> None:
        await gate.passed()
        await peer.send(answer(b"x"))

    server.script("x", slow)
    job = client.submit("", api_name="/held")
    say(server, [{"content": "a"}])
    say(server, [["append", [0, "content"], "b"]])
    say(server, [["add", [1], {"content": remote(CACHED)}]])
    say(server, [["append", [0, "content"], "c"]])
    server.finish(event(server), [{"content": "abc"}, {"content": remote(CACHED)}])
    server.until(lambda: server.asked("x"))
    assert not job.done()
    gate.open()
    job.result(SOON)
    path = job.result()[1]["content"]
    assert Path(path).read_bytes() == b"x"
    assert job.outputs() == [
        [{"content": "a"}],
        [{"content": "ab"}],
        [{"content": "ab"}, {"content": path}],
        [{"content": "abc"}, {"content": path}],
    ]
    assert len(server.asked("x")) == 1

    async def read() -> list[Any]:
        return [update async for update in job]

    updates = asyncio.run(read())
    assert isinstance(updates[-2], OutputUpdate)
    assert updates[-2].final
    assert isinstance(updates[-1], StatusUpdate)


def waits_for_a_file(server: FakeGradio, client: Client) -> Job:
    async def hold(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await peer.gone()

    server.script("x", hold)
    job = client.submit("", api_name="/held")
    say(server, remote("/srv/x"))
    server.until(lambda: server.asked("x"))
    return job


def test_a_cancel_stops_the_download(server: FakeGradio, client: Client, folder: Path) -> None:
    job = waits_for_a_file(server, client)
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(SOON)
    server.until(lambda: server.asked("cancel"))
    assert job.cancel_outcome.result(SOON) is not CancelOutcome.NOT_SENT
    client.close()
    server.until(lambda: server.open == 0)
    assert left(folder) == []


def test_a_cancel_after_the_servers_end_says_that_it_had_finished(
    server: FakeGradio, client: Client
) -> None:
    job = waits_for_a_file(server, client)
    server.finish(event(server), remote("/srv/x"))
    assert client.predict("after", api_name="/echo") == "after"
    assert not job.done()
    job.cancel()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED


def test_closing_stops_the_download(server: FakeGradio, client: Client, folder: Path) -> None:
    job = waits_for_a_file(server, client)
    finished = client.submit(remote("/srv/x"), api_name="/echo")
    server.until(lambda: len(server.asked("x")) == 2)
    client.close()
    for each in (job, finished):
        with pytest.raises(ClientClosed):
            each.result(SOON)
    server.until(lambda: server.open == 0)
    assert left(folder) == []


def test_a_failed_download_cancels_the_call_on_the_server(
    server: FakeGradio, client: Client
) -> None:
    server.script("x", answer(b"", "404 X"))
    job = client.submit("", api_name="/held")
    say(server, remote("/srv/x"))
    with pytest.raises(ProtocolError, match="404"):
        job.result(SOON)
    server.until(lambda: server.asked("cancel"))
    assert client.predict("after", api_name="/echo") == "after"


def test_many_files_are_fetched_and_kept_apart(server: FakeGradio, client: Client) -> None:
    names = [f"f{n}" for n in range(40)]
    for name in names:
        server.script(name, answer(name.encode()))
    kept = client.predict([remote(f"/srv/{name}") for name in names], api_name="/echo")
    assert [Path(path).read_text() for path in kept] == names


def test_a_gradio_3_app_is_sent_what_is_in_the_web(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    """Told here of the fetching alone; the live tests have real servers of that age."""
    elsewhere.script("a.png", answer(b"pixels"))
    server.script("a.png", answer(b"own pixels"))
    server.script("upload", answer(["/srv/a.png"]))
    there, own = f"{elsewhere.url}/a.png", f"{server.url}/a.png"

    async def sent(marker: dict[str, Any], component: str) -> Any:
        transport = HttpTransport(server.url, headers={"x-secret": "s3cret"})
        courier = Courier(transport, server.url, "", dialect_of(None, "3.50.2"), None)
        data = json.dumps([marker]).encode()
        try:
            return json.loads(await courier.sent(data, [component], CallOptions()))[0]
        finally:
            await transport.aclose()

    # What no user has named is not fetched from here: the server may have made it up.
    assert asyncio.run(sent(remote(there), "image"))["name"] == there
    assert elsewhere.requests == []

    uri = asyncio.run(sent(handle_file(there), "image"))
    assert uri == "data:image/png;base64,cGl4ZWxz"
    assert asyncio.run(sent(handle_file(there), "file"))["name"] == "/srv/a.png"
    uri = asyncio.run(sent(handle_file(own), "image"))
    assert base64.b64decode(uri.partition(",")[2]) == b"own pixels"
    assert all(request.values("x-secret") == [] for request in elsewhere.requests)
    assert server.asked("a.png")[0].values("x-secret") == ["s3cret"]
    elsewhere.script("a.png", answer(b"", "404 X"))
    with pytest.raises(ProtocolError, match="404"):
        asyncio.run(sent(handle_file(there), "image"))


def test_a_file_that_the_app_keeps_back_is_no_missing_login(
    server: FakeGradio, client: Client
) -> None:
    server.script("x.txt", answer({"detail": "File not allowed: /etc/x.txt."}, "403 Forbidden"))
    with pytest.raises(ProtocolError, match=r"does not give the file.*File not allowed"):
        client.predict(remote("/etc/x.txt"), api_name="/echo")


def test_files_of_the_web_leave_nothing_behind(
    server: FakeGradio, elsewhere: FakeGradio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    elsewhere.script("a.png", answer(b"pixels"))
    server.script("upload", answer(["/srv/a.png"]))
    data = [handle_file(f"{elsewhere.url}/{n}/a.png") for n in range(4)]

    async def send() -> Any:
        transport = HttpTransport(server.url)
        courier = Courier(transport, server.url, "", dialect_of(None, "3.50.2"), None)
        sending = courier.sent(json.dumps(data).encode(), ["file"] * 4, CallOptions())
        try:
            return json.loads(await sending)
        finally:
            await transport.aclose()

    assert [sent["name"] for sent in asyncio.run(send())] == ["/srv/a.png"] * 4
    assert len(elsewhere.asked("a.png")) == 4
    assert list(tmp_path.glob("rxgradio-*")) == []
