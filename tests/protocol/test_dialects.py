"""What holds for each generation of servers, and where one generation ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import ProtocolError
from rxgradio.protocol.dialects import Dialect, dialect_of

WEBSOCKET = Dialect(
    queue="websocket",
    cancel="close",
    cancel_removes_queued=True,
    sends_diffs=False,
    mixes_edits=False,
    announces_close=False,
    resumes=False,
    quotes_errors=True,
    files="name",
    marks_files=False,
)
CONNECTION = replace(WEBSOCKET, queue="connection", files="path")
FULL_VALUES = replace(CONNECTION, queue="session", cancel="reset", cancel_removes_queued=False)
DIFFS = replace(FULL_VALUES, sends_diffs=True, mixes_edits=True)
DIFFS_RESUMED = replace(DIFFS, resumes=True)
DIFFS_MARKED = replace(DIFFS_RESUMED, marks_files=True)
CLOSES_RESUMED = replace(DIFFS_MARKED, announces_close=True)
BEFORE_CANCEL = replace(CLOSES_RESUMED, resumes=False)
BEFORE_5_2 = replace(BEFORE_CANCEL, cancel="cancel")
BEFORE_6_14 = replace(BEFORE_5_2, quotes_errors=False)
BEFORE_6_31 = replace(BEFORE_6_14, cancel_removes_queued=True)
TODAY = replace(BEFORE_6_31, mixes_edits=False)


@pytest.mark.parametrize(
    ("protocol", "version", "dialect"),
    [
        (None, "3.1.5", WEBSOCKET),
        (None, "3.36.1\n", WEBSOCKET),
        (None, "3.50.2", WEBSOCKET),
        ("ws", "3.50.2", WEBSOCKET),
        ("sse", "4.0.0", CONNECTION),
        ("sse", "4.8.0", CONNECTION),
        ("sse_v1", "4.9.0", FULL_VALUES),
        ("sse_v1", "4.16.0", FULL_VALUES),
        ("sse_v2", "4.17.0", DIFFS),
        ("sse_v2", "4.19.1", DIFFS),
        ("sse_v2", "4.19.2", DIFFS_RESUMED),
        ("sse_v2", "4.20.1", DIFFS_RESUMED),
        ("sse_v2.1", "4.21.0", DIFFS_MARKED),
        ("sse_v3", "4.22.0", CLOSES_RESUMED),
        ("sse_v3", "4.23.0", CLOSES_RESUMED),
        ("sse_v3", "4.23.1", BEFORE_CANCEL),
        ("sse_v3", "4.24", BEFORE_CANCEL),
        ("sse_v3", "4.30.99", BEFORE_CANCEL),
        ("sse_v3", "4.31", BEFORE_5_2),
        ("sse_v3", "4.31.0", BEFORE_5_2),
        ("sse_v3", "4.44.1", BEFORE_5_2),
        ("sse_v3", "5.0.0", BEFORE_5_2),
        ("sse_v3", "5.1.9", BEFORE_5_2),
        ("sse_v3", "5.2", BEFORE_6_14),
        ("sse_v3", "5.2.0", BEFORE_6_14),
        ("sse_v3", "5.10.0", BEFORE_6_14),
        ("sse_v3", "5.50.0", BEFORE_6_14),
        ("sse_v3", "6.0.0", BEFORE_6_14),
        ("sse_v3", "6.2.0", BEFORE_6_14),
        ("sse_v3", "6.13.9", BEFORE_6_14),
        ("sse_v3", "6.14", BEFORE_6_31),
        ("sse_v3", "6.14.0", BEFORE_6_31),
        ("sse_v3", "6.31.0", TODAY),
        ("sse_v3", "7.0.0", TODAY),
        ("sse_v3", "10.0.0", TODAY),
    ],
)
def test_each_version_speaks_the_dialect_of_its_generation(
    protocol: str | None, version: str, dialect: Dialect
) -> None:
    assert dialect_of(protocol, version) == dialect


@pytest.mark.parametrize(
    ("version", "same"),
    [
        ("6.31.0\n", "6.31.0"),
        ("  6.31.0", "6.31.0"),
        ("5.0.0-beta.1", "5.0.0"),
        ("5.2.0b3", "5.2.0"),
        ("6.14.0.dev1+g1234", "6.14.0"),
        ("5", "5.0.0"),
        ("5.", "5.0.0"),
        ("5.x", "5.0.0"),
        ("4.31rc1", "4.31.0"),
        ("6.14.0.1.2", "6.14.0"),
    ],
)
def test_a_version_may_be_written_in_many_ways(version: str, same: str) -> None:
    assert dialect_of("sse_v3", version) == dialect_of("sse_v3", same)


@pytest.mark.parametrize(
    "version", ["", " ", "\n", "new", "v6.31.0", "-1", ".5", "None", "{}", "six", "\0" + "6"]
)
def test_a_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(ProtocolError, match="which version"):
        dialect_of("sse_v3", version)


def test_an_error_does_not_quote_the_whole_of_a_version() -> None:
    with pytest.raises(ProtocolError) as caught:
        dialect_of("sse_v3", "x" * 100_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("version", ["9" * 100_000, "6." + "9" * 100_000])
def test_a_version_of_any_length_is_read(version: str) -> None:
    assert dialect_of("sse_v3", version) == TODAY


@pytest.mark.parametrize(
    ("protocol", "version"), [("sse_v4", "9.0.0"), ("", "6.31.0"), ("SSE_V3", "6.31.0")]
)
def test_other_protocols_are_refused_by_their_name(protocol: str, version: str) -> None:
    with pytest.raises(ProtocolError, match="sse_v3") as caught:
        dialect_of(protocol, version)
    assert repr(protocol) in str(caught.value)
    assert version in str(caught.value)


def test_only_gradio_3_may_name_no_protocol() -> None:
    with pytest.raises(ProtocolError, match="names no protocol"):
        dialect_of(None, "4.0.0")


@pytest.mark.parametrize(
    ("protocol", "version"), [("x" * 100_000, "6"), (None, "4" + " " * 100_000)]
)
def test_an_error_does_not_quote_the_whole_of_what_is_spoken(
    protocol: str | None, version: str
) -> None:
    with pytest.raises(ProtocolError) as caught:
        dialect_of(protocol, version)
    assert len(str(caught.value)) < 500


RELEASES = st.tuples(st.integers(4, 9), st.integers(0, 60), st.integers(0, 9))


@settings(deadline=None, max_examples=150)
@given(st.lists(RELEASES, min_size=2, max_size=4))
def test_what_a_generation_has_learnt_the_next_has_not_forgotten(
    releases: list[tuple[int, int, int]],
) -> None:
    dialects = [dialect_of("sse_v3", ".".join(map(str, release))) for release in sorted(releases)]

    for older, newer in pairwise(dialects):
        assert older.quotes_errors >= newer.quotes_errors
        assert (older.cancel == "cancel") <= (newer.cancel == "cancel")
        assert older.cancel_removes_queued <= newer.cancel_removes_queued


PROTOCOLS = [None, "ws", "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3"]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PROTOCOLS) | st.text(), st.text() | st.text("0123456789. \n"))
def test_any_version_has_a_dialect_or_is_refused(protocol: str | None, version: str) -> None:
    try:
        dialect = dialect_of(protocol, version)
    except ProtocolError:
        return
    assert protocol in PROTOCOLS
    assert version.strip()[0].isdigit()
    assert (dialect.cancel == "close") == (dialect.queue != "session")
