"""What real servers of every generation said, through the whole of the core, cut anywhere.

`tests/live/record.py` has made the recordings, and says what is in them.
"""

from __future__ import annotations

import json
import random
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import AppError, QueueFull
from rxgradio.protocol import commands as do
from rxgradio.protocol import messages as wire
from rxgradio.protocol.answers import Answer, event_id_of, message_of
from rxgradio.protocol.dialects import Dialect, dialect_of
from rxgradio.protocol.event import Edits, Event, Values, fold
from rxgradio.protocol.exchange import Exchange
from rxgradio.protocol.messages import Malformed, Message, Unknown, parse
from rxgradio.protocol.session import Session
from rxgradio.protocol.sse import SSEDecoder
from rxgradio.updates import Status
from tests.live.servers.values import JS, LOGS, growing, reply
from tests.protocol.world import AT, Owner

FOLDER = Path(__file__).parent / "transcripts"
STREAMS = sorted(FOLDER.glob("*/*.sse"))
TRANSCRIPTS = sorted([*STREAMS, *FOLDER.glob("*/*.ws")])
VERSIONS = ["3.36.1", "3.50.2", "4.8.0", "4.16.0", "4.20.1"]
VERSIONS += ["4.21.0", "4.22.0", "4.44.1", "5.50.0", "6.31.0"]
WEBSOCKETS = VERSIONS[:2]
IN_FULL = VERSIONS[:4]
"""Whose partial outputs are no differences."""
CANCELS = VERSIONS[-3:]
"""Which tell the end of a call that was cancelled; others say nothing more."""
OUTPUTS = {"nothing": 0, "two": 2, "state": 2, "chat": 2, "frames": 2}
UNFINISHED = {"cancelled", "cancelled-queued"}


@cache
def dialect(version: str) -> Dialect:
    config = json.loads((FOLDER / version / "config.json").read_bytes())
    return dialect_of(config.get("protocol"), config["version"])


def recorded(version: str, name: str) -> tuple[bytes, bool]:
    """Return what a server said, and whether it was the server who ended it."""
    if version in WEBSOCKETS:
        said = (FOLDER / version / f"{name}.ws").read_bytes()
        *frames, end = said.splitlines(keepends=True)
        return b"".join(frames), json.loads(end)["closed"] is not None
    said = (FOLDER / version / f"{name}.sse").read_bytes()
    return said, name not in UNFINISHED or version in CANCELS


def pieces(said: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(said), *(cut % (len(said) + 1) for cut in cuts)})
    return [said[start:stop] for start, stop in pairwise(places)]


def batches(version: str, said: bytes, cuts: list[int]) -> list[list[Message]]:
    """Return the messages that arrive together: one frame each, or what a read has brought."""
    if version in WEBSOCKETS:
        return [[parse(frame)] for frame in said.splitlines()]
    decoder = SSEDecoder()
    return [[parse(data) for data in decoder.feed(piece)] for piece in pieces(said, cuts)]


def messages(version: str, name: str) -> list[Message]:
    return [m for batch in batches(version, recorded(version, name)[0], []) for m in batch]


def replay(version: str, name: str, cuts: list[int] | None = None) -> Owner:
    """Let the machine for this generation hear a recording, and return what its call was told."""
    said, ended = recorded(version, name)
    owner = Owner(name)
    outputs = OUTPUTS.get(name, 1)
    call = do.Call(owner, 0, b"[]", Event(dialect(version), outputs, AT), generator=True)
    heard = batches(version, said, cuts or [])
    commands: list[Any]
    if dialect(version).queue == "session":
        session: Session[Owner] = Session("session", dialect(version))
        commands = [*session.submit(call), *session.joined(call, "event-1", AT)]
        commands += session.opened(1)
        for batch in heard:
            commands += session.received(1, batch, AT)
        if ended:
            commands += session.ended(1, None, AT)
            assert session.at_rest
            assert not session.retired
    else:
        exchange: Exchange[Owner] = Exchange(call, dialect(version))
        commands = exchange.start()
        for batch in heard:
            commands += exchange.received(batch, AT)
        if ended:
            commands += exchange.ended(None, AT)
        asked = [
            m for batch in heard for m in batch if isinstance(m, wire.SendHash | wire.SendData)
        ]
        given = [c for c in commands if isinstance(c, do.GiveHash | do.GiveData)]
        assert len(given) == len(asked)
    for command in commands:
        match command:
            case do.Publish(_, entries, _):
                owner.entries += entries
            case do.Finish(_, entries, _, error):
                owner.entries += entries
                owner.ends.append(error)
            case _:
                pass
    return owner


def test_there_are_recordings_of_every_version() -> None:
    assert sorted({path.parent.name for path in TRANSCRIPTS}) == sorted(VERSIONS)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_message_is_understood(path: Path) -> None:
    said = messages(path.parent.name, path.stem)
    assert said
    assert not [m for m in said if isinstance(m, Malformed | Unknown)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("add", [3]),
        ("batch", ["one of 1"]),
        ("count", [*growing("word", 12), [*growing("word", 12)][-1]]),
        ("logs", ["logged"]),
        ("progress", ["3 steps"]),
        ("two", ["abc"]),
        ("state", [1]),
        ("upd", [{"__type__": "update", "value": "new", "visible": True}]),
        *((f"js-{kind}", [*values, values[-1]]) for kind, values in JS.items()),
    ],
)
def test_a_call_comes_to_what_the_app_made(version: str, name: str, outputs: list[Any]) -> None:
    if (version, name) == ("4.8.0", "batch"):
        assert not (FOLDER / version / "batch.sse").exists()  # it kills the server's queue
        return
    owner = replay(version, name)
    assert owner.ends == [None]
    assert owner.outputs == outputs


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_may_have_no_output(version: str) -> None:
    owner = replay(version, "nothing")
    assert owner.ends == [None]
    assert [entry for entry in owner.entries if isinstance(entry, Values)] == [Values([], True)]


@pytest.mark.parametrize("version", VERSIONS)
def test_only_newer_servers_send_differences(version: str) -> None:
    edits = [entry for entry in replay(version, "count").entries if isinstance(entry, Edits)]
    assert len(edits) == (0 if version in IN_FULL else 11)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_chat_grows_to_the_reply(version: str) -> None:
    data: Any = ()
    for entry in replay(version, "chat").entries:
        if isinstance(entry, Edits | Values):
            data = fold(data, entry)
    emptied, history = data
    assert emptied == ""
    said = reply("hello there")
    if version in CANCELS:  # which speak in messages, and 6.x in parts of them
        assert [turn["role"] for turn in history] == ["user", "assistant"]
        whole = [{"text": said, "type": "text"}] if version == "6.31.0" else said
        assert history[1]["content"] == whole
    else:
        assert history == [["hello there", said]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_is_told_as_each_generation_tells_it(version: str) -> None:
    owner = replay(version, "file_out")
    (file,) = owner.outputs
    assert owner.ends == [None]
    assert file["orig_name"] == "out.txt"
    assert file[dialect(version).files].startswith("/srv/gradio/")
    marked = file.get("meta") == {"_type": "gradio.FileData"}
    assert marked is (version in VERSIONS[VERSIONS.index("4.21.0") :])
    assert bool(file.get("url")) is (version in VERSIONS[VERSIONS.index("4.20.1") :])


@pytest.mark.parametrize("version", VERSIONS)
def test_failures_and_logs_are_told(version: str) -> None:
    fail = replay(version, "fail").ends[0]
    assert isinstance(fail, AppError)
    assert fail.message == "told you so"
    half = replay(version, "fail_mid")
    assert half.outputs == ["part 0", "part 1"]
    assert isinstance(half.ends[0], AppError)
    assert half.ends[0].message == "half-way"
    crash = replay(version, "crash").ends[0]
    assert isinstance(crash, AppError)
    assert "does not tell" in str(crash)
    assert "secret" not in str(crash)
    logs = [entry.log for entry in replay(version, "logs").entries if entry_is_log(entry)]
    assert logs == [(text, level) for level, text in LOGS]


def entry_is_log(entry: Any) -> bool:
    return getattr(entry, "code", None) is Status.LOG


@pytest.mark.parametrize("version", VERSIONS)
def test_progress_is_told(version: str) -> None:
    units = [
        entry.progress_data[0]
        for entry in replay(version, "progress").entries
        if getattr(entry, "code", None) is Status.PROGRESS
    ]
    assert units
    assert {(unit.length, unit.unit) for unit in units} == {(3, "steps")}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_generator_is_told_of_by_some(version: str) -> None:
    owner = replay(version, "cancelled")
    assert owner.outputs[0] == "tick 0"
    if version in CANCELS:
        *_, last, end = messages(version, "cancelled")
        assert isinstance(last, wire.Completed)
        assert last.data is None
        assert isinstance(end, wire.CloseStream)
        (error,) = owner.ends
        assert isinstance(error, AppError)
    else:
        assert isinstance(messages(version, "cancelled")[-1], wire.Generating)
        assert owner.ends == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_cancelled_in_the_queue_never_starts(version: str) -> None:
    said = messages(version, "cancelled-queued")
    assert any(isinstance(m, wire.Estimation) for m in said)
    assert not any(isinstance(m, wire.SendData | wire.Started) for m in said)
    assert len(replay(version, "cancelled-queued").ends) == (1 if version in CANCELS else 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_queue_is_told_by_a_message_or_a_refusal(version: str) -> None:
    if dialect(version).queue == "session":
        with pytest.raises(QueueFull, match="Max size is 1"):
            event_id_of(answer(version, "full"))
    else:
        (error,) = replay(version, "full").ends
        assert isinstance(error, QueueFull)


@pytest.mark.parametrize("version", ["5.50.0", "6.31.0"])
def test_a_stream_of_frames_is_told_in_full(version: str) -> None:
    owner = replay(version, "frames")
    assert owner.ends == [None]
    assert not any(isinstance(entry, Edits) for entry in owner.entries)
    answers = [f"frame {n}: {frame}" for n, frame in enumerate("abc")]
    # 5.x calls the function once more for the end, 6.x repeats what it said last.
    last = "frame 3: c" if version == "5.50.0" else answers[-1]
    assert owner.outputs == [*answers, last]
    briefly = replay(version, "frames-briefly")
    assert briefly.ends == [None]
    assert briefly.outputs == ["frame: a", "frame: a"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_direct_post_is_answered_with_a_result(version: str) -> None:
    done, failed = message_of(answer(version, "direct")), message_of(answer(version, "direct-fail"))
    assert isinstance(done, wire.Completed)
    assert done.data == ["direct x"]
    assert isinstance(failed, wire.Failed)
    event = Event(dialect(version), 1, AT)
    event.receive(failed, AT)
    assert isinstance(event.error, AppError)
    assert event.error.message == "told you so"


def answer(version: str, name: str) -> Answer:
    head, body = (FOLDER / version / f"{name}.http").read_bytes().split(b"\n\n", 1)
    return Answer(int(head.split()[1]), {}, body)


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(STREAMS),
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
    for piece in pieces(said, cuts):
        got += decoder.feed(piece)
    assert got == expected


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(STREAMS), seed=st.integers(0, 2**32))
def test_any_cut_gives_the_same_job(path: Path, seed: int) -> None:
    version, name = path.parent.name, path.stem
    chance = random.Random(seed)
    whole = replay(version, name)
    cut = replay(version, name, [chance.randrange(5000) for _ in range(20)])
    assert cut.entries == whole.entries
    assert list(map(repr, cut.ends)) == list(map(repr, whole.ends))
