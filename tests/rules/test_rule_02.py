"""2. A job has exactly one end, and everybody is told the same one.

`result()`, `exception()`, iteration, `await`, callbacks and observers agree, whether they
came before the end or after it, and nothing that happens later changes what they say.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

import pytest

from rxgradio import Client, Job
from tests.rules.endings import ENDINGS
from tests.rules.faces import Face, Faces, end_of, told
from tests.rules.served import SOON, Served


@pytest.mark.parametrize("name", ENDINGS)
def test_rule_02_every_face_shows_the_same_end_before_and_after(served: Served, name: str) -> None:
    ending = ENDINGS[name]
    with Client(served.url) as client:
        job = ending.begin(served, client, "x")
        early = Faces(job)
        ending.cause(served, client, job, "x")
        end = early.all_told()
        outputs = job.outputs()
        assert Faces(job).all_told(outputs) == end

        # What is said later, by the server or by the user, changes nothing.
        served.open_gate("x")
        assert job.cancel() is job.cancelled()
        served.drop_all()
        client.close()
        assert early.all_told(outputs) == Faces(job).all_told(outputs) == end
        assert end[0] == ending.named(served)


@pytest.mark.parametrize(
    "name", [name for name, each in ENDINGS.items() if each.error not in {None, CancelledError}]
)
def test_rule_02_the_error_that_is_shown_can_be_sent_to_another_process(
    serve: Callable[[], Served], name: str
) -> None:
    server, ending = serve(), ENDINGS[name]
    with Client(server.url) as client:
        job = ending.begin(server, client, "x")
        ending.cause(server, client, job, "x")
        error = job.exception(SOON)
        server.open_gate("x")
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.outputs == job.outputs()


def test_rule_02_of_two_ends_at_the_same_moment_all_see_one(served: Served) -> None:
    """Cancelled by two threads, closed by another, while the app completes it."""
    for n in range(15):
        tag = f"{n}"
        client = Client(served.url)
        job = client.submit(tag, 2, api_name="/flow")
        assert next(iter(job)) == f"{tag} 0"
        faces = Faces(job)
        actions = [job.cancel, job.cancel, client.close, partial(served.open_gate, tag)]
        start = threading.Barrier(len(actions))
        results = [Face(f"{i}", partial(_after, start, do)) for i, do in enumerate(actions)]
        for each in results:
            each.join(SOON)
        end = faces.all_told()
        assert [each.end for each in results[:2]] == [("completed", job.cancelled())] * 2
        assert Faces(job).all_told(job.outputs()) == end
        client.close()


def test_rule_02_a_future_of_asyncio_and_one_of_threads_end_alike(served: Served) -> None:
    async def both(job: Job) -> list[object]:
        wrapped = asyncio.wrap_future(job)
        served.open_gate("x")
        return [end_of(None, await wrapped), end_of(None, await job)]

    with Client(served.url) as client:
        job = client.submit("x", api_name="/hold")
        assert asyncio.run(both(job)) == [told(job)] * 2
        assert concurrent.futures.wait([job], 0).done == {job}


def _after(start: threading.Barrier, do: Callable[[], object], _: list[Any]) -> object:
    start.wait(SOON)
    return do()
