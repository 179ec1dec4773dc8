"""What a cancel reaches and what it spares, on every server, and that it is told truly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import CancelOutcome, Client, OutputUpdate, Status
from tests.contract.app import SOON, STEPS, App, Seen, outcome_of, reached, until_closed
from tests.live.servers.values import growing

Tell = Callable[[str, str], None]

WORDS = list(growing("word", 3))


def forgets(app: App) -> bool:
    """Whether the server never asks a cancelled generator again, and never closes it."""
    return (4, 31) <= app.release < (5,)


def test_a_cancelled_job_is_cancelled_on_every_face(client: Client, app: App, tag: str) -> None:
    job = client.submit(tag, 3, api_name="/gated_words")
    seen = Seen(job)
    app.open(tag)
    outputs = iter(job)
    assert next(outputs) == WORDS[0]

    assert job.cancel()
    assert job.cancel()

    assert job.cancelled()
    assert job.done()
    assert job.status().code is Status.CANCELLED
    for face in (job.result, job.exception, lambda: next(outputs), lambda: list(job)):
        with pytest.raises(CancelledError):
            face()
    assert isinstance(seen.wait().error, CancelledError)
    assert seen.codes[-1] is Status.CANCELLED
    assert job.outputs() == [WORDS[0]]
    app.open(tag, 2)


def test_a_running_generator_is_closed(client: Client, app: App, tag: str, told: Tell) -> None:
    job = client.submit(tag, STEPS, api_name="/gated_words")
    app.open(tag)
    next(iter(job))
    assert job.cancel()
    assert outcome_of(job, app, tag) is CancelOutcome.GENERATOR_CLOSED
    if forgets(app):
        # It is never asked again, and not told either.
        assert "finished" not in app.ledger(tag)
        told("cancel: a running generator", "left where it is")
    else:
        until_closed(app, tag)
        told("cancel: a running generator", "closed")
    assert client.predict("hi", api_name="/echo") == "hi"


def test_a_generator_that_has_not_yielded_is_asked_for_no_second_output(
    client: Client, app: App, tag: str
) -> None:
    job = client.submit(tag, STEPS, api_name="/gated_words")
    reached(job, Status.PROCESSING)
    app.await_ledger(tag, "started")
    assert job.cancel()
    assert outcome_of(job, app, tag) is CancelOutcome.GENERATOR_CLOSED
    app.open(tag, 2)
    assert client.predict("hi", api_name="/echo") == "hi"
    # Not closed at once everywhere: Gradio 5 leaves that to the garbage collector.
    assert "finished" not in app.ledger(tag)


def test_a_plain_function_runs_to_its_end(client: Client, app: App, tag: str, told: Tell) -> None:
    job = client.submit(tag, api_name="/gated")
    app.await_ledger(tag, "started")
    reached(job, Status.PROCESSING)
    assert job.cancel()
    assert job.cancelled()
    assert job.cancel_outcome.result(SOON) is CancelOutcome.STILL_RUNNING
    app.open(tag)
    app.await_ledger(tag, "finished")
    assert client.predict("hi", api_name="/echo") == "hi"
    told("cancel: a running function", "runs to its end")


def test_a_call_that_waits_is_removed_or_closed_once_it_starts(
    app: App, tag: str, told: Tell
) -> None:
    # In a session of its own, it has no sibling.
    with app.connect() as client:
        with app.held_up(f"{tag}-queue") as submit:
            job = submit(client, f"{tag}-1")
            reached(job, Status.IN_QUEUE)
            assert job.cancel()
            assert job.cancelled()
        after = submit(client, f"{tag}-2")
        app.open(f"{tag}-1", 3)
        app.open(f"{tag}-2", 3)
        after.result(SOON)
        outcome = outcome_of(job, app, f"{tag}-1")
        # In between, a server can only be told once the call has started. (Dropping the
        # stream would remove it too, but would cost the State of the session.)
        removes = app.release < (4, 9) or app.release >= (6, 14)
        assert outcome is (CancelOutcome.REMOVED if removes else CancelOutcome.GENERATOR_CLOSED)
        assert app.ledger(f"{tag}-1")[:1] == ([] if removes else ["started"])
        assert "finished" not in app.ledger(f"{tag}-1")
        told("cancel: a call that waits", "removed" if removes else "closed once it starts")
        # Nothing late disturbs the calls that follow.
        assert [client.predict(f"{n}", api_name="/echo") for n in range(3)] == ["0", "1", "2"]


def test_a_finished_job_cannot_be_cancelled(client: Client) -> None:
    job = client.submit("x", api_name="/echo")
    job.result(SOON)
    assert not job.cancel()
    assert not job.cancelled()
    assert job.status().code is Status.FINISHED
    assert job.cancel_outcome.result(SOON) is CancelOutcome.FINISHED


def test_cancelling_from_a_callback_of_its_own_works(client: Client, app: App, tag: str) -> None:
    job = client.submit(tag, 3, api_name="/gated_words")
    seen = Seen()
    job.updates.subscribe(
        lambda update: isinstance(update, OutputUpdate) and job.cancel() and None,
        seen.on_error,
        seen.on_completed,
    )
    app.open(tag)
    assert isinstance(seen.wait().error, CancelledError)
    app.open(tag, 2)


def test_the_session_goes_on_after_a_cancel(client: Client, app: App, tag: str) -> None:
    job = client.submit(f"{tag}-1", 3, api_name="/gated_words")
    app.open(f"{tag}-1")
    next(iter(job))
    job.cancel()
    app.open(f"{tag}-1", 2)
    assert client.predict("hi", api_name="/echo") == "hi"
    again = client.submit(f"{tag}-2", 1, api_name="/gated_words")
    app.open(f"{tag}-2")
    assert again.result(SOON) == WORDS[0]


def test_cancelling_some_leaves_the_others_alone(client: Client, app: App, tag: str) -> None:
    jobs = [client.submit(f"{tag}-{n}", 3, api_name="/gated_words") for n in range(6)]
    for n, job in enumerate(jobs):
        reached(job, Status.PROCESSING)
        app.open(f"{tag}-{n}")
        assert next(iter(job)) == WORDS[0]
    for job in jobs[::2]:
        assert job.cancel()
    for n in (1, 3, 5):
        app.open(f"{tag}-{n}", 2)
        assert jobs[n].result(SOON) == WORDS[2]
        assert jobs[n].outputs() == WORDS
    # One cancel may end all three, and be answered when each has made its next output.
    for n in (0, 2, 4):
        app.open(f"{tag}-{n}", 2)
    for job in jobs[::2]:
        assert job.cancel_outcome.result(SOON) in {
            CancelOutcome.GENERATOR_CLOSED,
            CancelOutcome.SPARED_SIBLINGS,
            CancelOutcome.FINISHED,
        }
    assert client.predict("hi", api_name="/echo") == "hi"


def test_disposing_of_a_cold_stream_cancels_it_and_no_other(
    client: Client, app: App, tag: str
) -> None:
    seen: list[list[Any]] = [[] for _ in range(4)]
    first = [threading.Event() for _ in range(4)]
    done = threading.Semaphore(0)

    def on_next(n: int, update: Any) -> None:
        seen[n].append(update)
        if isinstance(update, OutputUpdate):
            first[n].set()

    subscriptions = [
        client.observe(f"{tag}-{n}", 3, api_name="/gated_words").subscribe(
            lambda update, n=n: on_next(n, update), on_completed=done.release
        )
        for n in range(4)
    ]
    for n in range(4):
        app.open(f"{tag}-{n}")
        assert first[n].wait(SOON)
    for n in (0, 2):
        subscriptions[n].dispose()
        subscriptions[n].dispose()
    for n in range(4):
        app.open(f"{tag}-{n}", 2)
    for _ in range(2):
        assert done.acquire(timeout=SOON)
    for n in (1, 3):
        assert app.ledger(f"{tag}-{n}")[-1] == "finished"
        assert seen[n][-1].success is True
    assert client.predict("hi", api_name="/echo") == "hi"


def test_taking_what_is_needed_cancels_the_rest(client: Client, app: App, tag: str) -> None:
    first = client.observe(tag, STEPS, api_name="/gated_words").pipe(
        ops.filter(lambda update: isinstance(update, OutputUpdate)), ops.take(1)
    )
    app.open(tag)
    assert first.run().outputs == WORDS[0]
    if not forgets(app):
        until_closed(app, tag)


def test_cancelling_and_calling_again_goes_on_for_ever(client: Client, app: App, tag: str) -> None:
    """Type-ahead: each call supersedes the one before."""
    jobs = []
    for n in range(8):
        jobs.append(client.submit(f"{tag}-{n}", 2, api_name="/gated_words"))
        if n:
            jobs[n - 1].cancel()
    for n in range(8):
        app.open(f"{tag}-{n}", 2)
    assert jobs[-1].result(SOON) == WORDS[1]
    for job in jobs[:-1]:
        assert job.done()
        assert job.cancel_outcome.result(SOON)


def test_calls_that_are_cancelled_at_once_leave_room_for_others(client: Client) -> None:
    for _ in range(250):
        client.submit("x", api_name="/echo").cancel()
    assert client.submit("hi", api_name="/echo").result(SOON) == "hi"
