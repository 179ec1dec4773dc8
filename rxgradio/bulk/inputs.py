"""Where the inputs of many calls come from, and how they are asked for one at a time.

As in Reactive Streams: nothing is pulled that was not requested. What is pulled runs code
of users, which may block: so each kind of source is pulled where that harms nobody.
"""

from __future__ import annotations

__all__ = ["Inputs", "Source", "pulling"]

import contextvars
import logging
import threading
from collections import deque
from collections.abc import (
    AsyncIterable,
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
from typing import Any, Protocol, TypeAlias, cast

from reactivex import Observable, abc

from ..operators.iterate import Pullable
from ..runtime.awaited import Awaited, Sink, running_loop
from ..runtime.process import delivery, threadless_loop

logger = logging.getLogger("rxgradio")

Inputs: TypeAlias = "Iterable[Any] | AsyncIterable[Any] | Observable[Any]"


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
        case Observable() if isinstance(inputs, Pullable):
            return lambda sink, _: _Asked(cast("Pullable[Any]", inputs), sink)
        case Observable():
            return lambda sink, scheduler: _Pushed(inputs, sink, scheduler)
        case Sequence() | AbstractSet() | Mapping() | ValuesView():
            return lambda sink, _: _InMemory(cast("Iterable[Any]", inputs), sink)
        case Iterable():  # a job too, which yields outputs here, and updates to `async for`
            if threadless_loop() is not None:
                return lambda sink, _: _InTurn(inputs, sink)
            return lambda sink, _: _Pulled(inputs, sink)
        case AsyncIterable():
            home = running_loop()
            return lambda sink, _: Awaited(inputs.__aiter__, sink, home)
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
            except BaseException as error:  # noqa: BLE001 (whatever it is, nobody must wait on)
                self._end(error)
            else:
                self._sink.on_input(value)

    def cancel(self) -> None:
        self._over = True

    def _end(self, error: BaseException | None) -> None:
        self._over = True
        self._iterator = None
        self._sink.on_end(error)


class _InTurn(_InMemory):
    """An iterable where there are no threads: it is asked when it is its turn.

    While it waits for a job, others have their turns, and may ask for more, or cancel.
    """

    def __init__(self, inputs: Iterable[Any], sink: Sink) -> None:
        super().__init__(inputs, sink)
        self._wanted = 0
        self._busy = False
        self._cancelled = False

    def request(self, count: int) -> None:
        self._wanted += count
        delivery().start(self._pull, "inputs")

    def cancel(self) -> None:
        super().cancel()
        self._cancelled = True
        if self._iterator is not None:
            delivery().start(self._pull, "inputs")

    def _pull(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while self._wanted and not self._over:
                self._wanted -= 1
                super().request(1)
        finally:
            self._busy = False
        if self._cancelled:
            iterator, self._iterator = self._iterator, None
            if iterator is not None:
                _close(iterator)


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
            self._thread = threading.Thread(
                target=lambda: self._context.run(self._pull), name="rxgradio-inputs", daemon=True
            )
            self._thread.start()

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


class _Asked:
    """A stream that can be asked, such as the results of another map."""

    def __init__(self, inputs: Pullable[Any], sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.RLock()
        self._wanted = 0
        self._busy = False
        self._woken = False
        self._over = False
        self._cursor, self._leave = inputs.pull()

    def request(self, count: int) -> None:
        with self._lock:
            self._wanted += count
        self._pass_on()

    def cancel(self) -> None:
        with self._lock:
            self._over = True
        self._cursor.unpark()
        self._leave()

    def _wake(self) -> None:
        with self._lock:
            self._woken = True
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if self._busy:
                return
            self._busy = True
        while self._goes_on():
            if taken := self._cursor.take():
                for value in taken:
                    with self._lock:
                        self._wanted -= 1
                    self._sink.on_input(value)
            elif (end := self._cursor.end) is not None:
                with self._lock:
                    self._over = True
                self._sink.on_end(end.error)
            elif self._cursor.park(self._wake):
                with self._lock:
                    if not self._woken:  # meanwhile
                        self._busy = False
                        return

    def _goes_on(self) -> bool:
        """Return whether to ask now; else it is not at it any more, for good if it is over."""
        with self._lock:
            self._woken = False
            self._busy = self._over or self._wanted > 0
            return self._busy and not self._over


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


def _close(iterator: Iterator[Any]) -> None:
    close = getattr(iterator, "close", None)
    if callable(close):
        try:
            close()
        except Exception:
            logger.exception("inputs that are not wanted any more could not be closed")
