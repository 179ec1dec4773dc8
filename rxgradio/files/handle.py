"""What users name a file with."""

from __future__ import annotations

__all__ = ["handle_file", "is_handled", "local_file"]

from pathlib import Path
from typing import Any

from ..protocol.files import is_url

_handled: dict[str, Path | None] = {}
"""The files that `handle_file` was given, by what their markers call them; None for
those in the web. What a server says may look like a marker too, and come back to
it in an argument; it must not get what it wants from here that way."""


def handle_file(path_or_url: str | Path) -> dict[str, Any]:
    """Name a file as an argument of a call, or as a part of one.

    A local file is uploaded when a call needs it. A file in the web is fetched by
    the app itself (on Gradio 3 it is sent there from here).

    Raises:
        FileNotFoundError: There is no such file.
        IsADirectoryError: It is a directory.
    """
    text = str(path_or_url)
    meta = {"_type": "gradio.FileData"}
    if is_url(text):
        name = text.rsplit("/", maxsplit=1)[-1]
        _handled[text] = None
        return {"path": text, "url": text, "orig_name": name, "meta": meta}
    path = Path(text).absolute()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {text!r}")
    if path.is_dir():
        raise IsADirectoryError(f"{text!r} is a directory; name each file of it")
    _handled[text] = path
    return {"path": text, "orig_name": path.name, "meta": meta}


def local_file(path: str) -> Path | None:
    """Return the file that a marker names, if a user gave it to `handle_file`."""
    return _handled.get(path)


def is_handled(path: str) -> bool:
    """Whether a user gave the file to `handle_file`, wherever it is."""
    return path in _handled
