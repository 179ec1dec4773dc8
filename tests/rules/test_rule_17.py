"""17. What a server sends is bounded, by default, and the bounds can be moved.

One event, one result, one document, one file, what they become when they are parsed or
decompressed, and how deeply they are nested: whatever a server sends, this client takes
no more than 400 MB of memory, and says what was too much.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import rxgradio
from rxgradio import Client, Limits
from tests.transport.older import Wire, make_older
from tests.transport.server import (
    EVENT_STREAM,
    LAST_CHUNK,
    SOON,
    FakeGradio,
    Peer,
    answer,
    chunk,
)

ROOT = Path(rxgradio.__file__).parents[1]

CALL = """
import pathlib, re, sys
from rxgradio import Client
try:
    with Client(sys.argv[1], download_files=sys.argv[2], retry=None) as client:
        value = client.predict("x", api_name="/echo")
        outcome = f"{type(value).__name__} {len(value)}"
except Exception as error:
    outcome = f"{type(error).__name__}: {error}"
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
print(outcome)
"""


def attacked(server: FakeGradio, folder: Path) -> str:
    """Call an app from a process of its own; returns what came of it, and in how many MB."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, server.url, str(folder)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kilobytes, outcome = done.stdout.splitlines()[:2]
    assert int(kilobytes) < 400_000, (kilobytes, outcome)
    return outcome


MEGABYTE = 1_000_000

VALUES: dict[str, tuple[bytes, bytes, bytes]] = {
    "text": (b'"', b"x" * MEGABYTE, b'"'),
    "wide text": (b'"\xf0\x9f\x98\x80', b"x" * MEGABYTE, b'"'),
    "escaped wide text": (b'"\\ud83d\\ude00', b"x" * MEGABYTE, b'"'),
    "text that is no UTF-8": (b'"', b"\xff" * MEGABYTE, b'"'),
    "lists": (b"[0", b",[]" * (MEGABYTE // 3), b"]"),
    "objects": (b"[0", b',{"a":0}' * (MEGABYTE // 8), b"]"),
    "nested objects": (b"[0", b"," + (b'{"a":' * 500 + b"0" + b"}" * 500) * 300, b"]"),
    "numbers": (b"[0", b",12345.6" * (MEGABYTE // 8), b"]"),
    "not a number": (b"[NaN", b',"%s"' % (b"x" * MEGABYTE), b"]"),
}
"""The beginning of a value, what is repeated in it, and its end."""


def event(kind: str, event_id: str | None, megabytes: int) -> list[bytes]:
    first, again, last = VALUES[kind]
    head = b'{"msg":"process_completed","event_id":"%s","success":true,"output":{"data":['
    return [head % (event_id or "").encode() + first, *[again] * megabytes, last + b"]}}"]


def on_a_session_stream(server: FakeGradio, kind: str, megabytes: int) -> None:
    async def script(peer: Peer) -> None:
        [call] = await peer.events()
        await peer.send(EVENT_STREAM + chunk(b"data: "))
        for piece in event(kind, call.event_id, megabytes):
            await peer.send_chunk(piece)
        await peer.send_chunk(b"\n\n")
        await peer.send(LAST_CHUNK)

    server.script("data", script)


def on_a_stream_of_its_own(server: FakeGradio, kind: str, megabytes: int) -> None:
    make_older(server, "4.8.0", "sse")

    async def script(peer: Peer) -> None:
        await peer.send(EVENT_STREAM + chunk(b"data: "))
        for piece in event(kind, None, megabytes):
            await peer.send_chunk(piece)
        await peer.send_chunk(b"\n\n")
        await peer.send(LAST_CHUNK)

    server.script("join", script)


def on_a_websocket(server: FakeGradio, kind: str, megabytes: int) -> None:
    make_older(server, "3.50.2", None)

    async def script(peer: Peer) -> None:
        wire = await Wire.shake_hands(peer)
        await wire.take()
        pieces = event(kind, None, megabytes)
        await peer.send(b"\x81\x7f" + sum(map(len, pieces)).to_bytes(8, "big"))
        for piece in pieces:
            await peer.send(piece)
        await peer.gone()

    server.script("join", script)


def as_an_answer(server: FakeGradio, kind: str, megabytes: int) -> None:
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False

    async def script(peer: Peer) -> None:
        first, again, last = VALUES[kind]
        pieces = [b'{"data":[' + first, *[again] * megabytes, last + b"]}"]
        size = sum(map(len, pieces))
        await peer.send(answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % size))
        for piece in pieces:
            await peer.send(piece)

    server.script("predict", script)


WAYS = [on_a_session_stream, on_a_stream_of_its_own, on_a_websocket, as_an_answer]
EVERYWHERE = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@EVERYWHERE
def test_rule_17_a_large_output_arrives(
    server: FakeGradio, folder: Path, way: Callable[..., None]
) -> None:
    way(server, "text", 80)
    assert attacked(server, folder) == f"str {80 * MEGABYTE}"


@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "text"])
def test_rule_17_what_would_take_too_much_memory_when_it_is_parsed_is_refused(
    server: FakeGradio, folder: Path, kind: str
) -> None:
    on_a_session_stream(server, kind, 80)
    assert attacked(server, folder).startswith("ProtocolError: a message that cannot be read")


@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_rule_17_so_it_is_wherever_it_comes_from(
    server: FakeGradio, folder: Path, way: Callable[..., None]
) -> None:
    way(server, "lists", 80)
    assert "would take more than 300000000 when they are parsed" in attacked(server, folder)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_rule_17_who_has_the_memory_may_allow_it(
    server: FakeGradio, folder: Path, way: Callable[..., None]
) -> None:
    way(server, "lists", 4)
    with Client(server.url, download_files=folder, limits=Limits(memory=1_000_000)) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert "would take more than 1000000 when they are parsed" in str(error)
    with Client(server.url, download_files=folder, limits=Limits(memory=10**9)) as client:
        assert client.submit("x", api_name="/echo").exception(SOON) is None


@EVERYWHERE
def test_rule_17_an_event_beyond_the_limit_is_refused(
    server: FakeGradio, folder: Path, way: Callable[..., None]
) -> None:
    way(server, "text", 100)
    assert "more than 83886080 bytes" in attacked(server, folder)


FLOODS = {
    "logs": {"msg": "log", "log": "x" * 4000, "level": "info"},
    "progress": {
        "msg": "progress",
        "progress_data": [
            {"index": 1, "length": 2, "unit": "u", "progress": None, "desc": "x" * 4000}
        ],
    },
}


@pytest.mark.parametrize("kind", FLOODS)
def test_rule_17_a_flood_of_messages_takes_no_more(
    server: FakeGradio, folder: Path, kind: str
) -> None:
    async def flood(peer: Peer) -> None:
        await peer.send(EVENT_STREAM)
        event = server.events[0]
        said = json.dumps({"event_id": event.event_id, **FLOODS[kind]}).encode()
        lines = b"data: " + said + b"\n\n"
        for _ in range(1000):
            await peer.send(chunk(lines * 100))
        output = {"data": ["x"], "is_generating": False, "duration": 0.1}
        done = {"msg": "process_completed", "event_id": event.event_id, "output": output}
        last = json.dumps({**done, "success": True}).encode()
        await peer.send(chunk(b"data: " + last + b"\n\n") + LAST_CHUNK)

    server.script("data", flood)
    assert attacked(server, folder) == "str 1"
