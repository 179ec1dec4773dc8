"""The app of the contract in memory."""

from __future__ import annotations

__all__ = ["MemoryApp"]

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

from rxgradio import AppError, Client, Job, ProgressUnit, Status, StatusUpdate
from rxgradio.connection import Connection
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryEndpoint, MemoryServer, MemoryTransport
from tests.contract.app import SOON, App
from tests.live.servers.values import LOGS, growing


class Told(list[Any]):
    """A list with news of it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    def append(self, item: Any) -> None:
        super().append(item)
        self._changed()


class MemoryApp(App):
    """An app in memory.

    Args:
        outlives: It goes on when its last client is closed, until `close`.
        has_state: It has endpoints with State.
    """

    def __init__(
        self,
        version: str = "6.31.0",
        *,
        outlives: bool = False,
        has_state: bool = True,
        **how: Any,
    ) -> None:
        self.version = version
        self.calls: list[tuple[Any, ...]] = []
        """The arguments of the calls of `/echo`."""
        self._awaited: list[tuple[Callable[[], bool], threading.Event]] = []
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._ledgers: defaultdict[str, list[str]] = defaultdict(lambda: Told(self._changed))
        endpoints = self._endpoints()
        if not has_state:
            endpoints = {
                name: endpoint
                for name, endpoint in endpoints.items()
                if not any(parameter.startswith("state") for parameter in endpoint.parameters)
            }
        self.server = MemoryServer(endpoints, version, **how)
        self.server.posted = Told(self._changed)
        self._ways = 1 if outlives else 0

    # ---- what any app can do

    def connect(self) -> Client:
        self._ways += 1
        opening = Connection.over("http://memory.test", self.transport())
        return Client._over(loop_thread().run(opening).result(SOON))

    def connect_to_be_cut(self) -> Client:
        return self.connect()

    def cut(self) -> None:
        loop_thread().call(self.server.cut_streams)

    def open(self, tag: str, times: int = 1) -> None:
        for _ in range(times):
            loop_thread().call(lambda: self._gate(tag).release())

    def ledger(self, tag: str) -> list[str]:
        return list(self._ledgers[tag])

    def await_ledger(self, tag: str, entry: str) -> None:
        self.until(lambda: entry in self._ledgers[tag])

    @contextmanager
    def held_up(self, tag: str) -> Iterator[Callable[[Client, str], Job]]:
        with self.connect() as client:
            holder = client.submit(f"{tag}-holder", 1, api_name="/single_words")
            self.await_ledger(f"{tag}-holder", "started")
            try:
                yield lambda client, tag: client.submit(tag, 3, api_name="/single_words")
            finally:
                self.open(f"{tag}-holder")
                holder.result(SOON)

    # ---- what one in memory can do

    def transport(self) -> MemoryTransport:
        return Way(self)

    def until(self, fact: Callable[[], bool]) -> None:
        """Wait until a fact about the app holds."""
        holds = threading.Event()
        self._awaited.append((fact, holds))
        loop_thread().call(self._changed)
        assert holds.wait(SOON)

    def posted(self, route: str) -> list[Any]:
        """Return the bodies of what was posted there."""
        return [body for path, body in self.server.posted if path.endswith(route)]

    def closed(self, tag: str) -> int:
        """Return how many generators with this tag were closed."""
        return self._ledgers[tag].count("closed")

    async def closing(self) -> None:
        """Be the last thing that a client does to its transport: something to replace."""

    async def left(self) -> None:
        """Take note that a client was closed."""
        self._ways -= 1
        if self._ways == 0:
            await self.server.aclose()

    def close(self) -> None:
        """End all functions."""
        loop_thread().run(self.server.aclose()).result(SOON)

    def _changed(self) -> None:
        for fact, holds in self._awaited:
            if not holds.is_set() and fact():
                holds.set()

    def _gate(self, tag: str) -> asyncio.Semaphore:
        return self._gates.setdefault(tag, asyncio.Semaphore(0))

    async def _through(self, tag: str) -> None:
        await self._gate(tag).acquire()

    async def _recorded(
        self, tag: str, steps: AsyncGenerator[str, None]
    ) -> AsyncGenerator[Any, None]:
        entries = self._ledgers[tag]
        entries.append("started")
        try:
            async with aclosing(steps):
                async for step in steps:
                    entries.append(step)
                    yield [step]
        except GeneratorExit:
            entries.append("closed")
            raise
        entries.append("finished")

    def _endpoints(self) -> Mapping[str, MemoryEndpoint]:
        calls = self.calls

        async def add(a: Any, b: Any) -> AsyncGenerator[Any, None]:
            yield [a + b]

        async def echo(text: Any) -> AsyncGenerator[Any, None]:
            calls.append((text,))
            yield [text]

        async def two(text: str) -> AsyncGenerator[Any, None]:
            yield [text, len(text)]

        async def nothing(text: str) -> AsyncGenerator[Any, None]:
            yield []

        async def many_defaults(a: Any, b: Any, c: Any) -> AsyncGenerator[Any, None]:
            yield [f"a={a} b={b} c={c}"]

        async def direct(text: str) -> AsyncGenerator[Any, None]:
            if text == "fail":
                raise AppError("told you so")
            yield [f"direct {text}"]

        async def count(n: int) -> AsyncGenerator[Any, None]:
            for words in growing("word", n):
                yield [words]

        async def logs() -> AsyncGenerator[Any, None]:
            for level, text in LOGS:
                yield StatusUpdate(Status.LOG, log=(text, level))
            yield ["logged"]

        async def progress(n: int) -> AsyncGenerator[Any, None]:
            for i in range(n):
                unit = ProgressUnit(index=i, length=n, unit="steps", desc=f"step {i}")
                yield StatusUpdate(Status.PROGRESS, progress_data=[unit])
            yield [f"{n} steps"]

        async def fail() -> AsyncGenerator[Any, None]:
            raise AppError("told you so")
            yield

        async def crash() -> AsyncGenerator[Any, None]:
            raise ValueError("secret detail")
            yield

        async def fail_mid(n: int) -> AsyncGenerator[Any, None]:
            for i in range(n):
                yield [f"part {i}"]
            raise AppError("half-way")

        async def state(text: str, state: int) -> AsyncGenerator[Any, None]:
            yield [state + 1, state + 1]

        async def state_between(
            text: str, state_seen: int, number: float
        ) -> AsyncGenerator[Any, None]:
            yield [state_seen + 1, f"{text} #{state_seen}", state_seen, number * 2]

        async def gated(tag: str) -> AsyncGenerator[Any, None]:
            entries = self._ledgers[tag]
            entries.append("started")
            await self._through(tag)
            entries.append("finished")
            yield [f"{tag} went through"]

        async def words_through(tag: str, n: int) -> AsyncGenerator[str, None]:
            for words in growing("word", n):
                await self._through(tag)
                yield words

        def gated_words(tag: str, n: int) -> AsyncGenerator[Any, None]:
            return self._recorded(tag, words_through(tag, n))

        async def frames(frame: str, state_frames: int) -> AsyncGenerator[Any, None]:
            yield [f"frame {state_frames}: {frame}", state_frames + 1]

        async def options(a: Any, b: Any, c: Any) -> AsyncGenerator[Any, None]:
            yield [[a, b, c]]

        async def short() -> AsyncGenerator[Any, None]:
            yield ["one"]  # of two

        words = {"tag": ..., "n": 3}
        return {
            "/add": MemoryEndpoint(add, {"a": ..., "b": 10}, ("sum",)),
            "/echo": MemoryEndpoint(echo, {"text": ...}),
            "/two": MemoryEndpoint(two, {"text": ...}, ("text", "length")),
            "/nothing": MemoryEndpoint(nothing, {"text": ...}, ()),
            "/many_defaults": MemoryEndpoint(many_defaults, {"a": "x", "b": 2, "c": True}),
            "/direct": MemoryEndpoint(direct, {"text": ...}, queued=False),
            "/count": MemoryEndpoint(count, {"n": ...}, generator=True),
            "/logs": MemoryEndpoint(logs),
            "/progress": MemoryEndpoint(progress, {"n": ...}),
            "/fail": MemoryEndpoint(fail),
            "/crash": MemoryEndpoint(crash),
            "/fail_mid": MemoryEndpoint(fail_mid, {"n": ...}, generator=True),
            "/state": MemoryEndpoint(
                state, {"text": ..., "state": 0}, ("calls", "state"), concurrency=1
            ),
            "/state_between": MemoryEndpoint(
                state_between,
                {"text": ..., "state_seen": 0, "number": ...},
                ("state_seen", "numbered", "state_last", "doubled"),
            ),
            "/gated": MemoryEndpoint(gated, {"tag": ...}),
            "/gated_words": MemoryEndpoint(gated_words, words, generator=True),
            "/single_words": MemoryEndpoint(gated_words, words, generator=True, concurrency=1),
            "/frames": MemoryEndpoint(
                frames, {"frame": ..., "state_frames": 0}, ("answer", "state_frames"), stream=True
            ),
            "/options": MemoryEndpoint(options, {"a": ..., "b": 2, "c": None}),
            "/short": MemoryEndpoint(short, {}, ("a", "b")),
        }


class Way(MemoryTransport):
    """A transport that ends the functions of the app when it was the last one."""

    def __init__(self, app: MemoryApp) -> None:
        super().__init__(app.server)
        self._app = app

    async def aclose(self) -> None:
        await self._app.closing()
        await self._app.left()
