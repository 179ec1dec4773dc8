"""Everything that rxgradio raises of its own, as one tree.

    RxGradioError
    ├── AppError                 the app's function raised, or the app ended the call
    │   (also ValueError)
    ├── ValidationError          the app refused the arguments (also ValueError)
    ├── AuthenticationError      the app wants a login, or refused it (also ValueError)
    ├── InvalidAPIEndpointError  the app has no such endpoint
    ├── QueueError               the app's queue did not take the call
    │   └── QueueFull            ... because it is full
    ├── TooManyRequestsError     the server asks its clients to slow down (HTTP 429)
    ├── ProtocolError            the server said something no Gradio server should say
    ├── ConnectionLost           no connection, or it broke (also ConnectionError)
    │   └── ServerStopped        ... because the server is shutting down
    └── ClientClosed             the client was closed before or during the call

Two things are not here on purpose. A cancelled job is
`concurrent.futures.CancelledError`, and `TimeoutError` means only that a
`result(timeout)` gave up waiting while the job went on.
"""

from __future__ import annotations

__all__ = [
    "AppError",
    "AuthenticationError",
    "ClientClosed",
    "ConnectionLost",
    "InvalidAPIEndpointError",
    "ProtocolError",
    "QueueError",
    "QueueFull",
    "RxGradioError",
    "ServerStopped",
    "TooManyRequestsError",
    "ValidationError",
]


class RxGradioError(Exception):
    """The root of the tree: catch it to catch all that rxgradio raises of its own."""


class AppError(RxGradioError, ValueError):
    """The app reports that its function failed.

    `message` is the text of the app's `gr.Error`, or a note that the app gave
    none (Gradio hides the text of other exceptions unless the app was launched
    with `show_error=True`). `title` and `duration` (seconds) are what the app
    wants shown with it, `None` where the server does not say.
    """

    def __init__(
        self, message: str, *, title: str | None = None, duration: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.title = title
        self.duration = duration


class ValidationError(RxGradioError, ValueError):
    """The app's validator refused the arguments; `fields` is what it said of each."""

    def __init__(self, message: str, *, fields: object = None) -> None:
        super().__init__(message)
        self.fields = fields


class AuthenticationError(RxGradioError, ValueError):
    """The app wants a login, or refused the one that it got."""


class InvalidAPIEndpointError(RxGradioError):
    """The app has no such endpoint; the message names those it has."""


class QueueError(RxGradioError):
    """The app's queue did not take the call, which therefore did not run."""


class QueueFull(QueueError):  # noqa: N818 (the name that the queue itself uses)
    """The app's queue is full; the call did not run and can be made again later."""


class TooManyRequestsError(RxGradioError):
    """The server asks its clients to slow down (HTTP 429).

    `retry_after` is the number of seconds that it asked to wait, if it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProtocolError(RxGradioError):
    """The server said something that no Gradio server should say.

    `status` is the HTTP status, where an HTTP response was the trouble.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ConnectionLost(RxGradioError, ConnectionError):  # noqa: N818 (the event, not a fault, is what users know it by)
    """The app could not be reached, or the connection broke while a call was on it.

    The cause is in `__cause__` where there is one. `sent` is False where no
    connection could be made, so that nothing of the call reached the server.
    After a break the server forgets the call: it cannot be resumed, only made
    again.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ServerStopped(ConnectionLost):
    """The server said that it is shutting down; the call did not finish."""


class ClientClosed(RxGradioError):  # noqa: N818 (a state, not a fault)
    """The client was closed (or belongs to the parent of a forked process)."""
