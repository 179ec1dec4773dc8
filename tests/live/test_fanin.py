"""Fan-in of calls to real servers: no loser goes on there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from reactivex import operators as ops

from rxgradio import Client, Status, fanin
from tests.contract.app import Seen, reached
from tests.live.servers.run import Server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


LEFT_OPEN = {"4.44.1"}
"""Which asks a cancelled generator for nothing more, but does not close it."""


def test_a_race_leaves_no_loser_running(client: Client, server: Server, tag: str) -> None:
    losers = [f"{tag}-{n}" for n in range(2)]
    seen = Seen()
    calls = [client.observe(loser, 2000, 0.05, api_name="/forever") for loser in losers]
    calls.append(client.observe(tag, api_name="/gated"))
    fanin.race(*(call.result() for call in calls)).subscribe(seen)
    for loser in losers:
        server.await_ledger(loser, "tick 0")
    server.open_gate(tag)
    assert len(seen.wait().values) == 1
    for loser in losers:
        if server.version not in LEFT_OPEN:
            server.await_ledger(loser, "closed")
    ledgers = [server.ledger(each) for each in (*losers, tag)]
    assert ["started" in each for each in ledgers] == [True] * 3
    assert ["finished" in each for each in ledgers] == [False, False, True]


def test_a_hedge_leaves_no_copy_running(client: Client, server: Server, tag: str) -> None:
    sleeps = client.observe(f"{tag}-slow", 3.0, api_name="/sleep")
    ticks = client.observe(f"{tag}-quick", 2, 0.05, api_name="/forever")
    found = fanin.hedge(sleeps, ticks, after=0.1).outputs().pipe(ops.to_list()).run()
    assert found == ["tick 0", "tick 1"]
    assert server.await_ledger(f"{tag}-quick", "finished").count("started") == 1


def test_calls_are_shared_out_among_replicas(client: Client, server: Server, tag: str) -> None:
    with Client(server.url) as other:
        sleep = fanin.balance([client.endpoint("/sleep"), other.endpoint("/sleep")])
        inputs = [(tag, 0.01 * (n % 3)) for n in range(20)]
        results = sleep.map(inputs, max_concurrent=4, unpack=True).pipe(ops.to_list()).run()
        assert {each.output for each in results} == {f"slept {tag}"}
        assert [load.in_flight for load in sleep.loads] == [0, 0]
        assert server.ledger(tag).count("finished") == 20


def test_the_queue_of_others_is_told(client: Client, server: Server, tag: str) -> None:
    with Client(server.url) as visitor:
        waiting = [visitor.submit(tag, api_name="/gated_single") for _ in range(3)]
        reached(waiting[2], Status.IN_QUEUE)
        server.await_ledger(tag, "started")
        # What `balance` asks, in the background.
        asked = client.endpoint("/add")._queue_size
        assert asked is not None
        others = asked().result(20)
        # 3.x runs as many calls of one function as of all, and so fewer wait.
        assert others == 2 if server.version >= "4" else others <= 2
        server.open_gate(tag, 3)
        assert {job.result(20) for job in waiting} == {f"{tag} went through"}
