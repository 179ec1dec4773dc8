"""The session machine, in every order of events that can be thought of."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import (
    ClientClosed,
    ConnectionLost,
    ProtocolError,
    QueueFull,
    ServerStopped,
)
from rxgradio.protocol import commands as do
from rxgradio.protocol import messages as wire
from rxgradio.protocol.event import Event
from rxgradio.updates import CancelOutcome, Status
from tests.protocol.world import AT, Owner, World

VERSIONS = ["4.16.0", "4.20.1", "4.21.0", "4.22.0", "4.30.0", "4.44.1", "5.50.0", "6.31.0"]


def happen(world: World, name: str) -> None:
    """Let the one thing of that name happen."""
    found = [act for label, act in world.choices() if label == name]
    assert found, f"no {name!r} among {[label for label, _ in world.choices()]}"
    found[0]()


def bring(world: World) -> None:
    """Have the client hear all that the server has said on the first stream."""
    while any(label == "read s0/1" for label, _ in world.choices()):
        happen(world, "read s0/1")
    happen(world, "deliver all s0/1")


def check_all_ended_well(world: World) -> None:
    for call in world.calls:
        owner = call.owner
        if owner.cancelled:
            assert len(owner.outcomes) == 1, (owner.name, owner.outcomes)
        else:
            assert owner.ends == [None], (owner.name, owner.ends)
            text = owner.name
            grown = [text + "+" * n for n in range(world.yields)]
            assert owner.outputs == [*grown, text + "+" * max(0, world.yields - 1)]
            assert owner.codes[-1] is Status.FINISHED


def check_all_ended(world: World) -> None:
    for call in world.calls:
        owner = call.owner
        if owner.cancelled:
            assert len(owner.outcomes) == 1, (owner.name, owner.outcomes)
            assert not owner.ends
        else:
            assert len(owner.ends) == 1, (owner.name, owner.ends)
            assert owner.ends[0] is None or isinstance(owner.ends[0], ConnectionLost)
            grown = [owner.name + "+" * n for n in range(max(1, world.yields))]
            assert set(owner.outputs) <= set(grown)
            assert owner.outputs == sorted(owner.outputs)
            assert owner.ends[0] is not None or owner.outputs[-1] == grown[-1]


# ---- every interleaving of a small world, and many of larger ones


def orders(make: Callable[[], World]) -> Iterator[World]:
    """Yield the worlds at rest after each order in which everything can happen."""
    path: list[int] = []
    while True:
        world = make()
        widths: list[int] = []
        while choices := [c for c in world.choices() if c[0] != do.Timer.IDLE.value]:
            if len(widths) == len(path):
                path.append(0)
            choice = choices[path[len(widths)]]
            widths.append(len(choices))
            choice[1]()
        yield world
        while path and path[-1] + 1 == widths[len(path) - 1]:
            path.pop()
        if not path:
            return
        path[-1] += 1


def walks(make: Callable[[], World], count: int) -> Iterator[World]:
    """Yield the worlds at rest after `count` orders chosen by chance, always the same ones."""
    chance = random.Random(1)
    for _ in range(count):
        world = make()
        while choices := [c for c in world.choices() if c[0] != do.Timer.IDLE.value]:
            chance.choice(choices)[1]()
        yield world


def test_no_order_of_events_loses_a_call() -> None:
    def make() -> World:
        world = World(yields=0)
        world.submit(0)
        return world

    count = 0
    for world in orders(make):
        count += 1
        check_all_ended_well(world)
    assert count > 1000  # orders there are


def test_no_order_of_events_loses_one_of_three_calls() -> None:
    def make() -> World:
        world = World(yields=0)
        others = world.choices
        submit = ("user submits", lambda: world.submit(len(world.calls) % 2) and None)
        world.choices = lambda: [*others(), *([submit] if len(world.calls) < 3 else [])]  # type: ignore[method-assign]
        return world

    raced = 0
    for world in walks(make, 3000):
        check_all_ended_well(world)
        raced += any(len(side.streams) > 1 for side in world.sides)
    assert raced > 100  # or the walks would miss what they are for


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancel_at_any_moment_has_one_outcome(version: str) -> None:
    def make() -> World:
        world = World(version, yields=1)
        call = world.submit(0)
        others = world.choices
        cancel = ("user cancels", lambda: world.cancel(call))
        world.choices = lambda: [*others(), *([] if call.owner.ended else [cancel])]  # type: ignore[method-assign]
        return world

    outcomes: set[CancelOutcome] = set()
    for world in walks(make, 2000):
        owner = world.owners[0]
        assert len(owner.ends) + len(owner.outcomes) == 1
        outcomes.update(owner.outcomes)
        for event in world.events.values():
            assert event.state in {"done", "dead"}
            if CancelOutcome.GENERATOR_CLOSED in owner.outcomes:
                assert event.ran
            # Elsewhere it may run until the server notices that its stream was dropped.
            if world.dialect.cancel_removes_queued and CancelOutcome.FINISHED not in owner.outcomes:
                assert event.state == "dead" or owner.ends == [None]
                assert not (event.ran and CancelOutcome.REMOVED in owner.outcomes)
    ended = {CancelOutcome.FINISHED, CancelOutcome.GENERATOR_CLOSED}
    removable = set() if world.dialect.resumes else {CancelOutcome.REMOVED}
    assert outcomes == ended | removable


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plain_function_that_waits_is_removed_where_that_is_possible(version: str) -> None:
    world = World(version, yields=0)
    call = world.submit(0, generator=False)
    for name in [
        "accept call 0",
        "answer call 0",
        "attach s0/1",
        "open s0/1",
        "read s0/1",
        "deliver s0/1",
    ]:
        happen(world, name)
    world.cancel(call)
    world.settle()
    event = world.events["e0"]
    if world.dialect.resumes:
        assert call.owner.outcomes == [CancelOutcome.STILL_RUNNING]
        assert event.state == "done"
    else:
        assert call.owner.outcomes == [CancelOutcome.REMOVED]
        assert event.state == "dead"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_generator_that_waits_beside_a_living_call_is_closed_once_it_runs(version: str) -> None:
    world = World(version)
    other, call = world.submit(0), world.submit(1)
    for name in ["accept call 0", "accept call 1", "answer call 0", "answer call 1"]:
        happen(world, name)
    world.cancel(call)
    if world.dialect.cancel_removes_queued:
        happen(world, "do cancel call 1")
        happen(world, "answer cancel call 1")
        world.settle()
        assert call.owner.outcomes == [CancelOutcome.REMOVED]
    else:
        assert not world.cancels
        assert not call.owner.outcomes
        for name in ["attach s0/1", "open s0/1", "start call 1", "yield call 1"]:
            happen(world, name)
        while any(label == "read s0/1" for label, _ in world.choices()):
            happen(world, "read s0/1")
        happen(world, "deliver all s0/1")
        happen(world, "do cancel call 1")
        happen(world, "answer cancel call 1")
        world.settle()
        assert call.owner.outcomes == [CancelOutcome.GENERATOR_CLOSED]
        assert world.events["e1"].state == "dead"
    assert other.owner.ends == [None]


# ---- random walks through large ones


@settings(max_examples=400, deadline=None)
@given(
    version=st.sampled_from(VERSIONS),
    has_state=st.booleans(),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 12),
)
def test_a_healthy_server_never_loses_a_call_whatever_the_order(
    version: str, has_state: bool, seed: int, count: int
) -> None:
    world = World(version, yields=2, has_state=has_state, deaf=bool(seed % 2))
    walk = random.Random(seed)
    left = count
    while left or walk.random() < 0.9:
        choices = [c for c in world.choices() if c[0] != do.Timer.IDLE.value]
        if left and (not choices or walk.random() < 0.3):
            world.submit(
                walk.randrange(3), generator=walk.random() < 0.5, ordered=walk.random() < 0.3
            )
            left -= 1
        elif walk.random() < 0.1:
            world.cancel(walk.choice(world.calls) if world.calls else world.submit())
        elif choices:
            walk.choice(choices)[1]()
        else:
            break
    world.settle()
    check_all_ended_well(world)


@settings(max_examples=400, deadline=None)
@given(
    version=st.sampled_from(VERSIONS),
    has_state=st.booleans(),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 12),
)
@example(version="4.20.1", has_state=False, seed=79089, count=1)  # all of its messages lost
def test_a_loss_at_any_moment_ends_every_call_exactly_once(
    version: str, has_state: bool, seed: int, count: int
) -> None:
    world = World(version, yields=2, lossy=True, has_state=has_state)
    walk = random.Random(seed)
    left = count
    while left or walk.random() < 0.9:
        choices = world.choices()
        if left and (not choices or walk.random() < 0.3):
            world.submit(walk.randrange(3))
            left -= 1
        elif walk.random() < 0.1 and world.calls:
            world.cancel(walk.choice(world.calls))
        elif choices:
            walk.choice(choices)[1]()
        else:
            break
    world.settle()
    check_all_ended(world)


def test_ordered_calls_are_accepted_in_the_order_of_their_submission() -> None:
    def make() -> World:
        world = World(yields=0)
        for fn_index in (0, 1, 0, 1):
            world.submit(fn_index, ordered=True)
        world.submit(2)
        return world

    for world in walks(make, 300):
        check_all_ended_well(world)
        names = [event.call.owner.name for event in world.events.values() if event.call.ordered]
        assert names == sorted(names)


# ---- the races, one by one


def test_a_completion_before_the_answer_to_its_join_is_kept_for_it() -> None:
    world = World(yields=0)
    world.submit(0)
    for name in ["accept call 0", "answer call 0", "attach s0/1", "open s0/1"]:
        happen(world, name)
    world.submit(1)
    happen(world, "accept call 1")
    happen(world, "start call 1")
    happen(world, "complete call 1")
    bring(world)
    assert not world.owners[1].ended

    happen(world, "answer call 1")

    assert world.owners[1].ends == [None]
    assert world.owners[1].outputs == ["call 1"]
    assert not world.owners[0].ended


def test_a_call_accepted_after_the_server_decided_to_close_gets_a_stream_of_its_own() -> None:
    world = World(yields=0)
    world.submit(0)
    for name in ["accept call 0", "start call 0", "complete call 0", "answer call 0"]:
        happen(world, name)
    for name in ["attach s0/1", "open s0/1", "read s0/1", "read s0/1", "read s0/1"]:
        happen(world, name)
    world.submit(1)
    happen(world, "accept call 1")
    happen(world, "answer call 1")  # before the client knows that the stream was closed
    happen(world, "deliver all s0/1")
    assert world.owners[0].ends == [None]
    assert world.opens == 2

    world.settle()

    check_all_ended_well(world)


def test_a_loss_ends_a_join_in_flight_as_indeterminate() -> None:
    world = World(lossy=True)
    world.submit(0)
    for name in ["accept call 0", "answer call 0", "attach s0/1", "open s0/1"]:
        happen(world, name)
    world.submit(0)
    happen(world, "lose s0/1")
    happen(world, "deliver s0/1")

    assert [type(owner.ends[0]) for owner in world.owners] == [ConnectionLost, ConnectionLost]
    assert "may or may not" in str(world.owners[1].ends[0])
    assert str(world.owners[1].ends[0].__cause__) == str(world.owners[0].ends[0])
    assert world.sides[0].session.retired


def test_what_was_not_sent_yet_moves_to_another_session_after_a_loss() -> None:
    world = World(lossy=True)
    calls = [world.submit(0) for _ in range(5)]  # at most 3 joins are in flight
    for name in ["accept call 0", "answer call 0", "attach s0/1", "open s0/1"]:
        happen(world, name)
    happen(world, "lose s0/1")
    happen(world, "deliver s0/1")
    assert [call.owner.ended for call in calls] == [True, True, True, True, False]

    world.settle()

    assert calls[4].owner.ends == [None]
    assert world.side_of[calls[4]].session.session_hash == "s1"


def test_a_cancel_waits_until_no_sibling_would_be_hit_and_says_so() -> None:
    world = World()
    first, second = world.submit(0), world.submit(0)
    for name in ["accept call 0", "accept call 1", "answer call 0", "answer call 1"]:
        happen(world, name)
    happen(world, "start call 0")
    happen(world, "start call 1")

    world.cancel(first)
    assert not world.cancels
    assert first.owner.outcomes == []  # its sibling may be about to be cancelled too
    happen(world, "spared")
    assert first.owner.outcomes == [CancelOutcome.SPARED_SIBLINGS]

    for name in ["yield call 1", "complete call 1", "attach s0/1", "open s0/1"]:
        happen(world, name)
    while not second.owner.ended:
        happen(world, "read s0/1")
        happen(world, "deliver s0/1")
    assert [call for _, call in world.cancels] == [first]


def test_a_sibling_is_not_sent_while_a_cancel_is_in_flight() -> None:
    world = World()
    first = world.submit(0)
    happen(world, "accept call 0")
    happen(world, "answer call 0")
    world.cancel(first)
    world.submit(0)
    other = world.submit(1)
    assert [call for _, call in world.joins] == [other]

    happen(world, "do cancel call 0")
    happen(world, "answer cancel call 0")

    assert world.calls[1] in [call for _, call in world.joins]
    world.settle()
    check_all_ended_well(world)


def test_twenty_cancels_of_one_endpoint_send_one_cancel_for_all_that_run() -> None:
    world = World()
    calls = [world.submit(0) for _ in range(20)]
    while any(label.startswith(("accept", "answer")) for label, _ in world.choices()):
        label = next(lab for lab, _ in world.choices() if lab.startswith(("accept", "answer")))
        happen(world, label)
    for label in [label for label, _ in world.choices() if label.startswith("start")]:
        happen(world, label)
    for name in ["attach s0/1", "open s0/1"]:
        happen(world, name)
    for _ in range(40):
        happen(world, "read s0/1")
    happen(world, "deliver all s0/1")
    for call in calls:
        world.cancel(call)
    assert len(world.cancels) == 1

    world.settle()

    assert len(world.cancelled_ids) == 1
    for call in calls:
        assert call.owner.outcomes == [CancelOutcome.GENERATOR_CLOSED]


def test_calls_that_wait_are_cancelled_all_at_once_with_those_that_run() -> None:
    world = World()
    calls = [world.submit(0, generator=False) for _ in range(5)]
    while any(label.startswith(("accept", "answer")) for label, _ in world.choices()):
        label = next(lab for lab, _ in world.choices() if lab.startswith(("accept", "answer")))
        happen(world, label)
    happen(world, "start call 0")
    for name in ["attach s0/1", "open s0/1"]:
        happen(world, name)
    for _ in range(6):
        happen(world, "read s0/1")
    happen(world, "deliver all s0/1")
    for call in calls:
        world.cancel(call)
    assert [call for _, call in world.cancels] == calls[1:]

    world.settle()

    assert calls[0].owner.outcomes == [CancelOutcome.STILL_RUNNING]
    assert all(len(call.owner.outcomes) == 1 for call in calls)
    assert not [event for event in world.events.values() if event.state == "done"]


def test_a_cancel_before_the_call_was_sent_is_never_sent() -> None:
    world = World()
    calls = [world.submit(0) for _ in range(4)]
    world.cancel(calls[3])
    assert calls[3].owner.outcomes == [CancelOutcome.NOT_SENT]
    assert len(world.joins) == 3
    world.settle()
    assert len(world.events) == 3


def test_a_second_completion_does_not_end_the_other_calls() -> None:
    world = World("4.44.1", yields=0)
    first = world.submit(0)
    second = world.submit(1)
    for name in ["accept call 0", "accept call 1", "answer call 0", "answer call 1"]:
        happen(world, name)
    for name in ["attach s0/1", "open s0/1", "start call 0"]:
        happen(world, name)
    bring(world)
    world.cancel(first)
    happen(world, "complete call 0")  # it was faster
    happen(world, "do cancel call 0")
    world.settle()
    assert second.owner.ends == [None]
    assert len(first.owner.outcomes) == 1
    assert world.opens > 1  # the second completion broke the stream


def drive(*, fn_index: int = 0, **options: Any) -> tuple[World, do.Call[Owner]]:
    world = World(**options)
    call = world.submit(fn_index)
    for name in ["accept call 0", "answer call 0", "attach s0/1", "open s0/1"]:
        happen(world, name)
    return world, call


def test_a_stream_that_ends_without_a_word_is_a_loss() -> None:
    world, call = drive()
    side = world.sides[0]
    side.execute(side.session.ended(1, None, AT))
    assert isinstance(call.owner.ends[0], ConnectionLost)
    assert side.session.retired


def test_a_server_that_stops_says_so() -> None:
    world, call = drive()
    side = world.sides[0]
    message = wire.UnexpectedError(None, "Server stopped unexpectedly.", session_not_found=False)
    side.execute(side.session.received(1, [message], AT))
    assert isinstance(call.owner.ends[0], ServerStopped)


def test_a_session_that_the_server_has_forgotten_is_a_loss() -> None:
    world, call = drive()
    side = world.sides[0]
    message = wire.UnexpectedError(None, "404: Not Found", session_not_found=True)
    side.execute(side.session.received(1, [message], AT))
    assert isinstance(call.owner.ends[0], ConnectionLost)


def test_silence_is_a_loss_after_three_ticks_and_a_heartbeat_resets_it() -> None:
    world, call = drive()
    side = world.sides[0]
    side.execute(side.session.received(1, [wire.Estimation("e0", 0, 1, None)], AT))
    assert side.timers[do.Timer.SILENCE] == 15
    for _ in range(3):
        world._due(side, do.Timer.SILENCE)
    side.execute(side.session.received(1, [wire.Heartbeat()], AT))
    for _ in range(3):
        world._due(side, do.Timer.SILENCE)
    assert not call.owner.ended
    world._due(side, do.Timer.SILENCE)
    assert "not even a heartbeat" in str(call.owner.ends[0])


def test_a_server_that_closes_every_stream_at_once_is_given_up() -> None:
    world, call = drive()
    side = world.sides[0]
    for generation in range(1, 12):
        assert not call.owner.ended
        side.streams[generation].attached = False
        side.execute(side.session.received(generation, [wire.CloseStream()], AT))
        if do.Timer.REOPEN in side.timers:
            assert side.timers[do.Timer.REOPEN] <= 2.0
            world._due(side, do.Timer.REOPEN)
        side.execute(side.session.opened(generation + 1))
    assert isinstance(call.owner.ends[0], ConnectionLost)


def test_a_refused_stream_is_tried_again_and_given_up_in_the_end() -> None:
    world = World()
    call = world.submit(0)
    happen(world, "accept call 0")
    happen(world, "answer call 0")
    side = world.sides[0]
    refusal = ConnectionLost("refused", sent=False)
    for generation in range(1, 12):
        assert not call.owner.ended
        side.execute(side.session.refused(generation, refusal, AT))
        if do.Timer.REOPEN in side.timers:
            world._due(side, do.Timer.REOPEN)
    (end,) = call.owner.ends
    assert isinstance(end, ConnectionLost)
    assert end.__cause__ is refusal
    assert end.sent  # the call was, whatever became of the stream


@pytest.mark.parametrize("version", VERSIONS)
def test_no_call_is_posted_while_the_stream_of_earlier_ones_cannot_be_had(version: str) -> None:
    """The server may have been restarted: a new call would make it know the session again."""
    world = World(version)
    first = world.submit(0)
    happen(world, "accept call 0")
    happen(world, "answer call 0")
    side = world.sides[0]
    side.execute(side.session.refused(1, ConnectionLost("refused", sent=False), AT))
    second = world.submit(1)
    assert not world.joins
    unknown = wire.UnexpectedError(None, "no session", session_not_found=True)
    side.execute(side.session.opened(2))
    assert second.owner.ended is False
    side.execute(side.session.received(2, [unknown], AT))
    assert [type(end) for end in first.owner.ends] == [ConnectionLost]
    world.settle()
    assert second.owner.ends == [None]


def test_news_of_an_old_stream_changes_nothing() -> None:
    world, call = drive()
    side = world.sides[0]
    assert side.session.received(0, [wire.CloseStream()], AT) == []
    assert side.session.ended(0, ConnectionLost("old"), AT) == []
    assert side.session.opened(0) == []
    assert side.session.refused(7, ConnectionLost("new"), AT) == []
    assert not call.owner.ended


def test_strays_and_late_messages_change_nothing() -> None:
    world, call = drive(yields=0)
    side = world.sides[0]
    stray = wire.Completed("nobody", ["x"], None, None, None)
    side.execute(side.session.received(1, [stray, wire.Unknown(None, "render")], AT))
    world.settle()
    assert call.owner.outputs == ["call 0"]


def test_a_refused_call_ends_with_the_reason_and_the_others_go_on() -> None:
    world = World()
    first, second = world.submit(0), world.submit(1)
    side = world.sides[0]
    world.joins.remove((side, first))
    full = QueueFull("full")
    side.execute(side.session.join_failed(first, full, AT))
    world.settle()
    assert list(map(repr, first.owner.ends)) == [repr(full)]
    assert second.owner.ends == [None]


def test_a_message_that_cannot_be_read_ends_its_own_call_and_cancels_it() -> None:
    world, call = drive()
    other = world.submit(1)
    side = world.sides[0]
    side.execute(side.session.received(1, [wire.Malformed("e0", "not JSON")], AT))
    assert isinstance(call.owner.ends[0], ProtocolError)
    assert [cancelled for _, cancelled in world.cancels] == [call]
    world.settle()
    assert call.owner.outcomes == []  # nobody had asked
    assert other.owner.ends == [None]


def test_two_calls_with_one_event_id_are_an_error_of_the_second() -> None:
    world, call = drive()
    second = world.submit(1)
    side = world.sides[0]
    world.joins.clear()
    side.execute(side.session.joined(second, "e0", AT))
    assert isinstance(second.owner.ends[0], ProtocolError)
    assert not call.owner.ended


def test_too_many_early_messages_are_an_error_of_their_call_only() -> None:
    world, call = drive()
    second = world.submit(1)
    side = world.sides[0]
    flood = [wire.Progress("e1", [])] * 10_001
    side.execute(side.session.received(1, flood, AT))
    happen(world, "accept call 1")
    happen(world, "answer call 1")
    assert isinstance(second.owner.ends[0], ProtocolError)
    assert not call.owner.ended


def test_early_messages_may_come_for_ever_while_joins_are_in_flight() -> None:
    world, _ = drive()
    side = world.sides[0]
    last = world.submit(1)
    for _ in range(2000):  # of seven messages each, more in all than are kept at once
        call, last = last, world.submit(1)
        event_id = f"e{len(world.calls)}x"
        early = [wire.Estimation(event_id, 0, 1, None), *[wire.Progress(event_id, [])] * 6]
        stray = wire.Progress(f"stray {event_id}", [])
        side.execute(side.session.received(1, [*early, stray], AT))
        world.joins.remove((side, call))
        side.execute(side.session.joined(call, event_id, AT))
        assert not call.owner.ended
        done = wire.Completed(event_id, ["x"], None, None, None)
        side.execute(side.session.received(1, [done], AT))
        assert call.owner.ends == [None]
        assert len(side.session._early) < 5


def test_a_queue_that_says_nothing_of_a_call_is_dead() -> None:
    world, call = drive(version="4.16.0")
    side = world.sides[0]
    for _ in range(4):
        assert not call.owner.ended
        side.execute(side.session.received(1, [wire.Heartbeat()], AT))
        world._due(side, do.Timer.SILENCE)
    assert "its queue does not move" in str(call.owner.ends[0])
    assert not side.session.retired


RESUMING = ["4.20.1", "4.21.0", "4.22.0"]


@pytest.mark.parametrize("version", RESUMING)
def test_a_stream_that_breaks_is_resumed_where_the_server_goes_on(version: str) -> None:
    world, call = drive(version=version, yields=3, lossy=True)
    for name in ["start call 0", "yield call 0", "read s0/1", "read s0/1", "read s0/1"]:
        happen(world, name)
    happen(world, "deliver all s0/1")
    happen(world, "lose s0/1")
    happen(world, "yield call 0")
    happen(world, "deliver s0/1")
    assert world.opens == 2
    world.settle()
    assert call.owner.ends == [None]
    assert call.owner.outputs == ["call 0", "call 0++", "call 0++"]


@pytest.mark.parametrize("version", RESUMING)
def test_a_stream_that_was_torn_within_a_message_is_lost(version: str) -> None:
    world, call = drive(version=version)
    side = world.sides[0]
    side.execute(side.session.ended(1, ConnectionLost("reset"), AT, torn=True))
    assert isinstance(call.owner.ends[0], ConnectionLost)
    assert side.session.retired


@pytest.mark.parametrize("version", RESUMING)
def test_a_call_whose_end_was_lost_does_not_wait_for_it_for_ever(version: str) -> None:
    world, call = drive(version=version)
    side = world.sides[0]
    side.streams[1].attached = False
    side.execute(side.session.ended(1, ConnectionLost("reset"), AT))
    side.execute(side.session.opened(2))
    # The server knows of nothing unfinished.
    if world.dialect.announces_close:
        side.execute(side.session.received(2, [wire.CloseStream()], AT))
    else:
        side.execute(side.session.ended(2, None, AT))
    assert isinstance(call.owner.ends[0], ConnectionLost)


@pytest.mark.parametrize("version", RESUMING)
def test_silence_is_a_loss_even_where_the_server_goes_on(version: str) -> None:
    world, call = drive(version=version)
    side = world.sides[0]
    side.execute(side.session.received(1, [wire.Estimation("e0", 0, 1, None)], AT))
    for _ in range(4):
        world._due(side, do.Timer.SILENCE)
    assert isinstance(call.owner.ends[0], ConnectionLost)


@pytest.mark.parametrize("version", RESUMING)
def test_edits_after_a_gap_are_not_told_but_the_full_value_is(version: str) -> None:
    world, call = drive(version=version, yields=3, lossy=True)
    for name in ["start call 0", "yield call 0", "yield call 0", "read s0/1", "read s0/1"]:
        happen(world, name)
    happen(world, "read s0/1")
    happen(world, "deliver s0/1")
    happen(world, "lose s0/1")  # with the first value on its way
    world.settle()
    assert call.owner.ends == [None]
    assert call.owner.outputs == ["call 0++"] * 2


@pytest.mark.parametrize("version", ["4.20.1", "4.21.0"])
def test_a_proper_end_in_the_middle_of_a_call_is_a_gap_too(version: str) -> None:
    world, call = drive(version=version, yields=3)
    for name in ["start call 0", "yield call 0", "read s0/1", "read s0/1", "read s0/1"]:
        happen(world, name)
    happen(world, "deliver all s0/1")
    happen(world, "yield call 0")
    happen(world, "read s0/1")
    side = world.sides[0]
    stream = side.streams[1]
    stream.items.clear()  # what was on its way
    stream.attached = False
    stream.finished = True
    side.execute(side.session.ended(1, None, AT))  # a proxy has ended the body
    world.settle()
    assert call.owner.ends == [None]
    assert call.owner.outputs == ["call 0", "call 0++", "call 0++"]


@pytest.mark.parametrize("version", RESUMING)
def test_an_end_that_was_lost_is_waited_for_ten_minutes(version: str) -> None:
    world, call = drive(version=version, yields=0, lossy=True)
    other = world.submit(1)
    for name in ["accept call 1", "answer call 1", "start call 0", "complete call 0"]:
        happen(world, name)
    while any(label == "read s0/1" for label, _ in world.choices()):
        happen(world, "read s0/1")
    happen(world, "deliver s0/1")
    happen(world, "lose s0/1")
    world.settle()
    assert isinstance(call.owner.ends[0], ConnectionLost)
    assert other.owner.ends == [None]


def test_a_stream_that_never_opens_is_lost() -> None:
    world = World()
    call = world.submit(0)
    happen(world, "accept call 0")
    happen(world, "answer call 0")
    side = world.sides[0]
    for _ in range(4):
        assert not call.owner.ended
        world._due(side, do.Timer.SILENCE)
    assert isinstance(call.owner.ends[0], ConnectionLost)


def test_closing_ends_every_call_and_drops_the_stream() -> None:
    world = World()
    calls = [world.submit(0) for _ in range(5)]
    for name in ["accept call 0", "answer call 0", "attach s0/1", "open s0/1"]:
        happen(world, name)
    world.cancel(calls[4])
    side = world.sides[0]
    side.execute(side.session.close(AT))
    assert all(isinstance(call.owner.ends[0], ClientClosed) for call in calls[:4])
    assert side.streams[1].dropped
    assert side.session.submit(world.calls[0]) == [do.Reroute(world.calls[0])]


def test_an_idle_stream_that_the_server_keeps_open_is_dropped_with_its_session() -> None:
    world, call = drive()
    world.cancel(call)
    side = world.sides[0]
    assert side.timers[do.Timer.IDLE] == 2.0
    world._due(side, do.Timer.IDLE)
    assert not call.owner.outcomes  # the cancel is still on its way
    side.execute(side.session.cancel_answered(call, ok=True))
    world._due(side, do.Timer.IDLE)
    assert side.streams[1].dropped
    assert side.session.retired
    assert call.owner.outcomes == [CancelOutcome.UNKNOWN]


def test_with_state_a_loss_tells_that_it_is_gone() -> None:
    world, call = drive(has_state=True)
    side = world.sides[0]
    side.execute(side.session.ended(1, ConnectionLost("reset"), AT))
    assert "State" in str(getattr(call.owner.ends[0], "__notes__", ""))
    assert side.session.retired


def test_a_cancel_of_a_call_that_has_just_failed_here_has_an_outcome() -> None:
    world, call = drive()
    side = world.sides[0]
    call.owner.cancelled = True  # its user was quicker, but the machine has not heard of it
    side.execute(side.session.received(1, [wire.Malformed("e0", "not JSON")], AT))
    side.execute(side.session.cancel(call))
    assert call.owner.outcomes == [CancelOutcome.UNKNOWN]


def test_after_a_cancel_that_was_not_answered_nothing_new_is_sent_in_its_session() -> None:
    world, call = drive()
    other = world.submit(1)
    for name in ["accept call 1", "answer call 1"]:
        happen(world, name)
    world.cancel(call)
    side = world.sides[0]
    side.execute(side.session.cancel_answered(call, ok=False))
    assert side.session.retired
    late = world.submit(0)
    assert world.side_of[late] is not side
    world.cancels.clear()
    world.settle()
    assert other.owner.ends == late.owner.ends == [None]


@pytest.mark.parametrize(
    ("version", "kind"), [("6.31.0", ProtocolError), ("4.16.0", ConnectionLost)]
)
def test_a_stream_that_is_closed_as_if_a_call_had_ended_ends_it(
    version: str, kind: type[Exception]
) -> None:
    world, call = drive(version=version)
    unheard = world.submit(1)
    side = world.sides[0]
    side.execute(side.session.joined(unheard, "e1", AT))
    side.execute(side.session.received(1, [wire.Estimation("e0", 0, 1, None)], AT))
    side.streams[1].attached = False
    if side.session._dialect.announces_close:
        side.execute(side.session.received(1, [wire.CloseStream()], AT))
    else:
        side.execute(side.session.ended(1, None, AT))
    assert type(call.owner.ends[0]) is kind
    assert "its end did not arrive" in str(call.owner.ends[0])
    assert not unheard.owner.ended, "the server may have learnt of it a moment later"
    assert world.opens == 2


def test_a_ghost_that_the_server_may_not_have_known_outlives_a_close() -> None:
    world, call = drive()
    world.submit(0)  # a sibling on its way, for whose sake the cancel waits
    world.cancel(call)
    side = world.sides[0]
    side.streams[1].attached = False
    side.execute(side.session.received(1, [wire.CloseStream()], AT))
    assert world.opens == 2
    world.settle()
    assert world.owners[1].ends == [None]
    assert len(call.owner.outcomes) == 1
    assert side.session.at_rest


def test_early_messages_that_are_too_large_end_their_own_call_only() -> None:
    world, call = drive()
    large, small = world.submit(1), world.submit(2)
    side = world.sides[0]
    side.session._most_early = 1_000_000
    early = [wire.Log(f"e{n}", "x", "info", None, None) for n in (1, 2, 1, 2, 1)]
    sizes = [600_000, 2_000, 300_000, 2_000, 200_000]
    side.execute(side.session.received(1, early, AT, sizes=sizes))
    assert side.session._early_size <= 1_000_000
    for n in (1, 2):
        happen(world, f"accept call {n}")
        happen(world, f"answer call {n}")
    assert "more messages before" in str(large.owner.ends[0])
    assert not (small.owner.ended)
    assert not (call.owner.ended)
    assert side.session._early_size == side.session._early_count == 0


def test_a_flood_of_unknown_events_is_a_loss() -> None:
    world, call = drive()
    world.submit(1)
    side = world.sides[0]
    flood = [wire.Progress(f"x{n}", []) for n in range(10_001)]
    side.execute(side.session.received(1, flood, AT))
    assert isinstance(call.owner.ends[0], ProtocolError)
    assert len(side.session._early) == 0


def test_with_state_an_idle_stream_is_kept() -> None:
    world, call = drive(has_state=True)
    world.cancel(call)
    side = world.sides[0]
    side.execute(side.session.cancel_answered(call, ok=True))
    world._due(side, do.Timer.IDLE)
    assert not side.streams[1].dropped
    assert not side.session.retired
    assert call.owner.outcomes == [CancelOutcome.UNKNOWN]


@pytest.mark.parametrize("version", ["4.16.0", "4.30.0"])
def test_before_4_31_a_cancel_reaches_its_own_event_and_is_sent_when_it_has_yielded(
    version: str,
) -> None:
    world = World(version, yields=3)
    first, second = world.submit(0), world.submit(0)
    for name in ["accept call 0", "accept call 1", "answer call 0", "answer call 1"]:
        happen(world, name)
    for name in ["attach s0/1", "open s0/1", "start call 0", "start call 1"]:
        happen(world, name)
    bring(world)
    world.cancel(first)
    assert not world.cancels  # the server would not find it
    happen(world, "yield call 0")
    happen(world, "read s0/1")
    happen(world, "deliver s0/1")
    assert [call for _, call in world.cancels] == [first]
    world.settle()
    assert first.owner.outcomes == [CancelOutcome.GENERATOR_CLOSED]
    assert second.owner.ends == [None]


def test_a_reset_that_comes_too_late_is_told_as_finished() -> None:
    world = World("4.16.0", yields=1)
    call, other = world.submit(0), world.submit(1)
    for name in ["accept call 0", "accept call 1", "answer call 0", "answer call 1"]:
        happen(world, name)
    for name in ["attach s0/1", "open s0/1", "start call 0", "yield call 0"]:
        happen(world, name)
    bring(world)
    world.cancel(call)
    happen(world, "complete call 0")
    happen(world, "do cancel call 0")
    happen(world, "answer cancel call 0")
    assert not call.owner.outcomes
    world.settle()
    assert call.owner.outcomes == [CancelOutcome.FINISHED]
    assert other.owner.ends == [None]


# ---- streams of inputs


def streaming() -> tuple[World, do.Call[Owner], Callable[[list[wire.Message]], None]]:
    world = World()
    owner = Owner("streaming")
    world.owners.append(owner)
    call: do.Call[Owner] = do.Call(owner, 0, b"[0]", Event(world.dialect, 1, AT), generator=True)
    call.chunks = deque()
    world.calls.append(call)
    side = world.sides[0]
    side.submit(call)
    for name in ["accept streaming", "answer streaming", "attach s0/1", "open s0/1"]:
        happen(world, name)

    def say(messages: list[wire.Message]) -> None:
        side.execute(side.session.received(1, messages, AT))

    return world, call, say


ANSWERED = wire.Streaming("e0", ["x"], None)


def feed(world: World, call: do.Call[Owner], chunk: bytes | None, *, latest: bool = False) -> None:
    side = world.sides[0]
    side.execute(side.session.feed(call, chunk, latest=latest))


def test_a_chunk_is_sent_when_the_one_before_was_answered() -> None:
    world, call, say = streaming()
    feed(world, call, b"[1]")
    feed(world, call, b"[2]")
    feed(world, call, None)
    say([wire.Started("e0", None)])
    assert not world.chunks
    for sent in ([b"[1]"], [b"[1]", b"[2]"], [b"[1]", b"[2]", None]):
        say([ANSWERED])
        assert [chunk for _, chunk in world.chunks] == sent
    say([wire.Completed("e0", ["x"], None, None, None)])
    assert call.owner.ends == [None]
    assert call.owner.outputs == ["x"] * 4
    feed(world, call, b"[3]")
    assert len(world.chunks) == 3


def test_a_chunk_that_comes_late_is_sent_at_once() -> None:
    world, call, say = streaming()
    say([wire.Started("e0", None), ANSWERED])
    feed(world, call, b"[1]")
    assert world.chunks == [(call, b"[1]")]


def test_of_the_chunks_that_wait_only_the_latest_may_be_kept_but_not_of_their_end() -> None:
    world, call, say = streaming()
    for n in range(5):
        feed(world, call, b"[%d]" % n, latest=True)
    feed(world, call, None, latest=True)
    say([wire.Started("e0", None), ANSWERED])
    say([ANSWERED])
    assert world.chunks == [(call, b"[4]"), (call, None)]


def test_a_chunk_that_is_not_taken_ends_the_call_and_is_cancelled() -> None:
    world, call, say = streaming()
    say([wire.Started("e0", None), ANSWERED])
    feed(world, call, b"[1]")
    side = world.sides[0]
    lost = ConnectionLost("reset")
    side.execute(side.session.chunk_failed(call, lost, AT))
    assert list(map(repr, call.owner.ends)) == [repr(lost)]
    assert [ghost for _, ghost in world.cancels] == [call]
    side.execute(side.session.chunk_failed(call, lost, AT))
    assert list(map(repr, call.owner.ends)) == [repr(lost)]


def test_a_cancelled_stream_sends_no_chunk_any_more() -> None:
    world, call, say = streaming()
    say([wire.Started("e0", None)])
    feed(world, call, b"[1]")
    world.cancel(call)
    say([ANSWERED])
    feed(world, call, b"[2]")
    assert not world.chunks
