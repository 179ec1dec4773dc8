"""All files on their way to one app and from it."""

from __future__ import annotations

__all__ = ["Courier"]

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ..exceptions import ClientClosed
from ..options import CallOptions, Limits
from ..protocol.dialects import Dialect
from ..protocol.files import FileSearch, Inline, Remote
from ..protocol.sink import Sink
from .disk import Folder
from .feeding import Feeding
from .incoming import Incoming
from .outgoing import Outgoing
from .way import Transport, Way

_AT_ONCE = 8
"""Files that are fetched at a time."""


class Courier:
    """Uploads the files of arguments, and downloads those of outputs.

    Args:
        transport: What they are sent and fetched with.
        address: The app's.
        prefix: The path of its API, such as "/gradio_api".
        folder: Where to keep downloads; without one, outputs stay as they come.
        limits: Their `download` is how large a file may be.
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
    ) -> None:
        self._way = Way(transport, address, prefix, limits.download)
        self._dialect = dialect
        self._folder = None if folder is None else Folder(folder)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting: set[Incoming] = set()
        self._feeding: set[asyncio.Task[None]] = set()

    async def sent(self, data: bytes, components: Sequence[str], options: CallOptions) -> bytes:
        """Upload the files of a call; returns its data as they are to be sent.

        Raises:
            OSError: A file cannot be read.
            RxGradioError: A file could not be sent.
        """
        return await Outgoing(self._way, self._dialect, components, options).sent(data)

    def feeding(
        self,
        components: Sequence[str],
        options: CallOptions,
        pass_on: Callable[[bytes | None, bool], object],
        fail: Callable[[Exception], object],
    ) -> Feeding:
        """Return what uploads the files of a call's further inputs before it passes them on."""
        return Feeding(
            lambda chunk: self.sent(chunk, components, options), pass_on, fail, self._feeding
        )

    def incoming(
        self,
        sink: Sink,
        components: Sequence[str],
        options: CallOptions,
        let_go: Callable[[], object],
    ) -> Sink:
        """Return what is to hear of a call instead of `sink`, which hears of local files.

        `let_go` is called if a file cannot be had, when the call has ended for its user.
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
                return await self._way.download(
                    file.path, file.name, folder, options, size=file.size
                )

        return Incoming(sink, search, fetch, let_go, self._waiting)

    def stop(self, sink: Sink) -> None:
        """Fetch nothing more for a call that has ended for its user."""
        if isinstance(sink, Incoming):
            sink.stop()

    async def aclose(self) -> None:
        """End what waits for files."""
        ending = self._feeding.copy()
        for task in ending:
            task.cancel()
        for incoming in list(self._waiting):
            ending |= incoming.tasks
            incoming.end(ClientClosed("the client was closed before a file had arrived"))
        await asyncio.gather(*ending, return_exceptions=True)
