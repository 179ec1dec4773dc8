"""Streams of media: what is fetched at their end, and from nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgradio import Client, ProtocolError, RemoteFile, Retry
from rxgradio.files import way
from rxgradio.protocol.playlist import playlist_of
from tests.transport.server import FakeGradio, Peer, answer, chunk, generating, stream_head

META = {"_type": "gradio.FileData"}
PLAYLIST = "session/run/7/playlist.m3u8"
HEAD = "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGETDURATION:1\n"
END = "#EXT-X-ENDLIST\n"


def stream(path: str = PLAYLIST, **more: Any) -> dict[str, Any]:
    known = {"path": path, "url": None, "is_stream": True, "meta": META}
    return {**known, "orig_name": "audio-stream.mp3", **more}


def listed(*pieces: str, ended: bool = True) -> bytes:
    lines = "".join(f"#EXTINF:1.000000,\n{piece}\n" for piece in pieces)
    return answer((HEAD + lines + (END if ended else "")).encode())


@pytest.fixture
def client(server: FakeGradio, folder: Path) -> Iterator[Client]:
    with Client(
        server.url,
        headers={"x-secret": "s3cret"},
        download_files=folder,
        retry=Retry(attempts=3, initial=0),
    ) as client:
        yield client


async def reset(peer: Peer) -> None:
    peer.reset()


# ---- the playlist


def test_a_playlist_is_read() -> None:
    body = HEAD + "#EXTINF:0.5,\na-1.ts?__sign=x%20y\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nb.ts\n"
    playlist = playlist_of(body.encode())
    assert playlist.pieces == ("a-1.ts?__sign=x%20y", "b.ts")
    assert (playlist.suffix, playlist.ended) == (".ts", False)
    assert playlist_of((body + END).encode()).ended
    empty = playlist_of((HEAD + END).encode())
    assert (empty.pieces, empty.suffix) == ((), "")


@pytest.mark.parametrize(
    "line",
    [
        "http://evil.test/a.aac",
        "//evil.test/a.aac",
        "/etc/a.aac",
        "../a.aac",
        "..aac",
        "a/b.aac",
        "a%2Fb.aac",
        "a.mp3",
        "a.aac#x",
        "a.aac\r\nx: y",
        "a.aac?x=/../y",
    ],
)
def test_what_is_no_piece_of_the_stream_is_refused(line: str) -> None:
    with pytest.raises(ProtocolError, match="not of it"):
        playlist_of(f"{HEAD}{line}\n".encode())


def test_pieces_of_two_kinds_are_no_one_file() -> None:
    with pytest.raises(ProtocolError, match=r"b\.ts"):
        playlist_of(f"{HEAD}a.aac\nb.ts\n".encode())


@given(st.binary(max_size=300))
def test_nothing_else_is_a_playlist(body: bytes) -> None:
    try:
        pieces = playlist_of(b"#EXTM3U\n" + body).pieces
    except ProtocolError:
        return
    assert not any("/" in piece.partition("?")[0] or ":" in piece for piece in pieces)


# ---- what is made of it


def test_a_stream_becomes_its_media(server: FakeGradio, client: Client, folder: Path) -> None:
    server.script("playlist.m3u8", reset, listed("a.aac", "b.aac", "c.aac"))
    server.script("a.aac", answer(b"first "))
    server.script("b.aac", reset, answer(b"second "))
    server.script("c.aac", answer(b"third"))
    kept = Path(client.predict(stream(), api_name="/echo"))
    assert kept.read_bytes() == b"first second third"
    assert kept.name == "audio-stream.aac"
    assert kept.parent.parent == folder
    assert server.asked("a.aac")[0].target == "/gradio_api/stream/session/run/7/a.aac"
    assert server.asked("a.aac")[0].values("x-secret") == ["s3cret"]


def test_a_stream_that_runs_is_left_as_it_is(server: FakeGradio, client: Client) -> None:
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.events)
    event = server.events[-1]
    server.loop.call_soon_threadsafe(server.say, event.session, generating(event, stream()))
    assert next(job) == stream()
    assert server.asked("playlist.m3u8") == []
    server.script("playlist.m3u8", listed("a.aac"))
    server.script("a.aac", answer(b"all"))
    server.finish(event, stream())
    assert Path(job.result(10)).read_bytes() == b"all"


def test_a_stream_that_goes_on_is_waited_for(
    server: FakeGradio, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "_NEXT", 0.0)
    server.script(
        "playlist.m3u8",
        listed("a.ts", ended=False),
        listed("a.ts", ended=False),
        listed("a.ts", "b.ts", ended=False),
        listed("a.ts", "b.ts", "c.ts"),
    )
    for name in "abc":
        server.script(f"{name}.ts", answer(name.encode()))
    kept = Path(client.predict(stream(orig_name="video-stream.mp4"), api_name="/echo"))
    assert (kept.read_bytes(), kept.name) == (b"abc", "video-stream.ts")
    assert len(server.asked("a.ts")) == 1


def test_a_stream_that_never_ends_is_given_up(
    server: FakeGradio, client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "_NEXT", 0.0)
    server.script("playlist.m3u8", listed("a.ts", ended=False))
    server.script("a.ts", answer(b"a"))
    with pytest.raises(ProtocolError, match="does not end"):
        client.predict(stream(), api_name="/echo")
    assert len(server.asked("playlist.m3u8")) < 100
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_stream_without_a_piece_is_an_empty_file(server: FakeGradio, client: Client) -> None:
    server.script("playlist.m3u8", listed())
    kept = Path(client.predict(stream(), api_name="/echo"))
    assert (kept.read_bytes(), kept.name) == (b"", "audio-stream.mp3")


@pytest.mark.parametrize(
    ("playlist", "piece", "says"),
    [
        (answer(b"<html>"), answer(b"x"), "no playlist"),
        (answer(b"", "404 X"), answer(b"x"), "404"),
        (listed("a.aac"), answer(b"", "404 X"), "404"),
        (listed("http://evil.test/a.aac"), answer(b"x"), "not of it"),
        (answer(b"", "302 Found", "Location: http://127.0.0.1:9/"), answer(b"x"), "redirects"),
    ],
)
def test_a_stream_that_cannot_be_had_ends_the_job(
    server: FakeGradio, client: Client, folder: Path, playlist: Any, piece: Any, says: str
) -> None:
    server.script("playlist.m3u8", playlist)
    server.script("a.aac", piece)
    with pytest.raises(ProtocolError, match=says):
        client.predict(stream(), api_name="/echo")
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_stream_is_bounded_like_a_file(server: FakeGradio, folder: Path) -> None:
    from rxgradio import Limits

    server.script("playlist.m3u8", listed("a.aac", "b.aac"))
    server.script("a.aac", answer(b"x" * 60))
    server.script("b.aac", answer(b"x" * 60))
    limits = Limits(download=100)
    with (
        Client(server.url, download_files=folder, limits=limits) as client,
        pytest.raises(ProtocolError, match="more than 100 bytes"),
    ):
        client.predict(stream(), api_name="/echo")


def test_the_stream_of_gradio_4_is_fetched_once(server: FakeGradio, client: Client) -> None:
    """It has no playlist, and what it has given away it has no more (routes.py of 4.44)."""

    async def send(peer: Peer) -> None:
        await peer.send(stream_head("audio/wav") + chunk(b"some") + chunk(b"thing") + chunk(b""))

    server.script("7", send)
    value = stream("session/140/7", orig_name=None)
    kept = Path(client.predict([value], api_name="/echo")[0])
    assert kept.read_bytes() == b"something"
    server.script("7", reset)
    with pytest.raises(Exception, match="broke"):
        client.predict(value, api_name="/echo")
    assert len(server.asked("7")) == 2


def test_a_stream_may_be_left_there(server: FakeGradio, client: Client) -> None:
    server.script("playlist.m3u8", listed("a.aac"))
    server.script("a.aac", answer(b"all"))
    file = client.endpoint("/echo", download="lazy").predict(stream())
    assert isinstance(file, RemoteFile)
    assert file.url == f"{server.url}/gradio_api/stream/{PLAYLIST}"
    assert server.asked("playlist.m3u8") == []
    assert file.read() == b"all"
    # It is no file of the app's, and is sent as one.
    client.predict({"x": file}, api_name="/echo")
    assert b"all" in server.asked("upload")[0].body
