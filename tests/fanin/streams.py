"""Streams in virtual time, and what became of them."""

from __future__ import annotations

__all__ = [
    "END",
    "ERROR",
    "FAILED",
    "LOST",
    "SOON",
    "START",
    "World",
    "on_completed",
    "on_error",
    "on_next",
]

from collections.abc import Callable
from typing import Any

from reactivex import Observable
from reactivex.testing import ReactiveTest, TestScheduler

from rxgradio import ConnectionLost, Status, StatusUpdate

SOON = 10.0

on_next = ReactiveTest.on_next
on_error = ReactiveTest.on_error
on_completed = ReactiveTest.on_completed

ERROR = ValueError("no")
LOST = ConnectionLost("gone")

START = StatusUpdate(Status.STARTING)
END = StatusUpdate(Status.FINISHED, success=True)
FAILED = StatusUpdate(Status.FINISHED, success=False)


class World:
    """Streams by name, and the time that they share."""

    def __init__(self) -> None:
        self.scheduler = TestScheduler()
        self.streams: dict[str, Any] = {}

    def hot(self, name: str, *messages: Any) -> Observable[Any]:
        self.streams[name] = self.scheduler.create_hot_observable(*messages)
        return self.streams[name]

    def cold(self, name: str, *messages: Any) -> Observable[Any]:
        self.streams[name] = self.scheduler.create_cold_observable(*messages)
        return self.streams[name]

    def run(self, create: Callable[[], Observable[Any]], **when: float) -> list[Any]:
        return self.scheduler.start(create, **when).messages

    def spans(self) -> dict[str, list[tuple[float, float]]]:
        """Return when each stream was subscribed to, and left."""
        return {
            name: [(each.subscribe, each.unsubscribe) for each in stream.subscriptions]
            for name, stream in self.streams.items()
        }
