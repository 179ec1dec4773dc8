"""The messages of a Gradio queue, parsed once into typed values.

The one place that knows Gradio's JSON keys. What cannot be understood becomes
a value too (`Unknown`, `Malformed`), because one odd message must not end a
stream that other jobs live on.
"""

from __future__ import annotations

__all__ = [
    "CloseStream",
    "Completed",
    "Estimation",
    "Failed",
    "Generating",
    "Heartbeat",
    "Log",
    "Malformed",
    "Message",
    "Progress",
    "QueueIsFull",
    "SendData",
    "SendHash",
    "Started",
    "Streaming",
    "TooMuchError",
    "UnexpectedError",
    "Unknown",
    "load_json",
    "parse",
    "result_of",
    "strict_json",
]

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from ..options import MEMORY
from ..updates import ProgressUnit
from .shapes import as_text, is_list, is_object, quoted


@dataclass(frozen=True, slots=True)
class SendHash:
    """`send_hash`: the server wants to know whose call it is (websockets, since 3.6)."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class SendData:
    """`send_data`: it is the call's turn, and the server wants its data (before 4.9)."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class QueueIsFull:
    """`queue_full`: the call was not taken (before 4.9; later servers refuse the post)."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class Estimation:
    """`estimation`: the event waits; `rank` others are ahead of it."""

    event_id: str | None
    rank: int | None
    queue_size: int | None
    eta: float | None


@dataclass(frozen=True, slots=True)
class Started:
    """`process_starts`: the function runs; `eta` seconds until its end."""

    event_id: str | None
    eta: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """`progress`: all bars of the function's `gr.Progress`."""

    event_id: str | None
    units: list[ProgressUnit]


@dataclass(frozen=True, slots=True)
class Log:
    """`log`: one `gr.Info`, `gr.Warning` or `gr.Success`."""

    event_id: str | None
    text: str
    level: str
    title: str | None
    duration: float | None


@dataclass(frozen=True, slots=True)
class Generating:
    """`process_generating`: plain values the first time, edits of them afterwards."""

    event_id: str | None
    data: list[Any]
    time_limit: float | None


@dataclass(frozen=True, slots=True)
class Streaming:
    """`process_streaming`: what a `.stream()` event made of one chunk, in full (since 5.0)."""

    event_id: str | None
    data: list[Any]
    time_limit: float | None


@dataclass(frozen=True, slots=True)
class Completed:
    """`process_completed` of a call that went well.

    `data` is None where the event was cancelled: the server then sends an empty
    output and calls it a success.
    """

    event_id: str | None
    data: list[Any] | None
    duration: float | None
    average_duration: float | None
    used_cache: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """`process_completed` of a call that did not; `text` is None where the app hides it."""

    event_id: str | None
    text: str | None
    title: str | None
    duration: float | None
    visible: bool = True
    """False if the app wants nothing shown of it."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`heartbeat`: the connection lives. Proves nothing about any job."""

    event_id: None = None


@dataclass(frozen=True, slots=True)
class CloseStream:
    """`close_stream`: the server knows of nothing more to say in this session."""

    event_id: None = None


@dataclass(frozen=True, slots=True)
class UnexpectedError:
    """`unexpected_error`: the stream itself failed on the server, and ends."""

    event_id: str | None
    text: str
    session_not_found: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a type that this client does not know; each minor release adds some."""

    event_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that is no message; `event_id` is whose it seems to be, if that can be told."""

    event_id: str | None
    reason: str


Message: TypeAlias = (
    SendHash
    | SendData
    | QueueIsFull
    | Estimation
    | Started
    | Progress
    | Log
    | Generating
    | Streaming
    | Completed
    | Failed
    | Heartbeat
    | CloseStream
    | UnexpectedError
    | Unknown
    | Malformed
)

_SMALL = 1_000_000
"""Bytes of JSON that take less than 100 MB of memory, whatever they are."""

_EVENT_ID = re.compile(rb'"event_id"\s*:\s*"([^"\\]{1,200})"')


def parse(data: bytes | bytearray, most: int = MEMORY) -> Message:
    """Read one message; never raises, whatever the bytes. `most` is as for `strict_json`."""
    try:
        raw = load_json(data, most)
    except (ValueError, RecursionError) as error:
        return Malformed(_event_id(data), f"not JSON: {error}")
    if not is_object(raw):
        return Malformed(None, f"a message must be an object, not {_kind(raw)}")
    event_id = as_text(raw.get("event_id"))
    name = as_text(raw.get("msg"))
    if name is None:
        return Malformed(event_id, "a message without a type")
    reader = _READERS.get(name)
    if reader is None:
        return Unknown(event_id, name)
    try:
        return reader(event_id, raw)
    except _ShapeError as error:
        return Malformed(event_id, f"{name}: {error}")


def result_of(output: Mapping[str, Any]) -> Message:
    """Read the result of a call that was posted directly: the output of its completion."""
    if "error" not in output and output.get("is_generating") is True:
        # Asked again, it would start again (all versions).
        return Malformed(None, "the first of several outputs, and no queue for the others")
    try:
        return _completed(None, {"output": output, "success": True})
    except _ShapeError as error:
        return Malformed(None, f"the result of a call: {error}")


def _event_id(data: bytes | bytearray) -> str | None:
    """Return whose a message seems to be that cannot be parsed."""
    found = _EVENT_ID.search(data)
    return found[1].decode("utf-8", "replace") if found else None


class TooMuchError(ValueError):
    """JSON that would take more memory than it may."""


def strict_json(data: bytes | bytearray, most: int) -> object:
    """Read JSON by the letter; `most` bytes of memory are what it may take, and its values.

    Raises:
        TooMuchError: Parsed, it would take more.
        RecursionError: It is nested too deeply.
        ValueError: It is none.
    """
    if len(data) > _SMALL and _memory_of(data) > most:
        raise TooMuchError(
            f"its {len(data)} bytes would take more than {most} when they are parsed"
        )
    try:
        return orjson.loads(data)
    except ValueError as error:
        if "limit" in str(error):
            raise RecursionError("it is nested more than 1,024 levels deep") from None
        raise


def load_json(data: bytes | bytearray, most: int) -> object:
    """Read JSON as leniently as Gradio writes it; raises as `strict_json` does."""
    try:
        return strict_json(data, most)
    except ValueError:
        # Decoded first, a text is in memory twice.
        if _memory_of(data) + len(data) * _width(data) > most:
            raise
    # Python's own encoder, which older servers use, writes NaN; and the standard
    # of event streams asks for bad UTF-8 to be replaced, not refused.
    return json.loads(data.decode("utf-8", "replace"))


def _memory_of(data: bytes | bytearray) -> int:
    """Estimate the memory that JSON takes, itself and parsed; an empty list takes seventy bytes."""
    each = {b"[": 80, b"{": 190, b",": 40, b'"': 16, b":": 55}  # measured, on CPython 3.11
    values = sum(bytes_taken * data.count(mark) for mark, bytes_taken in each.items())
    return len(data) * (2 + _width(data)) + values  # orjson has a copy of its own


_WIDE = (*(bytes([first]) for first in range(0xF0, 0xF5)), b"\\ud", b"\\uD")
"""What characters beyond U+FFFF begin with."""


def _width(data: bytes | bytearray) -> int:
    """Return how many bytes a character may take: one wide one makes all of a text wide."""
    if data.isascii() and b"\\u" not in data:
        return 1
    return 4 if any(mark in data for mark in _WIDE) else 2


class _ShapeError(Exception):
    """A field of a message has the wrong shape."""


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return None


def _count(value: object) -> int | None:
    number = _number(value)
    # A NaN or an infinity is no count, and int() would raise.
    return int(number) if number is not None and abs(number) < 2**53 else None


def _output(message: Mapping[str, Any]) -> dict[str, Any]:
    output = message.get("output")
    if not is_object(output):
        raise _ShapeError(f"the output must be an object, not {_kind(output)}")
    return output


def _list(value: object, what: str) -> list[Any]:
    if not is_list(value):
        raise _ShapeError(f"{what} must be a list, not {_kind(value)}")
    return value


def _estimation(event_id: str | None, message: Mapping[str, Any]) -> Message:
    eta = _number(message.get("rank_eta"))
    return Estimation(event_id, _count(message.get("rank")), _count(message.get("queue_size")), eta)


def _started(event_id: str | None, message: Mapping[str, Any]) -> Message:
    return Started(event_id, _number(message.get("eta")))


def _progress(event_id: str | None, message: Mapping[str, Any]) -> Message:
    units = _list(message.get("progress_data") or [], "progress_data")
    return Progress(event_id, [_unit(unit) for unit in units])


def _unit(raw: object) -> ProgressUnit:
    if not is_object(raw):
        raise _ShapeError(f"a progress unit must be an object, not {_kind(raw)}")
    return ProgressUnit(
        index=_number(raw.get("index")),
        length=_number(raw.get("length")),
        unit=as_text(raw.get("unit")),
        progress=_number(raw.get("progress")),
        desc=as_text(raw.get("desc")),
    )


def _log(event_id: str | None, message: Mapping[str, Any]) -> Message:
    text = message.get("log")
    return Log(
        event_id,
        text if isinstance(text, str) else "" if text is None else quoted(text, 10_000),
        as_text(message.get("level")) or "info",
        as_text(message.get("title")),
        _number(message.get("duration")),
    )


def _generating(event_id: str | None, message: Mapping[str, Any]) -> Message:
    return _yielded(Generating, event_id, message)


def _streaming(event_id: str | None, message: Mapping[str, Any]) -> Message:
    return _yielded(Streaming, event_id, message)


def _yielded(
    kind: type[Generating | Streaming], event_id: str | None, message: Mapping[str, Any]
) -> Message:
    output = _output(message)
    if "error" in output:
        return _failed(event_id, output, message)
    data = _list(output.get("data"), "the data")
    return kind(event_id, data, _number(message.get("time_limit")))


def _send_hash(event_id: str | None, message: Mapping[str, Any]) -> Message:  # noqa: ARG001
    return SendHash(event_id)


def _send_data(event_id: str | None, message: Mapping[str, Any]) -> Message:  # noqa: ARG001
    return SendData(event_id)


def _queue_full(event_id: str | None, message: Mapping[str, Any]) -> Message:  # noqa: ARG001
    return QueueIsFull(event_id)


def _completed(event_id: str | None, message: Mapping[str, Any]) -> Message:
    output = _output(message)
    # Servers before 4.17 may say null where they mean false (`success`).
    if "error" in output or not message.get("success"):
        return _failed(event_id, output, message)
    data = output.get("data")
    return Completed(
        event_id,
        None if data is None else _list(data, "the data"),
        _number(output.get("duration")),
        _number(output.get("average_duration")),
        as_text(message.get("used_cache")) or as_text(output.get("used_cache")),
    )


def _failed(event_id: str | None, output: Mapping[str, Any], message: Mapping[str, Any]) -> Failed:
    error = output.get("error")
    try:
        text = error if error is None or isinstance(error, str) else json.dumps(error)
    except RecursionError:
        raise _ShapeError("an error that is nested too deeply") from None
    title = as_text(output.get("title")) or as_text(message.get("title"))
    visible = output.get("visible") is not False
    return Failed(event_id, text, title, _number(output.get("duration")), visible)


def _heartbeat(event_id: str | None, message: Mapping[str, Any]) -> Message:  # noqa: ARG001
    return Heartbeat()


def _close_stream(event_id: str | None, message: Mapping[str, Any]) -> Message:  # noqa: ARG001
    return CloseStream()


def _unexpected_error(event_id: str | None, message: Mapping[str, Any]) -> Message:
    text = as_text(message.get("message")) or ""
    # `session_not_found` exists since 5.38; before, only the text tells.
    lost = message.get("session_not_found") is True or text.startswith("404")
    return UnexpectedError(event_id, text, lost)


_READERS: dict[str, Callable[[str | None, Mapping[str, Any]], Message]] = {
    "send_hash": _send_hash,
    "send_data": _send_data,
    "queue_full": _queue_full,
    "estimation": _estimation,
    "process_starts": _started,
    "progress": _progress,
    "log": _log,
    "process_generating": _generating,
    "process_streaming": _streaming,
    "process_completed": _completed,
    "heartbeat": _heartbeat,
    "close_stream": _close_stream,
    "unexpected_error": _unexpected_error,
}
