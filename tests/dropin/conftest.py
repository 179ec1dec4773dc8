"""Real servers, and gradio_client in a process of its own."""

from __future__ import annotations

import ast
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest
import trustme

from tests.dropin.scenario import Outcome
from tests.live.conftest import Servers, servers
from tests.live.servers.run import Server

__all__ = ["address", "certificate", "nothing_is_left_behind", "servers", "started", "theirs"]

App: TypeAlias = tuple[tuple[str, str], ...]
"""The environment of an app."""

ROOT = Path(__file__).parents[2]
APP = Path(__file__).with_name("app.py")


class Theirs:
    """gradio_client: a process that runs scenarios with it, begun anew when one hangs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def run(self, module: str, name: str, address: str, patience: float) -> Outcome:
        """Run a scenario."""
        process = self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"module": module, "name": name, "address": address, "patience": patience}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], patience + 30)
        answer = process.stdout.readline() if ready else ""
        assert answer, "the process of gradio_client has not answered: " + self._log.read_text()
        made = Outcome(*ast.literal_eval(answer))
        if made.hangs:
            self.end()
        return made

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    @property
    def _log(self) -> Path:
        return self._folder / "theirs.txt"

    def _begun(self) -> subprocess.Popen[str]:
        if self._process is None:
            with self._log.open("w", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.dropin.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    encoding="utf-8",
                    cwd=ROOT,
                    env={**os.environ, **environ(self._folder)},
                )
        return self._process


def environ(folder: Path) -> dict[str, str]:
    """Tell gradio_client to keep to this machine, and where it may write."""
    return {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder),
        "TMPDIR": str(folder),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theirs]:
    """The other client."""
    started = Theirs(tmp_path_factory.mktemp("theirs"))
    yield started
    started.end()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of this host that nobody knows, and its key."""
    made = tmp_path_factory.mktemp("tls") / "certificate.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(made)
    return made


@pytest.fixture(scope="session")
def started(servers: Servers, certificate: Path) -> Iterator[Callable[[str, App], str]]:
    """Serve the app on a release, with an environment, one after another; tell its address."""
    with ExitStack() as running:
        now: list[tuple[str, App, Server]] = []

        def start(version: str, app: App) -> str:
            if not now or now[0][:2] != (version, app):
                running.close()
                env = dict(app)
                if "APP_TLS" in env:
                    env["APP_CERTIFICATE"] = str(certificate)
                server = Server(servers.python(version), version, app=APP, **env)
                now[:] = [(version, app, running.enter_context(server))]
            url = now[0][2].url
            return url.replace("http:", "https:") if "APP_TLS" in dict(app) else url

        yield start


@pytest.fixture
def address(request: pytest.FixtureRequest, started: Callable[[str, App], str]) -> str:
    """Serve the app that the test is parametrised with, if it is."""
    served = getattr(request.node, "callspec", None)
    server = served and served.params.get("server")
    return started(*server) if server else ""


@pytest.fixture(autouse=True)
def nothing_is_left_behind(address: str, nothing_is_left_behind: None) -> None:
    """Do so after a server has been started, which stays on purpose."""
