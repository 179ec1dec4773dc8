"""Connections that break: what a job makes of it, on every server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rxgradio import ConnectionLost, Status
from tests.contract.app import SOON, STEPS, App, reached, until_closed
from tests.live.servers.values import growing

Tell = Callable[[str, str], None]

WORDS = list(growing("word", 3))


def resumes(app: App) -> bool:
    """Whether the server does not notice that a stream was dropped, and goes on."""
    return (4, 19, 2) <= app.release <= (4, 23, 0)


def test_a_cut_stream_is_resumed_or_fails_its_jobs_and_not_the_client(
    app: App, tag: str, told: Tell
) -> None:
    with app.connect_to_be_cut() as client:
        outputs = 3 if resumes(app) else STEPS
        jobs = [client.submit(f"{tag}-{n}", outputs, api_name="/gated_words") for n in range(3)]
        for n, job in enumerate(jobs):
            reached(job, Status.PROCESSING)
            app.open(f"{tag}-{n}")
            assert next(iter(job)) == WORDS[0]
        app.cut()
        if resumes(app):
            for n, job in enumerate(jobs):
                app.open(f"{tag}-{n}", 2)
                assert job.result(SOON) == WORDS[2]
                # What was on its way is lost, so edits are edits of nothing.
                assert job.outputs() == list(job) == [WORDS[0], WORDS[2]]
            told("a connection that is lost", "resumes")
        else:
            for n, job in enumerate(jobs):
                with pytest.raises(ConnectionLost):
                    job.result(SOON)
                assert not job.cancelled()
                assert job.outputs() == [WORDS[0]]
                with pytest.raises(ConnectionLost):
                    list(job)
                until_closed(app, f"{tag}-{n}")
            told("a connection that is lost", "ends with ConnectionLost")
        assert client.predict("hi", api_name="/echo") == "hi"
