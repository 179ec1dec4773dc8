"""Calls that are made again, and what their ends say of all attempts.

Beside the rules, as those who ask for `resubmit` and `wait_for_room` need to know what ran.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from reactivex import operators as ops

from rxgradio import (
    CancelOutcome,
    Client,
    ConnectionLost,
    DeadlineExceeded,
    Job,
    OutputUpdate,
    QueueFull,
    Retry,
    Status,
    connection,
)
from rxgradio.testing import Full, Gate, Hang, Peer, Refuse, Reset
from tests.contract.app import reached
from tests.rules.served import SESSIONS, SOON, VERSIONS, Served
from tests.transport.server import within

FORGETFUL = [v for v in VERSIONS if not (4, 19, 2) <= tuple(map(int, v.split("."))) <= (4, 23)]
"""Those that forget a call when its connection breaks."""

SEVERAL = Retry(attempts=3, initial=0.01)


@pytest.mark.parametrize("version", SESSIONS)
def test_a_call_that_was_accepted_was_sent_although_its_stream_was_refused(
    serve: Callable[..., Served], version: str
) -> None:
    served = serve(version)
    served.script("stream", Refuse("500 Internal Server Error"))
    with Client(served.url) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
    assert not isinstance(error, ConnectionLost) or error.sent


def test_the_end_of_all_attempts_tells_that_one_was_sent(served: Served) -> None:
    with Client(served.url, resubmit=SEVERAL) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        served.script("connect", Reset())
        served.drop_all()
        error = job.exception(SOON)
    assert isinstance(error, ConnectionLost)
    assert error.sent
    assert error.outputs == ["x 0"]


@pytest.mark.parametrize("version", FORGETFUL)
def test_a_cancel_between_attempts_does_not_say_that_nothing_was_sent(
    serve: Callable[..., Served], version: str
) -> None:
    served = serve(version)
    # The wait is drawn between nothing and this, so that it is not over before the cancel.
    weeks = Retry(attempts=9, initial=1e6, longest=1e6, budget=1e7)
    with Client(served.url, resubmit=weeks) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        served.drop_all()
        while job.status().attempt == 1:
            threading.Event().wait(0.01)
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.UNKNOWN


@pytest.mark.parametrize("version", FORGETFUL)
def test_outputs_tell_their_attempt(serve: Callable[..., Served], version: str) -> None:
    served = serve(version)
    with Client(served.url, resubmit=SEVERAL) as client:
        job = client.submit("x", 2, api_name="/flow")
        assert next(iter(job)) == "x 0"
        served.drop_all()
        served.until(lambda: len(served.called) == 2)
        served.open_gate("x")
        assert job.result(SOON) == "x 1"
        updates = job.updates.pipe(ops.to_list()).run()
        told = [each for each in updates if isinstance(each, OutputUpdate)]
        assert [(each.outputs, each.attempt) for each in told] == [
            ("x 0", 1),
            ("x 0", 2),
            ("x 1", 2),
            ("x 1", 2),
        ]


def test_the_time_for_attempts_begins_with_the_loss_and_not_with_the_call(
    serve: Callable[..., Served],
) -> None:
    served = serve("6.31.0")
    with Client(served.url, resubmit=Retry(attempts=9, initial=0.01, budget=0.3)) as client:
        job = client.submit("x", 2, api_name="/flow")
        for times in (1, 2, 3):
            served.until(lambda times=times: len(job.outputs()) == times)
            with pytest.raises(TimeoutError):
                job.result(0.4)  # a run that takes longer than the budget
            served.drop_all()
        served.until(lambda: len(served.called) == 4)
        served.open_gate("x")
        assert job.result(SOON) == "x 1"


def test_the_time_for_attempts_is_over_when_no_server_is_there(
    serve: Callable[..., Served],
) -> None:
    served = serve("6.31.0")
    with Client(served.url, resubmit=Retry(attempts=999, initial=0.1, budget=0.5)) as client:
        job = client.submit("x", 2, api_name="/flow")
        assert next(iter(job)) == "x 0"
        served.script("connect", Reset())
        served.drop_all()
        with within(8.0):
            assert isinstance(job.exception(SOON), ConnectionLost)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"])
def test_what_stands_before_an_app_that_is_gone_is_a_loss_too(served: Served, status: str) -> None:
    step = "stream" if served.queue == "connection" else "join"
    if served.queue == "websocket":
        pytest.skip("a websocket that is refused is no HTTP answer")
    served.script(step, Refuse(status), None)
    with Client(served.url, resubmit=SEVERAL) as client:
        assert client.predict("x", api_name="/echo") == "x"


def test_connecting_is_tried_again_when_what_stands_before_the_app_says_so(served: Served) -> None:
    served.script("config", Refuse("502 Bad Gateway"), Refuse("503 Unavailable"), None)
    with Client(served.url) as client:
        assert client.predict("x", api_name="/echo") == "x"


# ---- room


def asked(served: Served, text: str) -> int:
    """Return how often a call has asked to join."""
    return sum(request.document["data"] == [text] for request in served.asked("join"))


def test_those_who_wait_for_room_come_in_their_order_and_ask_one_at_a_time(
    serve: Callable[..., Served],
) -> None:
    served = serve("6.31.0", max_size=1)
    with Client(served.url, wait_for_room=True) as client:
        jobs: list[Job] = []
        for n in range(12):
            # Joins on their way at the same time arrive in any order: until there is a line,
            # each waits to be heard of, and after that they stand in it.
            jobs.append(client.submit(f"{n}", api_name="/single"))
            if n == 0:
                reached(jobs[n], Status.PROCESSING)
            elif n == 1:
                reached(jobs[n], Status.IN_QUEUE)
            elif n == 2:
                served.until(lambda: asked(served, "2") == 2)
        for n, job in enumerate(jobs):
            served.open_gate(f"{n}")
            assert job.result(SOON) == f"{n}"
        joins = Counter(request.document["data"][0] for request in served.asked("join"))
    assert [call[1][0] for call in served.called] == [f"{n}" for n in range(12)]
    assert sum(joins.values()) < 12 * 6


def test_a_call_that_waits_for_room_can_be_cancelled_and_the_next_has_its_turn(
    serve: Callable[..., Served],
) -> None:
    served = serve("6.31.0")
    served.script("join", Full())
    with Client(served.url, wait_for_room=True) as client:
        jobs = [client.submit(f"{n}", api_name="/echo") for n in range(5)]
        served.until(lambda: len(served.asked("join")) > 2)
        for job in jobs[:4]:
            assert job.cancel()
            assert job.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT
        served.script("join", None)
        assert jobs[4].result(SOON) == "4"
        assert client.predict("later", api_name="/echo") == "later"


def test_a_deadline_tells_what_the_call_was_waiting_for(serve: Callable[..., Served]) -> None:
    served = serve("6.31.0")
    served.script("join", Full())
    with Client(served.url) as client:
        endpoint = client.endpoint("/echo", wait_for_room=True, deadline=0.5)
        error = endpoint.submit("x").exception(SOON)
    assert isinstance(error, DeadlineExceeded)
    assert isinstance(error.__cause__, QueueFull)
    assert "queue is full" in str(error).lower()


# ---- what is heard of a cancel


def test_what_became_of_a_cancel_is_told_in_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection._OUTCOME <= 10
    monkeypatch.setattr(connection, "_OUTCOME", 0.2)
    served.script("join", Hang())
    served.script("stream", Hang())
    with Client(served.url) as client:
        job = client.submit("x", api_name="/echo")
        served.until(lambda: served.asked("join") or served.asked("stream"))
        assert job.cancel()
        assert job.cancel_outcome.result(3) in {CancelOutcome.UNKNOWN, CancelOutcome.REMOVED}


def test_a_call_whose_join_was_never_answered_is_not_said_to_run(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve("4.22.0")
    monkeypatch.setattr(connection, "_OUTCOME", 0.2)
    accepted = Gate()

    async def join(peer: Peer) -> None:
        accepted.open()
        await peer.gone()

    served.script("join", join)
    with Client(served.url) as client:
        job = client.submit("x", api_name="/echo")
        served.until(lambda: served.asked("join"))
        assert job.cancel()
        assert job.cancel_outcome.result(3) is CancelOutcome.UNKNOWN


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2"])
def test_closing_does_not_wait_for_a_websocket_to_say_goodbye(
    serve: Callable[..., Served], version: str
) -> None:
    served = serve(version)
    with Client(served.url) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        with within(0.9):
            client.close()
