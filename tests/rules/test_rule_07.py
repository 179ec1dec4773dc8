"""7. What a callback or an observer raises is its own trouble.

The others of the same job, its result, its readers, and the jobs that follow do not
notice; it is logged, never printed, and no thread of the library dies of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import Client, Job
from rxgradio.runtime.process import delivery
from tests.rules.faces import Faces, Strict
from tests.rules.served import SOON, Served

STEPS = 10
WORDS = ["w" * n for n in range(1, STEPS + 1)]


class BombError(Exception):
    """What somebody's code raises."""


def explode(*_: Any) -> None:
    raise BombError


def quit_(*_: Any) -> None:
    raise SystemExit(3)


RAISERS: dict[str, Callable[[Job], object]] = {
    "on_next": lambda job: job.updates.subscribe(explode, lambda _: None),
    "on_completed": lambda job: job.updates.subscribe(on_completed=explode),
    "on_error": lambda job: job.updates.subscribe(on_error=explode),
    "an operator": lambda job: job.updates.pipe(ops.map(explode)).subscribe(on_error=explode),
    "SystemExit in on_next": lambda job: job.updates.subscribe(quit_, lambda _: None),
    "a done-callback": lambda job: job.add_done_callback(explode),
    "SystemExit in a done-callback": lambda job: job.add_done_callback(quit_),
}


@pytest.mark.parametrize("where", RAISERS)
@pytest.mark.parametrize("api_name", ["/flow", "/fail"])
def test_rule_07_what_one_raises_harms_nobody_else(
    served: Served, where: str, api_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "rxgradio")
    with Client(served.url) as client:
        job = client.submit("x", 3, api_name=api_name)
        before = Faces(job)
        RAISERS[where](job)
        RAISERS[where](job)
        after = Faces(job)
        served.open_gate("x")
        outputs = ["x 0", "x 1", "x 2"]
        end = before.all_told(outputs)
        assert end == after.all_told(outputs)
        RAISERS[where](job)  # late
        assert Faces(job).all_told(outputs) == end
        assert end[0] == ("completed" if api_name == "/flow" else "AppError")
        assert client.submit("y", api_name="/echo").result(SOON) == "y"
        assert delivery().drain(SOON)


def test_rule_07_result_callbacks_that_raise_leave_the_others_their_turn(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []
    done = threading.Event()
    with Client(served.url) as client:
        job = client.submit(
            "x",
            api_name="/echo",
            result_callbacks=[explode, called.append, explode, lambda _: done.set()],
        )
        assert done.wait(SOON)
        assert job.result(SOON) == "x"
        assert called == ["x"]
        assert delivery().drain(SOON)
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == 2
    assert all(record.name.startswith("rxgradio") for record in logged)


def test_rule_07_an_observer_that_raised_is_called_no_more(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """As Reactive Streams has it (2.13): it counts as having left."""
    caplog.set_level(logging.CRITICAL, "rxgradio")
    calls: list[object] = []

    def once(update: object) -> None:
        calls.append(update)
        raise BombError

    with Client(served.url) as client:
        job = client.submit(STEPS, api_name="/words")
        job.updates.subscribe(once, calls.append, lambda: calls.append("completed"))
        whole = Strict()
        job.updates.subscribe(whole)
        assert whole.ended.wait(SOON)
        assert whole.outputs == WORDS
        assert delivery().drain(SOON)
        assert len(calls) == 1


def test_rule_07_a_cold_stream_whose_observer_raises_harms_no_other(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "rxgradio")
    with Client(served.url) as client:
        call = client.observe(STEPS, api_name="/words")
        call.subscribe(explode, lambda _: None)
        whole = Strict()
        call.subscribe(whole)
        assert whole.ended.wait(SOON)
        assert whole.outputs == WORDS
        assert client.submit("y", api_name="/echo").result(SOON) == "y"


def test_rule_07_many_that_raise_use_up_no_thread(
    serve: Callable[[], Served], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "rxgradio")
    with Client(serve().url) as client:
        for _ in range(100):
            job = client.submit("x", api_name="/echo")
            for add in RAISERS.values():
                add(job)
        assert delivery().drain(SOON)
        assert client.submit("y", api_name="/echo").result(SOON) == "y"
        seen = Strict()
        client.submit("y", api_name="/echo").updates.subscribe(seen)
        assert seen.ended.wait(SOON)
