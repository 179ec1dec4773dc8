"""What holds for each generation of servers, and where one generation ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import ProtocolError
from rxgradio.protocol.dialects import Dialect, dialect_of

BEFORE_CANCEL = Dialect(
    sends_diffs=True,
    announces_close=True,
    quotes_errors=True,
    cancel_route="/reset",
    cancel_reaches="event",
    cancel_completes=False,
    cancel_removes_queued=False,
)
BEFORE_5_2 = Dialect(
    sends_diffs=True,
    announces_close=True,
    quotes_errors=True,
    cancel_route="/cancel",
    cancel_reaches="endpoint",
    cancel_completes=True,
    cancel_removes_queued=False,
)
BEFORE_6_14 = Dialect(
    sends_diffs=True,
    announces_close=True,
    quotes_errors=False,
    cancel_route="/cancel",
    cancel_reaches="endpoint",
    cancel_completes=True,
    cancel_removes_queued=False,
)
TODAY = Dialect(
    sends_diffs=True,
    announces_close=True,
    quotes_errors=False,
    cancel_route="/cancel",
    cancel_reaches="endpoint",
    cancel_completes=True,
    cancel_removes_queued=True,
)


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("4.22", BEFORE_CANCEL),
        ("4.22.0", BEFORE_CANCEL),
        ("4.30.99", BEFORE_CANCEL),
        ("4.31", BEFORE_5_2),
        ("4.31.0", BEFORE_5_2),
        ("4.44.1", BEFORE_5_2),
        ("5.0.0", BEFORE_5_2),
        ("5.1.9", BEFORE_5_2),
        ("5.2", BEFORE_6_14),
        ("5.2.0", BEFORE_6_14),
        ("5.10.0", BEFORE_6_14),
        ("5.50.0", BEFORE_6_14),
        ("6.0.0", BEFORE_6_14),
        ("6.2.0", BEFORE_6_14),
        ("6.13.9", BEFORE_6_14),
        ("6.14", TODAY),
        ("6.14.0", TODAY),
        ("6.31.0", TODAY),
        ("7.0.0", TODAY),
        ("10.0.0", TODAY),
    ],
)
def test_each_version_speaks_the_dialect_of_its_generation(version: str, dialect: Dialect) -> None:
    assert dialect_of("sse_v3", version) == dialect


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


@pytest.mark.parametrize("version", ["3.36.1\n", "3.50.2"])
def test_gradio_3_is_told_to_speak_a_websocket_queue(version: str) -> None:
    with pytest.raises(ProtocolError, match="websocket") as caught:
        dialect_of(None, version)
    assert version.strip() in str(caught.value)
    assert "4.22 and later" in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "version"),
    [
        ("sse", "4.8.0"),
        ("sse_v1", "4.16.0"),
        ("sse_v2", "4.20.1"),
        ("sse_v2.1", "4.21.0"),
        ("sse_v4", "9.0.0"),
        ("", "6.31.0"),
        ("SSE_V3", "6.31.0"),
    ],
)
def test_other_protocols_are_refused_by_their_name(protocol: str, version: str) -> None:
    with pytest.raises(ProtocolError, match="sse_v3") as caught:
        dialect_of(protocol, version)
    assert repr(protocol) in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "version"), [("x" * 100_000, "6"), (None, "3" + " " * 100_000)]
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
        assert older.cancel_completes <= newer.cancel_completes
        assert older.cancel_removes_queued <= newer.cancel_removes_queued


@settings(deadline=None, max_examples=150)
@given(st.none() | st.text() | st.just("sse_v3"), st.text() | st.text("0123456789. \n"))
def test_any_version_has_a_dialect_or_is_refused(protocol: str | None, version: str) -> None:
    try:
        dialect = dialect_of(protocol, version)
    except ProtocolError:
        return
    assert protocol == "sse_v3"
    assert version.strip()[0].isdigit()
    assert dialect in {BEFORE_CANCEL, BEFORE_5_2, BEFORE_6_14, TODAY}
