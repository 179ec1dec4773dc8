"""Finding files in outputs: in full values, and in what edits make of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rxgradio.protocol.dialects import Dialect, dialect_of
from rxgradio.protocol.diff import outline
from rxgradio.protocol.event import Edits, Values, fold
from rxgradio.protocol.files import FileSearch, Inline, Remote, Slot, safe_name
from rxgradio.updates import Status, StatusUpdate
from tests.protocol.test_diff import differ

OWN = "http://app.test:7860"
WEBSOCKET = dialect_of(None, "3.50.2")
UNMARKED = dialect_of("sse_v2", "4.20.1")
MARKED = dialect_of("sse_v3", "6.31.0")
URI = "data:text/plain;base64,aGk="


def marked(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "url": None, "meta": {"_type": "gradio.FileData"}, **more}


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "data": None, "is_file": True, **more}


def local(file: Remote | Inline) -> str:
    return f"local:{file.path if isinstance(file, Remote) else file.uri}"


def fill(slots: list[Slot]) -> None:
    for slot in slots:
        slot.fill(local(slot.file))


def shown(dialect: Dialect, component: str, value: Any) -> Any:
    """Return what a user gets for an output."""
    search = FileSearch(dialect, [component], OWN)
    before = copy.deepcopy(value)
    entry, slots = search.take(Values([value], final=True))
    fill(slots)
    assert value == before
    assert isinstance(entry, Values)
    return entry.data[0]


# ---- what is a file


@pytest.mark.parametrize(
    ("dialect", "component", "value", "expected"),
    [
        (MARKED, "file", marked("/s/a"), "local:/s/a"),
        (MARKED, "json", {"deep": [marked("/s/a"), 1]}, {"deep": ["local:/s/a", 1]}),
        (MARKED, "json", {"path": "/s/a"}, {"path": "/s/a"}),
        (MARKED, "json", {"path": "/s/a", "meta": "x"}, {"path": "/s/a", "meta": "x"}),
        (MARKED, "textbox", "/s/a", "/s/a"),
        (MARKED, "image", URI, URI),
        (MARKED, "file", [marked("/s/a"), marked("/s/b")], ["local:/s/a", "local:/s/b"]),
        (MARKED, "video", {"video": marked("/v"), "subtitles": None},
         {"video": "local:/v", "subtitles": None}),
        (UNMARKED, "gallery", [{"image": {"path": "/s/a"}, "caption": None}],
         [{"image": "local:/s/a", "caption": None}]),
        (UNMARKED, "json", marked("/s/a"), marked("/s/a")),
        (UNMARKED, "customthing", {"path": "/s/a"}, {"path": "/s/a"}),
        (UNMARKED, "chatbot", [[None, {"file": {"path": "/s/a"}, "alt_text": None}]],
         [[None, {"file": "local:/s/a", "alt_text": None}]]),
        (UNMARKED, "file", {"path": 1}, {"path": 1}),
        (UNMARKED, "file", {"path": ""}, {"path": ""}),
        (WEBSOCKET, "file", named("/s/a"), "local:/s/a"),
        (WEBSOCKET, "file", {"path": "/s/a"}, {"path": "/s/a"}),
        (WEBSOCKET, "video", [named("/v"), {"name": None, "data": URI, "is_file": False}],
         ["local:/v", f"local:{URI}"]),
        (WEBSOCKET, "image", URI, f"local:{URI}"),
        (WEBSOCKET, "image", {"__type__": "update", "value": URI},
         {"__type__": "update", "value": f"local:{URI}"}),
        (WEBSOCKET, "gallery", [[named("/s/a"), "caption"]], [["local:/s/a", "caption"]]),
        (WEBSOCKET, "chatbot", [["hello", named("/s/a")], [URI, None]],
         [["hello", "local:/s/a"], [URI, None]]),
        (WEBSOCKET, "textbox", URI, URI),
        (WEBSOCKET, "json", named("/s/a"), named("/s/a")),
        (WEBSOCKET, "image", "data:", "data:"),
    ],
)  # fmt: skip
def test_what_is_a_file_becomes_a_path_and_nothing_else_does(
    dialect: Dialect, component: str, value: Any, expected: Any
) -> None:
    assert shown(dialect, component, value) == expected


@pytest.mark.parametrize("dialect", [MARKED, UNMARKED])
def test_what_is_no_path_of_a_stream_is_left_as_it_is(dialect: Dialect) -> None:
    for path in ("hash/../2/playlist.m3u8", "hash/1/2/other", "/etc/passwd"):
        stream = marked(path, is_stream=True)
        assert shown(dialect, "audio", stream) == stream
    assert shown(WEBSOCKET, "audio", named("x", is_stream=True)) == named("x", is_stream=True)


@pytest.mark.parametrize(
    "url",
    ["http://elsewhere.test/x", "https://app.test:7860/x", OWN, f"{OWN}1/x", f"{OWN}@evil.test/x"],
)
def test_a_url_of_another_origin_stays_a_url(url: str) -> None:
    assert shown(MARKED, "image", marked(url)) == url
    assert shown(UNMARKED, "image", {"path": url}) == url
    assert shown(WEBSOCKET, "audio", named(url)) == url


def test_a_url_of_the_apps_own_is_fetched() -> None:
    assert shown(MARKED, "image", marked(f"{OWN}/x")) == f"local:{OWN}/x"


def test_the_names_that_files_have() -> None:
    def file(dialect: Dialect, value: Any) -> Any:
        _, slots = FileSearch(dialect, ["image"], OWN).take(Values([value], final=True))
        return slots[0].file

    assert file(MARKED, marked("/s/a.png", orig_name="b.png")).name == "b.png"
    assert file(MARKED, marked("/s/a.png", orig_name=None)).name == "/s/a.png"
    assert file(WEBSOCKET, named("/s/a.png", orig_name=7)).name == "/s/a.png"
    assert file(WEBSOCKET, URI).name == "image"
    assert file(WEBSOCKET, {"name": "a.vtt", "data": URI}).name == "a.vtt"


def test_state_and_what_cannot_hold_files_is_not_searched() -> None:
    assert FileSearch(UNMARKED, ["textbox", "json", "state"], OWN).futile
    assert FileSearch(MARKED, ["state"], OWN).futile
    assert FileSearch(MARKED, [], OWN).futile
    assert not FileSearch(UNMARKED, ["textbox", "file"], OWN).futile


def test_entries_without_files_are_passed_as_they_are() -> None:
    search = FileSearch(MARKED, ["chatbot", "textbox"], OWN)
    status = StatusUpdate(Status.PROCESSING)
    for entry in [
        Values([[{"role": "user", "content": "x"}], ""], final=False),
        Edits([[["append", [0, "content"], "y"]], []]),
        Edits([[["add", [1], {"role": "assistant", "content": ""}]], [["append", [], "z"]]]),
        status,
        Values([None, None], final=True),
    ]:
        passed, slots = search.take(entry)
        assert passed is entry
        assert slots == []


def test_a_value_of_any_depth_is_searched() -> None:
    value: Any = marked("/s/a")
    for _ in range(2000):  # more than Python recurses
        value = [value]
    _, slots = FileSearch(MARKED, ["json"], OWN).take(Values([value], final=True))
    assert [slot.file for slot in slots] == [Remote("/s/a", "")]


class Watched(list[Any]):
    """A list that counts how often all of it is looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        self.looks += 1
        return super().__iter__()


def test_only_what_an_edit_inserts_is_searched() -> None:
    history = Watched([{"content": marked(f"/s/{n}")} for n in range(3)] + [{"content": ""}])
    search = FileSearch(MARKED, ["chatbot"], OWN)
    _, slots = search.take(Values([history], final=False))
    assert len(slots) == 3
    looks = history.looks
    for _ in range(1000):
        entry = Edits([[["append", [3, "content"], "word "]]])
        assert search.take(entry) == (entry, [])
    assert history.looks == looks


# ---- edits of files


def narrate(dialect: Dialect, component: str, *values: Any) -> Iterator[tuple[Any, int]]:
    """Yield what a user gets for values that are sent as edits, and how many files are new."""
    search = FileSearch(dialect, [component], OWN)
    entry, slots = search.take(Values([values[0]], final=False))
    fill(slots)
    data = fold((), entry)  # type: ignore[arg-type]
    yield data[0], len(slots)
    for old, new in pairwise(values):
        edits = differ(old, new, since_5_30=True)
        before = copy.deepcopy(edits)
        outline(old, edits)
        entry, slots = search.take(Edits([edits]))
        assert edits == before
        fill(slots)
        data = fold(data, entry)  # type: ignore[arg-type]
        yield data[0], len(slots)


CACHED = "/cache/" + "a" * 64
"""A folder of Gradio's cache, where a path says what is in the file."""


@pytest.mark.parametrize(("folder", "again"), [(CACHED, 0), ("/static", 1)])
def test_a_file_whose_fields_are_edited_is_another_file(folder: str, again: int) -> None:
    frames = [marked(f"{folder}/{n}.png", size=n, orig_name=f"{n}.png") for n in (1, 1, 2, 22)]
    seen = list(narrate(MARKED, "image", *frames))
    assert seen == [
        (f"local:{folder}/1.png", 1),
        (f"local:{folder}/1.png", again),  # what is no cache may have another file by now
        (f"local:{folder}/2.png", 1),
        (f"local:{folder}/22.png", 1),
    ]


def test_a_file_whose_path_grows_is_another_file() -> None:
    seen = list(narrate(UNMARKED, "file", {"path": "/s/a"}, {"path": "/s/a.txt"}))
    assert seen == [("local:/s/a", 1), ("local:/s/a.txt", 1)]


def test_an_object_may_become_a_file_and_be_one_no_more() -> None:
    update = {"__type__": "update", "visible": True}
    values = [update, marked("/s/a"), update, marked("/s/b"), None]
    assert [value for value, _ in narrate(MARKED, "image", *values)] == [
        update,
        "local:/s/a",
        update,
        "local:/s/b",
        None,
    ]


def test_files_come_and_go_in_lists() -> None:
    a, b, c = ({"content": marked(f"/s/{name}")} for name in "abc")
    values = [[], [a], [a, b], [b, c], [c], [], [a, b, c]]
    for (got, _), wire in zip(narrate(MARKED, "chatbot", *values), values, strict=True):
        assert got == [{"content": f"local:{each['content']['path']}"} for each in wire]


TEXTS = st.text("ab", max_size=3)
PATHS = st.sampled_from(["/s/a", "/s/aa", "/s/b", "http://elsewhere.test/x"])
FILES = st.builds(lambda path, size: marked(path, size=size), PATHS, st.integers(0, 2))
ALMOST = st.dictionaries(
    st.sampled_from(["path", "meta", "size", "x"]),
    TEXTS | FILES | st.just({"_type": "gradio.FileData"}) | st.just({"_type": "other"}),
    max_size=4,
)
WIRE = st.recursive(
    st.none() | st.booleans() | TEXTS | FILES | ALMOST,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3)
    ),
    max_leaves=10,
)


def replaced(value: Any, *, named_by: str) -> Any:
    """Return a value with paths for files: plainly, and all of it anew."""
    if isinstance(value, dict):
        path = value.get("path")
        meta = value.get("meta")
        is_marked = isinstance(meta, dict) and meta.get("_type") == "gradio.FileData"
        if isinstance(path, str) and path and (is_marked or named_by == "component"):
            return path if path.startswith("http") else f"local:{path}"
        return {key: replaced(each, named_by=named_by) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, named_by=named_by) for each in value]
    return value


@settings(max_examples=500, deadline=None)
@given(st.lists(WIRE, min_size=2, max_size=5))
@example(
    [{"a": {"meta": {"_type": "gradio.FileData"}}}, {"a": {"path": "a", "meta": marked("/s/a")}}]
)
@example([{"a": {"meta": marked("/s/a")}}, {"a": {"path": "a", "meta": marked("/s/a")}}, {"a": 1}])
def test_edits_lead_to_what_the_full_values_would_show(values: list[Any]) -> None:
    for dialect, named_by in [(MARKED, "mark"), (UNMARKED, "component")]:
        got = [value for value, _ in narrate(dialect, "chatbot", *values)]
        assert got == [replaced(value, named_by=named_by) for value in values]


# ---- names


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.png", "photo.png"),
        ("my report #1 (ü).pdf", "my report #1 (ü).pdf"),
        ("/etc/passwd", "passwd"),
        ("../../x", "x"),
        ("..\\..\\x.txt", "x.txt"),
        ("C:\\x.txt", "x.txt"),
        ("..", "file"),
        ("...", "file"),
        ("", "file"),
        ("a/", "file"),
        ("a\x00b\n.txt", "ab.txt"),
        ("nul", "_nul"),
        ("COM1.txt", "_COM1.txt"),
        ("a:b*c?.txt", "abc.txt"),
        ("trailing. . ", "trailing"),
        (".hidden", ".hidden"),
        ("x" * 300 + ".tar.gz", "x" * 197 + ".gz"),
        ("x." + "y" * 300, "x." + "y" * 198),
        ("\ud800x", "x"),
    ],
)
def test_names_of_files(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=300) | st.text("./\\ \x00ü:~", max_size=20))
def test_any_name_is_a_name_in_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe not in {"", ".", ".."}
    assert not set("/\\\x00:\n") & set(safe)
    assert len(safe.encode()) <= 200
    assert safe_name(safe) == safe
