"""A failure as one more update."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import Any

import pytest
from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import OutputUpdate, Status, StatusUpdate, Update
from rxgradio.operators import keep_errors

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")
STARTING = StatusUpdate(Status.STARTING)
FAILED = StatusUpdate(Status.FINISHED, success=False, time=datetime(2026, 1, 1))
FINISHED = StatusUpdate(Status.FINISHED, success=True)


def test_an_error_is_told_in_the_last_status() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(
        on_next(10, STARTING), on_next(20, FAILED), on_error(20, ERROR)
    )
    told = scheduler.start(lambda: source.pipe(keep_errors())).messages
    expected = StatusUpdate(Status.FINISHED, success=False, time=FAILED.time, error=ERROR)
    assert told == [on_next(210, STARTING), on_next(220, expected), on_completed(220)]
    assert source.subscriptions == [Subscription(200, 220)]


def test_a_status_is_made_where_there_was_none() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(on_next(10, STARTING), on_error(20, ERROR))
    _, last, end = scheduler.start(lambda: source.pipe(keep_errors())).messages
    assert (last.time, end.time) == (220, 220)
    assert last.value.value.code is Status.FINISHED
    assert last.value.value.success is False
    assert last.value.value.error is ERROR
    assert end.value.kind == "C"


@pytest.mark.parametrize("code", [Status.FINISHED, Status.CANCELLED])
def test_all_else_passes(code: Status) -> None:
    scheduler = TestScheduler()
    updates = [STARTING, StatusUpdate(code, success=False), OutputUpdate("a", final=True), FINISHED]
    source = scheduler.create_cold_observable(
        *(on_next(10 * n, update) for n, update in enumerate(updates)), on_completed(90)
    )
    told = scheduler.start(lambda: source.pipe(keep_errors())).messages
    assert [each.value.value for each in told[:-1]] == updates
    assert told[-1] == on_completed(290)


def test_what_is_held_back_is_told_at_the_end() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(on_next(10, FAILED), on_completed(30))
    told = scheduler.start(lambda: source.pipe(keep_errors())).messages
    assert told == [on_next(230, FAILED), on_completed(230)]


def test_disposing_disposes_of_the_updates() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(on_next(10, STARTING), on_error(20, ERROR))
    told = scheduler.start(lambda: source.pipe(keep_errors()), disposed=215).messages
    assert told == [on_next(210, STARTING)]
    assert source.subscriptions == [Subscription(200, 215)]


def test_signals_of_many_threads_are_serial_and_none_is_lost() -> None:
    observers: list[Any] = []

    def subscribe(observer: Any, _: Any) -> abc.DisposableBase:
        observers.append(observer)
        return Disposable()

    inside = threading.Lock()
    got: list[object] = []
    overlaps: list[object] = []

    def observe(update: object) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(update)
            return
        got.append(update)
        inside.release()

    source: Observable[Update] = Observable(subscribe)
    source.pipe(keep_errors()).subscribe(observe)
    (observer,) = observers
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    threads = [
        threading.Thread(target=lambda: [observer.on_next(STARTING) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    sys.setswitchinterval(before)
    assert overlaps == []
    assert len(got) == 2000
