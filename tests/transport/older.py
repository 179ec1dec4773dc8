"""The server, made to look older, and the conversation of a call on a websocket by hand."""

from __future__ import annotations

from typing import Any

from rxgradio.testing import Wire as AnyWire
from tests.transport.server import Event, FakeGradio


def make_older(server: FakeGradio, version: str, protocol: str | None) -> None:
    """Have the server run an older version, and say which protocol it speaks."""
    server.restart(version)
    server.config_fields["protocol"] = protocol


class Wire(AnyWire):
    """The server's end of a websocket."""

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


def event_of(request: dict[str, Any]) -> Event:
    """Return the call that a client has handed over."""
    return Event(
        request.get("event_id", ""), request["session_hash"], request["fn_index"], request["data"]
    )
