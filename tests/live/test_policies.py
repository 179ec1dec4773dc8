"""The policies on calls of real servers: how many calls there are, and which go on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops
from reactivex.testing import TestScheduler

from rxgradio import AppError, CircuitOpen, Client, DeadlineExceeded, Retry
from rxgradio.operators import (
    Bulkhead,
    CircuitBreaker,
    cached,
    deadline,
    rate_limit,
    result,
    retry,
    share_in_flight,
    timeout,
)
from tests.contract.app import Seen
from tests.live.servers.run import Server
from tests.live.test_bulk import LEFT_OPEN, at_once

on_one_release = pytest.mark.parametrize("server", ["6.31.0"], indirect=True)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


def await_left(server: Server, tag: str) -> None:
    """Wait until a generator has been closed, where the release closes it."""
    if server.version not in LEFT_OPEN:
        server.await_ledger(tag, "closed")
    assert "finished" not in server.ledger(tag)


@pytest.mark.parametrize("policy", [timeout, deadline])
def test_what_takes_too_long_is_cancelled(
    client: Client, server: Server, tag: str, policy: Any
) -> None:
    clock, seen = TestScheduler(), Seen()
    ticks = client.observe(tag, 2000, 0.05, api_name="/forever")
    ticks.pipe(policy(60, scheduler=clock)).subscribe(seen)
    server.await_ledger(tag, "tick 0")
    clock.advance_by(61)
    assert isinstance(seen.wait().error, DeadlineExceeded)
    await_left(server, tag)


def test_each_try_is_one_call(client: Client, server: Server, tag: str) -> None:
    slept = client.observe(tag, 0, api_name="/sleep").result()
    failing = slept.pipe(ops.concat(reactivex.throw(ValueError("no"))))
    seen = Seen()
    failing.pipe(retry(Retry(attempts=3, initial=0))).subscribe(seen)
    assert isinstance(seen.wait().error, ValueError)
    assert seen.values == [f"slept {tag}"] * 3
    assert server.ledger(tag) == ["started", "finished"] * 3


def test_a_try_that_is_left_is_cancelled(client: Client, server: Server, tag: str) -> None:
    seen = Seen()
    ticks = client.observe(tag, 2000, 0.05, api_name="/forever").pipe(retry(3))
    subscription = ticks.subscribe(seen)
    server.await_ledger(tag, "tick 0")
    subscription.dispose()
    await_left(server, tag)
    assert server.ledger(tag).count("started") == 1


def test_no_more_calls_than_a_bulkhead_allows(client: Client, server: Server, tag: str) -> None:
    bulkhead = Bulkhead(2)
    call = client.observe(tag, 0.03, api_name="/sleep").pipe(bulkhead, result())
    assert len(reactivex.merge(*[call] * 8).pipe(ops.to_list()).run()) == 8
    ledger = server.ledger(tag)
    assert len(ledger) == 16
    assert at_once(ledger) <= 2


def test_equal_calls_are_one_until_the_last_leaves(
    client: Client, server: Server, tag: str
) -> None:
    shared = share_in_flight(client.endpoint("/forever").observe)
    held = [shared(tag, 2000, 0.05).subscribe(Seen()) for _ in range(5)]
    server.await_ledger(tag, "tick 0")
    for each in held[1:]:
        each.dispose()
    ticks = shared(tag, 2000, 0.05).pipe(ops.filter(lambda update: update.type == "output"))
    assert ticks.pipe(ops.first()).run().outputs == "tick 0"
    assert "closed" not in server.ledger(tag)
    held[0].dispose()
    await_left(server, tag)
    assert server.ledger(tag).count("started") == 1


@on_one_release
def test_calls_begin_no_faster_than_they_may(client: Client, server: Server, tag: str) -> None:
    clock, seen = TestScheduler(), Seen()
    inputs = reactivex.from_iterable([(f"{tag}-{n}", 0) for n in range(4)])
    slowly = inputs.pipe(rate_limit(1 / 60, scheduler=clock))
    client.endpoint("/sleep").map(slowly, unpack=True).subscribe(seen)
    for n in range(4):
        server.await_ledger(f"{tag}-{n}", "finished")
        assert server.ledger(f"{tag}-{n + 1}") == []
        clock.advance_by(61)
    assert len(seen.wait().values) == 4


@on_one_release
def test_an_app_that_fails_is_left_in_peace(client: Client, server: Server, tag: str) -> None:
    clock = TestScheduler()
    breaker = CircuitBreaker(2, 60, scheduler=clock)
    failing = client.observe(api_name="/fail").pipe(breaker)
    for _ in range(2):
        with pytest.raises(AppError):
            failing.run()
    refused = Seen()
    sleep = client.observe(tag, 0, api_name="/sleep").pipe(breaker, result())
    sleep.subscribe(refused, scheduler=clock)
    clock.advance_by(1)
    assert isinstance(refused.error, CircuitOpen)
    assert server.ledger(tag) == []
    clock.advance_by(60)
    assert sleep.run() == f"slept {tag}"
    assert breaker.state == "closed"
    assert server.ledger(tag) == ["started", "finished"]


@on_one_release
def test_what_is_known_is_not_asked_again(client: Client, server: Server, tag: str) -> None:
    sleep = client.endpoint("/sleep")
    known = cached(lambda tag: sleep.observe(tag, 0).result())
    assert [known(tag).run() for _ in range(3)] == [f"slept {tag}"] * 3
    assert server.ledger(tag) == ["started", "finished"]
