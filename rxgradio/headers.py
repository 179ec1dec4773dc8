"""Header fields that users give."""

from __future__ import annotations

__all__ = ["checked"]

import re
from collections.abc import Mapping

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


def checked(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return header fields that can be sent; their values may be secrets, and are not quoted.

    Raises:
        TypeError: A name or a value is no text.
        ValueError: They cannot be sent.
    """
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        for what, text in (("name", name), ("value", value)):
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
                raise TypeError(f"the {what} of a header field must be a str, not {type(text)!r}")
        if not _FIELD_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header field")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of the header field {name!r} is not printable ASCII")
        checked[name] = value
    return checked
