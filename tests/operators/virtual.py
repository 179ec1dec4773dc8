"""Streams of updates in virtual time."""

from __future__ import annotations

__all__ = ["FINAL", "STORY", "Told", "call", "final", "log", "out", "ran", "reports", "status"]

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from reactivex import Observable
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.subscription import Subscription

from rxgradio import OutputUpdate, ProgressUnit, Status, StatusUpdate, Update

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed


def status(code: Status, **known: Any) -> StatusUpdate:
    return StatusUpdate(code, **known)


def out(value: Any, **known: Any) -> OutputUpdate:
    return OutputUpdate(value, **known)


def final(value: Any, **known: Any) -> OutputUpdate:
    return OutputUpdate(value, final=True, **known)


def log(text: str, level: str = "info", **known: Any) -> StatusUpdate:
    return StatusUpdate(Status.LOG, log=(text, level), **known)


def reports(*bars: ProgressUnit, **known: Any) -> StatusUpdate:
    return StatusUpdate(Status.PROGRESS, progress_data=list(bars), **known)


STORY: list[tuple[int, Update]] = [
    (210, status(Status.STARTING)),
    (220, status(Status.IN_QUEUE, rank=1, queue_size=2, eta=3.0)),
    (230, status(Status.PROCESSING)),
    (240, reports(ProgressUnit(1, 4, "steps"))),
    (250, log("careful", "warning")),
    (260, out("a")),
    (270, out("ab")),
    (280, final("ab")),
    (290, status(Status.FINISHED, success=True)),
]
"""The life of a call; it completes at 300."""

FINAL = 280
"""When the final output comes."""


def call(*updates: Update) -> list[tuple[int, Update]]:
    """Return a story of these updates, from 210 on, ten seconds apart."""
    return [(210 + 10 * n, update) for n, update in enumerate(updates)]


class Told(NamedTuple):
    """What an observer was told, and when its source was subscribed to and left."""

    messages: list[Any]
    subscriptions: list[Subscription]

    @property
    def values(self) -> list[Any]:
        return [each.value.value for each in self.messages if each.value.kind == "N"]


def ran(
    operator: Callable[[Observable[Update]], Observable[Any]],
    story: Sequence[tuple[int, Update]] = STORY,
    *,
    error: Exception | None = None,
    end: int | None = 300,
    cold: bool = False,
    disposed: int = 1000,
) -> Told:
    """Pass a story, which ends with an error or completes, through an operator."""
    scheduler = TestScheduler()
    messages = [on_next(time, update) for time, update in story]
    if end is not None:
        messages.append(on_completed(end) if error is None else on_error(end, error))
    source: Any
    if cold:
        for message in messages:
            message.time -= 200
        source = scheduler.create_cold_observable(messages)
    else:
        source = scheduler.create_hot_observable(messages)
    observer = scheduler.start(lambda: source.pipe(operator), disposed=disposed)
    return Told(observer.messages, source.subscriptions)
