"""What is measured, and how: one function for each scenario, run in a process of its own.

A scenario checks what it gets: a client that is fast and wrong fails. Where losing is
what is counted, a wrong answer is a lost job and not a failure.
"""

from __future__ import annotations

__all__ = ["SCENARIOS", "Metric", "Scenario"]

import gc
import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import CancelledError
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Self

from . import gauges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .clients import Client, Job, Library

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a scenario gives, and how to read it. Less is better, for every one."""

    name: str
    unit: str
    # A count of what went wrong: of repetitions the worst is shown, and there is no ratio.
    counts_mistakes: bool = False

    @property
    def label(self) -> str:
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something to measure; `title` and `size` say how much of it."""

    name: str
    title: str
    measure: Callable[[Library, str, int], Metrics]
    metrics: tuple[Metric, ...]
    size: int = 1
    quick_size: int | None = None
    repetitions: int = 5
    quick_repetitions: int = 2
    # Generous: `gradio_client` needs 20 s for one output of 32 MB.
    timeout: float = 120

    def times(self, *, quick: bool) -> int:
        """Tell how often to repeat it; a quick run leaves the longest out."""
        return self.quick_repetitions if quick else self.repetitions


def imports(library: Library, _url: str, _size: int) -> Metrics:
    """Import the client, and compare with a process that imports nothing."""
    bare = _import_in_a_process("pass")
    client = _import_in_a_process(library.imports)
    return {name: client[name] - bare[name] for name in bare}


def _import_in_a_process(statement: str) -> Metrics:
    # Not in this process, which has already imported much of what the clients import.
    output = _run(
        "import time; start = time.perf_counter()\n"
        f"{statement}\n"
        "wall = time.perf_counter() - start\n"
        "status = open('/proc/self/status').read()\n"
        "print(wall * 1000, int(status.split('VmRSS:')[1].split()[0]) / 1024)"
    )
    wall, rss = output.split()[-2:]
    return {"wall": float(wall), "RSS": float(rss)}


def connect(library: Library, url: str, _size: int) -> Metrics:
    """Connect for the first time in a process, and then again."""
    library.load()
    (first, client), (again, _) = (_timed(lambda: library.connect(url)) for _ in range(2))
    _expect(client.predict("x", api_name="/echo"), "x")
    return {"first": first * 1000, "again": again * 1000}


def cold_start(library: Library, url: str, _size: int) -> Metrics:
    """Run a whole script: import, connect, call once, exit."""
    wall, _ = _timed(lambda: _run(library.script(url)))
    return {"wall": wall * 1000}


def predict(library: Library, url: str, size: int) -> Metrics:
    """Call many times, one after the other."""
    client = _warm(library, url)
    walls = []
    cpu = gauges.cpu_seconds()
    for index in range(size):
        text = f"job {index}"
        start = time.perf_counter()
        answer = client.predict(text, api_name="/echo")
        walls.append((time.perf_counter() - start) * 1000)
        _expect(answer, text)
    cpu = gauges.cpu_seconds() - cpu
    return {"p50": median(walls), "p99": _percentile(walls, 99), "CPU per call": cpu * 1000 / size}


def burst(library: Library, url: str, size: int) -> Metrics:
    """Submit many calls at once, and wait for all."""
    client = _warm(library, url)
    start = time.monotonic()
    deadline = start + 90
    with gauges.ThreadPeak() as threads:
        jobs = [client.submit(f"job {index}", api_name="/echo") for index in range(size)]
        lost = sum(_is_lost(job, f"job {index}", deadline) for index, job in enumerate(jobs))
        wall = time.monotonic() - start
    return {
        "wall": wall,
        "threads": threads.peak,
        "peak RSS": gauges.peak_rss_mb(),
        "lost jobs": lost,
    }


def _is_lost(job: Job, expected: str, deadline: float) -> bool:
    try:
        return bool(job.result(timeout=max(0.05, deadline - time.monotonic())) != expected)
    except Exception:
        return True


def drain(library: Library, url: str, size: int) -> Metrics:
    """Read every value of a text that grows as fast as it is read."""
    return _drain(library, url, size, "/tokens", _length)


def drain_chat(library: Library, url: str, size: int) -> Metrics:
    """Read every value of a conversation whose last message grows."""
    return _drain(library, url, size, "/chat", lambda history: len(history[5]["content"]))


def _length(text: str) -> int:
    return len(text)


def _drain(
    library: Library, url: str, size: int, api_name: str, length: Callable[[Any], int]
) -> Metrics:
    client = _warm(library, url)
    _expect(sum(1 for _ in client.submit(10, api_name=api_name)), 10)
    with _Usage() as usage:
        lengths = [length(value) for value in client.submit(size, api_name=api_name)]
    _expect(lengths, [4 * count for count in range(1, size + 1)])
    return usage.metrics()


def result_only(library: Library, url: str, size: int) -> Metrics:
    """Wait for the last value of a growing text, and read no other."""
    client = _warm(library, url)
    _expect(client.submit(10, api_name="/tokens").result(), "tok " * 10)
    with _Usage() as usage:
        text = client.submit(size, api_name="/tokens").result()
    _expect(text, "tok " * size)
    return usage.metrics()


def paced(library: Library, url: str, size: int) -> Metrics:
    """Read a token each 20 ms; each tells when it was sent."""
    client = _warm(library, url)
    start = time.monotonic()
    reads = [
        (time.monotonic(), float(text.rsplit(None, 1)[-1]))
        for text in client.submit(size, 20, api_name="/paced")
    ]
    _expect(len(reads), size)
    delays = [(read - sent) * 1000 for read, sent in reads]
    return {
        "first output": (reads[0][0] - start) * 1000,
        "delay p50": median(delays),
        "delay p95": _percentile(delays, 95),
    }


def big(library: Library, url: str, size: int) -> Metrics:
    """Receive one output of so many megabytes."""
    client = _warm(library, url)
    with _Usage() as usage:
        text = client.predict(size, api_name="/big")
    _expect(len(text), size * 1024 * 1024)
    return usage.metrics()


def cancel(library: Library, url: str, size: int) -> Metrics:
    """Cancel a running generator, and wait until its result raises."""
    client = _warm(library, url)
    walls = []
    wrong = 0
    for _ in range(size):
        job = client.submit(1000, 20, api_name="/paced")
        next(iter(job))
        start = time.perf_counter()
        job.cancel()
        wrong += not _raises_cancelled(job)
        walls.append((time.perf_counter() - start) * 1000)
    # A client may raise before it has told the server, but tell it must.
    client.pause(1)
    return {"p50": median(walls), "not CancelledError": wrong, "left running": _running(url)}


def _raises_cancelled(job: Job) -> bool:
    try:
        job.result(timeout=20)
    except CancelledError:
        return True
    except Exception:
        return False
    return False


def _running(url: str) -> int:
    """Ask the server how many jobs it has, as a client's word would not prove it."""
    with urllib.request.urlopen(f"{url}/running") as response:
        return int(json.load(response)["running"])


def idle(library: Library, url: str, size: int) -> Metrics:
    """Wait two seconds for many jobs that say nothing."""
    client = _warm(library, url)
    jobs = [client.submit(60, api_name="/hold") for _ in range(size)]
    # All of them must have joined, or joining would be counted as waiting.
    client.pause(4)
    # `gradio_client` runs 40 at a time; fewer than that would be a client that has lost some.
    _expect(_running(url) >= min(size, 40), True)
    cpu = gauges.cpu_seconds()
    client.pause(2)
    cpu = gauges.cpu_seconds() - cpu
    del jobs
    return {"CPU": cpu * 1000, "threads": gauges.threads()}


def growth(library: Library, url: str, size: int) -> Metrics:
    """Call ten thousand times, or for as long as a minute, and see what is kept."""
    client = _warm(library, url)
    # Caches fill and arenas grow at first; that is not a leak.
    _call_for(client, size // 10, seconds=10)
    gc.collect()
    before = gauges.rss_mb()
    done = _call_for(client, size, seconds=60)
    gc.collect()
    kept = (gauges.rss_mb() - before) * 1024
    return {"kept per 1,000 jobs": kept * 1000 / done, "calls not made": size - done}


def _call_for(client: Client, calls: int, *, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    for done in range(calls):
        if time.monotonic() > deadline:
            return done
        _expect(client.predict("x", api_name="/echo"), "x")
    return calls


class _Usage:
    """Wall and CPU time of a block, and the most memory that it took on top."""

    def __enter__(self) -> Self:
        gc.collect()
        gauges.reset_peak_rss()
        self._rss = gauges.rss_mb()
        self._cpu = gauges.cpu_seconds()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._wall = time.perf_counter() - self._start
        self._cpu = gauges.cpu_seconds() - self._cpu
        self._growth = gauges.peak_rss_mb() - self._rss

    def metrics(self) -> Metrics:
        return {"wall": self._wall * 1000, "CPU": self._cpu * 1000, "RSS growth": self._growth}


def _warm(library: Library, url: str) -> Client:
    """Connect, and make the calls that load what is loaded lazily."""
    client = library.connect(url)
    for _ in range(3):
        _expect(client.predict("x", api_name="/echo"), "x")
    return client


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def _percentile(values: Iterable[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def _expect(actual: object, expected: object) -> None:
    if actual != expected:
        raise AssertionError(f"expected {expected!r:.60}, got {actual!r:.60}")


_USAGE = (Metric("wall", "ms"), Metric("CPU", "ms"), Metric("RSS growth", "MB"))

SCENARIOS = {
    it.name: it
    for it in (
        Scenario("import", "import", imports, (Metric("wall", "ms"), Metric("RSS", "MB"))),
        Scenario("connect", "connect", connect, (Metric("first", "ms"), Metric("again", "ms"))),
        Scenario("cold_start", "cold start", cold_start, (Metric("wall", "ms"),)),
        Scenario(
            "predict",
            "predict, {size} in a row",
            predict,
            (Metric("p50", "ms"), Metric("p99", "ms"), Metric("CPU per call", "ms")),
            size=200,
            quick_size=50,
        ),
        *(
            Scenario(
                f"burst_{size}",
                "burst of {size}",
                burst,
                (
                    Metric("wall", "s"),
                    Metric("threads", ""),
                    Metric("peak RSS", "MB"),
                    Metric("lost jobs", "", counts_mistakes=True),
                ),
                size=size,
                repetitions=repetitions,
                quick_repetitions=quick_repetitions,
                timeout=150,
            )
            for size, repetitions, quick_repetitions in ((100, 5, 2), (1000, 3, 1))
        ),
        Scenario("drain", "drain {size} tokens", drain, _USAGE, size=5000),
        Scenario("drain_chat", "drain {size} of a chat", drain_chat, _USAGE, size=5000),
        Scenario("result_only", "result of {size} tokens", result_only, _USAGE, size=5000),
        Scenario(
            "paced",
            "{size} tokens, 20 ms apart",
            paced,
            (Metric("first output", "ms"), Metric("delay p50", "ms"), Metric("delay p95", "ms")),
            size=100,
            quick_size=50,
        ),
        Scenario(
            "big",
            "one output of {size} MB",
            big,
            _USAGE,
            size=32,
            quick_size=8,
            repetitions=3,
        ),
        Scenario(
            "cancel",
            "cancel, {size} times",
            cancel,
            (
                Metric("p50", "ms"),
                Metric("not CancelledError", "", counts_mistakes=True),
                Metric("left running", "", counts_mistakes=True),
            ),
            size=10,
            quick_size=5,
        ),
        Scenario(
            "idle",
            "{size} idle jobs, 2 s",
            idle,
            (Metric("CPU", "ms"), Metric("threads", "")),
            size=100,
            repetitions=3,
            quick_repetitions=1,
        ),
        Scenario(
            "growth",
            "{size} calls in a row",
            growth,
            (
                Metric("kept per 1,000 jobs", "kB"),
                Metric("calls not made", "", counts_mistakes=True),
            ),
            size=10_000,
            quick_size=1000,
            repetitions=1,
            quick_repetitions=0,
        ),
    )
}
