"""The policies on calls of an app: what they leave is cancelled there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import AppError, CircuitOpen, Client, DeadlineExceeded, Retry
from rxgradio.operators import (
    Bulkhead,
    CircuitBreaker,
    cached,
    deadline,
    outputs,
    rate_limit,
    result,
    retry,
    share_in_flight,
    timeout,
)
from tests.contract.app import Seen
from tests.contract.memory_app import MemoryApp

AT_ONCE = Retry(attempts=3, initial=0, longest=0)


@pytest.fixture
def app() -> Iterator[MemoryApp]:
    app = MemoryApp(outlives=True)
    yield app
    app.close()


@pytest.fixture
def client(app: MemoryApp) -> Iterator[Client]:
    with app.connect() as client:
        yield client


@pytest.mark.parametrize("operator", [timeout(0.05), deadline(0.05)])
def test_a_call_that_takes_too_long_is_cancelled_there(
    client: Client, app: MemoryApp, operator: Any
) -> None:
    words = client.observe("x", 3, api_name="/gated_words")
    with pytest.raises(DeadlineExceeded):
        words.pipe(operator).run()
    app.until(lambda: len(app.posted("/cancel")) == 1)
    app.open("x")
    app.until(lambda: app.closed("x") == 1)


def test_a_call_that_fails_is_made_again(client: Client, app: MemoryApp) -> None:
    parts = client.observe(1, api_name="/fail_mid").pipe(outputs())
    seen = Seen()
    parts.pipe(retry(AT_ONCE)).subscribe(seen)
    assert isinstance(seen.wait().error, AppError)
    assert seen.values == ["part 0"] * 3
    assert len(app.posted("/join")) == 3


def test_a_try_that_is_disposed_of_is_cancelled_there(client: Client, app: MemoryApp) -> None:
    seen = Seen()
    words = client.observe("x", 3, api_name="/gated_words").pipe(retry(AT_ONCE))
    subscription = words.subscribe(seen)
    app.await_ledger("x", "started")
    subscription.dispose()
    app.until(lambda: len(app.posted("/cancel")) == 1)
    app.open("x")
    app.until(lambda: app.closed("x") == 1)
    assert len(app.posted("/join")) == 1


def test_no_more_calls_than_a_bulkhead_allows(client: Client, app: MemoryApp) -> None:
    bulkhead = Bulkhead(2)
    seen = [Seen() for _ in range(4)]
    for n, each in enumerate(seen):
        client.observe(f"{n}", api_name="/gated").pipe(bulkhead, result()).subscribe(each)
    app.await_ledger("0", "started")
    app.await_ledger("1", "started")
    assert (bulkhead.active, bulkhead.waiting) == (2, 2)
    assert len(app.posted("/join")) == 2
    for n in range(4):
        app.open(f"{n}")
    assert [each.wait().values for each in seen] == [[f"{n} went through"] for n in range(4)]
    assert len(app.posted("/join")) == 4


def test_an_app_that_fails_is_left_in_peace(client: Client, app: MemoryApp) -> None:
    breaker = CircuitBreaker(2, 1000, only=lambda error: isinstance(error, AppError))
    failing = client.observe(api_name="/fail").pipe(breaker)
    for _ in range(2):
        with pytest.raises(AppError):
            failing.run()
    with pytest.raises(CircuitOpen):
        failing.run()
    assert len(app.posted("/join")) == 2


def test_equal_calls_are_one_and_it_is_cancelled_by_the_last(
    client: Client, app: MemoryApp
) -> None:
    shared = share_in_flight(client.endpoint("/gated_words").observe)
    first, second = threading.Event(), threading.Event()
    held = [
        shared("x", 3).pipe(outputs()).subscribe(lambda _, event=event: event.set())
        for event in (first, second)
    ]
    app.open("x")
    assert first.wait(20)
    assert second.wait(20)
    assert len(app.posted("/join")) == 1
    held[0].dispose()
    held[1].dispose()
    app.until(lambda: len(app.posted("/cancel")) == 1)
    app.open("x")
    app.until(lambda: app.closed("x") == 1)


def test_what_is_known_is_not_asked_again(client: Client, app: MemoryApp) -> None:
    echo = client.endpoint("/echo")
    known = cached(lambda text: echo.observe(text).pipe(result()))
    assert [known(text).run() for text in ("a", "b", "a")] == ["a", "b", "a"]
    assert app.calls == [("a",), ("b",)]


def test_policies_go_together(client: Client, app: MemoryApp) -> None:
    bulkhead, breaker = Bulkhead(1), CircuitBreaker(1, 1000)
    echo = client.observe("x", api_name="/echo")
    policies = timeout(20), breaker, bulkhead, retry(AT_ONCE), deadline(20), rate_limit(1e5, 100)
    told = echo.pipe(*policies).pipe(outputs(), ops.to_list()).run()
    assert told == ["x"]
