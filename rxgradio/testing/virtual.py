"""Virtual time: a test says what time it is, and nothing happens but what is due."""

from __future__ import annotations

__all__ = ["VirtualTime"]

import asyncio
import contextvars
import importlib
import logging
import math
import sys
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, TypeVarTuple, cast

from reactivex import Observable, abc, typing
from reactivex.internal import SequenceContainsNoElementsError
from reactivex.testing import ReactiveTest, TestScheduler
from reactivex.testing.mockobserver import MockObserver

from ..clock import taken_from
from ..runtime.delivery import Delivery
from ..runtime.loop import Home
from ..runtime.process import replaced, threadless_loop
from ..transport.interface import placed

_reactivex_run: Any = importlib.import_module("reactivex.run")  # the function hides its module

logger = logging.getLogger("rxgradio")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LEAVE = 60.0
"""Virtual seconds that what is left gets to end when the context does, each time it is told."""

_ROUNDS = 8
"""How often it is told."""


class VirtualTime(TestScheduler):
    """reactivex's `TestScheduler`, by whose clock all of rxgradio goes while in its context.

        with VirtualTime() as time:
            app = MemoryApp({"/search": "--a--b|"})
            keys = time.create_hot_observable(on_next(300, "g"), on_next(301, "gr"))
            search = app.client().endpoint("/search")
            seen = time.start(lambda: keys.pipe(search.latest()))
            assert [call.end for call in app.calls] == ["cancelled", "finished"]

    Clients, jobs, their timers and watchdogs, operators, and the functions of apps in memory
    run on the thread of the test, when it says that time goes on: `start`, `advance_to` and
    `advance_by`, in seconds, or `run`. Whatever waits for a job (`result`, `predict`, `for`)
    lets time go on until that is there, and so does `run()` of a stream. Nothing happens by
    chance: the same test has the same course, always.

    Beyond reactivex's: no time passes by the number of things that are due at once, what is
    due now is done by `advance_by(0)`, and what was cancelled moves no clock.

    It is one thread's. Nothing that waits in another way lets time go on, such as
    `concurrent.futures.wait`, an `Event`, or another event loop.
    """

    __test__ = False

    def __init__(self) -> None:
        super().__init__(initial_clock=0.0)
        self._home = _VirtualHome(self)
        self._delivery = _VirtualDelivery(self)
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        """Begin: what is made from here on, in this context, goes by this clock.

        Raises:
            RuntimeError: It has begun before.
        """
        self._home.begin()
        self._entered.enter_context(replaced(self._home, self._delivery))
        self._entered.enter_context(taken_from(lambda: self.now))
        self._entered.enter_context(placed(_refuse))
        self._entered.enter_context(self._running_streams())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the clients that are open, and end what still runs."""
        try:
            self._home.shut_down()
        finally:
            self._entered.close()

    @contextmanager
    def _running_streams(self) -> Generator[None]:
        """Have `stream.run()` of reactivex let time go on, where it goes by this clock."""
        usual = _reactivex_run.run

        def run(source: Observable[T], scheduler: abc.SchedulerBase | None = None) -> T:
            if threadless_loop() is self._home.loop:
                return self.run(source)
            return cast("T", usual(source, scheduler))

        _reactivex_run.run = run
        try:
            yield
        finally:
            _reactivex_run.run = usual

    # ---- time goes on

    def run(
        self,
        work: Coroutine[Any, Any, T] | Observable[T] | Future[T],
        timeout: float | None = None,
    ) -> T:
        """Let time go on until a coroutine has returned, or a stream or a job has ended.

        Returns what the coroutine does, or the last value of the stream; raises their error.
        `asyncio.sleep` and `asyncio.timeout` in the coroutine go by this clock.

        Raises:
            TimeoutError: It has not within so many virtual seconds.
            RuntimeError: Nothing is due any more, so that it never will; or the caller is a
                coroutine that runs in it.
            SequenceContainsNoElementsError: The stream has ended without a value.
        """
        if self._home.current:
            if isinstance(work, Coroutine):
                work.close()
            _refuse_inside()
        match work:
            case Observable():
                future = self._last(work)
            case Future():
                future = work
            case _:
                future = self._home.run(work)
        try:
            self.await_(future.done, timeout)
        except BaseException:
            future.cancel()
            self.advance_by(0)
            raise
        self.advance_by(0)  # what is cancelled by its end is told so
        return future.result()

    def start(
        self,
        create: Callable[[], Observable[T]] | None = None,
        created: float | None = None,
        subscribed: float | None = None,
        disposed: float | None = None,
    ) -> MockObserver[T]:
        """Do as reactivex's: make a stream at 100 s, subscribe at 200 s, dispose at 1,000 s.

        Returns its observer, with what it was told and when, when nothing is due any more.

        Raises:
            RuntimeError: The caller is a coroutine that runs in it.
        """
        if self._home.current:
            _refuse_inside()
        observer: MockObserver[T] = self.create_observer()
        if create is not None:
            source: list[Observable[T]] = []
            subscription: list[abc.DisposableBase] = []
            self._at(created or ReactiveTest.created, lambda: source.append(create()))
            self._at(
                subscribed or ReactiveTest.subscribed,
                lambda: subscription.extend(
                    each.subscribe(observer, scheduler=self) for each in source
                ),
            )
            self._at(
                disposed or ReactiveTest.disposed,
                lambda: [each.dispose() for each in subscription],
            )
        self._stopped = False
        while not self._stopped and self._step():
            pass
        return observer

    def stop(self) -> None:
        """Let no more time go on, if it is under way."""
        self._stopped = True

    def advance_to(self, time: typing.AbsoluteTime) -> None:
        """Let time go on to this moment, and do all that is due until then, and at it.

        Raises:
            ValueError: It has passed.
            RuntimeError: The caller is a coroutine that runs in it.
        """
        if self._home.current:
            _refuse_inside()
        until = self.to_seconds(time)
        if until < self.seconds:
            raise ValueError(f"it is {self.seconds:g} s, and time does not go back to {until:g} s")
        self._stopped = False
        while not self._stopped and self._step(until):
            pass
        if not self._stopped:
            self._clock = max(self.seconds, until)  # a callback may have waited for longer

    def advance_by(self, time: typing.RelativeTime) -> None:
        """Let so many seconds pass, and do all that is due until then."""
        self.advance_to(self.seconds + self.to_timedelta(time).total_seconds())

    @property
    def seconds(self) -> float:
        """The time, in seconds."""
        return self.to_seconds(self._clock)

    def await_(self, fact: Callable[[], bool], timeout: float | None = None) -> None:
        """Let time go on until something is so.

        Raises:
            TimeoutError: It is not so within so many virtual seconds.
            RuntimeError: Nothing is due any more, so that it never will be.
        """
        until = math.inf if timeout is None else self.seconds + timeout
        while not fact():
            if self._step(until):
                continue
            if timeout is None or math.isinf(timeout):
                _refuse_to_wait()
            self._clock = max(self.seconds, until)  # as above
            raise TimeoutError(f"it was not so within {timeout:g} virtual seconds")

    def _step(self, until: float = math.inf) -> bool:
        """Do the next thing that is due until then; returns whether there was one."""
        while self._queue:
            item = self._queue.peek()
            if not item.is_cancelled() and self.to_seconds(item.duetime) > until:
                return False
            self._queue.dequeue()
            if item.is_cancelled():
                continue
            self._clock = max(self.seconds, self.to_seconds(item.duetime))
            item.invoke()
            return True
        return False

    def _at(self, time: float, action: Callable[[], object]) -> None:
        def run(_: abc.SchedulerBase, __: object = None) -> None:
            action()

        self.schedule_absolute(float(time), run)

    def _last(self, stream: Observable[T]) -> Future[T]:
        future: Future[T] = Future()
        last: list[T] = []

        def keep(value: T) -> None:
            last[:] = [value]

        def complete() -> None:
            if last:
                future.set_result(last[0])
            else:
                future.set_exception(SequenceContainsNoElementsError())

        subscription = stream.subscribe(keep, future.set_exception, complete, scheduler=self)
        future.add_done_callback(lambda _: subscription.dispose())
        return future


def _refuse(address: str, _: object) -> NoReturn:
    raise RuntimeError(
        f"there is no app in memory at {address}, and the network has no place in virtual time; "
        "what stands for it (MemoryApp, replay) is to be entered after VirtualTime"
    )


def _refuse_to_wait() -> NoReturn:
    raise RuntimeError(
        "this would wait for ever: nothing is due any more. Is it to come from an endpoint that "
        "never ends, or from something that is no part of virtual time, such as a client or an app "
        "that was made before it began?"
    )


def _refuse_inside() -> NoReturn:
    raise RuntimeError(
        "what lets time go on cannot be called in a coroutine that runs in it; "
        "await asyncio.sleep(...), the job, or what is to be run"
    )


def _refuse_thread() -> NoReturn:
    raise RuntimeError("virtual time is that of one thread, and other threads have no part in it")


class _VirtualHome(Home):
    """The scheduler thread, without a thread."""

    def __init__(self, time: VirtualTime) -> None:
        self._virtual = _VirtualLoop(time)  # type: ignore[abstract]  # it does no I/O; and at runtime none is abstract
        super().__init__(self._virtual)
        self._time = time
        self._begun = False

    def begin(self) -> None:
        """Belong to this thread from here on."""
        if self._begun:
            raise RuntimeError("this virtual time has had its context; make another one")
        self._begun = True
        self._virtual.thread = threading.get_ident()

    def check_thread(self) -> None:
        """Raise on other threads than the test's."""
        if threading.get_ident() != self._virtual.thread:
            _refuse_thread()

    @property
    def current(self) -> bool:
        """Whether a task or a callback of the loop is under way."""
        return asyncio._get_running_loop() is self.loop  # noqa: SLF001 (public in all but name)

    def shut_down(self) -> None:
        """Close all tenants, and end what is left."""

        async def leave() -> None:
            leaving = [asyncio.ensure_future(tenant.aclose()) for tenant in list(self.tenants)]
            if leaving:
                await asyncio.wait(leaving, timeout=_LEAVE)
            here = asyncio.current_task()
            for _ in range(_ROUNDS):  # as what is ended may begin something to end it
                tasks = list(self._virtual.tasks)
                rest = [each for each in tasks if each is not here and not each.done()]
                if not rest:
                    break
                for task in rest:
                    task.cancel()
                await asyncio.wait(rest, timeout=_LEAVE)
            await asyncio.wait_for(self._virtual.shutdown_asyncgens(), _LEAVE)

        try:
            with suppress(TimeoutError):
                self._time.run(leave(), (_ROUNDS + 3) * _LEAVE)
            self._time.advance_by(0)
        finally:
            self._virtual.close()


class _VirtualDelivery(Delivery):
    """The delivery pool, without threads."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(lambda _, __: None)
        self._time = time

    def start(self, run: Callable[[], object], whom: object) -> None:
        """Run a callback when it is its turn, at this moment."""
        context = contextvars.copy_context()

        def action(_: abc.SchedulerBase, __: object = None) -> None:
            try:
                context.run(run)
            except (Exception, asyncio.CancelledError):
                logger.exception("a callback raised: %r", whom)

        self._time.schedule(action)

    @contextmanager
    def standing_aside(
        self, until: Callable[[], bool], timeout: float | None = None
    ) -> Generator[None]:
        """Let time go on until something is so, for some virtual seconds at most."""
        self._time.await_(until, timeout)
        yield

    def drain(self, timeout: float) -> bool:  # noqa: ARG002 (no time passes)
        """Do what is due."""
        self._time.advance_by(0)
        return True


class _VirtualLoop(asyncio.AbstractEventLoop):
    """An asyncio loop that does no I/O, and runs what is due when its scheduler does."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._ready: deque[asyncio.Handle] = deque()
        self._scheduled: dict[int, abc.DisposableBase] = {}
        """What is to come, by the `id` of its handle: handles are equal if they do the same."""
        self._due = False  # what is ready
        self._closed = False
        self._generators: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()
        self.tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], None] = weakref.WeakKeyDictionary()
        """In the order in which they began: those of a set have none."""
        self.thread: int | None = None
        """That of the test."""

    def time(self) -> float:
        return self._time.seconds

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        if self._closed:
            raise RuntimeError("Event loop is closed")
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        if not self._due:
            self._due = True
            self._time.schedule(self._drain)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        if self.thread not in (None, threading.get_ident()):
            _refuse_thread()
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def due(_: abc.SchedulerBase, __: object = None) -> None:
            del self._scheduled[id(handle)]
            self._run(handle)

        if not math.isinf(when):
            self._scheduled[id(handle)] = self._time.schedule_absolute(max(when, self.time()), due)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if (scheduled := self._scheduled.pop(id(handle), None)) is not None:
            scheduled.dispose()

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, **named)
        self.tasks[task] = None
        return task

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride] (typeshed has a coroutine's type)
        self,
        executor: Executor | None,  # noqa: ARG002 (there are no threads)
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Run a function when it is its turn, at this moment: what blocks takes no virtual time.

        As on a thread, no loop runs there, and it may wait for jobs.
        """
        future: asyncio.Future[T] = self.create_future()

        def action(_: abc.SchedulerBase, __: object = None) -> None:
            if future.done():  # it was cancelled
                return
            try:
                result = func(*args)
            except StopIteration as error:  # which no future can have
                stopped = RuntimeError(f"{func!r} raised StopIteration")
                stopped.__cause__ = error
                future.set_exception(stopped)
            except BaseException as error:  # noqa: BLE001 (it is handed on)
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self._time.schedule(action)
        return future

    async def shutdown_asyncgens(self) -> None:
        closing = [generator.aclose() for generator in self._generators]
        self._generators.clear()
        await asyncio.gather(*closing, return_exceptions=True)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        logger.error("%s", context.get("message"), exc_info=context.get("exception"))

    def _drain(self, _: abc.SchedulerBase, __: object = None) -> None:
        try:
            while self._ready:
                self._run(self._ready.popleft())
        finally:
            self._due = bool(self._ready)
            if self._due:
                self._time.schedule(self._drain)

    def _run(self, handle: asyncio.Handle) -> None:
        outer = asyncio._get_running_loop()  # noqa: SLF001 (public in all but name)
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)  # noqa: SLF001 (as above)
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._close_generator)
        try:
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 (as `_run_once` of base_events.py does)
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(outer)  # noqa: SLF001 (as above)

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        """Close one that was left half-way (`_asyncgen_finalizer_hook` of base_events.py)."""
        self._generators.discard(generator)
        if not self._closed:
            self.call_soon_threadsafe(self.create_task, generator.aclose())
