"""15. A bad message harms at most the job that it is about, and the client stays usable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxgradio import Client, ProtocolError
from rxgradio.testing import Insert, Replace, nested
from tests.rules.served import SESSIONS, SOON, Served

YIELDED = "process_generating"


@pytest.mark.parametrize(
    "content",
    [
        {"msg": YIELDED, "output": "none", "success": True},
        {"msg": YIELDED, "output": {"data": "w"}, "success": True},
        {"msg": YIELDED, "output": {"data": ["w", "w"]}, "success": True},
        {"msg": YIELDED, "success": True},
        nested(100_000),
    ],
    ids=["no object", "no list", "too many", "no output", "deep"],
)
def test_rule_15_a_message_that_makes_no_sense_ends_its_job(served: Served, content: Any) -> None:
    served.script("stream", Replace(content, of=YIELDED), None)
    with Client(served.url) as client:
        job = client.submit(3, api_name="/words")
        assert isinstance(job.exception(SOON), ProtocolError)
        assert client.submit("after", api_name="/echo").result(SOON) == "after"


@pytest.mark.parametrize(
    "content",
    [{"msg": "brand_new", "x": 1}, {"msg": "progress", "progress_data": 7}, {"x": 1}],
    ids=["unknown", "odd progress", "no name"],
)
def test_rule_15_a_message_that_is_not_needed_is_passed_over(served: Served, content: Any) -> None:
    served.script("stream", Insert(content, of=YIELDED), None)
    with Client(served.url) as client:
        job = client.submit(3, api_name="/words")
        assert isinstance(job.exception(SOON), ProtocolError | None)
        assert client.submit("after", api_name="/echo").result(SOON) == "after"


@pytest.mark.parametrize("version", SESSIONS)
def test_rule_15_a_bad_message_harms_no_call_beside_it(
    serve: Callable[[str], Served], version: str
) -> None:
    served = serve(version)
    with Client(served.url) as client:
        jobs = [client.submit(f"{n}", 3, api_name="/flow") for n in range(4)]
        for job in jobs:
            next(iter(job))
        bad = served.events[0]
        served.tell(bad.session, {"msg": "process_generating", "event_id": bad.event_id})
        for n in range(4):
            served.open_gate(f"{n}")
        for n, job in enumerate(jobs):
            if n == int(bad.data[0]):
                assert isinstance(job.exception(SOON), ProtocolError)
            else:
                assert job.result(SOON) == f"{n} 2"
