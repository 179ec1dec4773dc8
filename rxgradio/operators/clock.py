"""Which scheduler keeps the time of a subscription."""

from __future__ import annotations

__all__ = ["clock"]

from typing import TypeVar

from reactivex import abc
from reactivex.scheduler import (
    ImmediateScheduler,
    NewThreadScheduler,
    TimeoutScheduler,
    TrampolineScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ..runtime.scheduler import DeliveryScheduler

S = TypeVar("S", bound=abc.SchedulerBase)


def clock(
    chosen: abc.SchedulerBase | None, given: abc.SchedulerBase | None = None
) -> abc.SchedulerBase:
    """Return what keeps the time of a subscription, and runs what is due.

    Args:
        chosen: The scheduler that the operator was made with.
        given: The one given to `subscribe`. It is not taken if it would sleep on the thread
            that asks, or start one for each timer: `run()` gives a `NewThreadScheduler`.
    """
    if chosen is not None:
        return chosen
    match given:
        case None | TrampolineScheduler() | ImmediateScheduler():
            return DeliveryScheduler()
        case NewThreadScheduler() | TimeoutScheduler():
            return DeliveryScheduler()
        case AsyncIOScheduler() if not isinstance(given, AsyncIOThreadSafeScheduler):
            # Signals come on other threads than its loop's.
            return AsyncIOThreadSafeScheduler(given._loop)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (it is not told otherwise)
        case _:
            return given
