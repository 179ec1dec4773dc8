"""gather, in virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rxgradio import OutputUpdate, fanin
from rxgradio.fanin import Result
from tests.fanin.streams import END, ERROR, START, World, on_completed, on_error, on_next


def test_it_has_the_final_output_or_the_error_of_each() -> None:
    world = World()
    streams = {
        "a": world.cold(
            "a",
            on_next(10, START),
            on_next(20, OutputUpdate("x")),
            on_next(30, OutputUpdate("xy", final=True)),
            on_next(30, END),
            on_completed(30),
        ),
        "b": world.cold("b", on_next(15, OutputUpdate("y")), on_error(50, ERROR)),
        "c": world.cold("c", on_next(15, 1), on_next(40, 2), on_completed(40)),
    }
    assert world.run(lambda: fanin.gather(streams)) == [
        on_next(250, {"a": Result("xy"), "b": Result(error=ERROR), "c": Result(2)}),
        on_completed(250),
    ]
    assert world.spans() == {"a": [(200, 230)], "b": [(200, 250)], "c": [(200, 240)]}


def test_without_labels_it_is_a_list() -> None:
    world = World()
    streams = [world.cold("a", on_next(30, 1), on_completed(30)), world.cold("b", on_completed(10))]
    assert world.run(lambda: fanin.gather(streams)) == [
        on_next(230, [Result(1), Result(None)]),
        on_completed(230),
    ]


def test_of_nothing_comes_an_empty_one() -> None:
    assert World().run(lambda: fanin.gather({})) == [on_next(200, {}), on_completed(200)]
    assert World().run(lambda: fanin.gather([])) == [on_next(200, []), on_completed(200)]


def test_disposing_leaves_those_that_have_not_ended() -> None:
    world = World()
    streams = [world.cold("a", on_next(30, 1), on_completed(30)), world.cold("b", on_next(20, 1))]
    assert world.run(lambda: fanin.gather(streams), disposed=240) == []
    assert world.spans() == {"a": [(200, 230)], "b": [(200, 240)]}


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=6))
def test_each_stream_has_its_own_result(ends: list[tuple[int, bool]]) -> None:
    world = World()
    streams = [
        world.cold(
            f"{n}", on_next(at, n), on_completed(at + 1) if good else on_error(at + 1, ERROR)
        )
        for n, (at, good) in enumerate(ends)
    ]
    (result, end) = world.run(lambda: fanin.gather(streams))
    assert result.value.value == [
        Result(n) if good else Result(error=ERROR) for n, (_, good) in enumerate(ends)
    ]
    assert result.time == end.time == max([200, *(201 + at for at, _ in ends)])
