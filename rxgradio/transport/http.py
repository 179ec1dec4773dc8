"""HTTP to one app, through one configured httpx client.

The one place that knows time-outs, header fields of the client and how httpx
fails. Redirects are never followed: header fields and inputs would go along.
"""

from __future__ import annotations

__all__ = ["HttpStream", "HttpTransport"]

import asyncio
import re
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from email.utils import formatdate
from typing import Any

import httpx

from ..exceptions import AuthenticationError, ConnectionLost, ProtocolError
from ..options import Limits
from ..protocol.answers import Answer, check_login
from .chosen import HttpOptions, client_for, timeouts
from .form import Form
from .interface import Socket, Upload


class HttpTransport:
    """Requests to the app at `address`, over connections that are kept alive.

    Args:
        address: The app's URL, with the path that it is mounted under, if any.
        login: A user's name and password, for HTTP's basic authentication.
        headers: Sent with every request, and to no other origin.
        limits: How much an answer may bring.
        options: How the user wants requests to be sent.
    """

    def __init__(
        self,
        address: str,
        login: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        limits: Limits = Limits(),
        options: HttpOptions = HttpOptions(),
    ) -> None:
        self.address = address
        self._limits = limits
        self._timed, self._untimed = timeouts(options)
        self._log_in: Callable[[], Awaitable[Answer]] | None = None
        self._logins = 0  # after the first
        self._logging_in = asyncio.Lock()

        def client(options: HttpOptions) -> tuple[httpx.AsyncClient, ssl.SSLContext | None]:
            # Nothing is to be compressed: a small answer could become a huge one.
            fields = {"accept-encoding": "identity", **(headers or {})}
            auth = None if login is None else httpx.BasicAuth(*login)
            return client_for(httpx.URL(address), options, fields, auth)

        self._client, self._ssl_context = client(options)
        self._proxy = options.kwargs.get("proxy") or options.kwargs.get("trust_env", True)
        self._carries = not (options.kwargs.get("transport") or options.kwargs.get("mounts"))
        apart = options.for_streams
        self._streams = self._client if apart is None else client(apart)[0]

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        return await self._send(lambda: self._request("GET", path))

    async def head(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a document, but not for its content."""
        return await self._send(lambda: self._request("HEAD", path, headers=headers))

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        timed: bool = True,
    ) -> Answer:
        """Post a JSON document; `timed` if the answer is due at once."""

        def request() -> httpx.Request:
            return self._request(
                "POST",
                path,
                content=body,
                headers={**(headers or {}), "content-type": "application/json"},
                timeout=self._timed if timed else self._untimed,
            )

        return await self._send(request, self._limits.document if timed else self._limits.event)

    async def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Post a form; the client keeps the cookies that the answer sets.

        Whenever they are refused later (an app that was restarted knows none of them), the
        form is posted again, once, and then the request that was refused.
        """
        form = dict(fields)

        async def submit() -> Answer:
            request = self._request("POST", path, data=form)
            with _as_lost(self.address):
                response = await self._client.send(request, stream=True)
            try:
                return await self._read(response)
            finally:
                await response.aclose()

        answer = await submit()
        self._log_in = submit
        return answer

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Socket]:
        """Open a websocket, with the cookies and the login of the client."""
        from .websocket import websocket  # noqa: PLC0415 (only Gradio 3 needs it)

        if not self._carries:
            raise ProtocolError(
                "an app of Gradio 3 is called over a websocket, which a transport of httpx does "
                "not carry: leave transport and mounts out of httpx_kwargs, or use proxy"
            )

        def opening() -> AbstractAsyncContextManager[Socket]:
            request = self._request("GET", path, headers=headers)
            if self._client.auth is not None:
                request = next(self._client.auth.auth_flow(request))
            return websocket(request, self._ssl_context, self._limits, self._proxy)

        async with AsyncExitStack() as opened:
            logins = self._logins
            try:
                socket = await opened.enter_async_context(opening())
            except AuthenticationError:
                if not await self._logged_in_again(logins):
                    raise
                socket = await opened.enter_async_context(opening())
            yield socket

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[HttpStream]:
        """Open a stream of events."""
        fields = {**(headers or {}), "accept": "text/event-stream"}

        def request() -> httpx.Request:
            return self._request("GET", path, headers=fields, timeout=self._untimed)

        async with self._opened(request, self._streams) as stream:
            yield stream

    @asynccontextmanager
    async def download(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[HttpStream]:
        """Fetch a document of any size, as a stream."""
        async with self._opened(lambda: self._request("GET", path, headers=headers)) as stream:
            yield stream

    async def upload(
        self, path: str, files: Sequence[Upload], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post files as the field `files` of a form."""
        form = Form(files)
        fields = {"content-type": form.content_type, "content-length": str(form.size)}
        try:
            async with asyncio.timeout(None) as patience:

                def request() -> httpx.Request:
                    return self._request(
                        "POST",
                        path,
                        content=form.chunks(lambda: self._be_patient(patience)),
                        headers={**(headers or {}), **fields},
                        timeout=self._untimed,
                    )

                return await self._send(request)
        except TimeoutError:
            raise ConnectionLost(f"{self.address} did not take the file in time") from None
        except ConnectionLost as lost:
            if form.error is not None:
                raise form.error from lost
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._streams.aclose()

    def _request(self, method: str, path: str, **what: Any) -> httpx.Request:
        url = httpx.URL(self.address + path)
        if self._client.params:  # or those of the client take the place of the route's own
            what["params"] = url.params
        request = self._client.build_request(method, url, **what)
        own = request.headers.get("cookie")
        if own is not None and self._client.cookies:
            # httpx sends either a user's cookies or those that the app has set, such as
            # the one of its login, which replace others of the same name.
            del request.headers["cookie"]
            self._client.cookies.set_cookie_header(request)
            theirs = request.headers.get("cookie", "")
            names = {_name(cookie) for cookie in theirs.split(";")}
            kept = [cookie.strip() for cookie in own.split(";") if _name(cookie) not in names]
            request.headers["cookie"] = "; ".join(filter(None, [*kept, theirs]))
        return request

    def _be_patient(self, patience: asyncio.Timeout) -> None:
        """Wait again for as long as an answer may take: there was progress."""
        if self._timed.read is not None and not patience.expired():
            patience.reschedule(asyncio.get_running_loop().time() + self._timed.read)

    async def _answered(
        self, request: Callable[[], httpx.Request], client: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Send a request; again, after another login, if the app wants one."""
        client = client or self._client
        logins = self._logins
        with _as_lost(self.address):
            response = await client.send(request(), stream=True)
        if response.status_code != 401 or self._log_in is None:
            return response
        await response.aclose()
        await self._logged_in_again(logins)
        with _as_lost(self.address):
            return await client.send(request(), stream=True)

    async def _logged_in_again(self, logins: int) -> bool:
        """Log in again, unless somebody has meanwhile; False if there is no login."""
        if self._log_in is None:
            return False
        async with self._logging_in:
            if self._logins == logins:
                self._logins += 1
                check_login(await self._log_in())
        return True

    @asynccontextmanager
    async def _opened(
        self, request: Callable[[], httpx.Request], client: httpx.AsyncClient | None = None
    ) -> AsyncGenerator[HttpStream]:
        response = await self._answered(request, client)
        try:
            answer = Answer(response.status_code, response.headers, b"")
            if response.status_code != 200:
                answer = await self._read(response)
            yield HttpStream(self.address, answer, response)
        finally:
            await response.aclose()

    async def _send(self, request: Callable[[], httpx.Request], most: int | None = None) -> Answer:
        response = await self._answered(request)
        try:
            return await self._read(response, most)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response, most: int | None = None) -> Answer:
        most = most or self._limits.document
        parts: list[bytes] = []
        size = 0
        with _as_lost(self.address):
            async for part in _plain(response):
                size += len(part)
                if size > most:
                    raise ProtocolError(f"the server sent a document of more than {most} bytes")
                parts.append(part)
        if "retry-after" in response.headers and "date" not in response.headers:
            response.headers["date"] = formatdate(usegmt=True)  # or a date there says nothing
        body = b"".join(parts)
        if response.status_code >= 300:
            body = _masked(body, response.request)
        return Answer(response.status_code, response.headers, body)


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


_PLAIN = frozenset(
    [
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ]
)
"""Header fields that are no secret."""


def _masked(body: bytes, request: httpx.Request) -> bytes:
    """Return a refusal without what it repeats of the request's header fields."""
    for name, value in request.headers.raw:
        if name.decode("ascii").lower() in _PLAIN:
            continue
        for part in re.split(rb"[;=\s]+", value):
            if len(part) >= _SECRET:
                body = body.replace(part, b"***")
    return body


_SECRET = 6
"""Letters from which on a word of a header field may be a secret."""


def _name(cookie: str) -> str:
    return cookie.partition("=")[0].strip()


def _plain(response: httpx.Response) -> AsyncIterator[bytes]:
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding != "identity":
        raise ProtocolError(f"the server sent what was not asked for: {coding[:40]} encoding")
    if response.is_stream_consumed:  # by a transport or a hook of the user's
        return response.aiter_bytes()
    return response.aiter_raw()


@contextmanager
def _as_lost(address: str) -> Generator[None]:
    try:
        yield
    except httpx.PoolTimeout as error:
        message = (
            f"no connection to {address} was free in time; httpx_kwargs say how many there are"
        )
        raise ConnectionLost(message, sent=False) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        message = f"cannot connect to {address} ({error}); is the app running there?"
        raise ConnectionLost(message, sent=False) from error
    except httpx.TimeoutException as error:
        message = f"{address} did not answer in time ({error})"
        raise ConnectionLost(message) from error
    except httpx.TransportError as error:
        message = f"the connection to {address} broke ({error}); the call can only be made again"
        raise ConnectionLost(message) from error
