"""The server's end of a websocket, by hand, so that it can be wrong."""

from __future__ import annotations

__all__ = ["Wire", "frame"]

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .peer import Peer

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Wire:
    """A websocket that a client has asked for, as a script sees it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @classmethod
    async def shake_hands(cls, peer: Peer) -> Self:
        """Accept the websocket that a request asks for."""
        [key] = peer.request.values("sec-websocket-key")
        digest = hashlib.sha1((key + _GUID).encode()).digest()  # noqa: S324 (what the RFC asks for)
        await peer.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        return cls(peer)

    async def frame(self, opcode: int, payload: bytes) -> None:
        """Send a frame."""
        await self.peer.send(frame(opcode, payload))

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
        key = (mask * (size // 4 + 1))[:size]
        return head[0] & 0x0F, (
            int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
        ).to_bytes(size, "big")

    async def told(self) -> Any:
        """Wait for a message of the client; pings are answered."""
        while True:
            opcode, payload = await self.heard()
            if opcode == 9:
                await self.frame(10, payload)
            elif opcode == 1:
                return json.loads(payload)

    async def close(self, code: int) -> None:
        """Close, and wait for the answer."""
        await self.frame(8, code.to_bytes(2, "big"))
        while (await self.heard())[0] != 8:
            pass
        self.peer.close()


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame of a websocket."""
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | opcode, size])
    elif size < 65536:
        head = bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big")
    return head + payload
