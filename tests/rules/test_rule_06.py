"""6. All who watch a job see the same outputs in the same order, however late they come.

Observers, iterators and `async for` share nothing: one that has read an output leaves it
to the others, and one that comes after the end gets everything and the end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rxgradio import Client, Job, OutputUpdate
from tests.rules.faces import Face, Faces, Strict
from tests.rules.served import SOON, Served

STEPS = 30
WORDS = ["w" * n for n in range(1, STEPS + 1)]


async def read(job: Job) -> list[Any]:
    return [update.outputs async for update in job if isinstance(update, OutputUpdate)]


def test_rule_06_all_see_the_same_outputs_whenever_they_come(served: Served) -> None:
    with Client(served.url) as client:
        job = client.submit(STEPS, api_name="/words")
        there = Faces(job)  # from the beginning
        iterators = [iter(job) for _ in range(5)]
        first = next(iterators[0])
        during = Faces(job)
        assert [first, *iterators[0]] == WORDS
        assert there.all_told(WORDS) == during.all_told(WORDS)
        assert Faces(job).all_told(WORDS) == there.all_told(WORDS)
        assert [list(each) for each in iterators[1:]] == [WORDS] * 4


def test_rule_06_readers_that_take_turns_take_nothing_from_each_other(served: Served) -> None:
    with Client(served.url) as client:
        job = client.submit(STEPS, api_name="/words")
        assert list(zip(job, job, job, strict=True)) == [(each,) * 3 for each in WORDS]

        async def many() -> list[list[Any]]:
            return await asyncio.gather(*(read(job) for _ in range(5)))

        *yielded, last = zip(*asyncio.run(many()), strict=True)
        assert yielded == [(each,) * 5 for each in WORDS]
        assert last == (WORDS[-1],) * 5


def test_rule_06_what_one_does_to_an_output_is_not_seen_by_the_others(served: Served) -> None:
    """Lists and dicts of the app are each reader's own, or at least their log is."""
    with Client(served.url) as client:
        job = client.submit(["a", {"b": 1}], api_name="/echo")
        job.result(SOON)
        job.outputs().clear()
        assert job.outputs() == [["a", {"b": 1}]]


def test_rule_06_those_who_come_late_hear_of_a_failure_and_of_what_came_before(
    served: Served,
) -> None:
    with Client(served.url) as client:
        job = client.submit("x", 3, api_name="/fail")
        assert next(iter(job)) == "x 0"
        served.open_gate("x")
        outputs = ["x 0", "x 1", "x 2"]
        assert isinstance(job.exception(SOON), ValueError)
        late = Strict()
        job.updates.subscribe(late)
        assert late.ended.wait(SOON)
        assert late.outputs == outputs
        assert Faces(job).all_told(outputs)[0] == "AppError"


def test_rule_06_a_hundred_readers_of_one_job_each_get_everything(served: Served) -> None:
    with Client(served.url) as client:
        job = client.submit(STEPS, api_name="/words")
        observers = [Strict() for _ in range(50)]
        for observer in observers:
            job.updates.subscribe(observer)
        readers = [Face("for", lambda found: found.extend(job)) for _ in range(50)]
        for reader in readers:
            reader.join(SOON)
            assert reader.outputs == WORDS
        for observer in observers:
            assert observer.ended.wait(SOON)
            assert observer.outputs == WORDS
