"""What the demo makes of the news of one job."""

from __future__ import annotations

from rxgradio import CancelOutcome, OutputUpdate
from rxgradio.demo.snapshot import Phase, Snapshot
from tests.demo import stories
from tests.demo.stories import at, told


def test_a_job_is_timed_from_its_first_news_on() -> None:
    end = told(
        "job",
        stories.STARTING,
        stories.queued(1),
        stories.PROCESSING,
        stories.ITERATING,
        OutputUpdate("a"),
        OutputUpdate("ab"),
        None,
    )
    assert end.phase is Phase.FINISHED
    assert end.updates == 6
    assert (end.submitted, end.started, end.answered, end.ended) == (at(0), at(2), at(4), at(6))
    assert [end.after(moment) for moment in (end.started, end.answered, end.ended)] == [2, 4, 6]


def test_a_place_in_the_queue_is_forgotten_when_the_job_runs() -> None:
    waiting = told("job", stories.STARTING, stories.queued(2, eta=3.5))
    assert (waiting.phase, waiting.ahead, waiting.eta) == (Phase.QUEUED, 2, 3.5)

    running = told("job", stories.STARTING, stories.queued(2, eta=3.5), stories.PROCESSING)
    assert (running.phase, running.ahead, running.eta) == (Phase.RUNNING, None, None)


def test_progress_is_that_of_the_newest_update() -> None:
    job = told("job", stories.progressed(1, 9, "load"), stories.progressed(5, 9, "save"))
    assert job.progress is not None
    assert (job.progress.index, job.progress.desc) == (5, "save")


def test_no_message_is_lost() -> None:
    job = told("job", stories.PROCESSING, stories.said("a"), stories.said("b", "warning"))
    assert job.messages == (("a", "info"), ("b", "warning"))
    assert job.phase is Phase.RUNNING


def test_a_failure_is_a_phase_and_ends_no_stream() -> None:
    job = told("job", *stories.FAILED)
    assert (job.phase, job.error, job.ended) == (Phase.FAILED, "cannot divide by zero", at(2))


def test_a_cancelled_job_has_ended_before_the_server_tells_what_it_did() -> None:
    job = told("job", *stories.CANCELLED)
    assert (job.phase, job.text, job.ended) == (Phase.CANCELLED, "7 of 50", at(4))
    assert (job.outcome, job.latest) == (CancelOutcome.GENERATOR_CLOSED, at(5))


def test_nothing_is_timed_before_the_submission() -> None:
    assert Snapshot("job").after(at(1)) is None
    assert told("job", stories.STARTING).after(None) is None
