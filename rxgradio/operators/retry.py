"""A stream that is begun again when it fails."""

from __future__ import annotations

__all__ = ["retry"]

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import TypeVar

from reactivex import Observable, abc

from ..exceptions import ClientClosed, RxGradioError
from ..options import Retry
from .clock import clock
from .relay import Relay, relaying, seconds_of

T = TypeVar("T")

logger = logging.getLogger("rxgradio")


def retry(
    policy: Retry | int,
    *,
    when: Callable[[Exception], bool] | type[Exception] | None = None,
    transient: bool = False,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Subscribe again to a cold stream that has failed, after the waits of a `Retry`.

        source:     --a--#
                            --a--b--c--|
        retry(2):   --a-----a-..            subscribes anew after a wait, the 2nd and last try
        result:     --a-----a--b--c--|

    It waits longer each time, and at least as long as the error asks for
    (`RxGradioError.retry_after`). When there is to be no other try, the last error is
    passed on as it came. What a failed try has emitted stays emitted, and the next one
    says it again; where that is not wanted, put `result()` before this.

    Never tried again are a cancel (`concurrent.futures.CancelledError`) and `ClientClosed`.
    A stream that is hot, such as `job.updates`, only fails once more. Disposing ends the
    try that is under way, or the wait. A further try begins on a thread of the scheduler.

    Args:
        policy: How often and when; a number is that of tries in all, the first included,
            of a `Retry` that is otherwise the default.
        when: Which errors are tried again, besides `policy.only`: a class of them, or a
            function, and what that raises is `on_error`. By default all others.
        transient: Whether a value shows that all is well again, so that tries and
            `policy.budget` are counted anew from there. Streams of updates say something
            in every try: put `outputs()` before this.
        scheduler: Keeps the time; else the one given to `subscribe`, else a
            `DeliveryScheduler`.

    Raises:
        ValueError: The number is less than 1.
    """
    if not isinstance(policy, Retry):
        policy = Retry(attempts=policy)
    plan = policy
    wanted = partial(_is_a, when) if isinstance(when, type) else when
    return lambda source: relaying(
        source,
        lambda observer, given: _Retrying(
            observer, given, clock(scheduler, given), plan, wanted, transient=transient
        ),
    )


def _is_a(kind: type[Exception], error: Exception) -> bool:
    return isinstance(error, kind)


class _Retrying(Relay[T]):
    _source: Observable[T]

    def __init__(
        self,
        observer: abc.ObserverBase[T],
        scheduler: abc.SchedulerBase | None,
        clock: abc.SchedulerBase,
        policy: Retry,
        when: Callable[[Exception], bool] | None,
        *,
        transient: bool,
    ) -> None:
        super().__init__(observer, scheduler, clock)
        self._policy = policy
        self._when = when
        self._transient = transient
        self._failed = 0
        self._since = 0.0

    def begin(self, source: Observable[T]) -> None:
        self._source = source
        super().begin(source)

    def on_next(self, value: T) -> None:
        if self._transient:
            self._failed = 0
        super().on_next(value)

    def on_error(self, error: Exception) -> None:
        if self.out.ended:
            return
        try:
            wait = self._wait(error)
        except Exception as raised:  # noqa: BLE001 (a function of the user's)
            self.end(raised)
            return
        if wait is None:
            self.end(error)
            return
        logger.debug("try %d: %s; again in %.1f s", self._failed, type(error).__name__, wait)
        # Also for no wait at all: a stream that fails at once would fill the stack.
        self.later(wait, lambda: self.begin(self._source))

    def _wait(self, error: Exception) -> float | None:
        if isinstance(error, (CancelledError, ClientClosed)):
            return None
        if self._when is not None and not self._when(error):
            return None
        now = seconds_of(self.clock)
        self._failed += 1
        if self._failed == 1:
            self._since = now
        asked = error.retry_after if isinstance(error, RxGradioError) else None
        return self._policy.delay(
            error, failed=self._failed, spent=now - self._since, retry_after=asked
        )
