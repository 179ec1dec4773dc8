"""The life of one call, computed from what the server says of it.

`Event` turns the messages of one event into the entries of its job's log, and
knows when, and how, it ended. `fold` is the other half: it turns entries back
into updates, one reader at a time.

An entry keeps what arrived. A value that grows by a word at a time is kept as
its first form and the words, so that a job nobody watches never builds the
values in between, and a log of n words takes space for n words. That the edits
*can* be applied is nevertheless known before they are logged (`diff.Outline`):
a bad edit fails the job, not some of its readers.
"""

from __future__ import annotations

__all__ = ["Edits", "Entry", "Event", "Values", "fold", "weigh"]

import ast
import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from ..exceptions import (
    AppError,
    ConnectionLost,
    ProtocolError,
    QueueFull,
    QuotaExceeded,
    RxGradioError,
)
from ..updates import Status, StatusUpdate
from . import messages as wire
from .dialects import Dialect
from .diff import DiffError, Outline, patch
from .shapes import is_list


@dataclass(frozen=True, slots=True)
class Values:
    """All outputs of a call, in full, as they were on the wire."""

    data: Sequence[Any]
    final: bool
    late: bool = False
    """It was missed on the way and is told at the end, unless it has been told."""
    attempt: int = 1
    size: int = 0
    """Bytes that they had on the wire."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What changed in the outputs of a call: for each, its list of edits."""

    scripts: Sequence[Any]
    attempt: int = 1
    size: int = 0


Entry: TypeAlias = StatusUpdate | Values | Edits


def fold(data: Sequence[Any], entry: Values | Edits) -> Sequence[Any]:
    """Return the outputs that `entry` makes of the outputs before it, which stay as they are."""
    if isinstance(entry, Values):
        return entry.data
    return [patch(value, edits) for value, edits in zip(data, entry.scripts, strict=True)]


def weigh(entry: Entry) -> int:
    """Estimate the bytes of memory that an entry takes: a text may have two a letter."""
    if not isinstance(entry, StatusUpdate):
        return 200 + 2 * entry.size
    said = len(entry.log[0]) if entry.log else 0
    for unit in entry.progress_data or ():
        said += 100 + len(unit.desc or "") + len(unit.unit or "")
    return 400 + 2 * said


# One literal and no more, with no escapes but those that repr() makes: other
# texts that look like Python are no business of a parser.
_REPR = re.compile(
    r"""(['"])(?:(?!\1)[^\\\n\r\0]|\\(?:[\\'"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*\1"""
)


# As the package `spaces` words it, which tells it as an error of the app's function:
# "You have exceeded your GPU quota (60s requested vs. 46s left). [...] retry in 0:09:48".
_QUOTA = re.compile(r"exceeded your\b.{0,40}\bGPU quota", re.IGNORECASE)
_QUOTA_RESET = re.compile(
    r"\b(?:retry|try again) in (?:(\d{1,4}) days?, )?(\d{1,4})(?::(\d\d))?:(\d\d)\b", re.IGNORECASE
)


class Event:
    """What must be remembered of a call between two messages.

    Args:
        dialect: What holds for the server.
        outputs: How many outputs the endpoint has, State included.
    """

    __slots__ = (
        "_blind",
        "_dialect",
        "_heard",
        "_outputs",
        "_shape",
        "ended",
        "error",
        "started",
        "status",
        "yielded",
    )

    def __init__(self, dialect: Dialect, outputs: int, at: datetime) -> None:
        self._dialect = dialect
        self._outputs = outputs
        self._shape: list[Outline] | None = None
        self._blind = False
        self._heard: datetime | None = None
        self.status = StatusUpdate(Status.STARTING, time=at)
        self.started = False
        self.yielded = False
        self.ended = False
        self.error: Exception | None = None

    def missed(self) -> None:
        """Note that messages may have been lost: edits have nothing to be edits of."""
        self._blind = self._dialect.sends_diffs

    def joining(self, at: datetime) -> list[Entry]:
        """Note that the call is on its way to the queue."""
        return [self._stands(StatusUpdate(Status.JOINING_QUEUE, time=at))]

    def end(self, error: Exception, at: datetime, code: Status = Status.FINISHED) -> list[Entry]:
        """End the call for a reason that is not in its messages."""
        if isinstance(error, RxGradioError):
            # A copy: one loss may be the end of many calls, each with outputs of its own.
            error, cause = copy.copy(error), error.__cause__
            error.__cause__ = cause
            if isinstance(error, ConnectionLost) and self._heard is not None:
                # By timestamps, since local time may jump.
                error.silence = max(0.0, at.timestamp() - self._heard.timestamp())
        self.ended = True
        self.error = error
        full = isinstance(error, QueueFull)
        why = [StatusUpdate(Status.QUEUE_FULL, success=False, time=at)] if full else []
        return [*why, self._stands(StatusUpdate(code, success=False, time=at))]

    def receive(self, message: wire.Message, at: datetime, size: int = 0) -> list[Entry]:  # noqa: PLR0911 (one case a message)
        """Return the entries that a message of this event, of so many bytes, adds to the log."""
        self._heard = at
        match message:
            case wire.Generating() | wire.Streaming():
                return self._generating(message, at, size)
            case wire.Estimation(_, rank, queue_size, eta):
                status = StatusUpdate(
                    Status.IN_QUEUE, rank=rank, queue_size=queue_size, eta=eta, time=at
                )
                return [self._stands(status)]
            case wire.Started(_, eta):
                self.started = True
                return [self._stands(StatusUpdate(Status.PROCESSING, eta=eta, time=at))]
            case wire.Progress(_, units):
                return [self._stands(StatusUpdate(Status.PROGRESS, progress_data=units, time=at))]
            case wire.Log(_, text, level, title, duration):
                log = StatusUpdate(
                    Status.LOG, log=(text, level), log_title=title, log_duration=duration, time=at
                )
                # A log is news, not a place to stand: the status stays what it
                # was, and carries the latest log along.
                self.status = replace(
                    self.status, log=log.log, log_title=title, log_duration=duration
                )
                return [log]
            case wire.Completed():
                return self._completed(message, at, size)
            case wire.Failed(_, text, title, duration, visible):
                failure = _failure(self._reason(text), title, duration)
                failure.visible = visible
                return self.end(failure, at)
            case wire.UnexpectedError(_, text):
                return self.end(AppError(f"the server failed: {text or 'it gave no reason'}"), at)
            case wire.Malformed(_, reason):
                return self.end(ProtocolError(f"a message that cannot be read: {reason}"), at)
            case wire.QueueIsFull():
                return self.end(QueueFull("the app did not take the call: its queue is full"), at)
            case wire.SendData():
                return [self._stands(StatusUpdate(Status.SENDING_DATA, time=at))]
            case wire.SendHash() | wire.Heartbeat() | wire.CloseStream() | wire.Unknown():
                return []
        assert_never(message)

    def _stands(self, status: StatusUpdate) -> StatusUpdate:
        self.status = status
        return status

    def _generating(
        self, message: wire.Generating | wire.Streaming, at: datetime, size: int
    ) -> list[Entry]:
        data = message.data
        if len(data) != self._outputs:
            return self.end(self._miscount(data), at)
        self.yielded = True
        if self._blind:
            return []
        if self._shape is None and self._dialect.mixes_edits and _are_edits(data):
            self.missed()
            return []
        entry: Entry
        full = not self._dialect.sends_diffs or isinstance(message, wire.Streaming)
        if self._shape is None or full:
            self._shape = list(map(Outline, data))
            entry = Values(data, final=False, size=size)
        else:
            try:
                for shape, script in zip(self._shape, data, strict=True):
                    shape.edit(script)
            except DiffError as error:
                return self.end(ProtocolError(f"edits that do not fit: {error}"), at)
            entry = Edits(data, size=size)
        if self.status.code is Status.ITERATING:
            return [entry]
        limit = message.time_limit
        return [self._stands(StatusUpdate(Status.ITERATING, time_limit=limit, time=at)), entry]

    def _completed(self, message: wire.Completed, at: datetime, size: int) -> list[Entry]:
        data = message.data
        if data is None:
            return self.end(AppError("the call was cancelled on the server, by the app itself"), at)
        if len(data) != self._outputs:
            return self.end(self._miscount(data), at)
        self.ended = True
        status = StatusUpdate(
            Status.FINISHED,
            success=True,
            time=at,
            duration=message.duration,
            average_duration=message.average_duration,
            used_cache=message.used_cache,
        )
        # What was not told on the way is told at the end: an iteration over the outputs
        # must not end on an old one.
        caught_up = [Values(data, final=False, late=True)] if self._blind and self.yielded else []
        return [*caught_up, Values(data, final=True, size=size), self._stands(status)]

    def _miscount(self, data: Sequence[Any]) -> ProtocolError:
        return ProtocolError(
            f"the server sent {len(data)} outputs, but the endpoint has {self._outputs}"
        )

    def _reason(self, text: str | None) -> str:
        if text is None:
            return (
                "the app's function raised an exception, and the app does not tell which; "
                "launched with show_error=True it would"
            )
        if self._dialect.quotes_errors and _REPR.fullmatch(text):
            try:
                return str(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                return text
        return text


def _are_edits(data: Sequence[Any]) -> bool:
    """Whether all outputs look like edits."""
    return bool(data) and all(
        is_list(script) and script and all(map(_is_edit, script)) for script in data
    )


def _is_edit(edit: object) -> bool:
    return (
        is_list(edit)
        and len(edit) == 3
        and edit[0] in ("replace", "append", "add", "delete")
        and is_list(edit[1])
    )


def _failure(text: str, title: str | None, duration: float | None) -> AppError:
    if not _QUOTA.search(text):
        return AppError(text, title=title, duration=duration)
    retry_after = None
    if found := _QUOTA_RESET.search(text):
        days, first, middle, last = (int(part or 0) for part in found.groups())
        minutes = first if found[3] is None else 60 * first + middle
        retry_after = 86_400.0 * days + 60 * minutes + last
    return QuotaExceeded(text, title=title, duration=duration, retry_after=retry_after)
