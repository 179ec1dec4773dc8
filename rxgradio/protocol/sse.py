"""Server-sent events, decoded from bytes in pieces of any size.

Follows the event-stream grammar of the HTML standard (section 9.2.6,
"Interpreting an event stream"), and reports only what Gradio uses of it: the
data of each event. It neither reads nor reconnects: bytes in, data out.
"""

from __future__ import annotations

__all__ = ["SSEDecoder"]

from ..exceptions import ProtocolError
from ..options import Limits

_BOM = b"\xef\xbb\xbf"


_MOST_LINES = 1_000_000
"""Lines that one event may have; apart they take fifty bytes each in memory."""


class SSEDecoder:
    """Decodes one event stream; feed it what is read, in order.

    Linear in the size of the stream, however it is cut: bytes that were looked
    at once are not looked at again. It takes little more memory than the event.

    Args:
        limit: The most bytes that one event may have.
    """

    __slots__ = ("_after_cr", "_at_start", "_begun", "_limit")

    def __init__(self, *, limit: int = Limits().event) -> None:
        self._limit = limit
        # Not a list of pieces: a server could make them of one byte each.
        self._begun = bytearray()
        self._after_cr = False
        self._at_start = True

    @property
    def torn(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._begun)

    def feed(self, chunk: bytes) -> list[bytes | bytearray]:
        """Return the data of each event that `chunk` completes, undecoded.

        Raises:
            ProtocolError: An event is larger than the limit.
        """
        if not chunk:
            return []
        # A CR is a line end at once; an LF that follows it, perhaps in the next
        # chunk, belongs to it.
        if self._after_cr and chunk[0] == 0x0A:
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

        # The blank line that ends an event may be cut in two.
        if self._begun.endswith(b"\n") and chunk.startswith(b"\n"):
            blocks: list[bytes | bytearray] = [b"", *chunk[1:].split(b"\n\n")]
        else:
            blocks = [*chunk.split(b"\n\n")]
        rest = blocks.pop()
        if blocks and self._begun:
            self._keep(blocks[0])
            blocks[0], self._begun = self._begun, bytearray()
        self._keep(rest)
        if not blocks:
            return []
        if max(map(len, blocks)) > self._limit:
            raise self._too_large()
        if self._at_start:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(_BOM)
        return [data for data in map(_data, blocks) if data is not None]

    def _keep(self, part: bytes | bytearray) -> None:
        if len(self._begun) + len(part) > self._limit:
            raise self._too_large()
        self._begun += part

    def _too_large(self) -> ProtocolError:
        return ProtocolError(f"the server sent an event of more than {self._limit} bytes")


def _data(block: bytes | bytearray) -> bytes | bytearray | None:
    """Return the data of one event, or None where it has none."""
    if block.startswith(b"data: ") and b"\n" not in block:  # all that Gradio ever sends
        if isinstance(block, bytes):
            return block[6:]
        del block[:6]  # without a copy
        return block
    if block.count(b"\n") >= _MOST_LINES:
        raise ProtocolError(f"the server sent an event of more than {_MOST_LINES} lines")
    lines: list[bytes | bytearray] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None
