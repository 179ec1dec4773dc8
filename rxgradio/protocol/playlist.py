"""The playlist of a stream, as HLS has it (RFC 8216): which pieces there are so far."""

from __future__ import annotations

__all__ = ["Playlist", "playlist_of"]

import re
from dataclasses import dataclass

from ..exceptions import ProtocolError
from .shapes import quoted

_PIECE = re.compile(r"[\w-]{1,200}\.(aac|ts)(\?[\w=&%.~+-]{0,2000})?", re.ASCII)
"""Beside the playlist, as every Gradio has its pieces; nothing is fetched from elsewhere."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """The pieces of a stream in their order, by the names of their URLs; `ended` if no more come.

    `suffix` is that of what they make when they are put together: both kinds that Gradio
    makes, AAC with ADTS and MPEG-TS, are made for that. It is empty without a piece.
    """

    pieces: tuple[str, ...]
    ended: bool
    suffix: str


def playlist_of(body: bytes) -> Playlist:
    """Read a playlist.

    Raises:
        ProtocolError: It is none, or names something that is no piece of a stream.
    """
    lines = body.decode("utf-8", "replace").split("\n")
    if lines[0].strip() != "#EXTM3U":
        raise ProtocolError(f"this is no playlist of a stream: {quoted(lines[0])}")
    pieces: list[str] = []
    suffix = ""
    for line in lines:
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        found = _PIECE.fullmatch(name)
        if found is None or suffix not in {"", "." + found[1]}:
            raise ProtocolError(
                f"the playlist of a stream names {quoted(name)}, which is not of it"
            )
        suffix = "." + found[1]
        pieces.append(name)
    return Playlist(tuple(pieces), any(line.strip() == "#EXT-X-ENDLIST" for line in lines), suffix)
