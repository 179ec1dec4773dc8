"""Edits of a value: what they make of it, what they leave alone, and which do not fit."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rxgradio.protocol.diff import DiffError, Outline, outline, patch

Edit: TypeAlias = list[Any]


def differ(old: Any, new: Any, *, since_5_30: bool, path: tuple[Any, ...] = ()) -> list[Edit]:
    """Compute edits as Gradio servers do, with their mistakes in the deletions of lists."""
    if old == new:
        return []
    if type(old) is not type(new):
        return [["replace", [*path], new]]
    edits: list[Edit] = []
    match old:
        case str() if new.startswith(old):
            return [["append", [*path], new[len(old) :]]]
        case list():
            common = min(len(old), len(new))
            for at in range(common):
                edits += differ(old[at], new[at], since_5_30=since_5_30, path=(*path, at))
            edits += [["delete", [*path, at], None] for at in range(common, len(old))]
            edits += [["add", [*path, at], new[at]] for at in range(common, len(new))]
            if since_5_30:
                shift = 0
                for action, where, _ in edits:
                    if action == "delete" and isinstance(where[-1], int):
                        where[-1] -= shift
                        shift += 1
            return edits
        case dict():
            for key in old:
                if key in new:
                    edits += differ(old[key], new[key], since_5_30=since_5_30, path=(*path, key))
                else:
                    edits.append(["delete", [*path, key], None])
            return edits + [["add", [*path, key], new[key]] for key in new if key not in old]
        case _:
            return [["replace", [*path], new]]


# Each action


@pytest.mark.parametrize(
    ("old", "edits", "new"),
    [
        # at the root
        ("a", [], "a"),
        ("a", [["append", [], "b"]], "ab"),
        ("", [["append", [], ""]], ""),
        ("a", [["append", [], "b"], ["append", [], "c"]], "abc"),
        ("a", [["replace", [], "b"]], "b"),
        (None, [["replace", [], {"a": 1}]], {"a": 1}),
        ([1, 2], [["replace", [], None]], None),
        ("a", [["replace", [], "b"], ["append", [], "c"]], "bc"),
        (1, [["replace", [], [1]], ["add", [1], 2]], [1, 2]),
        # one level down
        ({"a": "x"}, [["append", ["a"], "y"]], {"a": "xy"}),
        (["x", "y"], [["append", [1], "z"]], ["x", "yz"]),
        ({"a": 1, "b": 2}, [["replace", ["b"], [3]]], {"a": 1, "b": [3]}),
        ([1, 2], [["replace", [0], 3]], [3, 2]),
        ({}, [["add", ["a"], 1]], {"a": 1}),
        ({"a": 1}, [["add", ["a"], 2]], {"a": 2}),
        ([], [["add", [0], 1]], [1]),
        ([1], [["add", [1], 2], ["add", [2], 3]], [1, 2, 3]),
        ({"a": 1, "b": 2}, [["delete", ["a"], None]], {"b": 2}),
        ([1, 2], [["delete", [1], None]], [1]),
        # further down
        ({"a": [{"b": "x"}]}, [["append", ["a", 0, "b"], "y"]], {"a": [{"b": "xy"}]}),
        ([[["x"]]], [["replace", [0, 0, 0], "y"]], [[["y"]]]),
        ({"a": {}}, [["add", ["a", "b"], 1]], {"a": {"b": 1}}),
        ([[1], [2]], [["add", [1, 1], 3]], [[1], [2, 3]]),
        ({"a": {"b": 1}}, [["delete", ["a", "b"], None]], {"a": {}}),
        ({"a": [1, 2]}, [["delete", ["a", 1], None]], {"a": [1]}),
        # edits of what edits have made
        ({}, [["add", ["a"], {}], ["add", ["a", "b"], "x"], ["append", ["a", "b"], "y"]],
         {"a": {"b": "xy"}}),
        # an update of a component is a value like others
        ({"__type__": "update", "value": "a"}, [["replace", ["value"], "b"]],
         {"__type__": "update", "value": "b"}),
    ],
)  # fmt: skip
def test_edits_make_the_next_value(old: object, edits: list[Edit], new: object) -> None:
    assert patch(old, edits) == new


def test_keys_that_look_like_indices_are_keys() -> None:
    assert patch({"0": "a"}, [["append", ["0"], "b"]]) == {"0": "ab"}


# The safe rule for lists


@pytest.mark.parametrize("index", [0, 1, 2, 3, 99, -1, 1.5, "1", None])
def test_a_deletion_in_a_list_removes_its_last_element_whatever_the_index(index: object) -> None:
    assert patch([1, 2, 3], [["delete", [index], None]]) == [1, 2]
    assert patch({"a": [1, 2, 3]}, [["delete", ["a", index], None]]) == {"a": [1, 2]}


@pytest.mark.parametrize("index", [0, 1, 2, 99, -1, "1", None])
def test_an_addition_to_a_list_appends_whatever_the_index(index: object) -> None:
    assert patch([1, 2], [["add", [index], 3]]) == [1, 2, 3]


def test_deletions_of_servers_before_5_30_have_indices_that_are_not_shifted() -> None:
    edits = [["delete", [1], None], ["delete", [2], None], ["delete", [3], None]]

    assert differ([1, 2, 3, 4], [1], since_5_30=False) == edits
    assert patch([1, 2, 3, 4], edits) == [1]


def test_deletions_of_servers_since_5_30_have_indices_shifted_across_unrelated_lists() -> None:
    edits = [["delete", [0, 1], None], ["delete", [1, 0], None]]

    assert differ([[1, 2], [3, 4]], [[1], [3]], since_5_30=True) == edits
    assert patch([[1, 2], [3, 4]], edits) == [[1], [3]]


def test_deletions_of_servers_since_5_30_may_have_indices_below_zero() -> None:
    old, new = [[1, 2], [3, 4, 5]], [[1], [3]]
    edits = differ(old, new, since_5_30=True)

    assert edits[-1] == ["delete", [1, -1], None]
    assert patch(old, edits) == new


# What is shared, and what stays as it was


def test_parts_that_do_not_change_are_shared() -> None:
    old = {"log": ["a", {"b": 1}], "rest": {"c": [2]}, "text": "x"}

    new = patch(old, [["append", ["log", 0], "b"], ["add", ["more"], 3]])

    assert new["rest"] is old["rest"]
    assert new["log"][1] is old["log"][1]
    assert new["log"] is not old["log"]
    assert new is not old


def test_no_edits_give_the_value_itself() -> None:
    old = {"a": [1]}

    assert patch(old, []) is old
    assert outline(old, []) is old


def test_a_list_is_copied_once_however_many_edits_it_gets() -> None:
    class Counted(list[Any]):
        copies = 0

        def copy(self) -> Counted:
            Counted.copies += 1
            return Counted(self)

    new = patch(Counted("x" * 100), [["append", [at], "y"] for at in range(100)])

    assert new == ["xy"] * 100
    assert Counted.copies == 1


def test_a_value_that_is_in_two_places_changes_in_one() -> None:
    twin = ["x"]

    assert patch([twin, twin], [["append", [0, 0], "y"]]) == [["xy"], ["x"]]


def test_edits_in_two_places_of_one_value_do_not_meet() -> None:
    twin = ["x"]

    new = patch({"a": twin, "b": twin}, [["append", ["a", 0], "y"], ["append", ["b", 0], "z"]])

    assert new == {"a": ["xy"], "b": ["xz"]}
    assert twin == ["x"]


@pytest.mark.parametrize(
    ("old", "edits"),
    [
        (1, [["replace", [], {"a": []}], ["add", ["a", 0], 1]]),
        ({}, [["add", ["a"], [[]]], ["add", ["a", 0, 0], 1]]),
        ([0], [["replace", [0], {"a": "x"}], ["append", [0, "a"], "y"]]),
    ],
)
def test_edits_stay_as_they_are_even_where_they_edit_each_other(
    old: object, edits: list[Edit]
) -> None:
    # They are kept in the log of a job, and applied once for each of its readers.
    before = copy.deepcopy(edits)

    first, second = patch(old, edits), patch(old, edits)

    assert edits == before
    assert first == second != old


def test_an_error_leaves_the_value_as_it_was() -> None:
    old = {"a": [1, {"b": "x"}]}
    before = copy.deepcopy(old)

    with pytest.raises(DiffError):
        patch(old, [["append", ["a", 1, "b"], "y"], ["delete", ["c"], None]])

    assert old == before


# Edits that do not fit

MISFITS: list[tuple[object, object]] = [
    # no list of edits
    ("a", None),
    ("a", "append"),
    ("a", 1),
    ("a", {"append": 1}),
    # no edit
    ("a", [None]),
    ("a", ["append"]),
    ("a", [{}]),
    ("a", [[]]),
    ("a", [["append", []]]),
    ("a", [["append", [], "b", "c"]]),
    ("a", [["append", "", "b"]]),
    ("a", [["append", None, "b"]]),
    ({"a": "x"}, [["append", "a", "b"]]),
    ({"a": "x"}, [["append", {"a": 0}, "b"]]),
    # no such action
    ("a", [["grow", [], "b"]]),
    ({"a": 1}, [["grow", ["a"], "b"]]),
    ([1], [["grow", [0], "b"]]),
    ({"a": 1}, [[None, ["a"], "b"]]),
    ({"a": 1}, [[["replace"], ["a"], "b"]]),
    # no action for the root
    ([1], [["add", [], 1]]),
    ([1], [["delete", [], None]]),
    # only a text can be appended, and only to a text
    ("a", [["append", [], 1]]),
    ("a", [["append", [], None]]),
    (1, [["append", [], "a"]]),
    (None, [["append", [], "a"]]),
    ([1], [["append", [], [2]]]),
    ({"a": [1]}, [["append", ["a"], [2]]]),
    ({"a": 1}, [["append", ["a"], 2]]),
    # nothing there
    ({}, [["append", ["a"], "b"]]),
    ({}, [["replace", ["a"], "b"]]),
    ({}, [["delete", ["a"], None]]),
    ([], [["append", [0], "b"]]),
    ([], [["replace", [0], "b"]]),
    ([], [["delete", [0], None]]),
    ({"a": {}}, [["add", ["b", "c"], 1]]),
    ([[]], [["add", [1, 0], 1]]),
    # no such key
    ([1], [["replace", [-1], 2]]),
    ([1], [["replace", [1], 2]]),
    ([0, 1], [["replace", [True], 2]]),
    ([1], [["replace", [0.0], 2]]),
    ([1], [["replace", ["0"], 2]]),
    ([1], [["replace", [None], 2]]),
    ([1], [["replace", [[]], 2]]),
    ({"0": 1}, [["replace", [0], 2]]),
    ({"a": 1}, [["replace", [{}], 2]]),
    ({}, [["add", [0], 1]]),
    ({}, [["add", [None], 1]]),
    ({}, [["add", [[]], 1]]),
    ({"a": 1}, [["delete", [[]], 1]]),
    # nothing inside
    ("abc", [["replace", [0], "x"]]),
    ("abc", [["append", [0], "x"]]),
    (7, [["add", [0], "x"]]),
    (None, [["add", ["a"], "x"]]),
    (True, [["delete", [0], None]]),
    ({"a": "x"}, [["add", ["a", 0], "y"]]),
    ({"a": None}, [["append", ["a", "b"], "y"]]),
    # a good edit and a bad one
    ({"a": "x"}, [["append", ["a"], "y"], ["append", ["b"], "y"]]),
    ([1], [["delete", [0], None], ["delete", [0], None]]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "edits"), MISFITS)
def test_edits_that_do_not_fit_are_refused(value: object, edits: object) -> None:
    with pytest.raises(DiffError):
        patch(value, edits)
    with pytest.raises(DiffError):
        outline(value, edits)


@pytest.mark.parametrize("depth", [100, 990, 1020])
@pytest.mark.parametrize("action", ["replace", "append", "delete", "add"])
def test_a_key_of_any_depth_is_refused(action: str, depth: int) -> None:
    key: list[Any] = []
    for _ in range(depth):
        key = [key]

    with pytest.raises(DiffError):
        patch({"a": "x"}, [[action, [key], "y"]])
    with pytest.raises(DiffError):
        outline({"a": "x"}, [[action, [key], "y"]])


def test_a_path_of_any_length_is_followed() -> None:
    value: Any = "x"
    for _ in range(10_000):
        value = [value]
    edits = [["append", [0] * 10_000, "y"]]

    new = patch(value, edits)
    outline(value, edits)

    for _ in range(10_000):
        (new,) = new
    assert new == "xy"


def test_an_error_does_not_quote_the_whole_of_a_key() -> None:
    with pytest.raises(DiffError) as caught:
        patch({}, [["delete", ["k" * 100_000], None]])
    assert len(str(caught.value)) < 500


def test_an_error_does_not_quote_the_whole_of_an_action() -> None:
    with pytest.raises(DiffError) as caught:
        patch({"a": 1}, [["a" * 100_000, ["a"], None]])
    assert len(str(caught.value)) < 500


# The outline


def test_the_outline_does_not_build_texts() -> None:
    text = "x" * 1000

    assert outline(text, [["append", [], "y"]]) is text


def test_the_outline_does_not_copy_what_texts_are_in() -> None:
    chat = [{"role": "assistant", "content": "x"}]

    assert outline(chat, [["append", [0, "content"], "y"]]) is chat


def test_the_outline_follows_the_shape() -> None:
    value = {"a": [1, 2], "b": "x"}
    edits = [["delete", ["a", 1], None], ["add", ["c"], "y"], ["delete", ["b"], None]]

    assert outline(value, edits) == {"a": [1], "c": "y"}


# Any value, any edits

KEYS = st.sampled_from(["a", "b", "c", "0", ""])
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.text("ab", max_size=3)
    | st.sampled_from([1.0, 2.5])
)
JSON = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ACTIONS = st.sampled_from(["append", "replace", "add", "delete"])
TEXTS = st.text("ab", max_size=2)
ODD_EDITS = st.lists(ACTIONS | TEXTS, max_size=4) | st.tuples(
    ACTIONS | JSON, st.lists(KEYS | JSON, max_size=3), JSON
).map(list)
THOROUGH = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine draws deep values slowly


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of all that is in a value, and of what might be added to it."""
    found = [path]
    if isinstance(value, dict):
        items = [*value.items(), ("new", None)]
    elif isinstance(value, list):
        items = [*enumerate(value), (len(value), None)]
    else:
        return found
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def scripts(draw: st.DrawFn, value: Any) -> Any:
    """Draw edits of which most fit the value, and some do not."""
    paths = st.sampled_from(places(value)).map(list)
    fitting = st.tuples(ACTIONS, paths, TEXTS | JSON).map(list)
    return draw(st.lists(st.one_of(fitting, fitting, fitting, ODD_EDITS), max_size=4))


def attempt(function: Any, value: Any, edits: Any) -> tuple[bool, Any]:
    """Return whether the edits fit, and what became of the value."""
    try:
        return True, function(value, edits)
    except DiffError:
        return False, None


def shape(value: Any) -> Any:
    """Return what edits can tell of a value: all but its texts."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value)


@THOROUGH
@given(JSON, JSON | st.lists(JSON) | st.lists(st.tuples(ACTIONS, JSON, JSON).map(list)))
def test_any_edits_fit_or_are_refused(value: Any, edits: Any) -> None:
    before = copy.deepcopy((value, edits))

    fits, _ = attempt(patch, value, edits)

    assert attempt(outline, value, edits)[0] is fits
    assert (value, edits) == before


@THOROUGH
@given(JSON, st.data())
def test_neither_patch_nor_outline_changes_what_it_is_given(
    value: Any, data: st.DataObject
) -> None:
    edits = data.draw(scripts(value))
    before = repr((value, edits))

    fits, first = attempt(patch, value, edits)
    attempt(outline, value, edits)
    again, second = attempt(patch, value, edits)

    assert repr((value, edits)) == before
    assert (fits, first) == (again, second)


@THOROUGH
@given(JSON, st.data())
def test_along_any_chain_of_edits_the_outline_fits_when_the_value_does(
    value: Any, data: st.DataObject
) -> None:
    outlined = value
    for _ in range(data.draw(st.integers(1, 3))):
        edits = data.draw(scripts(value))
        fits, patched = attempt(patch, value, edits)
        assert attempt(outline, outlined, edits)[0] is fits
        if fits:
            value, outlined = patched, outline(outlined, edits)
            assert shape(outlined) == shape(value)


@THOROUGH
@given(
    st.lists(JSON, min_size=1, max_size=4) | st.dictionaries(KEYS, JSON, min_size=1, max_size=4),
    st.data(),
)
def test_what_no_edit_touches_is_shared(value: Any, data: st.DataObject) -> None:
    paths = [path for path in places(value) if path]
    edits = [
        [data.draw(ACTIONS), list(path), data.draw(TEXTS)]
        for path in data.draw(st.lists(st.sampled_from(paths), max_size=2))
    ]
    fits, new = attempt(patch, value, edits)
    assume(fits)

    touched = [path[0] for _, path, _ in edits]
    if isinstance(value, dict):
        kept = value.keys() & new.keys()
    else:  # it shrinks and grows at its end, whatever the index
        kept = range(len(value) - sum(path == [*path[:1]] for _, path, _ in edits))
    assert all(new[key] is value[key] for key in kept if key not in touched)


@THOROUGH
@given(st.lists(JSON, min_size=2, max_size=4), st.booleans())
def test_the_edits_of_a_server_lead_from_each_value_to_the_next(
    values: list[Any], since_5_30: bool
) -> None:
    value = outlined = values[0]
    for old, new in pairwise(values):
        edits = differ(old, new, since_5_30=since_5_30)
        value, outlined = patch(value, edits), outline(outlined, edits)

        assert value == new
        assert shape(outlined) == shape(value)


@st.composite
def shrinking(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw lists of lists, and what is left of them when some lose their ends."""
    old = draw(st.lists(st.lists(ATOMS | st.lists(ATOMS, max_size=3), max_size=4), max_size=4))
    new = [row[: draw(st.integers(0, len(row)))] for row in old]
    return (old, new) if draw(st.booleans()) else ({"a": old, "b": old}, {"a": new, "b": old[:1]})


@THOROUGH
@given(shrinking(), st.booleans())
def test_the_edits_of_a_server_shrink_the_right_lists(
    values: tuple[Any, Any], since_5_30: bool
) -> None:
    old, new = values

    assert patch(old, differ(old, new, since_5_30=since_5_30)) == new


LEAVES = st.none() | st.integers(0, 3) | st.text("xy", max_size=2)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["replace", "append", "add", "delete"]),
                st.lists(st.sampled_from(["a", "b", 0, 1]), max_size=3),
                VALUES,
            ),
            max_size=4,
        ),
        max_size=6,
    )
)
def test_an_outline_that_is_edited_in_place_is_what_outline_returns(scripts: list[Any]) -> None:
    value: Any = {"a": [{"b": "x"}, ["y"]], "b": "z"}
    before = json.dumps(value)
    kept = Outline(value)
    known: Any = value
    for script in ([list(edit) for edit in script] for script in scripts):
        told = json.dumps(script)
        try:
            known = outline(known, script)
        except DiffError:
            with pytest.raises(DiffError):
                kept.edit(script)
            break
        kept.edit(script)
        assert kept.value == known
        assert json.dumps(script) == told  # what was said stays what it was
    assert json.dumps(value) == before


def test_many_edits_of_a_large_value_do_not_cost_its_size_each() -> None:
    rows = [{"row": n} for n in range(200_000)]
    kept = Outline(rows)
    for n in range(20_000):  # copied for each, they would be 4,000,000,000
        kept.edit([["replace", [n, "row"], -n], ["add", [len(rows) + n], n]])
    assert len(kept.value) == 220_000
    assert rows[1] == {"row": 1}
