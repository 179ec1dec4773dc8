"""What is asked of a call that is not on its way any more, or not yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from rxgradio import CancelOutcome, ClientClosed, ConnectionLost
from rxgradio.exceptions import AppError
from rxgradio.options import CallOptions
from rxgradio.protocol.app import app_of
from rxgradio.protocol.event import Event
from rxgradio.transport.calls import Calls
from rxgradio.transport.exchange import Exchanges
from rxgradio.transport.post import Posts
from rxgradio.transport.submission import Submission

APP = app_of({"version": "4.8.0", "protocol": "sse", "dependencies": []})


class Sink:
    """Hears of a call."""

    def __init__(self) -> None:
        self.outcomes: list[CancelOutcome] = []

    def publish(self, entries: Any, status: Any) -> None:
        raise AssertionError("there is no news")

    def finish(self, entries: Any, status: Any, error: Any) -> None:
        raise AssertionError("it has ended")

    def cancel_told(self, outcome: CancelOutcome) -> None:
        self.outcomes.append(outcome)


def submission_of(sink: Sink) -> Submission:
    return Submission(
        sink,
        fn_index=0,
        data=b"[]",
        event=Event(APP.dialect, 1, datetime(2026, 1, 1)),
        generator=True,
        has_state=False,
        apart=False,
        queued=True,
        streaming=True,
        options=CallOptions(),
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionLost("reset"), CancelOutcome.UNKNOWN),
        (ClientClosed("closed"), CancelOutcome.UNKNOWN),
        (AppError("no"), CancelOutcome.FINISHED),
    ],
)
def test_a_cancel_that_comes_after_the_end_tells_what_is_known(
    error: Exception, outcome: CancelOutcome
) -> None:
    transport: Any = None
    for way in (
        Exchanges(transport, "", APP.dialect, "hash"),
        Posts(transport, "", lambda: "hash"),
    ):
        sink = Sink()
        submission = submission_of(sink)
        submission.call.event.end(error, datetime(2026, 1, 1))
        way.cancel(submission)
        assert sink.outcomes == [outcome]


def test_chunks_that_come_before_the_call_is_sent_wait_for_it() -> None:
    transport: Any = None
    calls = Calls(transport, "", APP)
    submission = submission_of(Sink())
    for chunk in (b"[1]", b"[2]", None):
        calls.feed(submission, chunk, latest=False)
    assert list(submission.call.chunks or ()) == [b"[1]", b"[2]", None]
    calls.feed(submission, b"[3]", latest=True)
    calls.feed(submission, None, latest=True)
    assert list(submission.call.chunks or ()) == [b"[3]", None]
