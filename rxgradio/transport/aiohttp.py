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
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any, cast

import aiohttp
import httpx
import yarl
from aiohttp.connector import Connection

_KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept; uvicorn closes it after 5."""

_READ_BUFFER = 256 * 1024
"""Bytes that a stream may have unread before its socket is not read; one socket
read of asyncio's brings as much."""


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
        with _as_httpx(request):
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
        _report_close(response)
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(request, response),
            request=request,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # made late, because it belongs to the running loop
            connector = aiohttp.TCPConnector(
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
    """Return a body that is in memory as bytes, and another as it is to be streamed."""
    if isinstance(request.stream, httpx.ByteStream):
        return await request.aread() or None
    return aiter(cast("httpx.AsyncByteStream", request.stream))


class _Response(aiohttp.ClientResponse):
    """A response after whose error its connection is not used again.

    uvicorn closes the connection after an error of its own, without a word; the
    next request on it would fail, and nobody could tell how far it got.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
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
        with _as_httpx(self._request):
            async for chunk in self._response.content.iter_any():
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

    def report(done: asyncio.Future[None]) -> None:
        if not done.cancelled():
            done.exception()  # or asyncio would complain that nobody has looked
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the body is malformed"))

    if closed is not None:
        closed.add_done_callback(report)


@contextmanager
def _as_httpx(request: httpx.Request) -> Generator[None]:
    """Translate aiohttp's exceptions, keeping "never sent" apart from "broke later"."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(_said(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(_said(error), request=request) from error
    except (TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise httpx.ReadTimeout(_said(error), request=request) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(_said(error), request=request) from error
    except aiohttp.ClientPayloadError as error:
        # Its own text speaks of a "400", which no server has sent.
        raise httpx.RemoteProtocolError("in the middle of an answer", request=request) from error
    except aiohttp.ClientResponseError as error:
        raise httpx.RemoteProtocolError(_said(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(_said(error), request=request) from error


def _said(error: Any) -> str:
    return str(error) or type(error).__name__
