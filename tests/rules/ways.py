"""All ways in which a call goes to an app, on a server that is healthy."""

from __future__ import annotations

import json
from typing import Any

from tests.transport.older import Wire, make_older
from tests.transport.server import (
    CLOSE_STREAM,
    EVENT_STREAM,
    LAST_CHUNK,
    FakeGradio,
    Peer,
    answer,
    chunk,
    completed,
)

WAYS = ["session", "connection", "websocket", "post"]
"""Since 4.9; 4.0 to 4.8; 3.x; and 3.x of an app without a queue."""

FILES = [{"id": n, "type": "file", "skip_api": False} for n in (0, 1)]
"""The components of /echo, for an app whose arguments and outputs are files."""


def said(name: str, **fields: Any) -> bytes:
    """Return a message on a stream of a single call, as a chunk of its body."""
    return chunk(b"data: " + json.dumps({"msg": name, **fields}).encode() + b"\n\n")


def go(server: FakeGradio, way: str, *values: Any) -> None:
    """Have a server answer every call in one way, and with the same values."""
    values = values or ("x",)
    if way == "session":

        async def for_session(peer: Peer) -> None:
            # Each call has a stream of its own here: they are made one after another.
            streams = [
                each for each in server.asked("data") if each.session == peer.request.session
            ]
            call = (await peer.events(len(streams)))[-1]
            await peer.send(EVENT_STREAM + chunk(completed(call, *values)))
            await peer.send(chunk(CLOSE_STREAM) + LAST_CHUNK)

        server.script("data", for_session)
    elif way == "connection":
        make_older(server, "4.8.0", "sse")
        server.script("data", answer(b"null"))

        async def as_stream(peer: Peer) -> None:
            await peer.send(EVENT_STREAM + said("estimation", rank=0, queue_size=1))
            await peer.send(said("send_data", event_id="e1"))
            await server.asked_for_data()
            await peer.send(said("process_starts"))
            output = {"data": list(values)}
            await peer.send(said("process_completed", output=output, success=True) + LAST_CHUNK)

        server.script("join", as_stream)
    elif way == "websocket":
        make_older(server, "3.50.2", None)

        async def as_websocket(peer: Peer) -> None:
            wire = await Wire.shake_hands(peer)
            await wire.take()
            await wire.complete(*values)

        server.script("join", as_websocket)
    elif way == "post":
        make_older(server, "3.50.2", None)
        server.config_fields["enable_queue"] = False
        server.script("predict", answer({"data": list(values), "duration": 0.1}))
