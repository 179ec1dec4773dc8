"""The fault server with endpoints whose calls a test ends, and more words of the queue."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rxgradio.testing import (
    Endpoint,
    FaultServer,
    Gate,
    Joined,
    Peer,
    Request,
    Script,
    answer,
    chunk,
    message,
    stream_head,
)

__all__ = [
    "CLOSE_STREAM",
    "EVENT_STREAM",
    "LAST_CHUNK",
    "SOON",
    "Event",
    "FakeGradio",
    "Peer",
    "Request",
    "Script",
    "answer",
    "chunk",
    "completed",
    "generating",
    "message",
    "started",
    "within",
]

EVENT_STREAM = stream_head()
LAST_CHUNK = chunk(b"")

SOON = 10.0
"""Seconds after which something that should happen at once counts as hanging."""

Event = Joined

CLOSE_STREAM = message("close_stream")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what is done in here is not prompt."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def started(event: Event) -> bytes:
    return message("process_starts", event.event_id, eta=None)


def generating(event: Event, value: Any) -> bytes:
    """Return the first output of a generator."""
    output = {"data": [value], "is_generating": True}
    return message("process_generating", event.event_id, output=output, success=True)


def completed(event: Event, *values: Any) -> bytes:
    output = {"data": list(values), "is_generating": False, "duration": 0.1}
    return message("process_completed", event.event_id, output=output, success=True)


class FakeGradio(FaultServer):
    """A server that listens until `stop`. Its endpoints:

    * /echo(text) returns its argument,
    * /words(n), a generator, yields "w", "ww", "www"..., and returns the last,
    * /held(text), a generator, ends when a test says so, or when it is cancelled,
    * /stateful(text), if asked for, has State and returns its argument.
    """

    def __init__(self, version: str = "6.31.0", *, state: bool = False, port: int = 0) -> None:
        endpoints: dict[str, Callable[..., Any] | Endpoint] = {
            "/echo": _echo,
            "/words": _words,
            "/held": _hold,
        }
        if state:
            endpoints["/stateful"] = Endpoint(function=_stateful, outputs=("text", "state"))
        super().__init__(endpoints, version=version, port=port)
        self.start()

    def gate(self) -> Gate:
        return Gate()

    def finish(self, event: Event, *values: Any) -> None:
        """Let a call of /held end."""
        self.loop.call_soon_threadsafe(self.say, event.session, completed(event, *values))

    async def asked_for_data(self) -> None:
        """Wait for a request for the route "data"."""
        await self.arrived("data")

    def say(self, session: str, content: bytes) -> None:
        """Have a message said in a session."""
        self.tell(session, json.loads(content.removeprefix(b"data: ")))


def _echo(text: Any) -> Any:
    return text


def _words(text: int) -> Iterator[str]:
    for n in range(1, text + 1):
        yield "w" * n


async def _hold(text: Any) -> AsyncGenerator[Any, None]:
    await asyncio.get_running_loop().create_future()
    yield


def _stateful(text: Any, state: Any = None) -> tuple[Any, Any]:
    return text, state
