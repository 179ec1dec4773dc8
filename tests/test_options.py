"""How often something is tried again, and when."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxgradio import ConnectionLost, Limits, ProtocolError, Retry, TooManyRequestsError
from rxgradio.exceptions import QueueFull, RxGradioError
from rxgradio.options import CallOptions
from rxgradio.patience import harmless, persist, unaccepted

LOST = ConnectionLost("x")


def longest(_: float, most: float) -> float:
    return most


def test_each_wait_may_be_longer_than_the_one_before_up_to_a_cap() -> None:
    retry = Retry(attempts=6, initial=1, multiplier=2, longest=5)
    waits = [retry.delay(LOST, failed=n, spent=0, uniform=longest) for n in range(1, 7)]
    assert waits == [1, 2, 4, 5, 5, None]


@given(st.integers(1, 10**6), st.floats(0, 50))
def test_a_wait_is_within_its_bounds(failed: int, spent: float) -> None:
    wait = Retry(attempts=10**7).delay(LOST, failed=failed, spent=spent)
    assert wait is None or (0 <= wait <= 10 and spent + wait <= 60)


def test_a_server_that_asks_for_more_gets_it_within_the_budget() -> None:
    retry = Retry(budget=60, longest=1)
    assert retry.delay(LOST, failed=1, spent=0, retry_after=50) == 50
    assert retry.delay(LOST, failed=1, spent=0, retry_after=61) is None
    assert retry.delay(LOST, failed=1, spent=20, retry_after=50) is None


def test_only_errors_that_are_chosen_are_tried_again() -> None:
    retry = Retry(only=lambda error: "y" in str(error))
    assert retry.delay(LOST, failed=1, spent=0) is None
    assert retry.delay(ConnectionLost("y"), failed=1, spent=0) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"initial": -1},
        {"multiplier": 0.5},
        {"longest": -1},
        {"budget": -1},
        {"budget": float("nan")},
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Retry(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"event": 0}, {"download": -1}, {"silence": 0}])
def test_limits_are_positive(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(**wrong)


def test_secrets_of_a_call_are_not_shown() -> None:
    assert "s3cret" not in repr(CallOptions(headers={"x": "s3cret"}))


# What is safe


def noted(error: RxGradioError, status: int, retry_after: float | None) -> RxGradioError:
    error.status, error.retry_after = status, retry_after
    return error


@pytest.mark.parametrize(
    ("error", "is_unaccepted", "is_harmless"),
    [
        (ConnectionLost("x", sent=False), True, True),
        (ConnectionLost("x"), False, True),
        (noted(TooManyRequestsError("x"), 429, 3), True, True),
        (noted(TooManyRequestsError("x"), 429, None), False, False),
        (noted(ProtocolError("x"), 503, 3), True, True),
        (noted(ProtocolError("x"), 503, None), False, True),
        (noted(QueueFull("x"), 503, None), False, True),
        (noted(ProtocolError("x"), 502, None), False, True),
        (noted(ProtocolError("x"), 500, 3), False, False),
        (noted(ProtocolError("x"), 404, None), False, False),
        (ProtocolError("x"), False, False),
    ],
)
def test_what_may_be_repeated(error: RxGradioError, is_unaccepted: bool, is_harmless: bool) -> None:
    assert unaccepted(error) is is_unaccepted
    assert harmless(error) is is_harmless


# Repeating it


def fails(times: int, error: Exception = LOST) -> tuple[Callable[[], object], list[int]]:
    tries: list[int] = []

    async def work() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise error
        return "done"

    return work, tries


def persisted(work: object, retry: Retry | None, **how: object) -> object:
    return asyncio.run(persist(work, retry, harmless, **how))  # type: ignore[arg-type]


AT_ONCE = Retry(attempts=3, initial=0)


@pytest.mark.parametrize(("times", "retry"), [(0, None), (2, AT_ONCE)])
def test_work_that_succeeds_in_the_end_has_succeeded(times: int, retry: Retry | None) -> None:
    work, tries = fails(times)
    assert persisted(work, retry) == "done"
    assert len(tries) == times + 1


@pytest.mark.parametrize(
    ("error", "retry", "tried"),
    [
        (LOST, AT_ONCE, 3),
        (LOST, None, 1),
        (ProtocolError("x"), AT_ONCE, 1),
        (KeyError("x"), AT_ONCE, 1),
    ],
)
def test_the_last_error_is_raised_when_there_is_no_other_try(
    error: Exception, retry: Retry | None, tried: int
) -> None:
    work, tries = fails(9, error)
    with pytest.raises(type(error), match=r"\w"):
        persisted(work, retry)
    assert len(tries) == tried


def test_nothing_is_tried_that_nobody_wants_any_more() -> None:
    work, tries = fails(9)
    wanted = itertools.chain([True, False], itertools.repeat(False))
    waits: list[float] = []
    with pytest.raises(ConnectionLost):
        persisted(work, AT_ONCE, wanted=lambda: next(wanted), waiting=waits.append)
    assert len(tries) == 1
    assert waits == [0]


def test_waits_are_drawn_at_random_from_nothing_to_the_longest() -> None:
    retry = Retry(initial=1.0, multiplier=2.0, longest=3.0)
    waits = [retry.delay(ValueError(), failed=1, spent=0, retry_after=None) for _ in range(200)]
    assert all(wait is not None and 0 <= wait <= 1 for wait in waits)
    assert len(set(waits)) > 100  # many clients do not come back at once
    assert min(map(float, filter(None, waits))) < 0.2 < 0.8 < max(map(float, filter(None, waits)))
