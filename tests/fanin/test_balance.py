"""balance: which replica a call goes to, and what of it is told."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing import TestScheduler

from rxgradio import (
    Client,
    ClientClosed,
    ConnectionLost,
    Endpoint,
    Job,
    QueueFull,
    Status,
    StatusUpdate,
    TooManyRequestsError,
    fanin,
)
from rxgradio.fanin import Balanced
from rxgradio.job import Communicator, Run
from rxgradio.options import CallOptions
from rxgradio.protocol.app import EndpointInfo, Parameter, Return
from rxgradio.testing import Endpoint as EndpointOf
from rxgradio.testing import FaultServer, Marbles, Refuse, VirtualTime
from rxgradio.testing import MemoryApp as MemoryAppOf
from tests.contract.app import VERSIONS, Seen
from tests.contract.memory_app import MemoryApp
from tests.fanin.streams import ERROR, LOST, SOON


def info(name: str = "/f", *parameters: str) -> EndpointInfo:
    return EndpointInfo(
        fn_index=0,
        api_name=name,
        parameters=tuple(
            Parameter(each, each, False, None, "Textbox", "str", "")
            for each in parameters or ("x",)
        ),
        returns=(Return("y", "Textbox", "str"),),
        inputs=(True,) * (len(parameters) or 1),
        outputs=(True,),
        input_types=("textbox",),
        output_types=("textbox",),
        queued=True,
        streaming=False,
        time_limit=None,
        generator=False,
        has_state=False,
        public=True,
        description="",
    )


class Replica(Endpoint):
    """One whose calls go nowhere, and end when a test says so."""

    def __init__(self, name: str = "/f", *parameters: str, **options: Any) -> None:
        super().__init__(info(name, *parameters), self._take, CallOptions(**options))
        self.jobs: list[Job] = []
        self.runs: list[Run] = []
        self.options_of: list[CallOptions] = []
        self.error: Exception | None = None
        self.before: Callable[[], object] | None = None
        """Called when a call is about to be a job."""

    def _take(
        self,
        info: EndpointInfo,
        data: bytes,
        *,
        value: Callable[[Sequence[Any]], Any],
        options: CallOptions,
        **_: Any,
    ) -> Job:
        if self.error is not None:
            raise self.error
        assert info is self.info
        before, self.before = self.before, None
        if before is not None:
            before()
        self.options_of.append(options)
        told = Communicator(info.label, value, StatusUpdate(Status.STARTING))
        self.jobs.append(Job(communicator=told))
        self.runs.append(Run(self.jobs[-1], {}, None))
        return self.jobs[-1]

    def queue(self, size: int, eta: float = 1.0, job: int = -1) -> None:
        """Tell a call that it waits."""
        status = StatusUpdate(Status.IN_QUEUE, rank=size - 1, queue_size=size, eta=eta)
        self.runs[job].publish([status], status)

    def end(self, error: Exception | None, job: int = -1) -> None:
        """End a call with an error; or have it cancelled."""
        if error is None:
            self.jobs[job].cancel()
            return
        status = StatusUpdate(Status.FINISHED, success=False)
        self.runs[job].finish([status], status, error)


class World:
    def __init__(self, count: int = 2, **how: Any) -> None:
        self.clock = TestScheduler()
        self.replicas = [Replica() for _ in range(count)]
        self.balanced = fanin.balance(self.replicas, scheduler=self.clock, **how)

    def calls(self, count: int = 1) -> None:
        for _ in range(count):
            self.balanced.submit("x")

    @property
    def taken(self) -> list[int]:
        """How many calls each replica got."""
        return [len(each.jobs) for each in self.replicas]


def test_calls_go_where_the_fewest_are_under_way() -> None:
    world = World(3)
    world.calls(7)
    assert world.taken == [3, 2, 2]
    world.replicas[1].end(None, 0)
    world.replicas[1].end(None, 1)
    world.calls(2)
    assert world.taken == [3, 4, 2]


def test_a_call_that_is_about_to_be_made_counts_already() -> None:
    world = World()

    def meanwhile() -> None:
        world.calls()
        world.replicas[1].end(None)
        world.calls()

    world.replicas[0].before = meanwhile
    world.calls()
    assert world.taken == [1, 2]


def test_one_after_another_they_take_turns() -> None:
    world = World(3)
    for n in range(6):
        world.calls()
        world.replicas[n % 3].end(None)
    assert world.taken == [2, 2, 2]


def test_the_queue_of_others_counts_too() -> None:
    world = World()
    world.calls(2)
    world.replicas[0].queue(size=4)
    world.calls(3)
    assert world.taken == [1, 4]
    world.calls(2)
    assert world.taken == [2, 5]  # equally long now, and so the one whose eta is shorter, first


def test_a_queue_that_nobody_waits_in_any_more_counts_no_longer() -> None:
    world = World()
    world.calls(2)
    world.replicas[0].queue(size=9)
    runs = StatusUpdate(Status.PROCESSING)
    world.replicas[0].runs[0].publish([runs], runs)
    world.calls(2)
    assert world.taken == [2, 2]


def test_of_equal_queues_the_one_counts_that_moves_faster() -> None:
    world = World()
    world.calls(2)
    world.replicas[0].queue(size=2, eta=9.0)
    world.replicas[1].queue(size=2, eta=3.0)
    world.calls()
    assert world.taken == [1, 2]


@pytest.mark.parametrize("error", [LOST, QueueFull("full"), TooManyRequestsError("slow down")])
def test_who_cannot_be_reached_or_has_no_room_is_left_out_for_a_while(error: Exception) -> None:
    world = World(rest=20)
    world.calls(2)
    world.replicas[0].end(error)
    world.calls(3)
    assert world.taken == [1, 4]
    assert [each.rests for each in world.balanced.loads] == [20.0, 0.0]
    world.clock.advance_to(19)
    world.calls()
    assert world.taken == [1, 5]
    world.clock.advance_to(20)
    world.calls()
    assert world.taken == [2, 5]


def test_who_asks_to_be_spared_is_for_as_long_as_it_says() -> None:
    world = World(rest=20)
    world.calls()
    world.replicas[0].end(TooManyRequestsError("slow down", retry_after=90))
    assert world.balanced.loads[0].rests == 90.0


@pytest.mark.parametrize("error", [ERROR, None])
def test_a_call_that_fails_or_is_cancelled_says_nothing_of_its_replica(
    error: Exception | None,
) -> None:
    world = World()
    world.calls()
    world.replicas[0].end(error)
    assert world.balanced.loads[0].rests == 0.0


def test_if_all_are_left_out_the_one_is_called_that_was_first() -> None:
    world = World(rest=20)
    world.calls(2)
    world.replicas[1].end(LOST)
    assert [each.rests for each in world.balanced.loads] == [0.0, 20.0]
    world.clock.advance_to(5)
    world.replicas[0].end(LOST)
    assert [each.rests for each in world.balanced.loads] == [20.0, 15.0]
    world.calls()
    assert world.taken == [1, 2]


def test_what_is_known_of_each_is_told() -> None:
    world = World()
    world.calls(3)
    world.replicas[0].queue(size=5, eta=2.5)
    first, second = world.balanced.loads
    assert (first.endpoint, first.in_flight, first.queue_size) == (world.replicas[0], 2, 5)
    assert (first.eta, second.in_flight, second.queue_size) == (2.5, 1, None)


def test_closed_clients_are_passed_over_until_there_is_no_other() -> None:
    world = World()
    world.replicas[0].error = ClientClosed("closed")
    world.calls(2)
    assert world.taken == [0, 2]
    world.replicas[1].error = ClientClosed("closed too")
    with pytest.raises(ClientClosed):
        world.calls()
    assert [each.in_flight for each in world.balanced.loads] == [0, 2]


def test_a_call_that_cannot_be_made_is_not_under_way() -> None:
    world = World()
    world.replicas[0].error = ERROR
    with pytest.raises(ValueError, match="no"):
        world.calls()
    assert [each.in_flight for each in world.balanced.loads] == [0, 0]


def test_ended_calls_are_forgotten_when_nobody_calls_any_more() -> None:
    world = World(1)
    told: Future[Any] = Future()
    world.calls()
    (job,) = world.replicas[0].jobs
    world.replicas[0].end(None)
    job.add_done_callback(lambda _: told.set_result(None))  # behind ours
    told.result(SOON)
    assert not world.balanced._replicas._replicas[0].jobs


def test_header_fields_go_only_to_the_replica_that_they_were_given_for() -> None:
    a = Replica(headers={"x-key": "a's", "x-a": "1"}, deadline=5.0)
    b = Replica(headers={"x-key": "b's"})
    both = fanin.balance([a, b])
    both.submit("x")
    both.submit("x")
    assert [each.headers for each in a.options_of] == [{"x-key": "a's", "x-a": "1"}]
    assert [each.headers for each in b.options_of] == [{"x-key": "b's"}]
    assert b.options_of[0].deadline == 5.0  # as the first
    a.end(None)
    b.end(None)
    other = both.with_options(headers={"x-key": "all"}, deadline=9.0)
    assert isinstance(other, Balanced)
    other.submit("x")
    assert a.options_of[-1].headers == {"x-key": "all", "x-a": "1"}
    assert a.options_of[-1].deadline == 9.0
    assert [each.in_flight for each in both.loads] == [1, 0]


def test_replicas_are_alike() -> None:
    with pytest.raises(ValueError, match="no endpoints"):
        fanin.balance([])
    with pytest.raises(ValueError, match="must be the same"):
        fanin.balance([Replica("/f", "x"), Replica("/f", "y")])
    with pytest.raises(ValueError, match="rest"):
        fanin.balance([Replica()], rest=-1)
    assert fanin.balance([Replica("/f"), Replica("/g")]).api_name == "/f"


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=60))
def test_no_replica_has_a_call_more_than_it_must(steps: list[int | None]) -> None:
    """None calls; a number ends a call of that replica."""
    world = World(4)
    running = [0] * 4
    for step in steps:
        if step is None:
            before = list(running)
            world.calls()
            running = [sum(not job.done() for job in each.jobs) for each in world.replicas]
            (chosen,) = [n for n in range(4) if running[n] != before[n]]
            assert before[chosen] == min(before)
        elif running[step]:
            number = next(n for n, job in enumerate(world.replicas[step].jobs) if not job.done())
            world.replicas[step].end(None, number)
            running[step] -= 1


def test_calls_from_many_threads_are_spread_evenly() -> None:
    world = World(4)
    together = threading.Barrier(8)

    def call() -> None:
        together.wait(SOON)
        world.calls(25)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert world.taken == [50] * 4


# ---- over apps in memory


@pytest.fixture
def two_apps(make_app: Callable[..., MemoryApp]) -> list[MemoryApp]:
    return [make_app(), make_app()]


@pytest.fixture
def clients(two_apps: list[MemoryApp]) -> Any:
    clients = [app.connect() for app in two_apps]
    yield clients
    for client in clients:
        client.close()


def test_it_has_all_that_an_endpoint_has(two_apps: list[MemoryApp], clients: list[Client]) -> None:
    echo = fanin.balance([client.endpoint("/echo") for client in clients])
    assert echo.predict("a") == "a"
    assert echo.submit(text="b").result(SOON) == "b"
    assert echo.observe("c").result().run() == "c"
    results: list[Any] = []
    done = threading.Event()
    echo.map(["defg"] * 20, max_concurrent=4).subscribe(results.append, on_completed=done.set)
    assert done.wait(SOON)
    assert [each.output for each in results] == ["defg"] * 20
    taken = [len(app.calls) for app in two_apps]
    assert sum(taken) == 23
    assert min(taken) > 5


def test_disposing_cancels_at_the_replica(two_apps: list[MemoryApp], clients: list[Client]) -> None:
    words = fanin.balance([client.endpoint("/gated_words") for client in clients])
    first = words.observe("1", 5).subscribe()
    second = words.observe("2", 5).subscribe()
    for app, tag in zip(two_apps, "12", strict=True):
        app.await_ledger(tag, "started")
    second.dispose()
    two_apps[1].open("2")
    two_apps[1].await_ledger("2", "closed")
    assert [len(app.posted("/cancel")) for app in two_apps] == [0, 1]
    first.dispose()


def test_a_call_that_was_lost_is_made_elsewhere_by_fail_over(
    two_apps: list[MemoryApp], clients: list[Client]
) -> None:
    words = fanin.balance([client.endpoint("/gated_words") for client in clients])
    call = words.observe("1", 1)
    seen = Seen()
    fanin.fail_over(call, call).subscribe(seen)
    two_apps[0].await_ledger("1", "started")
    two_apps[0].cut()
    two_apps[1].open("1")
    assert seen.wait().error is None
    assert seen.outputs == ["word 0", "word 0"]
    assert seen.codes.count(Status.STARTING) == 2
    assert [len(app.posted("/join")) for app in two_apps] == [1, 1]
    assert words.loads[0].rests > 0


def test_a_lost_replica_is_left_out(two_apps: list[MemoryApp], clients: list[Client]) -> None:
    gated = fanin.balance([client.endpoint("/gated") for client in clients])
    lost = gated.submit("1")
    two_apps[0].await_ledger("1", "started")
    two_apps[0].cut()
    with pytest.raises(ConnectionLost):
        lost.result(SOON)
    two_apps[1].open("2", 3)
    assert [gated.predict("2") for _ in range(3)] == ["2 went through"] * 3
    assert two_apps[0].ledger("2") == []


# ---- what apps say of their queues


def crowded(version: str, others: int) -> tuple[MemoryAppOf, MemoryAppOf]:
    """Return an app where others wait, and an empty one."""
    one = {"/f": EndpointOf(function=Marbles("a---------|", timespan=1), concurrency=1)}
    crowd, empty = MemoryAppOf(one, version=version), MemoryAppOf(one, version=version)
    visitor = crowd.client()
    for _ in range(others):
        visitor.submit("x", api_name="/f")
    return crowd, empty


@pytest.mark.parametrize("version", VERSIONS)
def test_where_others_wait_no_call_goes(version: str) -> None:
    with VirtualTime() as time:
        crowd, empty = crowded(version, 4)
        time.advance_by(1)  # one of them runs, and three wait
        balanced = fanin.balance([app.client().endpoint("/f") for app in (crowd, empty)])
        time.advance_by(0)
        assert [load.others for load in balanced.loads] == [3, 0]
        jobs = [balanced.submit("y") for _ in range(5)]
        time.advance_by(0)
        assert (len(crowd.calls), len(empty.calls)) == (4 + 1, 4)
        for job in jobs:
            job.cancel()


def test_what_an_app_has_said_counts_for_a_while_and_is_asked_anew_by_calls() -> None:
    with VirtualTime() as time:
        crowd, empty = crowded("6.31.0", 2)
        time.advance_by(0)
        balanced = fanin.balance([app.client().endpoint("/f") for app in (crowd, empty)], ask=8)
        time.advance_by(0)
        assert [load.others for load in balanced.loads] == [1, 0]
        time.advance_by(7)
        assert [load.others for load in balanced.loads] == [1, 0]
        time.advance_by(1.5)
        assert [load.others for load in balanced.loads] == [None, None]
        job = balanced.submit("y")  # it asks, and does not wait for the answer
        time.advance_by(0)
        assert [load.others for load in balanced.loads] == [1, 0]
        assert job.result() == "a"


def test_its_own_calls_are_not_those_of_others() -> None:
    with VirtualTime() as time:
        crowd, _ = crowded("6.31.0", 0)
        balanced = fanin.balance([crowd.client().endpoint("/f")], ask=1)
        jobs = [balanced.submit("y") for _ in range(4)]
        time.advance_by(1)
        jobs.append(balanced.submit("y"))
        time.advance_by(0)
        [load] = balanced.loads
        assert (load.in_flight, load.others) == (5, 0)
        for job in jobs:
            job.cancel()


def test_an_app_is_not_asked_if_that_is_not_wanted() -> None:
    with VirtualTime() as time:
        crowd, empty = crowded("6.31.0", 3)
        time.advance_by(0)
        clients = [app.client() for app in (crowd, empty)]
        balanced = fanin.balance([client.endpoint("/f") for client in clients], ask=None)
        time.advance_by(1)
        assert [load.others for load in balanced.loads] == [None, None]
        for ask in (0, -1.0, float("nan")):
            with pytest.raises(ValueError, match="ask"):
                fanin.balance([client.endpoint("/f") for client in clients], ask=ask)


def test_an_app_that_does_not_say_so_is_used_all_the_same() -> None:
    with FaultServer({"/f": str.upper}) as server:
        server.script("status", Refuse(500), b"no answer at all")
        with Client(server.url) as client, Client(server.url) as closed:
            endpoints = [closed.endpoint("/f"), client.endpoint("/f")]
            closed.close()
            balanced = fanin.balance(endpoints, ask=0.001)
            assert [balanced.predict("a") for _ in range(3)] == ["A"] * 3
            server.until(lambda: len(server.asked("status")) > 1)
            assert balanced.loads[1].others is None


@pytest.mark.parametrize("asked", [1e300, None])
def test_a_rest_may_be_of_any_length(asked: float | None) -> None:
    """What a server asks for is a number, and may be any."""
    world = World(rest=20 if asked else math.inf)
    world.calls()
    world.replicas[0].end(TooManyRequestsError("slow down", retry_after=asked))
    assert world.balanced.loads[0].rests == (asked or math.inf)


def test_what_is_no_endpoint_is_no_replica() -> None:
    with pytest.raises(TypeError, match=r"endpoints, as client.endpoint\(name\) gives, not a str"):
        fanin.balance(["/predict"])  # type: ignore[list-item]  # a mistake
