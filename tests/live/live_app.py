"""The app of the contract on a real server."""

from __future__ import annotations

__all__ = ["LiveApp"]

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from rxgradio import Client, Job
from rxgradio.testing import FaultProxy
from tests.contract.app import SOON, App
from tests.live.servers.run import Server

WORKERS = 40
"""Of the one queue that 3.x has (`CONCURRENCY` of servers/app.py)."""


class LiveApp(App):
    """The demo app on a server that others use too."""

    def __init__(self, server: Server) -> None:
        self.version = server.version
        self._server = server
        self._opened = ExitStack()
        self._proxy: FaultProxy | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def connect(self) -> Client:
        return Client(self._server.url)

    def connect_to_be_cut(self) -> Client:
        if self._proxy is None:
            self._proxy = self._opened.enter_context(FaultProxy(self._server.url))
        return Client(self._proxy.url)

    def cut(self) -> None:
        assert self._proxy is not None
        self._proxy.drop_all()

    def open(self, tag: str, times: int = 1) -> None:
        self._call("open_gate", tag, times)

    def ledger(self, tag: str) -> list[str]:
        entries: list[str] = json.loads(self._call("ledger", tag))
        return entries

    def await_ledger(self, tag: str, entry: str) -> None:
        entries = json.loads(self._call("await_ledger", tag, entry, SOON))
        assert entry in entries

    @contextmanager
    def held_up(self, tag: str) -> Iterator[Callable[[Client, str], Job]]:
        with self.connect() as client:
            if self.release < (4,):
                # One queue for all, in which no endpoint has a limit of its own.
                tags = [f"{tag}-{n}" for n in range(WORKERS)]
                holders = [client.submit(each, api_name="/gated") for each in tags]
                for each in tags:
                    self.await_ledger(each, "started")
                try:
                    yield lambda client, tag: client.submit(tag, 3, api_name="/gated_words")
                finally:
                    for each in tags:
                        self.open(each)
                    for holder in holders:
                        holder.result(SOON)
            else:
                holder = client.submit(tag, 10_000, 0.05, api_name="/single_gen")
                self.await_ledger(tag, "tick 0")
                try:
                    yield lambda client, tag: client.submit(tag, 20, 0.05, api_name="/single_gen")
                finally:
                    holder.cancel()
                    holder.cancel_outcome.result(SOON)

    def _call(self, name: str, *data: object) -> Any:
        """Call a function as no client does: round the queue, and by hand."""
        where = urlsplit(self._server.api_url)
        connection = HTTPConnection(where.hostname or "", where.port, timeout=SOON + 10)
        try:
            body = json.dumps({"data": data})
            kind = {"content-type": "application/json"}
            connection.request("POST", f"{where.path}/run/{name}", body, kind)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return json.loads(answer.read())["data"][0]
        finally:
            connection.close()
