"""What goes over the wire: HTTP answers, messages of a queue, and their framing."""

from __future__ import annotations

__all__ = [
    "Content",
    "Document",
    "answer",
    "chunk",
    "huge",
    "message",
    "nested",
    "stream_head",
    "unknown",
]

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeAlias

Document: TypeAlias = "dict[str, Any]"
"""A message of the queue."""

Content: TypeAlias = "bytes | Document | Callable[[Document], bytes | Document]"
"""A message to be sent: as it is, or made of the one in whose place it comes. Bytes
need be no JSON."""


def answer(
    body: object = b"", status: str | int = "200 OK", *fields: str, kind: str = "application/json"
) -> bytes:
    """Return an HTTP response; a body that is no bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {_with_reason(status)}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        *fields,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def _with_reason(status: str | int) -> str:
    """Return a status with a reason: the space before it is part of a proper answer."""
    code, _, reason = str(status).partition(" ")
    return f"{code} {reason or HTTPStatus(int(code)).phrase}"


def stream_head(kind: str = "text/event-stream") -> bytes:
    """Return the head of an answer in chunked framing, a stream of events by default."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunk(content: bytes) -> bytes:
    """Return a chunk of a body in chunked framing; an empty one is its proper end."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def message(name: str, event_id: str | None = None, **fields: Any) -> bytes:
    """Return a message of the queue, as an event of a stream."""
    document = {"msg": name, "event_id": event_id, **fields}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def huge(size: int) -> Callable[[Document], bytes]:
    """Return what makes of a message one with an output of so many bytes."""
    return lambda document: _with_output(document, b'"' + b"x" * size + b'"')


def nested(depth: int) -> Callable[[Document], bytes]:
    """Return what makes of a message one with an output of so many lists in each other."""
    return lambda document: _with_output(document, b"[" * depth + b"]" * depth)


def unknown(document: Document) -> Document:
    """Make of a message one of an event that was never called."""
    return {**document, "event_id": "an-event-that-nobody-knows"}


def _with_output(document: Document, value: bytes) -> bytes:
    output = document.get("output")
    document = {**document, "output": {**(output or {}), "data": ["@"]}}
    return json.dumps(document).encode().replace(b'["@"]', b"[" + value + b"]", 1)
