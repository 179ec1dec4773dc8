"""Servers made of bytes, as for the transport, and apps whose calls wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.files.conftest import folder
from tests.rules.served import VERSIONS, Served
from tests.transport.conftest import elsewhere, make_server, no_proxy, server

__all__ = ["elsewhere", "folder", "make_server", "no_proxy", "serve", "served", "server"]


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serve apps whose calls wait, of any version."""
    started: list[Served] = []

    def start(*args: Any, **how: Any) -> Served:
        started.append(Served(*args, **how))
        return started[-1]

    yield start
    for each in started:
        each.stop()
    assert [failure for each in started for failure in each.failures] == []


@pytest.fixture(params=VERSIONS)
def served(request: pytest.FixtureRequest, serve: Callable[..., Served]) -> Served:
    """Serve an app whose calls wait, of every version in turn."""
    return serve(request.param)
