"""What users name a file with."""

from __future__ import annotations

__all__ = ["handle_file", "is_handled"]

import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..protocol.files import BY_USER, is_url

_KEY = secrets.token_bytes(32)
"""Signs what `handle_file` makes in this process. What a server says may look like it
too, and come back to a server in an argument or as a default; it must not get a file
from here that way."""


def handle_file(path_or_url: str | Path) -> dict[str, Any]:
    """Name a file as an argument of a call, or as a part of one.

    A local file is uploaded when a call needs it. A file in the web is fetched by
    the app itself (on Gradio 3 it is sent there from here).

    Raises:
        FileNotFoundError: There is no such file.
        IsADirectoryError: It is a directory.
        OSError: It is something else that is no regular file, such as a FIFO.
    """
    text = str(path_or_url)
    meta = {"_type": "gradio.FileData"}
    if is_url(text):
        name = text.rsplit("/", maxsplit=1)[-1]
        marker = {"path": text, "url": text, "orig_name": name, "meta": meta}
        return {**marker, BY_USER: _signature(text)}
    path = Path(text).absolute()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {text!r}")
    if path.is_dir():
        raise IsADirectoryError(f"{text!r} is a directory; name each file of it")
    if not path.is_file():
        raise OSError(f"{text!r} is no regular file, whose size is known")
    marker = {"path": str(path), "orig_name": path.name, "meta": meta}
    return {**marker, BY_USER: _signature(str(path))}


def is_handled(marker: Mapping[str, Any]) -> bool:
    """Whether `handle_file` has made a marker."""
    path, signature = marker.get("path"), marker.get(BY_USER)
    return (
        isinstance(path, str)
        and isinstance(signature, str)
        and hmac.compare_digest(signature.encode(), _signature(path).encode())
    )


def _signature(path: str) -> str:
    return hmac.new(_KEY, path.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
