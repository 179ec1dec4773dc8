"""Websockets, for the queues of Gradio 3."""

from __future__ import annotations

__all__ = ["WebSocket", "websocket"]

import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, cast
from urllib.parse import quote

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from ..exceptions import ConnectionLost, ProtocolError, RxGradioError, ServerStopped
from ..options import Limits
from ..protocol.answers import Answer, refusal_of

_OPEN = 30.0
"""Seconds for the handshake; an app of 3.50 that never called `.queue()` accepts none."""

_CLOSE = 0.2
"""Seconds that the server gets to answer a close."""

_OURS = frozenset({"host", "connection", "accept", "accept-encoding", "user-agent"})
"""Header fields of a request that the handshake writes itself, or has no use for."""


class _Discreet(logging.LoggerAdapter[logging.Logger]):
    """Leaves the library's debugging out: it shows all header fields, and all data."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 (logging's name)
        return level > logging.DEBUG and super().isEnabledFor(level)


_logger = _Discreet(logging.getLogger("rxgradio.websocket"))


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow none: header fields would go along."""
        return exc


class WebSocket:
    """A websocket to the app at `address`."""

    def __init__(self, address: str, connection: ClientConnection, most: int) -> None:
        self._address = address
        self._connection = connection
        self._most = most

    async def send(self, message: bytes) -> None:
        """Send a text message."""
        try:
            await self._connection.send(message, text=True)
        except ConnectionClosed as closed:
            raise self._lost(closed) from closed

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield the messages as they arrive."""
        while True:
            try:
                message = await self._connection.recv(decode=False)
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == 1000:
                    return
                raise self._lost(closed) from closed
            yield message

    def _lost(self, closed: ConnectionClosed) -> RxGradioError:
        if closed.rcvd is not None and closed.rcvd.code in {1001, 1012}:  # RFC 6455, 7.4.1
            return ServerStopped("the server is shutting down")
        if closed.sent is not None and closed.sent.code == 1009:
            return ProtocolError(f"the server sent a message of more than {self._most} bytes")
        return ConnectionLost(
            f"the connection to {self._address} broke ({closed}); the call can only be made again"
        )


def _proxied(proxy: object) -> str | Literal[True] | None:
    """Return what the library takes for a proxy of httpx."""
    if isinstance(proxy, bool):
        return proxy or None
    given = proxy if isinstance(proxy, httpx.Proxy) else httpx.Proxy(cast("str", proxy))
    if given.headers:
        raise ProtocolError("a websocket of Gradio 3 cannot be given the headers of a proxy")
    if given.raw_auth is None:
        return str(given.url)
    user, password = (quote(part.decode(), safe="") for part in given.raw_auth)
    return str(given.url.copy_with(userinfo=f"{user}:{password}".encode()))


@asynccontextmanager
async def websocket(
    request: httpx.Request,
    context: ssl.SSLContext | None,
    limits: Limits,
    proxy: object = True,
) -> AsyncGenerator[WebSocket]:
    """Open a websocket by the URL and the header fields of an HTTP request.

    Args:
        request: Says where to, and as whom.
        context: For https.
        limits: How large a message may be, and within how many seconds the server must
            answer a ping: Gradio 3 has no heartbeats, but its server answers these.
        proxy: The proxy, as httpx takes it; or whether to use that of the environment, if any.

    Raises:
        RxGradioError: There is no server, or it refuses.
    """
    url = request.url
    address = f"{url.scheme}://{url.netloc.decode('ascii')}"
    connecting = _Connect(
        str(url.copy_with(scheme="ws" if context is None else "wss")),
        additional_headers=[
            (name, value) for name, value in request.headers.items() if name not in _OURS
        ],
        user_agent_header=request.headers.get("user-agent"),
        compression=None,  # a small message could become a huge one
        ssl=context,
        open_timeout=_OPEN,
        close_timeout=_CLOSE,
        ping_interval=limits.silence / 3,
        ping_timeout=limits.silence * 2 / 3,
        max_size=limits.event,
        proxy=_proxied(proxy),
        logger=_logger,
    )
    try:
        connection = await connecting
    except InvalidStatus as error:
        response = error.response
        answer = Answer(response.status_code, response.headers, bytes(response.body or b""))
        raise refusal_of(answer, "the websocket of the queue") from error
    except TimeoutError as error:
        raise ConnectionLost(f"{address} did not open a websocket in {_OPEN:.0f} s") from error
    except (OSError, InvalidMessage, ProxyError) as error:
        message = f"cannot connect to {address} ({error}); is the app running there?"
        raise ConnectionLost(message, sent=False) from error
    except (InvalidHandshake, InvalidURI) as error:
        raise ProtocolError(f"{address} opened no websocket: {error}") from error
    try:
        yield WebSocket(address, connection, limits.event)
    finally:
        await connection.close()
