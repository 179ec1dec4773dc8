"""Virtual time drives clients, jobs, operators, timers and apps, and always the same way."""

from __future__ import annotations

import asyncio
import logging
import threading
import time as real
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from datetime import datetime
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops
from reactivex.internal import SequenceContainsNoElementsError
from reactivex.testing import ReactiveTest

import rxgradio
from rxgradio import (
    AppError,
    CancelOutcome,
    ConnectionLost,
    DeadlineExceeded,
    DeliveryScheduler,
    Job,
    Limits,
    QueueFull,
    Retry,
    StatusUpdate,
    fanin,
    operators,
)
from rxgradio.runtime.process import delivery, loop_thread
from rxgradio.testing import Endpoint, Marbles, MemoryApp, VirtualTime
from tests.contract.app import VERSIONS

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed


@pytest.fixture
def time() -> Iterator[VirtualTime]:
    before = threading.active_count()
    with VirtualTime() as time:
        yield time
    assert threading.active_count() <= before, "virtual time needs no thread"


SLOW = Marbles("-a-b-(c,|)", timespan=10)


# ---- reading


@pytest.mark.parametrize("version", VERSIONS)
def test_outputs_come_when_the_marbles_say_so(time: VirtualTime, version: str) -> None:
    app = MemoryApp({"/slow": SLOW}, version=version)
    client = app.client()
    seen = time.start(lambda: client.observe("x", api_name="/slow").outputs())
    assert seen.messages == [
        on_next(210, "a"),
        on_next(230, "b"),
        on_next(250, "c"),
        on_completed(250),
    ]
    [call] = app.calls
    assert (call.endpoint, call.inputs) == ("/slow", ("x",))
    assert (call.submitted, call.started, call.ended) == (200, 200, 250)
    assert call.end == "finished"


@pytest.mark.parametrize("version", VERSIONS)
def test_disposing_cancels_on_the_server_at_that_moment(time: VirtualTime, version: str) -> None:
    app = MemoryApp({"/slow": SLOW}, version=version)
    client = app.client()
    seen = time.start(lambda: client.observe("x", api_name="/slow").outputs(), disposed=235)
    assert seen.messages == [on_next(210, "a"), on_next(230, "b")]
    [call] = app.calls
    assert call.end == "cancelled"
    assert call.ended == 235


def test_what_waits_lets_time_go_on(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()
    assert client.predict("x", api_name="/slow") == "c"
    assert time.seconds == 50
    job = client.submit("x", api_name="/slow")
    heard = [(time.seconds, output) for output in job]
    assert heard == [(60, "a"), (80, "b"), (100, "c")]
    assert job.exception() is None


def test_giving_up_takes_as_long_as_it_says(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()
    job = client.submit("x", api_name="/slow")
    with pytest.raises(TimeoutError):
        job.result(timeout=15)
    assert time.seconds == 15
    assert job.latest == "a"
    assert job.result(timeout=100) == "c"
    assert time.seconds == 50


def test_updates_and_clocks_tell_the_virtual_time(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()
    time.advance_to(7)
    job = client.submit("x", api_name="/slow")
    job.result()
    told = [each.time for each in time.run(job.updates.statuses().pipe(ops.to_list()))]
    assert told[0] == datetime(1970, 1, 1, 0, 0, 7)
    assert told[-1] == datetime(1970, 1, 1, 0, 0, 57)
    assert DeliveryScheduler().now.timestamp() == 57
    marks = time.run(client.observe("x", api_name="/slow").timings())
    assert (marks.first_output, marks.done) == (10, 50)


def test_a_coroutine_runs_in_it(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()
    heard: list[tuple[float, Any]] = []

    async def main() -> Any:
        await asyncio.sleep(3)
        job = client.submit("x", api_name="/slow")
        async for update in job:
            if update.type == "output":
                heard.append((time.seconds, update.outputs))  # noqa: PERF401 (it is to be read)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(12):
                await client.submit("x", api_name="/slow")
        return await job

    assert time.run(main()) == "c"
    assert heard == [(13, "a"), (33, "b"), (53, "c"), (53, "c")]
    assert time.seconds == 65


def test_blocking_in_a_coroutine_is_refused_as_on_the_scheduler_thread(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()

    async def main() -> None:
        client.predict("x", api_name="/slow")

    with pytest.raises(RuntimeError, match="await it: the job"):
        time.run(main())


def test_a_callback_may_wait_for_another_job(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW, "/upper": str.upper}).client()
    heard: list[Any] = []
    job = client.submit("x", api_name="/slow")
    job.add_done_callback(lambda _: heard.append(client.predict("y", api_name="/slow")))
    job.result()
    time.advance_by(100)
    assert heard == ["c"]


def test_what_never_comes_is_said_to(time: VirtualTime) -> None:
    client = MemoryApp({"/never": "-a-"}).client()
    job = client.submit("x", api_name="/never")
    with pytest.raises(RuntimeError, match="for ever"):
        job.result()
    assert job.latest == "a"
    with pytest.raises(RuntimeError, match="for ever"):
        time.run(rx.never())
    with pytest.raises(SequenceContainsNoElementsError):
        time.run(rx.empty())
    with pytest.raises(ZeroDivisionError):
        time.run(rx.throw(ZeroDivisionError()))
    with pytest.raises(TimeoutError, match="5 virtual seconds"):
        time.run(rx.never(), timeout=5)


def test_a_stream_and_a_job_can_be_run(time: VirtualTime) -> None:
    client = MemoryApp({"/slow": SLOW}).client()
    stream = client.observe("x", api_name="/slow").outputs()
    assert stream.run() == "c"
    assert time.seconds == 50
    assert rx.timer(5.0, scheduler=time).run() == 0
    assert time.run(client.submit("x", api_name="/slow")) == "c"
    with pytest.raises(SequenceContainsNoElementsError):
        rx.empty().run()
    with pytest.raises(RuntimeError, match="for ever"):
        rx.never().run()


def test_outside_a_stream_is_run_as_before() -> None:
    with VirtualTime():
        pass
    assert rx.timer(0.01).run() == 0


def test_an_app_belongs_to_its_time() -> None:
    with MemoryApp({"/upper": str.upper}) as app:
        with VirtualTime(), pytest.raises(RuntimeError, match="within the context of"):
            app.client()
        assert app.client().predict("x", api_name="/upper") == "X"


def test_what_an_endpoint_raises_is_logged(
    time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    def crash() -> None:
        raise ZeroDivisionError("a bug of the test")

    client = MemoryApp({"/crash": crash, "/fail": "#"}).client()
    with caplog.at_level(logging.WARNING, "rxgradio"):
        assert isinstance(client.submit("x", api_name="/fail").exception(), AppError)
        assert caplog.text == ""
        assert isinstance(client.submit(api_name="/crash").exception(), AppError)
    assert "ZeroDivisionError: a bug of the test" in caplog.text


def test_what_a_given_up_run_has_begun_is_ended(time: VirtualTime) -> None:
    app = MemoryApp({"/never": "-a-"})
    client = app.client()
    with pytest.raises(TimeoutError):
        time.run(client.observe("x", api_name="/never"), timeout=5)
    assert [(call.end, call.ended) for call in app.calls] == [("cancelled", 5)]
    ended: list[str] = []

    async def main() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append("ended")

    with pytest.raises(TimeoutError):
        time.run(main(), timeout=5)
    assert ended == ["ended"]


# ---- the scheduler


def test_no_time_passes_by_the_number_of_things(time: VirtualTime) -> None:
    app = MemoryApp({"/upper": str.upper})
    client = app.client()
    jobs = [client.submit("x", api_name="/upper") for _ in range(300)]
    assert [job.result() for job in jobs] == ["X"] * 300
    assert time.seconds == 0


def test_what_was_cancelled_moves_no_clock(time: VirtualTime) -> None:
    time.schedule_relative(50, lambda *_: None).dispose()
    done: list[float] = []
    time.schedule_relative(5, lambda *_: done.append(time.seconds))
    time.start()
    assert (done, time.seconds) == ([5], 5)


def test_time_goes_where_it_is_told_and_not_back(time: VirtualTime) -> None:
    done: list[float] = []
    for due in (0, 5, 10, 15):
        time.schedule_absolute(float(due), lambda *_: done.append(time.seconds))
    time.advance_by(0)
    assert done == [0]
    time.advance_to(10)
    assert (done, time.seconds) == ([0, 5, 10], 10)
    with pytest.raises(ValueError, match="does not go back"):
        time.advance_to(9)
    time.schedule_absolute(3.0, lambda *_: done.append(time.seconds))
    time.start()
    assert done == [0, 5, 10, 10, 15]


def test_stop_is_heard_by_what_runs(time: VirtualTime) -> None:
    time.schedule_absolute(5.0, lambda *_: time.stop())
    time.schedule_absolute(6.0, lambda *_: pytest.fail("it goes on"))
    time.start()
    assert time.seconds == 5


def test_a_callback_that_raises_is_logged(
    time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    client = MemoryApp({"/upper": str.upper}).client()
    job = client.submit("x", api_name="/upper")
    job.updates.subscribe(lambda _: 1 / 0)
    with caplog.at_level(logging.ERROR, "rxgradio"):
        assert job.result() == "X"
        time.advance_by(1)
    assert "ZeroDivisionError" in caplog.text


def test_outside_all_is_as_before() -> None:
    with VirtualTime():
        assert loop_thread().loop.time() == 0
        inside = delivery()
    assert delivery() is not inside
    begun = real.monotonic()
    with MemoryApp({"/upper": str.upper}) as app:
        assert app.client().predict("x", api_name="/upper") == "X"
    assert real.monotonic() - begun < 60


def test_leaving_ends_what_is_open() -> None:
    ended: list[str] = []

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(1)
        finally:
            ended.append("ended")

    with VirtualTime() as time:
        client = MemoryApp({"/endless": endless}).client()
        job = client.submit(api_name="/endless")
        time.advance_by(3)
    assert isinstance(job.exception(), rxgradio.ClientClosed)
    assert ended == ["ended"]
    with pytest.raises(rxgradio.ClientClosed):
        client.submit(api_name="/endless")


# ---- the machines: deadlines, watchdogs, retries, State, room


@pytest.mark.parametrize("version", VERSIONS)
def test_a_deadline_is_kept_to_the_second(time: VirtualTime, version: str) -> None:
    app = MemoryApp({"/slow": SLOW}, version=version)
    client = app.client(deadline=42)
    job = client.submit("x", api_name="/slow")
    time.advance_to(41)
    assert not job.done()
    time.advance_to(42)
    assert isinstance(job.exception(), DeadlineExceeded)
    assert [(call.end, call.ended) for call in app.calls] == [("cancelled", 42)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_silent_connection_is_lost_in_time(time: VirtualTime, version: str) -> None:
    app = MemoryApp({"/never": "-a-"}, version=version)
    client = app.client(limits=Limits(silence=45))
    job = client.submit("x", api_name="/never")
    time.advance_to(45)
    assert not job.done()
    time.advance_to(62)
    if version >= "4":  # 3.x has websockets, which are pinged beneath all this
        error = job.exception()
        assert isinstance(error, ConnectionLost)
        assert error.outputs == ["a"]
        unnoticed = {"4.20.1", "4.21.0", "4.22.0"}  # see `Generation.notices_drops`
        assert app.calls[0].end == (None if version in unnoticed else "cancelled")
    job.cancel()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_is_made_again_after_a_cut(time: VirtualTime, version: str) -> None:
    app = MemoryApp({"/slow": SLOW}, version=version)
    client = app.client(resubmit=Retry(attempts=3, initial=8.0))
    job = client.submit("x", api_name="/slow")
    time.advance_to(15)
    app.cut()
    assert job.result() == "c"
    ends = [call.end for call in app.calls]
    if version.startswith("4.2"):  # which goes on where it was, or was told of nothing
        assert ends[-1] == "finished"
    else:
        assert ends == ["cancelled", "finished"]
        begun = app.calls[1].submitted
        assert 15 <= begun <= 23
        assert time.seconds == pytest.approx(begun + 50)


def test_a_full_queue_is_full_until_there_is_room(time: VirtualTime) -> None:
    slow = Endpoint(function=SLOW, concurrency=1)
    app = MemoryApp({"/slow": slow}, max_size=1)
    client = app.client()
    jobs = [client.submit("x", api_name="/slow")]
    time.advance_by(0)  # it runs now, and one may wait
    jobs += [client.submit("x", api_name="/slow") for _ in range(2)]
    assert isinstance(jobs[2].exception(), QueueFull)
    waits = app.client(wait_for_room=True).submit("x", api_name="/slow")
    assert waits.result() == "c"
    assert [job.result() for job in jobs[:2]] == ["c", "c"]
    assert [call.end for call in app.calls] == ["finished"] * 3
    assert time.seconds >= 150


@pytest.mark.parametrize("version", VERSIONS)
def test_state_is_kept_by_session(time: VirtualTime, version: str) -> None:
    def count(state: int = 0) -> tuple[int, int]:
        return state + 1, state + 1

    app = MemoryApp({"/count": Endpoint(function=count, outputs=("n", "state"))}, version=version)
    one, other = app.client(), app.client()
    assert [one.predict(api_name="/count") for _ in range(3)] == [1, 2, 3]
    assert other.predict(api_name="/count") == 1


# ---- compositions


def test_operators_keep_virtual_time_without_being_told(time: VirtualTime) -> None:
    app = MemoryApp({"/never": "-a-", "/boom": Marbles("--#", error=AppError("no"))})
    client = app.client()
    seen: list[tuple[float, object]] = []

    def note(what: object) -> None:
        seen.append((time.seconds, what))

    late = client.observe(api_name="/never").pipe(operators.timeout(30))
    late.subscribe(on_error=lambda error: note(type(error).__name__))
    again = client.observe(api_name="/boom").pipe(operators.retry(Retry(attempts=3)))
    again.subscribe(on_error=lambda error: note(str(error)))
    time.advance_to(100)
    assert [what for _, what in seen] == ["no", "DeadlineExceeded"]
    assert seen[1][0] == 30.1  # after its output
    assert [call.end for call in app.calls_of("/boom")] == ["failed"] * 3
    assert [(call.end, call.ended) for call in app.calls_of("/never")] == [("cancelled", 30.1)]


def test_a_race_has_no_running_loser(time: VirtualTime) -> None:
    app = MemoryApp({"/slow": "-----a--|", "/quick": "---b-|", "/never": "-"})
    client = app.client()
    calls = [client.observe(api_name=name) for name in ("/slow", "/quick", "/never")]
    seen = time.start(lambda: fanin.race(*calls).pipe(operators.outputs()))
    assert seen.messages == [on_next(200.3, "b"), on_completed(200.5)]
    assert {call.endpoint: (call.end, call.ended) for call in app.calls} == {
        "/slow": ("cancelled", 200.3),
        "/quick": ("finished", 200.5),
        "/never": ("cancelled", 200.3),
    }


def test_a_hedge_sends_its_copy_in_time(time: VirtualTime) -> None:
    app = MemoryApp({"/slow": "----------a|", "/quick": "-b|"})
    client = app.client()
    slow, quick = client.observe(api_name="/slow"), client.observe(api_name="/quick")
    seen = time.start(lambda: fanin.hedge(slow, quick, after=0.5).outputs())
    assert seen.messages == [on_next(200.6, "b"), on_completed(200.7)]
    [copy] = app.calls_of("/quick")
    assert copy.submitted == 200.5
    assert [(call.end, call.ended) for call in app.calls_of("/slow")] == [("cancelled", 200.6)]


def test_type_ahead_cancels_what_is_superseded(time: VirtualTime) -> None:
    app = MemoryApp({"/search": "--a--b|"})
    search = app.client().endpoint("/search")
    typed = [on_next(300 + n / 10, "gradio and rx"[: n + 1]) for n in range(10)]
    keys = time.create_hot_observable(*typed)
    seen = time.start(lambda: keys.pipe(search.latest()).pipe(operators.outputs()))
    assert seen.messages == [on_next(301.1, "a"), on_next(301.4, "b")]
    assert [call.end for call in app.calls] == ["cancelled"] * 9 + ["finished"]
    assert [call.inputs for call in app.calls][-1] == ("gradio and",)


def test_a_map_never_has_more_in_flight(time: VirtualTime) -> None:
    app = MemoryApp({"/slow": Marbles("-a|", timespan=1)})
    slow = app.client().endpoint("/slow")
    results = time.run(slow.map(range(50), max_concurrent=5).pipe(ops.to_list()))
    assert [each.index for each in results] == list(range(50))
    assert time.seconds == pytest.approx(20)
    moments = [(call.started, 1) for call in app.calls] + [(call.ended, -1) for call in app.calls]
    running = most = 0
    for _, change in sorted(moments, key=lambda moment: (moment[0] or 0, moment[1])):
        running += change
        most = max(most, running)
    assert most == 5


def test_inputs_are_pulled_in_virtual_time(time: VirtualTime) -> None:
    app = MemoryApp({"/slow": Marbles("-a|", timespan=1)})
    slow = app.client().endpoint("/slow")
    pulled: list[tuple[int, float]] = []
    ended: list[str] = []

    def count() -> Iterator[int]:
        try:
            for n in range(10):
                pulled.append((n, time.seconds))
                yield n
        finally:
            ended.append("ended")

    async def count_slowly() -> AsyncIterator[int]:
        for n in count():
            await asyncio.sleep(0.5)
            yield n

    for inputs in (count, count_slowly):
        begun = time.seconds
        pulled.clear()
        results = time.run(slow.map(inputs(), max_concurrent=2).pipe(ops.to_list()))
        assert [each.index for each in results] == list(range(10))
        assert time.seconds - begun == pytest.approx(10 if inputs is count else 13)
        assert pulled[:2] == [(0, begun), (1, begun if inputs is count else begun + 0.5)]
        assert next(at - begun for n, at in pulled if n == 4) >= 2
        assert [result.index for result in slow.map(inputs())] == list(range(10))
        first = next(iter(slow.map(inputs(), max_concurrent=3)))
        assert first.index == 0
    time.advance_by(10)
    assert len(ended) == 6
    assert {call.end for call in app.calls} == {"finished", "cancelled"}


# ---- always the same


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(["/slow", "/one", "/boom", "/upper"])),
        st.tuples(st.just("observe"), st.sampled_from(["/slow", "/one", "/boom", "/upper"])),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.05, 0.1, 0.3, 5.0])),
        st.tuples(st.just("cut"), st.just(0)),
    ),
    max_size=25,
)


def course(actions: list[tuple[str, Any]], version: str) -> list[Any]:
    """Carry out actions, and return all that can be seen of it."""
    told: list[Any] = []
    with VirtualTime() as time:
        app = MemoryApp(
            {
                "/slow": Marbles("-a-b-c-d-|"),
                "/one": Endpoint(function="--a-b-|", concurrency=1),
                "/boom": Marbles("-a-#"),
                "/upper": str.upper,
            },
            version=version,
        )
        client = app.client()
        jobs: list[Job] = []
        subscriptions: list[Any] = []
        for action, what in actions:
            if action == "submit":
                jobs.append(client.submit("x", api_name=what))
            elif action == "observe":
                stream = client.observe("x", api_name=what)
                subscriptions.append(stream.subscribe(told.append, lambda e: told.append(str(e))))
            elif action == "cancel":
                chosen = [*jobs, *subscriptions][what % max(1, len(jobs) + len(subscriptions)) :]
                for each in chosen[:1]:
                    each.cancel() if isinstance(each, Job) else each.dispose()
            elif action == "wait":
                time.advance_by(what)
            else:
                app.cut()
        time.advance_by(700)  # what 4.19.2 to 4.23.0 may need after a cut
        for job in jobs:
            assert job.done()
            assert job.cancel_outcome.done()
            outcome = job.cancel_outcome.result()
            if not job.cancelled():
                assert outcome is CancelOutcome.FINISHED
            told += [*job.outputs(), outcome, *_said(time, job)]
        told += [(call.endpoint, call.submitted, call.end, call.ended) for call in app.calls]
        assert None not in [call.end for call in app.calls]
    return told


def _said(time: VirtualTime, job: Job) -> list[Any]:
    try:
        return list(time.run(job.updates.pipe(ops.to_list())))
    except (CancelledError, rxgradio.RxGradioError) as error:
        return [str(error)]


@given(ACTIONS, st.sampled_from(VERSIONS))
def test_every_call_ends_and_always_in_the_same_way(
    actions: list[tuple[str, Any]], version: str
) -> None:
    assert course(actions, version) == course(actions, version)


def test_statuses_are_not_lost_either(time: VirtualTime) -> None:
    client = MemoryApp({"/one": Endpoint(function="-a|", concurrency=1)}).client()
    jobs = [client.submit("x", api_name="/one") for _ in range(3)]
    heard: list[StatusUpdate] = time.run(jobs[2].updates.statuses().pipe(ops.to_list()))
    ranks = [each.rank for each in heard if each.rank is not None]
    assert ranks[-1] == 0
    assert ranks == sorted(ranks, reverse=True)
