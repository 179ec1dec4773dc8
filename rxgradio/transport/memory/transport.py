"""The way of one client to a server in memory."""

from __future__ import annotations

__all__ = ["MemoryTransport"]

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from ...protocol.answers import Answer
from ..interface import Upload
from .endpoint import MemoryEndpoint
from .server import MemoryServer, MemorySocket, MemoryStream


class MemoryTransport:
    """A transport to a server in memory. Made and used on the scheduler thread only.

    Args:
        server: The server, or the endpoints of one that is this transport's own, and
            ends with it.
        version: Of Gradio, for a server of its own.
    """

    def __init__(
        self, server: MemoryServer | Mapping[str, MemoryEndpoint], version: str = "6.31.0"
    ) -> None:
        self._owns = not isinstance(server, MemoryServer)
        self.server = server if isinstance(server, MemoryServer) else MemoryServer(server, version)

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        return await self.server.get(path)

    async def head(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 (as below)
    ) -> Answer:
        """Ask for a file, but not for its content."""
        return self.server.head(path)

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        timed: bool = True,  # noqa: ARG002 (nothing takes long here)
    ) -> Answer:
        """Post a JSON document."""
        return await self.server.post(path, body, headers or {})

    async def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Post a form."""
        return self.server.submit_form(path, fields)

    async def upload(
        self,
        path: str,  # noqa: ARG002 (there is one way to upload)
        files: Sequence[Upload],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Keep files, under paths that the server chooses."""
        contents = [(each.name, b"".join([c async for c in each.chunks()])) for each in files]
        return self.server.upload(contents, headers or {})

    def download(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 (no file is a secret here)
    ) -> AbstractAsyncContextManager[MemoryStream]:
        """Fetch a file."""
        return self.server.download(path)

    def stream(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 (kept of posts and websockets only)
    ) -> AbstractAsyncContextManager[MemoryStream]:
        """Open an event stream."""
        return self.server.stream(path)

    def websocket(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[MemorySocket]:
        """Open a websocket."""
        return self.server.websocket(path, headers or {})

    async def aclose(self) -> None:
        """End the server, if it is this transport's own."""
        if self._owns:
            await self.server.aclose()
