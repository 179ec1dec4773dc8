"""A fault server of every generation, and no proxy between it and the clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rxgradio.testing import FaultServer
from tests.contract.app import VERSIONS


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(version: str) -> Iterator[FaultServer]:
    with FaultServer(version=version, heartbeat=0.1) as server:
        yield server
