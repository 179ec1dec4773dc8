"""Whoever hears of a call."""

from __future__ import annotations

__all__ = ["Sink"]

from typing import Protocol

from ..updates import CancelOutcome, StatusUpdate
from .event import Entry


class Sink(Protocol):
    """Whoever made a call and hears of it, on the scheduler thread; must not block."""

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        """Take news of the call."""
        ...

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        """Take the last news of the call, and its end."""
        ...

    def cancel_told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel."""
        ...
