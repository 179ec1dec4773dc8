"""Server-sent events by the rules of the HTML standard, section 9.2.6, however they are cut."""

from __future__ import annotations

import re
import time
import tracemalloc
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import ProtocolError
from rxgradio.protocol.sse import SSEDecoder

BOM = b"\xef\xbb\xbf"


def decode(*pieces: bytes, limit: int = 2**30) -> list[bytes]:
    """Feed a new decoder."""
    decoder = SSEDecoder(limit=limit)
    return [data for piece in pieces for data in decoder.feed(piece)]


def cut(stream: bytes, size: int) -> list[bytes]:
    """Cut a stream into pieces of one size."""
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def by_the_book(stream: bytes) -> list[bytes]:
    """Interpret a whole stream as the standard words it, line by line."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(BOM))
    lines.pop()  # what no line end follows is no line
    events, buffer = list[bytes](), b""
    for line in lines:
        if not line:
            if buffer:
                events.append(buffer[:-1])
            buffer = b""
            continue
        if line[:1] == b":":
            continue
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            buffer += value + b"\n"
    return events


# Line ends


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_ends_lines_and_events(end: bytes) -> None:
    stream = end.join([b"data: one", b"", b"data: two", b"data: lines", b"", b""])

    assert decode(stream) == [b"one", b"two\nlines"]


def test_line_ends_may_be_mixed() -> None:
    stream = b"data: a\r\ndata: b\rdata: c\ndata: d\r\n\ndata: e\n\rdata: f\r\r\ndata: g\r\n\r"

    assert decode(stream) == [b"a\nb\nc\nd", b"e", b"f", b"g"]


def test_a_crlf_is_one_line_end_and_not_a_blank_line() -> None:
    assert decode(b"data: a\r\ndata: b\r\n\r\n") == [b"a\nb"]


def test_a_crlf_cut_in_two_is_still_one_line_end() -> None:
    assert decode(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_a_lf_after_a_crlf_that_was_cut_is_a_blank_line() -> None:
    assert decode(b"data: a\r", b"\n", b"\n") == [b"a"]


def test_an_event_ended_by_a_cr_does_not_wait_for_a_lf() -> None:
    assert SSEDecoder().feed(b"data: a\r\n\r") == [b"a"]


def test_nothing_fed_after_a_cr_does_not_forget_it() -> None:
    assert decode(b"data: a\r", b"", b"\ndata: b\r\n\r\n") == [b"a\nb"]


def test_only_cr_and_lf_end_lines() -> None:
    # Python's own splitlines() would break at each of these.
    text = b"a\x0bb\x0cc\x1cd\x1ee\x85f\xe2\x80\xa8g\xe2\x80\xa9h"

    assert decode(b"data: " + text + b"\n\n") == [text]


# The byte order mark


def test_a_byte_order_mark_at_the_start_is_left_out() -> None:
    assert decode(BOM + b"data: a\n\n") == [b"a"]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_byte_order_mark_may_be_cut(place: int) -> None:
    stream = BOM + b"data: a\n\n"

    assert decode(stream[:place], stream[place:]) == [b"a"]


def test_only_one_byte_order_mark_is_left_out() -> None:
    assert decode(BOM + BOM + b"data: a\n\n") == []


@pytest.mark.parametrize("before", [b"\n", b"\n\n", b"data: a\n\n", b": hello\n"])
def test_a_byte_order_mark_further_on_belongs_to_its_line(before: bytes) -> None:
    whole = decode(before + BOM + b"data: lost\n\ndata: z\n\n")

    assert whole[-1] == b"z"
    assert b"lost" not in whole


def test_a_byte_order_mark_at_the_start_of_a_later_piece_belongs_to_its_line() -> None:
    assert decode(b"data: a\n\n", BOM + b"data: lost\n\n", b"data: z\n\n") == [b"a", b"z"]


def test_a_byte_order_mark_inside_data_stays() -> None:
    assert decode(b"data: " + BOM + b"a\n\n") == [BOM + b"a"]


# Comments and fields


def test_comments_are_ignored() -> None:
    assert decode(b": hello\n\n:data: no\ndata: a\n:\n: data\ndata: b\n\n") == [b"a\nb"]


@pytest.mark.parametrize(
    "line", [b"event: log", b"id: 7", b"retry: 10", b"foo: bar", b"foo", b"Data: x", b"data2: x"]
)
def test_other_fields_are_ignored(line: bytes) -> None:
    assert decode(line + b"\ndata: a\n" + line + b"\n\n") == [b"a"]


@pytest.mark.parametrize("line", [b" data: x", b"data : x", b"\tdata: x", b"\0data: x"])
def test_a_field_name_is_taken_to_the_letter(line: bytes) -> None:
    assert decode(line + b"\n\n") == []


def test_an_event_without_data_is_none() -> None:
    assert decode(b"event: log\nid: 7\n\n: only this\n\n\n\n") == []


def test_a_field_without_a_colon_has_an_empty_value() -> None:
    assert decode(b"data\n\n") == [b""]


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (b"data: a", b"a"),
        (b"data:a", b"a"),
        (b"data:  a", b" a"),
        (b"data:\ta", b"\ta"),
        (b"data: a ", b"a "),
        (b"data::a", b":a"),
        (b"data: a: b", b"a: b"),
    ],
)
@pytest.mark.parametrize("after", [b"", b"\nid: 1"])
def test_one_space_after_the_colon_is_left_out(line: bytes, data: bytes, after: bytes) -> None:
    assert decode(line + after + b"\n\n") == [data]


@pytest.mark.parametrize("line", [b"data", b"data:", b"data: "])
def test_empty_data_is_an_event(line: bytes) -> None:
    assert decode(line + b"\n\n") == [b""]


def test_lines_of_data_are_joined_by_line_feeds() -> None:
    assert decode(b"data: a\nid: 1\ndata\ndata:\n: c\ndata:  b\n\n") == [b"a\n\n\n b"]


def test_the_last_of_the_lines_of_data_may_be_empty() -> None:
    assert decode(b"data: a\ndata\n\n") == [b"a\n"]


def test_several_blank_lines_make_no_more_events() -> None:
    assert decode(b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n") == [b"a", b"b"]


def test_a_nul_is_a_byte_like_any_other() -> None:
    assert decode(b"data: a\0b\nid: \0\n\n") == [b"a\0b"]


def test_bytes_that_are_no_utf_8_are_handed_on() -> None:
    assert decode(b"data: \xff\xfe\xc3\n\n") == [b"\xff\xfe\xc3"]


# Events


@pytest.mark.parametrize(
    "rest", [b"data: b", b"data: b\n", b"data: b\r", b"data: b\r\n", b"data", b":"]
)
def test_an_event_that_is_unfinished_at_the_end_is_discarded(rest: bytes) -> None:
    assert decode(b"data: a\n\n" + rest) == [b"a"]


def test_an_event_is_reported_with_the_piece_that_ends_it() -> None:
    decoder = SSEDecoder()

    assert decoder.feed(b"data: a") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\ndata: b\n\ndata: c") == [b"a", b"b"]
    assert decoder.feed(b"\n\n") == [b"c"]


def test_two_streams_do_not_mix() -> None:
    one, other = SSEDecoder(), SSEDecoder()
    one.feed(b"data: a")

    assert other.feed(b"\n\ndata: b\n\n") == [b"b"]
    assert one.feed(b"\n\n") == [b"a"]


def test_what_gradio_sends_is_decoded() -> None:
    stream = (
        b'data: {"msg":"estimation","event_id":"e1","rank":0}\n\n'
        b'data: {"msg":"heartbeat"}\n\n'
        b'data: {"msg":"close_stream","event_id":null}\n\n'
    )

    assert decode(stream) == [
        b'{"msg":"estimation","event_id":"e1","rank":0}',
        b'{"msg":"heartbeat"}',
        b'{"msg":"close_stream","event_id":null}',
    ]


# Size


def test_an_event_may_have_as_many_bytes_as_the_limit() -> None:
    decoder = SSEDecoder(limit=100)

    assert decoder.feed(b"data: " + b"x" * 94) == []
    assert decoder.feed(b"\n\n") == [b"x" * 94]


@pytest.mark.parametrize("size", [1, 7, 64, 101, 1000], ids="in pieces of {}".format)
@pytest.mark.parametrize("line", [b"data: ", b":", b"id: "], ids=["data", "comment", "other field"])
def test_an_event_over_the_limit_is_a_protocol_error(line: bytes, size: int) -> None:
    stream = line + b"x" * 101 + b"\n\n"

    with pytest.raises(ProtocolError, match="more than 100 bytes"):
        decode(*cut(stream, size), limit=100)


def test_an_event_that_never_ends_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        decode(*[b"data: and so on\n"] * 1000, limit=10_000)


@pytest.mark.parametrize("size", [1, 5, 64, 10_000], ids="in pieces of {}".format)
def test_the_limit_is_of_each_event_and_not_of_the_stream(size: int) -> None:
    stream = b"".join(b"data: %d\n\n" % number for number in range(500))

    assert decode(*cut(stream, size), limit=20) == [b"%d" % number for number in range(500)]


def test_an_event_of_20_mb_arrives_in_pieces_of_64_kib() -> None:
    text = b"0123456789abcde\xc3\xa9" * (20 * 2**20 // 17)

    assert decode(*cut(b"data: " + text + b"\n\n", 2**16)) == [text]


@pytest.mark.parametrize("size", [1, 2**16])
def test_an_event_takes_little_more_memory_than_its_size(size: int) -> None:
    # A list of pieces would, if they are small.
    piece, decoder = b"x" * size, SSEDecoder()
    total = 2**18 if size == 1 else 2**23
    tracemalloc.start()
    try:
        decoder.feed(b"data: ")
        for _ in range(total // size):
            decoder.feed(piece)
        [event] = decoder.feed(b"\n\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2.5 * total
    assert event == b"x" * total


def test_an_event_of_a_million_lines_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="1000000 lines"):
        decode(b"data\n" * 1_000_001 + b"\n")


# Any stream, any cut

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
TEXTS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"", b" ", b"  a", b"a:b", BOM, BOM + b"data: x", b'{"msg":"log"}', b"\0", b"data: x"]
    ),
)
FIELDS = st.builds(
    lambda name, colon, text: name + colon + text,
    st.sampled_from([b"data", b"data", b"data", b"event", b"id", b"", b"datum", b" data", BOM]),
    st.sampled_from([b":", b": ", b""]),
    TEXTS,
)
LINES = st.builds(lambda line, end: line + end, st.one_of(st.just(b""), FIELDS, TEXTS), LINE_ENDS)
STREAMS = st.one_of(
    st.builds(
        lambda start, lines, rest: b"".join([start, *lines, rest]),
        st.sampled_from([b"", b"", BOM, BOM[:2], BOM + BOM]),
        st.lists(LINES, max_size=20),
        st.one_of(st.just(b""), TEXTS),
    ),
    st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"data:", b"data: a", b" ", b":", b"\xef", b"\xbb", b"\xbf"]
        ),
        max_size=30,
    ).map(b"".join),
    st.binary(max_size=60),
)


@st.composite
def cuts(draw: st.DrawFn) -> list[bytes]:
    """Draw a stream in pieces, some of them empty."""
    stream = draw(STREAMS)
    places = draw(st.lists(st.integers(0, len(stream)), max_size=12))
    return [stream[start:end] for start, end in pairwise([0, *sorted(places), len(stream)])]


@settings(deadline=None, max_examples=300)
@given(cuts())
@example([b"data: a\r", b"", b"\n", b"\n"])
@example([b"\xef", b"\xbb", b"\xbfdata: a\n", b"\n"])
@example([b"data: a\n\n", b"\n", b"data: b\n", b"\n"])
@example([b"data: a\n\n", BOM + b"data: b\n\n"])
def test_any_cut_of_any_stream_gives_the_events_of_the_standard(pieces: list[bytes]) -> None:
    assert decode(*pieces) == by_the_book(b"".join(pieces))


@settings(deadline=None, max_examples=150)
@given(STREAMS)
def test_any_stream_fed_byte_by_byte_gives_the_events_of_the_whole(stream: bytes) -> None:
    assert decode(*(bytes([byte]) for byte in stream)) == decode(stream)


@settings(deadline=None, max_examples=150)
@given(cuts(), st.integers(0, 30))
def test_a_limit_never_changes_what_the_events_are(pieces: list[bytes], limit: int) -> None:
    decoder, events = SSEDecoder(limit=limit), list[bytes]()
    with suppress(ProtocolError):
        for piece in pieces:
            events += decoder.feed(piece)

    assert events == by_the_book(b"".join(pieces))[: len(events)]


def test_what_a_large_event_costs_grows_with_its_size_and_not_with_its_square() -> None:
    """Were all of it copied for each piece, this would take minutes."""
    decoder = SSEDecoder(limit=64 * 1024 * 1024)
    piece = b"x" * 1024
    began = time.monotonic()
    decoder.feed(b"data: ")
    for _ in range(48 * 1024):
        assert decoder.feed(piece) == []
    (event,) = decoder.feed(b"\n\n")
    assert len(event) == 48 * 1024 * 1024
    assert time.monotonic() - began < 20  # a hundred times what it takes
