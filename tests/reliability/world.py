"""An app in memory to which the way may break, and what must hold of every call of it.

Its functions wait at a *gate* of their tag before each output, and write down how often
they were begun. Every output begins with the tag of its call, so that one that strays is
seen to.
"""

from __future__ import annotations

__all__ = ["ENDPOINTS", "SOON", "Call", "Ended", "Waiter", "Watcher", "World", "of", "texts"]

import asyncio
import itertools
import threading
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rxgradio import (
    AppError,
    Client,
    ConnectionLost,
    Job,
    Limits,
    OutputUpdate,
    Retry,
    Status,
)
from rxgradio.connection import Connection, Settings
from rxgradio.options import CallOptions
from rxgradio.protocol.answers import Answer
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryEndpoint, MemoryServer, MemoryTransport
from rxgradio.transport.memory.server import MemorySocket, MemoryStream

SOON = 20.0
"""Seconds after which something that should happen at once counts as hanging."""

ENDPOINTS = ("/words", "/single_words", "/word", "/fail")

Fault: TypeAlias = Literal["refused", "busy", "lost"]
"""What befalls a call on its way into the queue: no connection, a request to come again
later, or a connection that breaks when the server has taken the call."""

_RETRY = Retry(attempts=100, initial=0.001, longest=0.01)
_numbers = itertools.count()


def texts(tag: str, n: int) -> list[str]:
    """Return what a generator yields."""
    words = [f"w{i}" for i in range(n)]
    return [" ".join([tag, *words[: i + 1]]) for i in range(n)]


# ---- the app


class World:
    """The app, and the ways to it; its methods may be called from any thread but its own."""

    def __init__(self, version: str) -> None:
        self.begun: Counter[str] = Counter()
        """How often the function of a tag was called."""
        self.faults: deque[Fault] = deque()
        """What befalls the next calls that are to be accepted."""
        self.lag = 0
        """Turns of the loop that an answer takes on its way; messages overtake it."""
        self.ways: list[Way] = []
        self._version = version
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(self._gate)
        self._open = False
        self._ids = itertools.count(1)
        self._server = self.do(self._serve)

    @property
    def resumes(self) -> bool:
        """Whether streams that broke are opened again: what was said meanwhile may be missed."""
        return (4, 19, 2) <= tuple(map(int, self._version.split("."))) <= (4, 23)

    def connect(self, **options: Any) -> Client:
        way = Way(self, self._server)
        self.ways.append(way)
        settings = Settings(retry=_RETRY, limits=Limits(silence=SOON / 2))
        opening = Connection.over("http://memory.test", way, settings)
        options = {"retry": _RETRY, **options}
        return Client._over(loop_thread().run(opening).result(SOON), CallOptions(**options))

    # ---- what may happen

    def open(self, tag: str, times: int = 1) -> None:
        """Let a function go on."""

        def let_through() -> None:
            for _ in range(times):
                self._gates[tag].release()

        self.do(let_through)

    def open_all(self) -> None:
        """Let all functions go on, for good."""

        def let_through() -> None:
            self._open = True
            for gate in self._gates.values():
                for _ in range(100):
                    gate.release()

        self.do(let_through)

    def drop(self) -> None:
        """Break all connections."""
        self.do(self._server.cut_streams)

    def restart(self) -> None:
        """Replace the server by another one, that knows of nothing."""

        async def restart() -> None:
            # A call that was accepted before, and whose stream is opened after another one
            # was, is not known to be forgotten until it has been silent for long.
            await self._settle()
            before, self._server = self._server, self._serve()
            for way in self.ways:
                way.server = self._server
            before.cut_streams()
            await before.aclose()

        self._run(restart())

    def fill(self, *, full: bool) -> None:
        """Have the queue take no call, or take them again."""

        def fill() -> None:
            self._server._queue._max_size = 0 if full else None

        self.do(fill)

    def settle(self) -> None:
        """Let what has happened be noticed."""

        self._run(self._settle())

    def close(self) -> None:
        self._run(self._server.aclose())

    # ---- on the scheduler thread

    def do(self, what: Callable[[], Any]) -> Any:
        async def do() -> Any:
            return what()

        return self._run(do())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return loop_thread().run(work).result(SOON)

    async def _settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    def _gate(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(0)

    async def _pass(self, tag: str) -> None:
        if self._open:
            await asyncio.sleep(0)
        else:
            await self._gates[tag].acquire()

    def _serve(self) -> MemoryServer:
        async def words(tag: str, n: int) -> AsyncGenerator[Any, None]:
            self.begun[tag] += 1
            for text in texts(tag, n):
                await self._pass(tag)
                yield [text]

        async def word(tag: str, n: int) -> AsyncGenerator[Any, None]:
            self.begun[tag] += 1
            await self._pass(tag)
            yield [texts(tag, 1)[0]]

        async def fail(tag: str, n: int) -> AsyncGenerator[Any, None]:
            self.begun[tag] += 1
            for text in texts(tag, n):
                await self._pass(tag)
                yield [text]
            raise AppError(f"{tag} fails")

        takes: Mapping[str, Any] = {"tag": ..., "n": ...}
        endpoints = {
            "/words": MemoryEndpoint(words, takes, generator=True),
            "/single_words": MemoryEndpoint(words, takes, generator=True, concurrency=1),
            "/word": MemoryEndpoint(word, takes),
            "/fail": MemoryEndpoint(fail, takes, generator=True),
        }
        server = MemoryServer(endpoints, self._version)
        server._ids = self._ids  # no two events of Gradio ever have one id
        return server


class Way(MemoryTransport):
    """A way to the app, on which calls may have accidents."""

    def __init__(self, world: World, server: MemoryServer) -> None:
        super().__init__(server)
        self._world = world

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        timed: bool = True,
    ) -> Answer:
        fault = self._next() if path.endswith("/queue/join") else None
        if fault == "busy":
            return Answer(429, {"retry-after": "0"}, b"slow down")
        answer = await super().post(path, body, headers, timed=timed)
        for _ in range(self._world.lag):
            await asyncio.sleep(0)
        if fault == "lost":
            raise ConnectionLost("the connection broke before the answer")
        return answer

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[MemoryStream]:
        fault = self._next() if "/queue/join" in path else None
        if fault == "busy":
            yield MemoryStream(Answer(429, {"retry-after": "0"}, b"slow down"), None)
            return
        server = self.server
        before = set(server.connections)
        async with server.stream(path) as stream:
            if fault == "lost":
                for reader in server.connections.keys() - before:
                    reader.cut()
            yield stream

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[MemorySocket]:
        fault = self._next()
        async with self.server.websocket(path, headers or {}) as socket:
            if fault == "lost":
                socket.cut()
            yield socket

    def _next(self) -> Fault | None:
        if not self._world.faults:
            return None
        fault = self._world.faults.popleft()
        if fault == "refused":
            raise ConnectionLost("there is no server", sent=False)
        return fault


# ---- who watches


@dataclass(frozen=True, slots=True)
class Ended:
    """How something ended; errors are the same if they are one object."""

    how: Literal["completed", "failed", "cancelled"]
    error: BaseException | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ended) and (self.how, id(self.error)) == (
            other.how,
            id(other.error),
        )

    __hash__ = None  # type: ignore[assignment]


def of(error: BaseException | None) -> Ended:
    """Return the end that an error tells of; each face has a CancelledError of its own."""
    if error is None:
        return Ended("completed")
    if isinstance(error, (CancelledError, asyncio.CancelledError)):
        return Ended("cancelled")
    return Ended("failed", error)


class Watcher:
    """An observer that does not forgive breaches of the grammar."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.ends: list[Ended] = []
        self.breaches: list[str] = []
        self.subscription: Any = None
        self.disposed = False
        self.ended = threading.Event()
        self._inside = threading.Lock()

    def on_next(self, update: Any) -> None:
        self._signal(lambda: self.updates.append(update))

    def on_error(self, error: Exception) -> None:
        self._signal(lambda: self.ends.append(of(error)))
        self.ended.set()

    def on_completed(self) -> None:
        self._signal(lambda: self.ends.append(of(None)))
        self.ended.set()

    def dispose(self) -> None:
        self.disposed = True
        self.subscription.dispose()

    @property
    def outputs(self) -> list[Any]:
        found = [each for each in self.updates if isinstance(each, OutputUpdate)]
        return [each.outputs for n, each in enumerate(found) if not (each.final and n)]

    def _signal(self, take: Callable[[], object]) -> None:
        if not self._inside.acquire(blocking=False):
            self.breaches.append("two signals at once")
            return
        try:
            if self.ends:
                self.breaches.append("a signal after the end")
            take()
        finally:
            self._inside.release()


class Waiter(threading.Thread):
    """A thread that waits for a job in one of the ways in which that can be done."""

    WAYS = ("result", "exception", "iterate", "await", "async for")

    def __init__(self, job: Job, way: str) -> None:
        super().__init__(name=f"waiter ({way})")
        self.outputs: list[Any] | None = None
        self.end: Ended | None = None
        self._job = job
        self._way = way
        self.start()

    def run(self) -> None:
        try:
            match self._way:
                case "result":
                    self._job.result()
                case "exception":
                    self.end = of(self._job.exception())
                    return
                case "iterate":
                    self.outputs = []
                    self.outputs.extend(self._job)
                case "await":
                    asyncio.run(self._await())
                case _:
                    asyncio.run(self._iterate())
        except BaseException as error:
            self.end = of(error)
        else:
            self.end = of(None)

    async def _await(self) -> None:
        await self._job

    async def _iterate(self) -> None:
        found: list[Any] = []
        self.outputs = []
        async for update in self._job:
            if isinstance(update, OutputUpdate):
                found.append(update)
                if not (update.final and len(found) > 1):
                    self.outputs.append(update.outputs)


# ---- what must hold


@dataclass(eq=False)
class Call:
    """A call of the app, and all who watch it.

    Args:
        job: None if it was only observed.
        attempts: How often it may be made.
    """

    endpoint: str
    n: int
    attempts: int = 1
    tag: str = field(default_factory=lambda: f"call{next(_numbers)}")
    job: Job | None = None
    watchers: list[Watcher] = field(default_factory=list)
    waiters: list[Waiter] = field(default_factory=list)
    called_back: list[Ended] = field(default_factory=list)
    callback: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    """A `cancel()` has said True."""
    exposed: set[type[Exception]] = field(default_factory=set)
    """What it may have failed with since it was made."""
    end: Ended | None = None

    @property
    def texts(self) -> list[str]:
        return texts(self.tag, 1 if self.endpoint == "/word" else self.n)

    def attach(self, job: Job, *, watched: bool = True) -> None:
        self.job = job
        job.add_done_callback(self._call_back)
        if watched:
            self.watch()

    def watch(self) -> Watcher:
        assert self.job is not None
        watcher = Watcher()
        self.watchers.append(watcher)
        watcher.subscription = self.job.updates.subscribe(watcher)
        return watcher

    def _call_back(self, job: Any) -> None:
        self.called_back.append(of(_error_of(job)))
        self.callback.set()

    # ---- checks

    def check(self, world: World) -> None:
        """Check what must hold at any time, and, once it has ended, of its end."""
        assert world.begun[self.tag] <= self.attempts, f"{self.tag} ran {world.begun[self.tag]}x"
        for watcher in self.watchers:
            assert not watcher.breaches, (self.tag, watcher.breaches)
        if self.job is None:
            self._check_observed(world)
        elif self.end is not None:
            assert of(_error_of(self.job)) == self.end, "the end has changed"
        elif self.job.done():
            self.end = of(_error_of(self.job))
            self._check_faces(world)

    def await_end(self) -> None:
        """Wait until it has ended, as it must."""
        if self.job is not None:
            try:
                self.job.exception(SOON)
            except CancelledError:
                pass
            except TimeoutError:
                raise AssertionError(f"{self.tag} hangs: {self.job!r}") from None
        else:
            for watcher in self.watchers:
                assert watcher.disposed or watcher.ended.wait(SOON), f"{self.tag} hangs"

    def _check_observed(self, world: World) -> None:
        (watcher,) = self.watchers
        if watcher.ended.is_set():
            self.check_end(world, watcher.ends[0], watcher.outputs)

    def _check_faces(self, world: World) -> None:
        job, end = self.job, self.end
        assert job is not None
        assert end is not None
        self.watch()  # one that comes late
        late = Waiter(job, "iterate"), Waiter(job, "async for")
        self.waiters.extend(late)
        outputs = job.outputs()
        for waiter in self.waiters:
            waiter.join(SOON)
            assert not waiter.is_alive(), f"{waiter.name} outlives {self.tag}"
            assert waiter.end == end, (waiter.name, waiter.end, end)
            assert waiter.outputs in (None, outputs), (waiter.name, waiter.outputs, outputs)
        self.waiters.clear()
        for watcher in self.watchers:
            if not watcher.disposed:
                assert watcher.ended.wait(SOON), f"an observer outlives {self.tag}"
                assert watcher.ends == [end]
                assert watcher.outputs == outputs
        assert self.callback.wait(SOON), f"{self.tag} did not call back"
        assert self.called_back == [end]
        status = job.status()
        assert status.code is (Status.CANCELLED if end.how == "cancelled" else Status.FINISHED)
        assert status.success is (end.how == "completed")
        assert job.cancelled() is (end.how == "cancelled")
        assert job.cancel() is job.cancelled()
        self.check_end(world, end, outputs)

    def check_end(self, world: World, end: Ended, outputs: list[Any]) -> None:
        """Check that it may have ended so, with these outputs."""
        told = (self.tag, self.endpoint, end, outputs)
        assert (end.how == "cancelled") is self.cancelled, told
        whole = end.how == "completed" or isinstance(end.error, AppError)
        if self.attempts > 1:
            assert set(outputs) <= set(self.texts), told
        elif world.resumes and ConnectionLost in self.exposed:
            if outputs[-2:] == [*self.texts[-1:]] * 2:
                outputs = outputs[:-1]  # told again at the end, as it may have been missed
            left = iter(self.texts)
            assert all(output in left for output in outputs), told
        else:
            assert outputs == (self.texts if whole else self.texts[: len(outputs)]), told
        if whole:
            assert (end.how == "completed") is (self.endpoint != "/fail"), told
            assert world.begun[self.tag] >= 1, told
            if end.how == "completed" and self.job is not None:
                assert self.job.result() == self.texts[-1], told
        elif end.how == "failed":
            assert isinstance(end.error, tuple(self.exposed)), told
            assert end.error.outputs == told[-1], told


def _error_of(job: Any) -> BaseException | None:
    try:
        error: BaseException | None = job.exception(0)
    except CancelledError as cancelled:
        return cancelled
    return error
