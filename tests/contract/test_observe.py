"""Cold streams: each subscription calls, and disposing it cancels."""

from __future__ import annotations

import threading
from typing import Any

from reactivex import operators as ops

from rxgradio import CancelOutcome, Client, OutputUpdate, Status
from tests.contract.app import SOON, Seen, reached
from tests.contract.memory_app import MemoryApp as App


def test_disposing_cancels_on_the_server(memory_client: Client, memory_app: App) -> None:
    seen, first = Seen(), threading.Event()
    subscription = memory_client.observe("x", 3, api_name="/gated_words").subscribe(
        lambda update: seen.on_next(update) or first.set() if update.type == "output" else None
    )
    memory_app.open("x")
    assert first.wait(SOON)
    subscription.dispose()
    subscription.dispose()
    _until_cancelled(memory_app, 1)
    assert len(seen.values) == 1


def _until_cancelled(app: App, count: int) -> None:
    app.until(lambda: len(app.posted("/cancel")) == count)
    app.open("x", count)  # no server stops a function before its next output
    app.until(lambda: app.closed("x") == count)
    assert len(app.posted("/cancel")) == count


def test_a_completed_stream_cancels_nothing(memory_client: Client, memory_app: App) -> None:
    assert memory_client.observe("x", api_name="/echo").run().code is Status.FINISHED
    memory_client.predict("y", api_name="/echo")
    assert memory_app.posted("/cancel") == []


def test_taking_what_is_needed_cancels_the_rest(memory_client: Client, memory_app: App) -> None:
    first = memory_client.observe("x", 9, api_name="/gated_words").pipe(
        ops.filter(lambda update: isinstance(update, OutputUpdate)), ops.take(1)
    )
    memory_app.open("x")
    assert first.run().outputs == "word 0"
    _until_cancelled(memory_app, 1)


def test_calls_of_one_endpoint_take_lanes_of_their_own(
    memory_client: Client, memory_app: App
) -> None:
    subscriptions = [
        memory_client.observe("x", 9, api_name="/gated_words").subscribe(lambda _: None)
        for _ in range(3)
    ]

    memory_app.until(lambda: len(memory_app.posted("/join")) == 3)
    sessions = [body["session_hash"] for body in memory_app.posted("/join")]
    assert len(set(sessions)) == 3
    for subscription in subscriptions:
        subscription.dispose()
    _until_cancelled(memory_app, 3)


def test_lanes_are_used_again(memory_client: Client, memory_app: App) -> None:
    held = memory_client.submit("0", api_name="/gated")
    for n in range(5):
        done = threading.Event()
        memory_client.observe("y", api_name="/gated").subscribe(on_completed=done.set)
        memory_app.open("y")
        memory_app.open(f"{n}")
        assert done.wait(SOON)
        held.result(SOON)
        held = memory_client.submit(f"{n + 1}", api_name="/gated")
    held.cancel()
    assert len({body["session_hash"] for body in memory_app.posted("/join")}) <= 2


def test_endpoints_with_state_stay_in_the_session_of_the_state(
    memory_client: Client, memory_app: App
) -> None:
    seen: list[Any] = [Seen() for _ in range(3)]
    for each in seen:
        memory_client.observe("x", api_name="/state").subscribe(each)
    for each in seen:
        each.wait()
    assert len({body["session_hash"] for body in memory_app.posted("/join")}) == 1


def test_an_observer_that_raises_has_cancelled(memory_client: Client, memory_app: App) -> None:
    def raises(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            raise ValueError("its own trouble")  # noqa: TRY004

    memory_client.observe("x", 9, api_name="/gated_words").subscribe(raises)
    memory_app.open("x")
    _until_cancelled(memory_app, 1)


def test_a_cancel_that_is_put_off_does_not_cost_a_lane_for_each_call(
    memory_client: Client, memory_app: App
) -> None:
    running = memory_client.submit("x", api_name="/gated")
    victim = memory_client.submit("y", api_name="/gated")
    for job in (running, victim):
        reached(job, Status.PROCESSING)
    victim.cancel()
    assert victim.cancel_outcome.result(SOON) is CancelOutcome.SPARED_SIBLINGS
    jobs = [memory_client.submit("z", api_name="/gated") for _ in range(30)]
    memory_app.open("x")
    memory_app.open("z", 30)
    for job in [running, *jobs]:
        job.result(SOON)
    assert len({body["session_hash"] for body in memory_app.posted("/join")}) == 2
