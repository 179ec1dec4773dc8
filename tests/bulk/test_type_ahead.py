"""Endpoint.latest, exhaust and concat: a call with each input, one at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from reactivex import Subject
from reactivex import operators as ops

from rxgradio import AppError, Client, Status, Update, Updates
from tests.contract.app import SOON, Seen, reached
from tests.contract.memory_app import MemoryApp as App


class Source:
    """Inputs of a test, and what comes of them."""

    def __init__(self, operator: Any) -> None:
        self.inputs: Subject[Any] = Subject()
        self.seen = Seen()
        self.ended = threading.Semaphore(0)
        """Has as many as calls have ended."""
        updates = self.inputs.pipe(operator, ops.do_action(self._look))
        self.subscription = updates.subscribe(self.seen)

    def _look(self, update: Update) -> None:
        if update.type == "status" and update.code is Status.FINISHED:
            self.ended.release()

    def say(self, *inputs: Any) -> None:
        for each in inputs:
            self.inputs.on_next(each)

    def outputs(self) -> list[Any]:
        self.inputs.on_completed()
        return self.seen.wait().outputs


def test_latest_cancels_what_is_superseded(memory_client: Client, memory_app: App) -> None:
    source = Source(memory_client.endpoint("/gated_words").latest(unpack=True))
    for n in range(10):
        source.say((f"{n}", 2))
        memory_app.await_ledger(f"{n}", "started")
    for n in range(9):
        memory_app.open(f"{n}")
        memory_app.await_ledger(f"{n}", "closed")
    memory_app.open("9", 2)
    assert source.outputs() == ["word 0", "word 0 word 1", "word 0 word 1"]
    assert len(memory_app.posted("/cancel")) == 9
    assert source.seen.error is None
    assert source.seen.completed
    assert sum(code is Status.STARTING for code in source.seen.codes) <= 10


def test_exhaust_ignores_what_comes_meanwhile(memory_client: Client, memory_app: App) -> None:
    source = Source(memory_client.endpoint("/gated").exhaust())
    source.say("a", "b", "c")
    memory_app.open("a")
    assert source.outputs() == ["a went through"]
    assert len(memory_app.posted("/join")) == 1


def test_concat_calls_one_after_another(memory_client: Client, memory_app: App) -> None:
    source = Source(memory_client.endpoint("/gated").concat())
    source.say("a", "b", "c")
    memory_app.await_ledger("a", "started")
    assert len(memory_app.posted("/join")) == 1
    for tag in "cba":
        memory_app.open(tag)
    assert source.outputs() == ["a went through", "b went through", "c went through"]


@pytest.mark.parametrize("name", ["latest", "exhaust", "concat"])
def test_a_failure_ends_the_stream(memory_client: Client, name: str) -> None:
    source = Source(getattr(memory_client.endpoint("/direct"), name)())
    source.say("fail")
    assert isinstance(source.seen.wait().error, AppError)
    assert not source.inputs.observers


@pytest.mark.parametrize("name", ["latest", "exhaust", "concat"])
def test_arguments_that_do_not_fit_end_the_stream(memory_client: Client, name: str) -> None:
    source = Source(getattr(memory_client.endpoint("/add"), name)(unpack=True))
    source.say((1, 2, 3))
    assert isinstance(source.seen.wait().error, TypeError)


def test_exhaust_keeps_a_failure_if_wanted(memory_client: Client) -> None:
    source = Source(memory_client.endpoint("/direct").exhaust(on_error="keep"))
    source.say("fail")
    assert source.outputs() == []
    assert source.seen.completed
    assert isinstance(source.seen.values[-1].error, AppError)


@pytest.mark.parametrize("name", ["latest", "concat"])
def test_a_failure_is_kept_if_wanted(memory_client: Client, memory_app: App, name: str) -> None:
    source = Source(getattr(memory_client.endpoint("/direct"), name)(on_error="keep", unpack=True))
    for inputs in (("fail",), 5, ("b",)):
        source.say(inputs)
        assert source.ended.acquire(timeout=SOON)
    assert source.outputs() == ["direct b"]
    assert source.seen.completed
    errors = [each.error for each in source.seen.values if each.type == "status" and each.error]
    assert list(map(type, errors)) == [AppError, TypeError]
    ends = [each for each in source.seen.values if getattr(each, "code", "") is Status.FINISHED]
    assert [each.success for each in ends] == [False, False, True]


@pytest.mark.parametrize("name", ["latest", "exhaust", "concat"])
def test_disposing_cancels_the_call(memory_client: Client, memory_app: App, name: str) -> None:
    source = Source(getattr(memory_client.endpoint("/gated_words"), name)(unpack=True))
    source.say(("a", 5))
    memory_app.await_ledger("a", "started")
    source.subscription.dispose()
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("a")
    memory_app.await_ledger("a", "closed")
    assert not source.inputs.observers


def test_they_harm_no_call_of_others(memory_client: Client, memory_app: App) -> None:
    job = memory_client.submit("mine", api_name="/gated")
    reached(job, Status.PROCESSING)
    source = Source(memory_client.endpoint("/gated").latest())
    for n in range(3):
        source.say(f"{n}")
        memory_app.await_ledger(f"{n}", "started")
    memory_app.open("mine")
    assert job.result(10) == "mine went through"
    source.subscription.dispose()


def test_what_they_give_has_the_operators_on_updates(
    memory_client: Client, memory_app: App
) -> None:
    inputs: Subject[str] = Subject()
    updates = inputs.pipe(memory_client.endpoint("/echo").concat())
    assert isinstance(updates, Updates)
    seen = Seen()
    updates.outputs().subscribe(seen)
    for text in "abc":
        inputs.on_next(text)
    inputs.on_completed()
    assert seen.wait().values == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["latest", "exhaust", "concat"])
def test_there_are_two_things_to_do_with_errors(memory_client: Client, name: str) -> None:
    with pytest.raises(ValueError, match="on_error"):
        getattr(memory_client.endpoint("/echo"), name)(on_error="ignore")
