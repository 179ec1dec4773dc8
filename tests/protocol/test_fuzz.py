"""What servers said, cut at every byte, and with bytes changed.

Recordings and how they are heard are those of `test_transcripts`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rxgradio.exceptions import RxGradioError
from rxgradio.protocol import commands as do
from rxgradio.protocol import messages as wire
from rxgradio.protocol.event import Event
from rxgradio.protocol.exchange import Exchange
from rxgradio.protocol.messages import Malformed, Message, load_json, parse
from rxgradio.protocol.session import Session
from rxgradio.protocol.sse import SSEDecoder
from tests.protocol.test_transcripts import (
    FOLDER,
    OUTPUTS,
    STREAMS,
    TRANSCRIPTS,
    VERSIONS,
    WEBSOCKETS,
    dialect,
    recorded,
    replay,
)
from tests.protocol.world import AT, Owner

SESSIONS = [version for version in VERSIONS if dialect(version).queue == "session"]
ROUNDS = 150
"""Changes to each recording."""
ends = pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


# ---- cut anywhere


@ends
@pytest.mark.parametrize("path", STREAMS, ids=named)
def test_a_cut_at_any_byte_gives_the_same_messages(path: Path, end: bytes) -> None:
    said = path.read_bytes().replace(b"\n", end)
    expected = [bytes(data) for data in SSEDecoder().feed(said + b"\n" * (end == b"\r"))]
    assert expected
    for at in range(1, len(said)):
        decoder = SSEDecoder()
        got = [*decoder.feed(said[:at]), *decoder.feed(said[at:] + b"\n" * (end == b"\r"))]
        assert got == expected, f"cut at byte {at}"


@pytest.mark.parametrize("path", STREAMS, ids=named)
def test_a_byte_at_a_time_gives_the_same_messages(path: Path) -> None:
    said = path.read_bytes()
    decoder = SSEDecoder()
    got = [data for byte in said for data in decoder.feed(bytes([byte]))]
    assert got == SSEDecoder().feed(said)
    assert not decoder.torn


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=named)
def test_a_cut_at_any_byte_gives_the_same_updates(path: Path) -> None:
    version, name = path.parent.name, path.stem
    expected = replay(version, name)
    said = recorded(version, name)[0]
    # The call hears messages: cuts within one are all the same to it.
    bounds = [at for at in range(len(said)) if version in WEBSOCKETS or said[:at].endswith(b"\n\n")]
    for at in bounds if version not in WEBSOCKETS else []:
        assert_same(replay(version, name, [at]), expected)
    assert_same(replay(version, name, bounds), expected)


def assert_same(got: Owner, expected: Owner) -> None:
    assert got.entries == expected.entries
    assert list(map(repr, got.ends)) == list(map(repr, expected.ends))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=named)
def test_a_message_that_breaks_off_anywhere_is_no_message_or_says_what_is_wrong(path: Path) -> None:
    for data in framed(path):
        whole = parse(data)
        for at in range(len(data)):
            assert isinstance(parse(data[:at]), Malformed), data[:at]
        assert parse(data + b" \n") == whole


# ---- bytes changed


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=named)
def test_whatever_bytes_come_the_parser_only_raises_what_it_promises(path: Path) -> None:
    chance = random.Random(named(path))
    for data in framed(path):
        for _ in range(ROUNDS // 10):
            changed = mutated(data, chance)
            message = parse(changed)
            if isinstance(message, Malformed):
                assert message.reason
            try:
                load_json(changed)
            except (ValueError, RecursionError):
                assert isinstance(message, Malformed)


@pytest.mark.parametrize("path", STREAMS, ids=named)
def test_whatever_bytes_come_the_decoder_goes_on(path: Path) -> None:
    chance = random.Random(named(path))
    said = path.read_bytes()
    for _ in range(ROUNDS):
        decoder = SSEDecoder()
        decoder.feed(mutated(said, chance) + b"\n\n")
        assert decoder.feed(b"data: after it\n\n") == [b"after it"]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=named)
def test_whatever_comes_a_call_ends_once_or_goes_on(path: Path) -> None:
    version, name = path.parent.name, path.stem
    chance = random.Random(named(path))
    frames = framed(path)
    for _ in range(ROUNDS // 3):
        owner = Owner(name)
        for command in heard(version, name, owner, disturbed(frames, chance)):
            owner_takes(command)
        # The stream ends, so the call must have.
        assert len(owner.ends) == 1
        assert owner.ends[0] is None or isinstance(owner.ends[0], RxGradioError)


@pytest.mark.parametrize("version", SESSIONS)
def test_what_is_wrong_with_the_messages_of_one_call_harms_no_other(version: str) -> None:
    chance = random.Random(version)
    names = [name for name in ("count", "two", "logs", "js-nested", "fail_mid", "chat")]
    for turn in range(ROUNDS):
        harmed, spared = chance.sample(names, 2)
        wrong = [mutated(data, chance) for data in spoken(version, harmed, "a" * 32)]
        right = spoken(version, spared, "b" * 32)
        if any(concerns_all(parse(data)) or b"b" * 32 in data for data in wrong):
            continue
        owner = Owner(spared)
        session, commands = joined(version, {Owner(harmed): "a" * 32, owner: "b" * 32}, turn)
        commands += session.opened(1)
        while wrong or right:
            source = wrong if wrong and (not right or chance.random() < 0.5) else right
            commands += session.received(1, [parse(source.pop(0))], AT)
        for command in commands:
            owner_takes(command)
        expected = replay(version, spared)
        assert owner.entries == expected.entries
        assert list(map(repr, owner.ends)) == list(map(repr, expected.ends))


# ---- how


def framed(path: Path) -> list[bytes]:
    """Return the messages of a recording, as bytes."""
    said, _ = recorded(path.parent.name, path.stem)
    if path.parent.name in WEBSOCKETS:
        return said.splitlines()
    return [bytes(data) for data in SSEDecoder().feed(said)]


def spoken(version: str, name: str, event_id: str) -> list[bytes]:
    """Return the messages of a call, as bytes and under another event id."""
    return [
        data.replace(b'"event-1"', f'"{event_id}"'.encode())
        for data in framed(FOLDER / version / f"{name}.sse")
        if b'"event-1"' in data
    ]


_TOKENS = [b"null", b"{}", b"[]", b"-1", b"1e999", b"NaN", b'"', b"\\", b"\xff", b"\0", b"[" * 50]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change some bytes; none becomes the end of a line, which would begin another field."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.choice([0, 1, 1, 2, 10]))
        match chance.randrange(5):
            case 0:
                changed[at:to] = bytes(chance.randrange(14, 256) for _ in range(to - at))
            case 1:
                del changed[at:to]
            case 2:
                changed[at:at] = chance.choice(_TOKENS)
            case 3:
                changed[at:at] = changed[at:to]
            case _:
                changed[at:to] = chance.choice(_TOKENS)
    return bytes(changed)


def disturbed(frames: list[bytes], chance: random.Random) -> Iterator[Message]:
    """Yield messages of which some are wrong, repeated, left out or late."""
    said = list(frames)
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(said)) if said else 0
        match chance.randrange(5) if said else 5:
            case 0:
                del said[at]
            case 1:
                said.insert(at, said[at])
            case 2:
                said.append(said.pop(at))
            case 3 | 4:
                said[at] = mutated(said[at], chance)
            case _:
                pass
    return map(parse, said)


@cache
def concerns_all(message: Message) -> bool:
    return isinstance(message, wire.CloseStream | wire.UnexpectedError)


def joined(
    version: str, ids: dict[Owner, str], turn: int
) -> tuple[Session[Owner], list[do.Command[Owner]]]:
    session: Session[Owner] = Session(f"session {turn}", dialect(version))
    commands: list[do.Command[Owner]] = []
    for owner, event_id in ids.items():
        event = Event(dialect(version), OUTPUTS.get(owner.name, 1), AT)
        call = do.Call(owner, 0, b"[]", event, generator=True)
        commands += [*session.submit(call), *session.joined(call, event_id, AT)]
    return session, commands


def heard(
    version: str, name: str, owner: Owner, said: Iterator[Message]
) -> list[do.Command[Owner]]:
    """Return what comes of messages, after which the connection ends."""
    if dialect(version).queue == "session":
        session, commands = joined(version, {owner: "event-1"}, 0)
        commands += session.opened(1)
        for message in said:
            commands += session.received(1, [message], AT)
        return commands + session.close(AT)
    event = Event(dialect(version), OUTPUTS.get(name, 1), AT)
    call = do.Call(owner, 0, b"[]", event, generator=True)
    exchange: Exchange[Owner] = Exchange(call, dialect(version))
    commands = exchange.start()
    for message in said:
        commands += exchange.received([message], AT)
    return commands + exchange.ended(None, AT)


def owner_takes(command: Any) -> None:
    match command:
        case do.Publish(call, entries, _):
            assert not call.owner.ends, "news of a call that has ended"
            call.owner.entries += entries
        case do.Finish(call, entries, _, error):
            call.owner.entries += entries
            call.owner.ends.append(error)
        case _:
            pass
