"""What real servers said, through the whole of the core, cut anywhere.

`tests/live/record.py` has made the recordings.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import AppError
from rxgradio.protocol import commands as do
from rxgradio.protocol.dialects import dialect_of
from rxgradio.protocol.event import Edits, Event, Values, fold
from rxgradio.protocol.messages import Malformed, Unknown, parse
from rxgradio.protocol.session import Session
from rxgradio.protocol.sse import SSEDecoder
from rxgradio.updates import Status
from tests.live.servers.values import JS, LOGS, growing, reply
from tests.protocol.world import AT, Owner

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*/*.sse"))
VERSIONS = sorted({path.parent.name for path in TRANSCRIPTS})
OUTPUTS = {"nothing": 0, "two": 2, "state": 2, "chat": 2}


def recorded(version: str, name: str) -> bytes:
    return (Path(__file__).parent / "transcripts" / version / f"{name}.sse").read_bytes()


def replay(version: str, name: str, cuts: list[int] | None = None) -> Owner:
    """Let a session machine hear a recording, and return what its call was told."""
    said = recorded(version, name)
    dialect = dialect_of("sse_v3", version)
    session: Session[Owner] = Session("session", dialect)
    owner = Owner(name)
    call = do.Call(owner, 0, b"[]", Event(dialect, OUTPUTS.get(name, 1), AT))
    commands = [*session.submit(call), *session.joined(call, "event-1", AT), *session.opened(1)]
    decoder = SSEDecoder()
    places = sorted({0, len(said), *(cut % (len(said) + 1) for cut in cuts or [])})
    for start, stop in pairwise(places):
        messages = [parse(data) for data in decoder.feed(said[start:stop])]
        commands += session.received(1, messages, AT)
    commands += session.ended(1, None, AT)
    for command in commands:
        match command:
            case do.Publish(_, entries, _):
                owner.entries += entries
            case do.Finish(_, entries, _, error):
                owner.entries += entries
                owner.ends.append(error)
            case _:
                pass
    assert session.at_rest
    assert not session.retired
    return owner


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_message_is_understood(path: Path) -> None:
    messages = [parse(data) for data in SSEDecoder().feed(path.read_bytes())]
    assert len(messages) >= 3
    assert not [m for m in messages if isinstance(m, Malformed | Unknown)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("add", [3]),
        ("count", [*growing("word", 12), [*growing("word", 12)][-1]]),
        ("js", [*JS["nested"], JS["nested"][-1]]),
        ("logs", ["logged"]),
        ("progress", ["3 steps"]),
        ("two", ["abc"]),
        ("state", [1]),
    ],
)
def test_a_call_comes_to_what_the_app_made(version: str, name: str, outputs: list[Any]) -> None:
    owner = replay(version, name)
    assert owner.ends == [None]
    assert owner.outputs == outputs


@pytest.mark.parametrize("version", VERSIONS)
def test_a_chat_grows_to_the_reply(version: str) -> None:
    data: Any = ()
    owner = replay(version, "chat")
    for entry in owner.entries:
        if isinstance(entry, Edits | Values):
            data = fold(data, entry)
    assert reply("hello there") in str(data[1])


@pytest.mark.parametrize("version", VERSIONS)
def test_failures_and_logs_are_told(version: str) -> None:
    fail = replay(version, "fail").ends[0]
    assert isinstance(fail, AppError)
    assert fail.message == "told you so"
    half = replay(version, "fail_mid")
    assert half.outputs == ["part 0", "part 1"]
    assert isinstance(half.ends[0], AppError)
    logs = [entry.log for entry in replay(version, "logs").entries if entry_is_log(entry)]
    assert logs == [(text, level) for level, text in LOGS]


def entry_is_log(entry: Any) -> bool:
    return getattr(entry, "code", None) is Status.LOG


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(TRANSCRIPTS),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
    crlf=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_any_cut_and_any_line_end_give_the_same_messages(
    path: Path, cuts: list[int], crlf: bytes
) -> None:
    said = path.read_bytes()
    expected = SSEDecoder().feed(said)
    said = said.replace(b"\n", crlf) + (b"" if crlf != b"\r" else b"\n")
    decoder = SSEDecoder()
    got: list[bytes] = []
    places = sorted({0, len(said), *(cut % (len(said) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        got += decoder.feed(said[start:stop])
    assert got == expected


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(TRANSCRIPTS), seed=st.integers(0, 2**32))
def test_any_cut_gives_the_same_job(path: Path, seed: int) -> None:
    version, name = path.parent.name, path.stem
    chance = random.Random(seed)
    whole = replay(version, name)
    cut = replay(version, name, [chance.randrange(5000) for _ in range(20)])
    assert cut.entries == whole.entries
    assert list(map(repr, cut.ends)) == list(map(repr, whole.ends))
