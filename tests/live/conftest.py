"""Real Gradio servers for the tests: one per release for all, or one's own to mistreat.

`server` runs a test once per release. The installations begin when the first test asks
for a server, all at once; each shared server starts when a test first asks for it, and
ends after the last one that does, as ten of them take 2 GB.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import rxgradio
from tests.live.servers.install import VERSIONS, environment
from tests.live.servers.run import Server
from tests.live.table import table, told  # noqa: F401 (fixtures)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what needs real servers in one process, where they are shared: ten take 2 GB."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("live"))


class Servers:
    """The environments of the servers, by version."""

    def __init__(self, installers: ThreadPoolExecutor) -> None:
        self._pythons = {version: installers.submit(environment, version) for version in VERSIONS}

    def python(self, version: str) -> Path:
        """Wait for the environment of this version."""
        return self._pythons[version].result()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Where servers come from."""
    with ThreadPoolExecutor(len(VERSIONS)) as installers:
        yield Servers(installers)


@pytest.fixture(scope="session", params=VERSIONS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Server]:
    """Each release in turn; the server is shared, so a test leaves it as it was."""
    # pytest runs all tests of one parameter before those of the next.
    with Server(servers.python(request.param), request.param) as server:
        yield server


@pytest.fixture
def fresh_server(servers: Servers) -> Iterator[Callable[..., Server]]:
    """Start private servers: `fresh_server("6.31.0", APP_MAX_SIZE="1")`."""
    with ExitStack() as started:

        def start(version: str, **env: str) -> Server:
            return started.enter_context(Server(servers.python(version), version, **env))

        yield start


@pytest.fixture(scope="session")
def demo_app(servers: Servers) -> Iterator[str]:
    """The address of the demo's app."""
    script = Path(rxgradio.__file__).parent / "demo" / "app.py"
    process = subprocess.Popen(
        [servers.python("6.31.0"), script, "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        said = process.stdout.readline().split()
        assert said[:1] == ["READY"], said
        yield said[1]
        process.stdin.close()
