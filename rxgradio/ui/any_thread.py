"""What may be written to from any thread, and has no thread of its own: a terminal, a file."""

from __future__ import annotations

__all__ = ["AnyThread"]

from collections.abc import Callable
from typing import Any

from reactivex import abc

from ..runtime.scheduler import DeliveryScheduler


class AnyThread:
    """A toolkit without a UI thread: what is due runs on rxgradio's delivery threads, serially.

    What raises there is logged.

    Args:
        frame: Seconds between two paintings.
    """

    def __init__(self, frame: float) -> None:
        self.frame = frame
        self._scheduler = DeliveryScheduler()

    @property
    def current(self) -> bool:
        """Always: any thread will do."""
        return True

    def post(self, action: Callable[[], object], delay: float) -> None:
        """Run an action after so many seconds."""

        def run(_: abc.SchedulerBase, __: object = None) -> None:
            action()

        self._scheduler.schedule_relative(delay, run)

    def alive(self, widget: Any) -> bool:  # noqa: ARG002 (of a toolkit)
        """Return True: what is written to does not end by itself."""
        return True

    def on_close(self, widget: Any, closed: Callable[[], object]) -> Callable[[], object]:  # noqa: ARG002 (as above)
        """Do nothing: it does not tell."""
        return lambda: None
