"""An app over real sockets whose calls wait until a test lets them go on, in any version.

Each call has a tag, unique to it, and waits at the gate of its tag.
"""

from __future__ import annotations

__all__ = ["SESSIONS", "SOON", "TOLD", "VERSIONS", "At", "Served"]

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any

from rxgradio import AppError
from rxgradio.testing import Endpoint, FaultServer, Gate, Peer, Toxic
from tests.contract.app import VERSIONS

SOON = 20.0
"""Seconds after which something that should happen at once counts as hanging."""

SESSIONS = tuple(v for v in VERSIONS if tuple(map(int, v.split("."))) >= (4, 9))
"""Those where a call is posted, and the messages of all calls come on one stream."""

TOLD = tuple(v for v in VERSIONS if tuple(map(int, v.split("."))) >= (4, 31))
"""Those with a `/cancel`."""


@dataclass(frozen=True, slots=True)
class At(Toxic):
    """A request is not looked at before a gate is open."""

    gate: Gate

    async def at_request(self, peer: Peer) -> None:
        """Wait."""
        await self.gate.passed()


class Served(FaultServer):
    """A server that listens until `stop`. Its endpoints:

    * /echo(text) returns its argument,
    * /words(n), a generator, yields "w", "ww", "www"...,
    * /hold(tag) waits at the gate, and returns its tag,
    * /single(tag) does the same, one call at a time,
    * /flow(tag, n), a generator, yields "tag 0", waits at the gate, and yields the rest
      up to "tag n-1",
    * /fail(tag, n) does the same, and raises.
    """

    def __init__(self, version: str = "6.31.0", **how: Any) -> None:
        self._gates: dict[str, Gate] = {}
        self.closed: list[str] = []
        """The tags of generators that were closed before their end."""
        endpoints = {
            "/echo": _echo,
            "/words": _words,
            "/hold": self._hold,
            "/single": Endpoint(function=self._hold, concurrency=1),
            "/flow": self._flow,
            "/fail": self._fail,
        }
        super().__init__(endpoints, version=version, **how)
        self.start()

    @property
    def release(self) -> tuple[int, ...]:
        """The version, to compare with."""
        return tuple(map(int, self.version.split(".")))

    @property
    def resumes(self) -> bool:
        """Whether a stream that was dropped is opened again, and its calls go on."""
        return (4, 19, 2) <= self.release <= (4, 23, 0)

    def gate(self, tag: str) -> Gate:
        return self._gates.setdefault(tag, Gate())

    def open_gate(self, tag: str) -> None:
        self.gate(tag).open()

    def runs(self, tag: str) -> bool:
        """Whether a call has begun."""
        return any(tag in given for _, given in list(self.called))

    def await_run(self, tag: str) -> None:
        self.until(lambda: self.runs(tag))

    async def _hold(self, tag: str) -> str:
        await self.gate(tag).passed()
        return tag

    async def _flow(self, tag: str, n: int) -> AsyncGenerator[str, None]:
        try:
            for i in range(n):
                yield f"{tag} {i}"
                await self.gate(tag).passed()
        except GeneratorExit:
            self.closed.append(tag)
            self.note()
            raise

    async def _fail(self, tag: str, n: int) -> AsyncGenerator[str, None]:
        for i in range(n):
            yield f"{tag} {i}"
            await self.gate(tag).passed()
        raise AppError(f"{tag} fails")


def _echo(text: Any) -> Any:
    return text


def _words(n: int) -> Iterator[str]:
    for count in range(1, n + 1):
        yield "w" * count
