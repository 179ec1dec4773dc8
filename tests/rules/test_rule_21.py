"""21. A download is kept whole, or not at all, and only in its folder.

Its name is cleaned and shortened; it is written under a temporary name and gets its own
when it is complete; what fails leaves nothing behind; nobody else can write to it.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rxgradio
from rxgradio import Client, ConnectionLost, Limits, ProtocolError, RxGradioError
from rxgradio.files.disk import Folder
from rxgradio.testing import chunk, stream_head
from tests.rules.ways import FILES, WAYS, go
from tests.transport.server import SOON, FakeGradio, Peer, Script, answer

CONTENT = bytes(range(256)) * 20_000
META = {"_type": "gradio.FileData"}


def file(name: str | None = "a.bin", **more: Any) -> dict[str, Any]:
    """A file as every generation of servers would tell of it."""
    return {
        "path": "/srv/a.bin",
        "name": "/srv/a.bin",
        "is_file": True,
        "orig_name": name,
        "meta": META,
        **more,
    }


def yields(server: FakeGradio, way: str, *files: Any) -> None:
    server.config_fields["components"] = FILES
    go(server, way, *files)


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


NAMES = [
    "../../evil",
    "/etc/evil",
    "..",
    ".",
    "",
    "a\0b",
    "a\nb",
    "\\\\host\\share\\evil",
    "C:\\evil",
    "C:evil",
    "con",
    "NUL.txt",
    "x" * 300,
    "x" * 300 + ".tar.gz",
    "x." + "y" * 300,
    "\u00fc" * 300 + ".png",
    "\ud83d",
    "a/../b",
    "%2e%2e%2fevil",
    "evil\u2028.txt",
    "name. . ",
    "~root",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_rule_21_whatever_it_is_called_it_is_kept_in_its_folder(
    server: FakeGradio, folder: Path, way: str, name: str
) -> None:
    yields(server, way, file(name))
    server.script("a.bin", answer(CONTENT))
    with Client(server.url, download_files=folder) as client:
        kept = Path(client.submit("x", api_name="/echo").result(SOON))
    assert kept.read_bytes() == CONTENT
    assert left(folder) == [kept]
    assert kept.parent.parent == folder
    assert kept.resolve() == kept
    assert len(os.fsencode(kept.name)) <= 255
    assert len(left(folder.parent)) == 1


async def cut(peer: Peer) -> None:
    head = answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % len(CONTENT))
    await peer.send(head + CONTENT[:-1])
    peer.close()


async def reset(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + CONTENT)
    peer.reset()


async def cut_chunk(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nhalf")
    peer.close()


@pytest.mark.parametrize("script", [cut, reset, cut_chunk])
@pytest.mark.parametrize("way", WAYS)
def test_rule_21_a_download_that_breaks_leaves_nothing(
    server: FakeGradio, folder: Path, way: str, script: Script
) -> None:
    yields(server, way, file())
    server.script("a.bin", script)
    with Client(server.url, download_files=folder, retry=None) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
    assert isinstance(error, ConnectionLost)
    assert left(folder) == []


def test_rule_21_what_comes_after_the_announced_length_is_not_kept(
    server: FakeGradio, folder: Path
) -> None:
    yields(server, "session", file())
    server.script("a.bin", answer(CONTENT) + b"HTTP/1.1 200 OK\r\n\r\nmore and more")
    with Client(server.url, download_files=folder) as client:
        assert Path(client.predict("x", api_name="/echo")).read_bytes() == CONTENT
        assert Path(client.predict("x", api_name="/echo")).read_bytes() == CONTENT


async def chunked(peer: Peer) -> None:
    """Answer with the content, whose length is not announced."""
    await peer.send(stream_head("application/octet-stream") + chunk(CONTENT) + chunk(b""))


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
@pytest.mark.parametrize("way", WAYS)
def test_rule_21_a_file_of_another_size_than_told_is_refused(
    server: FakeGradio, folder: Path, way: str, size: int
) -> None:
    yields(server, way, file(size=size))
    server.script("a.bin", chunked)
    with Client(server.url, download_files=folder) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, ProtocolError)
        assert str(size) in str(error)
        assert left(folder) == []


@pytest.mark.parametrize("size", [len(CONTENT), 0, None, -1, "big", 1.5, True])
def test_rule_21_a_size_that_is_right_or_none_is_no_trouble(
    server: FakeGradio, folder: Path, size: object
) -> None:
    yields(server, "session", file(size=size))
    server.script("a.bin", chunked)
    with Client(server.url, download_files=folder) as client:
        assert Path(client.predict("x", api_name="/echo")).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [1, len(CONTENT) + 1])
def test_rule_21_the_length_of_the_answer_is_believed_more_than_the_app(
    server: FakeGradio, folder: Path, size: int
) -> None:
    yields(server, "session", file(size=size))
    server.script("a.bin", answer(CONTENT))
    with Client(server.url, download_files=folder) as client:
        assert Path(client.predict("x", api_name="/echo")).read_bytes() == CONTENT


async def endless(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        await peer.send_chunk(CONTENT)


def announced(size: int) -> bytes:
    return answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % size)


@pytest.mark.parametrize("script", [endless, announced(10**15), announced(4_000_001)])
def test_rule_21_a_file_beyond_the_limit_is_refused(
    server: FakeGradio, folder: Path, script: Script
) -> None:
    yields(server, "session", file())
    server.script("a.bin", script)
    limits = Limits(download=4_000_000)
    with Client(server.url, download_files=folder, limits=limits) as client:
        job = client.submit("x", api_name="/echo")
        with pytest.raises(ProtocolError, match=r"more than 4000000 bytes; rxgradio\.Limits"):
            job.result(SOON)
    assert left(folder) == []


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_rule_21_nobody_else_can_write_to_what_is_kept(server: FakeGradio, folder: Path) -> None:
    yields(server, "session", file())
    server.script("a.bin", answer(CONTENT))
    with Client(server.url, download_files=folder) as client:
        kept = Path(client.predict("x", api_name="/echo"))
    for path in (kept, kept.parent, folder):
        assert not stat.S_IMODE(path.stat().st_mode) & (stat.S_IWOTH | stat.S_IWGRP)


FULL = """
import resource, sys
from rxgradio import Client
with Client(sys.argv[1], download_files=sys.argv[2]) as client:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    error = client.submit("x", api_name="/echo").exception(20)
    print(type(error).__name__, type(error.__cause__).__name__, "cannot be kept" in str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    "content", ["/srv/a.bin", "data:a/b;base64," + "AAAA" * 1_000_000], ids=["a file", "a URI"]
)
def test_rule_21_a_disk_that_is_full_is_told_and_freed(
    server: FakeGradio, folder: Path, content: str
) -> None:
    inline = content.startswith("data:")
    where = {"name": "a", "data": content, "is_file": False} if inline else file()
    yields(server, "post" if inline else "session", where)
    server.script("a.bin", answer(CONTENT))
    done = subprocess.run(
        [sys.executable, "-c", FULL, server.url, str(folder)],
        cwd=Path(rxgradio.__file__).parents[1],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("RxGradioError OSError True\n", "")
    assert left(folder) == []


def test_rule_21_a_data_uri_is_decoded_wherever_it_is_cut(tmp_path: Path) -> None:
    # It is decoded in pieces; an escape that is at the end of one must not be torn.
    folder = Folder(tmp_path)
    for shift in range(4):
        text = "x" * (1024 * 1024 - shift) + "%41%42" + "y" * 100
        path = Path(folder._decode(f"data:text/plain,{text}", "a.txt"))
        assert path.read_text() == "x" * (1024 * 1024 - shift) + "AB" + "y" * 100


def test_rule_21_a_call_whose_file_is_refused_harms_no_other(
    server: FakeGradio, folder: Path
) -> None:
    yields(server, "session", file(size=1))
    server.script("a.bin", chunked)
    with Client(server.url, download_files=folder) as client:
        assert isinstance(client.submit("x", api_name="/echo").exception(SOON), RxGradioError)
        server.script("data", None)
        assert client.predict("still there", api_name="/echo") == "still there"
