"""10. Nothing twice, and nothing foreign: what a server may have accepted is never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from rxgradio import Client, ConnectionLost
from rxgradio.testing import Close, Duplicate, Reset, Rewrite, unknown
from tests.rules.served import SOON, Served


@pytest.mark.parametrize("end", [Reset, Close])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_rule_10_a_call_that_may_have_been_accepted_is_made_once(
    served: Served, end: Any, late: bool
) -> None:
    served.script("join", end(late=late), None)
    with Client(served.url) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert client.submit("after", api_name="/echo").result(SOON) == "after"
    assert isinstance(error, ConnectionLost | None)
    if served.queue == "session":  # on the connections of others, a join hands nothing over yet
        assert len(served.asked("join")) == 2
    assert served.called.count(("/echo", ("x",))) <= 1


def test_rule_10_outputs_that_are_told_twice_count_once(served: Served) -> None:
    served.script("stream", Duplicate("process_completed"), None)
    with Client(served.url) as client:
        job = client.submit(3, api_name="/words")
        assert job.result(SOON) == "www"
        assert job.outputs() == ["w", "ww", "www"]
        assert client.submit("after", api_name="/echo").result(SOON) == "after"


def test_rule_10_messages_of_unknown_calls_change_nothing(served: Served) -> None:
    if served.queue != "session":
        return  # there, all that comes on the connection of a call is about that call
    served.script("stream", Rewrite(lambda document: [unknown(document), document]), None)
    with Client(served.url) as client:
        job = client.submit(3, api_name="/words")
        assert job.result(SOON) == "www"
        assert job.outputs() == ["w", "ww", "www"]


def test_rule_10_each_of_many_calls_gets_its_own(served: Served) -> None:
    with Client(served.url) as client:
        jobs = {f"call {n}": client.submit(f"call {n}", api_name="/echo") for n in range(40)}
        assert {tag: job.result(SOON) for tag, job in jobs.items()} == {tag: tag for tag in jobs}
    assert sorted(tag for _, (tag,) in served.called) == sorted(jobs)
