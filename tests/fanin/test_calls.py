"""Fan-in over an app in memory: what becomes of calls that are not wanted any more."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import AppError, Client, Status, Updates, fanin
from rxgradio.fanin import Labelled, Percentile, Result
from tests.contract.app import Seen
from tests.contract.memory_app import MemoryApp


def test_losers_of_a_race_are_cancelled_on_the_server(
    memory_client: Client, memory_app: MemoryApp
) -> None:
    words = memory_client.endpoint("/gated_words")
    seen = Seen()
    fanin.race(*(words.observe(tag, 2) for tag in "abc")).subscribe(seen)
    for tag in "abc":
        memory_app.await_ledger(tag, "started")
    memory_app.open("b")
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 2)
    for tag in "ac":
        memory_app.open(tag)
        memory_app.await_ledger(tag, "closed")
    memory_app.open("b")
    assert seen.wait().outputs == ["word 0", "word 0 word 1", "word 0 word 1"]
    assert memory_app.ledger("b")[-1] == "finished"
    assert seen.codes[-1] is Status.FINISHED
    assert [memory_app.closed(tag) for tag in "abc"] == [1, 0, 1]


def test_disposing_of_a_race_cancels_all(memory_client: Client, memory_app: MemoryApp) -> None:
    words = memory_client.endpoint("/gated_words")
    subscription = fanin.race(*(words.observe(tag, 2) for tag in "ab")).subscribe()
    for tag in "ab":
        memory_app.await_ledger(tag, "started")
    subscription.dispose()
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 2)
    for tag in "ab":
        memory_app.open(tag)
        memory_app.await_ledger(tag, "closed")
    assert [memory_app.closed(tag) for tag in "ab"] == [1, 1]


@pytest.mark.parametrize("after", [0.01, Percentile(95, initial=0.01)])
def test_a_hedge_leaves_no_call_running(
    memory_client: Client, memory_app: MemoryApp, after: Any
) -> None:
    words = memory_client.endpoint("/gated_words")
    seen = Seen()
    fanin.hedge(words.observe("a", 1), words.observe("b", 1), after=after).subscribe(seen)
    for tag in "ab":
        memory_app.await_ledger(tag, "started")
    memory_app.open("b")
    memory_app.await_ledger("b", "finished")
    assert seen.wait().outputs == ["word 0", "word 0"]
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("a")
    memory_app.await_ledger("a", "closed")


def test_all_are_called_in_the_context_of_the_subscriber(
    memory_client: Client, memory_app: MemoryApp
) -> None:
    where: ContextVar[str] = ContextVar("where", default="nowhere")
    where.set("here")
    slow = memory_client.observe("a", api_name="/gated")
    quick = memory_client.observe("b", api_name="/echo")
    failing = memory_client.observe(api_name="/fail")
    for made in (
        fanin.hedge(slow, quick, after=0.01),
        fanin.race(slow, quick),
        fanin.fail_over(failing, quick),
    ):
        seen = Seen()
        made.outputs().pipe(ops.map(lambda _: where.get())).subscribe(seen)
        assert seen.wait().values == ["here"]
    memory_app.open("a", 2)


def test_the_next_endpoint_is_tried_when_one_fails(memory_client: Client) -> None:
    seen = Seen()
    fanin.fail_over(
        memory_client.observe(api_name="/fail"), memory_client.observe("a", api_name="/echo")
    ).subscribe(seen)
    assert seen.wait().outputs == ["a"]
    assert seen.error is None
    starts = [code for code in seen.codes if code is Status.STARTING]
    ends = [each.success for each in seen.values if getattr(each, "code", 0) is Status.FINISHED]
    assert (len(starts), ends) == (2, [True])


def test_all_is_told_of_all_calls(memory_client: Client) -> None:
    calls = {
        "good": memory_client.observe("a", api_name="/echo"),
        "bad": memory_client.observe(2, api_name="/fail_mid"),
    }
    outputs = {name: call.outputs() for name, call in calls.items()}
    told = fanin.merge(outputs, on_error="keep").pipe(ops.to_list()).run()
    assert [each for each in told if each.label == "good"] == [Labelled("good", "a")]
    *parts, last = [each for each in told if each.label == "bad"]
    assert [each.value for each in parts] == ["part 0", "part 1"]
    assert isinstance(last.error, AppError)

    results = fanin.gather(calls).run()
    assert results["good"] == Result("a")
    assert isinstance(results["bad"].error, AppError)
    assert results["bad"].error.outputs == ["part 0", "part 1"]

    views = {name: call.snapshots() for name, call in calls.items()}
    last_view = fanin.combine_latest(views).run()
    assert last_view["good"].output == "a"
    assert (last_view["bad"].output, last_view["bad"].done) == ("part 1", True)


def test_outputs_of_one_go_into_the_next_while_they_come(
    memory_client: Client, memory_app: MemoryApp
) -> None:
    first = memory_client.observe("w", 2, api_name="/gated_words").outputs()
    seen = Seen()
    first.pipe(memory_client.endpoint("/gated").concat()).outputs().subscribe(seen)
    memory_app.open("w")
    memory_app.await_ledger("word 0", "started")  # while the first goes on
    assert "finished" not in memory_app.ledger("w")
    memory_app.open("w")
    for tag in ("word 0", "word 0 word 1"):
        memory_app.open(tag)
    assert seen.wait().values == ["word 0 went through", "word 0 word 1 went through"]


def test_what_is_superseded_on_its_way_is_cancelled(
    memory_client: Client, memory_app: MemoryApp
) -> None:
    first = memory_client.observe("w", 2, api_name="/gated_words").outputs()
    gated = memory_client.endpoint("/gated")
    seen = Seen()
    first.pipe(gated.latest()).outputs().subscribe(seen)
    memory_app.open("w")
    memory_app.await_ledger("word 0", "started")
    memory_app.open("w")
    memory_app.await_ledger("word 0 word 1", "started")
    memory_app.open("word 0 word 1")
    assert seen.wait().values == ["word 0 word 1 went through"]
    assert len(memory_app.posted("/cancel")) == 1
    memory_app.open("word 0")


def test_what_one_of_several_gives_has_the_operators_on_updates(memory_client: Client) -> None:
    call = memory_client.observe("a", api_name="/echo")
    for made in (fanin.race(call), fanin.hedge(call, after=9), fanin.fail_over(call, call)):
        assert isinstance(made, Updates)
        assert made.result().run() == "a"
    assert not isinstance(fanin.race(call, call.outputs()), Updates)
    job = memory_client.submit("a", api_name="/echo")
    assert fanin.race(call, job.updates_with(on_slow="latest"))._misses
