"""How a process begins and ends with rxgradio in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

SOON = 20.0

PREAMBLE = """
import os, sys, threading, time
from rxgradio import *
from tests.contract.conftest import App
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


IMPORT = """
import sys, threading, rxgradio
heavy = [name for name in ("httpx", "aiohttp", "rich", "gradio") if name in sys.modules]
print(threading.active_count(), heavy)
"""


def test_importing_starts_no_thread_and_loads_no_network_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "1 []"


def test_the_interpreter_exits_soon_with_jobs_running_and_says_so_once() -> None:
    started = time.monotonic()
    done = run(
        """
        client = App().connect()
        jobs = [client.submit("x", api_name="/gated") for _ in range(5)]
        jobs[0].updates.subscribe(on_error=lambda e: print(type(e).__name__, flush=True))
        """
    )
    assert done.returncode == 0
    assert time.monotonic() - started < SOON
    assert done.stdout.split() == ["ClientClosed"]
    assert done.stderr.count("\n") == 1
    assert "while 5 of its jobs ran" in done.stderr


def test_due_callbacks_are_delivered_before_the_interpreter_exits() -> None:
    done = run(
        """
        client = App().connect()
        job = client.submit("x", api_name="/echo")
        job.result()
        job.add_done_callback(lambda job: (time.sleep(0.1), print(job.result(), flush=True)))
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("x\n", "", 0)


def test_sys_exit_and_an_exception_end_the_process_too() -> None:
    for ending, code in (("sys.exit(3)", 3), ("raise ValueError('mine')", 1)):
        done = run(
            f"""
            client = App().connect()
            job = client.submit("x", api_name="/gated")
            {ending}
            """
        )
        assert done.returncode == code
        assert "while 1 of its jobs ran" in done.stderr


def test_a_blocked_callback_does_not_keep_the_process() -> None:
    started = time.monotonic()
    done = run(
        """
        client = App().connect()
        job = client.submit("x", api_name="/echo")
        job.add_done_callback(lambda job: threading.Event().wait())
        job.result()
        """
    )
    assert done.returncode == 0
    assert time.monotonic() - started < SOON
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("wait", ["job.result()", "list(job)"])
def test_ctrl_c_interrupts_waiting(wait: str) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PREAMBLE
            + textwrap.dedent(
                f"""
                client = App().connect()
                job = client.submit("x", api_name="/gated")
                try:
                    job.updates.subscribe(
                        lambda u: getattr(u, "code", None) is Status.PROCESSING
                        and print("running", flush=True),
                        lambda e: None,
                    )
                    {wait}
                except KeyboardInterrupt:
                    print("interrupted", job.done(), job.cancel(), flush=True)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(SOON, process.kill)
    watchdog.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    watchdog.cancel()
    assert out == "interrupted False True\n"
    assert err == ""
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork there")
def test_after_a_fork_the_child_is_told_and_can_make_its_own() -> None:
    done = run(
        """
        client = App().connect()
        client.predict("x", api_name="/echo")
        job = client.submit("x", api_name="/gated")
        child = os.fork()
        if child == 0:
            try:
                client.submit("x", api_name="/echo")
            except ClientClosed as error:
                print(error, flush=True)
            try:
                job.result()
            except ClientClosed as error:
                print(error, flush=True)
            client.close()
            app = App()
            with app.connect() as own:
                print(own.predict("y", api_name="/echo"), flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(client.predict("z", api_name="/echo"), flush=True)
        job.cancel()
        client.close()
        """
    )
    assert done.stdout.splitlines() == [
        "this client belongs to the parent process; make a new one here",
        "this job belongs to the parent process, and only there it ends",
        "y",
        "z",
    ]
    assert done.returncode == 0


def test_closing_after_the_end_of_the_loop_does_nothing() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            "import atexit\natexit.register(lambda: client.close())\n"
            + PREAMBLE
            + "client = App().connect()\n",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
