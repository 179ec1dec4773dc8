"""Anything that may happen, in any order, from threads of a user, on servers of every kind.

`RXGRADIO_EXAMPLES=1000` makes it run longer, each time with other examples.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rxgradio import Client, ClientClosed, ConnectionLost, QueueFull, Retry
from tests.contract.app import VERSIONS
from tests.reliability.world import ENDPOINTS, SOON, Call, Waiter, Watcher, World

_MORE = os.environ.get("RXGRADIO_EXAMPLES")
_SETTINGS = settings(
    max_examples=int(_MORE or 100),
    stateful_step_count=30,
    derandomize=_MORE is None,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # what hangs takes too long to shrink
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class Anything(RuleBasedStateMachine):
    """Calls of an app, whatever befalls them."""

    version = ""

    calls = Bundle("calls")
    watched = Bundle("watched")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.version)
        self.all: list[Call] = []
        self.client: Client | None = self.world.connect()
        self.full = False
        self.unsettled = False
        """What is submitted now may still be hit by what has happened."""

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            if self.client is not None:
                self.client.close()
            self.world.open_all()
            self.world.close()

    def _end(self) -> None:
        """Let everything come to its end, and see that the client works."""
        self.world.fill(full=False)
        self.world.open_all()
        for call in self.all:
            call.await_end()
        self.everything_holds()
        if self.client is not None:
            self.world.faults.clear()
            self.world.settle()
            for endpoint in ENDPOINTS[:-1]:
                again = Call(endpoint, 3)
                again.attach(self.client.submit(again.tag, 3, api_name=endpoint))
                again.await_end()
                again.check(self.world)
            self.client.close()
        for call in self.all:
            if call.cancelled and call.job is not None:
                call.job.cancel_outcome.result(SOON)
            call.check(self.world)

    # ---- the user

    @precondition(lambda self: self.client is not None)
    @rule(
        target=calls,
        endpoint=st.sampled_from(ENDPOINTS),
        n=st.integers(1, 3),
        resubmit=st.sampled_from([1, 1, 1, 3]),
        times=st.integers(1, 3),
        free=st.booleans(),
    )
    def submit(self, endpoint: str, n: int, resubmit: int, times: int, free: bool) -> Any:
        assert self.client is not None
        options: dict[str, Any] = {}
        if resubmit > 1:
            options["resubmit"] = Retry(attempts=resubmit, initial=0.001, longest=0.01)
        made = self.client.endpoint(endpoint, **options)
        calls = [self._call(endpoint, n, resubmit) for _ in range(times)]
        for call in calls:
            if free:  # to end when it may
                self.world.open(call.tag, 100)
            call.attach(made.submit(call.tag, n))
        return multiple(*calls)

    @precondition(lambda self: self.client is not None)
    @rule(target=watched, endpoint=st.sampled_from(ENDPOINTS), n=st.integers(1, 3))
    def observe(self, endpoint: str, n: int) -> tuple[Call, Watcher]:
        call, watcher = self._call(endpoint, n), Watcher()
        call.watchers.append(watcher)
        assert self.client is not None
        answers = self.client.observe(call.tag, n, api_name=endpoint)
        watcher.subscription = answers.subscribe(watcher)
        return call, watcher

    @rule(target=watched, call=calls)
    def watch(self, call: Call) -> tuple[Call, Watcher]:
        return call, call.watch()

    @rule(watched=consumes(watched))
    def dispose(self, watched: tuple[Call, Watcher]) -> None:
        _, watcher = watched
        watcher.dispose()
        watcher.dispose()

    @rule(call=calls)
    def cancel(self, call: Call) -> None:
        assert call.job is not None
        done = call.job.done()
        said = call.job.cancel()
        call.cancelled |= said
        assert call.job.done()
        if done:
            assert said is call.job.cancelled()

    @rule(call=calls, way=st.sampled_from(Waiter.WAYS))
    def wait(self, call: Call, way: str) -> None:
        assert call.job is not None
        waiter = Waiter(call.job, way)
        if call.end is None:
            call.waiters.append(waiter)
        else:
            waiter.join(SOON)
            assert waiter.end == call.end

    @rule(call=calls)
    def come_to_an_end(self, call: Call) -> None:
        if call.endpoint != "/single_words":  # it may have to wait for others
            self.world.open(call.tag, 100)
            call.await_end()

    @precondition(lambda self: self.client is not None)
    @rule()
    def close(self) -> None:
        assert self.client is not None
        self._expose(ClientClosed)
        self.client.close()
        self.client.close()
        for call in self.all:
            call.await_end()
        with pytest.raises(ClientClosed):
            self.client.submit("late", 1, api_name="/words")
        self.client = None

    @precondition(lambda self: self.client is None)
    @rule()
    def connect(self) -> None:
        self.client = self.world.connect()

    # ---- the app

    @rule(call=calls, times=st.integers(1, 3))
    def go_on(self, call: Call, times: int) -> None:
        self.world.open(call.tag, times)

    @rule(watched=watched)
    def go_on_watched(self, watched: tuple[Call, Watcher]) -> None:
        self.world.open(watched[0].tag)

    @rule(full=st.booleans())
    def fill(self, full: bool) -> None:
        self.full = full
        self.world.fill(full=full)
        self._expose(QueueFull)

    # ---- the connection

    @rule(settle=st.booleans())
    def drop(self, settle: bool) -> None:
        self._expose(ConnectionLost)
        self.world.drop()
        self._after(settle)

    # Those that resume are found to have forgotten a call only when it was silent for long.
    @precondition(lambda self: not self.world.resumes)
    @rule(settle=st.booleans())
    def restart(self, settle: bool) -> None:
        self._expose(ConnectionLost)
        self.world.restart()
        self.full = False
        self._after(settle)

    @rule(fault=st.sampled_from(["refused", "busy", "lost"]))
    def refuse(self, fault: Any) -> None:
        if fault == "lost":
            self._expose(ConnectionLost)
        self.world.faults.append(fault)

    @rule(lag=st.sampled_from([0, 1, 3, 10]))
    def settle(self, lag: int) -> None:
        self.world.lag = lag
        self._after(True)

    # ---- what holds

    @invariant()
    def everything_holds(self) -> None:
        for call in self.all:
            call.check(self.world)

    def _call(self, endpoint: str, n: int, attempts: int = 1) -> Call:
        call = Call(endpoint, n, attempts)
        if self.full:
            call.exposed.add(QueueFull)
        if self.unsettled or "lost" in self.world.faults:
            call.exposed.add(ConnectionLost)
        self.all.append(call)
        return call

    def _expose(self, error: type[Exception]) -> None:
        for call in self.all:
            if call.end is None:
                call.exposed.add(error)

    def _after(self, settle: bool) -> None:
        self.unsettled = not settle
        if settle:
            self.world.settle()


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_happens_every_call_ends_once_and_alike_on_all_faces(version: str) -> None:
    machine = type("Anything", (Anything,), {"version": version})
    run_state_machine_as_test(machine, settings=_SETTINGS)
