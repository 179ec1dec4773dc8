"""Where code of users runs: a small pool of daemon threads.

Deliveries are short as a rule, so few threads carry many of them. But a
callback may block, or wait for another job, and must not hold up the others:
the pool lets those who wait for a job of ours stand aside, and grows, up to a
bound, while nothing returns.
"""

from __future__ import annotations

__all__ = ["Delivery", "Lane", "Later"]

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

logger = logging.getLogger("rxgradio")

_PATIENCE = 0.2
"""Seconds without a callback returning after which the pool grows."""


class Later(Protocol):
    """Calls an action after some seconds, from any thread."""

    def __call__(self, seconds: float, action: Callable[[], object], /) -> object:
        """Arrange for the call."""
        ...


class _Task(NamedTuple):
    run: Callable[[], object]
    whom: object


class Delivery:
    """A pool of threads that runs callbacks.

    Args:
        later: A timer, asked for only while deliveries queue.
        threads: How many threads there are at most while callbacks return.
        bound: How many threads there are at most.
    """

    def __init__(self, later: Later, *, threads: int = 12, bound: int = 64) -> None:
        self._later = later
        self._few = threads
        self._bound = bound
        self._lock = threading.Lock()
        self._work_waits = threading.Condition(self._lock)
        self._all_done = threading.Condition(self._lock)
        self._queue: deque[_Task] = deque()
        self._running: dict[int, object] = {}  # by thread: on whose behalf
        self._threads = 0
        self._idle = 0
        self._aside = 0
        self._returned = 0
        self._watching = False
        self._warned = False

    def start(self, run: Callable[[], object], whom: object) -> None:
        """Run a callback soon, on a thread of the pool; `whom` is named if it gets stuck."""
        with self._lock:
            self._queue.append(_Task(run, whom))
            self._staff()

    @contextmanager
    def standing_aside(
        self,
        until: Callable[[], bool],  # noqa: ARG002 (in virtual time, see that it comes true)
        timeout: float | None = None,  # noqa: ARG002 (as above)
    ) -> Generator[None]:
        """Mark the calling thread as waiting until something is so, for some seconds at most.

        On other threads than the pool's, do nothing.
        """
        if threading.get_ident() not in self._running:
            yield
            return
        with self._lock:
            self._aside += 1
            self._staff()
        try:
            yield
        finally:
            with self._lock:
                self._aside -= 1

    def drain(self, timeout: float) -> bool:
        """Wait until nothing is left to deliver; returns whether that was within the time-out."""
        with self._lock:
            return self._all_done.wait_for(lambda: not self._queue and not self._running, timeout)

    def _staff(self) -> None:
        """See that somebody takes the queue; the lock is held."""
        if not self._queue:
            return
        if self._idle:
            self._idle -= 1
            self._work_waits.notify()
        elif self._threads < self._bound and self._threads - self._aside < self._few:
            self._hire()
        elif not self._watching:
            self._watch()

    def _hire(self) -> None:
        name = f"rxgradio-delivery-{self._threads + 1}"
        threading.Thread(target=self._work, name=name, daemon=True).start()
        self._threads += 1

    def _watch(self) -> None:
        self._watching = True
        returned = self._returned
        self._later(_PATIENCE, lambda: self._look(returned))

    def _look(self, returned: int) -> None:
        """Grow if nothing has returned since the queue was last looked at."""
        stuck: list[str] = []
        with self._lock:
            self._watching = False
            if not self._queue:
                return
            if returned == self._returned:
                for _ in range(min(len(self._queue), self._bound - self._threads)):
                    self._hire()
                if self._threads == self._bound and not self._warned:
                    self._warned = True
                    stuck = sorted({_name(whom) for whom in self._running.values()})
            self._watch()
        if stuck:
            logger.warning(
                "callbacks block all %d delivery threads, and further deliveries wait: %s",
                self._bound,
                ", ".join(stuck[:5]),
            )

    def _work(self) -> None:
        me = threading.get_ident()
        while (task := self._next(me)) is not None:
            try:
                task.run()
            except BaseException:  # whatever it is, it is that callback's own trouble
                logger.exception("a callback raised: %s", _name(task.whom))
            del task  # or it would live until the next one comes

    def _next(self, me: int) -> _Task | None:
        with self._lock:
            if self._running.pop(me, None) is not None:
                self._returned += 1
            while not self._queue:
                if not self._running:
                    self._all_done.notify_all()
                if self._threads > self._few:
                    self._threads -= 1
                    return None
                self._idle += 1
                self._work_waits.wait()
            task = self._queue.popleft()
            self._running[me] = task.whom
            return task


def _name(whom: object) -> str:
    # Not its repr, which would be code of a user on the scheduler thread.
    return whom if isinstance(whom, str) else getattr(whom, "__qualname__", type(whom).__qualname__)


class Lane:
    """Runs actions one after another, in the order given, on the threads of a pool."""

    def __init__(self, delivery: Delivery, whom: object) -> None:
        self._delivery = delivery
        self._whom = whom
        self._lock = threading.Lock()
        self._actions: deque[Callable[[], object]] = deque()
        self._busy = False

    def start(self, action: Callable[[], object]) -> None:
        """Run an action soon; one that raises is logged, and the next one runs."""
        with self._lock:
            self._actions.append(action)
            if self._busy:
                return
            self._busy = True
        self._delivery.start(self._run, self._whom)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._actions:
                    self._busy = False
                    return
                action = self._actions.popleft()
            try:
                action()
            except BaseException:  # as above
                logger.exception("a callback raised: %s", _name(self._whom))
