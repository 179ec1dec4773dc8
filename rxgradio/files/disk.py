"""The disk, for those who run on an event loop: all of it happens in threads.

No file stays open from one step to the next, so whoever is cancelled leaves
nothing open.
"""

from __future__ import annotations

__all__ = ["Folder", "LocalFile", "default_folder", "in_thread"]

import asyncio
import base64
import binascii
import filecmp
import hashlib
import mimetypes
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import unquote_to_bytes

from ..exceptions import ProtocolError, RxGradioError
from ..protocol.files import safe_name
from ..protocol.shapes import quoted

P = ParamSpec("P")
T = TypeVar("T")

_PIECE = 1024 * 1024
"""Bytes that are read or written at once."""


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run something short in a thread; who is cancelled meanwhile waits for its end."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # or asyncio would complain that nobody has looked
        raise


def default_folder() -> Path:
    """Return where Gradio keeps files, unless told otherwise."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


# ---- reading


class LocalFile:
    """A file to upload. It touches the disk when it is made, so it is made in a thread.

    Raises:
        OSError: It cannot be read.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self._stat = path.stat()
        if not stat.S_ISREG(self._stat.st_mode):
            raise OSError(f"{str(path)!r} is no regular file, whose size is known")

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._stat.st_size

    def content(self) -> bytes:
        """Read all of it; in a thread."""
        return self.path.read_bytes()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content.

        Raises:
            OSError: It cannot be read, or changes.
        """
        at = 0
        while at < self.size:
            piece = await in_thread(self._read, at)
            at += len(piece)
            yield piece

    def _read(self, at: int) -> bytes:
        with self.path.open("rb") as file:
            now = os.fstat(file.fileno())
            file.seek(at)
            piece = file.read(min(_PIECE, self.size - at))
        if (now.st_size, now.st_mtime_ns) != (self.size, self._stat.st_mtime_ns) or not piece:
            raise OSError(f"the file {str(self.path)!r} changed while it was uploaded")
        return piece


# ---- writing


class Folder:
    """A folder for what is downloaded; each file in a sub-folder named after its content."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def keep(self, chunks: AsyncIterator[bytes], name: str) -> str:
        """Write a file as it arrives, and return its path, where it is only once it is whole.

        Raises:
            RxGradioError: It cannot be written.
        """
        writing = _Writing(self._root, name)
        pieces: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks:
                pieces.append(chunk)
                size += len(chunk)
                if size >= _PIECE:
                    await in_thread(writing.add, pieces)
                    pieces, size = [], 0
            return await in_thread(writing.finish, pieces)
        except OSError as error:
            if isinstance(error, RxGradioError):  # a lost connection is one too
                raise
            raise _not_kept(name, error) from error
        finally:
            if writing.temporary is not None:
                await in_thread(writing.drop)

    async def decode(self, uri: str, name: str) -> str:
        """Write what a data URI holds, and return the path of the file.

        If the name has no suffix, the type of the content gives it one.

        Raises:
            ProtocolError: It holds nothing.
            RxGradioError: It cannot be written.
        """
        return await in_thread(self._decode, uri, name)

    def _decode(self, uri: str, name: str) -> str:
        head, _, content = uri[len("data:") :].partition(",")
        kind, *options = head.split(";")
        try:
            if "base64" in options:
                data = base64.b64decode(content, validate=True)
            else:
                data = unquote_to_bytes(content)
        except (binascii.Error, ValueError) as error:
            raise ProtocolError(f"a file in a data URI is broken: {quoted(uri, 40)}") from error
        name = safe_name(name)
        if not Path(name).suffix:
            name += mimetypes.guess_extension(kind, strict=False) or ""
        writing = _Writing(self._root, name)
        try:
            return writing.finish([data])
        except OSError as error:
            raise _not_kept(name, error) from error
        finally:
            writing.drop()


class _Writing:
    """A file that is being written, under a temporary name."""

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self._name = safe_name(name)
        self._hash = hashlib.sha256()
        self.temporary: Path | None = None

    def add(self, pieces: list[bytes]) -> Path:
        temporary = self.temporary
        if temporary is None:
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._root)
            os.close(descriptor)
            temporary = self.temporary = Path(path)
        with temporary.open("ab") as file:
            for piece in pieces:
                self._hash.update(piece)
                file.write(piece)
        return temporary

    def finish(self, pieces: list[bytes]) -> str:
        temporary = self.add(pieces)
        folder = self._root / self._hash.hexdigest()
        folder.mkdir(exist_ok=True)
        path = folder / self._name
        try:
            # Unlike a rename, it does not take the place of a file that others may be
            # reading, such as an upload of what was downloaded before.
            os.link(temporary, path)
        except OSError:  # there is one, or the file system knows no links
            if path.is_file() and filecmp.cmp(temporary, path, shallow=False):
                return str(path)
            temporary.replace(path)
        else:
            temporary.unlink()
        self.temporary = None
        return str(path)

    def drop(self) -> None:
        if self.temporary is not None:
            with suppress(OSError):
                self.temporary.unlink()
            self.temporary = None


def _not_kept(name: str, error: OSError) -> RxGradioError:
    return RxGradioError(f"the file {quoted(name)} cannot be kept: {error}")
