"""3. Every end is told to everybody who waits: no wait outlives its job.

`result`, `exception`, `for`, `await`, `async for`, `wait` and observers that were there
before the end are told of it, however the job ends; and so are those of other jobs of the
same client when all of them end at once.
"""

from __future__ import annotations

import pytest

from rxgradio import Client, Limits
from rxgradio.testing import Hang
from tests.rules.endings import ENDINGS
from tests.rules.faces import Faces
from tests.rules.served import SOON, Served

AT_ONCE = ("a broken connection", "the client was closed")


@pytest.mark.parametrize("name", ENDINGS)
def test_rule_03_no_wait_outlives_its_job(served: Served, name: str) -> None:
    ending = ENDINGS[name]
    with Client(served.url) as client:
        job = ending.begin(served, client, "x")
        faces = Faces(job)
        ending.cause(served, client, job, "x")
        end = faces.all_told()
        served.open_gate("x")
        assert end[0] == ending.named(served)


@pytest.mark.parametrize("name", AT_ONCE)
def test_rule_03_no_wait_outlives_any_of_many_jobs_that_end_at_once(
    served: Served, name: str
) -> None:
    ending = ENDINGS[name]
    with Client(served.url) as client:
        jobs = [client.submit(f"{n}", 3, api_name="/flow") for n in range(8)]
        for n, job in enumerate(jobs):
            assert next(iter(job)) == f"{n} 0"
        waiting = [client.submit(f"{n}", api_name="/single") for n in range(4)]
        faces = [Faces(job) for job in (*jobs, *waiting)]
        ending.cause(served, client, jobs[0], "0")
        for each in faces:
            assert each.all_told()[0] == ending.named(served)


def test_rule_03_a_server_that_says_nothing_more_is_no_reason_to_wait_for_ever(
    served: Served,
) -> None:
    served.script("stream", Hang(after=1, of="process_generating"))
    with Client(served.url, limits=Limits(silence=0.5)) as client:
        job = client.submit("x", 3, api_name="/flow")
        assert Faces(job).all_told(["x 0"])[0] == "ConnectionLost"
        served.script("stream", None)
        assert client.submit("y", api_name="/echo").result(SOON) == "y"
