"""12. Work is waited for without a limit of its own, and the user's limits hold everywhere."""

from __future__ import annotations

import pytest

from rxgradio import Client, DeadlineExceeded
from rxgradio.testing import Hang, Latency
from rxgradio.transport.chosen import HttpOptions, timeouts
from tests.rules.served import SOON, Served


def test_rule_12_no_answer_is_given_up_before_thirty_seconds() -> None:
    timed, untimed = timeouts(HttpOptions())
    assert untimed.read is None
    assert timed.read is not None
    assert timed.connect is not None
    assert min(timed.read, timed.connect) >= 30


def test_rule_12_giving_up_on_a_result_does_not_harm_the_job(served: Served) -> None:
    with Client(served.url) as client:
        job = client.submit("x", api_name="/hold")
        with pytest.raises(TimeoutError):
            job.result(0.05)
        assert not job.done()
        served.open_gate("x")
        assert job.result(SOON) == "x"


@pytest.mark.parametrize("step", ["join", "stream"])
def test_rule_12_a_deadline_covers_a_server_that_does_not_answer(served: Served, step: str) -> None:
    served.script(step, Hang(), None)
    with Client(served.url) as client:
        job = client.endpoint("/echo", deadline=0.5).submit("x")
        assert isinstance(job.exception(SOON), DeadlineExceeded)


def test_rule_12_a_server_may_take_seconds_to_accept_a_call(served: Served) -> None:
    served.script("join", Latency(2.5), None)
    with Client(served.url) as client:
        assert client.predict("x", api_name="/echo") == "x"
