"""Scenarios of jobs: results, outputs, statuses, callbacks and cancelling."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.dropin.scenario import (
    NAMED,
    NEWEST,
    PATIENCE,
    Script,
    differs,
    hangs,
    raises,
    returns,
    same,
)


@same()
def what_a_job_is_after_its_result(it: Script) -> object:
    job = it.connect().submit(1, 2, api_name="/add")
    result = job.result(timeout=10)
    return result, job.done(), job.running(), job.cancelled(), job.exception(), job.outputs()


@same()
def the_last_status(it: Script) -> object:
    job = it.connect().submit(1, 2, api_name="/add")
    job.result()
    status = job.status()
    known = status.code.value, status.success, status.queue_size, status.eta
    return known, status.progress_data, status.log, status.type, type(status.time).__name__


@same()
def outputs_of_a_generator(it: Script) -> object:
    job = it.connect().submit(4, api_name="/count")
    return job.result(), job.outputs(), job.outputs()


@same()
def outputs_of_a_generator_with_two(it: Script) -> object:
    job = it.connect().submit(3, api_name="/pairs")
    return job.result(), job.outputs()


@same()
def a_generator_that_yields_nothing(it: Script) -> object:
    job = it.connect().submit(0, api_name="/count")
    return job.result(), job.outputs()


@same()
def the_attributes_of_a_job(it: Script) -> object:
    job = it.connect(verbose=False).submit(1, 2, api_name="/add")
    job.result()
    known = job.verbose, job.space_id, job.future.result(), job.communicator is not None
    return known, isinstance(job, concurrent.futures.Future)


@same(on=NEWEST)
def a_job_made_of_a_future(it: Script) -> object:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = it.module("client").Job(pool.submit(int, "7"))
        return job.result(), job.done(), job.status().code.value


@same()
def many_at_once(it: Script) -> object:
    client = it.connect()
    jobs = [client.submit(n, 1, api_name="/add") for n in range(5)]
    return [job.result() for job in jobs]


@differs(
    "a Job is a Future, and all that takes Futures takes it",
    theirs=raises("KeyError"),
    ours=returns(["slept", "slept"]),
    on=NAMED,
)
def as_completed(it: Script) -> object:
    client = it.connect()
    jobs = [client.submit(1, api_name="/nap") for _ in range(2)]
    return [job.result() for job in concurrent.futures.as_completed(jobs)]


# ---- waiting


def let_go(client: Any) -> None:
    """Let one pass who waits in the app, or is about to; round the queue, which may be full."""
    prefix = client.config.get("api_prefix") or ""
    address = f"{client.src.rstrip('/')}{prefix}/run/let_go"
    httpx.post(address, json={"data": []}, timeout=20, trust_env=False).raise_for_status()


def once(condition: Callable[[], object]) -> None:
    """Wait until something is the case."""
    deadline = time.monotonic() + PATIENCE / 2
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(job: Any) -> bool:
    code: str = job.status().code.value
    return code == "PROCESSING"


@same()
def a_result_in_too_short_a_time(it: Script) -> object:
    client = it.connect()
    job = client.submit(api_name="/wait")
    once(lambda: runs(job))
    try:
        job.result(timeout=0.1)
    except concurrent.futures.TimeoutError as error:
        waited = type(error).__name__
    before = job.done(), job.running()
    let_go(client)
    return waited, before, job.result()


# ---- iterating


@same()
def iterating_a_generator(it: Script) -> object:
    return list(it.connect().submit(4, api_name="/count"))


@differs(
    "the loop does not end before the only output is there",
    theirs=returns([], [3]),
    ours=returns([3]),
)
def iterating_a_plain_function(it: Script) -> object:
    return list(it.connect().submit(1, 2, api_name="/add"))


@differs(
    "iterating gives what outputs() gives",
    theirs=returns([], [None]),
    ours=returns([None]),
)
def iterating_a_generator_that_yields_nothing(it: Script) -> object:
    return list(it.connect().submit(0, api_name="/count"))


@same(on=NEWEST)
def iterating_with_next(it: Script) -> object:
    job = it.connect().submit(3, api_name="/count")
    return next(job), next(job), next(job), next(job, "no more")


@differs(
    "every loop sees every output",
    theirs=returns((["0", "1", "2"], [])),
    ours=returns((["0", "1", "2"], ["0", "1", "2"])),
)
def two_loops_over_one_job(it: Script) -> object:
    job = it.connect().submit(3, api_name="/count")
    return list(job), list(job)


@differs(
    "every loop sees every output",
    theirs=returns(("0", ["1", "2"])),
    ours=returns(("0", ["0", "1", "2"])),
    on=NEWEST,
)
def next_and_then_a_loop(it: Script) -> object:
    job = it.connect().submit(3, api_name="/count")
    return next(job), list(job)


@differs(
    "what the job keeps is not the caller's to change",
    theirs=returns(["0", "1", "mine"]),
    ours=returns(["0", "1"]),
    on=NEWEST,
)
def changing_what_outputs_returned(it: Script) -> object:
    job = it.connect().submit(2, api_name="/count")
    job.result()
    job.outputs().append("mine")
    return job.outputs()


# ---- updates


def told(update: Any) -> object:
    """Tell of an update what is no measurement."""
    if update.type == "output":
        of_server = isinstance(update.outputs, dict) and "is_generating" in update.outputs
        return "output", "what the server sent" if of_server else update.outputs, update.final
    return update.code.value


async def all_of(job: Any) -> list[Any]:
    return [update async for update in job]


def updates_of(job: Any) -> list[Any]:
    return asyncio.run(all_of(job))


def without_repetitions(told: list[Any]) -> list[Any]:
    return [each for each, _ in itertools.groupby(told)]


@differs(
    "the final output is a value like the others, and the end comes last",
    theirs=returns(
        [
            "IN_QUEUE",
            "PROCESSING",
            ("output", "0", False),
            "ITERATING",
            ("output", "1", False),
            "ITERATING",
            "FINISHED",
            ("output", "what the server sent", True),
        ]
    ),
    ours=returns(
        [
            "STARTING",
            "JOINING_QUEUE",
            "IN_QUEUE",
            "PROCESSING",
            "ITERATING",
            ("output", "0", False),
            ("output", "1", False),
            ("output", "1", True),
            "FINISHED",
        ]
    ),
    on=NAMED,
)
def updates_of_a_generator(it: Script) -> object:
    updates = updates_of(it.connect().submit(2, api_name="/count"))
    return without_repetitions([told(update) for update in updates])


@differs(
    "those of 4.8 are told too",
    theirs=returns([]),
    ours=returns([("output", "0", False), ("output", "1", False), ("output", "1", True)]),
    on=("4.8.0",),
)
def outputs_among_the_updates_of_a_generator(it: Script) -> object:
    updates = updates_of(it.connect().submit(2, api_name="/count"))
    return [told(update) for update in updates if update.type == "output"]


@same()
def the_order_of_statuses(it: Script) -> object:
    job = it.connect().submit(3, api_name="/slow_count")
    seen = [job.status().code.value]
    while not job.done():
        seen.append(job.status().code.value)
        time.sleep(0.01)
    seen.append(job.status().code.value)
    order = ["STARTING", "JOINING_QUEUE", "IN_QUEUE", "SENDING_DATA", "PROCESSING", "ITERATING"]
    places = [[*order, "FINISHED"].index(code) for code in seen]
    return places == sorted(places), "ITERATING" in seen, seen[-1]


@same(on=NAMED)
def all_of_the_progress(it: Script) -> object:
    updates = updates_of(it.connect().submit(3, api_name="/steps"))
    units = [update.progress_data for update in updates if update.type == "status"]
    return without_repetitions(
        [[(u.index, u.length, u.unit, u.progress, u.desc) for u in each] for each in units if each]
    )


@same()
def progress_in_the_status(it: Script) -> object:
    client = it.connect()
    job = client.submit(api_name="/steps_and_waits")
    once(lambda: job.status().progress_data)
    (unit,) = job.status().progress_data
    let_go(client)
    job.result()
    return unit.index, unit.length, unit.unit, unit.progress, unit.desc


@same(on=NAMED)
def all_of_the_messages(it: Script) -> object:
    updates = updates_of(it.connect().submit(api_name="/says"))
    return [(u.code.value, u.log) for u in updates if u.type == "status" and u.log]


@same(on=NAMED)
def a_message_in_the_status(it: Script) -> object:
    client = it.connect()
    job = client.submit(api_name="/says_and_waits")
    once(lambda: job.status().log)
    said = job.status().log
    let_go(client)
    return said, job.result()


# ---- callbacks


class Called:
    """A callback that notes what it was called with."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self._again = threading.Condition()

    def __call__(self, *values: object) -> None:
        with self._again:
            self.seen.append(values)
            self._again.notify_all()

    def wait(self, times: int) -> list[object]:
        """Wait until it has been called so often."""
        with self._again:
            assert self._again.wait_for(lambda: len(self.seen) >= times, PATIENCE / 2)
            return list(self.seen)


@same()
def a_result_callback_gets_an_argument_for_each_output(it: Script) -> object:
    client, called = it.connect(), Called()
    client.submit("abc", api_name="/two", result_callbacks=called).result()
    called.wait(1)
    client.submit(1, 2, api_name="/add", result_callbacks=[called]).result()
    return called.wait(2)


@same(on=NEWEST)
def result_callbacks_are_called_in_order(it: Script) -> object:
    called = Called()
    callbacks = [lambda value: called("first", value), lambda value: called("second", value)]
    it.connect().submit(1, 2, api_name="/add", result_callbacks=callbacks).result()
    return called.wait(2)


@same()
def a_result_callback_is_not_called_for_a_failure(it: Script) -> object:
    called, done = Called(), Called()
    job = it.connect().submit(api_name="/fails", result_callbacks=called)
    job.add_done_callback(lambda _: done())
    done.wait(1)
    return called.seen


@same()
def a_done_callback_gets_a_future_that_is_done(it: Script) -> object:
    client, called = it.connect(), Called()
    job = client.submit(api_name="/wait")
    job.add_done_callback(lambda future: called(future.result(), future.done()))
    once(lambda: runs(job))
    let_go(client)
    return called.wait(1)


@same(on=NEWEST)
def a_done_callback_that_is_added_late(it: Script) -> object:
    called = Called()
    job = it.connect().submit(1, 2, api_name="/add")
    job.result()
    job.add_done_callback(lambda future: called(future.result()))
    return called.wait(1)


# ---- cancelling


@same()
def cancelling_a_running_generator(it: Script) -> object:
    job = it.connect().submit(api_name="/forever")
    first = next(job), next(job)
    cancelled = job.cancel()
    return first, cancelled, job.status().code.value, job.outputs()[:2]


@differs(
    "a cancelled call ends as cancelled, and says so",
    theirs=hangs(raised=("KeyError", "ValueError", "CancelledError")),
    ours=raises("CancelledError"),
)
def the_result_of_a_cancelled_job(it: Script) -> object:
    job = it.connect().submit(api_name="/forever")
    next(job)
    job.cancel()
    return job.result()


@differs(
    "a cancelled call ends as cancelled, and says so",
    theirs=hangs(False),
    ours=returns(True),
    on=NAMED,
)
def cancelled_of_a_cancelled_job(it: Script) -> object:
    job = it.connect().submit(api_name="/forever")
    next(job)
    job.cancel()
    while not job.done():
        time.sleep(0.01)
    return job.cancelled()


@differs(
    "a loop over a job ends as the job does, and it ends",
    theirs=hangs("the loop ends"),
    ours=raises("CancelledError"),
)
def a_loop_over_a_cancelled_job(it: Script) -> object:
    job = it.connect().submit(api_name="/forever")
    for _ in job:
        job.cancel()
    return "the loop ends"


@differs(
    "what has ended cannot be cancelled, as with any Future",
    theirs=returns((True, "CANCELLED", 3)),
    ours=returns((False, "FINISHED", 3)),
)
def cancelling_a_finished_job(it: Script) -> object:
    job = it.connect().submit(1, 2, api_name="/add")
    job.result()
    return job.cancel(), job.status().code.value, job.result()


@same(on=NEWEST)
def statuses_have_an_order(it: Script) -> object:
    kinds = it.module("utils").Status
    phases = [each for each in reversed(kinds) if each is not kinds.LOG]
    return kinds.PROCESSING < kinds.FINISHED, [each.value for each in sorted(phases)]


@differs(
    "what has ended has no place in the queue", theirs=returns(0), ours=returns(None), on=NEWEST
)
def the_rank_of_a_finished_job(it: Script) -> object:
    job = it.connect().submit(1, 2, api_name="/add")
    job.result()
    return job.status().rank
