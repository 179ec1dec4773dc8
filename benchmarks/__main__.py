"""Run the benchmark: `python -m benchmarks [--quick] [--only NAME…] [--json FILE]`.

Each repetition of a scenario by a client is a process of its own, and the clients take
turns: a machine that gets slower for a minute makes all of them slower.
"""

from __future__ import annotations

__all__: list[str] = []

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from .clients import CLIENTS, Library
from .report import Run, show
from .scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure what the command line asks for, and show it."""
    arguments = _arguments()
    if not Path("/proc/self/status").exists():
        sys.exit("The benchmark reads memory and threads from /proc, so it needs Linux.")
    environment = _environment()
    _tell(" ".join(f"{name} {value}," for name, value in environment.items()).rstrip(","))
    runs: list[Run] = []
    try:
        with TemporaryDirectory() as compiled, _server() as url:
            bench = Bench(url, compiled)
            runs.extend(bench.run(arguments.only, arguments.clients, quick=arguments.quick))
    finally:
        show(runs)
        if arguments.json is not None:
            found = {"environment": environment, "runs": [asdict(run) for run in runs]}
            arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


class Bench:
    """A server to measure against, and an environment to measure in."""

    def __init__(self, url: str, compiled: str) -> None:
        self._url = url
        self._environment = _quiet_environment(compiled)

    def run(self, scenarios: list[str], clients: list[str], *, quick: bool) -> Iterator[Run]:
        """Measure every repetition of every scenario, the clients taking turns."""
        missing = {name: self._why_unusable(CLIENTS[name]) for name in clients}
        given_up: dict[tuple[str, str], str] = {}
        # A scenario that a quick run leaves out may have been asked for by its name.
        times = {name: SCENARIOS[name].times(quick=quick) or 1 for name in scenarios}
        for repetition in range(max(times.values())):
            turn = repetition % len(clients)
            for scenario in (SCENARIOS[it] for it in scenarios if repetition < times[it]):
                size = scenario.quick_size if quick and scenario.quick_size else scenario.size
                for client in clients[turn:] + clients[:turn]:
                    key = scenario.name, client
                    metrics: dict[str, float] = {}
                    failed = missing[client] or given_up.get(key)
                    if failed is None:
                        metrics, failed = self._measure(scenario, client, size)
                    if failed is not None and failed.startswith("timeout"):
                        # It would only time out again.
                        given_up[key] = failed
                    yield Run(client, scenario.name, size, repetition, metrics, failed)

    def _measure(
        self, scenario: Scenario, client: str, size: int
    ) -> tuple[dict[str, float], str | None]:
        start = time.monotonic()
        found = self._work(scenario, client, size)
        failed = found.pop("failed", None)
        _tell(f"{time.monotonic() - start:6.1f} s  {scenario.name:12} {client:14} {failed or ''}")
        return found, failed

    def _work(self, scenario: Scenario, client: str, size: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.worker", client, scenario.name]
        worker = subprocess.Popen(
            [*command, self._url, str(size)],
            cwd=_ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own, so that what a worker starts ends with it.
            start_new_session=True,
        )
        try:
            output, errors = worker.communicate(timeout=scenario.timeout)
        except BaseException as error:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.communicate()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return {"failed": f"timeout ({scenario.timeout:.0f} s)"}
        return _last_line(output, errors, worker.returncode)

    def _why_unusable(self, library: Library) -> str | None:
        """Import a client, and use it once: this also compiles it, and no measurement has to.

        Only an import that fails rules it out; what fails later, its scenarios will tell.
        """
        try:
            subprocess.run(
                [sys.executable, "-c", library.imports],
                cwd=_ROOT,
                env=self._environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
        except subprocess.CalledProcessError as error:
            return str((error.stderr.strip().splitlines() or ["cannot be imported"])[-1])
        except subprocess.TimeoutExpired as error:
            return f"timeout ({error.timeout:.0f} s)"
        for rehearsed in ("cold_start", "drain_chat", "cancel"):
            self._work(SCENARIOS[rehearsed], library.name, 1)
        return None


def _last_line(output: str, errors: str, code: int) -> dict[str, Any]:
    lines = output.strip().splitlines()
    if code == 0 and lines:
        return dict(json.loads(lines[-1]))
    last = errors.strip().splitlines()[-1:]
    return {"failed": f"exit {code}: {' '.join(last)}"}


@contextmanager
def _server() -> Iterator[str]:
    """Run the server, which ends when its stdin does: also when this process is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        ready = server.stdout.readline().split()
        if ready[:1] != ["READY"]:
            sys.exit("The server did not start.")
        try:
            yield f"http://127.0.0.1:{ready[1]}"
        finally:
            server.stdin.close()


def _quiet_environment(compiled: str) -> dict[str, str]:
    """Give the workers an environment in which nothing leaves the machine.

    They compile into a directory of this run: it is filled before anything is measured,
    whether or not the installed packages came compiled.
    """
    kept = {name: it for name, it in os.environ.items() if not name.lower().endswith("_proxy")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        "PYTHONPYCACHEPREFIX": compiled,
        # `analytics_enabled=False` alone does not stop the telemetry of `gradio_client`.
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def _environment() -> dict[str, str]:
    versions = {"python": platform.python_version(), "cores": str(os.cpu_count())}
    for package in ("gradio_client", "httpx", "aiohttp", "orjson", "reactivex"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    return versions | {"load": f"{os.getloadavg()[0]:.1f}"}


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller sizes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=SCENARIOS, default=[])
    parser.add_argument(
        "--clients", nargs="+", metavar="NAME", choices=CLIENTS, default=list(CLIENTS)
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every repetition here")
    arguments = parser.parse_args()
    arguments.only = arguments.only or [
        name for name, it in SCENARIOS.items() if it.times(quick=arguments.quick)
    ]
    return arguments


if __name__ == "__main__":
    main()
