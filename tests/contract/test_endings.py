"""Calls that their options end, or save, on every server."""

from __future__ import annotations

import pytest

from rxgradio import CancelOutcome, DeadlineExceeded, Retry, Status, StatusUpdate
from rxgradio.options import CallOptions
from tests.contract.app import SOON, STEPS, App, Seen, outcome_of, reached, until_closed
from tests.contract.memory_app import MemoryApp
from tests.live.servers.values import growing

WORDS = list(growing("word", 3))
AT_ONCE = Retry(attempts=2, initial=0)


def tight(app: App) -> float:
    """Return the seconds of a deadline within which a call gets as far as its first output."""
    return 0.4 if isinstance(app, MemoryApp) else 2.0


def test_a_deadline_ends_a_call_and_cancels_it_on_the_server(app: App, tag: str) -> None:
    with app.connect() as client:
        deadline = tight(app)
        job = client.endpoint("/gated_words", deadline=deadline).submit(tag, STEPS)
        seen = Seen(job)
        app.open(tag)
        with pytest.raises(DeadlineExceeded, match=f"deadline of {deadline:g} s") as raised:
            job.result(SOON)
        assert raised.value.deadline == deadline
        assert raised.value.outputs == job.outputs() == [WORDS[0]]
        assert seen.wait().error is raised.value is job.exception()
        assert not job.cancelled()
        assert job.cancel() is False
        assert job.status().code is Status.FINISHED
        assert job.status().success is False
        assert outcome_of(job, app, tag) in {
            CancelOutcome.GENERATOR_CLOSED,
            CancelOutcome.UNKNOWN,  # on 5.x and 6.x, if the machine is slow
        }
        until_closed(app, tag) if app.version != "4.44.1" else None
        assert client.predict("hi", api_name="/echo") == "hi"


def test_a_call_that_waits_is_ended_by_its_deadline_too(app: App, tag: str) -> None:
    with app.held_up(tag) as submit, app.connect() as client:
        client._options = CallOptions(deadline=tight(app))
        job = submit(client, tag)
        with pytest.raises(DeadlineExceeded) as raised:
            job.result(SOON)
        assert raised.value.outputs == []


def test_a_call_that_is_in_time_ends_as_any_other(app: App) -> None:
    with app.connect() as client:
        assert client.endpoint("/echo", deadline=SOON).predict("hi") == "hi"


def test_a_lost_call_is_made_again_if_that_is_wanted(app: App, tag: str) -> None:
    with app.connect_to_be_cut() as client:
        job = client.endpoint("/gated_words", resubmit=AT_ONCE).submit(tag, 3)
        seen = Seen(job)
        reached(job, Status.PROCESSING)
        app.open(tag)
        assert next(iter(job)) == WORDS[0]
        app.cut()
        app.open(tag, 10)  # the first attempt may take some of them
        assert job.result(SOON) == WORDS[2]
        assert job.exception() is None
        attempts = [each.attempt for each in seen.wait().values if isinstance(each, StatusUpdate)]
        if (4, 19, 2) <= app.release <= (4, 23, 0):  # which resume it
            assert set(attempts) == {1}
        else:
            assert attempts == sorted(attempts)
            assert set(attempts) == {1, 2}
            assert seen.codes.count(Status.STARTING) == 2
            assert seen.codes.count(Status.FINISHED) == 1
            assert job.outputs()[-3:] == WORDS
            assert list(job) == job.outputs()
