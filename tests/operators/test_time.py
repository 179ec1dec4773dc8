"""reactivex's own operators on time, all of whose signals come on one DeliveryScheduler."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from reactivex import Subject
from reactivex import operators as ops

from rxgradio import DeliveryScheduler
from tests.contract.app import SOON

OPERATORS: dict[str, Any] = {
    "buffer_with_time": lambda timers: ops.buffer_with_time(0.001, scheduler=timers),
    "debounce": lambda timers: ops.debounce(0.001, scheduler=timers),
    "delay": lambda timers: ops.delay(0.001, scheduler=timers),
    "sample": lambda timers: ops.sample(0.001, scheduler=timers),
    "throttle_first": lambda timers: ops.throttle_first(0.001, scheduler=timers),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("end", ["error", "completed"])
def test_behind_observe_on_they_are_serial(name: str, end: str) -> None:
    timers = DeliveryScheduler()
    source: Subject[int] = Subject()
    entered, go_on, over = threading.Event(), threading.Event(), threading.Event()
    told: list[str] = []

    def slow(_: object) -> None:
        if not entered.is_set():
            entered.set()
            assert go_on.wait(SOON)
            told.append("returned")

    def ended(*_: object) -> None:
        told.append("ended")
        over.set()

    operate = OPERATORS[name](timers)
    source.pipe(ops.observe_on(timers), operate).subscribe(slow, ended, ended)
    source.on_next(1)
    assert entered.wait(SOON)
    source.on_next(2)
    if end == "error":
        source.on_error(ValueError("no"))
    else:
        source.on_completed()
    go_on.set()
    assert over.wait(SOON)
    assert told == ["returned", "ended"]
