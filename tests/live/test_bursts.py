"""Thousands of short calls, in bursts of every size: none is lost, and threads stay few."""

from __future__ import annotations

import threading

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import Client, OutputUpdate
from tests.live.servers.run import Server

SOON = 90.0


def test_no_call_of_a_burst_of_any_size_is_lost(server: Server) -> None:
    with Client(server.url) as client:
        echo = client.endpoint("/echo")
        # Where each call has a connection of its own, there is no stream to race with.
        alone = server.version in {"3.36.1", "3.50.2", "4.8.0"}
        sizes = [1, 2, 3, 20, 250] if alone else [*range(1, 40), 60, 90, 150, 250]
        sent = 0
        for size in sizes:
            jobs = [echo.submit(f"{size}/{n}") for n in range(size)]
            sent += size
            for n, job in enumerate(jobs):
                assert job.result(SOON) == f"{size}/{n}"
        assert sent > 250


def test_no_call_is_lost_while_others_end(server: Server) -> None:
    """Each result makes the next call, so joins race with the end of the stream all the time."""
    left = threading.Semaphore(0)
    wrong: list[object] = []

    with Client(server.url) as client:
        echo = client.endpoint("/echo")

        def again(n: int) -> None:
            job = echo.submit(str(n))

            def check(_: object) -> None:
                if job.exception() is not None or job.result() != str(n):
                    wrong.append(job.exception() or job.result())
                elif n:
                    again(n - 1)
                    return
                left.release()

            job.add_done_callback(check)

        for _ in range(5):
            again(60)
        for _ in range(5):
            assert left.acquire(timeout=SOON)
    assert wrong == []


@pytest.mark.parametrize("server", ["6.31.0"], indirect=True)
def test_threads_do_not_grow_with_the_number_of_calls(server: Server) -> None:
    with Client(server.url) as client:
        client.predict("x", api_name="/echo")
        before = threading.active_count()
        jobs = [client.submit(5, 0.05, api_name="/tokens") for _ in range(150)]
        streams = [job.updates.pipe(ops.filter(_is_final)) for job in jobs]
        during = threading.active_count()
        finals = reactivex.merge(*streams).pipe(ops.to_list()).run()
        assert len(finals) == 150
        assert during <= before + 1
        ours = [t for t in threading.enumerate() if t.name.startswith("rxgradio")]
        assert len(ours) <= 1 + 64


def _is_final(update: object) -> bool:
    return isinstance(update, OutputUpdate) and update.final
