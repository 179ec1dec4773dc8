"""The server generations, each as a value that says which facts hold for it.

`/config` names a protocol, but the name does not tell enough: much changed
within one name, so facts are looked up by protocol *and* version. A new
generation costs a value here, and at most a transport of its own.
"""

from __future__ import annotations

__all__ = ["Dialect", "dialect_of", "release_of"]

import re
from dataclasses import dataclass
from typing import Literal

from ..exceptions import ProtocolError
from .shapes import quoted


@dataclass(frozen=True, slots=True)
class Dialect:
    """What holds for the servers of one generation."""

    queue: Literal["websocket", "connection", "session"]
    """How a call is made: over a websocket of its own (3.x), over an event stream of
    its own (4.0 to 4.8), or by a post, with one event stream for its session (since 4.9)."""

    cancel: Literal["close", "reset", "cancel"]
    """How a call is cancelled: by closing its connection; by `/reset`, which ends the one
    named event, if it is a generator that has yielded, and no message follows; or by
    `/cancel`, which ends every running event of the session and endpoint and sends a
    `process_completed` to the named one only (`cancel_tasks` in gradio/utils.py)."""

    cancel_removes_queued: bool
    """A cancelled event that still waits is removed; else it runs later, unheard."""

    sends_diffs: bool
    """Outputs after an event's first are edits of the one before."""

    mixes_edits: bool
    """The first output of an event may arrive as edits, of the output of an event that was
    cancelled: they are told apart by the addresses of their generators (`id(iterator)` in
    blocks.py), and those are used again."""

    announces_close: bool
    """The server says `close_stream` before it ends a session's stream of its own will;
    an end without it means that the connection was cut."""

    resumes: bool
    """The server does not notice that a session's stream was dropped: events go on, and
    a stream that is opened again continues where the server was; what was on its way
    is lost."""

    quotes_errors: bool
    """The text of a `gr.Error` arrives as Python's repr of it."""

    files: Literal["name", "path"]
    """How a file is written: as `{"name", "data", "is_file"}` (3.x) or as `{"path", "meta"}`."""

    marks_files: bool
    """A file in an output says that it is one, in its `meta`; else only the component tells."""


_QUEUES: dict[str | None, Literal["websocket", "connection", "session"]] = {
    None: "websocket",
    "ws": "websocket",
    "sse": "connection",
    "sse_v1": "session",
    "sse_v2": "session",
    "sse_v2.1": "session",
    "sse_v3": "session",
}


def dialect_of(protocol: str | None, version: str) -> Dialect:
    """Return the dialect of a server from the `protocol` and `version` of its `/config`.

    Gradio 3 names no protocol.

    Raises:
        ProtocolError: No such dialect is spoken here.
    """
    release = release_of(version)
    queue = _QUEUES.get(protocol)
    if queue is None or (protocol is None and release >= (4,)):
        spoken = "names no protocol" if protocol is None else f"speaks {quoted(protocol)}"
        raise ProtocolError(
            f"the app runs Gradio {version[:40]} and {spoken}; rxgradio speaks the websockets "
            "of Gradio 3, and 'sse' to 'sse_v3' (Gradio 4.0 to 6)"
        )
    cancel: Literal["close", "reset", "cancel"] = "close"
    if queue == "session":
        cancel = "cancel" if release >= (4, 31) else "reset"
    return Dialect(
        queue=queue,
        cancel=cancel,
        cancel_removes_queued=cancel == "close" or release >= (6, 14),
        sends_diffs=protocol in {"sse_v2", "sse_v2.1", "sse_v3"},
        # Not so in 6.31.
        mixes_edits=protocol in {"sse_v2", "sse_v2.1", "sse_v3"} and release < (6, 31),
        announces_close=protocol == "sse_v3",
        # Starlette's middleware for CORS hid the disconnect (custom_cors of routes.py).
        resumes=(4, 19, 2) <= release <= (4, 23, 0),
        quotes_errors=release < (5, 2),
        files="name" if queue == "websocket" else "path",
        # `FileData.meta` of data_classes.py.
        marks_files=release >= (4, 21),
    )


def release_of(version: str) -> tuple[int, ...]:
    """Return the three numbers of a version.

    Raises:
        ProtocolError: It is no version.
    """
    numbers = re.match(r"\s*(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    if numbers is None:
        raise ProtocolError(
            f"the app does not say which version of Gradio it runs: {quoted(version)}"
        )
    return tuple(int(number) for number in numbers.groups(default="0"))
