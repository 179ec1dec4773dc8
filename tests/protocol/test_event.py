"""The life of a call, told as a list of messages: the entries of its log, and how it ends."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import (
    AppError,
    ConnectionLost,
    ProtocolError,
    QuotaExceeded,
    RxGradioError,
)
from rxgradio.protocol import messages as wire
from rxgradio.protocol.dialects import dialect_of
from rxgradio.protocol.event import Edits, Entry, Event, Values, fold
from rxgradio.updates import ProgressUnit, Status, StatusUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = datetime(2026, 1, 2, 3, 4, 5)
OLD = dialect_of("sse_v3", "4.44.1")
NEW = dialect_of("sse_v3", "6.31.0")

STARTED = wire.Started("e1", 0.5)


def generating(*data: object, time_limit: float | None = None) -> wire.Generating:
    return wire.Generating("e1", list(data), time_limit)


def completed(*data: object) -> wire.Completed:
    return wire.Completed("e1", list(data), None, None, None)


def failed(text: str | None) -> wire.Failed:
    return wire.Failed("e1", text, None, None)


def narrate(event: Event, *messages: wire.Message) -> list[Entry]:
    """Give an event its messages."""
    return [entry for message in messages for entry in event.receive(message, AT)]


def codes(entries: Sequence[Entry]) -> list[Status]:
    return [entry.code for entry in entries if isinstance(entry, StatusUpdate)]


def values(entries: Sequence[Entry]) -> list[Sequence[Any]]:
    """Fold all outputs of a log."""
    data: Sequence[Any] = ()
    outputs = list[Any]()
    for entry in entries:
        if not isinstance(entry, StatusUpdate):
            data = fold(data, entry)
            outputs.append(data)
    return outputs


# A life


def test_a_call_stands_at_its_start_until_it_is_told_of() -> None:
    event = Event(NEW, 1, AT)

    assert event.status == StatusUpdate(Status.STARTING, time=AT)
    assert not event.started
    assert not event.ended
    assert event.error is None


def test_a_call_on_its_way_joins_the_queue() -> None:
    event = Event(NEW, 1, AT)
    later = AT + timedelta(seconds=1)

    assert event.joining(later) == [StatusUpdate(Status.JOINING_QUEUE, time=later)]
    assert event.status == StatusUpdate(Status.JOINING_QUEUE, time=later)


def test_a_plain_call_waits_runs_and_finishes() -> None:
    event = Event(NEW, 2, AT)

    entries = narrate(
        event,
        wire.Estimation("e1", 1, 2, 3.5),
        wire.Estimation("e1", 0, 1, None),
        STARTED,
        wire.Completed("e1", ["HELLO", 5], 0.75, 0.5, "full"),
    )

    assert entries == [
        StatusUpdate(Status.IN_QUEUE, rank=1, queue_size=2, eta=3.5, time=AT),
        StatusUpdate(Status.IN_QUEUE, rank=0, queue_size=1, time=AT),
        StatusUpdate(Status.PROCESSING, eta=0.5, time=AT),
        Values(["HELLO", 5], final=True),
        StatusUpdate(
            Status.FINISHED,
            success=True,
            time=AT,
            duration=0.75,
            average_duration=0.5,
            used_cache="full",
        ),
    ]
    assert event.ended
    assert event.error is None
    assert event.status is entries[-1]


def test_each_update_has_the_time_of_its_message() -> None:
    event = Event(NEW, 1, AT)
    times = [AT + timedelta(seconds=second) for second in range(5)]
    messages = [
        wire.Estimation("e1", 0, 1, None),
        STARTED,
        wire.Progress("e1", []),
        generating("a"),
        completed("a"),
    ]

    entries = [
        entry for m, at in zip(messages, times, strict=True) for entry in event.receive(m, at)
    ]

    assert [entry.time for entry in entries if isinstance(entry, StatusUpdate)] == times


def test_a_call_has_started_when_the_server_says_so() -> None:
    event = Event(NEW, 1, AT)

    narrate(event, wire.Estimation("e1", 0, 1, None))
    assert not event.started

    narrate(event, STARTED)
    assert event.started


def test_a_call_without_outputs_has_an_empty_value() -> None:
    event = Event(NEW, 0, AT)

    assert values(narrate(event, STARTED, completed())) == [[]]
    assert event.error is None


# Outputs of generators


def test_a_text_that_grows_is_kept_as_its_start_and_what_was_added() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(
        event,
        generating("item 0"),
        generating([["append", [], " 1"]]),
        generating([]),
        generating([["append", [], " 2"]]),
        completed("item 0 1 2"),
    )

    assert entries == [
        StatusUpdate(Status.ITERATING, time=AT),
        Values(["item 0"], final=False),
        Edits([[["append", [], " 1"]]]),
        Edits([[]]),
        Edits([[["append", [], " 2"]]]),
        Values(["item 0 1 2"], final=True),
        StatusUpdate(Status.FINISHED, success=True, time=AT),
    ]
    assert values(entries) == [
        ["item 0"],
        ["item 0 1"],
        ["item 0 1"],
        ["item 0 1 2"],
        ["item 0 1 2"],
    ]


def test_a_chat_that_grows_is_folded_to_the_chat() -> None:
    said = {"role": "user", "content": "hi"}
    event = Event(NEW, 2, AT)

    entries = narrate(
        event,
        generating("", [said, {"role": "assistant", "content": "you"}]),
        generating([], [["append", [1, "content"], " said"]]),
        generating([], [["append", [1, "content"], " hi"], ["add", [1, "done"], True]]),
        completed("", [said, {"role": "assistant", "content": "you said hi", "done": True}]),
    )

    assert values(entries) == [
        ["", [said, {"role": "assistant", "content": "you"}]],
        ["", [said, {"role": "assistant", "content": "you said"}]],
        ["", [said, {"role": "assistant", "content": "you said hi", "done": True}]],
        ["", [said, {"role": "assistant", "content": "you said hi", "done": True}]],
    ]


def test_a_value_once_handed_out_stays_as_it_was() -> None:
    event = Event(NEW, 1, AT)
    entries = narrate(
        event,
        generating({"text": "a", "rest": [1, 2]}),
        generating([["append", ["text"], "b"], ["delete", ["rest", 1], None]]),
    )

    first, second = values(entries)

    assert first == [{"text": "a", "rest": [1, 2]}]
    assert second == [{"text": "ab", "rest": [1]}]


def test_a_log_is_folded_to_the_same_values_by_each_of_its_readers() -> None:
    entries = narrate(
        Event(NEW, 1, AT),
        generating(None),
        generating([["replace", [], {"a": []}]]),
        generating([["add", ["a", 0], "x"]]),
        generating([["append", ["a", 0], "y"]]),
    )

    assert values(entries) == values(entries)
    assert values(entries)[-1] == [{"a": ["xy"]}]


def test_a_folded_value_shares_what_did_not_change() -> None:
    rest = [1, 2]
    entries = narrate(
        Event(NEW, 2, AT), generating("a", rest), generating([["append", [], "b"]], [])
    )

    assert values(entries)[-1][1] is rest


def test_a_first_value_that_looks_like_edits_is_a_value() -> None:
    entries = narrate(Event(NEW, 1, AT), generating([["append", [], "x"]]))

    assert values(entries) == [[[["append", [], "x"]]]]


def test_the_last_value_is_never_edits() -> None:
    entries = narrate(Event(NEW, 1, AT), generating("a"), completed([["append", [], "x"]]))

    assert values(entries)[-1] == [[["append", [], "x"]]]


def test_a_generator_may_end_on_another_value_than_its_last() -> None:
    entries = narrate(Event(NEW, 1, AT), generating("a"), completed(None))

    assert values(entries) == [["a"], [None]]


def test_a_server_that_sends_no_edits_sends_each_value_in_full() -> None:
    event = Event(replace(NEW, sends_diffs=False), 1, AT)

    entries = narrate(event, generating("a"), generating([["append", [], "b"]]), generating("c"))

    assert values(entries) == [["a"], [[["append", [], "b"]]], ["c"]]


# Where it stands while it makes outputs


def test_iterating_is_told_once_and_not_with_each_output() -> None:
    entries = narrate(Event(NEW, 1, AT), STARTED, *[generating("a")], *[generating([])] * 5)

    assert codes(entries) == [Status.PROCESSING, Status.ITERATING]


def test_iterating_is_told_again_after_another_status() -> None:
    entries = narrate(
        Event(NEW, 1, AT),
        generating("a"),
        wire.Progress("e1", []),
        generating([]),
        generating([]),
        wire.Progress("e1", []),
        generating([]),
    )

    assert codes(entries) == [
        Status.ITERATING,
        Status.PROGRESS,
        Status.ITERATING,
        Status.PROGRESS,
        Status.ITERATING,
    ]


def test_iterating_comes_before_the_output_that_it_is_told_for() -> None:
    entries = narrate(Event(NEW, 1, AT), generating("a"))

    assert entries == [StatusUpdate(Status.ITERATING, time=AT), Values(["a"], final=False)]


def test_iterating_has_the_time_limit_of_the_call() -> None:
    event = Event(NEW, 1, AT)

    narrate(event, generating("a", time_limit=4.5))

    assert event.status == StatusUpdate(Status.ITERATING, time_limit=4.5, time=AT)


def test_progress_has_all_bars() -> None:
    event = Event(NEW, 1, AT)
    units = [ProgressUnit(index=1, length=3, unit="steps"), ProgressUnit(progress=0.5)]

    entries = narrate(event, wire.Progress("e1", units))

    assert entries == [StatusUpdate(Status.PROGRESS, progress_data=units, time=AT)]
    assert event.status is entries[0]


# Logs


def test_no_log_is_lost() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(
        event,
        wire.Log("e1", "one", "info", "Info", 10),
        wire.Log("e1", "one", "info", "Info", 10),
        wire.Log("e1", "two", "warning", None, None),
    )

    one = StatusUpdate(Status.LOG, log=("one", "info"), log_title="Info", log_duration=10, time=AT)
    assert entries == [one, one, StatusUpdate(Status.LOG, log=("two", "warning"), time=AT)]


def test_a_log_changes_nothing_of_where_a_call_stands_but_is_carried_along() -> None:
    event = Event(NEW, 1, AT)
    narrate(event, wire.Estimation("e1", 1, 2, 3.5))

    event.receive(wire.Log("e1", "one", "info", "Info", 10), AT + timedelta(seconds=1))
    event.receive(wire.Log("e1", "two", "warning", None, None), AT + timedelta(seconds=2))

    assert event.status == StatusUpdate(
        Status.IN_QUEUE, rank=1, queue_size=2, eta=3.5, time=AT, log=("two", "warning")
    )


def test_a_log_between_outputs_does_not_make_iterating_news() -> None:
    entries = narrate(
        Event(NEW, 1, AT), generating("a"), wire.Log("e1", "b", "info", None, None), generating([])
    )

    assert codes(entries) == [Status.ITERATING, Status.LOG]


# What does not belong to the life of a call


@pytest.mark.parametrize(
    "message", [wire.Heartbeat(), wire.CloseStream(), wire.Unknown("e1", "process_streaming")]
)
def test_some_messages_change_nothing(message: wire.Message) -> None:
    event = Event(NEW, 1, AT)
    narrate(event, STARTED)
    before = event.status

    assert narrate(event, message) == []
    assert event.status is before
    assert not event.ended


# Failures

FAILURE = StatusUpdate(Status.FINISHED, success=False, time=AT)


def test_the_text_of_an_error_is_the_message_of_the_exception() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(event, STARTED, wire.Failed("e1", "too long", "Oh", 5))

    assert entries[-1] == FAILURE == event.status
    assert event.ended
    assert isinstance(event.error, AppError)
    assert event.error.message == str(event.error) == "too long"
    assert event.error.title == "Oh"
    assert event.error.duration == 5


def test_outputs_before_a_failure_stay() -> None:
    entries = narrate(
        Event(NEW, 1, AT), generating("a"), generating([["append", [], "b"]]), failed("no")
    )

    assert values(entries) == [["a"], ["ab"]]
    assert entries[-1] == FAILURE


@pytest.mark.parametrize("dialect", [OLD, NEW])
def test_an_error_that_the_app_hides_is_told_as_such(dialect: Any) -> None:
    event = Event(dialect, 1, AT)

    narrate(event, failed(None))

    assert isinstance(event.error, AppError)
    assert "show_error=True" in event.error.message


def error_text(text: str, version: str) -> str:
    event = Event(dialect_of("sse_v3", version), 1, AT)
    narrate(event, failed(text))
    assert isinstance(event.error, AppError)
    return event.error.message


QUOTED = [
    "too long",
    "",
    "it's",
    'say "a"',
    'it\'s "a"',
    "a\nb\\n\t\0",
    "caf\u00e9 \u2028",
    "\ud83d",
]


@pytest.mark.parametrize("text", QUOTED)
@pytest.mark.parametrize("version", ["4.22.0", "4.44.1", "5.1.9"])
def test_the_quotes_of_servers_before_5_2_are_taken_off(text: str, version: str) -> None:
    assert error_text(repr(text), version) == text


@pytest.mark.parametrize("text", QUOTED)
@pytest.mark.parametrize("version", ["5.2.0", "6.31.0"])
def test_quotes_from_servers_since_5_2_are_the_text_s_own(text: str, version: str) -> None:
    assert error_text(repr(text), version) == repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "too long",
        "",
        "'",
        '"',
        "'a",
        "a'",
        "'a\"",
        " 'a' ",
        "'a' is not 'b'",
        "'a' and 'b'",
        "'a', 'b'",
        "'a' 'b'",
        "'a' + 'b'",
        "'a' if 1 else 'b'",
        "'''a'''",
        "'''",
        "'a\nb'",
        "'\\'",
        "'\\x1'",
        "'\\N{no such letter}'",
        "'\\U00110000'",
        r"'C:\data'",
        "'\0'",
        "b'a'",
        "['a']",
    ],
)
def test_quotes_that_are_not_those_of_a_repr_stay(text: str) -> None:
    assert error_text(text, "4.44.1") == text


@pytest.mark.parametrize(
    "text",
    [
        "'" + "a'+'" * 100_000 + "'",
        "'a'+" + "-" * 100_000 + "'b'",
        "'a'+" + "(" * 100_000 + "'b'",
        "'a'" + "[0" * 5_000 + "]" * 5_000 + "+'b'",
        "'a'" + ".b" * 100_000 + "+'c'",
        "'" * 100_000,
        "'" + "\\" * 99_999 + "'",
    ],
    ids=["sum", "signs", "parentheses", "indices", "attributes", "quotes", "backslashes"],
)
def test_a_text_that_is_hard_to_parse_as_python_is_left_alone(text: str) -> None:
    assert error_text(text, "4.44.1") == text


def test_a_text_that_is_odd_python_warns_nobody() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert error_text(r"'C:\data'", "4.44.1") == r"'C:\data'"

    assert caught == []


def test_a_stream_that_fails_on_the_server_fails_the_call() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(event, wire.UnexpectedError("e1", "boom", session_not_found=False))

    assert entries == [FAILURE]
    assert isinstance(event.error, AppError)
    assert "boom" in str(event.error)


def test_a_stream_that_fails_without_a_reason_fails_the_call_all_the_same() -> None:
    event = Event(NEW, 1, AT)

    narrate(event, wire.UnexpectedError("e1", "", session_not_found=True))

    assert isinstance(event.error, AppError)
    assert "no reason" in str(event.error)


def test_a_malformed_message_fails_the_call() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(event, wire.Malformed("e1", "not JSON: ..."))

    assert entries == [FAILURE]
    assert isinstance(event.error, ProtocolError)
    assert "not JSON" in str(event.error)


def test_a_call_that_was_cancelled_on_the_server_by_the_app_fails() -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(event, generating("a"), wire.Completed("e1", None, None, None, None))

    assert values(entries) == [["a"]]
    assert entries[-1] == FAILURE
    assert isinstance(event.error, AppError)
    assert "cancelled" in str(event.error)


@pytest.mark.parametrize("data", [[], ["a", "b", "c"]])
@pytest.mark.parametrize("message", [generating, completed])
def test_a_wrong_number_of_outputs_is_a_protocol_error(data: list[Any], message: Any) -> None:
    event = Event(NEW, 2, AT)

    entries = narrate(event, message(*data))

    assert entries == [FAILURE]
    assert isinstance(event.error, ProtocolError)
    assert f"{len(data)} outputs" in str(event.error)


@pytest.mark.parametrize("scripts", [[], [[], [], []]])
def test_a_wrong_number_of_edits_is_a_protocol_error(scripts: list[Any]) -> None:
    event = Event(NEW, 2, AT)

    entries = narrate(event, generating("a", "b"), generating(*scripts))

    assert values(entries) == [["a", "b"]]
    assert entries[-1] == FAILURE
    assert isinstance(event.error, ProtocolError)


@pytest.mark.parametrize(
    "script",
    [
        None,
        "b",
        7,
        {},
        [None],
        [["append"]],
        [["append", [], 1]],
        [["append", ["a"], "b"]],
        [["grow", [], "b"]],
        [["append", [], "b"], ["delete", [], None]],
    ],
)
def test_edits_that_do_not_fit_are_a_protocol_error_when_they_arrive(script: object) -> None:
    event = Event(NEW, 1, AT)

    entries = narrate(event, generating("a"), generating([["append", [], "b"]]), generating(script))

    assert values(entries) == [["a"], ["ab"]]
    assert entries[-1] == FAILURE
    assert event.ended
    assert isinstance(event.error, ProtocolError)


def test_edits_are_checked_against_what_earlier_edits_made() -> None:
    event = Event(NEW, 1, AT)

    narrate(event, generating({}), generating([["add", ["a"], "x"]]))
    assert not event.ended

    narrate(event, generating([["append", ["a"], "y"], ["delete", ["a"], None]]))
    assert not event.ended

    narrate(event, generating([["append", ["a"], "z"]]))
    assert isinstance(event.error, ProtocolError)


# Ends that no message tells of


def test_a_call_may_end_for_another_reason() -> None:
    event = Event(NEW, 1, AT)
    error = ConnectionLost("gone")

    assert event.end(error, AT) == [FAILURE]
    assert event.ended
    assert repr(event.error) == repr(error)
    assert event.status == FAILURE


@pytest.mark.parametrize("code", [Status.CANCELLED, Status.QUEUE_FULL])
def test_a_call_may_end_with_another_code(code: Status) -> None:
    event = Event(NEW, 1, AT)

    assert event.end(RxGradioError("no"), AT, code) == [StatusUpdate(code, success=False, time=AT)]
    assert event.status.code is code


# Folding


def test_values_in_full_replace_those_before() -> None:
    data = [3, 4]

    assert fold([1, 2], Values(data, final=False)) is data


def test_edits_are_folded_output_by_output() -> None:
    edits = Edits([[["append", [], "b"]], [], [["replace", [], 1]]])

    assert fold(["a", "x", None], edits) == ["ab", "x", 1]


# Any messages

KEYS = st.sampled_from(["a", "b"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab'\"\\", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
EDIT = st.tuples(
    st.sampled_from(["append", "append", "replace", "add", "delete", "grow"]),
    st.lists(KEYS | st.integers(0, 2), max_size=2),
    JSON,
).map(list)
SCRIPT = st.lists(EDIT, max_size=2) | JSON
ID = st.just("e1")
NUMBER = st.none() | st.integers() | st.floats()
TEXT = st.none() | st.text(max_size=5) | st.text("'\"\\ab(", max_size=6)
MESSAGES = st.one_of(
    st.builds(wire.Estimation, ID, st.none() | st.integers(), st.none() | st.integers(), NUMBER),
    st.builds(wire.Started, ID, NUMBER),
    st.builds(wire.Progress, ID, st.just([ProgressUnit()])),
    st.builds(wire.Log, ID, st.text(max_size=3), st.just("info"), TEXT, NUMBER),
    st.builds(wire.Generating, ID, st.lists(SCRIPT, min_size=1, max_size=1), NUMBER),
    st.builds(wire.Generating, ID, st.lists(SCRIPT, max_size=2), NUMBER),
    st.builds(wire.Completed, ID, st.none() | st.lists(JSON, max_size=2), NUMBER, NUMBER, TEXT),
    st.builds(wire.Failed, ID, TEXT, TEXT, NUMBER),
    st.builds(wire.UnexpectedError, ID, st.text(max_size=3), st.booleans()),
    st.builds(wire.Unknown, ID, st.text(max_size=3)),
    st.builds(wire.Malformed, ID, st.text(max_size=3)),
    st.just(wire.Heartbeat()),
    st.just(wire.CloseStream()),
)
THOROUGH = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine draws deep values slowly


@THOROUGH
@given(st.sampled_from([OLD, NEW]), st.lists(MESSAGES, max_size=8))
def test_any_messages_make_a_log_that_can_be_folded_and_ends_once(
    dialect: Any, messages: list[wire.Message]
) -> None:
    event = Event(dialect, 1, AT)
    entries = list[Entry]()
    for message in messages:
        assert not event.ended
        entries += event.receive(message, AT)
        if event.ended:
            break

    outputs = values(entries)
    finals = [entry for entry in entries if isinstance(entry, Values) and entry.final]
    succeeded = event.ended and event.error is None
    assert all(len(output) == 1 for output in outputs)
    assert len(finals) == succeeded
    assert codes(entries).count(Status.FINISHED) == event.ended
    if event.ended:
        assert event.status is entries[-1]
        assert event.status.success is succeeded
        assert succeeded or isinstance(event.error, (AppError, ProtocolError))


@THOROUGH
@given(JSON, st.lists(st.lists(EDIT, max_size=3), max_size=5))
def test_any_outputs_that_are_accepted_stay_as_they_are(first: Any, scripts: list[Any]) -> None:
    event = Event(NEW, 1, AT)
    entries = narrate(event, generating(first))
    for script in scripts:
        if not event.ended:
            entries += narrate(event, generating(script))
    before = copy.deepcopy(entries)

    outputs = values(entries)
    snapshot = copy.deepcopy(outputs)

    assert values(entries) == outputs == snapshot
    assert entries == before


@THOROUGH
@given(st.text())
def test_any_text_is_told_as_it_was_raised(text: str) -> None:
    assert error_text(repr(text), "4.44.1") == text
    assert error_text(text, "6.31.0") == text


@THOROUGH
@given(st.text("'\"ax1+() ,\n", max_size=12))
def test_quotes_are_taken_off_only_where_they_enclose_one_literal(text: str) -> None:
    quoted = f"'{text}'"
    one_literal = "'" not in text and "\n" not in text

    assert error_text(quoted, "4.44.1") == (text if one_literal else quoted)


# What an error knows of its call


def test_a_loss_tells_for_how_long_nothing_was_heard() -> None:
    event = Event(NEW, 1, AT)
    event.receive(wire.Started(None, None), AT)
    event.end(ConnectionLost("gone"), AT + timedelta(seconds=30))

    assert isinstance(event.error, ConnectionLost)
    assert event.error.silence == 30


def test_a_loss_before_any_message_tells_that_there_was_none() -> None:
    event = Event(NEW, 1, AT)
    event.end(ConnectionLost("gone"), AT)

    assert isinstance(event.error, ConnectionLost)
    assert event.error.silence is None


def test_calls_that_end_with_one_loss_do_not_share_its_error() -> None:
    lost = ConnectionLost("gone")
    lost.__cause__ = OSError("reset")
    lost.add_note("State is gone")
    events = [Event(NEW, 1, AT) for _ in range(2)]
    for event in events:
        event.end(lost, AT)
    one, other = (event.error for event in events)

    assert one is not other
    assert repr(one) == repr(other) == repr(lost)
    assert one is not None
    assert one.__cause__ is lost.__cause__
    assert one.__notes__ == ["State is gone"]


@pytest.mark.parametrize(
    ("text", "retry_after"),
    [
        (
            (
                "You have exceeded your GPU quota (46s left vs. 60s requested). Sign-up on Hugging "
                "Face to get more quotas or retry in 0:09:48."
            ),
            588,
        ),
        (
            (
                "You have exceeded your free GPU quota (60s requested vs. 0s left). "
                "Try again in 23:59:01"
            ),
            86_341,
        ),
        ("You have exceeded your Pro GPU quota. Try again in 1 day, 0:00:10", 86_410),
        ("You have exceeded your GPU quota. Try again in 12:30", 750),
        ("You have exceeded your GPU quota (60s requested vs. 56s left).", None),
    ],
)
def test_gpu_time_that_is_used_up_is_an_error_of_its_own(
    text: str, retry_after: float | None
) -> None:
    event = Event(NEW, 1, AT)
    event.receive(wire.Failed(None, text, "ZeroGPU quota exceeded", 10), AT)

    assert type(event.error) is QuotaExceeded
    assert isinstance(event.error, AppError)
    assert event.error.message == str(event.error) == text
    assert event.error.retry_after == retry_after
    assert (event.error.title, event.error.duration) == ("ZeroGPU quota exceeded", 10)


@pytest.mark.parametrize("text", ["your quota is exceeded", "Try again in 0:01:00", "GPU quota"])
def test_other_errors_of_an_app_are_no_quota(text: str) -> None:
    event = Event(NEW, 1, AT)
    event.receive(wire.Failed(None, text, None, None), AT)

    assert type(event.error) is AppError


def test_a_first_output_of_edits_is_not_taken_for_the_output() -> None:
    """Before 6 a call may be told the difference to one that was cancelled."""
    event = Event(OLD, 1, AT)
    entries = narrate(
        event,
        generating([["replace", [], "tag 0"]]),
        generating([["append", [], " 1"]]),
        completed("tag 0 1"),
    )
    values = [entry for entry in entries if isinstance(entry, Values | Edits)]
    late = Values(["tag 0 1"], final=False, late=True)
    assert values == [late, Values(["tag 0 1"], final=True)]
    assert event.error is None
