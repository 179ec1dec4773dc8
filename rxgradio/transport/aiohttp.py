"""httpx's transport interface, over aiohttp's connections.

httpx has the better interface; its own transport takes three times as long for
a request, and time that is quadratic in the number of those waiting for a
connection. This is the adapter between httpx's request and response and
aiohttp's connector: cookies, redirects and the choice of time-outs stay httpx's
business, and nothing is decompressed.

A package exists for this (`httpx-aiohttp`). It maps every broken connection to
a connect time-out, which would let a call be repeated that the server may have
accepted; that distinction is what this module is careful about.
"""

from __future__ import annotations

__all__ = ["AiohttpTransport"]

import asyncio
import socket
import ssl
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

_KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept; uvicorn closes it after 5."""

_READ_BUFFER = 256 * 1024
"""Bytes that a stream may have unread before its socket is not read; one socket
read of asyncio's brings as much."""

_PIECE = 256 * 1024
"""Bytes of a body that are written at a time."""

_MOST_UNSENT = 128 * 1024
"""Bytes of a body that the system holds unsent."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through an aiohttp connector; lives on one event loop.

    Args:
        ssl_context: For https. Without one aiohttp's default is used.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; returns when the header of the response is there."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        try:
            response = await self._opened().request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                ],
                data=await _body(request),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=timeouts.get("pool"),
                    sock_connect=timeouts.get("connect"),
                    sock_read=timeouts.get("read"),
                ),
            )
        except Exception as error:
            failure = _as_httpx(error, request)
            if failure is None:
                raise
        else:
            _report_close(response)
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=_Body(request, response),
                request=request,
            )
        raise failure

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # made late, because it belongs to the running loop
            connector = _Connector(
                limit=0,  # long streams would use any limit up
                keepalive_timeout=_KEEP_ALIVE,
                ssl=self._ssl_context or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_READ_BUFFER,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                trust_env=False,
                response_class=_Response,
            )
            # aiohttp repeats a GET whose connection broke before the answer. But a
            # stream that has broken is lost: the server forgets its calls, and a
            # second one would look healthy and say nothing of them. There is no
            # public way to say so; aiohttp's own test client does it like this.
            self._session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return self._session


async def _body(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    """Return a small body as bytes, and another as it is to be streamed."""
    if isinstance(request.stream, httpx.ByteStream):
        body = await request.aread()
        return _pieces(body) if len(body) > _PIECE else body or None
    return aiter(cast("httpx.AsyncByteStream", request.stream))


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body piece by piece; aiohttp warns of bytes beyond 1 MiB, which hold the loop up."""
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


class _Connector(aiohttp.TCPConnector):
    """Connections that are kept, until a server says something on one that nobody asked for.

    aiohttp would take it for the answer to the next request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] (aiohttp leaves a type open)
        self._used: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (inherited)
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None:
                return connection
            if protocol not in self._used or not protocol.should_close:
                if protocol not in self._used and (closed := protocol.closed) is not None:
                    closed.add_done_callback(_look_at)
                self._used.add(protocol)
                return connection
            connection.close()


def _look_at(closed: asyncio.Future[None]) -> None:
    """Take note of why a connection was closed, or asyncio would complain that nobody has."""
    if not closed.cancelled():
        closed.exception()


def _limit_unsent(transport: asyncio.Transport | None) -> None:
    """Have the system take little more of a body than it can send.

    It would take megabytes at a time, and a slow upload would show no progress for minutes.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Windows has none
    connected = None if transport is None else transport.get_extra_info("socket")
    if option is not None and connected is not None:
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, option, _MOST_UNSENT)


class _Response(aiohttp.ClientResponse):
    """A response after whose error its connection is not used again.

    uvicorn closes the connection after an error of its own, without a word; the
    next request on it would fail, and nobody could tell how far it got.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        _limit_unsent(transport)
        await super().start(connection)
        if self.status >= 500:
            if self.connection is not None and self.connection.protocol is not None:
                self.connection.protocol.force_close()
            elif transport is not None:  # all of it is here, and its connection back in the pool
                transport.close()
        return self


class _Body(httpx.AsyncByteStream):
    """The body of a response, in the pieces in which it arrives."""

    def __init__(self, request: httpx.Request, response: aiohttp.ClientResponse) -> None:
        self._request = request
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        while True:
            failure: Exception | None = None
            chunk = b""
            try:
                chunk = await content.readany()
            except Exception as error:
                failure = _as_httpx(error, self._request)
                if failure is None:
                    raise
            if failure is not None:
                raise failure
            if not chunk:
                return
            yield chunk

    async def aclose(self) -> None:
        if not self._response.content.at_eof():
            self._response.close()
        else:
            self._response.release()


def _report_close(response: aiohttp.ClientResponse) -> None:
    """Have whoever reads the body learn that the connection is closed.

    When aiohttp (3.14) cannot parse the framing of a body, it closes the
    connection and tells everybody but the reader, who would wait for ever.
    """
    connection = response.connection
    if connection is None or connection.protocol is None:
        return  # all of it is here
    closed = connection.protocol.closed
    content = response.content

    def report(_: asyncio.Future[None]) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the body is malformed"))

    def forget() -> None:
        if closed is not None:
            closed.remove_done_callback(report)

    if closed is not None:
        closed.add_done_callback(report)
        content.on_eof(forget)  # a connection that is kept would keep the bodies of all answers


def _as_httpx(error: Exception, request: httpx.Request) -> httpx.TransportError | None:
    """Translate aiohttp's exceptions, keeping "never sent" apart from "broke later".

    To be raised where `error` is handled no more, or it would be the context.
    """
    # What these say and hold of the answer, or of the request, may be a secret: a cookie
    # that is set, a header field that is sent.
    if isinstance(error, aiohttp.ClientPayloadError):
        return httpx.RemoteProtocolError("in the middle of an answer", request=request)
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError("its answer is no HTTP", request=request)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return httpx.ReadError("the server closed it", request=request)
    kind: type[httpx.TransportError]
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        kind = httpx.ConnectTimeout
    elif isinstance(error, aiohttp.ClientConnectorError):
        kind = httpx.ConnectError
    elif isinstance(error, TimeoutError | aiohttp.ServerTimeoutError):
        kind = httpx.ReadTimeout
    elif isinstance(error, aiohttp.InvalidURL):
        kind = httpx.UnsupportedProtocol
    elif isinstance(error, aiohttp.ClientError | OSError):
        kind = httpx.ReadError
    else:
        return None
    failure = kind(_said(error), request=request)
    failure.__cause__ = error
    return failure


def _said(error: Any) -> str:
    return str(error) or type(error).__name__
