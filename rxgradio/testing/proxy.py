"""A way to a server that can be slow, break, or be cut."""

from __future__ import annotations

__all__ = ["Bandwidth", "FaultProxy", "LimitData", "ProxyToxic", "SlowAnswers"]

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from .listener import Listener, reset


@dataclass(frozen=True, slots=True)
class SlowAnswers:
    """What the server sends arrives later.

    Args:
        seconds: By so much, for every piece.
        jitter: And by up to so much more, drawn for every piece.
    """

    seconds: float
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """What the server sends arrives slowly.

    Args:
        rate: Bytes in a second.
        size: Bytes at a time.
    """

    rate: float
    size: int = 1024


@dataclass(frozen=True, slots=True)
class LimitData:
    """The connection ends when the server has sent so many bytes.

    Args:
        least: So many, or more...
        most: ...up to so many, drawn for each connection; by default as `least`.
        end: How: with a reset, a FIN on both sides, a FIN towards the client only,
            or not at all, with no further byte sent.
    """

    least: int = 0
    most: int | None = None
    end: Literal["reset", "close", "half_close", "hang"] = "reset"


ProxyToxic: TypeAlias = "SlowAnswers | Bandwidth | LimitData"


class FaultProxy(Listener):
    """Passes bytes between its port of 127.0.0.1 and that of a server.

    Args:
        url: Of the server.
        seed: Of all that is drawn. What befalls a connection is drawn when it is made.
    """

    def __init__(self, url: str, *, seed: int = 0) -> None:
        super().__init__()
        there = urlsplit(url)
        if there.scheme != "http" or there.hostname is None:
            raise ValueError(f"the proxy is for servers of http://, not for {there.scheme}://")
        self._host = there.hostname
        self._port = there.port or 80
        self._path = there.path.rstrip("/")
        self._random = random.Random(seed)  # noqa: S311 (it is no secret)
        self._toxics: list[tuple[ProxyToxic, float]] = []
        self.afflicted = 0
        """Connections that got a toxic."""

    @property
    def url(self) -> str:
        """Where the server is to be found, through the proxy."""
        return super().url + self._path

    def add(self, toxic: ProxyToxic, *, toxicity: float = 1.0) -> None:
        """Have something befall connections made from now on, with a probability."""
        self._toxics = [*self._toxics, (toxic, toxicity)]

    def clear(self) -> None:
        """Have nothing befall connections made from now on."""
        self._toxics = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass the bytes of a connection."""
        toxics = [each for each, chance in self._toxics if self._random.random() < chance]
        self.afflicted += bool(toxics)
        drawn = random.Random(self._random.random())  # noqa: S311 (it is no secret)
        try:
            up, down = await asyncio.open_connection(self._host, self._port)
        except OSError:
            reset(writer)
            return
        passing = [
            asyncio.ensure_future(_copy(reader, down)),
            asyncio.ensure_future(_back(up, writer, toxics, drawn)),
        ]
        try:
            await asyncio.gather(*passing)
        except OSError:
            pass  # it was cut, here or there
        finally:
            # Before anything is waited for, as this may be cancelled there.
            down.transport.abort()
            writer.transport.abort()
            for each in passing:
                each.cancel()
            await asyncio.gather(*passing, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(2**16):
        target.write(piece)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


async def _back(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    toxics: Sequence[ProxyToxic],
    drawn: random.Random,
) -> None:
    """Pass what the server sends."""
    slow = [each for each in toxics if isinstance(each, SlowAnswers)]
    narrow = min(
        (each for each in toxics if isinstance(each, Bandwidth)),
        key=lambda each: each.rate,
        default=None,
    )
    limits = [
        (drawn.randint(each.least, max(each.least, each.most or 0)), each.end)
        for each in toxics
        if isinstance(each, LimitData)
    ]
    left, end = min(limits, default=(None, "close"))
    size = 2**16 if narrow is None else narrow.size
    while left is None or left > 0:
        piece = await source.read(size if left is None else min(size, left))
        if not piece:
            break
        for each in slow:
            await asyncio.sleep(each.seconds + drawn.uniform(0, each.jitter))
        target.write(piece)
        await target.drain()
        if narrow is not None:
            await asyncio.sleep(len(piece) / narrow.rate)
        if left is not None:
            left -= len(piece)
    else:
        await _end(source, target, end)
        return
    if target.can_write_eof():
        target.write_eof()


async def _end(source: asyncio.StreamReader, target: asyncio.StreamWriter, end: str) -> None:
    if end == "reset":
        reset(target)
        raise ConnectionResetError
    if end == "close":
        target.close()
        raise ConnectionResetError
    if end == "half_close":
        target.write_eof()
    while await source.read(2**16):
        pass  # neither side is to notice
    await asyncio.get_running_loop().create_future()  # until the client goes
