"""The files of a call's arguments, sent ahead of it."""

from __future__ import annotations

__all__ = ["Outgoing"]

import asyncio
import base64
import json
import mimetypes
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..exceptions import ConnectionLost, ProtocolError, ValidationError
from ..options import CallOptions
from ..protocol.dialects import Dialect
from ..protocol.files import (
    Marker,
    inlined,
    is_url,
    markers,
    safe_name,
    uploaded_path,
    wants_content,
    written,
)
from ..protocol.shapes import quoted
from .disk import Folder, LocalFile, in_thread
from .handle import is_handled
from .way import Way

_AT_ONCE = 4
"""Uploads of one call at a time."""


class Outgoing:
    """Sends the files of one call, each once, and writes down where the server has them.

    Args:
        components: The component of each input.
        options: Those of the call.
    """

    def __init__(
        self,
        way: Way,
        dialect: Dialect,
        components: Sequence[str],
        options: CallOptions,
    ) -> None:
        self._way = way
        self._dialect = dialect
        self._components = components
        self._options = options
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def sent(self, data: bytes) -> bytes:
        """Return the JSON of the call's data with its files as the server wants them.

        Raises:
            OSError: A file cannot be read.
            ValidationError: A file is too large, or none that `handle_file` has named.
            RxGradioError: A file could not be sent.
        """
        # Not orjson, which cannot read all integers that Python writes.
        values: list[Any] = await in_thread(json.loads, data)
        found = markers(values, self._components)
        if not found:
            return data
        fetched = _Fetched(self._way, self._options)
        try:
            await self._send(found, fetched)
        finally:
            await fetched.forget()
        return (await in_thread(json.dumps, values, allow_nan=False)).encode()

    async def _send(self, found: Sequence[Marker], fetched: _Fetched) -> None:
        uses: dict[tuple[str, bool], list[Marker]] = {}
        for marker in found:
            path = marker.value["path"]
            content = wants_content(self._dialect, marker.component)
            if is_handled(marker.value) and not (is_url(path) and self._is_fetched_there(path)):
                uses.setdefault((path, content), []).append(marker)
            elif is_url(path):
                marker.container[marker.key] = written(self._dialect, marker, path)
            elif "url" not in marker.value:
                raise ValidationError(
                    f"{path!r} was not named by rxgradio.handle_file; no other file is uploaded"
                )
            # Otherwise the server has said so itself, and has the file.
        if any(is_url(path) for path, _ in uses):
            await fetched.prepare()
        work = [
            asyncio.ensure_future(self._place(path, content, users, fetched))
            for (path, content), users in uses.items()
        ]
        try:
            await asyncio.gather(*work)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _is_fetched_there(self, url: str) -> bool:
        """Whether the app fetches a file of the web itself.

        3.x does for few components. What is at the app's own address is brought to
        it: 4.x would fetch it and wait for itself for ever, and 5.0 and later
        refuse private addresses.
        """
        return self._dialect.files == "path" and not url.startswith(self._way.address + "/")

    async def _place(
        self, path: str, content: bool, users: Sequence[Marker], fetched: _Fetched
    ) -> None:
        """Send one file, and tell those who name it where it is."""
        async with self._turns:
            local = await fetched.file(path) if is_url(path) else Path(path)
            name = users[0].value.get("orig_name")
            file = await in_thread(LocalFile, local, name if isinstance(name, str) else local.name)
            if content:
                uri = await in_thread(_uri, file)
                for marker in users:
                    marker.container[marker.key] = uri
                return
            answer = await self._way.upload(file, self._options)
            if answer.status == 404 and self._dialect.files == "name":
                # Before 3.19 there is no such route, and files go along.
                uri = await in_thread(_uri, file)
                for marker in users:
                    marker.container[marker.key] = inlined(marker, uri)
                return
        place = uploaded_path(answer, file.name)
        for marker in users:
            marker.container[marker.key] = written(self._dialect, marker, place)


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
            return Path(await self._way.download(url, name, folder, self._options))
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


def _uri(file: LocalFile) -> str:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.content()).decode('ascii')}"
