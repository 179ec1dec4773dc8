"""What a transport must do: three kinds of request, and to be closed."""

from __future__ import annotations

__all__ = ["Stream", "Transport"]

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ..protocol.answers import Answer


class Stream(Protocol):
    """A response whose body arrives over time; `answer` has no body if it is one."""

    @property
    def answer(self) -> Answer:
        """Status and header fields, and the body where it is no stream."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, in pieces of any size.

        Raises:
            ConnectionLost: The connection broke before the body was complete.
        """
        ...


class Transport(Protocol):
    """Requests to one app. Paths are relative to the app's address.

    Each method raises `ConnectionLost` if there is no answer; its `sent` tells
    whether the server may have got the request.
    """

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        ...

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a JSON document."""
        ...

    def stream(self, path: str) -> AbstractAsyncContextManager[Stream]:
        """Open a stream; leaving the context closes its connection."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
