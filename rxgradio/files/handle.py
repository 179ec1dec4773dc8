"""What users name a file with."""

from __future__ import annotations

__all__ = ["MissingFile", "Signature", "handle_file", "is_handled", "marked", "named"]

import hmac
import secrets
import weakref
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, cast

from ..protocol.files import BY_USER, is_url, safe_name
from .content import Content, content_of
from .remote import RemoteFile

_KEY = secrets.token_bytes(32)
"""Signs what `handle_file` makes in this process. What a server says may look like it
too, and come back to a server in an argument or as a default; it must not get a file
from here that way."""

_named: weakref.WeakValueDictionary[str, Content | RemoteFile] = weakref.WeakValueDictionary()
"""What markers without a path of their own stand for, by their signatures."""


class MissingFile(FileNotFoundError, ValueError):  # noqa: N818 (a fact, as its base tells)
    """There is no such file; a `ValueError` too, as in Gradio's own client."""


class Signature(str):
    """The signature of a marker whose file has no path, and what keeps that file alive."""

    __slots__ = ("thing",)
    thing: Content | RemoteFile

    def __copy__(self) -> Signature:
        return self

    def __deepcopy__(self, _: object) -> Signature:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # in another process it stands for nothing


def handle_file(
    filepath_or_url: str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Any,
    *,
    name: str | None = None,
) -> dict[str, Any]:
    """Name a file as an argument of a call, or as a part of one.

    A local file is uploaded when a call needs it. A file in the web is fetched by
    the app itself (on Gradio 3 it is sent there from here). What is no file yet is
    taken as it is now: bytes; a binary file, from where it stands to its end, which
    stays open; an image of PIL and a picture in an array of numpy, as PNG.

    Args:
        filepath_or_url: The file.
        name: What the app is to call it, where the file has no name of its own, or
            another. Many components tell by its suffix what they got.

    Raises:
        FileNotFoundError: There is no such file.
        IsADirectoryError: It is a directory.
        OSError: It is something else that is no regular file, such as a FIFO.
        TypeError: It is nothing of the above, such as a file that is open for text.
        ValueError: It is an array that is no picture.
    """
    given: Any = filepath_or_url
    thing = given if isinstance(given, RemoteFile) else content_of(given, name)
    if thing is not None:
        signature = Signature(secrets.token_hex(32))
        signature.thing = _named[str(signature)] = thing
        return _marker(name or thing.name, signature)
    if not isinstance(given, (str, PathLike)):
        raise TypeError(
            "a file is named by its path or URL, or is bytes, a binary file, an image or an "
            f"array, and no {type(given).__name__}"
        )
    text: object = fspath(cast("PathLike[Any]", given))
    if not isinstance(text, str):
        raise TypeError("a path is a text, not bytes")
    meta = {"_type": "gradio.FileData"}
    if is_url(text):
        name = name or text.rsplit("/", maxsplit=1)[-1]
        marker = {"path": text, "url": text, "orig_name": name, "meta": meta}
        return {**marker, BY_USER: _signature(text)}
    path = Path(text).absolute()
    if not path.exists():
        raise MissingFile(f"there is no file {text!r}")
    if path.is_dir():
        raise IsADirectoryError(f"{text!r} is a directory; name each file of it")
    if not path.is_file():
        raise OSError(f"{text!r} is no regular file, whose size is known")
    marker = {"path": str(path), "orig_name": name or path.name, "meta": meta}
    return {**marker, BY_USER: _signature(str(path))}


def marked(value: object) -> dict[str, Any]:
    """Return what is sent for a value that JSON does not know; for its encoders.

    Raises:
        TypeError: It is no file that stays on a server.
    """
    if isinstance(value, RemoteFile):
        _named[value.signature] = value
        return _marker(value.name, value.signature)
    raise TypeError(f"JSON has no form for a {type(value).__name__}")


def named(marker: Mapping[str, Any]) -> Content | RemoteFile | None:
    """Return what a marker without a path of its own stands for, if it is still there."""
    signature = marker.get(BY_USER)
    return _named.get(signature) if isinstance(signature, str) else None


def is_handled(marker: Mapping[str, Any]) -> bool:
    """Whether `handle_file` has made a marker, of a path or a URL."""
    path, signature = marker.get("path"), marker.get(BY_USER)
    return (
        isinstance(path, str)
        and isinstance(signature, str)
        and hmac.compare_digest(signature.encode(), _signature(path).encode())
    )


def _marker(name: str, signature: str) -> dict[str, Any]:
    name = safe_name(name)
    meta = {"_type": "gradio.FileData"}
    return {"path": name, "orig_name": name, "meta": meta, BY_USER: signature}


def _signature(path: str) -> str:
    return hmac.new(_KEY, path.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
