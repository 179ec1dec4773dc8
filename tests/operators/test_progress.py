"""How much of a call is done, and what it says on the way."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgradio import ProgressUnit, Status, Update
from rxgradio.operators import LogMessage, logs, progress
from tests.operators.virtual import call, log, on_completed, on_next, out, ran, reports, status


def test_steps_of_a_known_number() -> None:
    steps = [reports(ProgressUnit(n, 4, "steps")) for n in (0, 1, 1, 4)]
    assert ran(progress(), call(*steps)).messages == [
        on_next(210, 0.0),
        on_next(220, 0.25),
        on_next(240, 1.0),
        on_completed(300),
    ]


@pytest.mark.parametrize(
    ("bar", "fractions"),
    [
        (ProgressUnit(progress=0.5), [0.5]),
        (ProgressUnit(1, 4, progress=0.5), [0.5]),
        (ProgressUnit(progress=0), [0.0]),
        (ProgressUnit(0, 4), [0.0]),
        (ProgressUnit(5, 4), [1.0]),
        (ProgressUnit(progress=1.5), [1.0]),
        (ProgressUnit(progress=-1), [0.0]),
        (ProgressUnit(3, None), []),
        (ProgressUnit(3, 0), []),
        (ProgressUnit(None, 4), []),
        (ProgressUnit(), []),
        (ProgressUnit(progress=math.nan), []),
        (ProgressUnit(1, math.inf), [0.0]),
        (ProgressUnit(math.inf, math.inf), []),
    ],
)
def test_a_bar(bar: ProgressUnit, fractions: list[float]) -> None:
    told = ran(progress(), call(reports(bar))).values
    assert told == fractions
    assert all(type(each) is float for each in told)


def test_of_several_bars_it_is_the_outermost() -> None:
    inner = ProgressUnit(9, 10)
    told = ran(
        progress(),
        call(reports(ProgressUnit(0, 2), inner), reports(ProgressUnit(1, 2), inner)),
    )
    assert told.values == [0.0, 0.5]
    assert ran(progress(), call(reports(ProgressUnit(3, None), inner))).values == []


def test_no_bars_are_no_news() -> None:
    assert ran(progress(), call(reports(), status(Status.PROCESSING), out(0.5))).values == []


def test_the_sending_of_files_is_none() -> None:
    sending = status(Status.SENDING_DATA, progress_data=[ProgressUnit(1, 2, "bytes")])
    assert ran(progress(), call(sending, reports(ProgressUnit(1, 4)))).values == [0.25]


def test_another_attempt_begins_anew() -> None:
    first = [reports(ProgressUnit(n, 2)) for n in (0, 1)]
    second = [reports(ProgressUnit(n, 2), attempt=2) for n in (0, 1)]
    assert ran(progress(), call(*first, *second)).values == [0.0, 0.5, 0.0, 0.5]


NUMBERS = st.none() | st.floats() | st.integers()
BARS = st.builds(ProgressUnit, NUMBERS, NUMBERS, st.none(), NUMBERS)


@given(st.lists(st.lists(BARS, max_size=2), max_size=9))
def test_whatever_an_app_says_fractions_are_fractions(said: list[list[ProgressUnit]]) -> None:
    told = ran(progress(), call(*(reports(*bars) for bars in said)))
    fractions = told.values
    assert all(0.0 <= each <= 1.0 for each in fractions)
    assert all(a != b for a, b in pairwise(fractions))
    assert told.messages[-1] == on_completed(300)


def test_logs_in_full() -> None:
    said = log("look", "success", log_title="Well", log_duration=2.5)
    told = ran(logs(), call(status(Status.PROCESSING), said, out("a"), log("", "warning")))
    assert told.messages == [
        on_next(220, LogMessage("look", "success", "Well", 2.5)),
        on_next(240, LogMessage("", "warning")),
        on_completed(300),
    ]


def test_a_status_that_carries_the_latest_log_along_is_none() -> None:
    carrying = status(Status.PROCESSING, log=("look", "info"))
    assert ran(logs(), call(carrying, status(Status.LOG))).values == []


@given(
    st.lists(
        st.builds(log, st.text(), st.sampled_from(["info", "warning"]))
        | st.builds(out, st.integers())
    )
)
def test_no_log_is_lost(updates: list[Update]) -> None:
    told = ran(logs(), [(210, update) for update in updates])
    expected = [each.log for each in updates if each.type == "status"]
    assert [(each.text, each.level) for each in told.values] == expected
