"""Everything that rxgradio raises of its own, as one tree.

    RxGradioError
    ├── AppError                 the app's function raised, or the app ended the call
    │   (also ValueError)
    ├── ValidationError          the app refused the arguments (also ValueError)
    ├── AuthenticationError      the app wants a login, or refused it (also ValueError)
    ├── InvalidAPIEndpointError  the app has no such endpoint (also ValueError)
    ├── QueueError               the app's queue did not take the call
    │   └── QueueFull            ... because it is full
    ├── TooManyRequestsError     the server asks its clients to slow down (HTTP 429)
    │   └── QuotaExceeded        ... because the user's GPU time is used up (also AppError)
    ├── ProtocolError            the server said something no Gradio server should say
    │   (also ValueError)
    ├── ConnectionLost           no connection, or it broke (also ConnectionError)
    │   └── ServerStopped        ... because the server is shutting down
    ├── SpaceError               a Space is not there, or does not run (also ValueError)
    ├── SpaceDuplicationError    a Space could not be duplicated
    ├── SerializationSetupError  never raised (also ValueError)
    ├── DeadlineExceeded         the call took longer than its deadline allows
    ├── CircuitOpen              calls have failed, and are not made for a while
    ├── BulkheadFull             too many calls are made at a time
    ├── ConsumerTooSlow          more waited for a reader than it had allowed
    └── ClientClosed             the client was closed before or during the call

Two things are not here on purpose. A cancelled job is
`concurrent.futures.CancelledError`, and `TimeoutError` means only that a
`result(timeout)` gave up waiting while the job went on.
"""

from __future__ import annotations

__all__ = [
    "AppError",
    "AuthenticationError",
    "BulkheadFull",
    "CircuitOpen",
    "ClientClosed",
    "ConnectionLost",
    "ConsumerTooSlow",
    "DeadlineExceeded",
    "InvalidAPIEndpointError",
    "ProtocolError",
    "QueueError",
    "QueueFull",
    "QuotaExceeded",
    "RxGradioError",
    "SerializationSetupError",
    "ServerStopped",
    "SpaceDuplicationError",
    "SpaceError",
    "TooManyRequestsError",
    "ValidationError",
]

from collections.abc import Callable
from typing import Any


class RxGradioError(Exception):
    """The root of the tree: catch it to catch all that rxgradio raises of its own.

    `status` is the HTTP status where an HTTP answer was the trouble, and
    `retry_after` the number of seconds to wait that the server has asked for, if it
    has. Both are None otherwise.
    """

    status: int | None = None
    retry_after: float | None = None
    _outputs: Callable[[], list[Any]] | list[Any] | None = None

    @property
    def outputs(self) -> list[Any]:
        """What the call had yielded before it failed, if it was a call that did."""
        made = self._outputs() if callable(self._outputs) else self._outputs
        return [] if made is None else made

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process with the outputs, and without the job that has them."""
        state = {**self.__dict__, "_outputs": self.outputs} if self._outputs else self.__dict__
        return (*super().__reduce__()[:2], state)  # pyright: ignore[reportReturnType, reportUnknownVariableType] (typeshed knows a str or any tuple)


class AppError(RxGradioError, ValueError):
    """The app reports that its function failed.

    What to do about it only the app's author can tell; the text may.

    `message` is the text of the app's `gr.Error`, or a note that the app gave
    none (Gradio hides the text of other exceptions unless the app was launched
    with `show_error=True`). `title` and `duration` (seconds) are what the app
    wants shown with it, `None` where the server does not say; `visible` is False if it
    wants nothing shown.
    """

    def __init__(
        self,
        message: str = "Error raised.",
        duration: float | None = None,
        visible: bool = True,
        title: str | None = None,
        print_exception: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.title = title
        self.duration = duration
        self.visible = visible
        self.print_exception = print_exception


class ValidationError(RxGradioError, ValueError):
    """The app's validator refused the arguments; `fields` is what it said of each.

    Call again with others: `Client.view_api` shows what is expected.
    """

    def __init__(
        self, message: str = "The arguments were refused.", *, fields: object = None
    ) -> None:
        super().__init__(message)
        self.fields = fields


class AuthenticationError(RxGradioError, ValueError):
    """The app wants a login, or refused the one that it got: pass `auth=(user, password)`."""


class InvalidAPIEndpointError(RxGradioError, ValueError):
    """The app has no such endpoint; the message names those it has."""


class QueueError(RxGradioError):
    """The app's queue did not take the call, which therefore did not run."""


class QueueFull(QueueError):  # noqa: N818 (the name that the queue itself uses)
    """The app's queue is full; the call did not run and can be made again later.

    With the endpoint's option `wait_for_room=True` it is, until there is room.
    """


class TooManyRequestsError(RxGradioError):
    """The server asks its clients to slow down (HTTP 429).

    Wait for `retry_after` seconds, if it said so, and make fewer calls at a time.
    Where it said so, a call is repeated by itself (see `Retry`) until this is raised.
    """

    def __init__(
        self, message: str = "Too many requests.", *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaExceeded(TooManyRequestsError, AppError):  # noqa: N818 (what the service calls it)
    """The user's GPU time on Hugging Face is used up.

    It is there again in `retry_after` seconds, if the app said so; a login with
    Hugging Face, or a shorter run, needs less of it. It is an `AppError` too, because
    the app tells it as an error of its function.
    """

    def __init__(
        self,
        message: str,
        *,
        title: str | None = None,
        duration: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        AppError.__init__(self, message, title=title, duration=duration)
        self.retry_after = retry_after


class ProtocolError(RxGradioError, ValueError):
    """The server said something that no Gradio server should say.

    Either it is none, or something between here and there changes what it says, or
    this is a version that rxgradio should know and does not: please report that.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ConnectionLost(RxGradioError, ConnectionError):  # noqa: N818 (the event, not a fault, is what users know it by)
    """The app could not be reached, or the connection broke while a call was on it.

    The cause is in `__cause__` where there is one. `sent` is False where no
    connection could be made, so that nothing of the call reached the server.
    `silence` is the number of seconds since the app had last said something of the
    call, None if it never had. After a break the server forgets the call: it cannot
    be resumed, only made again, and the endpoint's option `resubmit=` does so.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
        self.silence: float | None = None


class ServerStopped(ConnectionLost):
    """The server said that it is shutting down; the call did not finish."""


class DeadlineExceeded(RxGradioError):  # noqa: N818 (gRPC's word for it)
    """The call took longer than its `deadline` allows, and was cancelled on the server.

    `deadline` is what was allowed, in seconds. What the server made of the cancel is in
    the job's `cancel_outcome`. The operators `deadline` and `timeout` end any stream with it.
    """

    def __init__(self, message: str, *, deadline: float | None = None) -> None:
        super().__init__(message)
        self.deadline = deadline


class CircuitOpen(RxGradioError):  # noqa: N818 (a state, not a fault)
    """Calls before this one have failed, and a `CircuitBreaker` did not let it be made.

    `retry_after` is the number of seconds until one is made again to see how it ends, None
    if one is under way.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BulkheadFull(RxGradioError):  # noqa: N818 (a state, not a fault)
    """As many calls as its `Bulkhead` allows are under way and wait; this one was not made."""


class ConsumerTooSlow(RxGradioError):  # noqa: N818 (said of the reader)
    """More updates waited for a reader than it had allowed (`on_slow="error"`); the job goes on."""


class ClientClosed(RxGradioError):  # noqa: N818 (a state, not a fault)
    """The client was closed (or belongs to the parent of a forked process): make a new one."""


class SpaceError(RxGradioError, ValueError):
    """A Space on Hugging Face is not there, or does not run; the message says what to do.

    `stage` is what the Hub calls its state, such as "PAUSED", "BUILD_ERROR",
    "RUNTIME_ERROR", or "BUILDING" and "SLEEPING" when it was not up within
    `connect_timeout`; None if there is no such Space, or if the Hub does not say.
    """

    def __init__(self, message: str, *, stage: str | None = None) -> None:
        super().__init__(message)
        self.stage = stage


class SpaceDuplicationError(RxGradioError):
    """A Space could not be duplicated; the message says what the Hub has against it."""


class SerializationSetupError(RxGradioError, ValueError):
    """Never raised: there are no serializers since Gradio 4."""
