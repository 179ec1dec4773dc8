"""An app in memory, for tests of what calls apps: no server, no sockets, no waiting."""

from __future__ import annotations

__all__ = ["Call", "MemoryApp"]

import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Literal, Self, Unpack

from ..client import Client
from ..clock import utc
from ..connection import Connection, Settings, load
from ..options import CallOptions, Limits, Options
from ..runtime.process import delivery, loop_thread
from ..runtime.reading import await_future
from ..transport.interface import Transport, placed
from ..transport.memory import Event, MemoryServer, MemoryTransport, Turn
from .files import Files
from .functions import Endpoint, served
from .marbles import Marbles

_PATIENT = Limits(silence=math.inf)
"""No connection is lost here but by `cut`."""

_SOON = 10.0

_LOOK = 0.05
"""Seconds after which a fact is looked at again that no turn has made so."""


@dataclass(slots=True)
class Call:
    """A call as the app sees it, with times in seconds: of virtual time, else since 1970."""

    endpoint: str
    inputs: tuple[Any, ...]
    """With State; empty before the app has them."""
    session: str = field(repr=False)
    submitted: float
    """When it has joined the queue."""
    started: float | None = None
    ended: float | None = None
    end: Literal["finished", "failed", "cancelled"] | None = None
    """"cancelled" also if nobody listened any more."""


class MemoryApp:
    """A Gradio app without a server, whose endpoints are functions, or marbles.

        app = MemoryApp({"/upper": str.upper, "/write": "--a--b--|"})
        assert app.client().predict("hello", api_name="/upper") == "HELLO"

    It keeps a queue and State, yields, fails and is cancelled as an app of its version is, and
    its clients are those of rxgradio: only the sockets are not there. In `VirtualTime` it takes
    no time to wait for it; else functions that are not `async` run on threads.

    Args:
        endpoints: Its functions by API name: anything that an `Endpoint` may have as its
            function, or an `Endpoint`.
        version: The release of Gradio that it is; any from 3.6 on.
        max_size: How many calls may wait in the queue.
        address: Where `Client(address)` finds it while in its context; what is called on
            other threads finds it too if it runs in a copy of that context.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Callable[..., Any] | Marbles | str | Endpoint],
        *,
        version: str = "6.31.0",
        max_size: int | None = None,
        address: str = "http://memory.test",
    ) -> None:
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise ValueError(f"a version of Gradio is as '6.31.0', not {version!r}")
        self.version = version
        self.address = address.rstrip("/")
        self._placed = ExitStack()
        made = {"/" + name.removeprefix("/"): each for name, each in endpoints.items()}
        self._names = list(made)
        self._ledger = _Ledger(self._names)
        self._home = loop_thread()
        self._clients: list[Client] = []
        kept: dict[str, bytes] = {}
        self._files = Files(kept, named=version.startswith("3."))
        self._server = MemoryServer(
            {
                name: served(name, each, _ignore, threads=True, files=self._files)
                for name, each in made.items()
            },
            version,
            max_size=max_size,
            files=kept,
            told=self._ledger.hear,
        )

    def __enter__(self) -> Self:
        """Be where `Client(address)` finds it."""
        self._placed.enter_context(placed(self._place))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close, and be there no more."""
        self._placed.close()
        self.close()

    def client(
        self,
        *,
        limits: Limits = _PATIENT,
        download_files: str | Path | bool | None = None,
        **options: Unpack[Options],
    ) -> Client:
        """Return a client of the app, with a session of its own; closed with the app.

        It takes some of the arguments of `Client`. By default it never takes silence for a loss.
        """
        if self._home is not loop_thread():
            raise RuntimeError(
                "an app is of the time in which it was made: make it within the context of "
                "VirtualTime, or this client too outside of it"
            )
        load()
        settings = Settings(
            limits=limits, download_files=download_files, retry=CallOptions(**options).retry
        )
        opening = Connection.over(self.address, MemoryTransport(self._server), settings)
        client = Client._over(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (what `connect` does)
            await_future(self._home.run(opening)), CallOptions(**options)
        )
        self._clients.append(client)
        return client

    @property
    def calls(self) -> list[Call]:
        """All calls that have reached the app, in the order in which they did."""
        return self._ledger.calls

    def calls_of(self, endpoint: str) -> list[Call]:
        """Return those of an endpoint."""
        name = "/" + endpoint.removeprefix("/")
        if name not in self._names:
            raise ValueError(f"the app has no {name}: it has {', '.join(self._names)}")
        return [call for call in self.calls if call.endpoint == name]

    def until(self, fact: Callable[[], bool], timeout: float = _SOON) -> None:
        """Wait until something is so, looking when a call takes a turn, and now and then.

        Raises:
            TimeoutError: It is not so within so many seconds.
        """
        try:
            with delivery().standing_aside(fact, timeout):
                self._ledger.until(fact, timeout)
        except TimeoutError as error:
            problem = f"it was not so within {timeout:g} s; the calls: {self.calls}"
            raise TimeoutError(problem) from error

    def cut(self) -> None:
        """Break every connection, soon; what the app does about its calls is as on a real one."""
        self._home.call(self._server.cut_streams)

    def close(self) -> None:
        """Close its clients, and end what still runs."""
        clients, self._clients = self._clients, []
        for client in clients:
            client.close()
        try:
            if not self._home.loop.is_closed():  # by the end of the virtual time that it was of
                await_future(self._home.run(self._server.aclose()), _SOON)
        finally:
            self._files.close()

    def _place(self, address: str, make: Callable[[], Transport]) -> Transport:
        return MemoryTransport(self._server) if address == self.address else make()


class _Ledger:
    """The calls of an app. The server tells it of them, and does not hold on to the app."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._calls: dict[Event, Call] = {}
        self._turn = threading.Condition()
        self._turns = 0

    @property
    def calls(self) -> list[Call]:
        with self._turn:
            return list(self._calls.values())

    def until(self, fact: Callable[[], bool], timeout: float) -> None:
        """Look without the lock, as the fact may wait for what the server does next."""
        end = monotonic() + timeout
        while True:
            with self._turn:
                seen = self._turns
            if fact():
                return
            left = end - monotonic()
            if left <= 0:
                raise TimeoutError
            with self._turn:
                # A client hears of a turn a moment later, and of that nobody hears here.
                self._turn.wait_for(lambda: self._turns != seen, min(left, _LOOK))  # noqa: B023 (it is called now)

    def hear(self, event: Event, turn: Turn) -> None:
        at = utc().timestamp()
        with self._turn:
            call = self._calls.get(event)
            if call is None:
                name = self._names[event.fn_index]
                call = self._calls[event] = Call(name, (), event.session, at)
            if event.data.done() and not event.data.cancelled():
                call.inputs = tuple(event.data.result() or ())
            if turn == "started":
                call.started = at
            elif turn != "submitted":
                call.ended, call.end = at, turn
            self._turns += 1
            self._turn.notify_all()


def _ignore(_: str, __: tuple[Any, ...]) -> None:
    pass
