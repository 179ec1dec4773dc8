"""What users hand over instead of a path: bytes, files that are open, pictures and arrays."""

from __future__ import annotations

__all__ = ["Content", "content_of"]

import asyncio
import copy
import io
import struct
import sys
import tempfile
import threading
import weakref
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import PurePath
from typing import IO, Any, cast

from ..protocol.files import safe_name

_PIECE = 1024 * 1024
"""Bytes that are read at once."""

_IN_MEMORY = 8 * _PIECE
"""Bytes of an open file that are kept in memory; more go to a nameless file on the disk."""

_DEEP = 65536
"""The values of a pixel of 16 bits."""

_FLAT, _LEVELS, _COLOURS = 2, 256, {1: 0, 2: 4, 3: 2, 4: 6}
"""Dimensions of a grey picture, the values of a pixel, and how PNG numbers its colours by
their channels (RFC 2083, 4.1.1)."""


class Content:
    """Bytes that are to be uploaded, kept for as long as anybody holds this."""

    def __init__(self, name: str, kept: bytes | IO[bytes], size: int) -> None:
        self.name = name
        self.size = size
        self._kept = kept
        self._lock = threading.Lock()
        self._whole: Content | None = None
        if not isinstance(kept, bytes):
            weakref.finalize(self, kept.close)

    def renamed(self, name: str) -> Content:
        """Return the same under another name."""
        other = copy.copy(self)
        other.name = name
        other._whole = self  # noqa: SLF001 (its own; closes the file, which is also its)
        return other

    def piece(self, at: int) -> bytes:
        """Return a part of it; in a thread."""
        return self._read(at, _PIECE)

    def content(self) -> bytes:
        """Return all of it; in a thread."""
        return self._read(0, self.size)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield it, in pieces."""
        for at in range(0, self.size, _PIECE):
            yield await asyncio.to_thread(self.piece, at)

    def _read(self, at: int, most: int) -> bytes:
        if isinstance(self._kept, bytes):
            return self._kept[at : at + most]
        with self._lock:
            self._kept.seek(at)
            return self._kept.read(most)


def content_of(value: object, name: str | None) -> Content | None:
    """Return what is in a value that is no path, or None if it may be one.

    Raises:
        TypeError: It is a file that is not binary.
        ValueError: It is an array that is no picture, or a picture that cannot be written.
        OSError: It cannot be read.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        kept = bytes(cast("bytes", value))
        return Content(safe_name(name or "file"), kept, len(kept))
    # Neither of these packages is imported for those who do not use it.
    if _is_made_by("PIL.Image", "Image", value):
        kept = _pictured(value)
        return Content(safe_name(name or "image.png"), kept, len(kept))
    if _is_made_by("numpy", "ndarray", value):
        kept = _drawn(value)
        return Content(safe_name(name or "image.png"), kept, len(kept))
    read = getattr(value, "read", None)
    if callable(read) and not isinstance(value, (str, PurePath)):
        return _read(value, read, name)
    return None


_UNPACKING = (("gzip", "GzipFile"), ("bz2", "BZ2File"), ("lzma", "LZMAFile"))


def _is_made_by(module: str, kind: str, value: object) -> bool:
    there = sys.modules.get(module)
    return there is not None and isinstance(value, getattr(there, kind))


def _read(file: object, read: Callable[[int], object], name: str | None) -> Content:
    """Read an open file from where it stands to its end, and leave it open."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("the file is open for text, and bytes are sent: open it with mode 'rb'")
    known = getattr(file, "name", None)
    if isinstance(known, str) and any(_is_made_by(*each, file) for each in _UNPACKING):
        known = PurePath(known).stem  # what it gives is unpacked
    name = safe_name(name or (known if isinstance(known, str) and known else "file"))
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed by Content, or below)
    try:
        size = 0
        while piece := read(_PIECE):
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                if hasattr(piece, "close"):  # a coroutine, which complains if it never ran
                    cast("Any", piece).close()
                raise TypeError(  # noqa: TRY301
                    f"read() of a {type(file).__name__} gives a {type(piece).__name__}, and bytes "
                    "are sent: hand over a binary file, or its content"
                )
            size += len(cast("bytes", piece))
            spool.write(cast("bytes", piece))
        if piece is None:
            raise OSError("the file has no more bytes yet, and does not wait for them")  # noqa: TRY301
        if size <= _IN_MEMORY:
            spool.seek(0)
            kept = spool.read()
            spool.close()
            return Content(name, kept, size)
    except BaseException:
        spool.close()
        raise
    return Content(name, cast("IO[bytes]", spool), size)


# ---- pictures, as PNG: what loses nothing, and every Gradio reads


def _pictured(image: Any) -> bytes:
    """Return a picture of PIL."""
    to = io.BytesIO()
    try:
        drawn = _as_png(image)
        # A profile is of the mode that it was made for.
        profile = image.info.get("icc_profile") if drawn.mode == image.mode else None
        drawn.save(to, format="PNG", exif=image.getexif(), icc_profile=profile)
    except (OSError, ValueError) as error:
        raise ValueError(f"the image cannot be written as PNG: {error}") from error
    return to.getvalue()


def _as_png(image: Any) -> Any:
    """Return a picture in a mode that PNG has a form for; P may have a transparency."""
    match image.mode:
        case "1" | "L" | "LA" | "I;16" | "P" | "RGB" | "RGBA":
            return image
        case "I":
            lowest, highest = image.getextrema()
            if lowest < 0 or highest >= _DEEP:
                raise ValueError(f"its pixels go from {lowest} to {highest}, and in PNG to 65535")
            return image.convert("I;16")
        case "I;16B" | "I;16L" | "I;16N":
            return image.convert("I").convert("I;16")
        case "F":
            raise ValueError("its pixels are floats; convert it, or hand over an array of numpy")
        case "PA" | "RGBa":
            return image.convert("RGBA")
        case "La":
            return image.convert("LA")
        case _:  # such as CMYK
            return image.convert("RGB")


def _drawn(array: Any) -> bytes:
    """Return an array of numpy, as Gradio reads them: up to 255, or as fractions up to 1."""
    if array.ndim == _FLAT:
        array = array[:, :, None]
    if array.ndim != _FLAT + 1 or array.shape[2] not in _COLOURS or not array.size:
        raise ValueError(
            f"an array of shape {array.shape} is no picture, which has height, width, and up to "
            "4 channels; write anything else to a file, and name that"
        )
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # NaN is neither
            raise ValueError("the numbers of a picture of floats are between 0 and 1")
        array = (array * (_LEVELS - 1)).round()
    elif array.dtype.kind == "b":
        array = array * (_LEVELS - 1)
    elif array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= _LEVELS:
        raise ValueError(f"the {array.dtype} of an array are no pixels, which go from 0 to 255")
    height, width, channels = array.shape
    rows = array.astype("uint8").reshape(height, width * channels)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)  # each without a filter
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(kind, content) for kind, content in parts)


def _part(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
