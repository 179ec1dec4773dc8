"""combine_latest and zip, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from reactivex import operators as ops

from rxgradio import OutputUpdate, fanin
from rxgradio.operators import snapshots
from tests.fanin.streams import ERROR, START, World, on_completed, on_error, on_next
from tests.fanin.test_merge import Story, played, stories

both = pytest.mark.parametrize("combine", [fanin.combine_latest, fanin.zip])


def two(world: World) -> dict[str, Any]:
    return {
        "a": world.cold("a", on_next(10, 1), on_next(40, 2), on_next(60, 3), on_completed(90)),
        "b": world.cold("b", on_next(20, 1), on_next(50, 2), on_completed(70)),
    }


def test_combine_latest_has_the_newest_of_all() -> None:
    world = World()
    streams = two(world)
    assert world.run(lambda: fanin.combine_latest(streams)) == [
        on_next(220, {"a": 1, "b": 1}),
        on_next(240, {"a": 2, "b": 1}),
        on_next(250, {"a": 2, "b": 2}),
        on_next(260, {"a": 3, "b": 2}),
        on_completed(290),
    ]
    assert world.spans() == {"a": [(200, 290)], "b": [(200, 270)]}


def test_combine_latest_has_what_there_is_if_wanted() -> None:
    world = World()
    streams = two(world)
    got = world.run(lambda: fanin.combine_latest(streams, partial=True), disposed=245)
    assert got == [
        on_next(210, {"a": 1}),
        on_next(220, {"a": 1, "b": 1}),
        on_next(240, {"a": 2, "b": 1}),
    ]
    assert world.spans() == {"a": [(200, 245)], "b": [(200, 245)]}


def test_the_labels_keep_their_order_whatever_comes_first() -> None:
    world = World()
    streams = {"b": world.cold("b", on_next(20, 1)), "a": world.cold("a", on_next(10, 1))}
    got = world.run(lambda: fanin.combine_latest(streams, partial=True).pipe(ops.map(list)))
    assert got == [on_next(210, ["a"]), on_next(220, ["b", "a"])]


def test_combine_latest_completes_when_it_can_have_no_value() -> None:
    world = World()
    streams = {
        "a": world.cold("a", on_next(10, 1), on_next(40, 2)),
        "b": world.cold("b", on_completed(20)),
    }
    assert world.run(lambda: fanin.combine_latest(streams)) == [on_completed(220)]
    assert world.spans()["a"] == [(200, 220)]


def test_a_stream_without_values_is_missing_from_what_there_is() -> None:
    world = World()
    streams = {
        "a": world.cold("a", on_next(30, 1), on_completed(40)),
        "b": world.cold("b", on_completed(20)),
    }
    assert world.run(lambda: fanin.combine_latest(streams, partial=True)) == [
        on_next(230, {"a": 1}),
        on_completed(240),
    ]


def test_each_dict_is_a_new_one() -> None:
    world = World()
    streams = two(world)
    got = world.run(lambda: fanin.combine_latest(streams).pipe(ops.do_action(lambda d: d.clear())))
    assert all(not each.value.value for each in got[:-1])
    again = World()
    streams = two(again)
    kept = again.run(lambda: fanin.combine_latest(streams))
    assert len({id(each.value.value) for each in kept[:-1]}) == 4


def test_views_of_calls_side_by_side() -> None:
    world = World()
    streams = {
        "a": world.cold("a", on_next(10, START), on_next(30, OutputUpdate("x"))),
        "b": world.cold("b", on_next(20, START), on_error(40, ERROR)),
    }
    views = {name: stream.pipe(snapshots()) for name, stream in streams.items()}
    got = world.run(lambda: fanin.combine_latest(views))
    last = got[-1].value.value
    assert [each.time for each in got] == [220, 230, 240]
    assert (last["a"].output, last["a"].done, last["b"].error) == ("x", False, ERROR)


def test_zip_pairs_the_first_with_the_first() -> None:
    world = World()
    streams = two(world)
    assert world.run(lambda: fanin.zip(streams)) == [
        on_next(220, {"a": 1, "b": 1}),
        on_next(250, {"a": 2, "b": 2}),
        on_completed(270),
    ]
    assert world.spans() == {"a": [(200, 270)], "b": [(200, 270)]}


def test_zip_waits_for_partners_of_what_has_ended() -> None:
    world = World()
    streams = {
        "a": world.cold("a", on_next(10, 1), on_next(20, 2), on_completed(25)),
        "b": world.cold("b", on_next(30, 1), on_next(40, 2), on_next(50, 3)),
    }
    assert world.run(lambda: fanin.zip(streams)) == [
        on_next(230, {"a": 1, "b": 1}),
        on_next(240, {"a": 2, "b": 2}),
        on_completed(240),
    ]
    assert world.spans() == {"a": [(200, 225)], "b": [(200, 240)]}


@both
def test_an_error_ends_it_at_once_and_tells_whose_it_is(combine: Any) -> None:
    world = World()
    error = ValueError("no")
    streams = {"a": world.cold("a", on_next(10, 1)), "b": world.cold("b", on_error(20, error))}
    assert world.run(lambda: combine(streams)) == [on_error(220, error)]
    assert error.__notes__ == ["(of the stream 'b')"]
    assert world.spans() == {"a": [(200, 220)], "b": [(200, 220)]}


@both
def test_disposing_leaves_all(combine: Any) -> None:
    world = World()
    streams = two(world)
    world.run(lambda: combine(streams), disposed=215)
    assert world.spans() == {"a": [(200, 215)], "b": [(200, 215)]}


@both
def test_of_nothing_comes_nothing(combine: Any) -> None:
    assert World().run(lambda: combine({})) == [on_completed(200)]


@given(stories)
def test_zip_pairs_all_that_have_a_partner(told: dict[str, Story]) -> None:
    world = World()
    streams = played(world, told, on_completed)
    got = world.run(lambda: fanin.zip(streams))
    most = min((len(gaps) for gaps in told.values()), default=0)
    assert [each.value.value for each in got[:-1]] == [dict.fromkeys(told, n) for n in range(most)]
    assert got[-1].value.kind == "C"


@given(stories)
def test_combine_latest_tells_every_change_once_there_are_values_of_all(
    told: dict[str, Story],
) -> None:
    world = World()
    streams = played(world, told, on_completed)
    got = [each.value.value for each in world.run(lambda: fanin.combine_latest(streams))[:-1]]
    if not told or not all(told.values()):
        assert got == []
        return
    changes = sum(len(gaps) for gaps in told.values())
    assert got[-1] == {name: len(gaps) - 1 for name, gaps in told.items()}
    first = sum(got[0].values()) + len(told)  # values that had come by then
    assert len(got) == changes - first + 1
    assert all(sum(now.values()) == sum(was.values()) + 1 for was, now in zip(got, got[1:]))  # noqa: B905, RUF007 (one is shorter)
