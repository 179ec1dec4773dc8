"""Where the inputs of many calls come from, and how they are asked for one at a time.

As in Reactive Streams: nothing is pulled that was not requested. What is pulled runs code
of users, which may block: so each kind of source is pulled where that harms nobody.
"""

from __future__ import annotations

__all__ = ["Inputs", "Sink", "Source", "pulling"]

import asyncio
import contextvars
import logging
import threading
from collections import deque
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    ValuesView,
)
from collections.abc import (
    Set as AbstractSet,
)
from concurrent.futures import CancelledError
from typing import Any, Protocol, TypeAlias, cast

from reactivex import Observable, abc

logger = logging.getLogger("rxgradio")

Inputs: TypeAlias = "Iterable[Any] | AsyncIterable[Any] | Observable[Any]"


class Sink(Protocol):
    """Takes inputs, one at a time, from any thread."""

    def on_input(self, value: Any) -> None:
        """Take one that was requested."""
        ...

    def on_end(self, error: BaseException | None) -> None:
        """Take note that there is no more, or that asking for more failed."""
        ...


class Source(Protocol):
    """Inputs on their way to one sink."""

    def request(self, count: int) -> None:
        """Ask for so many more; called by one thread at a time."""
        ...

    def cancel(self) -> None:
        """Ask for no more, and let go of where they come from; waits for nothing."""
        ...


def pulling(
    inputs: Inputs,
) -> Callable[[Sink, abc.SchedulerBase | None], Source]:
    """Return what begins to get these inputs, for a sink.

    Raises:
        TypeError: They are no inputs.
    """
    # Not everything that can be iterated over is in memory, however well it knows its
    # length: data sets read files, and progress bars wrap what blocks.
    match inputs:
        case str() | bytes() | bytearray():
            raise TypeError("a text is one input; map takes many: put it into a list")
        case Observable():
            return lambda sink, scheduler: _Pushed(inputs, sink, scheduler)
        case Sequence() | AbstractSet() | Mapping() | ValuesView():
            return lambda sink, _: _InMemory(cast("Iterable[Any]", inputs), sink)
        case Iterable():  # a job too, which yields outputs here, and updates to `async for`
            return lambda sink, _: _Pulled(inputs, sink)
        case AsyncIterable():
            return lambda sink, _: _Awaited(inputs, sink)
        case _:
            what = type(inputs).__name__
            problem = f"inputs are an iterable, an async iterable or an Observable, not {what}"
            raise TypeError(problem)


class _InMemory:
    """A collection: whoever asks for an input gets it at once."""

    def __init__(self, inputs: Iterable[Any], sink: Sink) -> None:
        self._inputs = inputs
        self._sink = sink
        self._iterator: Iterator[Any] | None = None
        self._over = False

    def request(self, count: int) -> None:
        for _ in range(count):
            if self._over:
                return
            try:
                if self._iterator is None:
                    self._iterator = iter(self._inputs)
                value = next(self._iterator)
            except StopIteration:
                self._end(None)
            except Exception as error:  # noqa: BLE001 (it is the user's collection)
                self._end(error)
            else:
                self._sink.on_input(value)

    def cancel(self) -> None:
        self._over = True

    def _end(self, error: Exception | None) -> None:
        self._over = True
        self._iterator = None
        self._sink.on_end(error)


class _Pulled:
    """An iterable that may block: it has a thread, while there is anything to ask for.

    Always the same one, as some things belong to the thread that has made them (such as
    the database connection of a generator).
    """

    def __init__(self, inputs: Iterable[Any], sink: Sink) -> None:
        self._inputs = inputs
        self._sink = sink
        self._context = contextvars.copy_context()
        self._wanted = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._cancelled = False

    def request(self, count: int) -> None:
        self._wanted.release(count)
        if self._thread is None:
            self._thread = _thread(lambda: self._context.run(self._pull))

    def cancel(self) -> None:
        self._cancelled = True
        self._wanted.release()

    def _pull(self) -> None:
        try:
            iterator = iter(self._inputs)
            while True:
                self._wanted.acquire()
                if self._cancelled:
                    _close(iterator)
                    return
                try:
                    value = next(iterator)
                except StopIteration:
                    break
                self._sink.on_input(value)
        except BaseException as error:  # noqa: BLE001 (whatever it is, nobody must wait on)
            self._sink.on_end(error)
        else:
            self._sink.on_end(None)


class _Awaited:
    """An async iterable: a task of the subscriber's loop asks for its items.

    A subscriber that runs on no loop gets a thread that has one.
    """

    def __init__(self, inputs: AsyncIterable[Any], sink: Sink) -> None:
        self._inputs = inputs
        self._sink = sink
        self._lock = threading.RLock()
        self._wanted = 0
        self._more = asyncio.Event()
        self._cancelled = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._task = self._begin(self._loop)

    def request(self, count: int) -> None:
        with self._lock:
            self._wanted += count
            if self._loop is None and self._thread is None:
                self._thread = _thread(lambda: self._context.run(asyncio.run, self._on_its_own()))
        self._call(self._more.set)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
        if self._task is not None:
            self._call(self._task.cancel)

    def _call(self, action: Callable[[], object]) -> None:
        if self._loop is None:  # not yet: it will see what is wanted
            return
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:
            logger.debug("the event loop that inputs came from is closed")

    async def _on_its_own(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._task = self._begin(self._loop)
            if self._cancelled:
                self._task.cancel()
        await asyncio.wait([self._task])

    def _begin(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        task = loop.create_task(self._pull())
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # by its loop, if not by us
            self._sink.on_end(CancelledError("the task that asked for inputs was cancelled"))

    async def _pull(self) -> None:
        try:
            iterator = aiter(self._inputs)
            while True:
                try:
                    await self._room()
                    value = await anext(iterator)
                except StopAsyncIteration:
                    break
                except asyncio.CancelledError:
                    await _aclose(iterator)
                    raise
                self._sink.on_input(value)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 (whatever it is, nobody must wait on)
            self._sink.on_end(error)
        else:
            self._sink.on_end(None)

    async def _room(self) -> None:
        while True:
            with self._lock:
                if self._wanted:
                    self._wanted -= 1
                    return
                self._more.clear()
            await self._more.wait()


class _Pushed:
    """An Observable, which cannot be asked: what it says too early waits in memory."""

    def __init__(
        self, inputs: Observable[Any], sink: Sink, scheduler: abc.SchedulerBase | None
    ) -> None:
        self._sink = sink
        self._lock = threading.RLock()
        self._waiting: deque[Any] = deque()
        self._wanted = 0
        self._passing = False
        self._ended = False
        self._cancelled = False
        self._error: Exception | None = None
        self._subscription = inputs.subscribe(
            self._on_next, self._on_error, self._on_completed, scheduler=scheduler
        )

    def request(self, count: int) -> None:
        with self._lock:
            self._wanted += count
        self._pass_on()

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            self._waiting.clear()
        self._subscription.dispose()

    def _on_next(self, value: Any) -> None:
        with self._lock:
            if self._cancelled:
                return
            self._waiting.append(value)
        self._pass_on()

    def _on_error(self, error: Exception) -> None:
        with self._lock:
            self._ended = True
            self._error = error
        self._pass_on()

    def _on_completed(self) -> None:
        with self._lock:
            self._ended = True
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if self._passing:
                return
            self._passing = True
        while True:
            with self._lock:
                over = self._cancelled or (self._ended and not self._waiting)
                if over or not self._waiting or not self._wanted:
                    self._passing = over  # if it is over, for good
                    break
                self._wanted -= 1
                value = self._waiting.popleft()
            self._sink.on_input(value)
        if over and not self._cancelled:
            self._sink.on_end(self._error)


def _thread(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run, name="rxgradio-inputs", daemon=True)
    thread.start()
    return thread


def _close(iterator: Iterator[Any]) -> None:
    close = getattr(iterator, "close", None)
    if callable(close):
        try:
            close()
        except Exception:
            logger.exception("inputs that are not wanted any more could not be closed")


async def _aclose(iterator: AsyncIterator[Any]) -> None:
    aclose = getattr(iterator, "aclose", None)
    if callable(aclose):
        try:
            await cast("Callable[[], Awaitable[Any]]", aclose)()
        except Exception:
            logger.exception("inputs that are not wanted any more could not be closed")
