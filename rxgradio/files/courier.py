"""All files on their way to one app and from it."""

from __future__ import annotations

__all__ = ["Courier", "Start", "Wait"]

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..exceptions import ClientClosed
from ..options import CallOptions, Limits
from ..protocol.dialects import Dialect
from ..protocol.files import FileSearch, Inline, Remote
from ..protocol.sink import Sink
from ..updates import StatusUpdate
from .disk import Folder, Memory, Target, default_folder
from .feeding import Feeding
from .incoming import Incoming
from .outgoing import Outgoing, Rules
from .remote import RemoteFile
from .uploads import Uploads
from .way import Keeper, Transport, Way

T = TypeVar("T")

_AT_ONCE = 8
"""Files that are fetched at a time."""

_CLOSED = "the client was closed before a file had arrived"


class Wait(Protocol):
    """Waits for what was begun on the scheduler thread, on any other."""

    def __call__(self, future: Future[T], /) -> T:
        """Return its result, or raise its error."""
        ...


class Start(Protocol):
    """Runs a coroutine on the scheduler thread, from any other; raises `ClientClosed`."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin; cancelling the future cancels it."""
        ...


class Courier:
    """Uploads the files of arguments, and downloads those of outputs.

    Args:
        transport: What they are sent and fetched with.
        address: The app's.
        prefix: The path of its API, such as "/gradio_api".
        folder: Where to keep downloads; without one, outputs stay as they come.
        limits: Their `download` is how large a file may be.
        most: How many bytes a file may have that is sent, as the app says.
        start: How users begin to fetch a file that was left there.
        wait: How they wait for it.
    """

    def __init__(
        self,
        transport: Transport,
        address: str,
        prefix: str,
        dialect: Dialect,
        folder: Path | None,
        *,
        limits: Limits = Limits(),
        most: int | None = None,
        start: Start | None = None,
        wait: Wait = Future[Any].result,
    ) -> None:
        self.address = address
        self._way = Way(transport, address, prefix, limits)
        self._uploads = Uploads(self._way)
        self._dialect = dialect
        self._folder = None if folder is None else Folder(folder)
        self._most = most
        self._start = start
        self._wait = wait
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting: dict[Incoming, None] = {}  # in order: no set has one
        self._feeding: set[asyncio.Task[None]] = set()
        self._wanted: set[asyncio.Task[Any]] = set()
        self._closed = False

    # ---- what goes out

    async def sent(
        self,
        data: bytes,
        components: Sequence[str],
        options: CallOptions,
        *,
        types: Sequence[Sequence[str]] = (),
        told: Callable[[StatusUpdate], object] = lambda _: None,
    ) -> bytes:
        """Upload the files of a call; returns its data as they are to be sent.

        Args:
            data: The JSON of them.
            components: The component of each input.
            options: Those of the call.
            types: The types of files that each input takes, if they are known.
            told: Called with news of the sending.

        Raises:
            OSError: A file cannot be read.
            RxGradioError: A file could not be sent.
        """
        rules = Rules(components=components, most=self._most, types=types)
        outgoing = Outgoing(
            self._way, self._uploads, self._dialect, rules, options=options, told=told
        )
        return await outgoing.sent(data)

    def forget(self) -> None:
        """Send files anew that were sent before: the app may have lost them."""
        self._uploads.forget()

    def feeding(
        self,
        components: Sequence[str],
        options: CallOptions,
        pass_on: Callable[[bytes | None, bool], object],
        fail: Callable[[Exception], object],
        *,
        types: Sequence[Sequence[str]] = (),
    ) -> Feeding:
        """Return what uploads the files of a call's further inputs before it passes them on."""

        async def send(chunk: bytes) -> bytes:
            return await self.sent(chunk, components, options, types=types)

        return Feeding(send, pass_on, fail, self._feeding)

    # ---- what comes in

    def incoming(
        self,
        sink: Sink,
        components: Sequence[str],
        options: CallOptions,
        let_go: Callable[[], object],
        holder: object = None,
        *,
        later: CallOptions | None = None,
    ) -> Sink:
        """Return what is to hear of a call instead of `sink`, which hears of local files.

        `let_go` is called if a file cannot be had, when the call has ended for its user;
        files that are left with the app keep `holder` alive, and are fetched as `later` says.
        """
        folder = self._folder
        if folder is None:
            return sink
        search = FileSearch(self._dialect, components, self._way.address)
        if search.futile:
            return sink

        async def fetch(file: Remote | Inline) -> str:
            async with self._turns:
                if isinstance(file, Inline):
                    return await folder.decode(file.uri, file.name)
                return await self._way.download(file, folder, options)

        # A call and its parts hold each other: what they held would outlive it.
        held = (lambda: None) if holder is None else weakref.ref(holder)

        def left(file: Remote) -> RemoteFile:
            return RemoteFile(self, file, self._way.url(file), later or options, held())

        return Incoming(
            sink, search, fetch, let_go, self._waiting, left=left, download=options.download
        )

    def stop(self, sink: Sink) -> None:
        """Fetch nothing more for a call that has ended for its user."""
        if isinstance(sink, Incoming):
            sink.stop()

    # ---- what was left there

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run something where files are fetched.

        Raises:
            ClientClosed: The client is closed, or belongs to the parent process.
        """
        if self._start is None or self._closed:
            work.close()
            raise ClientClosed("the client is closed; make a new one, and the call again")
        return self._start(work)

    def fetch(self, work: Coroutine[Any, Any, T]) -> T:
        """Do as `start`, and wait for it."""
        return self._wait(self.start(work))

    async def keep(self, file: Remote, options: CallOptions) -> str:
        """Fetch a file to where files are kept; returns its path."""
        folder = self._folder or Folder(default_folder())
        return await self._bring(file, folder, options)

    async def read(self, file: Remote, options: CallOptions) -> bytes:
        """Fetch a file to memory."""
        return await self._bring(file, Memory(), options)

    async def save(self, file: Remote, options: CallOptions, path: Path) -> None:
        """Fetch a file to a path."""
        await self._bring(file, Target(path), options)

    async def _bring(self, file: Remote, keeper: Keeper[T], options: CallOptions) -> T:
        if self._closed:
            raise ClientClosed(_CLOSED)
        task = asyncio.ensure_future(self._in_turn(file, keeper, options))
        self._wanted.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._closed:
                raise ClientClosed(_CLOSED) from None
            raise
        finally:
            task.cancel()
            self._wanted.discard(task)

    async def _in_turn(self, file: Remote, keeper: Keeper[T], options: CallOptions) -> T:
        async with self._turns:
            return await self._way.download(file, keeper, options)

    # ---- the end

    async def aclose(self) -> None:
        """End what waits for files."""
        self._closed = True
        tasks = (*self._feeding, *self._wanted, *self._uploads.tasks)
        ending: dict[asyncio.Task[Any], None] = dict.fromkeys(tasks)
        for task in ending:
            task.cancel()
        for incoming in list(self._waiting):
            ending |= dict.fromkeys(incoming.tasks)
            incoming.end(ClientClosed(_CLOSED))
        await asyncio.gather(*ending, return_exceptions=True)
