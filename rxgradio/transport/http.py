"""HTTP to one app, through one configured httpx client.

The one place that knows time-outs, header fields of the client and how httpx
fails. Redirects are never followed: header fields and inputs would go along.
"""

from __future__ import annotations

__all__ = ["HttpStream", "HttpTransport"]

import ssl
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx

from ..exceptions import ConnectionLost, ProtocolError
from ..protocol.answers import Answer
from .aiohttp import AiohttpTransport

_TIMEOUT = httpx.Timeout(60.0, connect=30.0, pool=None)
"""Seconds for a request whose answer is due at once."""

_UNTIMED = httpx.Timeout(None, connect=30.0)
"""Seconds for a stream, which may be silent for as long as the app works."""

_MOST_BYTES = 16 * 1024 * 1024
"""Bytes that a document may have. Parsed, JSON takes up to 14 times as much."""


class HttpTransport:
    """Requests to the app at `address`, over connections that are kept alive.

    Args:
        address: The app's URL, with the path that it is mounted under, if any.
        login: A user's name and password, for HTTP's basic authentication.
        headers: Sent with every request, and to no other origin.
    """

    def __init__(
        self,
        address: str,
        login: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.address = address
        self._client = httpx.AsyncClient(
            # Nothing is to be compressed: a small answer could become a huge one.
            headers={"accept-encoding": "identity", **(headers or {})},
            auth=login,
            timeout=_TIMEOUT,
            follow_redirects=False,
            transport=_transport(httpx.URL(address)),
        )

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        return await self._send(self._client.build_request("GET", self.address + path))

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a JSON document."""
        fields = {**(headers or {}), "content-type": "application/json"}
        return await self._send(
            self._client.build_request("POST", self.address + path, content=body, headers=fields)
        )

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[HttpStream]:
        """Open a stream of events."""
        fields = {"accept": "text/event-stream"}
        request = self._client.build_request(
            "GET", self.address + path, headers=fields, timeout=_UNTIMED
        )
        with _as_lost(self.address):
            response = await self._client.send(request, stream=True)
        try:
            answer = Answer(response.status_code, response.headers, b"")
            if response.status_code != 200:
                answer = await self._read(response)
            yield HttpStream(self.address, answer, response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, request: httpx.Request) -> Answer:
        with _as_lost(self.address):
            response = await self._client.send(request, stream=True)
        try:
            return await self._read(response)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> Answer:
        parts: list[bytes] = []
        size = 0
        with _as_lost(self.address):
            async for part in _plain(response):
                size += len(part)
                if size > _MOST_BYTES:
                    raise ProtocolError(
                        f"the server sent a document of more than {_MOST_BYTES} bytes"
                    )
                parts.append(part)
        return Answer(response.status_code, response.headers, b"".join(parts))


class HttpStream:
    """A response whose body arrives over time."""

    def __init__(self, address: str, answer: Answer, response: httpx.Response) -> None:
        self.answer = answer
        self._address = address
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        with _as_lost(self._address):
            async for chunk in _plain(self._response):
                yield chunk


def _plain(response: httpx.Response) -> AsyncIterator[bytes]:
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding != "identity":
        raise ProtocolError(f"the server sent what was not asked for: {coding[:40]} encoding")
    return response.aiter_raw()


def _transport(url: httpx.URL) -> httpx.AsyncBaseTransport | None:
    """Return the fast transport, or None where httpx's own is needed for a proxy."""
    if url.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(url.host):
        return None
    context: ssl.SSLContext | None = None
    if url.scheme == "https":  # costs 20 ms
        context = httpx.create_ssl_context()
    return AiohttpTransport(context)


@contextmanager
def _as_lost(address: str) -> Generator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        message = f"cannot connect to {address} ({error}); is the app running there?"
        raise ConnectionLost(message, sent=False) from error
    except httpx.TimeoutException as error:
        message = f"{address} did not answer in time ({error})"
        raise ConnectionLost(message) from error
    except httpx.TransportError as error:
        message = f"the connection to {address} broke ({error}); the call can only be made again"
        raise ConnectionLost(message) from error
