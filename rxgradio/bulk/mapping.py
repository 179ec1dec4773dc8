"""The results of many calls as one stream, which is only as fast as its observer.

A call takes a place until the observer has returned from its result; there are so many
places, and an input is only asked for when there is one.
"""

from __future__ import annotations

__all__ = ["MapProgress", "MapResult", "MapResults", "mapped"]

import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable

from ..exceptions import ClientClosed
from ..operators.iterate import Iteration
from ..runtime.log import End
from ..runtime.reading import Readable, Subscription, starter, wake
from .inputs import Inputs, Source, pulling


@dataclass(frozen=True, slots=True)
class MapProgress:
    """How far a map is: how many calls have been `done`, and of these have `failed`.

    `in_flight` have begun and not ended. `total` is None where inputs do not know
    how many they are.
    """

    done: int
    failed: int
    in_flight: int
    total: int | None


@dataclass(frozen=True, slots=True)
class MapResult:
    """What became of one of many inputs: its `output`, or the `error` that its call failed with.

    `index` counts the inputs, from 0; `progress` tells how far all of them are,
    this one included.
    """

    index: int
    input: Any
    output: Any = None
    error: Exception | None = None
    progress: MapProgress = field(default=MapProgress(0, 0, 0, None), compare=False, repr=False)


def mapped(
    inputs: Inputs,
    call: Callable[[Any], Observable[Any]],
    *,
    max_concurrent: int = 8,
    ordered: bool = True,
    on_error: Literal["keep", "raise"] = "keep",
    label: str = "a map",
) -> MapResults:
    """Return the last value of the stream that `call` makes of each input.

        inputs:      a b c|
        call(a):     ----A|
        call(b):     --B|
        call(c):         --C|            (max_concurrent=2: c waits until A was taken)
        ordered:     ----A-B-C|
        otherwise:   --B-A-C|

    It is `endpoint.map` for calls of any kind: with policies, of several endpoints, and so on.

    Args:
        inputs: Where inputs come from. The results of another map are inputs by their output;
            those with an error become results with that error.
        call: Makes a stream of an input; may raise.
        max_concurrent: How many inputs are on their way, from being asked for to the
            observer having returned from their result.
        ordered: Give the results in the order of the inputs.
        on_error: Keep an error as a result, or end with it.
        label: What it is called in warnings.

    Raises:
        TypeError: There are no inputs in `inputs`.
        ValueError: An option is out of its range.
    """
    return MapResults.of(
        inputs,
        lambda: call,
        max_concurrent=max_concurrent,
        ordered=ordered,
        on_error=on_error,
        label=label,
    )


class MapResults(Observable[MapResult]):
    """The results of many calls: a stream, and something to loop over.

        for result in endpoint.map(inputs): ...
        async for result in endpoint.map(inputs): ...

    Each loop begins anew. It asks for the results, so none has to wait for it: an input has
    its place until the loop asks for the result after its own. A loop that is left cancels
    the calls under way. What an operator makes of this stream is a stream like any other.

    Args:
        begin: Begins the calls of one subscription.
        label: What it is called in warnings.
    """

    def __init__(self, begin: Callable[[abc.SchedulerBase | None], _Calls], label: str) -> None:
        def subscribe(
            observer: abc.ObserverBase[MapResult], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            calls = begin(scheduler)
            results = Subscription(calls, observer, starter(scheduler, observer), label)
            return CompositeDisposable(results, Disposable(calls.stop))

        super().__init__(subscribe)
        self._begin = begin

    @classmethod
    def of(
        cls,
        inputs: Inputs,
        caller: Callable[[], Callable[[Any], Observable[Any]]],
        *,
        max_concurrent: int,
        ordered: bool,
        on_error: Literal["keep", "raise"],
        label: str,
    ) -> MapResults:
        """Do as `mapped`, with a function that `caller` makes anew for each subscription."""
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent is a positive number, not {max_concurrent!r}")
        if on_error not in ("keep", "raise"):
            raise ValueError(f"on_error is 'keep' or 'raise', not {on_error!r}")
        source = pulling(inputs)

        def begin(scheduler: abc.SchedulerBase | None) -> _Calls:
            calls = _Calls(
                caller(),
                scheduler,
                places=max_concurrent,
                ordered=ordered,
                keep=on_error == "keep",
                total=_length(inputs),
            )
            calls.begin(source(calls, scheduler))
            return calls

        return cls(begin, label)

    def pull(self) -> tuple[Readable[MapResult], Callable[[], object]]:
        """Begin anew; returns where to take the results from, and what stops all of it."""
        calls = self._begin(None)
        return calls, calls.stop

    def __iter__(self) -> Generator[MapResult]:
        """Yield each result, blocking; raises the error of the stream."""
        return iter(Iteration(self.pull))

    def __aiter__(self) -> AsyncGenerator[MapResult]:
        """Yield each result on the running loop; raises the error of the stream."""
        return aiter(Iteration(self.pull))


class _Call:
    """An input on its way."""

    __slots__ = ("ended", "error", "index", "input", "output", "subscription")

    def __init__(self, index: int, value: Any) -> None:
        self.index = index
        self.input = value
        self.output: Any = None
        self.error: Exception | None = None
        self.ended = False
        self.subscription = SingleAssignmentDisposable()

    def take(self, value: Any) -> None:
        self.output = value


class _Calls:
    """One subscription: the calls on their way, and a cursor over their results."""

    def __init__(
        self,
        call: Callable[[Any], Observable[Any]],
        scheduler: abc.SchedulerBase | None,
        *,
        places: int,
        ordered: bool,
        keep: bool,
        total: int | None,
    ) -> None:
        self._call = call
        self._scheduler = scheduler
        self._keep = keep
        self._ordered = ordered
        self._total = total
        self._lock = threading.RLock()  # what is let go of may be disposed of by finalizers
        self._source: Source | None = None
        self._places = places
        """Those that are free, and not asked for yet."""
        self._begun = 0
        self._running = 0
        self._done = 0
        self._failed = 0
        self._calls: dict[int, _Call] = {}
        """Those without a result that was taken, by the number of their input."""
        self._ready: deque[int] = deque()
        """The numbers of those that have ended, where their order does not matter."""
        self._exhausted: End | None = None
        self._failure: End | None = None
        self._stopped = False
        self._waker: Callable[[], object] | None = None

    def begin(self, source: Source) -> None:
        """Take the source of the inputs, of which the first are asked for by `take`."""
        with self._lock:
            self._source = source
            left = self._failure is not None
        if left:
            source.cancel()

    def stop(self) -> None:
        """Ask for no more inputs, and cancel the calls on their way."""
        with self._lock:
            self._stopped = True
            self._waker = None
        self._leave()
        with self._lock:
            self._calls.clear()

    # ---- what a reader wants

    def take(self) -> list[MapResult]:
        """Return the next result, if there is one; the one before is done with."""
        with self._lock:
            if self._stopped:
                return []
            places, self._places = self._places, 0
            source = self._source if self._failure is None else None
        if places and source is not None:
            source.request(places)
        with self._lock:
            if self._stopped or (index := self._next) is None:
                return []
            if not self._ordered:
                self._ready.popleft()
            call = self._calls.pop(index)
            self._places += 1
            self._done += 1
            self._failed += call.error is not None
            progress = MapProgress(self._done, self._failed, self._running, self._total)
        return [MapResult(call.index, call.input, call.output, call.error, progress)]

    @property
    def end(self) -> End | None:
        """How it ended, once all results have been taken."""
        with self._lock:
            return self._end

    def park(self, waker: Callable[[], object]) -> bool:
        """Arrange for `waker` to be called when there is more; False if there is already."""
        with self._lock:
            if self._stopped or self._next is not None or self._end is not None:
                return False
            self._waker = waker
            return True

    def unpark(self) -> None:
        """Take the waker back."""
        with self._lock:
            self._waker = None

    # ---- what the source of inputs wants

    def on_input(self, value: Any) -> None:
        """Begin a call."""
        failed = None
        if isinstance(value, MapResult):  # of another map
            failed, value = value.error, value.output
        with self._lock:
            if self._stopped or self._failure is not None or self._exhausted is not None:
                return
            call = self._calls[self._begun] = _Call(self._begun, value)
            self._begun += 1
            self._running += 1
        if failed is not None:
            self._on_call_ended(call, failed)
            return
        try:
            made = self._call(value)
            if call.subscription.is_disposed:  # meanwhile
                return
            call.subscription.disposable = made.subscribe(
                call.take,
                partial(self._on_call_ended, call),
                partial(self._on_call_ended, call),
                scheduler=self._scheduler,
            )
        except BaseException as error:  # noqa: BLE001 (whatever it is, nobody must wait for it)
            self._on_call_ended(call, error)

    def on_end(self, error: BaseException | None) -> None:
        """Take note that there are no more inputs."""
        end = End(error)
        with self._lock:
            if self._exhausted is not None:
                return
            self._exhausted = end
        if error is not None and not self._keep:
            self._fail(end)
        self._wake()

    # ---- the calls

    def _on_call_ended(self, call: _Call, error: BaseException | None = None) -> None:
        call.subscription.dispose()  # or it would hold the input until the next collection
        kept = error if self._keep and isinstance(error, Exception) else None
        fatal = error if kept is None else None  # a KeyboardInterrupt always is
        with self._lock:
            if self._stopped or self._failure is not None or call.ended:
                return
            self._running -= 1
            if fatal is None:
                call.ended = True
                call.error = kept
                if not self._ordered:
                    self._ready.append(call.index)
        if fatal is not None:
            fatal.add_note(f"(input {call.index} of a map)")
            self._fail(End(fatal))
        elif isinstance(error, ClientClosed):  # so would be the calls of all further inputs
            self.on_end(error)
            if self._source is not None:
                self._source.cancel()
        self._wake()

    def _fail(self, end: End) -> None:
        """End with an error as soon as the results before it are taken."""
        with self._lock:
            if self._failure is None:
                self._failure = end
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            calls = [call for call in self._calls.values() if not call.ended]
            source = self._source
        if source is not None:
            source.cancel()
        for call in calls:
            call.subscription.dispose()

    @property
    def _next(self) -> int | None:
        """The number of the call whose result comes next, if it has ended; with the lock held."""
        if not self._ordered:
            return self._ready[0] if self._ready else None
        call = self._calls.get(self._done)
        return None if call is None or not call.ended else call.index

    @property
    def _end(self) -> End | None:
        """How it ended, if no result comes any more; with the lock held."""
        if self._next is not None:
            return None
        return self._failure or (None if self._calls else self._exhausted)

    def _wake(self) -> None:
        with self._lock:
            waker, self._waker = self._waker, None
        if waker is not None:
            wake([waker])


def _length(inputs: object) -> int | None:
    if isinstance(inputs, Sized):
        with suppress(TypeError):  # of what only sometimes knows
            return len(inputs)
    return None
