"""The disk, for those who run on an event loop: all of it happens in threads.

No file stays open from one step to the next, so whoever is cancelled leaves
nothing open. What is fetched goes to a `Folder` for such files, to a `Target` that
somebody has named, or to `Memory`.
"""

from __future__ import annotations

__all__ = [
    "Folder",
    "LocalFile",
    "Memory",
    "Target",
    "as_not_kept",
    "default_folder",
    "in_thread",
    "too_large",
]

import asyncio
import base64
import filecmp
import hashlib
import mimetypes
import os
import secrets
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
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

_MODE = 0o755
"""Of folders that are made: others may not write there, whatever the umask is."""


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
        """Read all of it; in a thread.

        Raises:
            OSError: It cannot be read, or has changed.
        """
        return self._read(0, self.size) if self.size else b""

    def piece(self, at: int) -> bytes:
        """Read a part of it; in a thread.

        Raises:
            OSError: It cannot be read, or has changed.
        """
        return self._read(at, _PIECE)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content.

        Raises:
            OSError: It cannot be read, or changes.
        """
        at = 0
        while at < self.size:
            piece = await in_thread(self.piece, at)
            at += len(piece)
            yield piece

    def _read(self, at: int, most: int) -> bytes:
        with open(self.path, "rb", opener=_opened) as file:
            now = os.fstat(file.fileno())
            same = (now.st_mode, now.st_size, now.st_mtime_ns) == (
                self._stat.st_mode,
                self.size,
                self._stat.st_mtime_ns,
            )
            piece = b""
            if same:
                file.seek(at)
                piece = file.read(min(most, self.size - at))
        if not piece:
            raise OSError(f"the file {str(self.path)!r} changed while it was uploaded")
        return piece


def _opened(path: str, flags: int) -> int:
    """Open a file without waiting, whatever has taken its place: a FIFO would wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


# ---- writing


class Folder:
    """A folder for what is downloaded; each file in a sub-folder named after its content."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def keep(
        self,
        chunks: AsyncIterator[bytes],
        name: str,
        most: int | None = None,
        size: int | None = None,
    ) -> str:
        """Write a file as it arrives, and return its path, where it is only once it is whole.

        Args:
            chunks: Its content.
            name: What to call it.
            most: How many bytes it may have, if there is a limit.
            size: How many bytes it has, if that has been said.

        Raises:
            ProtocolError: It has more, or not as many.
            RxGradioError: It cannot be written.
        """
        writing = _Writing(self._root, name)
        try:
            with as_not_kept(name):
                await _receive(writing.add, chunks, name, most, size)
                return await in_thread(writing.finish)
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
        comma = uri.find(",")
        head = uri[: comma if comma >= 0 else len(uri)]
        kind, *options = head[len("data:") :].split(";")
        decoded = _base64 if "base64" in options else _escaped
        name = safe_name(name)
        if not Path(name).suffix:
            name += mimetypes.guess_extension(kind, strict=False) or ""
        writing = _Writing(self._root, name)
        try:
            with as_not_kept(name):
                for piece in decoded(uri, len(head) + 1):
                    writing.add([piece])
                return writing.finish()
        except ValueError as error:
            raise ProtocolError(f"a file in a data URI is broken: {quoted(uri, 40)}") from error
        finally:
            writing.drop()


# In pieces: a data URI may be as large as an event, and this takes a multiple of it.


def _base64(uri: str, start: int) -> Iterator[bytes]:
    for at in range(start, len(uri), _PIECE):
        yield base64.b64decode(uri[at : at + _PIECE], validate=True)


def _escaped(uri: str, start: int) -> Iterator[bytes]:
    while start < len(uri):
        end = start + _PIECE
        escape = uri.rfind("%", end - 2, end)  # of three characters, and not to be cut
        end = escape if escape > start else end
        yield unquote_to_bytes(uri[start:end])
        start = end


class Target:
    """A path that its user has named; what is there stays until all has arrived."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(
        self,
        chunks: AsyncIterator[bytes],
        name: str,
        most: int | None = None,
        size: int | None = None,
    ) -> None:
        """Write a file as it arrives; as `Folder.keep`."""
        temporary = self._path.with_name(f".{secrets.token_hex(8)}.part")

        def add(pieces: list[bytes]) -> None:
            with open(temporary, "ab", opener=_made) as file:
                file.writelines(pieces)

        try:
            with as_not_kept(name):
                await _receive(add, chunks, name, most, size)
                await in_thread(temporary.replace, self._path)
        finally:
            with suppress(OSError):
                await in_thread(temporary.unlink, missing_ok=True)


def _made(path: str, flags: int) -> int:
    """Make a file that others may read if the umask lets them, and never write."""
    return os.open(path, flags, 0o644)


class Memory:
    """Where a file goes that is wanted as bytes."""

    async def keep(
        self,
        chunks: AsyncIterator[bytes],
        name: str,
        most: int | None = None,
        size: int | None = None,
    ) -> bytes:
        """Gather a file as it arrives; as `Folder.keep`."""
        kept: list[bytes] = []
        await _receive(kept.extend, chunks, name, most, size)
        return b"".join(kept)


async def _receive(
    add: Callable[[list[bytes]], object],
    chunks: AsyncIterator[bytes],
    name: str,
    most: int | None,
    size: int | None,
) -> None:
    """Pass chunks on in larger pieces, in threads; at least once, and no more than allowed."""
    bounds = [bound for bound in (most, size) if bound is not None]
    pieces: list[bytes] = []
    waiting = total = 0
    async for chunk in chunks:
        total += len(chunk)
        if bounds and total > min(bounds):
            raise too_large(name, min(bounds), size)
        pieces.append(chunk)
        waiting += len(chunk)
        if waiting >= _PIECE:
            await in_thread(add, pieces)
            pieces, waiting = [], 0
    if size is not None and total < size:
        raise ProtocolError(
            f"the server sent {total} bytes of the file {quoted(name)}, which has {size} "
            "as it says itself"
        )
    await in_thread(add, pieces)


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
            self._root.mkdir(mode=_MODE, parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._root)
            os.close(descriptor)
            temporary = self.temporary = Path(path)
        with temporary.open("ab") as file:
            for piece in pieces:
                self._hash.update(piece)
                file.write(piece)
        return temporary

    def finish(self) -> str:
        temporary = self.add([])
        folder = self._root / self._hash.hexdigest()
        folder.mkdir(mode=_MODE, exist_ok=True)
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


def too_large(name: str, most: int, size: int | None = None) -> ProtocolError:
    """Return what is wrong with a file that has more than `most` bytes, or than the `size` told."""
    if size == most:
        return ProtocolError(
            f"the server sent more than the {size} bytes that it says the file {quoted(name)} has"
        )
    return ProtocolError(
        f"the file {quoted(name)} has more than {most} bytes; rxgradio.Limits(download=...) "
        "allows more"
    )


@contextmanager
def as_not_kept(name: str) -> Generator[None]:
    """Raise `RxGradioError` for what the system says against keeping a file."""
    try:
        yield
    except OSError as error:
        if isinstance(error, RxGradioError):  # a lost connection is one too
            raise
        raise RxGradioError(f"the file {quoted(name)} cannot be kept: {error}") from error
