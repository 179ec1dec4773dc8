"""Every Gradio's protocol spoken by hand, for tests of the servers and for recordings.

Nothing here uses rxgradio, so what fails in here is not its fault. A call is read one
message at a time, and says nothing of its own will: what the server has asked for is
answered when its reader reads on, so that a test can stop, or vanish, at any point.
"""

from __future__ import annotations

__all__ = ["Call", "Message", "Session", "SocketCall", "StreamCall", "events"]

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Self

import httpx
import websockets.exceptions
import websockets.sync.client

from .run import Server

Message = dict[str, Any]
PATIENCE = 30.0


class Call:
    """One connection to a queue, and what arrives on it.

    On 3.x and 4.0 to 4.8 it carries one call. Later it is the stream of the session, of
    which there should be one at a time.
    """

    event_id: str | None = None

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        """What the server said, as it said it: frames, or pieces of a body."""
        self.connection = ExitStack()
        self._asked: str | None = None
        self._messages = self._read()

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        self.answer()
        message = next(self._messages)
        if message["msg"] in {"send_hash", "send_data"}:
            self._asked = message["msg"]
            self.event_id = message.get("event_id")
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def until(self, name: str) -> Message:
        """Read up to the next message of this name, and return it."""
        heard = []
        for message in self:
            if message["msg"] == name:
                return message
            heard.append(message)
        raise AssertionError(f"no {name} in {heard}")

    def answer(self) -> None:
        """Give the server what it has asked for, if it has."""
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer(asked)

    def drop(self) -> None:
        """Close the connection, whatever the server is doing."""
        self.connection.close()

    def _answer(self, asked: str) -> None:
        raise NotImplementedError

    def _read(self) -> Iterator[Message]:
        raise NotImplementedError


class SocketCall(Call):
    """A call to Gradio 3."""

    closed: int | None = None
    """The code of the server's close frame; 1006, which is never sent, if there was none."""

    def __init__(self, url: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        super().__init__()
        self._body = body
        self._socket = self.connection.enter_context(
            websockets.sync.client.connect(url, additional_headers=headers, proxy=None)
        )

    def _answer(self, asked: str) -> None:
        wanted = ["fn_index", "session_hash"] if asked == "send_hash" else list(self._body)
        self._socket.send(json.dumps({key: self._body[key] for key in wanted}))

    def _read(self) -> Iterator[Message]:
        try:
            while True:
                frame = self._socket.recv(PATIENCE, decode=False)
                self.raw.append(frame)
                yield json.loads(frame)
        except websockets.exceptions.ConnectionClosed as end:
            self.closed = end.rcvd.code if end.rcvd else 1006


class StreamCall(Call):
    """An event stream: a call to 4.0 to 4.8, or all calls of a session to a later Gradio."""

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        params: dict[str, Any],
        *,
        body: dict[str, Any] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__()
        self._http, self._body = http, body
        request = http.stream("GET", url, params=params, timeout=patience)
        self.response = self.connection.enter_context(request)
        self._data_url = url.replace("/queue/join", "/queue/data")

    def _answer(self, asked: str) -> None:
        body = {**(self._body or {}), "event_id": self.event_id}
        self._http.post(self._data_url, json=body).raise_for_status()

    def _read(self) -> Iterator[Message]:
        unread = b""
        for piece in self.response.iter_raw():
            self.raw.append(piece)
            *whole, unread = (unread + piece).split(b"\n\n")
            for event in whole:
                yield json.loads(event.removeprefix(b"data:"))


class Session:
    """One session of a server."""

    def __init__(
        self, server: Server, name: str | None = None, *, patience: float = PATIENCE
    ) -> None:
        self.server = server
        self.patience = patience
        self.hash = name or uuid.uuid4().hex
        self.http = httpx.Client(timeout=PATIENCE, trust_env=False)
        self.url, self.api_url = server.url, server.api_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the app says of itself."""
        return self.http.get(f"{self.url}/config").raise_for_status().json()

    @property
    def protocol(self) -> str:
        """What the queue speaks; Gradio 3 does not say."""
        return self.config.get("protocol", "ws")

    def fn_index(self, name: str) -> int:
        """Return the id of an endpoint, which counts those that are not offered too."""
        return self.find(lambda dependency: dependency["api_name"] == name)

    def find(self, wanted: Any) -> int:
        """Return the id of the one dependency that is *wanted*."""
        (found,) = [
            # Before 4.44 a dependency is its place in the list.
            dependency.get("id", place)
            for place, dependency in enumerate(self.config["dependencies"])
            if wanted(dependency)
        ]
        return found

    def body(self, name: str, *data: object) -> dict[str, Any]:
        """Return what a server wants to know of a call."""
        return {
            "data": data,
            "event_data": None,
            "fn_index": self.fn_index(name),
            "session_hash": self.hash,
        }

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Post to the part of the server that has the API."""
        return self.http.post(f"{self.api_url}{path}", json=body)

    def direct(self, name: str, *data: object) -> httpx.Response:
        """Call without the queue."""
        return self.post(f"/run/{name}", {"data": data, "session_hash": self.hash})

    def join(self, name: str, *data: object) -> httpx.Response:
        """Put a call into the queue of 4.9 or later, where the stream will tell of it."""
        return self.post("/queue/join", self.body(name, *data))

    def stream(self, patience: float | None = None) -> StreamCall:
        """Open the stream of the session, on 4.9 or later."""
        url, params = f"{self.api_url}/queue/data", {"session_hash": self.hash}
        return StreamCall(self.http, url, params, patience=patience or self.patience)

    def start(self, name: str, *data: object) -> Call:
        """Make a call, in whichever way, and return the connection that tells of it."""
        body = self.body(name, *data)
        if self.protocol == "ws":
            url = f"{self.api_url}/queue/join".replace("http", "ws", 1)
            cookies = "; ".join(f"{key}={value}" for key, value in self.http.cookies.items())
            return SocketCall(url, {"Cookie": cookies} if cookies else {}, body)
        if self.protocol == "sse":
            params = {key: body[key] for key in ("fn_index", "session_hash")}
            url = f"{self.api_url}/queue/join"
            return StreamCall(self.http, url, params, body=body, patience=self.patience)
        event_id = self.join(name, *data).raise_for_status().json()["event_id"]
        call = self.stream()
        call.event_id = event_id
        return call

    def call(self, name: str, *data: object) -> list[Message]:
        """Make a call, and return all that the server says of it up to its end.

        Progress is reported by a task of its own, which may do so once more after the end.
        """
        dull = {"send_hash", "send_data", "heartbeat", "close_stream"}
        with self.start(name, *data) as call:
            said = [message for message in call if message["msg"] not in dull]
        while any(message["msg"] == "process_completed" for message in said[:-1]):
            assert said.pop()["msg"] == "progress"
        return said

    def answer(self, name: str, *data: object) -> list[Any]:
        """Make a call, and return its outputs."""
        return self.call(name, *data)[-1]["output"]["data"]

    def cancel(self, name: str, event_id: str | None) -> httpx.Response:
        """Ask for the end of a call, as 4.31 and later want it asked."""
        body = {"session_hash": self.hash, "fn_index": self.fn_index(name), "event_id": event_id}
        return self.post("/cancel", body)

    def reset(self, event_id: str | None) -> httpx.Response:
        """Ask for the end of a generator, as 4.0 to 4.34 want it asked."""
        return self.post("/reset", {"event_id": event_id})


def events(messages: list[Message], name: str) -> list[Message]:
    """Return the messages of this name."""
    return [message for message in messages if message["msg"] == name]
