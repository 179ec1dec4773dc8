"""A file of an output that stays with the app until it is wanted."""

from __future__ import annotations

__all__ = ["Access", "RemoteFile"]

import asyncio
import os
import secrets
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from ..options import CallOptions
from ..protocol.files import Remote, safe_name
from .disk import as_not_kept

T = TypeVar("T")


class Access(Protocol):
    """What a file needs of the app that has it."""

    @property
    def address(self) -> str:
        """Where the app is."""
        ...

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run something where files are fetched.

        Raises:
            ClientClosed: The client is closed, or belongs to the parent process.
        """
        ...

    def fetch(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something where files are fetched, and wait for it."""
        ...

    async def keep(self, file: Remote, options: CallOptions) -> str:
        """Fetch a file to where files are kept; returns its path."""
        ...

    async def read(self, file: Remote, options: CallOptions) -> bytes:
        """Fetch a file to memory."""
        ...

    async def save(self, file: Remote, options: CallOptions, path: Path) -> None:
        """Fetch a file to a path."""
        ...


class RemoteFile(os.PathLike[str]):
    """A file of an output, fetched when it is wanted; see the option `download`.

    Where a path is wanted, such as in `open(file)`, it is one: of the file on this
    machine, fetched for that. As an argument of a call of the same app it is that
    file, and does not travel. It keeps its client open.

    `name` is what the app calls it, `size` the number of its bytes if the app tells,
    and `url` where it is; a browser needs the login of the app for it, if there is one.

    Whatever fetches it raises `RxGradioError` if it cannot be had or kept.
    """

    def __init__(
        self, access: Access, file: Remote, url: str, options: CallOptions, holder: object
    ) -> None:
        self.name = safe_name(file.name)
        self.size = file.size
        self.url = url
        self.signature = secrets.token_hex(32)
        """Stands for it in what is sent; goes to no server."""
        self.file = file
        """What the app has said of it."""
        self._access = access
        self._options = options
        self._holder = holder
        self._kept: asyncio.Task[str] | None = None

    @property
    def app(self) -> str:
        """The address of the app that has it."""
        return self._access.address

    def open(self) -> BinaryIO:
        """Fetch it, and open it for reading."""
        return Path(self).open("rb")

    def read(self) -> bytes:
        """Fetch it to memory."""
        return self._access.fetch(self._access.read(self.file, self._options))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Fetch it to a path, or into a directory by its own name; returns where it is.

        What is there is replaced, when all of it has arrived.
        """
        return self._access.fetch(self._saved(path))

    async def aread(self) -> bytes:
        """Do as `read`, without blocking the running loop."""
        work = self._access.read(self.file, self._options)
        return await asyncio.wrap_future(self._access.start(work))

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Do as `save`, without blocking the running loop."""
        return await asyncio.wrap_future(self._access.start(self._saved(path)))

    def __fspath__(self) -> str:
        """Fetch it, once, to where files are kept, and return its path."""
        return self._access.fetch(self.local())

    def __repr__(self) -> str:
        """Show what is known without fetching it."""
        size = "" if self.size is None else f", {self.size} bytes"
        return f"<RemoteFile {self.name!r}{size}>"

    def __copy__(self) -> RemoteFile:
        return self

    def __deepcopy__(self, _: object) -> RemoteFile:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Refuse: it is of use only to the client that it came with."""
        raise TypeError("a RemoteFile cannot be pickled; save() it, or pass its url")

    async def local(self) -> str:
        """Fetch it to where files are kept, if it is not there yet; on the scheduler thread."""
        task = self._kept
        if task is None or _failed(task) or not await _is_there(task):
            work = self._access.keep(self.file, self._options)
            task = self._kept = asyncio.get_running_loop().create_task(work)
            task.add_done_callback(_failed)  # or asyncio would complain that nobody has looked
        return await asyncio.shield(task)

    async def _saved(self, path: str | os.PathLike[str]) -> Path:
        with as_not_kept(self.name):
            target = await asyncio.to_thread(_target, path, self.name)
        await self._access.save(self.file, self._options, target)
        return target


def _failed(task: asyncio.Task[str]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _is_there(task: asyncio.Task[str]) -> bool:
    return not task.done() or await asyncio.to_thread(Path(task.result()).is_file)


def _target(path: str | os.PathLike[str], name: str) -> Path:
    target = Path(path).absolute()
    if "\0" in str(target):
        raise OSError("no path has a null character")
    return target / name if target.is_dir() else target
