"""What every call promises, on every server: values, streams, reports, failures, State."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import (
    AppError,
    Client,
    ClientClosed,
    Job,
    OutputUpdate,
    Status,
)
from tests.contract.app import SOON, App, Seen, reached
from tests.live.servers.values import LOGS, growing

Tell = Callable[[str, str], None]

WORDS = list(growing("word", 3))


# ---- values


def test_a_result_is_the_final_output(client: Client, told: Tell) -> None:
    assert client.predict("hi", api_name="/echo") == "hi"
    assert client.submit("hi", api_name="/echo").result(SOON) == "hi"
    told("submit, predict", "yes")


def test_several_outputs_are_a_tuple_and_none_is_an_empty_one(client: Client) -> None:
    assert client.predict("abc", api_name="/two") == ("abc", 3)
    assert client.predict("abc", api_name="/nothing") == ()


def test_arguments_by_position_by_name_and_by_default(client: Client, told: Tell) -> None:
    assert client.predict(1, 2, api_name="/add") == 3
    assert client.predict(1, api_name="/add") == 11
    assert client.predict(b=5, a=1, api_name="/add") == 6
    assert client.predict(api_name="/many_defaults") == "a=x b=2 c=True"
    assert client.predict(c=False, api_name="/many_defaults") == "a=x b=2 c=False"
    with pytest.raises(TypeError, match=r"no argument 'aa'; did you mean 'a'\?"):
        client.predict(aa=1, api_name="/add")
    told("arguments by name", "yes")


def test_a_plain_function_gives_its_final_output_to_iterators(client: Client) -> None:
    job = client.submit("hi", api_name="/echo")
    assert list(job) == job.outputs() == ["hi"]


def test_an_endpoint_without_a_queue_works_too(client: Client, told: Tell) -> None:
    job = client.submit("x", api_name="/direct")
    assert Seen(job).wait().outputs == ["direct x"]
    assert job.status().code is Status.FINISHED
    with pytest.raises(AppError) as caught:
        client.predict("fail", api_name="/direct")
    assert caught.value.message == "told you so"
    told("queue=False", "yes")


def test_many_calls_at_once_each_get_their_own_answer(client: Client) -> None:
    jobs = {n: client.submit(f"{n}", api_name="/echo") for n in range(25)}
    assert {n: job.result(SOON) for n, job in jobs.items()} == {n: f"{n}" for n in jobs}


# ---- streams of outputs


def test_every_face_shows_the_same_outputs(client: Client, told: Tell) -> None:
    job = client.submit(3, api_name="/count")
    assert list(job) == job.outputs() == WORDS
    assert job.result() == job.latest == WORDS[-1]
    seen = Seen(job).wait()
    assert seen.outputs == [*WORDS, WORDS[-1]]
    assert seen.values[-2] == OutputUpdate(WORDS[-1], final=True)
    assert [value.final for value in seen.values if isinstance(value, OutputUpdate)] == [
        *(False for _ in WORDS),
        True,
    ]
    told("every output of a generator", "yes")


def test_all_status_codes_come_in_order(client: Client, app: App) -> None:
    job = client.submit(2, api_name="/count")
    codes = Seen(job).wait().codes
    # Before 4.9 the server asks for the data when it is the call's turn.
    asked = [Status.SENDING_DATA] if app.release < (4, 9) else []
    assert list(dict.fromkeys(codes)) == [
        Status.STARTING,
        Status.JOINING_QUEUE,
        Status.IN_QUEUE,
        *asked,
        Status.PROCESSING,
        Status.ITERATING,
        Status.FINISHED,
    ]
    assert job.status().success is True


def test_subscribers_early_and_late_see_the_same(client: Client, app: App, tag: str) -> None:
    job = client.submit(tag, 3, api_name="/gated_words")
    early = Seen(job)
    app.open(tag)
    assert next(iter(job)) == WORDS[0]
    middle = Seen(job)
    app.open(tag, 2)
    job.result(SOON)
    late = Seen(job)
    assert early.wait().values == middle.wait().values == late.wait().values


def test_status_and_latest_tell_where_the_job_stands(client: Client, app: App, tag: str) -> None:
    job = client.submit(tag, 2, api_name="/gated_words")
    reached(job, Status.PROCESSING)
    assert job.latest is None
    app.open(tag)
    assert next(iter(job)) == job.latest == WORDS[0]
    assert job.status().code is Status.ITERATING
    assert job.running()
    assert not job.done()
    app.open(tag)
    assert job.result(SOON) == WORDS[1]
    assert job.status().code is Status.FINISHED
    assert not job.running()


def test_a_job_can_be_awaited_and_iterated_over_on_a_loop(client: Client) -> None:
    async def main() -> tuple[Any, list[Any]]:
        job = client.submit(3, api_name="/count")
        updates = [update async for update in job]
        return await job, updates

    result, updates = asyncio.run(main())
    assert result == WORDS[-1]
    assert updates[0].code is Status.STARTING
    assert updates[-1].code is Status.FINISHED


# ---- reports beside the output


def test_no_log_message_is_lost(client: Client, told: Tell) -> None:
    seen = Seen(client.submit(api_name="/logs")).wait()
    logs = [value.log for value in seen.values if getattr(value, "code", None) is Status.LOG]
    assert logs == [(text, level) for level, text in LOGS]
    told("log messages", "yes")


def test_progress_is_told(client: Client, told: Tell) -> None:
    job = client.submit(4, api_name="/progress")
    values = Seen(job).wait().values
    # Reports follow each other faster than servers send them, and the newest wins.
    units = [unit for value in values for unit in getattr(value, "progress_data", None) or []]
    assert {(unit.length, unit.unit) for unit in units} == {(4, "steps")}
    assert job.result() == "4 steps"
    told("progress", "yes")


# ---- failures


def test_an_error_of_the_app_is_told_as_it_was_meant(client: Client, told: Tell) -> None:
    with pytest.raises(AppError) as caught:
        client.predict(api_name="/fail")
    assert caught.value.message == "told you so"
    with pytest.raises(AppError, match="does not tell which") as hidden:
        client.predict(api_name="/crash")
    assert "secret detail" not in str(hidden.value)
    told("the text of an error", "yes")


def test_a_failure_half_way_reaches_every_face(client: Client, told: Tell) -> None:
    job = client.submit(2, api_name="/fail_mid")
    got: list[Any] = []
    with pytest.raises(AppError, match="half-way"):
        got.extend(job)
    assert got == job.outputs() == ["part 0", "part 1"]
    with pytest.raises(AppError, match="half-way"):
        job.result(SOON)
    seen = Seen(job).wait()
    assert isinstance(seen.error, AppError)
    assert seen.codes[-1] is Status.FINISHED
    assert job.status().success is False
    assert not job.cancelled()
    told("an error after some outputs", "yes")


# ---- sessions


def test_state_is_kept_in_the_session_and_left_out(client: Client, app: App, told: Tell) -> None:
    assert [client.predict("x", api_name="/state") for _ in range(3)] == [1, 2, 3]
    assert client.predict("a", 4, api_name="/state_between") == ("a #0", 8)
    assert client.predict("b", number=5, api_name="/state_between") == ("b #1", 10)
    with app.connect() as other:
        assert other.predict("x", api_name="/state") == 1
    told("State", "yes")


def test_closing_ends_all_jobs_with_a_clear_error(app: App, tag: str) -> None:
    client = app.connect()
    jobs = [client.submit(f"{tag}-{n}", 2, api_name="/gated_words") for n in range(3)]
    for job in jobs:
        reached(job, Status.PROCESSING)
    client.close()
    for n, job in enumerate(jobs):
        with pytest.raises(ClientClosed):
            job.result(SOON)
        assert job.cancel_outcome.result(SOON)
        app.open(f"{tag}-{n}", 2)
    with pytest.raises(ClientClosed, match="make a new one"):
        client.submit("x", api_name="/echo")


# ---- cold streams


def test_each_subscription_calls(client: Client, app: App, tag: str) -> None:
    answers = client.observe(tag, api_name="/gated")
    assert app.ledger(tag) == []
    for count in (1, 2):
        app.open(tag)
        seen = Seen()
        answers.subscribe(seen)
        assert seen.wait().outputs == [f"{tag} went through"]
        assert app.ledger(tag) == ["started", "finished"] * count


def test_operators_compose_cold_streams(client: Client) -> None:
    final = ops.filter(lambda update: isinstance(update, OutputUpdate) and update.final)
    values = reactivex.merge(
        client.observe("a", api_name="/echo").pipe(final),
        client.observe("b", api_name="/echo").pipe(final),
        client.observe(3, api_name="/count").pipe(final),
    ).pipe(ops.map(lambda update: update.outputs), ops.to_list())
    assert sorted(values.run()) == ["a", "b", WORDS[-1]]


def test_an_observer_may_call_the_app_and_wait(client: Client) -> None:
    got: list[Any] = []
    seen = Seen()

    def call(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            got.append(client.predict(update.outputs, api_name="/echo"))

    job: Job = client.submit(2, api_name="/count")
    job.updates.subscribe(call, seen.on_error, seen.on_completed)
    seen.wait()
    assert got == [WORDS[0], WORDS[1], WORDS[1]]


def test_threads_may_share_a_client(client: Client) -> None:
    wrong: list[Any] = []

    def submit(thread: int) -> None:
        jobs = {f"{thread}/{n}": client.submit(f"{thread}/{n}", api_name="/echo") for n in range(8)}
        wrong.extend(text for text, job in jobs.items() if job.result(SOON) != text)

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
