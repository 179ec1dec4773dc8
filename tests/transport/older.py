"""The fake server, made to look older: websockets and streams of single calls, by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from tests.transport.server import Event, FakeGradio, Peer

THE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def make_older(server: FakeGradio, version: str, protocol: str | None) -> None:
    """Have the server say that it runs an older version."""
    server.config_fields |= {
        "version": version,
        "protocol": protocol,
        "api_prefix": "",
        "enable_queue": True,
    }


class Wire:
    """The server's end of a websocket."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @classmethod
    async def shake_hands(cls, peer: Peer) -> Wire:
        """Accept the websocket that a request asks for."""
        [key] = peer.request.values("sec-websocket-key")
        digest = hashlib.sha1(key.encode() + THE_GUID.encode()).digest()
        await peer.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        return cls(peer)

    async def frame(self, opcode: int, payload: bytes) -> None:
        """Send a frame."""
        size = len(payload)
        if size < 126:
            head = bytes([0x80 | opcode, size])
        elif size < 65536:
            head = bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big")
        await self.peer.send(head + payload)

    async def say(self, name: str, **fields: Any) -> None:
        """Send a message of the queue."""
        await self.frame(1, json.dumps({"msg": name, **fields}).encode())

    async def heard(self) -> tuple[int, bytes]:
        """Wait for a frame of the client: its opcode and payload."""
        head = await self.peer.read(2)
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.peer.read(2 if size == 126 else 8), "big")
        mask = await self.peer.read(4)
        payload = await self.peer.read(size)
        return head[0] & 0x0F, bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))

    async def told(self) -> Any:
        """Wait for a message of the client; pings are answered."""
        while True:
            opcode, payload = await self.heard()
            if opcode == 9:
                await self.frame(10, payload)
            elif opcode == 1:
                return json.loads(payload)

    async def take(self) -> dict[str, Any]:
        """Take a call into the queue, up to its data."""
        await self.say("send_hash")
        who = await self.told()
        await self.say("estimation", rank=0, queue_size=1)
        await self.say("send_data")
        data = await self.told()
        await self.say("process_starts")
        return {**who, **data}

    async def complete(self, *values: Any) -> None:
        """Say that a call has ended, and close."""
        await self.say("process_completed", output={"data": list(values)}, success=True)
        await self.close(1000)

    async def close(self, code: int) -> None:
        """Close, and wait for the answer."""
        await self.frame(8, code.to_bytes(2, "big"))
        while (await self.heard())[0] != 8:
            pass
        self.peer.close()


def event_of(request: dict[str, Any]) -> Event:
    """Return the call that a client has handed over."""
    return Event(
        request.get("event_id", ""), request["session_hash"], request["fn_index"], request["data"]
    )
