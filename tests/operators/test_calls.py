"""The operators on calls of an app, with its threads and cancels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import AppError, Client, Status, Updates
from rxgradio.operators import LogMessage, TextDelta, snapshots, text_deltas
from tests.contract.app import SOON, Seen
from tests.contract.memory_app import MemoryApp
from tests.live.servers.values import LOGS


@pytest.fixture
def app() -> Iterator[MemoryApp]:
    app = MemoryApp(outlives=True)
    yield app
    app.close()


@pytest.fixture
def client(app: MemoryApp) -> Iterator[Client]:
    with app.connect() as client:
        yield client


def test_every_stream_of_updates_has_them(client: Client) -> None:
    job = client.submit("a", api_name="/echo")
    streams = [
        job.updates,
        job.updates_with(on_slow="latest"),
        client.observe("a", api_name="/echo"),
        client.endpoint("/echo").observe("a"),
        client.stream(reactivex.of("a"), api_name="/frames"),
        client.endpoint("/frames").stream(reactivex.of("a")),
    ]
    for each in streams:
        assert isinstance(each, Updates)
    told = [each.outputs().run() for each in streams]
    assert told == ["a"] * 4 + ["frame 0: a", "frame 1: a"]  # of one session


def test_a_job_seen_through_each(client: Client) -> None:
    updates = client.submit(3, api_name="/count").updates
    assert updates.result().run() == "word 0 word 1 word 2"
    assert updates.outputs().pipe(ops.count()).run() == 3
    assert updates.text_deltas().pipe(ops.map(str), ops.to_list()).run() == [
        "word 0",
        " word 1",
        " word 2",
    ]
    assert updates.snapshots().run().output == "word 0 word 1 word 2"
    assert updates.statuses().run().code is Status.FINISHED
    last = updates.timings().run()
    assert last.done is not None
    assert last.first_output is not None
    said = client.observe(api_name="/logs").logs().pipe(ops.to_list()).run()
    assert said == [LogMessage(text, level) for level, text in LOGS]
    done = client.observe(4, api_name="/progress").progress().pipe(ops.to_list()).run()
    assert done == [0.0, 0.25, 0.5, 0.75]


def test_a_late_reader_that_missed_outputs_has_the_final_one(
    client: Client, app: MemoryApp
) -> None:
    job = client.submit("x", 3, api_name="/gated_words")
    entered, go_on = threading.Event(), threading.Event()
    seen: list[str] = []
    done = threading.Event()

    def slow(words: str) -> None:
        seen.append(words)
        entered.set()
        assert go_on.wait(SOON)

    job.updates_with(on_slow="latest").outputs().subscribe(slow, on_completed=done.set)
    app.open("x")
    assert entered.wait(SOON)
    app.open("x", 2)
    job.result(SOON)
    go_on.set()
    assert done.wait(SOON)
    assert seen == ["word 0", "word 0 word 1 word 2"]


def test_taking_what_is_needed_cancels_on_the_server(client: Client, app: MemoryApp) -> None:
    words = client.observe("x", 9, api_name="/gated_words").outputs().pipe(ops.take(1))
    app.open("x")
    assert words.run() == "word 0"
    app.until(lambda: len(app.posted("/cancel")) == 1)
    app.open("x")  # no server stops a function before its next output
    app.until(lambda: app.closed("x") == 1)


def test_a_result_cancels_nothing(client: Client, app: MemoryApp) -> None:
    assert client.observe("x", api_name="/echo").result().run() == "x"
    client.predict("y", api_name="/echo")
    assert app.posted("/cancel") == []


def test_disposing_of_a_job_s_stream_stops_the_stream_alone(client: Client, app: MemoryApp) -> None:
    job = client.submit("x", 2, api_name="/gated_words")
    seen = Seen()
    subscription = job.updates.outputs().subscribe(seen)
    subscription.dispose()
    app.open("x", 2)
    assert job.result(SOON) == "word 0 word 1"
    assert seen.values == []


def test_what_a_cancel_looks_like(client: Client, app: MemoryApp) -> None:
    job = client.submit("x", 9, api_name="/gated_words")
    result, views = Seen(), Seen()
    first = threading.Event()
    job.updates.result().subscribe(result)
    job.updates.snapshots().subscribe(views)
    job.updates.outputs().subscribe(lambda _: first.set(), lambda _: None)
    app.open("x")
    assert first.wait(SOON)
    job.cancel()
    assert isinstance(result.wait().error, CancelledError)
    last = views.wait().values[-1]
    assert views.completed
    assert (last.phase, last.output, last.done) == (Status.CANCELLED, "word 0", True)
    assert isinstance(last.error, CancelledError)


def test_what_a_failure_looks_like(client: Client) -> None:
    failing = client.observe(2, api_name="/fail_mid")
    last = failing.snapshots().run()
    assert (last.phase, last.output, last.done) == (Status.FINISHED, "part 1", True)
    assert isinstance(last.error, AppError)
    for passed in (failing.result(), failing.outputs(), failing.text_deltas(), failing.timings()):
        with pytest.raises(AppError, match="half-way"):
            passed.run()


def test_observers_are_called_where_those_of_updates_are(client: Client) -> None:
    seen = Seen()
    subscriber = threading.current_thread().name
    client.submit(3, api_name="/count").updates.pipe(text_deltas()).subscribe(seen)
    seen.wait()
    assert subscriber not in seen.threads
    assert all(name.startswith("rxgradio-delivery") for name in seen.threads)


def test_calls_side_by_side_share_nothing(client: Client) -> None:
    def words(n: int) -> list[TextDelta]:
        deltas: list[TextDelta] = calls[n].pipe(ops.to_list()).run()
        return deltas

    calls = [client.observe(n, api_name="/count").text_deltas() for n in range(1, 5)]
    merged = reactivex.merge(
        *(each.pipe(ops.map(lambda delta, n=n: (n, delta))) for n, each in enumerate(calls))
    )
    told = merged.pipe(ops.to_list()).run()
    for n in range(4):
        assert [delta for of, delta in told if of == n] == words(n)


def test_a_new_call_in_the_place_of_another_is_seen_anew(client: Client) -> None:
    calls = reactivex.concat(
        client.observe(2, api_name="/count"), client.observe("word", api_name="/echo")
    )
    assert calls.pipe(text_deltas(), ops.to_list()).run() == [
        TextDelta("word 0"),
        TextDelta(" word 1"),
        TextDelta("word", replaced=13),
    ]
    views = calls.pipe(snapshots(), ops.to_list()).run()
    assert [each.output for each in views if each.done] == ["word 0 word 1", "word"]
    begun = [n for n, each in enumerate(views) if each.phase is Status.STARTING]
    assert len(begun) == 2
    assert views[begun[1]].output == "word 0 word 1"
