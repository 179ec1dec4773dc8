"""The policies, used as users do: only type-checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from reactivex import Observable

from rxgradio import Client, Retry, Update
from rxgradio.operators import (
    Bulkhead,
    CircuitBreaker,
    CircuitState,
    cached,
    deadline,
    rate_limit,
    result,
    retry,
    share_in_flight,
    timeout,
)


def policies(client: Client, numbers: Observable[int]) -> None:
    bulkhead = Bulkhead(2, queue=10)
    breaker = CircuitBreaker(failures=3, reset_after=10, only=lambda error: error.args == ())
    updates = client.observe("a", api_name="/write")
    assert_type(updates.pipe(bulkhead, breaker), Observable[Update])
    assert_type(numbers.pipe(bulkhead, breaker), Observable[int])
    assert_type(numbers.pipe(retry(3), timeout(5, first=10), deadline(60)), Observable[int])
    assert_type(numbers.pipe(rate_limit(5), retry(Retry(), transient=True)), Observable[int])
    assert_type(breaker.states, Observable[CircuitState])
    breaker.states.subscribe(lambda state: print(state.value))


def calls(client: Client) -> None:
    caption = client.endpoint("/caption")

    def described(path: str, words: int = 5) -> Observable[Any]:
        return caption.observe(path, words).pipe(result())

    known = cached(described, most=10, seconds=60, key=lambda path, words=5: (path, words))
    assert_type(known("a.png", words=3), Observable[Any])
    shared: Callable[..., Observable[Update]] = share_in_flight(caption.observe)
    assert_type(shared("a.png"), Observable[Update])
