"""Observers, and the turns in which they are called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rxgradio.runtime.log import End, Log
from rxgradio.runtime.reading import Subscription, wake

SOON = 10.0


def test_an_observer_is_not_lost_to_news_between_its_parking_and_the_end_of_its_turn() -> None:
    log: Log[None, int, int] = Log(None, lambda state, entry: (state, entry))
    cursor = log.cursor()
    threads: list[threading.Thread] = []
    seen: list[int] = []
    ended = threading.Event()

    class Observer:
        def on_next(self, value: int) -> None:
            seen.append(value)

        def on_error(self, error: Exception) -> None:
            ended.set()

        def on_completed(self) -> None:
            ended.set()

    class Between:
        """A cursor that is told of the end before it has said that it is parked."""

        def __getattr__(self, name: str) -> Any:
            return getattr(cursor, name)

        def park(self, waker: Callable[[], object]) -> bool:
            parked = cursor.park(waker)
            if parked:
                with log.lock:
                    wakers = [*log.append([1]), *log.close(End())]
                wake(wakers)
                threads[-1].join(SOON)  # the next turn, on another thread
            return parked

    def start(run: Callable[[], object]) -> None:
        threads.append(threading.Thread(target=run))
        threads[-1].start()

    Subscription(Between(), Observer(), start, "a job")  # type: ignore[arg-type] # as good as
    assert ended.wait(SOON)
    assert seen == [1]
