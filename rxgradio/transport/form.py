"""A form with files, encoded while it is sent (RFC 7578)."""

from __future__ import annotations

__all__ = ["Form"]

import secrets
from collections.abc import AsyncIterator, Callable, Sequence

from .interface import Upload

_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""How a name is quoted in a form, says the HTML standard."""

_PIECE = 64 * 1024
"""Bytes that are sent at once: small, so that a slow connection shows its progress."""


class Form:
    """Files as values of the field `files`, as Gradio's `/upload` takes them.

    `error` is what a file's `chunks` have raised: who sends the form is told only
    that it broke.
    """

    def __init__(self, files: Sequence[Upload]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.error: Exception | None = None
        self._parts = [(self._head(boundary, file.name), file) for file in files]
        self._end = f"--{boundary}--\r\n".encode()
        self.size = len(self._end) + sum(len(head) + file.size + 2 for head, file in self._parts)

    @staticmethod
    def _head(boundary: str, name: str) -> bytes:
        quoted = name.translate(_QUOTED).encode("utf-8", "replace")
        return (
            b"--%b\r\n"
            b'Content-Disposition: form-data; name="files"; filename="%b"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" % (boundary.encode(), quoted)
        )

    async def chunks(self, progress: Callable[[], object]) -> AsyncIterator[bytes]:
        """Yield the form; `progress` is called for each piece that is asked for."""
        progress()
        for head, file in self._parts:
            yield head
            try:
                async for chunk in file.chunks():
                    for at in range(0, len(chunk), _PIECE):
                        yield chunk[at : at + _PIECE]
                        progress()
            except Exception as error:
                self.error = error
                raise
            yield b"\r\n"
        yield self._end
        progress()
