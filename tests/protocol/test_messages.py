"""Messages of a Gradio queue, as three major versions send them, and as none should."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio.protocol.messages import (
    CloseStream,
    Completed,
    Estimation,
    Failed,
    Generating,
    Heartbeat,
    Log,
    Malformed,
    Message,
    Progress,
    QueueIsFull,
    SendData,
    SendHash,
    Started,
    Streaming,
    UnexpectedError,
    Unknown,
    parse,
    result_of,
)
from rxgradio.updates import ProgressUnit


def said(msg: str, **fields: object) -> Message:
    """Parse a message of event "e1"."""
    return parse(json.dumps({"msg": msg, "event_id": "e1", **fields}).encode())


def completed(output: object, **fields: object) -> Message:
    """Parse a completion that calls itself a success."""
    return said("process_completed", **{"output": output, "success": True, **fields})


# What servers send

ESTIMATION = b'{"msg":"estimation","event_id":"a1","rank":2,"queue_size":3,"rank_eta":0.25}'
STARTS = b'{"msg":"process_starts","event_id":"a1","eta":0.5}'
LOG_4 = (
    b'{"msg":"log","event_id":"a1","log":"careful","level":"warning",'
    b'"duration":10.0,"visible":true}'
)
LOG_6 = (
    b'{"msg":"log","event_id":"a1","log":"saved","level":"success",'
    b'"duration":2.5,"visible":true,"title":"Done"}'
)
PROGRESS = (
    b'{"msg":"progress","event_id":"a1","progress_data":['
    b'{"index":null,"length":null,"unit":"steps","progress":0.5,"desc":"half"},'
    b'{"index":1,"length":3,"unit":"files","progress":null,"desc":null}]}'
)
GENERATING_4 = (
    b'{"msg":"process_generating","event_id":"a1","output":{"data":["x",{"n":1}],'
    b'"is_generating":true,"duration":0.1,"average_duration":0.2,"render_config":null,'
    b'"changed_state_ids":[]},"success":true}'
)
GENERATING_6 = (
    b'{"msg":"process_generating","event_id":"a1","output":{"data":[[["append",[]," y"]],[]],'
    b'"is_generating":true,"duration":0.1,"average_duration":0.2,"render_config":null,'
    b'"changed_state_ids":[],"used_cache":null},"success":true,"time_limit":4.5}'
)
COMPLETED_4 = (
    b'{"msg":"process_completed","event_id":"a1","output":{"data":["x",null],'
    b'"is_generating":false,"duration":0.75,"average_duration":0.5,"render_config":null,'
    b'"changed_state_ids":[]},"success":true}'
)
COMPLETED_6 = (
    b'{"msg":"process_completed","event_id":"a1","output":{"data":["x"],"is_generating":false,'
    b'"duration":0.75,"average_duration":0.5,"render_config":null,"changed_state_ids":[],'
    b'"used_cache":null},"success":true,"title":null,"used_cache":"full",'
    b'"cache_duration":0.75,"avg_time":0.5}'
)
CANCELLED_4 = b'{"msg":"process_completed","event_id":"a1","output":{},"success":true}'
CANCELLED_6 = (
    b'{"msg":"process_completed","event_id":"a1","output":{},"success":true,"title":null,'
    b'"used_cache":null,"cache_duration":null,"avg_time":null}'
)
FAILED_4 = (
    b'{"msg":"process_completed","event_id":"a1","output":{"error":"\'too long\'",'
    b'"duration":10,"visible":true},"success":false}'
)
FAILED_6 = (
    b'{"msg":"process_completed","event_id":"a1","output":{"error":"too long","duration":5,'
    b'"visible":true,"title":"Oh"},"success":false,"title":"Error","used_cache":null,'
    b'"cache_duration":null,"avg_time":null}'
)
CRASHED_4 = b'{"msg":"process_completed","event_id":"a1","output":{"error":null},"success":false}'
CRASHED_6 = (
    b'{"msg":"process_completed","event_id":"a1","output":{"error":null},"success":false,'
    b'"title":"Error","used_cache":null,"cache_duration":null,"avg_time":null}'
)
LOST_4 = (
    b'{"msg":"unexpected_error","event_id":null,"message":"404: Session not found.",'
    b'"success":false}'
)
LOST_6 = (
    b'{"msg":"unexpected_error","event_id":null,"message":"404: Not Found",'
    b'"session_not_found":true,"success":false}'
)
STUMBLED = b'{"msg":"unexpected_error","event_id":null,"message":"\'a1\'","success":false}'
STOPPED = (
    b'{"msg":"unexpected_error","event_id":null,"message":"Server stopped unexpectedly.",'
    b'"session_not_found":false,"success":false}'
)


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (ESTIMATION, Estimation("a1", 2, 3, 0.25)),
        (ESTIMATION.replace(b"0.25", b"null"), Estimation("a1", 2, 3, None)),
        (STARTS, Started("a1", 0.5)),
        (STARTS.replace(b"0.5", b"null"), Started("a1", None)),
        (LOG_4, Log("a1", "careful", "warning", None, 10.0)),
        (LOG_6, Log("a1", "saved", "success", "Done", 2.5)),
        (
            PROGRESS,
            Progress(
                "a1",
                [
                    ProgressUnit(unit="steps", progress=0.5, desc="half"),
                    ProgressUnit(index=1, length=3, unit="files"),
                ],
            ),
        ),
        (GENERATING_4, Generating("a1", ["x", {"n": 1}], None)),
        (GENERATING_6, Generating("a1", [[["append", [], " y"]], []], 4.5)),
        (COMPLETED_4, Completed("a1", ["x", None], 0.75, 0.5, None)),
        (COMPLETED_6, Completed("a1", ["x"], 0.75, 0.5, "full")),
        (CANCELLED_4, Completed("a1", None, None, None, None)),
        (CANCELLED_6, Completed("a1", None, None, None, None)),
        (FAILED_4, Failed("a1", "'too long'", None, 10)),
        (FAILED_6, Failed("a1", "too long", "Oh", 5)),
        (CRASHED_4, Failed("a1", None, None, None)),
        (CRASHED_6, Failed("a1", None, "Error", None)),
        (b'{"msg":"heartbeat"}', Heartbeat()),
        (b'{"msg":"heartbeat","event_id":null}', Heartbeat()),
        (b'{"msg":"close_stream","event_id":null}', CloseStream()),
        (LOST_4, UnexpectedError(None, "404: Session not found.", session_not_found=True)),
        (LOST_6, UnexpectedError(None, "404: Not Found", session_not_found=True)),
        (STUMBLED, UnexpectedError(None, "'a1'", session_not_found=False)),
        (STOPPED, UnexpectedError(None, "Server stopped unexpectedly.", session_not_found=False)),
    ],
)
def test_what_servers_send_is_understood(wire: bytes, message: Message) -> None:
    assert parse(wire) == message


def test_what_the_older_queues_ask_and_say_is_understood() -> None:
    assert parse(b'{"msg":"send_hash"}') == SendHash(None)
    assert parse(b'{"msg":"send_data"}') == SendData(None)
    assert parse(b'{"msg":"send_data","event_id":"e1"}') == SendData("e1")
    assert parse(b'{"msg":"queue_full"}') == QueueIsFull(None)


def test_what_a_stream_makes_of_a_chunk_is_understood() -> None:
    output = {"data": [1, None], "is_generating": True}
    message = said("process_streaming", output=output, success=True, time_limit=4)
    assert message == Streaming("e1", [1, None], 4)
    failed = said("process_streaming", output={"error": "no"}, success=False)
    assert failed == Failed("e1", "no", None, None)


def test_the_result_of_a_direct_call_is_read_as_a_completion() -> None:
    output = {"data": [3], "is_generating": False, "duration": 0.5, "average_duration": 0.4}
    assert result_of(output) == Completed(None, [3], 0.5, 0.4, None)
    assert result_of({"error": None}) == Failed(None, None, None, None)
    assert isinstance(result_of({"data": 3}), Malformed)


def test_the_first_output_of_a_generator_is_not_taken_for_its_result() -> None:
    assert isinstance(result_of({"data": ["a"], "is_generating": True}), Malformed)


def test_the_flag_alone_tells_that_a_session_is_not_found() -> None:
    message = said("unexpected_error", message="gone", session_not_found=True)

    assert message == UnexpectedError("e1", "gone", session_not_found=True)


def test_unknown_keys_are_ignored() -> None:
    message = said(
        "process_completed",
        output={"data": [1], "mood": "fine", "is_generating": None},
        success=True,
        novelty={"deep": [1]},
    )

    assert message == Completed("e1", [1], None, None, None)


@pytest.mark.parametrize("name", ["process_stopping", "send_bytes", "", "Estimation", "log "])
def test_a_message_of_an_unknown_type_is_known_to_be_one(name: str) -> None:
    assert said(name, output={"data": [1]}) == Unknown("e1", name)


def test_the_order_of_keys_and_the_space_between_them_mean_nothing() -> None:
    wire = b' {\t"eta" : 1 ,\r\n "event_id":"e1", "msg" : "process_starts"} '

    assert parse(wire) == Started("e1", 1)


def test_of_a_key_that_is_there_twice_the_last_one_counts() -> None:
    assert parse(b'{"msg":"log","msg":"heartbeat"}') == Heartbeat()


# Fields of the wrong type

NO_NUMBER: list[object] = [None, "1", True, False, [], [1], {}, {"a": 1}]
NO_TEXT: list[object] = [None, 1, 1.5, True, [], ["a"], {}]
NO_LIST: list[object] = ["ab", 1, True, {}, {"0": 1}]
NO_OBJECT: list[object] = [None, "ab", 1, True, [], [{}]]


@pytest.mark.parametrize("odd", NO_NUMBER)
def test_what_should_be_a_number_and_is_not_is_left_out(odd: object) -> None:
    assert said("estimation", rank=odd, queue_size=odd, rank_eta=odd) == Estimation(
        "e1", None, None, None
    )
    assert said("process_starts", eta=odd) == Started("e1", None)
    assert said("log", log="a", duration=odd) == Log("e1", "a", "info", None, None)
    assert said("process_generating", output={"data": []}, time_limit=odd) == Generating(
        "e1", [], None
    )
    assert completed({"data": [], "duration": odd, "average_duration": odd}) == Completed(
        "e1", [], None, None, None
    )
    assert completed({"error": "a", "duration": odd}) == Failed("e1", "a", None, None)
    assert said("progress", progress_data=[{"index": odd, "length": odd, "progress": odd}]) == (
        Progress("e1", [ProgressUnit()])
    )


@pytest.mark.parametrize("odd", NO_TEXT)
def test_what_should_be_a_text_and_is_not_is_left_out(odd: object) -> None:
    assert said("log", log="a", level=odd, title=odd) == Log("e1", "a", "info", None, None)
    assert completed({"data": [], "used_cache": odd}, used_cache=odd) == Completed(
        "e1", [], None, None, None
    )
    assert completed({"error": "a", "title": odd}, title=odd) == Failed("e1", "a", None, None)
    assert said("progress", progress_data=[{"unit": odd, "desc": odd}]) == (
        Progress("e1", [ProgressUnit()])
    )
    assert said("unexpected_error", message=odd) == (
        UnexpectedError("e1", "", session_not_found=False)
    )


@pytest.mark.parametrize("odd", [None, "true", 1, [True], {}])
def test_only_true_says_that_a_session_is_not_found(odd: object) -> None:
    message = said("unexpected_error", message="x", session_not_found=odd)

    assert message == UnexpectedError("e1", "x", session_not_found=False)


def test_every_field_may_be_missing_where_something_is_left_to_tell() -> None:
    assert said("estimation") == Estimation("e1", None, None, None)
    assert said("process_starts") == Started("e1", None)
    assert said("progress") == Progress("e1", [])
    assert said("log") == Log("e1", "", "info", None, None)
    assert said("unexpected_error") == UnexpectedError("e1", "", session_not_found=False)


def test_a_count_is_whole() -> None:
    assert said("estimation", rank=2.0, queue_size=3.9) == Estimation("e1", 2, 3, None)


@pytest.mark.parametrize("odd", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 70])
def test_a_count_that_cannot_be_one_is_left_out(odd: str) -> None:
    wire = f'{{"msg":"estimation","rank":{odd},"queue_size":4}}'.encode()

    assert parse(wire) == Estimation(None, None, 4, None)


@pytest.mark.parametrize("units", ["ab", 1, True, {"0": {}}])
def test_progress_that_is_no_list_is_malformed(units: object) -> None:
    message = said("progress", progress_data=units)

    assert isinstance(message, Malformed)
    assert message.event_id == "e1"


@pytest.mark.parametrize("unit", NO_OBJECT)
def test_a_progress_unit_that_is_no_object_is_malformed(unit: object) -> None:
    message = said("progress", progress_data=[{"index": 1}, unit])

    assert isinstance(message, Malformed)
    assert message.event_id == "e1"


@pytest.mark.parametrize("name", ["process_generating", "process_completed"])
@pytest.mark.parametrize("output", NO_OBJECT)
def test_an_output_that_is_no_object_is_malformed(name: str, output: object) -> None:
    message = said(name, output=output, success=True)

    assert isinstance(message, Malformed)
    assert message.event_id == "e1"
    assert name in message.reason


@pytest.mark.parametrize("name", ["process_generating", "process_completed"])
def test_an_output_that_is_missing_is_malformed(name: str) -> None:
    message = said(name, success=True)

    assert isinstance(message, Malformed)
    assert message.event_id == "e1"


@pytest.mark.parametrize("name", ["process_generating", "process_completed"])
@pytest.mark.parametrize("data", NO_LIST)
def test_data_that_are_no_list_are_malformed(name: str, data: object) -> None:
    message = said(name, output={"data": data}, success=True)

    assert isinstance(message, Malformed)
    assert message.event_id == "e1"


@pytest.mark.parametrize("output", [{}, {"data": None}])
def test_a_partial_output_without_data_is_malformed(output: object) -> None:
    assert isinstance(said("process_generating", output=output, success=True), Malformed)


def test_an_error_in_a_partial_output_is_a_failure() -> None:
    message = said("process_generating", output={"error": "broke"}, success=False)

    assert message == Failed("e1", "broke", None, None)


@pytest.mark.parametrize("success", [None, False, 0, ""])
def test_a_completion_that_is_no_success_failed(success: object) -> None:
    # Servers before 4.17 say null where they mean false.
    assert completed({"data": ["x"]}, success=success) == Failed("e1", None, None, None)


def test_a_completion_that_does_not_say_that_it_is_a_success_failed() -> None:
    wire = b'{"msg":"process_completed","event_id":"e1","output":{"data":["x"]}}'

    assert parse(wire) == Failed("e1", None, None, None)


def test_an_error_outweighs_a_success() -> None:
    assert completed({"error": "no", "data": ["x"]}) == Failed("e1", "no", None, None)


@pytest.mark.parametrize("error", [7, 1.5, True, [], ["a"], {"detail": "a"}])
def test_an_error_that_is_no_text_is_told_as_json(error: object) -> None:
    message = completed({"error": error})

    assert isinstance(message, Failed)
    assert message.text is not None
    assert json.loads(message.text) == error


def test_the_title_of_an_error_is_that_of_the_output_before_that_of_the_message() -> None:
    assert completed({"error": "a", "title": "In"}, title="Out") == Failed("e1", "a", "In", None)
    assert completed({"error": "a"}, title="Out") == Failed("e1", "a", "Out", None)


def test_the_cache_is_told_of_in_the_message_or_in_the_output() -> None:
    assert completed({"data": [], "used_cache": "partial"}) == Completed(
        "e1", [], None, None, "partial"
    )
    assert completed({"data": [], "used_cache": "partial"}, used_cache="full") == Completed(
        "e1", [], None, None, "full"
    )


@pytest.mark.parametrize("text", [7, ["a"], {"b": 1}])
def test_a_log_that_is_no_text_is_shown_as_one(text: object) -> None:
    assert said("log", log=text) == Log("e1", str(text), "info", None, None)


@pytest.mark.parametrize("odd", NO_TEXT)
def test_an_event_id_that_is_no_text_is_none(odd: object) -> None:
    wire = json.dumps({"msg": "process_starts", "event_id": odd}).encode()

    assert parse(wire) == Started(None, None)


@pytest.mark.parametrize("odd", NO_TEXT)
def test_a_message_whose_type_is_no_text_is_malformed(odd: object) -> None:
    wire = json.dumps({"msg": odd, "event_id": "e1"}).encode()

    assert parse(wire) == Malformed("e1", "a message without a type")


def test_a_message_without_a_type_is_malformed() -> None:
    assert parse(b'{"event_id":"e1"}') == Malformed("e1", "a message without a type")


@pytest.mark.parametrize("odd", [None, "ab", 1, 1.5, True, [], [{"msg": "heartbeat"}]])
def test_json_that_is_no_object_is_malformed(odd: object) -> None:
    message = parse(json.dumps(odd).encode())

    assert isinstance(message, Malformed)
    assert message.event_id is None


# No JSON


@pytest.mark.parametrize(
    "wire", [b"", b" ", b"ALIVE", b"{", b"{}x", b"{'msg': 1}", b"\x00", b"\xff\xfe", b"data: {}"]
)
def test_what_is_no_json_is_malformed(wire: bytes) -> None:
    message = parse(wire)

    assert isinstance(message, Malformed)
    assert message.event_id is None
    assert message.reason


@pytest.mark.parametrize(
    "wire",
    [
        ESTIMATION[:-1],
        ESTIMATION + b"}",
        GENERATING_4[:60],
        b'{"event_id":"a1"',
        b'{"event_id" : \t"a1", oops',
        b'{"msg":"log","event_id":"a1","log":"\x01\x02',
    ],
)
def test_what_is_no_json_is_still_known_by_its_event_id(wire: bytes) -> None:
    message = parse(wire)

    assert isinstance(message, Malformed)
    assert message.event_id == "a1"


@pytest.mark.parametrize(
    "wire",
    [
        b'{"event_id":null,',
        b'{"event_id":7,',
        b'{"event_id":"",',
        b'{"event_id":"a1',
        b'{"event_id":"a\\u0031",',
        b'{"event_id":"' + b"a" * 201 + b'",',
        rb'{"log":"{\"event_id\":\"a1\"}",',
    ],
)
def test_no_event_id_is_made_up_for_what_is_no_json(wire: bytes) -> None:
    message = parse(wire)

    assert isinstance(message, Malformed)
    assert message.event_id is None


def test_an_event_id_that_is_no_utf_8_is_replaced_in_what_is_no_json() -> None:
    assert parse(b'{"event_id":"a\xff",').event_id == "a\ufffd"


# JSON as only Python writes and reads it


def test_invalid_utf_8_is_replaced() -> None:
    wire = b'{"msg":"log","event_id":"e1","log":"caf\xe9 \xc3\xa9","level":"info"}'

    assert parse(wire) == Log("e1", "caf\ufffd \u00e9", "info", None, None)


def test_a_lone_surrogate_is_read() -> None:
    message = parse(rb'{"msg":"log","log":"\ud83d"}')

    assert message == Log(None, "\ud83d", "info", None, None)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_are_read(number: float) -> None:
    message = completed({"data": [number, "x"], "duration": number})

    assert isinstance(message, Completed)
    assert message.data is not None
    assert repr(message.data) == repr([number, "x"])
    assert repr(message.duration) == repr(number)


@pytest.mark.parametrize("beside", ["", "NaN"])
def test_an_integer_of_70_digits_is_read(beside: str) -> None:
    digits = "1234567" * 10
    data = ",".join(filter(None, [digits, beside]))
    wire = f'{{"msg":"process_completed","success":true,"output":{{"data":[{data}]}}}}'

    message = parse(wire.encode())

    assert isinstance(message, Completed)
    assert message.data is not None
    assert math.isclose(message.data[0], int(digits), rel_tol=1e-15)


@pytest.mark.parametrize("digits", [400, 5000])
def test_an_integer_too_long_for_a_float_harms_no_more_than_its_message(digits: int) -> None:
    wire = b'{"msg":"progress","event_id":"e1","progress_data":[{"index":' + b"9" * digits + b"}]}"

    assert parse(wire).event_id == "e1"


# Depth

PLACES = [
    b'{"msg":%s,"event_id":"e1"}',
    b'{"msg":"log","event_id":"e1","log":%s}',
    b'{"msg":"log","event_id":"e1","level":%s}',
    b'{"msg":"estimation","event_id":"e1","rank":%s}',
    b'{"msg":"process_starts","event_id":"e1","eta":%s}',
    b'{"msg":"progress","event_id":"e1","progress_data":%s}',
    b'{"msg":"progress","event_id":"e1","progress_data":[{"desc":%s}]}',
    b'{"msg":"process_generating","event_id":"e1","output":%s}',
    b'{"msg":"process_generating","event_id":"e1","output":{"data":%s}}',
    b'{"msg":"process_completed","event_id":"e1","success":true,"output":{"data":[%s]}}',
    b'{"msg":"process_completed","event_id":"e1","success":%s,"output":{}}',
    b'{"msg":"process_completed","event_id":"e1","success":false,"output":{"error":%s}}',
    b'{"msg":"unexpected_error","event_id":"e1","message":%s}',
    b'{"msg":"news","event_id":"e1","any":%s}',
    b'{"msg":"log","event_id":"e1","duration":NaN,"log":%s}',
]


@pytest.mark.parametrize("depth", [100, 990, 1015, 100_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("place", PLACES)
def test_depth_harms_no_more_than_its_message(place: bytes, opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    inner = b"" if opening == b"[" else b"1"
    message = parse(place.replace(b"%s", opening * depth + inner + closing * depth))

    assert isinstance(message, get_args(Message))
    assert message.event_id == "e1"


def test_a_message_that_is_nothing_but_depth_is_malformed() -> None:
    assert isinstance(parse(b"[" * 100_000), Malformed)
    assert isinstance(parse(b'{"a":' * 100_000), Malformed)


def test_a_value_as_deep_as_a_person_would_make_it_is_read() -> None:
    nested: Any = "x"
    for _ in range(200):
        nested = [nested]

    message = completed({"data": [nested]})

    assert message == Completed("e1", [nested], None, None, None)


# Anything

TYPES = st.sampled_from(
    [
        "estimation",
        "process_starts",
        "progress",
        "log",
        "process_generating",
        "process_completed",
        "heartbeat",
        "close_stream",
        "unexpected_error",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**70, -(10**400), "404", "", "\ud83d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(JSON, max_size=3) | JSON,
        "error": JSON,
        "duration": JSON,
        "average_duration": JSON,
        "title": JSON,
        "used_cache": JSON,
        "is_generating": JSON,
    },
)
UNIT = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["index", "length", "unit", "progress", "desc"], JSON)
)
FIELDS = [
    *("rank", "queue_size", "rank_eta", "eta", "log", "level", "title", "duration", "visible"),
    *("time_limit", "success", "used_cache", "message", "session_not_found", "event_id"),
]
MESSAGES = st.fixed_dictionaries(
    {"msg": TYPES | JSON},
    optional={
        "output": OUTPUT | JSON,
        "progress_data": st.lists(UNIT | JSON, max_size=3) | JSON,
        **dict.fromkeys(FIELDS, JSON),
    },
)
THOROUGH = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine draws deep values slowly


def assert_message(message: object) -> None:
    assert isinstance(message, get_args(Message))
    event_id = message.event_id
    assert event_id is None or isinstance(event_id, str)


@THOROUGH
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_message(data: bytes) -> None:
    assert_message(parse(data))


@THOROUGH
@given(st.sampled_from([ESTIMATION, LOG_6, PROGRESS, GENERATING_6, COMPLETED_6]), st.data())
def test_any_damage_to_a_message_leaves_a_message(wire: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(wire)))
    end = data.draw(st.integers(start, len(wire)))

    assert_message(parse(wire[:start] + data.draw(st.binary(max_size=8)) + wire[end:]))


@THOROUGH
@given(MESSAGES)
def test_any_values_in_the_known_fields_are_a_message(fields: dict[str, Any]) -> None:
    message = parse(json.dumps(fields).encode())

    assert_message(message)
    match message:
        case Estimation(_, rank, queue_size, _):
            assert {type(rank), type(queue_size)} <= {int, type(None)}
        case Log(_, text, level, title, _):
            assert isinstance(text, str)
            assert isinstance(level, str)
            assert title is None or isinstance(title, str)
        case Generating(_, values, _):
            assert isinstance(values, list)
        case Completed(_, values, _, _, _):
            assert values is None or isinstance(values, list)
        case Failed(_, text, _, _):
            assert text is None or isinstance(text, str)
        case Progress(_, units):
            assert all(isinstance(unit, ProgressUnit) for unit in units)


@THOROUGH
@given(JSON)
def test_any_json_is_a_message(value: Any) -> None:
    assert_message(parse(json.dumps(value).encode()))
