"""What servers said, cut at every byte, and with bytes changed.

Recordings and how they are heard are those of `test_transcripts`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rxgradio.exceptions import RxGradioError
from rxgradio.protocol import commands as do
from rxgradio.protocol.event import Event
from rxgradio.protocol.exchange import Exchange
from rxgradio.protocol.messages import Malformed, Message, load_json, parse
from rxgradio.protocol.session import Session
from rxgradio.protocol.sse import SSEDecoder
from tests.protocol.test_transcripts import (
    FOLDER,
    OUTPUTS,
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
by_version = pytest.mark.parametrize("version", VERSIONS)


# ---- cut anywhere


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("version", [version for version in VERSIONS if version not in WEBSOCKETS])
def test_a_cut_at_any_byte_gives_the_same_messages(version: str, end: bytes) -> None:
    for path in of(version):
        said = path.read_bytes().replace(b"\n", end)
        # After a CR, another byte tells that no LF follows.
        tail = b"\n" if end == b"\r" else b""
        expected = SSEDecoder().feed(said + tail)
        assert expected == SSEDecoder().feed(path.read_bytes())
        for at in range(1, len(said)):
            decoder = SSEDecoder()
            got = [*decoder.feed(said[:at]), *decoder.feed(said[at:] + tail)]
            assert got == expected, f"{path.name} cut at byte {at}"
        decoder = SSEDecoder()
        bytewise = [data for byte in said + tail for data in decoder.feed(bytes([byte]))]
        assert bytewise == expected
        assert not decoder.torn


@by_version
def test_a_cut_at_any_byte_gives_the_same_updates(version: str) -> None:
    for path in of(version):
        expected = replay(version, path.stem)
        said = recorded(version, path.stem)[0]
        # A call hears messages: all cuts within one of them are the same to it.
        cuts = [at for at in range(len(said)) if said[:at].endswith(b"\n\n")]
        for places in [*([cut] for cut in cuts), cuts]:
            got = replay(version, path.stem, places)
            assert got.entries == expected.entries
            assert list(map(repr, got.ends)) == list(map(repr, expected.ends))


@by_version
def test_a_message_that_breaks_off_anywhere_is_no_message(version: str) -> None:
    for path in of(version):
        for data in framed(path):
            assert not isinstance(parse(data + b" \n"), Malformed)
            for at in range(len(data)):
                assert isinstance(parse(data[:at]), Malformed), data[:at]


# ---- bytes changed


@by_version
def test_whatever_bytes_come_the_parser_raises_nothing(version: str) -> None:
    chance = random.Random(version)
    for path in of(version):
        for data in framed(path):
            for _ in range(ROUNDS // 10):
                changed = mutated(data, chance)
                message = parse(changed)
                try:
                    load_json(changed, 300_000_000)
                except (ValueError, RecursionError):  # all that it promises
                    assert isinstance(message, Malformed), changed
                    assert message.reason


@by_version
def test_whatever_bytes_come_the_decoder_goes_on(version: str) -> None:
    chance = random.Random(version)
    for path in of(version):
        said = path.read_bytes()
        for _ in range(ROUNDS):
            decoder = SSEDecoder()
            decoder.feed(mutated(said, chance) + b"\n\n")
            assert decoder.feed(b"data: after it\n\n") == [b"after it"]


@by_version
def test_whatever_comes_a_call_ends_once(version: str) -> None:
    chance = random.Random(version)
    for path in of(version):
        frames = framed(path)
        for _ in range(ROUNDS // 3):
            owner = Owner(path.stem)
            for command in heard(version, owner, disturbed(frames, chance)):
                take(command)
            # The connection has ended, so the call must have.
            assert len(owner.ends) == 1
            assert owner.ends[0] is None or isinstance(owner.ends[0], RxGradioError)


@pytest.mark.parametrize("version", SESSIONS)
def test_what_is_wrong_with_the_messages_of_one_call_harms_no_other(version: str) -> None:
    chance = random.Random(version)
    names = ["count", "two", "logs", "js-nested", "fail_mid", "chat"]
    for turn in range(ROUNDS):
        harmed, spared = chance.sample(names, 2)
        wrong = [mutated(data, chance) for data in spoken(version, harmed, "a" * 32)]
        right = spoken(version, spared, "b" * 32)
        owner = Owner(spared)
        session, commands = joined(version, {Owner(harmed): "a" * 32, owner: "b" * 32}, turn)
        commands += session.opened(1)
        while wrong or right:
            source = wrong if wrong and (not right or chance.random() < 0.5) else right
            commands += session.received(1, [parse(source.pop(0))], AT)
        for command in commands:
            take(command)
        expected = replay(version, spared)
        assert owner.entries == expected.entries
        assert list(map(repr, owner.ends)) == list(map(repr, expected.ends))


# ---- how


def of(version: str) -> list[Path]:
    return [path for path in TRANSCRIPTS if path.parent.name == version]


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


def heard(version: str, owner: Owner, said: Iterator[Message]) -> list[do.Command[Owner]]:
    """Return what comes of messages, after which the connection ends."""
    if dialect(version).queue == "session":
        session, commands = joined(version, {owner: "event-1"}, 0)
        commands += session.opened(1)
        for message in said:
            commands += session.received(1, [message], AT)
        return commands + session.close(AT)
    event = Event(dialect(version), OUTPUTS.get(owner.name, 1), AT)
    call = do.Call(owner, 0, b"[]", event, generator=True)
    exchange: Exchange[Owner] = Exchange(call, dialect(version))
    commands = exchange.start()
    for message in said:
        commands += exchange.received([message], AT)
    return commands + exchange.ended(None, AT)


def take(command: Any) -> None:
    match command:
        case do.Publish(call, entries, _):
            assert not call.owner.ends, "news of a call that has ended"
            call.owner.entries += entries
        case do.Finish(call, entries, _, error):
            call.owner.entries += entries
            call.owner.ends.append(error)
        case _:
            pass
