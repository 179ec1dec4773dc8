"""Names made of labels: what Python can write, and every argument its own."""

from __future__ import annotations

import inspect
import keyword
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rxgradio.client import Client
from rxgradio.protocol.names import RESERVED, argument_names


def name_of(label: str) -> str:
    return argument_names({4: label})[4]


def names_of(*labels: str) -> list[str]:
    return list(argument_names(dict(enumerate(labels))).values())


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("text", "text"),
        ("Input Text", "input_text"),
        ("  Input   text  ", "input_text"),
        ("Input Text (2)", "input_text_2"),
        ("max-new.tokens", "max_new_tokens"),
        ("CFG: scale", "cfg_scale"),
        ("<b>Bold</b>", "b_bold_b"),
        ("\U0001f3a8 Style", "style"),
        ("__private__", "private"),
        ("a__b", "a_b"),
        # letters of any script
        ("\u63d0\u793a\u8bcd", "\u63d0\u793a\u8bcd"),
        ("Gr\u00f6\u00dfe", "gr\u00f6\u00dfe"),
        ("\u0418\u043c\u044f 2", "\u0438\u043c\u044f_2"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\uff34\uff45\uff58\uff54", "text"),
        # whose normal form has capitals, and whose small letter has another normal form
        ("\u1d2c", "a"),
        ("T\u0308", "\u1e97"),
        # digits first
        ("2nd image", "_2nd_image"),
        ("1", "_1"),
        ("\u0301", "_\u0301"),
        # nothing to make a name of
        ("", "param_4"),
        ("   ", "param_4"),
        ("???", "param_4"),
        ("___", "param_4"),
        ("\U0001f3a8", "param_4"),
        # words that are taken
        ("class", "class_"),
        ("Lambda", "lambda_"),
        ("None", "none"),
        ("API name", "api_name_"),
        ("fn_index", "fn_index_"),
        ("Headers", "headers_"),
        ("result callbacks", "result_callbacks_"),
        ("self", "self"),
    ],
)
def test_a_name_is_the_label_as_python_can_write_it(label: str, name: str) -> None:
    assert name_of(label) == name


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["Text", "Text"], ["text", "text_2"]),
        (["Text", "text", "TEXT!"], ["text", "text_2", "text_3"]),
        # A label of its own goes before a number.
        (["Text", "Text", "Text 2"], ["text", "text_3", "text_2"]),
        (["Text 2", "Text", "Text"], ["text_2", "text", "text_3"]),
        (["", ""], ["param_0", "param_1"]),
        (["param 1", ""], ["param_1", "param_1_2"]),
        (["class", "class"], ["class_", "class__2"]),
    ],
)
def test_labels_that_repeat_are_numbered(labels: list[str], names: list[str]) -> None:
    assert names_of(*labels) == names


def test_what_has_no_label_is_called_by_its_slot() -> None:
    assert argument_names({0: "a", 2: "", 5: "?"}) == {0: "a", 2: "param_2", 5: "param_5"}


def test_names_that_are_known_are_not_given_again() -> None:
    assert argument_names({0: "text", 1: "text"}, ["text", "text_2"]) == {0: "text_3", 1: "text_4"}


def test_all_keywords_of_a_client_are_reserved() -> None:
    own = {
        parameter.name
        for method in (Client.predict, Client.submit, Client.observe)
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }

    assert own == RESERVED


LABEL = st.text(max_size=8) | st.sampled_from(
    ["text", "Text 2", "text_2", "class", "headers", "param 1", "", "\u0130", "\u1e9e", "\ufb01"]
)


@given(st.dictionaries(st.integers(0, 9), LABEL), st.lists(LABEL, max_size=3))
@example({0: "\u0130", 1: "i"}, [])
def test_any_labels_make_names(labels: dict[int, str], taken: list[str]) -> None:
    names = argument_names(labels, taken)

    assert list(names) == list(labels)
    assert len({*names.values()}) == len(labels)
    assert not {*names.values()} & {*taken}
    for name in names.values():
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert name not in RESERVED
        # What Python makes of it when it reads it as a keyword.
        assert unicodedata.normalize("NFKC", name) == name
    assert argument_names(labels, taken) == names


@given(st.lists(LABEL, min_size=1, max_size=6), LABEL)
def test_a_name_does_not_depend_on_what_comes_after(labels: list[str], more: str) -> None:
    first = names_of(labels[0])

    assert names_of(*labels, more)[:1] == first
