"""Cold streams: each subscription calls, and disposing it cancels."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import AppError, CancelOutcome, Client, OutputUpdate, Status
from tests.contract.conftest import App
from tests.contract.test_job import SOON, Seen, reached


def test_each_subscription_calls(client: Client, app: App) -> None:
    answers = client.observe("x", api_name="/echo")
    assert app.calls == []
    for count in (1, 2):
        seen = Seen()
        answers.subscribe(seen)
        assert seen.wait().outputs == ["x"]
        assert len(app.calls) == count


def test_disposing_cancels_on_the_server(client: Client, app: App) -> None:
    seen, first = Seen(), threading.Event()
    subscription = client.observe(3, api_name="/gated_words").subscribe(
        lambda update: seen.on_next(update) or first.set() if update.type == "output" else None
    )
    app.gate.open()
    assert first.wait(SOON)
    subscription.dispose()
    subscription.dispose()
    _until_posted(app, "/cancel", 1)
    assert len(seen.values) == 1


def _until_posted(app: App, route: str, count: int) -> None:
    app.until(lambda: len(app.posted(route)) == app.gate.closed == count)
    assert len(app.posted(route)) == count


def test_a_completed_stream_cancels_nothing(client: Client, app: App) -> None:
    assert client.observe("x", api_name="/echo").run().code is Status.FINISHED
    client.predict("y", api_name="/echo")
    assert app.posted("/cancel") == []


def test_failure_is_on_error(client: Client) -> None:
    with pytest.raises(AppError, match="told you so"):
        client.observe(1, api_name="/fail").run()


def test_operators_compose_it(client: Client) -> None:
    outputs = ops.filter(lambda update: isinstance(update, OutputUpdate) and update.final)
    values = reactivex.merge(
        client.observe("a", api_name="/echo").pipe(outputs),
        client.observe("b", api_name="/echo").pipe(outputs),
        client.observe(2, api_name="/words").pipe(outputs),
    ).pipe(ops.map(lambda update: update.outputs), ops.to_list())
    assert sorted(values.run()) == ["a", "b", "w0 w1"]


def test_taking_what_is_needed_cancels_the_rest(client: Client, app: App) -> None:
    first = client.observe(9, api_name="/gated_words").pipe(
        ops.filter(lambda update: isinstance(update, OutputUpdate)), ops.take(1)
    )
    app.gate.open()
    assert first.run().outputs == "w0"
    _until_posted(app, "/cancel", 1)


def test_calls_of_one_endpoint_take_lanes_of_their_own(client: Client, app: App) -> None:
    subscriptions = [
        client.observe(9, api_name="/gated_words").subscribe(lambda _: None) for _ in range(3)
    ]

    app.until(lambda: len(app.posted("/join")) == 3)
    sessions = [body["session_hash"] for body in app.posted("/join")]
    assert len(set(sessions)) == 3
    for subscription in subscriptions:
        subscription.dispose()
    _until_posted(app, "/cancel", 3)


def test_lanes_are_used_again(client: Client, app: App) -> None:
    held = client.submit("x", api_name="/gated")
    for _ in range(5):
        done = threading.Event()
        client.observe("y", api_name="/gated").subscribe(on_completed=done.set)
        app.gate.open(1)
        held.done()
        app.gate.open(1)
        assert done.wait(SOON)
        held = client.submit("x", api_name="/gated")
    held.cancel()
    assert len({body["session_hash"] for body in app.posted("/join")}) <= 2


def test_endpoints_with_state_stay_in_the_session_of_the_state(client: Client, app: App) -> None:
    seen: list[Any] = [Seen() for _ in range(3)]
    for each in seen:
        client.observe("x", api_name="/stateful").subscribe(each)
    for each in seen:
        each.wait()
    assert len({body["session_hash"] for body in app.posted("/join")}) == 1


def test_an_observer_that_raises_has_cancelled(client: Client, app: App) -> None:
    def raises(update: Any) -> None:
        if isinstance(update, OutputUpdate):
            raise ValueError("its own trouble")  # noqa: TRY004

    client.observe(9, api_name="/gated_words").subscribe(raises)
    app.gate.open()
    _until_posted(app, "/cancel", 1)


def test_a_cancel_that_is_put_off_does_not_cost_a_lane_for_each_call(
    client: Client, app: App
) -> None:
    running = client.submit("x", api_name="/gated")
    victim = client.submit("y", api_name="/gated")
    for job in (running, victim):
        reached(job, Status.PROCESSING)
    victim.cancel()
    assert victim.cancel_outcome.result(SOON) is CancelOutcome.SPARED_SIBLINGS
    jobs = [client.submit("z", api_name="/gated") for _ in range(30)]
    app.gate.open(32)
    for job in [running, *jobs]:
        job.result(SOON)
    assert len({body["session_hash"] for body in app.posted("/join")}) == 2
