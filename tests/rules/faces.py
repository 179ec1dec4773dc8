"""All faces of a job: who waits for it in every way, and what each of them was told."""

from __future__ import annotations

__all__ = ["Face", "Faces", "Strict", "end_of", "told"]

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from reactivex.disposable import Disposable

from rxgradio import Job, OutputUpdate
from tests.rules.served import SOON

End = tuple[str, object]
"""How a job ended, to be compared: completed with a value, failed with an error, which is
the same object for all, or cancelled, which is not."""


def end_of(error: BaseException | None, value: object = None) -> End:
    if error is None:
        return "completed", value
    if isinstance(error, (CancelledError, asyncio.CancelledError)):
        return "cancelled", None
    return type(error).__name__, id(error)


def told(job: Job) -> End:
    """Return how a job has ended, waiting for nothing."""
    try:
        error = job.exception(0)
    except CancelledError as cancelled:
        error = cancelled
    return end_of(error, None if error else job.result(0))


class Face(threading.Thread):
    """A thread that waits for a job in some way."""

    def __init__(self, name: str, wait: Callable[[list[Any]], Any]) -> None:
        super().__init__(name=name, daemon=True)
        self.outputs: list[Any] = []
        self.end: End | None = None
        self._wait = wait
        self.start()

    def run(self) -> None:
        try:
            value = self._wait(self.outputs)
        except BaseException as error:  # whatever it was told
            self.end = end_of(error)
        else:
            self.end = end_of(None, value)


class Strict:
    """An observer that takes down every breach of the grammar of signals.

    Args:
        dawdle: Seconds that each `on_next` takes, so that a second one would be seen.
    """

    def __init__(self, dawdle: float = 0.0) -> None:
        self.updates: list[Any] = []
        self.ends: list[End] = []
        self.breaches: list[str] = []
        self.ended = threading.Event()
        self.subscription = Disposable()
        self._dawdle = dawdle
        self._inside = threading.Lock()

    def on_next(self, update: Any) -> None:
        self._signal(lambda: self.updates.append(update))

    def on_error(self, error: Exception) -> None:
        self._signal(lambda: self.ends.append(end_of(error)))
        self.ended.set()

    def on_completed(self) -> None:
        self._signal(lambda: self.ends.append(end_of(None)))
        self.ended.set()

    @property
    def outputs(self) -> list[Any]:
        return _yielded(self.updates)

    def _signal(self, take: Callable[[], object]) -> None:
        if not self._inside.acquire(blocking=False):
            self.breaches.append("two signals at once")
            return
        try:
            if self.ends:
                self.breaches.append("a signal after the end")
            take()
            time.sleep(self._dawdle)  # 0 lets another thread run
        finally:
            self._inside.release()


class Faces:
    """All who wait for a job, from the moment this is made."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._called_back: list[End] = []
        self._callback = threading.Event()
        self._observer = Strict()
        job.add_done_callback(self._call_back)
        job.updates.subscribe(self._observer)
        self._waiting = [
            Face("result", lambda _: job.result()),
            Face("exception", self._exception),
            Face("for", self._iterate),
            Face("await", lambda _: asyncio.run(_awaited(job))),
            Face("wrap_future", lambda _: asyncio.run(_wrapped(job))),
            Face("async for", lambda outputs: asyncio.run(_each(job, outputs))),
            Face("concurrent.futures.wait", self._wait),
            Face("as_completed", self._as_completed),
            Face("Observable.run", self._run),
        ]

    def all_told(self, outputs: list[Any] | None = None) -> End:
        """Wait for them all, and return the end that all of them were told.

        With `outputs`, those who saw them must have seen these.
        """
        deadline = time.monotonic() + SOON
        for face in self._waiting:
            face.join(max(0.0, deadline - time.monotonic()))
            assert not face.is_alive(), f"{face.name!r} outlives {self._job!r}"
        assert self._observer.ended.wait(SOON), "an observer is told no end"
        assert self._callback.wait(SOON), "a callback is not called"
        job = self._job
        end = told(job)
        value = None if end[0] != "completed" else end[1]
        for face in self._waiting:
            seen = (end[0], value) if face.name in _HAS_VALUE else (end[0], None)
            assert face.end == (seen if end[0] == "completed" else end), (face.name, face.end, end)
            if outputs is not None and face.name in {"for", "async for"}:
                assert face.outputs == outputs, face.name
        assert self._observer.breaches == []
        assert self._observer.ends == [end if end[0] != "completed" else ("completed", None)]
        assert self._called_back == [end]
        if outputs is not None:
            assert self._observer.outputs == outputs
            assert job.outputs() == outputs
        assert job.done()
        assert not job.running()
        assert job.cancelled() is (end[0] == "cancelled")
        assert job.status().code.value == ("CANCELLED" if job.cancelled() else "FINISHED")
        assert job.status().success is (end[0] == "completed")
        return end

    def _call_back(self, future: Any) -> None:
        self._called_back.append(told(future))
        self._callback.set()

    def _exception(self, _: list[Any]) -> None:
        error = self._job.exception()
        if error is not None:
            raise error

    def _iterate(self, outputs: list[Any]) -> None:
        for output in self._job:
            outputs.append(output)  # noqa: PERF402 (what came before an error is kept)

    def _wait(self, _: list[Any]) -> Any:
        concurrent.futures.wait([self._job])
        return self._job.result(0)

    def _as_completed(self, _: list[Any]) -> Any:
        [job] = concurrent.futures.as_completed([self._job])
        return job.result(0)

    def _run(self, _: list[Any]) -> None:
        self._job.updates.run()


_HAS_VALUE = {"result", "await", "wrap_future", "concurrent.futures.wait", "as_completed"}


def _yielded(updates: list[Any]) -> list[Any]:
    """Return the outputs as `Job.outputs` does: the final one only if it is the only one."""
    found = [update for update in updates if isinstance(update, OutputUpdate)]
    return [each.outputs for n, each in enumerate(found) if not (each.final and n)]


async def _awaited(job: Job) -> Any:
    return await job


async def _wrapped(job: Job) -> Any:
    return await asyncio.wrap_future(job)


async def _each(job: Job, outputs: list[Any]) -> None:
    found: list[Any] = []
    async for update in job:
        found.append(update)
        outputs[:] = _yielded(found)
