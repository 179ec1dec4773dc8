"""The disk: whole files only, in their own folder, and none left open."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio import ConnectionLost, ProtocolError, RxGradioError
from rxgradio.files.disk import Folder, LocalFile, default_folder

CONTENT = bytes(range(256)) * 20_000
ENCODED = base64.b64encode(CONTENT).decode()


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_kept_whole_in_a_folder_named_after_its_content(tmp_path: Path) -> None:
    kept = asyncio.run(Folder(tmp_path).keep(pieces(CONTENT, b"", CONTENT, b"!"), "a.bin"))
    content = CONTENT * 2 + b"!"
    assert Path(kept).read_bytes() == content
    assert left(tmp_path) == [f"{hashlib.sha256(content).hexdigest()}/a.bin"]


def test_the_same_file_is_kept_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = asyncio.run(folder.keep(pieces(b"x"), "a"))
    Path(first).write_bytes(b"changed by somebody")
    assert asyncio.run(folder.keep(pieces(b"x"), "a")) == first
    assert Path(first).read_bytes() == b"x"
    assert len(left(tmp_path)) == 1


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    assert Path(asyncio.run(Folder(tmp_path).keep(pieces(), "a"))).read_bytes() == b""


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=20) | st.text("./\\\x00~:", max_size=8))
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    kept = Path(asyncio.run(Folder(tmp_path).keep(pieces(b"x"), name)))
    assert kept.resolve().parent.parent == tmp_path.resolve()
    assert kept.read_bytes() == b"x"


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield CONTENT
        raise ConnectionLost("broke")

    with pytest.raises(ConnectionLost):
        asyncio.run(Folder(tmp_path).keep(breaking(), "a"))
    assert left(tmp_path) == []


def test_what_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        stalled = asyncio.Event()

        async def stalling() -> AsyncIterator[bytes]:
            yield CONTENT
            stalled.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(Folder(tmp_path).keep(stalling(), "a"))
        await stalled.wait()
        assert len(left(tmp_path)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RxGradioError, match=r"'a\.txt' cannot be kept") as caught:
        asyncio.run(Folder(tmp_path / "file").keep(pieces(b"x"), "a.txt"))
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(RxGradioError, match="cannot be kept"):
        asyncio.run(Folder(tmp_path / "file").decode("data:,x", "a.txt"))


@pytest.mark.parametrize(
    ("uri", "name", "expected", "content"),
    [
        (f"data:image/png;base64,{ENCODED}", "image", "image.png", CONTENT),
        ("data:text/vtt;base64,aGk=", "sub.srt", "sub.srt", b"hi"),
        ("data:text/plain,h%20i", "note", "note.txt", b"h i"),
        ("data:;base64,", "x", "x", b""),
        ("data:what/ever;base64,aGk=", "../x", "x", b"hi"),
    ],
)  # fmt: skip
def test_data_uris_become_files(
    tmp_path: Path, uri: str, name: str, expected: str, content: bytes
) -> None:
    path = Path(asyncio.run(Folder(tmp_path).decode(uri, name)))
    assert path.name == expected
    assert path.read_bytes() == content
    assert len(left(tmp_path)) == 1


@pytest.mark.parametrize("uri", ["data:a/b;base64,aGk", "data:a/b;base64,!!!!", "data:;base64,ü"])
def test_broken_data_uris_are_told(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ProtocolError, match="broken"):
        asyncio.run(Folder(tmp_path).decode(uri, "a"))
    assert left(tmp_path) == []


def test_a_local_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)

    async def main() -> list[bytes]:
        file = LocalFile(path, "a")
        assert file.size == len(CONTENT)
        return [piece async for piece in file.chunks()]

    read = asyncio.run(main())
    assert b"".join(read) == CONTENT
    assert len(read) > 1


def test_what_has_no_size_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        LocalFile(tmp_path / "pipe", "a")


@pytest.mark.parametrize("change", ["shorter", "longer", "rewritten"])
def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)

    async def main() -> None:
        file = LocalFile(path, "a")
        async for _ in file.chunks():
            if change == "rewritten":
                os.utime(path, ns=(0, 0))
            else:
                path.write_bytes(b"x" if change == "shorter" else CONTENT * 2)

    with pytest.raises(OSError, match="changed while"):
        asyncio.run(main())


def test_a_file_that_is_there_already_is_left_to_those_who_read_it(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield CONTENT

    async def main() -> None:
        folder = Folder(tmp_path)
        path = Path(await folder.keep(pieces(), "a"))
        os.utime(path, ns=(1, 1))
        reading = LocalFile(path, "a")
        assert await folder.keep(pieces(), "a") == str(path)
        assert b"".join([piece async for piece in reading.chunks()]) == CONTENT

    asyncio.run(main())
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["a"]


def test_downloads_go_where_gradio_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/somewhere")
    assert default_folder() == Path("/somewhere")
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    assert default_folder().name == "gradio"
