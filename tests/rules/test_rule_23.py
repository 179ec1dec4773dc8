"""23. `close()` takes at most 2 s, and is the end of everything of that client.

Whatever its server owes it: its running jobs fail with `ClientClosed`, on every face; a
later `submit` is refused with it; no connection is left; and other clients do not notice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rxgradio import Client, ClientClosed, Job, Retry
from rxgradio.testing import Hang, Refuse
from tests.rules.faces import Faces, Strict
from tests.rules.served import SOON, Served
from tests.transport.server import within

PROMPT = 2.5
"""Two seconds, and some for the machine."""

OWED: dict[str, tuple[str, Any]] = {
    "a connection": ("connect", Hang()),
    "an answer to the join": ("join", Hang()),
    "a stream": ("stream", Hang()),
    "messages": ("stream", Hang(after=2)),
    "room": ("join", Refuse("503 X", retry_after=1000)),
}


@pytest.mark.parametrize("owed", OWED)
def test_rule_23_closing_ends_all_jobs_whatever_the_server_owes(served: Served, owed: str) -> None:
    step, toxic = OWED[owed]
    patient = Retry(budget=10_000)
    client = Client(served.url)
    served.script(step, toxic)
    flow = client.endpoint("/flow", retry=patient, resubmit=patient)
    jobs = [flow.submit(f"{n}", 3) for n in range(10)]
    if step == "connect":
        served.drop_all()
    else:
        served.until(lambda: served.asked(step))
    faces = [Faces(job) for job in jobs[:2]]
    with within(PROMPT):
        client.close()
    for each in faces:
        assert each.all_told()[0] == "ClientClosed"
    for job in jobs:
        with pytest.raises(ClientClosed):
            job.result(SOON)
        assert job.cancel() is False
    refused(client)
    served.until(lambda: served.open == 0)


def refused(client: Client) -> None:
    """Check that a client that is closed says so, wherever one tries."""
    endpoint = client.endpoint("/echo")
    for call in (
        lambda: client.submit("x", api_name="/echo"),
        lambda: client.predict("x", api_name="/echo"),
        lambda: endpoint.submit("x"),
        lambda: endpoint.predict("x"),
    ):
        with pytest.raises(ClientClosed, match="closed"):
            call()
    seen = Strict()
    client.observe("x", api_name="/echo").subscribe(seen)
    assert seen.ended.wait(SOON)
    assert seen.ends[0][0] == "ClientClosed"


def test_rule_23_what_waits_in_the_queue_and_what_runs_end_alike(served: Served) -> None:
    client = Client(served.url)
    jobs = [client.submit(f"{n}", api_name="/single") for n in range(5)]
    served.await_run("0")
    done = client.submit("x", api_name="/echo")
    assert done.result(SOON) == "x"
    with within(PROMPT):
        client.close()
    assert {type(job.exception(SOON)) for job in jobs} == {ClientClosed}
    assert done.result() == "x"
    refused(client)
    served.until(lambda: served.open == 0)


def test_rule_23_other_clients_of_the_same_server_go_on(served: Served) -> None:
    with Client(served.url) as stays:
        job = stays.submit("x", 3, api_name="/flow")
        assert next(iter(job)) == "x 0"
        with Client(served.url) as goes:
            lost = goes.submit("y", 3, api_name="/flow")
            assert next(iter(lost)) == "y 0"
        assert isinstance(lost.exception(SOON), ClientClosed)
        served.open_gate("x")
        assert job.result(SOON) == "x 2"
        assert stays.submit("z", api_name="/echo").result(SOON) == "z"


def test_rule_23_aclose_and_async_with_keep_it_too(served: Served) -> None:
    served.script("join", Hang())

    async def main() -> tuple[Client, list[Job]]:
        async with Client.connect(served.url) as client:
            jobs = [client.submit(f"{n}", api_name="/echo") for n in range(5)]
            await asyncio.to_thread(served.until, lambda: served.asked("join"))
            waiting = [asyncio.ensure_future(_awaited(job)) for job in jobs]
            await asyncio.sleep(0)
        for each in waiting:
            with pytest.raises(ClientClosed):
                await each
        return client, jobs

    with within(PROMPT):
        client, jobs = asyncio.run(main())
    assert all(isinstance(job.exception(0), ClientClosed) for job in jobs)
    refused(client)
    served.until(lambda: served.open == 0)


def test_rule_23_submitting_while_another_thread_closes_is_refused_or_ended(
    served: Served,
) -> None:
    for _ in range(5):
        client = Client(served.url)
        jobs: list[Job] = []
        both = threading.Barrier(2)

        def submit(
            client: Client = client, jobs: list[Job] = jobs, both: threading.Barrier = both
        ) -> None:
            both.wait(SOON)
            try:
                while True:
                    jobs.append(client.submit("x", api_name="/echo"))
            except ClientClosed:
                pass

        thread = threading.Thread(target=submit)
        thread.start()
        both.wait(SOON)
        with within(PROMPT):
            client.close()
            thread.join(SOON)
        assert not thread.is_alive()
        assert {type(job.exception(SOON)) for job in jobs} <= {ClientClosed, type(None)}


def test_rule_23_an_endpoint_that_outlives_its_client_says_so(
    serve: Callable[[], Served],
) -> None:
    server = serve()
    client = Client(server.url)
    echo = client.endpoint("/echo").with_options(deadline=5)
    cold = client.observe("x", api_name="/echo")
    client.close()
    with pytest.raises(ClientClosed, match="make a new one"):
        echo.predict("x")
    seen = Strict()
    cold.subscribe(seen)
    assert seen.ended.wait(SOON)
    assert seen.ends[0][0] == "ClientClosed"


async def _awaited(job: Job) -> object:
    return await job
