"""5. After `cancel()`: `CancelledError` within 2 s, and the server is told, once.

Outputs so far stay readable. Where Gradio has a `/cancel`, one is posted for each event,
also when its id becomes known only later. A job that has ended cannot be cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest

from rxgradio import CancelOutcome, Client, Job
from rxgradio.testing import Gate, Hang, Peer, answer
from tests.rules.endings import ENDINGS
from tests.rules.faces import Face, Faces
from tests.rules.served import SESSIONS, SOON, TOLD, At, Served
from tests.transport.server import within

PROMPT = 2.0


def cancels(server: Served) -> Counter[str]:
    """Return how often a cancel of each event was posted."""
    return Counter(request.document["event_id"] for request in server.asked("cancel"))


def test_rule_05_a_cancelled_job_is_at_its_end_and_keeps_its_outputs(served: Served) -> None:
    served.script("cancel", Hang())
    with Client(served.url) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        with within(PROMPT):
            assert job.cancel()
            with pytest.raises(CancelledError):
                job.result(PROMPT)
        assert Faces(job).all_told(["x 0"]) == ("cancelled", None)
        assert job.latest == "x 0"


def test_rule_05_the_server_is_told_once_however_often_one_cancels(served: Served) -> None:
    with Client(served.url) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        threads = [Face("cancel", lambda _: job.cancel()) for _ in range(8)]
        for thread in threads:
            thread.join(SOON)
            assert thread.end == ("completed", True)
        served.open_gate("x")  # Gradio 5 and 6 answer after the next output
        assert job.cancel_outcome.result(SOON) in {
            CancelOutcome.GENERATOR_CLOSED,
            CancelOutcome.FINISHED,
        }
        assert job.cancel()
        assert client.submit("y", api_name="/echo").result(SOON) == "y"
    if served.version in SESSIONS:
        assert cancels(served) == {served.events[0].event_id: 1}
    else:
        assert cancels(served) == {}  # its connection was closed


@pytest.mark.parametrize("version", TOLD)
def test_rule_05_so_it_is_when_the_event_is_known_only_later(
    serve: Callable[[str], Served], version: str
) -> None:
    """The join is answered after the cancel, of which the server could not be told before."""
    server = serve(version)
    accepted, answered = Gate(), Gate()

    async def join(peer: Peer) -> None:
        event = await server.accept(peer.request)
        accepted.open()
        await answered.passed()
        await peer.send(answer({"event_id": event.event_id}))

    server.script("join", join)
    with Client(server.url) as client:
        job = client.submit("x", 3, api_name="/flow")
        server.await_run("x")
        with within(PROMPT):
            assert job.cancel()
            with pytest.raises(CancelledError):
                job.result(PROMPT)
        assert cancels(server) == {}
        answered.open()
        server.until(lambda: cancels(server))
        server.open_gate("x")
        assert job.cancel_outcome.result(SOON) is CancelOutcome.GENERATOR_CLOSED
        server.script("join", None)
        assert client.submit("y", api_name="/echo").result(SOON) == "y"
    assert cancels(server) == {server.events[0].event_id: 1}


@pytest.mark.parametrize("version", TOLD)
def test_rule_05_a_call_that_goes_on_is_not_cancelled_again(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    server.script("cancel", answer({"success": True}))  # and nothing is done about it
    with Client(server.url) as client:
        job = client.submit("x", 50, api_name="/flow")
        assert next(iter(job)) == "x 0"
        assert job.cancel()
        server.until(lambda: cancels(server))
        server.open_gate("x")
        # In the same session, and after all that the call still had to say.
        after = client.submit("y", 2, api_name="/flow")
        server.open_gate("y")
        assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED
        assert after.result(SOON) == "y 1"
    assert cancels(server) == {server.events[0].event_id: 1}
    assert job.outputs() == ["x 0"]


@pytest.mark.parametrize("version", TOLD)
def test_rule_05_each_of_many_is_told_of_once_or_spared_its_siblings(
    serve: Callable[[str], Served], version: str
) -> None:
    server = serve(version)
    with Client(server.url) as client:
        jobs = [client.submit(f"{n}", 3, api_name="/flow") for n in range(10)]
        for job in jobs:
            next(iter(job))
        for job in jobs[::2]:
            assert job.cancel()
        for n in range(10):
            server.open_gate(f"{n}")
        for n, job in enumerate(jobs):
            if n % 2:
                assert job.result(SOON) == f"{n} 2"
            else:
                assert job.cancelled()
                assert job.cancel_outcome.result(SOON)
    known = {event.event_id for event in server.events if int(event.data[0]) % 2 == 0}
    assert set(cancels(server)) <= known
    assert set(cancels(server).values()) <= {1}


def test_rule_05_a_job_that_waits_or_was_never_sent_can_be_cancelled(served: Served) -> None:
    gate = Gate()
    with Client(served.url) as client:
        running = client.submit("a", api_name="/single")
        served.await_run("a")
        waiting = client.submit("b", api_name="/single")
        served.script("join", At(gate))
        unsent = client.submit("c", api_name="/single")
        for job in (waiting, unsent):
            with within(PROMPT):
                assert job.cancel()
                assert Faces(job).all_told([])[0] == "cancelled"
        served.open_gate("a")
        gate.open()
        assert running.result(SOON) == "a"
        for tag in "bc":
            served.open_gate(tag)
        assert client.submit("y", api_name="/echo").result(SOON) == "y"


@pytest.mark.parametrize("name", [name for name, each in ENDINGS.items()])
def test_rule_05_what_has_ended_cannot_be_cancelled(served: Served, name: str) -> None:
    ending = ENDINGS[name]
    with Client(served.url) as client:
        job = ending.begin(served, client, "x")
        ending.cause(served, client, job, "x")
        end = Faces(job).all_told()
        before = cancels(served) if served.version in SESSIONS else {}
        assert job.cancel() is (ending.error is CancelledError)
        assert job.cancelled() is (ending.error is CancelledError)
        assert Faces(job).all_told() == end
        served.open_gate("x")
        if ending.error is None:
            assert isinstance(job, Job)
            assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED
            assert cancels(served) == before == {}
