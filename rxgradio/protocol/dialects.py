"""The server generations, each as a value that says which facts hold for it.

`/config` names a protocol, but the name does not tell enough: much changed
within one name, so facts are looked up by protocol *and* version. A new
generation costs a value here, and at most a transport of its own.
"""

from __future__ import annotations

__all__ = ["Dialect", "dialect_of"]

import re
from dataclasses import dataclass
from typing import Literal

from ..exceptions import ProtocolError
from .shapes import quoted


@dataclass(frozen=True, slots=True)
class Dialect:
    """What holds for the servers of one generation."""

    sends_diffs: bool
    """Outputs after an event's first are edits of the one before."""

    announces_close: bool
    """The server says `close_stream` before it ends a stream of its own will;
    an end without it means that the connection was cut."""

    quotes_errors: bool
    """The text of a `gr.Error` arrives as Python's repr of it."""

    cancel_route: Literal["/cancel", "/reset"]
    """Where a cancel is posted to."""

    cancel_reaches: Literal["endpoint", "event"]
    """Whom a cancel ends: every running event of the session and endpoint, though
    it tells only the named one (`cancel_tasks` in gradio/utils.py), or just that one."""

    cancel_completes: bool
    """A `process_completed` follows for the cancelled event; else it just goes silent."""

    cancel_removes_queued: bool
    """A cancelled event that still waits is removed; else it runs later, unheard."""


def dialect_of(protocol: str | None, version: str) -> Dialect:
    """Return the dialect of a server from the `protocol` and `version` of its `/config`.

    Raises:
        ProtocolError: No such dialect is spoken here.
    """
    release = _release(version)
    if protocol != "sse_v3":
        spoken = "a websocket queue" if protocol is None else quoted(protocol)
        raise ProtocolError(
            f"the app runs Gradio {version[:40]} and speaks {spoken}; "
            "rxgradio speaks 'sse_v3' (Gradio 4.22 and later)"
        )
    has_cancel = release >= (4, 31)
    return Dialect(
        sends_diffs=True,
        announces_close=True,
        quotes_errors=release < (5, 2),
        cancel_route="/cancel" if has_cancel else "/reset",
        cancel_reaches="endpoint" if has_cancel else "event",
        cancel_completes=has_cancel,
        cancel_removes_queued=release >= (6, 14),
    )


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\s*(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    if numbers is None:
        raise ProtocolError(
            f"the app does not say which version of Gradio it runs: {quoted(version)}"
        )
    return tuple(int(number) for number in numbers.groups(default="0"))
