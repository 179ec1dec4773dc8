"""Texts for terminals, where some characters are no text."""

from __future__ import annotations

__all__ = ["printable"]

_SPACES = "\t\n\r"
_SHOWN = {n: "\ufffd" for n in (*range(0x20), *range(0x7F, 0xA0)) if chr(n) not in _SPACES}


def printable(text: str) -> str:
    """Return a text with a sign in the place of each control character that is no space.

    Written to a terminal as they are, as rich and Textual do, those that come from a server
    would clear it, rename its window, or fill the clipboard.
    """
    return text.translate(_SHOWN)
