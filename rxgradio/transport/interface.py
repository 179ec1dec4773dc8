"""What a transport must do: requests, event streams and websockets, and to be closed."""

from __future__ import annotations

__all__ = [
    "LAST_BYTES",
    "Socket",
    "Stream",
    "Transport",
    "Upload",
    "placed",
    "transport_for",
    "unexpected",
]

from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Protocol, TypeAlias

from ..exceptions import ProtocolError
from ..protocol.answers import Answer

LAST_BYTES = 1.0
"""Seconds that a stream gets to end after the server has said all; when it has
ended, its connection can be used again."""


def unexpected(error: Exception) -> ProtocolError:
    """Wrap an error that no transport should raise, so that it ends a call and not the program."""
    wrapped = ProtocolError(f"unexpected {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


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


class Socket(Protocol):
    """A websocket."""

    async def send(self, message: bytes) -> None:
        """Send a text message.

        Raises:
            ConnectionLost: The connection is gone.
        """
        ...

    def messages(self) -> AsyncIterator[bytes]:
        """Yield the messages as they arrive, until the server closes the connection properly.

        Raises:
            ConnectionLost: The connection broke, or the server does not answer its pings.
        """
        ...


class Upload(Protocol):
    """A file to upload, read while it is sent."""

    @property
    def name(self) -> str:
        """What the server is told that it is called."""
        ...

    @property
    def size(self) -> int:
        """How many bytes `chunks` yields."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content, in pieces of any size; each call begins anew."""
        ...


class Transport(Protocol):
    """Requests to one app. Paths are relative to the app's address.

    Each method raises `ConnectionLost` if there is no answer; its `sent` tells
    whether the server may have got the request.
    """

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        ...

    async def head(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a document, but not for its content."""
        ...

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        timed: bool = True,
    ) -> Answer:
        """Post a JSON document; `timed` if the answer is due at once."""
        ...

    async def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Post a form; cookies that the answer sets go with all later requests."""
        ...

    async def upload(
        self, path: str, files: Sequence[Upload], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post files as the field `files` of a form; takes as long as there is progress.

        What the `chunks` of a file raise is raised.
        """
        ...

    def download(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Fetch a document of any size, as a stream; takes as long as there is progress."""
        ...

    def stream(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Open an event stream; leaving the context closes its connection."""
        ...

    def websocket(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Socket]:
        """Open a websocket; leaving the context closes it.

        Raises:
            RxGradioError: The server refused it.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


Make: TypeAlias = Callable[[], Transport]
Place: TypeAlias = Callable[[str, Make], Transport]
"""Returns what is to be the transport to the app of an address; it may make the usual one."""

_place: ContextVar[Place | None] = ContextVar("rxgradio.transport", default=None)


@contextmanager
def placed(place: Place) -> Generator[None]:
    """Put transports in the place of those that connections of this context would use.

    It also stands for contexts that are copied from this one, and is asked before what
    stands already, whose transports it gets as the usual ones.
    """
    outer = _place.get()

    def nested(address: str, make: Make) -> Transport:
        return place(address, make if outer is None else partial(outer, address, make))

    token = _place.set(nested)
    try:
        yield
    finally:
        _place.reset(token)


def transport_for(address: str, make: Make) -> Transport:
    """Return what `make` does, or what a test has put in its place."""
    place = _place.get()
    return make() if place is None else place(address, make)
