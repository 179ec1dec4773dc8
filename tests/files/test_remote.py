"""Files that stay with the app until they are wanted."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from rxgradio import (
    Client,
    ClientClosed,
    ProtocolError,
    RemoteFile,
    Retry,
    RxGradioError,
    handle_file,
)
from tests.transport.server import SOON, FakeGradio, Peer, answer, generating

CONTENT = bytes(range(256)) * 10_000
META = {"_type": "gradio.FileData"}


@pytest.fixture
def client(server: FakeGradio, folder: Path) -> Iterator[Client]:
    with Client(
        server.url,
        headers={"x-secret": "s3cret"},
        download_files=folder,
        download="lazy",
        retry=Retry(initial=0),
    ) as client:
        yield client


def remote(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "url": None, "orig_name": None, "meta": META, **more}


def fetched(server: FakeGradio) -> int:
    return sum("file=" in request.target for request in server.requests)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_when_it_is_wanted(
    server: FakeGradio, client: Client, folder: Path, tmp_path: Path
) -> None:
    server.script("a.bin", answer(CONTENT))
    given = [remote("/srv/a.bin", size=len(CONTENT)), "text"]
    (file, text) = client.predict(given, api_name="/echo")
    assert isinstance(file, RemoteFile)
    assert (file.name, file.size, text) == ("a.bin", len(CONTENT), "text")
    assert file.url == f"{server.url}/gradio_api/file=/srv/a.bin"
    assert repr(file) == f"<RemoteFile 'a.bin', {len(CONTENT)} bytes>"
    assert fetched(server) == 0
    assert not folder.exists()
    assert file.read() == CONTENT
    assert not folder.exists()
    with file.open() as opened:
        assert opened.read() == CONTENT
    assert Path(os.fspath(file)).parent.parent == folder
    assert Path(file).read_bytes() == CONTENT
    assert fetched(server) == 2  # what is kept is not fetched again...
    Path(file).unlink()
    assert Path(file).read_bytes() == CONTENT  # ...while it is there
    assert file.save(tmp_path) == tmp_path / "a.bin"
    assert file.save(tmp_path / "other.bin").read_bytes() == CONTENT
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert (tmp_path / "a.bin").stat().st_mode & 0o022 == 0
    assert all(each.values("x-secret") == ["s3cret"] for each in server.asked("a.bin"))


def test_a_running_loop_is_not_blocked(server: FakeGradio, client: Client, tmp_path: Path) -> None:
    server.script("a.bin", answer(CONTENT))
    file = client.predict(remote("/srv/a.bin"), api_name="/echo")

    async def main() -> None:
        assert await file.aread() == CONTENT
        assert (await file.asave(tmp_path / "x")).read_bytes() == CONTENT

    asyncio.run(main())


def test_a_name_from_the_server_stays_in_the_directory(
    server: FakeGradio, client: Client, tmp_path: Path
) -> None:
    server.script("x", answer(b"x"))
    file = client.predict(remote("/srv/x", orig_name="../../evil"), api_name="/echo")
    (tmp_path / "there").mkdir()
    assert file.save(tmp_path / "there") == tmp_path / "there" / "evil"


@pytest.mark.parametrize(
    ("script", "kind"),
    [(answer(b"", "404 X"), ProtocolError), (answer(b"", "500 X"), ProtocolError)],
)
def test_what_cannot_be_had_is_told_and_leaves_what_was_there(
    server: FakeGradio, client: Client, tmp_path: Path, script: Any, kind: Any
) -> None:
    server.script("x", script)
    file = client.predict(remote("/srv/x"), api_name="/echo")
    there = tmp_path / "x"
    there.write_bytes(b"before")
    for fetch in (file.read, file.open, lambda: file.save(there), lambda: os.fspath(file)):
        with pytest.raises(kind):
            fetch()
    assert there.read_bytes() == b"before"
    assert left(tmp_path) == ["x"]
    server.script("x", answer(b"now"))
    with file.open() as opened:
        assert opened.read() == b"now"


def test_a_path_that_cannot_be_written_is_told(
    server: FakeGradio, client: Client, tmp_path: Path
) -> None:
    server.script("x", answer(b"x"))
    file = client.predict(remote("/srv/x"), api_name="/echo")
    with pytest.raises(RxGradioError, match=r"x' cannot be kept.*nowhere"):
        file.save(tmp_path / "nowhere" / "x")
    (tmp_path / "file").touch()
    for where in (tmp_path / "file" / "x", tmp_path / ("n" * 300), tmp_path / "a\0b"):
        with pytest.raises(RxGradioError, match="x' cannot be kept"):
            file.save(where)


def test_a_file_goes_back_to_its_app_without_travelling(server: FakeGradio, client: Client) -> None:
    file = client.predict(remote("/srv/a.bin", orig_name="a.bin"), api_name="/echo")
    for value in (file, [{"deep": (file,)}], handle_file(file)):
        client.submit(value, api_name="/echo").result(SOON)
        said = json.dumps(server.events[-1].data)
        assert "/srv/a.bin" in said
        assert file.signature not in said
        assert "rxgradio" not in said
    assert fetched(server) == 0
    assert server.asked("upload") == []


def test_a_file_travels_to_another_app(
    server: FakeGradio, elsewhere: FakeGradio, client: Client
) -> None:
    server.script("a.bin", answer(CONTENT))
    file = client.predict(remote("/srv/a.bin"), api_name="/echo")
    elsewhere.script("upload", answer(["/there/a.bin"]))
    with Client(elsewhere.url, download_files=False) as other:
        assert other.predict(file, api_name="/echo")["path"] == "/there/a.bin"
    (sent,) = elsewhere.asked("upload")
    assert CONTENT in sent.body
    assert all(request.values("x-secret") == [] for request in elsewhere.requests)


def test_nothing_else_becomes_an_argument(client: Client) -> None:
    for value in (b"bytes", object(), Path("a")):
        with pytest.raises(TypeError, match="handle_file"):
            client.submit([value], api_name="/echo")


def test_a_copy_is_the_same_and_it_goes_to_no_other_process(
    server: FakeGradio, client: Client
) -> None:
    value = client.predict([remote("/srv/a.bin")], api_name="/echo")
    assert copy.deepcopy(value)[0] is value[0]
    assert copy.copy(value[0]) is value[0]
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(value)


def test_it_keeps_its_client_open(server: FakeGradio, folder: Path) -> None:
    server.script("a.bin", answer(CONTENT))
    file = Client(server.url, download_files=folder, download="lazy").predict(
        remote("/srv/a.bin"), api_name="/echo"
    )
    gc.collect()
    assert file.read() == CONTENT
    del file
    gc.collect()
    server.until(lambda: not server.open)


def test_closing_ends_what_waits_for_a_file(server: FakeGradio, client: Client) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("a.bin", hold)
    file = client.predict(remote("/srv/a.bin"), api_name="/echo")
    ends: list[Future[Any]] = []
    for fetch in (file.read, file.open):
        end: Future[Any] = Future()
        ends.append(end)
        threading.Thread(target=_into, args=(end, fetch), daemon=True).start()
    server.until(lambda: len(server.asked("a.bin")) == 2)
    client.close()
    for end in ends:
        assert isinstance(end.exception(SOON), ClientClosed)
    with pytest.raises(ClientClosed):
        file.read()
    with pytest.raises(ClientClosed):
        os.fspath(file)


def _into(end: Future[Any], work: Callable[[], Any]) -> None:
    try:
        end.set_result(work())
    except BaseException as error:
        end.set_exception(error)


# ---- which are fetched


def test_only_the_final_output_is_fetched_if_asked(
    server: FakeGradio, client: Client, folder: Path
) -> None:
    server.script("a.bin", answer(b"a"))
    server.script("b.bin", answer(b"b"))
    job = client.endpoint("/held", download="final").submit("x")
    server.until(lambda: server.events)
    event = server.events[-1]
    value = [remote("/srv/a.bin"), remote("/srv/a.bin")]
    server.loop.call_soon_threadsafe(server.say, event.session, generating(event, value))
    first, same = next(job)
    assert isinstance(first, RemoteFile)
    assert first is same
    assert fetched(server) == 0
    server.finish(event, [remote("/srv/a.bin"), remote("/srv/b.bin")])
    result = job.result(SOON)
    assert [Path(path).read_bytes() for path in result] == [b"a", b"b"]
    assert all(isinstance(path, str) for path in result)
    assert first.read() == b"a"


def test_what_is_fetched_is_chosen_for_an_endpoint(server: FakeGradio, client: Client) -> None:
    server.script("a.bin", answer(b"a"))
    endpoint = client.endpoint("/echo", download="all")
    assert isinstance(endpoint.predict(remote("/srv/a.bin")), str)
    assert isinstance(
        endpoint.with_options(download="lazy").predict(remote("/srv/a.bin")), RemoteFile
    )
    with pytest.raises(ValueError, match="'all', 'final' or 'lazy'"):
        client.endpoint("/echo", download="some")  # type: ignore[arg-type]  # (the test)


def test_files_in_a_failed_job_stay_there(server: FakeGradio, client: Client) -> None:
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.events)
    event = server.events[-1]
    server.loop.call_soon_threadsafe(
        server.say, event.session, generating(event, remote("/srv/a.bin"))
    )
    file = next(job)
    job.cancel()
    server.script("a.bin", answer(b"a"))
    assert file.read() == b"a"
