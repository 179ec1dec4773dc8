"""The way to an app, for files."""

from __future__ import annotations

__all__ = ["Keeper", "Source", "Transport", "Way"]

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import PurePath
from typing import Protocol, TypeVar
from urllib.parse import quote, unquote

from ..exceptions import ProtocolError, RxGradioError
from ..options import CallOptions, Limits
from ..patience import harmless, persist
from ..protocol.answers import Answer, json_of, refusal_of
from ..protocol.files import Remote, is_url
from ..protocol.playlist import Playlist, playlist_of
from ..protocol.shapes import quoted
from .disk import Memory, too_large

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_SAFE = "/?=&%:+,;@~!$'()*"
"""What stays as it is in a URL of the app."""

_NEXT = 1.0
"""Seconds after which a playlist is asked for again, if its stream has not ended."""

_PATIENCE = 60
"""Times that it may say nothing new."""


class _Stream(Protocol):
    @property
    def answer(self) -> Answer: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Source(Protocol):
    """A file to upload."""

    @property
    def name(self) -> str:
        """What the app is told that it is called."""
        ...

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    def content(self) -> bytes:
        """Return all of it; in a thread."""
        ...

    def piece(self, at: int) -> bytes:
        """Return a part of it, that begins there and is not empty; in a thread."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield it, in pieces; each call begins anew."""
        ...


class _Upload(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class Keeper(Protocol[T_co]):
    """Where a file goes that is fetched."""

    async def keep(
        self,
        chunks: AsyncIterator[bytes],
        name: str,
        most: int | None = None,
        size: int | None = None,
    ) -> T_co:
        """Take a file as it arrives; see `Folder.keep`."""
        ...


class Transport(Protocol):
    """What of a transport files need (see `transport.interface`)."""

    async def upload(
        self, path: str, files: Sequence[_Upload], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post files as a form."""
        ...

    async def head(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a document, but not for its content."""
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
        limits: Their `download` is how many bytes a file may have, and `event` a piece of
            a stream.
    """

    def __init__(
        self, transport: Transport, address: str, prefix: str, limits: Limits = Limits()
    ) -> None:
        self.address = address
        self.most = limits.download
        self._limits = limits
        self._transport = transport
        self._prefix = prefix

    async def upload(self, file: _Upload, options: CallOptions) -> Answer:
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

    async def has(self, path: str, options: CallOptions) -> bool:
        """Whether the app has a file there; False also if that cannot be known."""
        try:
            answer = await self._transport.head(self._route(Remote(path, path)), options.headers)
        except RxGradioError:
            return False
        return answer.status == 200

    def url(self, file: Remote) -> str:
        """Return where a file is."""
        return self.address + self._route(file)

    async def download(self, file: Remote, keeper: Keeper[T], options: CallOptions) -> T:
        """Download a file that the server has at its path, or at a URL of its own.

        Its size is what the app says that it is. An answer that announces its own
        length is believed more: an app may fill in its files as it likes.

        Raises:
            RxGradioError: It cannot be had, or not be kept.
        """
        route = self._route(file)
        if file.streams and route.endswith("/playlist.m3u8"):
            return await self._played(route, file, keeper, options)

        async def fetch() -> T:
            return await self._fetch(
                route, file.name, keeper, options, most=self.most, size=file.size
            )

        # What Gradio 4 has given away of a stream, it has no more.
        return await persist(fetch, None if file.streams else options.retry, harmless)

    async def _fetch(
        self,
        route: str,
        name: str,
        keeper: Keeper[T],
        options: CallOptions,
        *,
        most: int,
        size: int | None = None,
    ) -> T:
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
                return await keeper.keep(stream.chunks(), name, most, size)
            if int(announced) > most:
                raise too_large(name, most)
            return await keeper.keep(stream.chunks(), name, most)

    # ---- streams: `/stream/.../playlist.m3u8` in routes.py of Gradio 5 and later

    async def _played(self, route: str, file: Remote, keeper: Keeper[T], options: CallOptions) -> T:
        playlist = await self._playlist(route, file.name, options)
        name = file.name
        if playlist.suffix:  # what it is, whatever the app calls it
            name = PurePath(name).stem + playlist.suffix
        return await keeper.keep(
            self._pieces(route, name, playlist, options), name, self._limits.download
        )

    async def _pieces(
        self, route: str, name: str, playlist: Playlist, options: CallOptions
    ) -> AsyncIterator[bytes]:
        folder = route.rpartition("/")[0]
        had = silent = 0
        while True:
            for piece in playlist.pieces[had:]:
                yield await self._small(f"{folder}/{piece}", name, options, self._limits.event)
            if playlist.ended:
                return
            silent = 0 if len(playlist.pieces) > had else silent + 1
            had = len(playlist.pieces)
            if silent > _PATIENCE:
                raise ProtocolError(f"the stream {quoted(name)} does not go on, and does not end")
            await asyncio.sleep(_NEXT)
            playlist = await self._playlist(route, name, options)

    async def _playlist(self, route: str, name: str, options: CallOptions) -> Playlist:
        return playlist_of(await self._small(route, name, options, self._limits.document))

    async def _small(self, route: str, name: str, options: CallOptions, most: int) -> bytes:
        async def fetch() -> bytes:
            return await self._fetch(route, name, Memory(), options, most=most)

        return await persist(fetch, options.retry, harmless)

    def _route(self, file: Remote) -> str:
        path = file.path
        own = is_url(path)
        steps = unquote(path.partition("?")[0]) if own else path
        # Such a path would be resolved on the way, and could leave the app.
        if {".", ".."} & set(steps.replace("\\", "/").split("/")):
            raise ProtocolError(
                f"the server names the file {quoted(file.name)} by a path with dots: {quoted(path)}"
            )
        if own:
            return quote(path[len(self.address) :], safe=_SAFE, errors="replace")
        if file.streams:
            return f"{self._prefix}/stream/{path}"
        return f"{self._prefix}/file={quote(path, safe='/', errors='replace')}"
