"""The values that streams are made of: what they say, and that they cannot be changed."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.updates import CancelOutcome, OutputUpdate, ProgressUnit, Status, StatusUpdate

AT = datetime(2026, 1, 2, 3, 4, 5)

FULL = StatusUpdate(
    Status.PROGRESS,
    rank=0,
    queue_size=3,
    eta=1.5,
    success=True,
    time=AT,
    progress_data=[ProgressUnit(index=1, length=3, unit="steps", progress=0.5, desc="one")],
    log=("careful", "warning"),
    log_title="Oh",
    log_duration=10,
    duration=0.5,
    average_duration=0.25,
    used_cache="full",
    time_limit=30,
)


# Status


def test_the_phases_of_a_job_have_the_names_of_gradio_s_own_client() -> None:
    assert [status.name for status in Status] == [
        "STARTING",
        "JOINING_QUEUE",
        "QUEUE_FULL",
        "IN_QUEUE",
        "SENDING_DATA",
        "PROCESSING",
        "PROGRESS",
        "ITERATING",
        "FINISHED",
        "CANCELLED",
        "LOG",
    ]
    assert all(status.value == status.name for status in Status)


def test_a_status_is_known_by_its_name() -> None:
    assert Status("FINISHED") is Status.FINISHED


def test_the_outcomes_of_a_cancel_are_told_in_words() -> None:
    words = [outcome.value for outcome in CancelOutcome]

    assert len(set(words)) == len(words) == 7
    assert all(word == word.lower() for word in words)


def test_a_status_update_needs_no_more_than_its_code() -> None:
    update = StatusUpdate(Status.STARTING)

    values = {each.name: getattr(update, each.name) for each in fields(update)}
    assert values.pop("code") is Status.STARTING
    assert values.pop("attempt") == 1
    assert set(values.values()) == {None}


def test_the_fields_of_gradio_s_own_client_come_first_and_in_its_order() -> None:
    names = [each.name for each in fields(StatusUpdate)]

    assert names[:8] == [
        *("code", "rank", "queue_size", "eta", "success", "time", "progress_data", "log")
    ]


def test_updates_are_told_apart_by_their_type() -> None:
    assert StatusUpdate(Status.STARTING).type == "status"
    assert OutputUpdate("a").type == "output"


def test_the_type_is_no_field_and_cannot_be_given() -> None:
    assert "type" not in {each.name for each in [*fields(StatusUpdate), *fields(OutputUpdate)]}


# How they are shown


@pytest.mark.parametrize(
    ("update", "shown"),
    [
        (StatusUpdate(Status.STARTING), "StatusUpdate(STARTING)"),
        (StatusUpdate(Status.STARTING, time=AT), "StatusUpdate(STARTING)"),
        (
            StatusUpdate(Status.IN_QUEUE, rank=0, queue_size=2, time=AT),
            "StatusUpdate(IN_QUEUE, rank=0, queue_size=2)",
        ),
        (StatusUpdate(Status.FINISHED, success=False), "StatusUpdate(FINISHED, success=False)"),
        (StatusUpdate(Status.LOG, log=("a", "info")), "StatusUpdate(LOG, log=('a', 'info'))"),
    ],
)
def test_a_status_update_shows_what_is_known_and_leaves_out_what_is_not(
    update: StatusUpdate, shown: str
) -> None:
    assert repr(update) == shown


def test_a_status_update_shows_everything_but_its_time() -> None:
    assert repr(FULL) == (
        "StatusUpdate(PROGRESS, rank=0, queue_size=3, eta=1.5, success=True, "
        "progress_data=[ProgressUnit(index=1, length=3, unit='steps', progress=0.5, "
        "desc='one')], log=('careful', 'warning'), log_title='Oh', log_duration=10, "
        "duration=0.5, average_duration=0.25, used_cache='full', time_limit=30)"
    )


def test_an_output_update_shows_its_outputs() -> None:
    assert repr(OutputUpdate(["a"], final=True)) == (
        "OutputUpdate(outputs=['a'], success=True, final=True, attempt=1)"
    )


# What they are


def test_an_output_update_is_a_success_and_not_the_last_one_until_it_says_so() -> None:
    update = OutputUpdate("a")

    assert update.success
    assert not update.final


def test_a_progress_unit_knows_nothing_until_it_is_told() -> None:
    unit = ProgressUnit()

    assert {getattr(unit, each.name) for each in fields(unit)} == {None}


@pytest.mark.parametrize("value", [FULL, OutputUpdate(["a"]), ProgressUnit(index=1)])
def test_updates_cannot_be_changed(value: object) -> None:
    for name in type(value).__slots__:
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


@pytest.mark.parametrize("value", [FULL, OutputUpdate(["a"], final=True), ProgressUnit(index=1)])
def test_updates_have_no_room_for_more(value: object) -> None:
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("value", [FULL, OutputUpdate(["a"], final=True), ProgressUnit(index=1)])
def test_updates_can_be_copied_and_pickled(value: object) -> None:
    assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_updates_are_equal_when_they_say_the_same() -> None:
    assert StatusUpdate(Status.LOG, log=("a", "info")) == StatusUpdate(
        Status.LOG, log=("a", "info")
    )
    assert StatusUpdate(Status.LOG, log=("a", "info")) != StatusUpdate(
        Status.LOG, log=("b", "info")
    )
    assert OutputUpdate("a") != OutputUpdate("a", final=True)
    assert OutputUpdate(1) != StatusUpdate(Status.STARTING)


OPTIONAL = [
    each.name for each in fields(StatusUpdate) if each.name not in {"code", "time", "attempt"}
]


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(Status),
    st.dictionaries(st.sampled_from(OPTIONAL), st.none() | st.integers() | st.text(max_size=3)),
)
def test_any_status_update_shows_exactly_what_is_known(
    code: Status, known: dict[str, object]
) -> None:
    shown = repr(StatusUpdate(code, time=AT, **known))  # type: ignore[arg-type]

    expected = [f"{name}={known[name]!r}" for name in OPTIONAL if known.get(name) is not None]
    assert shown == f"StatusUpdate({', '.join([code.name, *expected])})"


def test_the_first_attempt_is_not_worth_a_word() -> None:
    assert repr(StatusUpdate(Status.STARTING, attempt=1)) == "StatusUpdate(STARTING)"
    assert repr(StatusUpdate(Status.STARTING, attempt=2)) == "StatusUpdate(STARTING, attempt=2)"
