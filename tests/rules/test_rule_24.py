"""24. A process with rxgradio in it behaves as one expects of a process.

Importing starts nothing. It ends within moments, with the right code, however it ends
(the last line, `sys.exit`, an exception, Ctrl-C), although jobs run on a server that
never answers; no thread of the library writes a traceback to stderr; and a child that was
forked is told what it cannot use, and can make its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import rxgradio
from rxgradio.testing import Hang
from tests.rules.served import Served

ROOT = Path(rxgradio.__file__).parents[1]

SOON = 60.0

PROMPT = 4.0
"""Three seconds, of which two are ours, and one for a busy machine."""

VERSIONS = ("3.50.2", "4.8.0", "4.22.0", "6.31.0")

EACH = pytest.mark.parametrize("version", VERSIONS)

PREAMBLE = """
import asyncio, multiprocessing, os, signal, sys, threading, time
from rxgradio import *
url = sys.argv[1]
client = Client(url)
jobs = [client.submit(f"{n}", 3, api_name="/flow") for n in range(5)]
for job in jobs:
    next(iter(job))
    job.updates.subscribe(lambda update: None, lambda error: None)
"""


def start(code: str, url: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str]) -> None:
    """Kill a process, and its children, who would keep its output open."""
    os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()


def ended(process: subprocess.Popen[str], within: float = SOON) -> tuple[int, str, str]:
    """Wait for the end of a process that has said that it is ready for it."""
    watchdog = threading.Timer(SOON, stop, [process])
    watchdog.start()
    try:
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            assert said == "ready\n", process.stderr.read()
            before = time.monotonic()
            out, err = process.communicate()
            assert time.monotonic() - before < within
            return process.returncode, out, err
    finally:
        watchdog.cancel()


@pytest.fixture(params=VERSIONS)
def silent(request: pytest.FixtureRequest, serve: Callable[[str], Served]) -> Served:
    """Serve an app that gives each call one output, and then says nothing more to anybody."""
    server = serve(request.param)
    server.script("cancel", Hang())
    return server


@pytest.mark.parametrize("module", ["rxgradio", "rxgradio.exceptions", "rxgradio.testing"])
def test_rule_24_importing_starts_nothing_and_opens_nothing(module: str) -> None:
    code = f"""
import threading, os
before = len(os.listdir("/dev/fd"))
import {module}
print(threading.active_count(), len(os.listdir("/dev/fd")) - before)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1 0\n", "")


ENDS = {
    "the last line": ("pass", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "sys.exit with a text": ("sys.exit('enough')", 1, "enough\n"),
    "an exception": ("raise ValueError('mine')", 1, "ValueError: mine\n"),
    "sys.exit while a thread waits": (
        "threading.Thread(target=jobs[0].exception, daemon=True).start(); sys.exit(4)",
        4,
        "",
    ),
    "a loop that is left": ("asyncio.run(asyncio.sleep(0)); sys.exit(5)", 5, ""),
    "os._exit": ("os._exit(6)", 6, ""),
}

WARNED = "while 5 of its jobs ran"


@pytest.mark.parametrize("how", ENDS)
def test_rule_24_it_ends_at_once_with_jobs_running(silent: Served, how: str) -> None:
    statement, code, said = ENDS[how]
    process = start(f"{PREAMBLE}\nprint('ready', flush=True)\n{statement}\n", silent.url)
    returned, out, err = ended(process, PROMPT)
    assert (returned, out) == (code, "")
    assert err.count("Traceback") == (1 if how == "an exception" else 0)
    assert said in err
    if how != "os._exit":
        assert err.count(WARNED) == 1  # the only word of ours
        assert err.count("\n") <= 1 + (4 if how == "an exception" else said.count("\n"))
    silent.until(lambda: silent.open == 0)


WAITS = {
    "result": "jobs[0].result()",
    "predict": "client.predict('x', 3, api_name='/flow')",
    "for": "list(jobs[0])",
    "wait": "import concurrent.futures; concurrent.futures.wait(jobs)",
    "await": "async def main():\n    await jobs[0]\nasyncio.run(main())",
    "run": "jobs[0].updates.run()",
    "connecting": "Client(url, auth=('user', 'word'))",
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("wait", WAITS)
def test_rule_24_ctrl_c_ends_every_wait_and_the_process(silent: Served, wait: str) -> None:
    silent.script("login", Hang())
    # The signal comes from within, when the main thread waits.
    code = f"""{PREAMBLE}
print("ready", flush=True)
def interrupt():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
{WAITS[wait]}
"""
    returned, out, err = ended(start(code, silent.url), PROMPT)
    assert returned in {-signal.SIGINT, 130}
    assert out == ""
    assert err.count("KeyboardInterrupt") >= 1
    assert "Exception in thread" not in err
    assert "Exception ignored" not in err
    assert "never retrieved" not in err
    assert err.count("of its jobs ran") == 1
    silent.until(lambda: silent.open == 0)


def test_rule_24_after_ctrl_c_was_caught_everything_works_on(silent: Served) -> None:
    code = f"""{PREAMBLE}
print("ready", flush=True)
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    jobs[0].result()
except KeyboardInterrupt:
    print(jobs[0].done(), client.predict("x", api_name="/echo"))
print(all(job.cancel() for job in jobs))
client.close()
"""
    assert ended(start(code, silent.url)) == (0, "False x\nTrue\n", "")


FORKED = f"""{PREAMBLE}
def child():
    for attempt in (
        lambda: client.submit("x", api_name="/echo"),
        lambda: client.predict("x", api_name="/echo"),
        jobs[0].result,
        lambda: list(jobs[0]),
    ):
        try:
            attempt()
        except ClientClosed as error:
            assert "belongs to the parent process" in str(error)
        else:
            raise AssertionError("the child may use what is its parent's")
    client.close()
    assert jobs[0].cancel() is False
    with Client(url) as own:
        assert own.predict("child", api_name="/echo") == "child"
        assert len(list(own.submit(3, api_name="/words"))) == 3
"""


@EACH
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork there")
def test_rule_24_a_forked_child_is_told_and_makes_its_own(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    code = f"""{FORKED}
print("ready", flush=True)
pid = os.fork()
if pid == 0:
    child()
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
print(client.predict("parent", api_name="/echo"), any(job.done() for job in jobs))
client.close()
"""
    assert ended(start(code, server.url)) == (0, "parent False\n", "")


@EACH
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork there"
)
def test_rule_24_multiprocessing_works_with_fork(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    code = f"""{FORKED}
def call(n):
    with Client(url) as own:
        return own.predict(n, api_name="/echo")

print("ready", flush=True)
context = multiprocessing.get_context("fork")
process = context.Process(target=child)
process.start()
process.join()
with context.Pool(3) as pool:
    print(process.exitcode, pool.map(call, range(6)))
print(client.predict("parent", api_name="/echo"), any(job.done() for job in jobs))
client.close()
"""
    out = "0 [0, 1, 2, 3, 4, 5]\nparent False\n"
    assert ended(start(code, server.url)) == (0, out, "")


def test_rule_24_a_fork_in_the_middle_of_everything_harms_nobody(
    serve: Callable[[], Served],
) -> None:
    """Locks that some thread holds at that moment are not the child's."""
    server = serve()
    code = """
import os, sys, threading
from rxgradio import *
url = sys.argv[1]
client = Client(url)
stop = threading.Event()
wrong = []
def work():
    while not stop.is_set():
        for job in [client.submit("x", api_name="/echo") for _ in range(10)]:
            job.add_done_callback(lambda job: None)
            wrong.extend([] if job.result() == "x" else ["?"])
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
print("ready", flush=True)
for _ in range(15):
    pid = os.fork()
    if pid == 0:
        with Client(url) as own:
            code = 0 if own.predict("y", api_name="/echo") == "y" else 1
        os._exit(code)
    wrong.extend([] if os.waitpid(pid, 0)[1] == 0 else ["child"])
stop.set()
for thread in threads:
    thread.join()
client.close()
print(wrong)
"""
    assert ended(start(code, server.url)) == (0, "[]\n", "")


def test_rule_24_a_client_that_is_collected_at_any_time_says_nothing(silent: Served) -> None:
    """In a cycle, with jobs that have ended and some that have not, and at the very end."""
    code = f"""{PREAMBLE}
import gc
class Holder:
    pass
def drop(n):
    holder = Holder()
    holder.me, holder.client = holder, Client(url)
    holder.job = holder.client.submit("x", api_name="/echo")
    if n % 2:
        holder.job.result()
for n in range(10):
    drop(n)
    if n % 3 == 0:
        gc.collect()
class Late:
    def __init__(self, client): self.client = client
    def __del__(self): self.client.close()
late = Late(Client(url))
for job in jobs:
    job.cancel()
client.close()
print("ready", flush=True)
"""
    assert ended(start(code, silent.url), PROMPT) == (0, "", "")
    silent.until(lambda: silent.open == 0)
