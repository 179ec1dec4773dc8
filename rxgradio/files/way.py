"""The way to an app, for files."""

from __future__ import annotations

__all__ = ["Transport", "Way"]

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import quote, unquote

from ..exceptions import ProtocolError
from ..options import CallOptions, Limits
from ..patience import harmless, persist
from ..protocol.answers import Answer, json_of, refusal_of
from ..protocol.files import is_url
from ..protocol.shapes import quoted
from .disk import Folder, LocalFile, too_large


class _Stream(Protocol):
    @property
    def answer(self) -> Answer: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Transport(Protocol):
    """What of a transport files need (see `transport.interface`)."""

    async def upload(
        self, path: str, files: Sequence[LocalFile], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post files as a form."""
        ...

    def download(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[_Stream]:
        """Fetch a document of any size."""
        ...


class Way:
    """Uploads to one app, and downloads from it; what fails is tried again.

    Args:
        address: The app's. Nothing is fetched from elsewhere.
        prefix: The path of the app's API, such as "/gradio_api".
        most: How many bytes a file may have.
    """

    def __init__(
        self, transport: Transport, address: str, prefix: str, most: int = Limits().download
    ) -> None:
        self.address = address
        self.most = most
        self._transport = transport
        self._prefix = prefix

    async def upload(self, file: LocalFile, options: CallOptions) -> Answer:
        """Upload a file.

        Raises:
            OSError: It cannot be read.
            ConnectionLost: The connection broke again and again.
        """
        path = f"{self._prefix}/upload"

        async def send() -> Answer:
            answer = await self._transport.upload(path, [file], options.headers)
            if answer.status in {429, 502, 503, 504}:
                raise refusal_of(answer, f"the upload of {quoted(file.name)}")
            return answer

        return await persist(send, options.retry, harmless)

    async def download(
        self,
        path: str,
        name: str,
        folder: Folder,
        options: CallOptions,
        *,
        size: int | None = None,
    ) -> str:
        """Download what the server has at `path`, or at a URL of its own; returns where it is kept.

        `size` is how many bytes it has, if the app has said so. An answer that announces
        its own length is believed more: an app may fill in its files as it likes.

        Raises:
            RxGradioError: It cannot be had, or not be kept.
        """
        route = self._route(path, name)

        async def fetch() -> str:
            async with self._transport.download(route, options.headers) as stream:
                if stream.answer.status == 403:  # for which a login would be of no use
                    said = quoted(stream.answer.body.decode("utf-8", "replace"), 200)
                    raise ProtocolError(
                        f"the app does not give the file {quoted(name)} away: {said}", status=403
                    )
                if stream.answer.status != 200:
                    json_of(stream.answer, f"the file {quoted(name)}")  # raises for a refusal
                    raise ProtocolError(
                        f"HTTP {stream.answer.status} for the file {quoted(name)}",
                        status=stream.answer.status,
                    )
                announced = stream.answer.headers.get("content-length", "")
                if not announced.isdecimal():
                    return await folder.keep(stream.chunks(), name, self.most, size)
                if int(announced) > self.most:
                    raise too_large(name, self.most)
                return await folder.keep(stream.chunks(), name, self.most)

        return await persist(fetch, options.retry, harmless)

    def _route(self, path: str, name: str) -> str:
        own = is_url(path)
        steps = unquote(path.partition("?")[0]) if own else path
        # Such a path would be resolved on the way, and could leave the app.
        if {".", ".."} & set(steps.replace("\\", "/").split("/")):
            raise ProtocolError(
                f"the server names the file {quoted(name)} by a path with dots: {quoted(path)}"
            )
        if own:
            return quote(path[len(self.address) :], safe="/?=&%:+,;@~!$'()*", errors="replace")
        return f"{self._prefix}/file={quote(path, safe='/', errors='replace')}"
