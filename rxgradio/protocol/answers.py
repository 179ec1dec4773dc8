"""What the answers to HTTP requests mean: a value, or a typed error.

Knows statuses and bodies, and nothing of how they came. Texts from the server
are quoted shortened: they may be pages of HTML.
"""

from __future__ import annotations

__all__ = [
    "Answer",
    "check_login",
    "event_id_of",
    "json_of",
    "message_of",
    "queue_size_of",
    "refusal_of",
    "stream_refusal",
]

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ..exceptions import (
    AppError,
    AuthenticationError,
    ProtocolError,
    QueueError,
    QueueFull,
    RxGradioError,
    TooManyRequestsError,
    ValidationError,
)
from ..options import MEMORY
from .messages import Message, TooMuchError, load_json, result_of, strict_json
from .shapes import as_object, as_text, is_list, is_object, quoted

E = TypeVar("E", bound=RxGradioError)

_MOST_MEMORY = 150_000_000
"""Bytes of memory that a document may take, and what is parsed from it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: its status, its header fields by lower-case name, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def json_of(answer: Answer, what: str) -> Any:
    """Return the JSON of a successful answer; `what` names it in errors.

    Raises:
        RxGradioError: It is no success, or no JSON.
    """
    if not 200 <= answer.status < 300:
        raise refusal_of(answer, what)
    try:
        return strict_json(answer.body, _MOST_MEMORY)
    except (TooMuchError, RecursionError) as error:
        problem = f"{what} is not JSON that can be read: {error}"
        raise ProtocolError(problem, status=answer.status) from None
    except ValueError:
        raise ProtocolError(
            f"{what} is not JSON, as of a Gradio app it would be: {_excerpt(answer.body)}",
            status=answer.status,
        ) from None


def queue_size_of(answer: Answer) -> int:
    """Return how many calls wait, from the answer of `/queue/status` (`get_status` of queueing.py).

    Raises:
        RxGradioError: It does not say so.
    """
    size = as_object(json_of(answer, "the status of the queue")).get("queue_size")
    if not isinstance(size, int) or size < 0:
        raise ProtocolError(f"the status of the queue tells no size, but {quoted(size)}")
    return size


def check_login(answer: Answer) -> None:
    """Check the answer to a login.

    An app that has none redirects to its page, and is content.

    Raises:
        AuthenticationError: The app refused it.
        RxGradioError: It is no answer to a login.
    """
    if answer.status == 302:
        return
    if answer.status in {400, 401, 403}:
        raise _noted(
            AuthenticationError(f"the app refused the login: {_said(_detail(answer))}"), answer
        )
    if as_object(json_of(answer, "the answer to the login")).get("success") is not True:
        raise AuthenticationError("the app refused the login")


def event_id_of(answer: Answer) -> str:
    """Return the event id from the answer to a join.

    Raises:
        RxGradioError: The call was not accepted.
    """
    if answer.status == 503:
        detail = _detail(answer) or "Service Unavailable"
        # Other things than a full queue are answered with 503 too.
        full = isinstance(detail, str) and "full" in detail.lower()
        refused = (QueueFull if full else QueueError)(
            f"the app did not take the call: {_said(detail)}"
        )
        raise _noted(refused, answer)
    if answer.status == 422:
        detail = _detail(answer)
        raise _noted(_invalid(detail), answer)
    if answer.status == 400:
        raise _noted(AppError(f"the app refused the call: {_said(_detail(answer))}"), answer)
    document = json_of(answer, "the answer to a call")
    event_id = as_object(document).get("event_id")
    if not isinstance(event_id, str) or not event_id:
        raise ProtocolError("the answer to a call has no event id", status=answer.status)
    return event_id


def message_of(answer: Answer, most: int = MEMORY) -> Message:
    """Return what the answer to a call that was posted directly says of the call.

    `most` is as for `strict_json`.

    Raises:
        RxGradioError: It says nothing, because the call was not accepted.
    """
    document: object = None
    if answer.status in {200, 500}:
        try:
            document = load_json(answer.body, most)
        except (TooMuchError, RecursionError) as error:
            problem = f"the result of a call is not JSON that can be read: {error}"
            raise ProtocolError(problem, status=answer.status) from None
        except ValueError:
            pass  # what it is instead is told below
    if not is_object(document) or not ("data" in document or "error" in document):
        if answer.status == 422:
            detail = _detail(answer)
            raise _noted(_invalid(detail), answer)
        raise refusal_of(answer, "the result of a call")
    return result_of(document)


def stream_refusal(answer: Answer) -> RxGradioError | None:
    """Return why an answer is not a stream of events, or None if it is one."""
    if answer.status != 200:
        return refusal_of(answer, "the stream of events")
    kind = answer.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "text/event-stream":
        return ProtocolError(f"the stream of events has the type {quoted(kind)}", status=200)
    return None


def refusal_of(answer: Answer, what: str) -> RxGradioError:
    """Return what an answer means that is no success; `what` names it."""
    return _noted(_refusal_of(answer, what), answer)


def _noted(error: E, answer: Answer) -> E:
    """Note down in an error what the header of the answer says."""
    error.status = answer.status
    error.retry_after = _retry_after(answer.headers)
    return error


def _refusal_of(answer: Answer, what: str) -> RxGradioError:
    status = answer.status
    if status in {401, 403}:
        return AuthenticationError(
            f"the app wants a login (HTTP {status} for {what}); pass auth=(user, password)"
        )
    if status == 429:
        return TooManyRequestsError(f"the server asks to slow down (HTTP 429 for {what})")
    if status in {301, 302, 303, 307, 308}:
        return ProtocolError(
            f"the server redirects {what} elsewhere, and redirects are not followed because "
            "headers and inputs would go with them; use the app's final address"
        )
    hint = "; is it a Gradio app, and is the path right?" if status == 404 else ""
    return ProtocolError(f"HTTP {status} for {what}: {_excerpt(answer.body)}{hint}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        # By the server's own clock, which may differ from this machine's.
        until, now = _date(value), _date(headers.get("date", ""))
        if until is None or now is None:
            return None
        seconds = until - now
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _detail(answer: Answer) -> object:
    try:
        document = strict_json(answer.body, _MOST_MEMORY)
    except (ValueError, RecursionError):
        return _excerpt(answer.body)
    return document.get("detail") if is_object(document) else document


def _invalid(detail: object) -> ValidationError:
    """Return what a validator said: of each argument, whether it is valid and why not."""
    said = [
        f"{as_text(each.get('parameter_name'))}: {as_text(each.get('message'))}"
        for each in map(as_object, detail if is_list(detail) else ())
        if each.get("is_valid") is False and as_text(each.get("message")) is not None
    ]
    what = "; ".join(said) or _said(detail)
    return ValidationError(f"the app refused the arguments: {what}"[:1000], fields=detail)


def _said(detail: object) -> str:
    text = detail if isinstance(detail, str) else quoted(detail, 500)
    return text if len(text) <= 510 else f"{text[:500]}..."


_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


def _excerpt(body: bytes) -> str:
    text = body[:4000].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        text = _TAGS.sub(" ", text)
    return " ".join(text.split())[:200] or "(no text)"
