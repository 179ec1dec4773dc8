"""merge and labelled, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable

from rxgradio import fanin
from rxgradio.fanin import Labelled, labelled
from tests.fanin.streams import ERROR, World, on_completed, on_error, on_next


def test_all_values_come_with_their_labels() -> None:
    world = World()
    streams = {
        "a": world.hot("a", on_next(190, 0), on_next(210, 1), on_next(230, 2), on_completed(240)),
        "b": world.hot("b", on_next(220, 1), on_completed(300)),
    }
    assert world.run(lambda: fanin.merge(streams)) == [
        on_next(210, Labelled("a", 1)),
        on_next(220, Labelled("b", 1)),
        on_next(230, Labelled("a", 2)),
        on_completed(300),
    ]
    assert world.spans() == {"a": [(200, 240)], "b": [(200, 300)]}


def test_the_first_error_ends_it_and_tells_whose_it_is() -> None:
    world = World()
    error = ValueError("no")
    streams = {
        "a": world.hot("a", on_next(210, 1), on_next(230, 2)),
        "b": world.hot("b", on_error(220, error)),
    }
    assert world.run(lambda: fanin.merge(streams)) == [
        on_next(210, Labelled("a", 1)),
        on_error(220, error),
    ]
    assert error.__notes__ == ["(of the stream 'b')"]
    assert world.spans() == {"a": [(200, 220)], "b": [(200, 220)]}


def test_an_error_that_is_kept_is_a_value() -> None:
    world = World()
    streams = {
        "a": world.hot("a", on_next(210, 1), on_next(230, 2), on_completed(240)),
        "b": world.hot("b", on_error(220, ERROR)),
    }
    assert world.run(lambda: fanin.merge(streams, on_error="keep")) == [
        on_next(210, Labelled("a", 1)),
        on_next(220, Labelled("b", None, ERROR)),
        on_next(230, Labelled("a", 2)),
        on_completed(240),
    ]


def test_a_last_error_that_is_kept_completes() -> None:
    world = World()
    streams = {"a": world.cold("a", on_error(20, ERROR))}
    assert world.run(lambda: fanin.merge(streams, on_error="keep")) == [
        on_next(220, Labelled("a", None, ERROR)),
        on_completed(220),
    ]


def test_disposing_leaves_all_streams() -> None:
    world = World()
    streams = {
        "a": world.cold("a", on_next(10, 1), on_next(60, 2)),
        "b": world.cold("b", on_next(20, 1), on_completed(30)),
    }
    got = world.run(lambda: fanin.merge(streams), disposed=250)
    assert got == [on_next(210, Labelled("a", 1)), on_next(220, Labelled("b", 1))]
    assert world.spans() == {"a": [(200, 250)], "b": [(200, 230)]}


def test_each_subscriber_has_streams_of_its_own() -> None:
    world = World()
    merged = fanin.merge({"a": world.cold("a", on_next(10, 1), on_completed(20))})
    late = world.scheduler.create_observer()
    world.scheduler.schedule_absolute(
        300.0, lambda *_: merged.subscribe(late, scheduler=world.scheduler) and None
    )
    assert world.run(lambda: merged) == [on_next(210, Labelled("a", 1)), on_completed(220)]
    assert late.messages == [on_next(310, Labelled("a", 1)), on_completed(320)]
    assert world.spans() == {"a": [(200, 220), (300, 320)]}


def test_of_nothing_comes_nothing() -> None:
    assert World().run(lambda: fanin.merge({})) == [on_completed(200)]


def test_there_are_two_things_to_do_with_errors() -> None:
    how: Any = "ignore"
    with pytest.raises(ValueError, match="on_error"):
        fanin.merge({}, on_error=how)


def test_a_label_is_put_on_each_value() -> None:
    world = World()
    source = world.cold("a", on_next(10, 1), on_next(20, 2), on_error(30, ERROR))
    assert world.run(lambda: source.pipe(labelled("x"))) == [
        on_next(210, Labelled("x", 1)),
        on_next(220, Labelled("x", 2)),
        on_error(230, ERROR),
    ]


Story = list[int]

stories = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers(1, 30), max_size=6), max_size=4
)


def played(world: World, stories: dict[str, Story], ends: Any) -> dict[str, Observable[Any]]:
    """Return streams of 0, 1, 2... after so many steps each."""
    streams: dict[str, Observable[Any]] = {}
    for name, gaps in stories.items():
        at = 0
        messages: list[Any] = []
        for n, gap in enumerate(gaps):
            at += gap
            messages.append(on_next(at, n))
        streams[name] = world.cold(name, *messages, ends(at + 5))
    return streams


@given(stories, st.booleans())
def test_nothing_is_lost_and_each_stream_keeps_its_order(
    told: dict[str, Story], fails: bool
) -> None:
    world = World()
    ends = (lambda at: on_error(at, ERROR)) if fails else on_completed
    streams = played(world, told, ends)
    got = world.run(lambda: fanin.merge(streams, on_error="keep"))
    assert got[-1].value.kind == "C"
    values = [each.value.value for each in got[:-1]]
    for name, gaps in told.items():
        mine = [each for each in values if each.label == name]
        assert [each.value for each in mine if each.error is None] == list(range(len(gaps)))
        assert [each.error for each in mine if each.error is not None] == [ERROR] * fails
    assert got[-1].time == max([200, *(205 + sum(gaps) for gaps in told.values())])
