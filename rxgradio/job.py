"""A job: one call, as a Future, an iterable, an awaitable and an Observable.

All of these are faces of one log. `Run` writes it as the news comes in, and
everything that can be asked of a `Job` is a way to read it.
"""

# Run and attach are the other side of a Job, and belong to it.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from __future__ import annotations

__all__ = ["Communicator", "Iteration", "Job", "Run", "attach", "feed"]

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from importlib import import_module
from operator import itemgetter
from typing import Any

from reactivex import abc

from .clock import now
from .exceptions import ClientClosed, RxGradioError
from .fluent import Updates
from .protocol.event import Entry, Values, fold, weigh
from .runtime.delivery import Lane
from .runtime.log import Cursor, End, Log
from .runtime.process import delivery, generation
from .runtime.reading import (
    OnSlow,
    Subscription,
    aread,
    placing,
    read,
    refuse_to_await,
    refuse_to_block,
    starter,
    wake,
)
from .updates import CancelOutcome, OutputUpdate, Status, StatusUpdate, Update

_NOTHING = object()

Data = Sequence[Any]
"""All outputs of a call as they are on the wire."""

Feed = Callable[[bytes | None, bool], object]
"""Takes the JSON of a further input of a streaming call, or None as their end, and
whether it drops those that wait."""


class Communicator:
    """What links a job to the thread that feeds it: the log, and how it is read.

    Args:
        label: Names the endpoint.
        value: Makes of the outputs on the wire what a user wants.
        status: Where the call stands at first.
        replay: How many updates those get who come late; by default all.
        most: How many bytes of updates, by an estimate, are kept for them.
    """

    __slots__ = ("label", "log", "replay", "status", "value")

    def __init__(
        self,
        label: str,
        value: Callable[[Data], Any],
        status: StatusUpdate,
        replay: int | None = None,
        most: int = 2**63,
    ) -> None:
        self.label = label
        self.value = value
        self.status = status
        self.replay = replay
        self.log: Log[Entry, Data, Update] = Log((), self._step, replay, weigh, most)
        self.log.append([status])

    def _step(self, data: Data, entry: Entry) -> tuple[Data, Update]:
        if isinstance(entry, StatusUpdate):
            return data, entry
        data = fold(data, entry)
        final = isinstance(entry, Values) and entry.final
        return data, OutputUpdate(self.value(data), final=final, attempt=entry.attempt)


class Job(Future[Any]):
    """One call of an endpoint, which runs whether or not anybody watches.

    It is a real `concurrent.futures.Future`: `wait`, `as_completed` and
    `asyncio.wrap_future` work. Every face shows the same end: the result, the
    error that the call failed with, or `concurrent.futures.CancelledError`.
    Callbacks and observers run on rxgradio's delivery threads.

    Jobs are made by `submit`. Made by hand, a job mirrors any other Future, of asyncio too:
    it ends as that does, and cancelling it cancels that.

    Args:
        future: What to mirror, if there is no communicator.
        communicator: Links a job of this library to the thread that feeds it.
        verbose: Kept for those who ask for it.
        space_id: The Space that is called, if it is one.
    """

    def __init__(
        self,
        future: Future[Any] | None = None,
        communicator: Communicator | None = None,
        verbose: bool = True,
        space_id: str | None = None,
    ) -> None:
        super().__init__()
        self._mirrored = future
        self.communicator = communicator
        self.verbose = verbose
        self.space_id = space_id
        if communicator is None:
            if future is None:
                raise TypeError("a Job is made by Client.submit, or of a Future that it mirrors")
            status = StatusUpdate(Status.PROCESSING, time=now())
            communicator = Communicator("of a Future", itemgetter(0), status)
        self._label = communicator.label
        self._value = communicator.value
        self._status = communicator.status
        self._replay = communicator.replay
        self._log = communicator.log
        self._process = generation()
        self._on_end: list[Callable[[], object]] = []
        self._callbacks: Lane | None = None
        self._outcome: CancelOutcome | None = None
        self._outcome_future: Future[CancelOutcome] | None = None
        self._let_go: Callable[[], bool] | None = None
        self._feed: Feed | None = None
        self._reading = threading.Lock()
        self._outputs: _Outputs | None = None
        self._latest: _Latest | None = None
        self._next: Iterator[Any] | None = None
        self._stepping = threading.Lock()
        if self.communicator is None:
            self._in_its_loop(self.future.add_done_callback, self._mirror)

    @property
    def future(self) -> Future[Any]:
        """The Future that it mirrors; of all other jobs, the job itself."""
        # Not kept: it would be a cycle, and all outputs would wait for the collector.
        return self if self._mirrored is None else self._mirrored

    # ---- the Future

    def result(self, timeout: float | None = None) -> Any:
        """Return the final output, waiting up to `timeout` seconds for it.

        Giving up does not harm the job.

        Raises:
            TimeoutError: The job goes on, but not within the time-out.
            concurrent.futures.CancelledError: The job was cancelled.
            RxGradioError: The call failed.
            RuntimeError: The caller runs on the scheduler thread, which must not block.
        """
        if self.done():
            return super().result()
        self._check_wait()
        with delivery().standing_aside(self.done, timeout):
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the error that the call failed with, or None; waits and raises as `result`."""
        if self.done():
            return super().exception()
        self._check_wait()
        with delivery().standing_aside(self.done, timeout):
            return super().exception(timeout)

    def running(self) -> bool:
        """Whether the job is unfinished; it is also while it waits in the app's queue."""
        return not self.done()

    def cancel(self) -> bool:
        """End the job here and now, and tell the server in the background.

        Returns True exactly if this call or an earlier one ended the job.
        Gradio cannot stop a plain function: `cancel_outcome` tells what it did. A child
        of fork() ends nothing of its parent's. A job that mirrors a Future is cancelled
        if that can be.
        """
        if self._process is not generation():  # its locks may have been held at the fork
            return False
        if self.communicator is None and not asyncio.isfuture(self.future):
            return self.future.cancel()
        status = StatusUpdate(Status.CANCELLED, success=False, time=now())
        if not self._end([status], status, CancelledError()):
            return self.cancelled()
        if self.communicator is None:
            self._in_its_loop(self.future.cancel)
            self._told(CancelOutcome.UNKNOWN)
            return True
        let_go, self._let_go, self._feed = self._let_go, None, None
        if let_go is not None and not let_go():
            self._told(CancelOutcome.UNKNOWN)
        return True

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        """Have `fn` called with this job when it has ended, on a delivery thread.

        Callbacks of one job run one after another, in the order in which they
        were added and in a copy of the context that they were added in. One
        that raises is logged.
        """
        context = contextvars.copy_context()
        with self._log.lock:
            if self._callbacks is None:
                self._callbacks = Lane(delivery(), fn)
            lane = self._callbacks

        def call_back() -> None:
            lane.start(lambda: context.run(fn, self))

        self._at_end(call_back)

    def set_result(self, result: Any) -> None:  # noqa: ARG002 (inherited)
        """Refuse: only the app ends a job."""
        raise RuntimeError("a Job does not support set_result")

    def set_exception(self, exception: BaseException | None) -> None:  # noqa: ARG002 (inherited)
        """Refuse: only the app ends a job."""
        raise RuntimeError("a Job does not support set_exception")

    # ---- what it has told

    def status(self) -> StatusUpdate:
        """Return where the job stands now.

        Messages of `gr.Info` and its like are no place to stand: the status
        stays what it was, and carries the latest of them in `log`.
        """
        with self._log.lock:
            return self._status

    def outputs(self) -> list[Any]:
        """Return what the job has yielded so far; the final output only if that was nothing."""
        with self._reading:
            if self._outputs is None:
                self._outputs = _Outputs(self._log.cursor(), self._replay)
            return self._outputs.read()

    @property
    def latest(self) -> Any:
        """The newest output, or None while there is none."""
        with self._reading:
            if self._latest is None:
                self._latest = _Latest(self._log.cursor())
            return self._latest.read()

    @property
    def cancel_outcome(self) -> Future[CancelOutcome]:
        """What the server made of the cancel; "finished" for a job that ended without one."""
        with self._log.lock:
            future = self._outcome_future
            if future is None:
                future = self._outcome_future = Future()
                future.set_running_or_notify_cancel()  # it cannot be cancelled
                outcome = self._outcome
            else:
                return future
        if outcome is not None:
            future.set_result(outcome)
        return future

    @property
    def updates(self) -> Updates:
        """Everything that happens to the job, from its beginning, for any number of subscribers.

            --S--S--o--o--o--F--S-|    (S: status, o: output, F: the final one)

        Subscribing never calls the observer at once: it is called serially on
        delivery threads, or on the scheduler given to `subscribe`. Failure and
        cancellation are `on_error`. Disposing stops the observer, not the job.
        Its methods include the operators of `rxgradio.operators`.
        """
        return Updates(partial(attach, self))

    def updates_with(self, *, on_slow: OnSlow = "buffer", most: int = 1000) -> Updates:
        """Return `updates` for subscribers that may be slower than the job.

            updates:      --S-o1-o2-o3-o4-F-S|
            "latest":     --S-o1-------o4----FS|        (each takes three steps)
            "drop_oldest" --S-o1-------o3----o4----F...   (with most=3)

        Each has a place of its own: a slow one holds up neither the job nor others.

        Args:
            on_slow: "buffer": everything waits. "latest": of what waits, the last output
                and the last status. "drop_oldest": the last `most` updates.
                "error": if more than `most` wait, `ConsumerTooSlow` is `on_error`.
            most: How many updates may wait.

        Raises:
            ValueError: There is no such `on_slow`, or `most` is not positive.
        """
        cursor = placing(self._log, on_slow, most, _newest)

        def subscribe(
            observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            start = starter(scheduler, observer)
            return Subscription(cursor(), observer, start, repr(self._label))

        return Updates(subscribe, misses=on_slow != "buffer")

    def iterate(self, *, on_slow: OnSlow = "buffer", most: int = 1000) -> Iteration:
        """Return what to loop over instead of the job where the loop may be slower.

            for picture in job.iterate(on_slow="latest"): ...

        Args:
            on_slow: What becomes of what the loop has not taken in time: see `updates_with`.
            most: How many updates (not outputs) may wait.

        Raises:
            ValueError: There is no such `on_slow`, or `most` is not positive.
        """
        cursor = placing(self._log, on_slow, most, _newest)
        return Iteration(self, cursor, misses=on_slow != "buffer")

    def __iter__(self) -> Iterator[Any]:
        """Yield each output when it comes, blocking; raises the job's error at the end.

        Every iterator gets every output. The final one comes only if it is the
        only one, as it repeats the last that was yielded.
        """
        return self._read(self._log.cursor())

    def __next__(self) -> Any:
        """Return the next output of an iteration that all callers of `next` share."""
        with self._stepping:
            if self._next is None:
                self._next = iter(self)
            return next(self._next)

    def __aiter__(self) -> AsyncIterator[Update]:
        """Yield each update when it comes, on the running loop; raises the job's error."""
        return aread(self._log.cursor())

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for the result; if the awaiting task is cancelled, so is the job."""
        return self._wait().__await__()

    def __repr__(self) -> str:
        """Show what it calls and where it stands, and nothing of what it was called with."""
        end = self._log.end
        if end is None:
            stands = self.status().code.value
        elif end.error is None:
            stands = "FINISHED"
        elif self.cancelled():
            stands = "CANCELLED"
        else:
            stands = f"FAILED with {type(end.error).__name__}"
        return f"<Job {self._label} {stands} at {id(self):#x}>"

    def _ipython_display_(self) -> None:
        """Be a live bar below a notebook's cell; in IPython's terminal, be what `repr` shows."""
        # By its name, and when it is wanted: what shows jobs is above them.
        import_module("rxgradio.ui.jupyter").display(self)

    # ---- the log

    def _in_its_loop(self, act: Callable[..., object], *args: object) -> None:
        """Do something with the Future that is mirrored, where it may be done."""
        future: object = self.future
        if asyncio.isfuture(future):
            future.get_loop().call_soon_threadsafe(act, *args)
        else:
            act(*args)

    def _mirror(self, future: Future[Any]) -> None:
        at = now()
        if future.cancelled():
            status = StatusUpdate(Status.CANCELLED, success=False, time=at)
            self._end([status], status, CancelledError())
            self._told(CancelOutcome.NOT_SENT)
        elif (error := future.exception()) is not None:
            status = StatusUpdate(Status.FINISHED, success=False, time=at)
            self._end([status], status, error)
        else:
            status = StatusUpdate(Status.FINISHED, success=True, time=at)
            self._end([Values([future.result()], final=True), status], status, None)
        self._told(CancelOutcome.FINISHED)

    def _read(self, cursor: Cursor[Entry, Data, Update], *, misses: bool = False) -> Iterator[Any]:
        if not self.done():
            self._check_wait()
        last: Any = _NOTHING
        for update in read(cursor):
            if isinstance(update, OutputUpdate):
                repeats = update.final and last is not _NOTHING
                if repeats and not (misses and update.outputs != last):
                    continue
                last = update.outputs
                yield last

    def _check_wait(self) -> None:
        refuse_to_block()
        if self._process is not generation():
            raise ClientClosed("this job belongs to the parent process, and only there it ends")

    def _end(
        self, entries: Sequence[Entry], status: StatusUpdate, error: BaseException | None
    ) -> bool:
        """End the job on all faces at once; returns whether it had not ended before."""
        with self._log.lock:
            if self._log.end is not None:
                return False
            self._status = status
            if isinstance(error, RxGradioError):
                error._outputs = self.outputs
            wakers = [*self._log.append(entries), *self._log.close(End(error))]
            # The state of the Future changes under the lock of the log: who has
            # seen one end has seen the other.
            if error is None:
                super().set_result(self._value(_final(entries)))
            elif isinstance(error, CancelledError):
                super().cancel()
                super().set_running_or_notify_cancel()  # or `wait` would not notice
            else:
                super().set_exception(error)
            wakers += self._on_end
            self._on_end.clear()
        wake(wakers)
        return True

    def _told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel; the first word counts."""
        with self._log.lock:
            if self._outcome is not None:
                return
            self._outcome = outcome
            future = self._outcome_future
        if future is not None:
            # Its callbacks are the user's, and not for this thread.
            delivery().start(lambda: future.set_result(outcome), "cancel_outcome")

    def _at_end(self, waker: Callable[[], object]) -> None:
        with self._log.lock:
            if self._log.end is None:
                self._on_end.append(waker)
                return
        waker()

    async def _wait(self) -> Any:
        if self.communicator is not None and not self.done():
            refuse_to_await()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._at_end(lambda: loop.call_soon_threadsafe(ended.set))
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        return super().result()


class Iteration:
    """What a loop over a job yields: its outputs, or with `async for` its updates.

    Each loop is one from the beginning.

    Args:
        job: What is looped over.
        cursor: Makes a place in its log.
        misses: Whether the loop may miss outputs, so that the final one may be none that
            it had.
    """

    def __init__(
        self, job: Job, cursor: Callable[[], Cursor[Entry, Data, Update]], *, misses: bool
    ) -> None:
        self._job = job
        self._cursor = cursor
        self._misses = misses

    def __iter__(self) -> Iterator[Any]:
        """Yield outputs, blocking; raises the job's error at the end."""
        return self._job._read(self._cursor(), misses=self._misses)

    def __aiter__(self) -> AsyncIterator[Update]:
        """Yield updates on the running loop; raises the job's error at the end."""
        return aread(self._cursor())


class Run:
    """The other side of a job: what its lane tells it, on the scheduler thread.

    Args:
        job: Whom to tell.
        running: The jobs that run; it is among them until it ends.
        holder: Kept alive for as long as the job runs.
    """

    __slots__ = ("_at_end", "_holder", "_job", "_running", "timer")

    def __init__(self, job: Job, running: dict[Run, None], holder: object) -> None:
        self._job: Job | None = job
        self._running = running
        self._holder: object = holder
        self._at_end: Callable[[], object] | None = None
        self.timer: asyncio.TimerHandle | None = None
        """Stopped when the job runs no more, or nothing more is to be heard of it."""

    def begin(
        self,
        let_go: Callable[[], bool],
        feed: Feed | None = None,
        at_end: Callable[[], object] | None = None,
    ) -> None:
        """Take what is to be called if the job is cancelled; it returns whether it could be.

        `feed` takes the further inputs of a streaming call; `at_end` is called on
        the scheduler thread when the job runs no more.
        """
        if self._job is not None:
            self._job._let_go = let_go
            self._job._feed = feed
        self._at_end = at_end

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        """Take news of the call."""
        if (job := self._job) is None:
            return
        with job._log.lock:
            if job._log.end is not None:
                return
            job._status = status
            wakers = job._log.append(entries)
        wake(wakers)

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        """Take the last news of the call, and its end."""
        self.leave()
        if (job := self._job) is None:
            return
        late = next((each for each in entries if isinstance(each, Values) and each.late), None)
        if late is not None:
            told = job._log.cursor()
            told.newest(lambda _: False)
            if list(told.state) == list(late.data):
                entries.remove(late)
        if job._end(entries, status, error):
            job._let_go = job._feed = None
            job._told(CancelOutcome.FINISHED)
            self._let_go_of_job()

    def cut(self, error: Exception) -> bool:
        """End the job without its call, of which `cancel_told` is still to tell.

        Returns whether it had not ended before.
        """
        self.leave()
        if (job := self._job) is None:
            return False
        status = StatusUpdate(Status.FINISHED, success=False, time=now())
        cut = job._end([status], status, error)
        if cut:
            job._let_go = job._feed = None
        return cut

    def cancel_told(self, outcome: CancelOutcome) -> None:
        """Take what the server made of a cancel."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self._job is not None:
            self._job._told(outcome)
            self._let_go_of_job()

    def _let_go_of_job(self) -> None:
        """Tell it nothing more, once all is told."""
        # What is around a call has cycles: its outputs would wait for the collector.
        if self._job is not None and self._job.done():
            self._job = None

    def leave(self) -> None:
        """Run no more, and hold nobody."""
        self._running.pop(self, None)
        self._holder = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        at_end, self._at_end = self._at_end, None
        if at_end is not None:
            at_end()


def attach(
    job: Job, observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
) -> abc.DisposableBase:
    """Do what subscribing to `job.updates` does, with an observer that reactivex has wrapped."""
    return Subscription(job._log.cursor(), observer, starter(scheduler, observer), repr(job._label))


def feed(job: Job, chunk: bytes | None, *, latest: bool = False) -> None:
    """Give a streaming job a further input, or None as their end; from any thread."""
    if (take := job._feed) is not None:
        take(chunk, latest)


def _newest(updates: Sequence[Update]) -> list[Update]:
    """Return the last status and the last output, in their order."""
    found: list[Update] = []
    for update in reversed(updates):
        if not found or found[0].type != update.type:
            found.insert(0, update)
        if len(found) == 2:
            break
    return found


def _final(entries: Sequence[Entry]) -> Data:
    return next(entry.data for entry in entries if isinstance(entry, Values) and entry.final)


class _Latest:
    """The newest output, brought up to date when asked for."""

    def __init__(self, cursor: Cursor[Entry, Data, Update]) -> None:
        self._cursor = cursor
        self._value: Any = None

    def read(self) -> Any:
        update = self._cursor.newest(lambda update: isinstance(update, OutputUpdate))
        if isinstance(update, OutputUpdate):
            self._value = update.outputs
        return self._value


class _Outputs:
    """All outputs, brought up to date when asked for."""

    def __init__(self, cursor: Cursor[Entry, Data, Update], most: int | None) -> None:
        self._cursor = cursor
        self._values: deque[Any] = deque(maxlen=most)

    def read(self) -> list[Any]:
        while taken := self._cursor.take():
            for update in taken:
                if isinstance(update, OutputUpdate) and not (update.final and self._values):
                    self._values.append(update.outputs)
        return list(self._values)
