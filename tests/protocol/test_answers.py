"""Answers to HTTP requests, of Gradio servers, of proxies before them, and of neither."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import (
    AppError,
    AuthenticationError,
    ProtocolError,
    QueueError,
    QueueFull,
    RxGradioError,
    TooManyRequestsError,
    ValidationError,
)
from rxgradio.protocol.answers import (
    Answer,
    check_login,
    event_id_of,
    json_of,
    message_of,
    stream_refusal,
)
from rxgradio.protocol.messages import Completed, Failed

PAGE = (
    b"<!DOCTYPE html>\n<html>\n  <head><title>Bad gateway</title></head>\n"
    + b"  <p>nothing here</p>\n" * 1000
    + b"</html>"
)
REDIRECTS = [301, 302, 303, 307, 308]
FAILURES = [304, 404, 405, 409, 413, 418, 500, 502, 504, 599]


def answer(status: int, body: object = b"", **headers: str) -> Answer:
    """Make an answer; a body that is not bytes becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): each for name, each in headers.items()}, data)


def refusal(reply: Answer) -> RxGradioError:
    """Return the error of an answer to a join."""
    with pytest.raises(RxGradioError) as caught:
        event_id_of(reply)
    return caught.value


# Documents


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("value", [{"a": [1, None]}, [], "x", 1.5, None, True])
def test_a_successful_answer_is_its_json(status: int, value: object) -> None:
    assert json_of(answer(status, value), "the config") == value


@pytest.mark.parametrize(
    "body",
    [b"", b" \n", b"{", b"{} {}", b"NaN", b"\xff", PAGE, b"[" * 100_000],
    ids=["nothing", "space", "cut", "two", "NaN", "no UTF-8", "HTML", "depth"],
)
def test_a_successful_answer_that_is_no_json_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^the config of x is not JSON") as caught:
        json_of(answer(200, body), "the config of x")
    assert caught.value.status == 200


def test_an_answer_without_a_text_is_told_as_such() -> None:
    with pytest.raises(ProtocolError, match="no text"):
        json_of(answer(204), "the config")


@pytest.mark.parametrize("status", FAILURES)
def test_a_failed_answer_is_a_protocol_error_with_its_status(status: int) -> None:
    with pytest.raises(ProtocolError, match=f"HTTP {status} for the config: .*Not Found") as caught:
        json_of(answer(status, {"detail": "Not Found"}), "the config")
    assert caught.value.status == status


# Refusals that mean the same wherever they come


def refusals(reply: Answer) -> list[RxGradioError]:
    """Return the errors of an answer to a document, to a join and to a stream."""
    with pytest.raises(RxGradioError) as document:
        json_of(reply, "the config")
    stream = stream_refusal(reply)
    assert stream is not None
    return [document.value, refusal(reply), stream]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Not authenticated"},
        {"detail": {"error": "Not authenticated", "auth_message": None}},
        PAGE,
        b"",
    ],
    ids=["4.44", "5.50", "HTML", "nothing"],
)
def test_a_login_that_is_missing_is_an_authentication_error(status: int, body: object) -> None:
    for error in refusals(answer(status, body)):
        assert type(error) is AuthenticationError
        assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", 0.0), ("1.5", 1.5), (" 7 ", 7.0), ("-5", 0.0)],
)
def test_too_many_requests_tells_how_long_to_wait(header: str, seconds: float) -> None:
    for error in refusals(answer(429, PAGE, retry_after=header)):
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after == seconds


@pytest.mark.parametrize(
    "header", ["Wed, 21 Oct 2026 07:28:00 GMT", "", "soon", "1 minute", "0x10"]
)
def test_too_many_requests_with_no_number_of_seconds_tells_nothing(header: str) -> None:
    for error in refusals(answer(429, b"", retry_after=header)):
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after is None


def test_too_many_requests_without_a_header_tells_nothing() -> None:
    for error in refusals(answer(429)):
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after is None


@pytest.mark.parametrize("header", ["inf", "infinity", "1e999", "nan", "-inf"])
def test_too_many_requests_never_asks_to_wait_for_ever(header: str) -> None:
    for error in refusals(answer(429, b"", retry_after=header)):
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after is None or math.isfinite(error.retry_after)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_is_a_protocol_error_that_does_not_follow(status: int) -> None:
    for error in refusals(answer(status, b"", location="https://evil.example/")):
        assert isinstance(error, ProtocolError)
        assert error.status == status
        assert "redirect" in str(error)
        assert "evil" not in str(error)


@pytest.mark.parametrize("status", FAILURES)
def test_other_failures_are_protocol_errors(status: int) -> None:
    for error in refusals(answer(status, b"Internal Server Error")):
        assert isinstance(error, ProtocolError)
        assert error.status == status
        assert "Internal Server Error" in str(error)


@pytest.mark.parametrize("status", FAILURES)
def test_a_page_is_quoted_in_one_short_line(status: int) -> None:
    for error in refusals(answer(status, PAGE)):
        assert "Bad gateway" in str(error)
        assert len(str(error)) < 400
        assert "\n" not in str(error)


def test_bytes_that_are_no_text_are_quoted_all_the_same() -> None:
    for error in refusals(answer(500, b"\xff\xfe\x00caf\xe9" * 1000)):
        assert "caf" in str(error)
        assert len(str(error)) < 400


# Joins


def test_a_join_is_answered_with_an_event_id() -> None:
    assert event_id_of(answer(200, {"event_id": "540157f6", "more": 1})) == "540157f6"


@pytest.mark.parametrize(
    "body",
    [{}, {"event_id": None}, {"event_id": ""}, {"event_id": 7}, {"event_id": ["a"]}, [], "a", None],
)
def test_a_join_that_is_answered_without_an_event_id_is_a_protocol_error(body: object) -> None:
    error = refusal(answer(200, body))

    assert isinstance(error, ProtocolError)
    assert error.status == 200
    assert "event id" in str(error)


def test_a_join_that_is_answered_with_a_page_is_a_protocol_error() -> None:
    error = refusal(answer(200, PAGE))

    assert isinstance(error, ProtocolError)
    assert "not JSON" in str(error)


def test_a_full_queue_is_full() -> None:
    detail = "Queue is full. Max size is 2 and size is 2."
    error = refusal(answer(503, {"detail": detail}))

    assert type(error) is QueueFull
    assert detail in str(error)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"detail": "Queue is stopped."}, "Queue is stopped."),
        (b"upstream is down", "upstream is down"),
        (PAGE, "Bad gateway"),
        ({"detail": {"reason": "full"}}, "reason"),
        (["full"], "full"),
        (b"", "no text"),
    ],
)
def test_a_queue_that_takes_no_calls_for_another_reason_is_not_full(
    body: object, text: str
) -> None:
    error = refusal(answer(503, body))

    assert type(error) is QueueError
    assert text in str(error)


@pytest.mark.parametrize("body", [{}, {"detail": None}, {"detail": ""}, [], None])
def test_a_queue_that_takes_no_calls_need_not_say_why(body: object) -> None:
    assert type(refusal(answer(503, body))) is QueueError


def test_503_is_about_the_queue_only_in_an_answer_to_a_join() -> None:
    full = answer(503, {"detail": "Queue is full."})

    with pytest.raises(ProtocolError, match="HTTP 503"):
        json_of(full, "the config")
    assert isinstance(stream_refusal(full), ProtocolError)


@pytest.mark.parametrize(
    "detail",
    [
        [{"is_valid": False, "message": "too long", "parameter_name": "text"}],
        [{"type": "missing", "loc": ["body", "fn_index"], "msg": "too long"}],
        {"message": "too long"},
        "too long",
    ],
)
def test_refused_arguments_are_told_field_by_field(detail: object) -> None:
    error = refusal(answer(422, {"detail": detail}))

    assert isinstance(error, ValidationError)
    assert isinstance(error, ValueError)
    assert error.fields == detail
    assert "too long" in str(error)


def test_refused_arguments_may_be_told_without_json() -> None:
    error = refusal(answer(422, b"too long"))

    assert isinstance(error, ValidationError)
    assert "too long" in str(error)


def test_a_bad_request_is_the_error_of_the_app() -> None:
    error = refusal(answer(400, {"detail": "Event not found."}))

    assert type(error) is AppError
    assert "Event not found." in error.message


@pytest.mark.parametrize("detail", [None, 7, ["a"], {"error": "a"}])
def test_a_bad_request_may_be_told_with_anything(detail: object) -> None:
    error = refusal(answer(400, {"detail": detail}))

    assert type(error) is AppError
    assert repr(detail) in error.message


@pytest.mark.parametrize("status", [400, 422, 503])
@pytest.mark.parametrize(
    "body",
    [PAGE, {"detail": "x" * 100_000}, {"detail": ["x" * 100_000]}, {"detail": ["x"] * 100_000}],
    ids=["HTML", "text", "long text in a list", "long list"],
)
def test_a_long_refusal_of_a_call_is_quoted_shortened(status: int, body: object) -> None:
    assert len(str(refusal(answer(status, body)))) < 2000


@pytest.mark.parametrize("depth", [100, 990, 1010, 100_000])
@pytest.mark.parametrize("status", [200, 400, 401, 422, 500, 503])
def test_a_refusal_of_any_depth_is_a_refusal(status: int, depth: int) -> None:
    error = refusal(answer(status, b'{"detail":' + b"[" * depth + b"]" * depth + b"}"))

    assert len(str(error)) < 2000


# Streams


@pytest.mark.parametrize(
    "kind",
    ["text/event-stream", "text/event-stream; charset=utf-8", "text/event-stream;charset=utf-8"],
)
def test_a_stream_of_events_is_one(kind: str) -> None:
    assert stream_refusal(answer(200, content_type=kind)) is None


@pytest.mark.parametrize("kind", ["Text/Event-Stream", "TEXT/EVENT-STREAM; charset=utf-8"])
def test_the_letters_of_a_type_may_be_large(kind: str) -> None:
    assert stream_refusal(answer(200, content_type=kind)) is None


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "text/html; charset=utf-8",
        "text/plain",
        "text/event",
        "text/event-stream-of-mine",
        "text/html; text/event-stream",
    ],
)
def test_an_answer_of_another_type_is_no_stream(kind: str) -> None:
    error = stream_refusal(answer(200, PAGE, content_type=kind))

    assert isinstance(error, ProtocolError)
    assert error.status == 200
    assert repr(kind) in str(error)


def test_an_answer_without_a_type_is_no_stream() -> None:
    assert isinstance(stream_refusal(answer(200)), ProtocolError)


def test_a_long_type_is_quoted_shortened() -> None:
    assert len(str(stream_refusal(answer(200, content_type="x" * 100_000)))) < 400


@pytest.mark.parametrize("status", [201, 204, 206, 404, 500, 503])
def test_a_stream_that_is_not_there_is_refused(status: int) -> None:
    error = stream_refusal(answer(status, b"oh", content_type="text/event-stream"))

    assert isinstance(error, ProtocolError)
    assert error.status == status
    assert "the stream of events" in str(error)


# Anything

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
DOCUMENTS = st.fixed_dictionaries({}, optional={"detail": JSON, "event_id": JSON}) | JSON
BODIES = st.binary(max_size=50) | DOCUMENTS.map(lambda value: json.dumps(value).encode())
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": st.text(max_size=8) | st.floats().map(str) | st.integers().map(str),
        "content-type": st.text(max_size=8) | st.just("text/event-stream"),
    },
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 204, 400, 401, 403, 422, 429, 503, *REDIRECTS, *FAILURES])
    | st.integers(100, 599),
    HEADERS,
    BODIES,
)
THOROUGH = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine draws deep values slowly


@THOROUGH
@given(ANSWERS)
def test_any_answer_to_a_join_is_an_event_id_or_refused(reply: Answer) -> None:
    try:
        event_id = event_id_of(reply)
    except RxGradioError as error:
        refused = error
    else:
        assert event_id
        assert isinstance(event_id, str)
        assert 200 <= reply.status < 300
        return
    if isinstance(refused, TooManyRequestsError) and refused.retry_after is not None:
        assert 0 <= refused.retry_after < math.inf


@THOROUGH
@given(ANSWERS)
def test_any_answer_is_json_or_refused(reply: Answer) -> None:
    value: Any
    try:
        value = json_of(reply, "the config")
    except RxGradioError:
        return
    assert json.loads(reply.body) == value
    assert 200 <= reply.status < 300


@THOROUGH
@given(ANSWERS)
def test_any_answer_is_a_stream_or_refused(reply: Answer) -> None:
    error = stream_refusal(reply)

    if error is None:
        assert reply.status == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
    else:
        assert isinstance(error, RxGradioError)


# Calls that are posted directly


def test_the_answer_to_a_direct_call_is_its_result() -> None:
    reply = answer(200, {"data": ["x"], "is_generating": False, "duration": 1})
    assert message_of(reply) == Completed(None, ["x"], 1, None, None)
    assert message_of(answer(500, {"error": "'no'"})) == Failed(None, "'no'", None, None)
    assert message_of(answer(500, {"error": None})) == Failed(None, None, None, None)
    assert message_of(answer(200, b'{"data": [NaN]}')).data != []  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(500, b"Internal Server Error"), ProtocolError),
        (answer(500, {"detail": "x"}), ProtocolError),
        (answer(200, b"<html>"), ProtocolError),
        (answer(200, [1]), ProtocolError),
        (answer(404, {"detail": "Not Found"}), ProtocolError),
        (answer(401, {"detail": "Not authenticated"}), AuthenticationError),
        (answer(422, {"detail": [{"msg": "x"}]}), ValidationError),
        (answer(429, b""), TooManyRequestsError),
        (answer(502, PAGE), ProtocolError),
    ],
)
def test_an_answer_without_a_result_is_an_error(reply: Answer, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        message_of(reply)


# Logins


def test_a_login_is_accepted_or_refused() -> None:
    check_login(answer(200, {"success": True}))
    check_login(answer(302, b"", location="/"))
    with pytest.raises(AuthenticationError, match="Incorrect credentials"):
        check_login(answer(400, {"detail": "Incorrect credentials."}))
    with pytest.raises(AuthenticationError):
        check_login(answer(200, {"success": False}))
    with pytest.raises(ProtocolError):
        check_login(answer(404, {"detail": "Not Found"}))
