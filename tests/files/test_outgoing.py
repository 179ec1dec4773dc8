"""Files that go out: what names them, and how each generation has them written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rxgradio import AuthenticationError, ProtocolError, ValidationError, handle_file
from rxgradio.files.handle import is_handled
from rxgradio.protocol.answers import Answer
from rxgradio.protocol.dialects import dialect_of
from rxgradio.protocol.files import (
    BY_USER,
    carries_files,
    markers,
    uploaded_path,
    wants_content,
    written,
)

WEBSOCKET = dialect_of(None, "3.36.1")
TODAY = dialect_of("sse_v3", "6.31.0")
META = {"_type": "gradio.FileData"}


def test_a_local_file_is_marked(tmp_path: Path) -> None:
    file = tmp_path / "a file.txt"
    file.write_bytes(b"")
    marker = handle_file(file)
    assert marker == handle_file(str(file))
    assert is_handled(marker)
    assert len(marker.pop(BY_USER)) == 64
    assert marker == {"path": str(file), "orig_name": "a file.txt", "meta": META}


def test_a_file_stays_the_one_that_was_there_when_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    marker = handle_file("a.txt")
    monkeypatch.chdir("/")
    assert marker["path"] == str(tmp_path / "a.txt")


def test_a_file_in_the_web_is_marked() -> None:
    url = "https://example.test/a/b.png"
    marker = handle_file(url)
    assert is_handled(marker)
    signature = marker.pop(BY_USER)
    assert marker == {"path": url, "url": url, "orig_name": "b.png", "meta": META}
    assert not is_handled(marker)
    assert not is_handled({**marker, "path": "/etc/passwd", BY_USER: signature})
    assert not is_handled({**marker, BY_USER: 7})


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        handle_file(tmp_path / "nowhere.txt")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        handle_file(tmp_path)


def test_markers_are_found_wherever_they_are() -> None:
    marker = {"path": "a", "orig_name": "a", "meta": META}
    data: list[Any] = [marker, {"text": "x", "files": [marker, 1]}, {"path": "a"}, None]
    assert carries_files(b'[{"meta":{"_type":"gradio.FileData"}}]')
    assert not carries_files(b'["x"]')
    found = markers(data, ["image", "multimodaltextbox", "json", "state"])
    assert sorted((marker.component, marker.key) for marker in found) == [
        ("image", 0),
        ("multimodaltextbox", 0),
    ]


def form(dialect: Any, component: str, value: Any, path: str = "/srv/a") -> Any:
    (marker,) = markers([value], [component])
    return written(dialect, marker, path)


def test_each_generation_has_a_form_of_its_own() -> None:
    marker = {"path": "/home/a", "orig_name": "a", "meta": META}
    assert form(TODAY, "file", marker) == {"path": "/srv/a", "orig_name": "a", "meta": META}
    by_name = {"name": "/srv/a", "data": None, "orig_name": "a", "is_file": True}
    assert form(WEBSOCKET, "file", marker) == by_name
    assert form(WEBSOCKET, "chatbot", marker) == {**by_name, "alt_text": None}
    url = handle_file("http://example.test/a")
    assert form(TODAY, "file", url, url["path"]) == {
        "path": "http://example.test/a",
        "orig_name": "a",
        "meta": META,
    }
    assert wants_content(WEBSOCKET, "image")
    assert not wants_content(WEBSOCKET, "video")
    assert not wants_content(TODAY, "image")


def test_the_answer_to_an_upload() -> None:
    assert uploaded_path(Answer(200, {}, b'["/srv/a"]'), "a") == "/srv/a"
    with pytest.raises(ValidationError, match=r"'a' is too large.*1000 bytes"):
        uploaded_path(Answer(413, {}, b"File size exceeded\n1000 bytes."), "a")
    with pytest.raises(AuthenticationError):
        uploaded_path(Answer(401, {}, b""), "a")
    with pytest.raises(ProtocolError, match="upload of 'a'"):
        uploaded_path(Answer(500, {}, b""), "a")
    for body in [b"[]", b"{}", b"[1]", b'["a","b"]', b"null", b'[""]', b"<html>"]:
        with pytest.raises(ProtocolError, match="'a'"):
            uploaded_path(Answer(200, {}, body), "a")


def test_what_a_marker_says_beside_is_kept() -> None:
    marker = {"path": "x", "meta": META, "mime_type": "text/plain", "alt_text": "seen"}
    assert form(TODAY, "file", marker)["mime_type"] == "text/plain"
    assert form(WEBSOCKET, "chatbot", marker)["alt_text"] == "seen"
    assert form(WEBSOCKET, "file", marker, os.fspath("/srv/b.txt"))["orig_name"] == "b.txt"
