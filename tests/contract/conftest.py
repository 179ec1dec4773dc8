"""The contract in memory: on every version where that matters, else on one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from rxgradio import Client
from tests.contract.app import VERSIONS
from tests.contract.app import App as AnyApp
from tests.contract.memory_app import MemoryApp

App = MemoryApp
"""For tests that make their own."""


@pytest.fixture
def tag() -> str:
    """Return what nobody else calls their calls."""
    return uuid.uuid4().hex


@pytest.fixture
def told() -> Callable[[str, str], None]:
    """Take what a test has seen of a feature, for the table of servers; here it is no news."""
    return lambda feature, outcome: None


@pytest.fixture(params=VERSIONS, ids=lambda version: f"memory-{version}")
def app(request: pytest.FixtureRequest) -> Iterator[AnyApp]:
    """Every version in turn."""
    app = MemoryApp(request.param, outlives=True)
    yield app
    app.close()


@pytest.fixture
def client(app: AnyApp) -> Iterator[Client]:
    with app.connect() as client:
        yield client


@pytest.fixture
def make_app() -> Iterator[Callable[..., MemoryApp]]:
    """Make apps in memory, of any version, to look into and to replace parts of."""
    made: list[MemoryApp] = []

    def make(*args: object, **how: object) -> MemoryApp:
        made.append(MemoryApp(*args, outlives=True, **how))  # type: ignore[arg-type] # passed on
        return made[-1]

    yield make
    for app in made:
        app.close()


@pytest.fixture
def memory_app(make_app: Callable[..., MemoryApp]) -> MemoryApp:
    """An app in memory, of the newest version, to look into and to replace parts of."""
    return make_app()


@pytest.fixture
def memory_client(memory_app: MemoryApp) -> Iterator[Client]:
    with memory_app.connect() as client:
        yield client
