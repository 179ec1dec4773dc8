"""What is new in texts that grow, and in chats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex.testing.subscription import Subscription

from rxgradio import Status, Update
from rxgradio.operators import TextDelta, text_deltas
from tests.operators.virtual import call, final, on_completed, on_next, out, ran, status

STARTS = status(Status.STARTING)


def deltas(*values: Any, of: Any = None) -> list[TextDelta]:
    """Return the deltas of the values of a generator."""
    updates = [STARTS, *map(out, values)]
    if values:
        updates.append(final(values[-1]))
    return ran(text_deltas(of), call(*updates), end=5000, disposed=9000).values


def said(*values: Any, of: Any = None) -> list[str]:
    return list(map(str, deltas(*values, of=of)))


def added_up(given: list[TextDelta]) -> dict[int, str]:
    """Return the texts that some deltas add up to, but for those that are empty."""
    texts: dict[int, str] = {}
    for delta in given:
        was = texts.get(delta.message, "")
        assert 0 <= delta.replaced <= len(was)
        assert delta.text or delta.replaced
        texts[delta.message] = was[: len(was) - delta.replaced] + delta.text
    return {message: text for message, text in texts.items() if text}


# ---- one text


def test_what_was_appended() -> None:
    told = ran(text_deltas(), call(STARTS, out("He"), out("Hell"), out("Hello"), final("Hello")))
    assert told.messages == [
        on_next(220, TextDelta("He")),
        on_next(230, TextDelta("ll")),
        on_next(240, TextDelta("o")),
        on_completed(300),
    ]


def test_a_text_in_one_piece() -> None:
    told = ran(text_deltas(), call(STARTS, final("Hello")))
    assert told.messages == [on_next(220, TextDelta("Hello")), on_completed(300)]


def test_what_was_rewritten_is_taken_back_from_where_it_differs() -> None:
    assert deltas("Hel▌", "Hello▌", "Hello") == [
        TextDelta("Hel▌"),
        TextDelta("lo▌", 1),
        TextDelta("", 1),
    ]
    assert deltas("thinking", "An answer") == [TextDelta("thinking"), TextDelta("An answer", 8)]
    assert deltas("abc", "ab", "abc") == [TextDelta("abc"), TextDelta("", 1), TextDelta("c")]
    assert deltas("abc", "") == [TextDelta("abc"), TextDelta("", 3)]


@pytest.mark.parametrize("value", [None, 5, True, [], {}, {"path": "a.png"}, [1, 2], [[]]])
def test_what_holds_no_text_has_none(value: Any) -> None:
    assert deltas(value) == []
    assert deltas(value, "a", value, "a") == [TextDelta("a"), TextDelta("", 1), TextDelta("a")]


def test_a_text_beside_files() -> None:
    assert said({"text": "a", "files": []}, {"text": "ab", "files": []}) == ["a", "b"]


def test_an_output_that_is_left_as_it_is() -> None:
    skip, update = {"__type__": "update"}, {"__type__": "update", "value": "abc", "visible": True}
    assert said("a", skip, "ab", update, skip) == ["a", "b", "c"]
    assert said(skip) == []
    assert said(("x", skip), ("y", "a"), ("y", update), of=1) == ["a", "bc"]


# ---- which text


def test_one_of_several_outputs() -> None:
    values = [("", "a"), ("", "ab"), ("b", "ab")]
    assert said(*values, of=1) == ["a", "b"]
    assert said(*values, of=0) == ["b"]
    assert said({"answer": "a"}, {"answer": "ab"}, of="answer") == ["a", "b"]
    assert said(*values, of=lambda outputs: outputs[1].upper()) == ["A", "B"]


def test_of_several_outputs_one_has_to_be_said() -> None:
    told = ran(text_deltas(), call(STARTS, out(("", "a")), out(("", "ab"))))
    (message,) = told.messages
    assert (message.time, message.value.kind) == (220, "E")
    assert isinstance(message.value.exception, TypeError)
    assert "text_deltas(1)" in str(message.value.exception)
    assert told.subscriptions == [Subscription(200, 220)]


def test_an_error_of_a_users_function_is_an_error_of_the_stream() -> None:
    error = ValueError("no")

    def of(outputs: str) -> str:
        if outputs == "ab":
            raise error
        return outputs

    told = ran(text_deltas(of), call(STARTS, out("a"), out("ab"), out("abc")))
    assert told.messages[0] == on_next(220, TextDelta("a"))
    assert told.messages[1].value.exception is error
    assert told.subscriptions == [Subscription(200, 230)]
    told = ran(text_deltas(3), call(out(("a", "b"))))
    assert isinstance(told.messages[0].value.exception, IndexError)


# ---- chats


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "metadata": None, "content": content}


def bot(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "metadata": None, "content": content}


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


FILE = {"type": "file", "file": {"path": "a.png"}}


@pytest.mark.parametrize(
    "values",
    [
        [
            [user("hi")],
            [user("hi"), bot("Go")],
            [user("hi"), bot("Good day")],
            [user("hi"), bot("Good day"), bot("Well?")],
        ],
        [
            [user([part("hi")])],
            [user([part("hi")]), bot([part("Go")])],
            [user([part("hi")]), bot([part("Good"), FILE, part(" day")])],
            [user([part("hi")]), bot([part("Good"), FILE, part(" day")]), bot(["Well?"])],
        ],
    ],
    ids=["texts", "parts"],
)
def test_messages(values: list[Any]) -> None:
    assert deltas(*values) == [
        TextDelta("hi", 0, 0, "user"),
        TextDelta("Go", 0, 1, "assistant"),
        TextDelta("od day", 0, 1, "assistant"),
        TextDelta("Well?", 0, 2, "assistant"),
    ]


@pytest.mark.parametrize("pair", [list, tuple])
def test_pairs(pair: Any) -> None:
    values = [
        [pair(["hi", None])],
        [pair(["hi", "Go"])],
        [pair(["hi", "Good"]), pair([None, "Well?"])],
        [pair(["hi", "Good"]), pair([{"file": "a.png"}, "Well?"]), pair(["Bye", ""])],
    ]
    assert deltas(*values) == [
        TextDelta("hi", 0, 0, "user"),
        TextDelta("Go", 0, 1, "assistant"),
        TextDelta("od", 0, 1, "assistant"),
        TextDelta("Well?", 0, 3, "assistant"),
        TextDelta("Bye", 0, 4, "user"),
    ]


def test_a_message_that_is_no_list() -> None:
    assert deltas(bot("a"), bot([part("ab")])) == [
        TextDelta("a", 0, 0, "assistant"),
        TextDelta("b", 0, 0, "assistant"),
    ]


def test_any_message_may_be_rewritten() -> None:
    assert deltas([user("a"), bot("b"), bot("c")], [user("ax"), bot("by"), bot("c")])[3:] == [
        TextDelta("x", 0, 0, "user"),
        TextDelta("y", 0, 1, "assistant"),
    ]


def test_messages_that_are_gone_are_taken_back() -> None:
    assert deltas([user("a"), bot("bc")], [user("a")], [], [bot("d")])[2:] == [
        TextDelta("", 2, 1, "assistant"),
        TextDelta("", 1, 0, "user"),
        TextDelta("d", 0, 0, "assistant"),
    ]


def test_an_output_that_becomes_a_chat() -> None:
    values: list[Any] = ["a", [user("ab")], [["abc", "d"]], {"text": "a"}]
    assert deltas(*values) == [
        TextDelta("a"),
        TextDelta("b", 0, 0, "user"),
        TextDelta("c", 0, 0, "user"),
        TextDelta("d", 0, 1, "assistant"),
        TextDelta("", 2, 0),
        TextDelta("", 1, 1, "assistant"),
    ]


# ---- calls made anew


def test_another_attempt_takes_all_back() -> None:
    again = status(Status.STARTING, attempt=2)
    updates = [out("Hello"), again, out("He", attempt=2), out("Hello", attempt=2)]
    expected = [TextDelta("Hello"), TextDelta("He", 5), TextDelta("llo")]
    assert ran(text_deltas(), call(STARTS, *updates)).values == expected
    told = ran(text_deltas(), call(STARTS, updates[0], *updates[2:]))  # no word of it
    assert told.values == expected


def test_another_attempt_at_a_chat_takes_all_back() -> None:
    said = [user("a"), bot("b"), bot("c")]
    told = ran(text_deltas(), call(out(said), out(said, attempt=2), out(said, attempt=2)))
    assert [each.replaced for each in told.values] == [0, 0, 0, 1, 1, 1]
    assert [each.text for each in told.values] == ["a", "b", "c"] * 2


def test_another_call_takes_all_back() -> None:
    chat = [STARTS, out([user("a"), bot("b")]), STARTS, out([user("a")]), out([user("a")])]
    assert ran(text_deltas(), call(*chat)).values == [
        TextDelta("a", 0, 0, "user"),
        TextDelta("b", 0, 1, "assistant"),
        TextDelta("a", 1, 0, "user"),
        TextDelta("", 1, 1, "assistant"),
    ]


# ---- laws


LETTERS = st.text("ab😀", max_size=6)
CONTENTS = LETTERS | st.lists(LETTERS.map(part) | st.just(FILE), max_size=2)
CHATS = st.lists(st.builds(user, CONTENTS) | st.builds(bot, CONTENTS), max_size=4)
PAIRS = st.lists(st.tuples(st.none() | LETTERS, st.none() | LETTERS).map(list), max_size=4)


def texts_of(value: Any) -> dict[int, str]:
    """Return the texts of a value, by a way of their own."""

    def text_of(content: Any) -> str:
        if isinstance(content, list):
            return "".join(each.get("text", "") for each in content)
        return content or ""

    if isinstance(value, str):
        messages = [value]
    elif value and isinstance(value[0], dict):
        messages = [text_of(each["content"]) for each in value]
    else:
        messages = [text_of(side) for pair in value for side in pair]
    return {at: text for at, text in enumerate(messages) if text}


@given(st.lists(LETTERS | CHATS | PAIRS, max_size=8))
def test_deltas_add_up_to_the_text(values: list[Any]) -> None:
    for n in range(len(values) + 1):
        assert added_up(deltas(*values[:n])) == (texts_of(values[n - 1]) if n else {})


@given(st.lists(st.tuples(LETTERS, st.sampled_from([STARTS, None]), st.integers(1, 2))))
def test_they_do_in_streams_of_several_calls_too(steps: list[Any]) -> None:
    updates: list[Update] = []
    for value, starts, attempt in steps:
        updates += [starts] if starts is not None else []
        updates.append(out(value, attempt=attempt))
    told = ran(text_deltas(), call(*updates), end=5000, disposed=9000).values
    assert added_up(told) == (texts_of(steps[-1][0]) if steps else {})


@given(st.lists(LETTERS, max_size=8))
def test_a_text_that_only_grows_is_only_appended_to(pieces: list[str]) -> None:
    values = ["".join(pieces[:n]) for n in range(len(pieces) + 1)]
    told = deltas(*values)
    assert [delta.text for delta in told] == [piece for piece in pieces if piece]
    assert all(delta.replaced == 0 for delta in told)


# ---- cost


class Untouched(dict[str, Any]):
    """A message that has been compared with nothing, and looked into once at most."""

    def __init__(self, text: str) -> None:
        super().__init__(role="user", content=text)
        self.looked = 0

    def get(self, *args: Any) -> Any:
        self.looked += 1
        return super().get(*args)

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it is the same one")

    __hash__ = None  # type: ignore[assignment] # as of any dict


def test_the_history_of_a_chat_is_looked_into_once() -> None:
    history = [Untouched(f"message {n}") for n in range(50)]
    told = deltas(*([*history, bot("x" * n)] for n in range(1, 100)))
    assert len(told) == 50 + 99
    # But for the first, which tells each time that it is a chat.
    assert all(0 < each.looked <= 4 for each in history[1:])
