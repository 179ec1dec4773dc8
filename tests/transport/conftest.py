"""Servers made of bytes, and no proxy between them and the clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rxgradio import Client
from tests.transport.server import FakeGradio


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def make_server() -> Iterator[Callable[..., FakeGradio]]:
    servers: list[FakeGradio] = []

    def make(version: str = "6.31.0", **how: bool) -> FakeGradio:
        servers.append(FakeGradio(version, **how))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
    assert [failure for server in servers for failure in server.failures] == []


@pytest.fixture
def server(make_server: Callable[..., FakeGradio]) -> FakeGradio:
    return make_server()


@pytest.fixture
def elsewhere(make_server: Callable[..., FakeGradio]) -> FakeGradio:
    """Another server, to which nothing is to be sent."""
    return make_server()


@pytest.fixture
def client(server: FakeGradio) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client
