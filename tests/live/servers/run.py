"""A Gradio server as a child process, that ends no later than its parent.

The app ends when its standard input does, so even a test run that is killed leaves no
server behind. What it prints is kept in a log file, for when it does not start.
"""

from __future__ import annotations

__all__ = ["Server", "StartError"]

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from threading import Thread
from typing import IO, Any, Self

import httpx

from .install import CACHE

APP = Path(__file__).with_name("app.py")
START_SECONDS = 60
STOP_SECONDS = 10
# A free port may be taken by someone else before the server gets to it.
PORTS_TO_TRY = 3
PORT_TAKEN = "Cannot find empty port"


class StartError(Exception):
    """The server did not start; says what it printed."""


class Server:
    """The demo app on one release of Gradio.

    It keeps its port and its directory until `stop`, so that clients find it again after
    `kill` and `start`, and tests what it had written down.
    """

    def __init__(self, python: Path, version: str, *, app: Path = APP, **env: str) -> None:
        self.version = version
        self.port = 0
        self._app = app
        self._python = python
        self._env = env
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        """Where the app is, as a user would type it."""
        return f"http://127.0.0.1:{self.port}{self._env.get('APP_ROOT', '')}"

    @property
    def api_url(self) -> str:
        """Where all routes but `/config` and the login are."""
        return self.url if int(self.version.split(".")[0]) < 5 else f"{self.url}/gradio_api"

    @property
    def log(self) -> Path:
        """What the server has printed."""
        return CACHE / "logs" / f"{self.version}-{self.port}.txt"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as upon_failure:
            upon_failure.callback(self.stop)
            self.start()
            upon_failure.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return once the app accepts requests.

        Raises:
            StartError: It ended, or took longer than a minute.
        """
        if self.port:
            self._start()
            return
        for attempt in range(1, PORTS_TO_TRY + 1):
            self.port = _free_port()
            try:
                self._start()
            except StartError as error:
                if PORT_TAKEN not in str(error) or attempt == PORTS_TO_TRY:
                    raise
            else:
                return

    def stop(self) -> None:
        """End the server, and remove what it wrote; harmless when it has ended."""
        self._end(signal.SIGTERM)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def kill(self) -> None:
        """End the server as a crash does; `start` brings it back to the same address."""
        self._end(signal.SIGKILL)

    def ledger(self, tag: str) -> list[str]:
        """Tell what happened on the server to the runs with this tag, even after `kill`."""
        if self._directory is None:
            return []
        file = self.directory / f"{tag}.txt"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def await_ledger(self, tag: str, entry: str, seconds: float = 10) -> list[str]:
        """Wait until *entry* is recorded for *tag*, and tell all that is.

        Raises:
            TimeoutError: It was not recorded in time.
        """
        entries: list[str] = json.loads(self._ask("await_ledger", tag, entry, seconds))
        if entry not in entries:
            raise TimeoutError(f"no {entry!r} in {entries} after {seconds} s")
        return entries

    def open_gate(self, tag: str, times: int = 1) -> None:
        """Let this many of those pass who wait at a gate of the app, or will."""
        self._ask("open_gate", tag, times)

    def _ask(self, name: str, *data: object) -> Any:
        # Not through the queue, which the runs in question may be holding up.
        answer = httpx.post(
            f"{self.api_url}/run/{name}", json={"data": data}, timeout=60, trust_env=False
        )
        return answer.raise_for_status().json()["data"][0]

    @property
    def directory(self) -> Path:
        """Where the app writes, uploads included."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="gradio-")
        return Path(self._directory.name)

    def _start(self) -> None:
        if self._process is not None:
            raise RuntimeError("the server is running")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            # Not -I, which would hide the module beside the app from it.
            [self._python, "-E", self._app, str(self.port), self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=self.directory,
            env={**os.environ, **_environ(self.directory), **self._env},
            # A Ctrl-C is for the tests, which then stop the server themselves.
            start_new_session=True,
        )
        ready: Future[None] = Future()
        self._reader = Thread(
            target=_read, args=(self._process.stdout, self.log, ready), daemon=True
        )
        self._reader.start()
        try:
            ready.result(START_SECONDS)
        except (EOFError, FutureTimeoutError):
            self.kill()
            printed = self.log.read_text(encoding="utf-8")
            raise StartError(f"Gradio {self.version} did not start:\n{printed}") from None
        except BaseException:
            self.kill()
            raise

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Nothing else holds the pipe, so the reader ends with the process.
        self._reader.join(STOP_SECONDS)
        process.stdin.close()
        process.stdout.close()


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environ(directory: Path) -> dict[str, str]:
    return {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        # Gradio asks itself whether it has started, which is no matter for a proxy.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        # Where uploads and outputs go, and vanish with the server.
        "TMPDIR": str(directory),
        "TEMP": str(directory),
    }


def _read(output: IO[str], log: Path, ready: Future[None]) -> None:
    """Copy what a server prints to its log until it ends, and note that it is ready."""
    with log.open("w", encoding="utf-8") as file:
        for line in output:
            file.write(line)
            file.flush()
            if line == "READY\n":
                ready.set_result(None)
    if not ready.done():
        ready.set_exception(EOFError())
