"""The httpx client of an app, as its user wants it.

By default requests go through aiohttp, which is faster. Who gives httpx a transport, a
proxy or another option of its own gets exactly that: `httpx_kwargs` are the arguments of
`httpx.AsyncClient`, and sync transports and hooks, which are written for `httpx.Client`,
run on threads.
"""

from __future__ import annotations

__all__ = ["HttpOptions", "client_for", "timeouts"]

import asyncio
import inspect
import socket
import ssl
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx

from .aiohttp import AiohttpTransport

R = TypeVar("R")

_PATIENCE = 60.0
"""Seconds without any progress."""

_CONNECT = 30.0
"""Seconds for a connection to be made."""

_OWN = frozenset({"transport", "mounts", "proxy", "proxies", "http1", "http2", "limits"})
"""What only httpx's own transports know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How requests are sent.

    Args:
        kwargs: Arguments of `httpx.AsyncClient`.
        verify: Whether certificates are checked, or with what.
    """

    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)  # secrets
    verify: bool | str | ssl.SSLContext = True

    @property
    def for_streams(self) -> HttpOptions | None:
        """What streams want for themselves, if all share few connections.

        A stream holds one for as long as its calls run, and these need others to be sent.
        """
        given = self.kwargs
        if given.get("limits") is None or given.get("transport") is not None:
            return None
        return replace(self, kwargs={**given, "limits": None})


def timeouts(options: HttpOptions) -> tuple[httpx.Timeout, httpx.Timeout]:
    """Return the time-outs of what is answered at once, and of what takes as long as the app works.

    A user's own are for the former, and for connecting.
    """
    if "timeout" in options.kwargs:
        timed = httpx.Timeout(options.kwargs["timeout"])
    else:
        timed = httpx.Timeout(_PATIENCE, connect=_CONNECT, pool=None)
    return timed, httpx.Timeout(None, connect=timed.connect)


def client_for(
    url: httpx.URL, options: HttpOptions, headers: Mapping[str, str], auth: httpx.Auth | None
) -> tuple[httpx.AsyncClient, ssl.SSLContext | None]:
    """Return a client for one app, and the TLS context for it if it needs one.

    Raises:
        TypeError: httpx takes no such argument.
    """
    kwargs = dict(options.kwargs)
    verify: Any = kwargs.pop("verify", options.verify)
    cert = kwargs.pop("cert", None)
    if isinstance(verify, str):  # as httpx once did
        a_file = Path(verify).is_file()
        verify = ssl.create_default_context(
            cafile=verify if a_file else None, capath=None if a_file else verify
        )
    context = None
    if url.scheme == "https":  # making one takes 20 ms
        context = httpx.create_ssl_context(verify=verify, cert=cert)
    kwargs["headers"] = {**dict(httpx.Headers(kwargs.get("headers"))), **headers}
    kwargs["timeout"], _ = timeouts(options)
    kwargs["limits"] = kwargs.get("limits") or httpx.Limits(max_connections=None)
    # Header fields and inputs would go along to wherever the app, or who speaks for it, says.
    kwargs["follow_redirects"] = False
    if auth is not None:
        kwargs.setdefault("auth", auth)
    if hooks := kwargs.get("event_hooks"):
        kwargs["event_hooks"] = {
            name: [_as_async(hook) for hook in each] for name, each in hooks.items()
        }
    if kwargs.get("transport") is not None:
        kwargs["transport"] = _as_async_transport(kwargs["transport"])
    if kwargs.get("mounts"):
        kwargs["mounts"] = {
            pattern: None if each is None else _as_async_transport(each)
            for pattern, each in kwargs["mounts"].items()
        }
    asked = any(options.kwargs.get(name) is not None for name in _OWN)
    if not asked and not _proxied(url, kwargs):
        kwargs["transport"] = AiohttpTransport(context)
    elif context is not None:
        kwargs["verify"] = context
    try:
        return httpx.AsyncClient(**kwargs), context
    except TypeError as error:
        raise TypeError(f"httpx_kwargs are arguments of httpx.AsyncClient: {error}") from error


def _proxied(url: httpx.URL, kwargs: Mapping[str, Any]) -> bool:
    """Whether the environment names a proxy for an app, which aiohttp is not told of."""
    if not kwargs.get("trust_env", True):
        return False
    applying = {url.scheme, "all"} & urllib.request.getproxies().keys()
    return bool(applying) and not urllib.request.proxy_bypass(url.host)


def _as_async(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if inspect.iscoroutinefunction(hook):
        return hook

    async def call(message: Any) -> None:
        await _in_thread(lambda: hook(message))

    return call


def _as_async_transport(transport: Any) -> httpx.AsyncBaseTransport:
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport
    return _Threaded(cast("httpx.BaseTransport", transport))


class _Threaded(httpx.AsyncBaseTransport):
    """A sync transport, each call of which runs on a thread of its own."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        given = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=_Pulled(cast("httpx.AsyncByteStream", request.stream)),
            extensions=request.extensions,
        )
        response = await _in_thread(
            lambda: self._transport.handle_request(given), lambda late: late.close()
        )
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_ThreadedStream(response),
            extensions=response.extensions,
            request=request,
        )

    async def aclose(self) -> None:
        await _in_thread(self._transport.close)


class _Pulled(httpx.SyncByteStream):
    """A body that a loop yields, for a thread to iterate over."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[bytes]:
        chunks = aiter(self._stream)

        async def step() -> bytes | None:
            return await anext(chunks, None)

        while (chunk := asyncio.run_coroutine_threadsafe(step(), self._loop).result()) is not None:
            yield chunk


class _ThreadedStream(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._stream = cast("httpx.SyncByteStream", response.stream)
        self._network: Any = response.extensions.get("network_stream")
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._stream)
        while (chunk := await _in_thread(lambda: next(chunks, None))) is not None:
            yield chunk
        self._ended = True

    async def aclose(self) -> None:
        # A thread may wait for more, and does not notice that its socket is closed.
        used = None if self._network is None else self._network.get_extra_info("socket")
        if used is not None and not self._ended:
            with suppress(OSError):
                used.shutdown(socket.SHUT_RDWR)
        await _in_thread(self._stream.close)


async def _in_thread(work: Callable[[], R], too_late: Callable[[R], object] = lambda _: None) -> R:
    """Do what blocks on a daemon thread: one of a pool would be waited for at exit.

    `too_late` gets the result if nobody waits for it any more.
    """
    future: Future[R] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
            if not future.cancelled():
                future.set_exception(error)
        else:
            if future.set_running_or_notify_cancel():
                future.set_result(result)
            else:
                too_late(result)

    threading.Thread(target=run, name="rxgradio-transport", daemon=True).start()
    return await asyncio.wrap_future(future)
