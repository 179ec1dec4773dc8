"""Many calls of real servers: how many run at once, what is cancelled, what docs/bulk.md shows."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from reactivex import Subject
from reactivex import operators as ops

from rxgradio import Client
from rxgradio.bulk import MapResult
from tests.contract.app import Seen
from tests.live.servers.run import Server

SOON = 60.0
MANY = 10_000
PLACES = 16


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


def memory() -> float:
    """Return how much memory this process has, in MB."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def at_once(ledger: list[str]) -> int:
    """Return how many calls ran at a time, as the server has it."""
    running = most = 0
    for entry in ledger:
        running += {"started": 1, "finished": -1}[entry]
        most = max(most, running)
    return most


@pytest.mark.skipif(not Path("/proc").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("server", ["6.31.0"], indirect=True)
@pytest.mark.timeout(600)
def test_many_calls_never_exceed_their_places_and_hold_flat_memory(
    client: Client, server: Server, tag: str
) -> None:
    sleep = client.endpoint("/sleep")
    held: list[float] = []
    pulled = 0
    behind: list[int] = []

    def inputs() -> Iterator[tuple[str, float]]:
        nonlocal pulled
        for _ in range(MANY):
            pulled += 1
            yield (tag, 0.0)

    def observe(result: MapResult) -> None:
        assert result.output == f"slept {tag}"
        behind.append(pulled - result.index)
        if result.index % (MANY // 10) == 0:
            gc.collect()
            held.append(memory())

    calls = sleep.map(inputs(), max_concurrent=PLACES, unpack=True)
    assert calls.pipe(ops.do_action(observe), ops.count()).run() == MANY
    ledger = server.ledger(tag)
    assert len(ledger) == 2 * MANY
    assert at_once(ledger) <= PLACES
    assert max(behind) <= PLACES
    # What a first tenth takes is warming up.
    # What is left after that is a small part of what the calls themselves take.
    assert max(held[2:]) - held[1] < 20
    threads = [each.name for each in threading.enumerate()]
    assert sum(name.startswith("rxgradio") for name in threads) <= 1 + 16


def test_a_map_is_right_and_keeps_to_its_places(client: Client, server: Server, tag: str) -> None:
    sleep = client.endpoint("/sleep")
    inputs = [(tag, 0.01 * (n % 3)) for n in range(60)]
    found = sleep.map(inputs, max_concurrent=5, unpack=True).pipe(ops.to_list()).run()
    assert [each.index for each in found] == list(range(60))
    assert {each.output for each in found} == {f"slept {tag}"}
    ledger = server.ledger(tag)
    assert len(ledger) == 120
    assert at_once(ledger) <= 5


def test_disposing_of_a_map_leaves_nothing_running(
    client: Client, server: Server, tag: str
) -> None:
    mine = client.submit(f"{tag}-mine", 20, 0.05, api_name="/forever")
    inputs = [(f"{tag}-{n}", 2000, 0.05) for n in range(20)]
    seen = Seen()
    forever = client.endpoint("/forever")
    subscription = forever.map(inputs, max_concurrent=4, unpack=True).subscribe(seen)
    for n in range(4):
        server.await_ledger(f"{tag}-{n}", "tick 0")
    subscription.dispose()
    if server.version not in LEFT_OPEN:
        for n in range(4):
            server.await_ledger(f"{tag}-{n}", "closed")
    assert mine.result(SOON) == "tick 19"
    assert server.ledger(f"{tag}-4") == []
    assert seen.values == []


LEFT_OPEN = {"4.44.1"}
"""Which asks a cancelled generator for nothing more, but does not close it."""


def test_of_ten_keystrokes_nine_calls_are_cancelled(
    client: Client, server: Server, tag: str
) -> None:
    """Type-ahead: what is superseded does not run on."""
    keys: Subject[tuple[str, int, float]] = Subject()
    seen = Seen()
    keys.pipe(client.endpoint("/forever").latest(unpack=True)).subscribe(seen)
    for n in range(10):
        ticks = 2000 if n < 9 else 5
        keys.on_next((f"{tag}-{n}", ticks, 0.05))
        server.await_ledger(f"{tag}-{n}", "started")
    keys.on_completed()
    seen.wait()
    assert seen.error is None
    assert seen.outputs[-1] == "tick 4"
    if server.version not in LEFT_OPEN:
        for n in range(9):
            server.await_ledger(f"{tag}-{n}", "closed")
    ledgers = [server.ledger(f"{tag}-{n}") for n in range(10)]
    assert sum("started" in each for each in ledgers) == 10
    assert ["finished" in each for each in ledgers] == [False] * 9 + [True]


def test_the_examples_of_the_chapter_run_from_top_to_bottom(demo_app: str) -> None:
    chapter = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", chapter, re.DOTALL | re.MULTILINE)
    address = "http://127.0.0.1:7860"
    code = "".join(blocks)
    assert address in code
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace(address, demo_app)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # The first example does not wait, and may print between the others.
    results = ["0 6.0", "1 3.0", "2 cannot divide by zero", "3 2.0", "done"]
    printed = done.stdout.splitlines()
    assert [line for line in printed if line in results] == results
    assert [line for line in printed if line not in results] == [
        *("6.0", "3.0", "cannot divide by zero"),
        *("1/3", "2/3", "3/3"),
        "MapProgress(done=3, failed=1, in_flight=0, total=3)",
        *("1.5", "1.2"),
        "desserts",
        "failed: cannot divide by zero",
        "['desserts', 'stressed']",
        "AppError('cannot divide by zero')",
    ]
