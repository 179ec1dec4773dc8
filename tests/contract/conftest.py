"""A client of an app in memory, whose every step a test decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any

import pytest

from rxgradio import Client, ProgressUnit, Status, StatusUpdate
from rxgradio.connection import Connection
from rxgradio.exceptions import AppError
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryEndpoint, MemoryTransport


class Gate:
    """Something that a function of the app waits for, and a test opens."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._permits = asyncio.Semaphore(0)
        self._changed = changed
        self.closed = 0
        """How many functions were ended while they waited."""

    def open(self, times: int = 1) -> None:
        for _ in range(times):
            loop_thread().call(self._permits.release)

    async def passed(self) -> None:
        try:
            await self._permits.acquire()
        except asyncio.CancelledError:
            self.closed += 1
            self._changed()
            raise


class Posted(list[Any]):
    """What was posted to the app, with news of it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    def append(self, item: Any) -> None:
        super().append(item)
        self._changed()


class App:
    """An app in memory, and its gates."""

    def __init__(self, version: str = "6.31.0") -> None:
        self._awaited: list[tuple[Callable[[], bool], threading.Event]] = []
        self.gate = Gate(self._changed)
        self.calls: list[tuple[Any, ...]] = []
        self.transport = MemoryTransport(self._endpoints(), version)
        self.transport.posted = Posted(self._changed)

    def until(self, fact: Callable[[], bool]) -> None:
        """Wait until a fact about the app holds."""
        holds = threading.Event()
        self._awaited.append((fact, holds))
        loop_thread().call(self._changed)
        assert holds.wait(10)

    def _changed(self) -> None:
        for fact, holds in self._awaited:
            if fact():
                holds.set()

    def _endpoints(self) -> Mapping[str, MemoryEndpoint]:
        gate, calls = self.gate, self.calls

        async def echo(text: str) -> AsyncGenerator[Any, None]:
            calls.append((text,))
            yield [text]

        async def gated(text: str) -> AsyncGenerator[Any, None]:
            calls.append((text,))
            await gate.passed()
            yield [text]

        async def words(n: int) -> AsyncGenerator[Any, None]:
            for i in range(n):
                yield [" ".join(f"w{k}" for k in range(i + 1))]

        async def gated_words(n: int) -> AsyncGenerator[Any, None]:
            for i in range(n):
                await gate.passed()
                yield [" ".join(f"w{k}" for k in range(i + 1))]

        async def fail(n: int) -> AsyncGenerator[Any, None]:
            for i in range(n):
                yield [f"part {i}"]
            raise AppError("told you so")

        async def chatty() -> AsyncGenerator[Any, None]:
            for i in range(3):
                yield StatusUpdate(Status.LOG, log=(f"note {i}", "info"))
            units = [ProgressUnit(index=1, length=4, unit="steps", desc="half")]
            yield StatusUpdate(Status.PROGRESS, progress_data=units)
            yield ["said"]

        async def two(text: str) -> AsyncGenerator[Any, None]:
            yield [text, len(text)]

        async def nothing() -> AsyncGenerator[Any, None]:
            yield []

        async def stateful(a: Any, state: Any, b: Any) -> AsyncGenerator[Any, None]:
            calls.append((a, state, b))
            yield [a, None, b]

        async def options(a: Any, b: Any, c: Any) -> AsyncGenerator[Any, None]:
            yield [[a, b, c]]

        async def short() -> AsyncGenerator[Any, None]:
            yield ["one"]  # of two

        return {
            "/echo": MemoryEndpoint(echo, {"text": ...}),
            "/gated": MemoryEndpoint(gated, {"text": "x"}),
            "/words": MemoryEndpoint(words, {"n": 3}, generator=True),
            "/gated_words": MemoryEndpoint(gated_words, {"n": 3}, generator=True),
            "/fail": MemoryEndpoint(fail, {"n": 0}, generator=True),
            "/chatty": MemoryEndpoint(chatty),
            "/two": MemoryEndpoint(two, {"text": ...}, ("text", "length")),
            "/nothing": MemoryEndpoint(nothing, {}, ()),
            "/stateful": MemoryEndpoint(
                stateful, {"a": ..., "state": ..., "b": 7}, ("a", "state", "b")
            ),
            "/options": MemoryEndpoint(options, {"a": ..., "b": 2, "c": None}),
            "/short": MemoryEndpoint(short, {}, ("a", "b")),
        }

    def connect(self) -> Client:
        opening = Connection.over("http://memory.test", self.transport)
        return Client._over(loop_thread().run(opening).result(10))

    def posted(self, route: str) -> list[Any]:
        return [body for path, body in self.transport.posted if path.endswith(route)]


@pytest.fixture
def make_app() -> Callable[..., App]:
    return App


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def client(app: App) -> Iterator[Client]:
    with app.connect() as client:
        yield client
