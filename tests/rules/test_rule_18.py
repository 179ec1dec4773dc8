"""18. What a client takes does not grow with its jobs, and it leaves nothing behind.

At most 16 threads for 30 jobs, memory that stays as it is over 5,000 of them, and no
thread, socket or file after `close()`, nor after the garbage collector has taken a client
that nobody has closed. Measured in a process of its own, where nothing else is.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import rxgradio
from tests.rules.served import Served

ROOT = Path(rxgradio.__file__).parents[1]

VERSIONS = ("3.50.2", "4.8.0", "4.21.0", "6.31.0")
"""One for each way in which a call is made, and one whose streams are resumed."""

EACH = pytest.mark.parametrize("version", VERSIONS)

PREAMBLE = """
import gc, os, pathlib, re, sys, threading, time, weakref
from concurrent.futures import wait
from rxgradio import *

url = sys.argv[1]
SOON = 60

def threads():
    return threading.active_count() - 1

def files():
    return len(os.listdir("/proc/self/fd"))

def settled(count, most):
    # What was let go of may take a moment to end.
    deadline = time.monotonic() + 10
    while count() > most and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    return count()

def memory():
    gc.collect()
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")


def run(server: Served, code: str) -> list[str]:
    """Run a program with the server's address as its argument; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(code), server.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@EACH
def test_rule_18_threads_are_few_and_do_not_grow_with_the_jobs(
    serve: Callable[[str], Served], version: str
) -> None:
    """Nor with observers, callbacks and waits, even if they dawdle."""
    server = serve(version)
    server.open_gate("open")
    few, many = run(
        server,
        """
        most = 0
        def look(_):
            global most
            time.sleep(0.002)
            most = max(most, threads())
        with Client(url) as client:
            for count in (30, 300):
                most = 0
                jobs = [client.submit("open", 5, api_name="/flow") for _ in range(count)]
                for job in jobs:
                    job.updates.subscribe(look)
                    job.add_done_callback(look)
                wait(jobs, SOON)
                assert all(job.result(0) == "open 4" for job in jobs)
                most = max(most, threads())
                print(most)
        """,
    )
    assert int(few) <= 16
    assert int(many) <= 16


@EACH
def test_rule_18_memory_is_flat_over_five_thousand_jobs(
    serve: Callable[[str], Served], version: str
) -> None:
    [grown] = run(
        serve(version),
        """
        with Client(url) as client:
            def calls(count):
                for _ in range(count // 50):
                    for job in [client.submit("x", api_name="/echo") for _ in range(50)]:
                        job.add_done_callback(lambda job: None)
                        assert job.result(SOON) == "x"
            calls(1000)
            grown = []
            for _ in range(2):
                before = memory()
                calls(2500)
                grown.append((memory() - before) * 1024 // 2500)
            print(min(grown))  # what grows for good does so in both halves
        """,
    )
    assert int(grown) < 1500


def test_rule_18_a_finished_job_that_is_kept_takes_little(serve: Callable[[], Served]) -> None:
    [each] = run(
        serve(),
        """
        with Client(url) as client:
            def calls(count):
                jobs = [client.submit("x", api_name="/echo") for _ in range(count)]
                for job in jobs:
                    assert job.result(SOON) == "x"
                return jobs
            kept = calls(500)
            kept.clear()
            before = memory()
            kept = [job for _ in range(20) for job in calls(100)]
            print((memory() - before) * 1024 // len(kept))
        """,
    )
    assert int(each) < 10_000


@EACH
def test_rule_18_clients_that_are_opened_and_closed_leave_nothing(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    left_threads, left_files, grown = run(
        server,
        """
        def use(count):
            for n in range(count):
                with Client(url) as client:
                    if n % 2:
                        assert client.predict("x", api_name="/echo") == "x"
                    if n % 4 == 1:
                        client.submit(f"never", 2, api_name="/flow")
        use(20)
        before = files(), threads(), memory()
        use(200)
        print(settled(threads, before[1]) - before[1], settled(files, before[0]) - before[0])
        print((memory() - before[2]) // 200)
        """,
    )
    assert int(left_threads) <= 0
    assert int(left_files) <= 0
    assert int(grown) < 20  # kB a client
    server.until(lambda: server.open == 0)


@EACH
def test_rule_18_a_client_that_nobody_holds_is_closed(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    left = run(
        server,
        """
        with Client(url):
            pass
        before = files(), threads()
        dropped = []
        for n in range(10):
            client = Client(url)
            job = client.submit(3, api_name="/words")
            outputs = iter(job)
            next(outputs)
            assert job.result(SOON) == "www"
            dropped += [weakref.ref(client), weakref.ref(job)]
            del client, job, outputs
        settled(lambda: sum(each() is not None for each in dropped), 0)
        print(sum(each() is not None for each in dropped))
        print(max(0, settled(files, before[0]) - before[0]))
        ours = [t.name for t in threading.enumerate() if t.name.startswith("rxgradio-resolver")]
        print(len(ours))
        """,
    )
    assert left == ["0", "0", "0"]
    server.until(lambda: server.open == 0)
