"""9. Nothing is lost: every job that was submitted ends, and ends right.

With a healthy server all of them complete, whatever their number; with a failing one,
each says what happened; and what the user cancels is all that is cancelled.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed

import pytest

from rxgradio import Client, ConnectionLost, Job, QueueFull
from tests.rules.served import SOON, Served

LONG = 60.0


@pytest.mark.parametrize("count", [1, 2, 7, 60, 400])
def test_rule_09_all_of_a_burst_end_right(served: Served, count: int) -> None:
    with Client(served.url) as client:
        jobs = {client.submit(f"{count}/{n}", api_name="/echo"): n for n in range(count)}
        assert {jobs[job]: job.result() for job in as_completed(jobs, LONG)} == {
            n: f"{count}/{n}" for n in range(count)
        }
    assert Counter(served.called) == {("/echo", (f"{count}/{n}",)): 1 for n in range(count)}


def test_rule_09_all_of_many_threads_of_many_clients_end_right(served: Served) -> None:
    def calls(client: Client, thread: int) -> list[object]:
        return [client.predict(f"{thread}/{n}", api_name="/echo") for n in range(10)]

    clients = [Client(served.url) for _ in range(3)]
    try:
        with ThreadPoolExecutor(12) as threads:
            found = [threads.submit(calls, clients[n % 3], n) for n in range(12)]
            for n, each in enumerate(found):
                assert each.result(LONG) == [f"{n}/{i}" for i in range(10)]
    finally:
        for client in clients:
            client.close()


def test_rule_09_streams_at_once_each_yield_all_of_their_own(served: Served) -> None:
    with Client(served.url) as client:
        jobs = [client.submit(f"{n}", 8, api_name="/flow") for n in range(60)]
        for n in range(60):
            served.open_gate(f"{n}")
        for n, job in enumerate(jobs):
            assert job.result(LONG) == f"{n} 7"
            assert job.outputs() == [f"{n} {i}" for i in range(8)]


def test_rule_09_calls_that_begin_when_others_end_are_not_lost(served: Served) -> None:
    """Each end makes the next call, so that joins race with the end of the stream."""
    left = threading.Semaphore(0)
    wrong: list[object] = []

    with Client(served.url) as client:

        def again(n: int) -> None:
            job = client.submit(n, api_name="/echo")

            def check(_: object) -> None:
                if job.exception() is not None or job.result() != n:
                    wrong.append(job.exception() or job.result())
                elif n:
                    again(n - 1)
                    return
                left.release()

            job.add_done_callback(check)

        for _ in range(3):
            again(40)
        for _ in range(3):
            assert left.acquire(timeout=LONG)
    assert wrong == []


def test_rule_09_what_waits_in_a_queue_comes_in_its_turn(served: Served) -> None:
    with Client(served.url) as client:
        jobs = [client.submit(f"{n}", api_name="/single") for n in range(20)]
        for n in range(20):
            served.open_gate(f"{n}")
        assert [job.result(LONG) for job in jobs] == [f"{n}" for n in range(20)]
    assert len(served.called) == 20


def test_rule_09_only_what_one_cancels_is_cancelled(served: Served) -> None:
    chance = random.Random(9)
    with Client(served.url) as client:
        jobs: list[Job] = []
        victims: list[Job] = []
        for n in range(150):
            jobs.append(client.submit(f"{n}", 2, api_name="/flow"))
            if chance.random() < 0.3:
                victims.append(jobs[-1])
                threading.Thread(target=jobs[-1].cancel).start()
            served.open_gate(f"{n}")
        ends = Counter(_ended(job, f"{n} 1") for n, job in enumerate(jobs))
        cancelled = [job for job in jobs if job.cancelled()]
        assert ends == {"completed": 150 - len(cancelled), "cancelled": len(cancelled)}
        assert set(cancelled) <= set(victims)


def test_rule_09_calls_that_have_no_room_say_so_and_the_others_complete(
    serve: Callable[..., Served],
) -> None:
    for version in ("3.50.2", "4.8.0", "4.44.1", "6.31.0"):
        served = serve(version, max_size=5)
        with Client(served.url) as client:
            jobs = [client.submit(f"{n}", api_name="/single") for n in range(30)]
            for n in range(30):
                served.open_gate(f"{n}")
            ends = Counter(_ended(job, f"{n}") for n, job in enumerate(jobs))
            assert set(ends) <= {"completed", QueueFull.__name__}
            assert ends.total() == 30
            # The server's word and ours: what it ran is what completed, no more and no less.
            assert ends["completed"] == len(served.called)


def test_rule_09_calls_during_an_accident_say_so_and_those_after_it_complete(
    served: Served,
) -> None:
    with Client(served.url) as client:
        before = [client.submit(f"b{n}", 2, api_name="/flow") for n in range(20)]
        for job in before:
            next(iter(job))
        served.restart()
        during = [client.submit(f"d{n}", 2, api_name="/flow") for n in range(20)]
        for n in range(20):
            served.open_gate(f"b{n}")
            served.open_gate(f"d{n}")
        assert {_ended(job, "") for job in before} == {ConnectionLost.__name__}
        ends = {_ended(job, f"d{n} 1") for n, job in enumerate(during)}
        assert ends <= {"completed", ConnectionLost.__name__}
        after = [client.submit(f"a{n}", api_name="/echo") for n in range(20)]
        assert [job.result(SOON) for job in after] == [f"a{n}" for n in range(20)]


def _ended(job: Job, expected: object) -> str:
    try:
        error = job.exception(LONG)
    except CancelledError:
        return "cancelled"
    if error is not None:
        return type(error).__name__
    assert job.result() == expected
    return "completed"
