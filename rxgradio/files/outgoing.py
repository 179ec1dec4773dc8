"""The files of a call's arguments, sent ahead of it."""

from __future__ import annotations

__all__ = ["Outgoing", "Rules"]

import asyncio
import base64
import json
import mimetypes
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..exceptions import ConnectionLost, ProtocolError, ValidationError
from ..options import CallOptions
from ..protocol.dialects import Dialect
from ..protocol.files import (
    Marker,
    Remote,
    accepted,
    check_text,
    inlined,
    is_url,
    markers,
    safe_name,
    uploaded_path,
    wants_content,
    written,
)
from ..protocol.shapes import quoted
from ..updates import StatusUpdate
from .content import Content
from .disk import Folder, LocalFile, in_thread
from .handle import is_handled, named
from .progress import Progress
from .remote import RemoteFile
from .uploads import Uploads
from .way import Source, Way

T = TypeVar("T")
S = TypeVar("S")

_AT_ONCE = 4
"""Files of one call at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an app says of the files that it takes.

    Args:
        most: How many bytes one may have.
        components: The component of each input.
        types: The types of files that each input takes; empty where it takes all, or where
            that is not known.
    """

    components: Sequence[str]
    most: int | None = None
    types: Sequence[Sequence[str]] = ()

    def check(self, file: Source, users: Sequence[Marker]) -> None:
        """Refuse what the app would refuse.

        Raises:
            ValidationError: It is too large, or of another type.
        """
        if self.most is not None and file.size > self.most:
            raise ValidationError(
                f"the file {quoted(file.name)} has {file.size} bytes, and the app takes "
                f"{self.most} at most (max_file_size)"
            )
        for marker in users:
            types = self.types[marker.argument] if marker.argument < len(self.types) else ()
            if types and not accepted(file.name, types):
                raise ValidationError(
                    f"the file {quoted(file.name)} is of none of the types that the app takes "
                    f"there: {', '.join(types)} (file_types of its {marker.component})"
                )


class Outgoing:
    """Sends the files of one call, each once, and writes down where the server has them.

    Args:
        uploads: What sends them.
        rules: What the app says of them.
        options: Those of the call.
        told: Called with news of the sending.
    """

    def __init__(
        self,
        way: Way,
        uploads: Uploads,
        dialect: Dialect,
        rules: Rules,
        *,
        options: CallOptions,
        told: Callable[[StatusUpdate], object] = lambda _: None,
    ) -> None:
        self._way = way
        self._uploads = uploads
        self._dialect = dialect
        self._rules = rules
        self._options = options
        self._progress = Progress(told)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def sent(self, data: bytes) -> bytes:
        """Return the JSON of the call's data with its files as the server wants them.

        Raises:
            OSError: A file cannot be read.
            ValidationError: A file is none that the app takes, or none that `handle_file`
                has named.
            RxGradioError: A file could not be sent.
        """
        # Not orjson, which cannot read all integers that Python writes.
        values: list[Any] = await in_thread(json.loads, data)
        found = markers(values, self._rules.components)
        if not found:
            return data
        fetched = _Fetched(self._way, self._options)
        try:
            await self._send(found, fetched)
        finally:
            await fetched.forget()
        text = await in_thread(json.dumps, values, allow_nan=False)
        try:
            check_text(text)
        except ValueError as error:
            raise ValidationError(f"an argument of the call cannot be sent: {error}") from None
        return text.encode("ascii")

    async def _send(self, found: Sequence[Marker], fetched: _Fetched) -> None:
        uses: dict[_File, list[Marker]] = {}
        for marker in found:
            path = marker.value["path"]
            thing = named(marker.value)
            content = wants_content(self._dialect, marker.component)
            if isinstance(thing, RemoteFile) and self._has(thing) and not content:
                marker.container[marker.key] = written(self._dialect, marker, thing.file.path)
            elif thing is not None:
                uses.setdefault(_File(thing, marker.name, content), []).append(marker)
            elif is_handled(marker.value) and not (is_url(path) and self._is_fetched_there(path)):
                uses.setdefault(_File(path, marker.name, content), []).append(marker)
            elif is_url(path):
                marker.container[marker.key] = written(self._dialect, marker, path)
            elif "url" not in marker.value:
                raise ValidationError(
                    f"{path!r} was not named by rxgradio.handle_file in this process; no other "
                    "file is uploaded"
                )
            # Otherwise the server has said so itself, and has the file.
        if any(isinstance(file.what, str) and is_url(file.what) for file in uses):
            await fetched.prepare()
        # All of them are looked at before any is sent.
        sources = await self._each(partial(self._source, fetched=fetched), uses.items())
        for (file, users), source in zip(uses.items(), sources, strict=True):
            self._rules.check(source, users)
            if not file.content:
                self._progress.expect(source)
        await self._each(self._place, zip(uses.items(), sources, strict=True))

    async def _each(
        self, work: Callable[[T], Coroutine[Any, Any, S]], items: Iterable[T]
    ) -> list[S]:
        """Do something with each of several, a few at a time; all of it ends with an error."""

        async def one(item: T) -> S:
            async with self._turns:
                return await work(item)

        tasks = [asyncio.ensure_future(one(item)) for item in items]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _has(self, file: RemoteFile) -> bool:
        """Whether the app has a file already, and takes its path for it."""
        return (
            file.app == self._way.address and not file.file.streams and not is_url(file.file.path)
        )

    def _is_fetched_there(self, url: str) -> bool:
        """Whether the app fetches a file of the web itself.

        3.x does for few components. What is at the app's own address is brought to
        it: 4.x would fetch it and wait for itself for ever, and 5.0 and later
        refuse private addresses.
        """
        return self._dialect.files == "path" and not url.startswith(self._way.address + "/")

    async def _source(self, use: tuple[_File, Sequence[Marker]], *, fetched: _Fetched) -> Source:
        """Return what is to be sent."""
        file, _ = use
        if isinstance(file.what, Content):
            return file.what if file.what.name == file.name else file.what.renamed(file.name)
        if isinstance(file.what, RemoteFile):
            local = Path(await file.what.local())
        else:
            local = await fetched.file(file.what) if is_url(file.what) else Path(file.what)
        return await in_thread(LocalFile, local, file.name)

    async def _place(self, work: tuple[tuple[_File, Sequence[Marker]], Source]) -> None:
        """Send one file, and tell those who name it where it is."""
        (file, users), source = work
        if file.content:
            uri = await in_thread(_uri, source)
            for marker in users:
                marker.container[marker.key] = uri
            return
        answer = await self._uploads.sent(
            source, self._options, partial(self._progress.moved, source)
        )
        if answer.status == 404 and self._dialect.files == "name":
            # Before 3.19 there is no such route, and files go along.
            uri = await in_thread(_uri, source)
            for marker in users:
                marker.container[marker.key] = inlined(marker, uri)
            return
        place = uploaded_path(answer, source.name)
        for marker in users:
            marker.container[marker.key] = written(self._dialect, marker, place)


@dataclass(frozen=True, slots=True)
class _File:
    """What is to be sent: under which name, and whether within the data of the call."""

    what: str | Content | RemoteFile
    name: str
    content: bool


class _Fetched:
    """Files of the web, for servers that cannot fetch them themselves."""

    def __init__(self, way: Way, options: CallOptions) -> None:
        self._way = way
        self._options = options
        self._directory: str | None = None

    async def prepare(self) -> None:
        """Make room for them; once, before several are fetched at a time."""
        self._directory = await in_thread(tempfile.mkdtemp, prefix="rxgradio-")

    async def file(self, url: str) -> Path:
        """Fetch a file; only the app itself is shown the credentials for the app."""
        folder = Folder(Path(self._directory or ""))
        name = safe_name(url.partition("?")[0])
        if url.startswith(self._way.address + "/"):
            return Path(await self._way.download(Remote(url, name), folder, self._options))
        import httpx  # noqa: PLC0415 (few need it)

        try:
            where = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValidationError(f"an argument of the call is no URL: {error}") from None
        # What httpx logs of the login in a URL is the login.
        login = (where.username, where.password) if where.userinfo else None
        where = where.copy_with(userinfo=b"")
        shown = quoted(str(where.copy_with(query=None, fragment=None)), 200)
        # Making one reads the certificates, which takes a while.
        client = await in_thread(httpx.AsyncClient, follow_redirects=True, timeout=60.0, auth=login)
        try:
            async with client, client.stream("GET", where) as response:
                if response.status_code != 200:
                    raise ProtocolError(
                        f"HTTP {response.status_code} for {shown}, an argument of the call",
                        status=response.status_code,
                    )
                return Path(await folder.keep(response.aiter_bytes(), name, self._way.most))
        except httpx.HTTPError as error:
            raise ConnectionLost(
                f"cannot fetch {shown}, an argument of the call: {error}"
            ) from error

    async def forget(self) -> None:
        """Remove them."""
        if self._directory is not None:
            await in_thread(shutil.rmtree, self._directory, ignore_errors=True)


def _uri(file: Source) -> str:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.content()).decode('ascii')}"
