"""A stream of updates that has the operators on updates as methods.

The operators are imported when one is used: `import rxgradio` needs none of them.
"""

# ruff: noqa: PLC0415 (see above)

from __future__ import annotations

__all__ = ["Stream", "Updates"]

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from reactivex import Observable, abc, typing

from .updates import StatusUpdate, Update

if TYPE_CHECKING:
    from .operators import Iteration, LogMessage, Snapshot, TextDelta, Timings
    from .operators.text_deltas import Select
    from .options import Retry
    from .runtime.reading import OnSlow


T = TypeVar("T")


class Stream(Observable[T]):
    """An `Observable` that can be looped over, with `for` and with `async for`.

        for text in client.observe("hello", api_name="/write").outputs(): ...

    Each loop subscribes anew, and disposes of that when it is left: see
    `rxgradio.operators.iterate`, also for loops that may be slower than the stream.
    """

    def __iter__(self) -> Generator[T]:
        """Yield each value, blocking; raises the stream's error."""
        from .operators.iterate import iterate

        return iter(iterate()(self))

    def __aiter__(self) -> AsyncGenerator[T]:
        """Yield each value on the running loop; raises the stream's error."""
        from .operators.iterate import iterate

        return aiter(iterate()(self))


def _to(source: Observable[T]) -> abc.Subscription[T]:
    def subscribe(
        observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return source.subscribe(observer, scheduler=scheduler)

    return subscribe


def _stream(source: Observable[T]) -> Stream[T]:
    return Stream(_to(source))


class Updates(Stream[Update]):
    """An `Observable` of updates, with the operators of `rxgradio.operators` as methods.

    `updates.outputs()` is `updates.pipe(rxgradio.operators.outputs())`, and so on,
    with the marbles there. It is what `job.updates`, `observe` and `stream` give. What makes
    updates of updates gives such a stream again: `call.timeout(5).retry(3).outputs()`.

    Args:
        subscribe: As for `Observable`.
        misses: Whether a subscriber may miss updates.
    """

    def __init__(
        self, subscribe: abc.Subscription[Update] | None = None, *, misses: bool = False
    ) -> None:
        super().__init__(subscribe)
        self._misses = misses

    def outputs(self) -> Stream[Any]:
        """Pass on the values that were yielded; the final one only if that was nothing."""
        from .operators.outputs import outputs

        return _stream(self.pipe(outputs(misses=self._misses)))

    def statuses(self) -> Stream[StatusUpdate]:
        """Pass on all that is no output."""
        from .operators.statuses import statuses

        return _stream(self.pipe(statuses()))

    def progress(self) -> Stream[float]:
        """Pass on how much is done by the app's `gr.Progress`, from 0.0 to 1.0."""
        from .operators.progress import progress

        return _stream(self.pipe(progress()))

    def logs(self) -> Stream[LogMessage]:
        """Pass on what the app says by `gr.Info` and its like."""
        from .operators.logs import logs

        return _stream(self.pipe(logs()))

    def result(self) -> Stream[Any]:
        """Pass on the final value alone, and complete."""
        from .operators.result import result

        return _stream(self.pipe(result()))

    def text_deltas(self, of: Select | None = None) -> Stream[TextDelta]:
        """Pass on what is appended to a growing text, or to the messages of a chat.

        Args:
            of: Which of several outputs, a key of the one, or a function of them.
        """
        from .operators.text_deltas import text_deltas

        return _stream(self.pipe(text_deltas(of)))

    def snapshots(self) -> Stream[Snapshot]:
        """Pass on the newest view of the call; an error is in the last one."""
        from .operators.snapshots import snapshots

        return _stream(self.pipe(snapshots()))

    def timings(self, scheduler: abc.SchedulerBase | None = None) -> Stream[Timings]:
        """Pass on when the call was queued, started, had an output and was done.

        Args:
            scheduler: Whose clock it is by; else that of the subscription.
        """
        from .operators.timings import timings

        return _stream(self.pipe(timings(scheduler)))

    def keep_errors(self) -> Updates:
        """Make a failure the last status, which has the error, and complete."""
        from .operators.keep_errors import keep_errors

        return self._through(keep_errors())

    def timeout(
        self,
        duetime: typing.AbsoluteOrRelativeTime,
        other: Observable[Update] | None = None,
        scheduler: abc.SchedulerBase | None = None,
        *,
        first: float | None = None,
    ) -> Updates:
        """Fail with `DeadlineExceeded` if nothing is said for so many seconds.

        With `other`, or until a moment (a `datetime`), it is reactivex's.

        Args:
            duetime: Seconds, or a `timedelta`.
            other: What to go on with instead.
            scheduler: Keeps the time.
            first: Seconds until the first update, if not the same.
        """
        from .operators.timeout import timeout

        if other is not None or isinstance(duetime, datetime):
            return self._as_updates(super().timeout(duetime, other, scheduler))
        seconds = duetime.total_seconds() if isinstance(duetime, timedelta) else duetime
        return self._through(timeout(seconds, first=first, scheduler=scheduler))

    def deadline(self, seconds: float, *, scheduler: abc.SchedulerBase | None = None) -> Updates:
        """Fail with `DeadlineExceeded` if it has not ended after so many seconds.

        Args:
            seconds: From the subscription on.
            scheduler: Keeps the time.
        """
        from .operators.deadline import deadline

        return self._through(deadline(seconds, scheduler=scheduler))

    def retry(
        self,
        retry_count: Retry | int | None = None,
        *,
        when: Callable[[Exception], bool] | type[Exception] | None = None,
        scheduler: abc.SchedulerBase | None = None,
    ) -> Updates:
        """Make a call that has failed again, after the waits of a `Retry`; for cold streams.

        Args:
            retry_count: A `Retry`, or how many tries there are in all. None is reactivex's:
                for ever, and without a wait.
            when: Which errors are tried again.
            scheduler: Keeps the time.
        """
        from .operators.retry import retry

        if retry_count is None:
            return self._as_updates(super().retry())
        return self._through(retry(retry_count, when=when, scheduler=scheduler))

    def iterate(self, *, on_slow: OnSlow = "buffer", most: int = 1000) -> Iteration[Update]:
        """Return something to loop over, with `for` and with `async for`.

        Args:
            on_slow: What becomes of updates that the loop has not taken in time.
            most: How many may wait.
        """
        from .operators.iterate import iterate

        return iterate(on_slow=on_slow, most=most)(self)

    def _through(self, operator: Callable[[Observable[Update]], Observable[Update]]) -> Updates:
        return self._as_updates(operator(self))

    def _as_updates(self, stream: Observable[Update]) -> Updates:
        return Updates(_to(stream), misses=self._misses)
