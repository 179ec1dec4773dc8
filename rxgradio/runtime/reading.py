"""Three ways to read a log: block, await, or be called.

All three are the same loop: take what is there; if there is nothing, see
whether the log has ended; if not, park until it has more.
"""

from __future__ import annotations

__all__ = [
    "OnSlow",
    "Readable",
    "Subscription",
    "aread",
    "await_future",
    "placing",
    "read",
    "refuse_to_await",
    "refuse_to_block",
    "starter",
    "tell_error",
    "wake",
]

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, cast, get_args

from reactivex import abc
from reactivex.scheduler import (
    CurrentThreadScheduler,
    ImmediateScheduler,
    TrampolineScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ..exceptions import ConsumerTooSlow
from .log import Cursor, DroppingCursor, End, FailingCursor, LatestCursor, Log
from .process import delivery, on_loop_thread, threadless_loop

logger = logging.getLogger("rxgradio")

U = TypeVar("U")
U_co = TypeVar("U_co", covariant=True)

_TURN = 8
"""Chunks that one observer gets in a row before others have their turn."""

Start = Callable[[Callable[[], object]], object]
"""Starts an action soon, on some thread; never at once on the caller's."""


class Readable(Protocol[U_co]):
    """What is read: a cursor in a log, or something else that gives what it has when asked."""

    def take(self) -> Sequence[U_co]:
        """Return what there is and has not been taken; empty if there is nothing."""
        ...

    @property
    def end(self) -> End | None:
        """How it ended, once all has been taken; None before."""
        ...

    def park(self, waker: Callable[[], object], /) -> bool:
        """Arrange for `waker` to be called once when there is more; False if there is already."""
        ...

    def unpark(self) -> None:
        """Take the waker back."""
        ...


OnSlow: TypeAlias = Literal["buffer", "latest", "drop_oldest", "error"]
"""What becomes of what a reader has not taken in time.

"buffer": it waits. "latest": only the newest waits. "drop_oldest": so many wait at most, and
the oldest are dropped. "error": no more than so many may wait, or than a job keeps in bytes
(`Limits.replay`); then the stream fails with `ConsumerTooSlow`.
"""


def placing(
    log: Log[Any, Any, U], on_slow: OnSlow, most: int, newest: Callable[[Sequence[U]], list[U]]
) -> Callable[[], Cursor[Any, Any, U]]:
    """Return what makes cursors at the head of a log for readers of this kind.

    Raises:
        ValueError: There is no such kind, or `most` is not positive.
    """
    if most < 1:
        raise ValueError(f"most={most}: at least one update must be able to wait")
    match on_slow:
        case "buffer":
            return log.cursor
        case "latest":
            return lambda: LatestCursor(log, newest)
        case "drop_oldest":
            return lambda: DroppingCursor(log, most)
        case "error":
            said = f"more updates waited for their reader than may (on_slow='error', most={most})"
            return lambda: FailingCursor(log, most, lambda: ConsumerTooSlow(said))
        case _:
            kinds = ", ".join(map(repr, get_args(OnSlow)))
            raise ValueError(f"on_slow={on_slow!r}: it is one of {kinds}")


def wake(wakers: Iterable[Callable[[], object]]) -> None:
    """Call wakers; one that raises (its loop was closed) is its reader's own trouble."""
    for waker in wakers:
        try:
            waker()
        except Exception:
            logger.debug("a reader is gone: %r", waker, exc_info=True)


def read(cursor: Readable[U]) -> Generator[U]:
    """Yield all of a log, blocking while there is no more; raises the error it ends with.

    Raises:
        RuntimeError: The caller runs on the scheduler thread, which must not block.
    """
    refuse_to_block()
    more = threading.Event()
    while True:
        if taken := cursor.take():
            # Not parked here: the garbage collector may close this generator
            # at a `yield`, on any thread, and taking a lock then could deadlock.
            yield from taken
        elif (end := cursor.end) is not None:
            if end.error is not None:
                raise end.error
            return
        else:
            more.clear()
            if cursor.park(more.set):
                try:
                    with delivery().standing_aside(more.is_set):
                        more.wait()
                finally:
                    cursor.unpark()


async def aread(cursor: Readable[U]) -> AsyncGenerator[U]:
    """Yield all of a log on the running loop; raises the error it ends with."""
    loop = asyncio.get_running_loop()
    more = asyncio.Event()
    while True:
        if taken := cursor.take():
            for update in taken:
                yield update
        elif (end := cursor.end) is not None:
            if end.error is not None:
                raise end.error
            return
        else:
            refuse_to_await()
            more.clear()
            if cursor.park(lambda: loop.call_soon_threadsafe(more.set)):
                try:
                    await more.wait()
                finally:
                    cursor.unpark()


def await_future(future: Future[U], timeout: float | None = None) -> U:
    """Return the result of what was begun on the scheduler thread, blocking; raises its error.

    Raises:
        TimeoutError: It is not there within so many seconds.
        RuntimeError: The caller runs on the scheduler thread, which must not block.
    """
    refuse_to_block()
    with delivery().standing_aside(future.done, timeout):
        return future.result(timeout)


def refuse_to_block() -> None:
    """Raise on the scheduler thread: what it would wait for needs it to go on."""
    if on_loop_thread():
        if threadless_loop() is not None:
            raise RuntimeError(
                "this would block the event loop of virtual time; await it: the job, or "
                "Client.connect(...) for a client"
            )
        raise RuntimeError(
            "this would block rxgradio's scheduler thread, which everything waits for; "
            "await the job, or use a callback"
        )


def starter(scheduler: abc.SchedulerBase | None, observer: object) -> Start:
    """Return how an observer's turns are started: on `scheduler`, else on the delivery pool."""
    match scheduler:
        case None | CurrentThreadScheduler() | ImmediateScheduler() | TrampolineScheduler():
            # Those run actions on the thread that schedules them, and here that
            # is the scheduler thread.
            pool = delivery()
            whom = getattr(observer, "_on_next", observer)  # says more than reactivex's wrapper
            return lambda run: pool.start(run, whom)
        case AsyncIOScheduler() if not isinstance(scheduler, AsyncIOThreadSafeScheduler):
            loop = scheduler._loop  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (it is not told otherwise)
            return loop.call_soon_threadsafe
        case _:

            def on_scheduler(run: Callable[[], object]) -> object:
                def action(_: abc.SchedulerBase, __: object = None) -> None:
                    run()

                return scheduler.schedule(action)

            return on_scheduler


def refuse_to_await() -> None:
    """Raise in virtual time on any other loop: time does not go on while that waits."""
    virtual = threadless_loop()
    if virtual is not None and asyncio.get_running_loop() is not virtual:
        raise RuntimeError(
            "this would wait for ever: virtual time does not go on while another event loop "
            "waits; pass the coroutine to the `run` of VirtualTime"
        )


def tell_error(observer: abc.ObserverBase[Any], error: BaseException, label: str) -> None:
    """Signal an error; one that nobody handles is logged.

    Args:
        observer: Whom to tell.
        error: What failed.
        label: What the observer observes.
    """
    try:
        observer.on_error(cast("Exception", error))  # of a mirrored Future it may be any
    except BaseException as raised:
        if raised is not error:
            raise
        # reactivex's stand-in for a missing on_error raises what it gets.
        # Who cancels knows of it; whose call fails should.
        logger.log(
            logging.DEBUG if isinstance(error, CancelledError) else logging.WARNING,
            "a call of %s failed, and its subscriber has no on_error: %s: %s",
            label,
            type(error).__name__,
            error,
        )


class Subscription(abc.DisposableBase, Generic[U]):
    """An observer's place in a log, drained on a thread that `start` chooses.

    At most one drain is under way, so the observer is called serially. Its
    code runs in a copy of the context of the subscriber. Disposing it never
    waits for a callback in progress.
    """

    def __init__(
        self,
        cursor: Readable[U],
        observer: abc.ObserverBase[U],
        start: Start,
        label: str,
    ) -> None:
        self._cursor = cursor
        self._observer: abc.ObserverBase[U] | None = observer
        self._start = start
        self._label = label
        self._context = contextvars.copy_context()
        self._idle = False
        self.resume()

    def resume(self) -> None:
        """Have the observer called with what there is, soon."""
        self._start(self._enter)

    def dispose(self) -> None:
        """Stop calling the observer, and let go of it."""
        self._observer = None
        self._cursor.unpark()

    def _enter(self) -> None:
        # Parked, and started again, outside of the context: the next turn may begin at
        # once on another thread, and no two threads can be in one context.
        for _ in range(_TURN):
            if not self._context.run(self._turn):
                return
            if self._idle and self._cursor.park(self.resume):
                if self._observer is None:  # disposed of meanwhile
                    self._cursor.unpark()
                return
        self.resume()

    def _turn(self) -> bool:
        """Deliver one chunk; returns whether there may be more."""
        try:
            return self._deliver()
        except BaseException as error:  # a SystemExit too, and asyncio's CancelledError
            # A subscriber that throws has cancelled (Reactive Streams, 2.13).
            logger.exception("an observer of %s raised, and is not called any more", self._label)
            self._dispose_of_observer()
            if isinstance(error, KeyboardInterrupt):  # it is meant for the program
                raise
            return False

    def _deliver(self) -> bool:
        self._idle = False
        if taken := self._cursor.take():
            for update in taken:
                observer = self._observer
                if observer is None:
                    return False
                observer.on_next(update)
            return True
        if (end := self._cursor.end) is None:
            self._idle = self._observer is not None
            return self._idle
        observer, self._observer = self._observer, None
        if observer is None:
            return False
        if end.error is None:
            observer.on_completed()
        else:
            tell_error(observer, end.error, self._label)
        return False

    def _dispose_of_observer(self) -> None:
        observer = self._observer
        self.dispose()
        # reactivex's own observers dispose of the whole subscription.
        dispose = getattr(observer, "dispose", None)
        if callable(dispose):
            dispose()
