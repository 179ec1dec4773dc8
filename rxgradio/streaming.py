"""A call that takes a stream of inputs and gives one of outputs."""

from __future__ import annotations

__all__ = ["streamed"]

from collections.abc import Callable
from functools import partial
from typing import Any

import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable, Disposable, SingleAssignmentDisposable

from .fluent import Updates
from .job import Job, attach, feed
from .updates import Update


def streamed(
    chunks: Observable[Any],
    encode: Callable[[Any], bytes],
    begin: Callable[[bytes], Job],
    *,
    latest: bool,
) -> Updates:
    """Return the updates of a job that is begun with the first chunk and fed with the others.

    Args:
        chunks: The inputs.
        encode: Makes the JSON of a call's data of an input; may raise.
        begin: Starts the job; may raise.
        latest: Of the chunks that wait, keep the last only.
    """

    def subscribe(
        observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        feeder = _Feeder(encode, begin, observer, scheduler, latest=latest)
        feeder.source.disposable = chunks.subscribe(
            feeder.on_next, feeder.on_error, feeder.on_completed, scheduler=scheduler
        )
        return CompositeDisposable(feeder.source, feeder.updates, Disposable(feeder.stop))

    return Updates(subscribe)


class _Feeder:
    """One subscription: what it has got of its chunks, and the job that they go to."""

    def __init__(
        self,
        encode: Callable[[Any], bytes],
        begin: Callable[[bytes], Job],
        observer: abc.ObserverBase[Update],
        scheduler: abc.SchedulerBase | None,
        *,
        latest: bool,
    ) -> None:
        self.source = SingleAssignmentDisposable()
        self.updates = SingleAssignmentDisposable()
        self._encode = encode
        self._begin = begin
        self._observer = observer
        self._scheduler = scheduler
        self._latest = latest
        self._job: Job | None = None
        self._stopped = False
        self._error: Exception | None = None

    def on_next(self, chunk: Any) -> None:
        """Begin the job, or feed it."""
        try:
            data = self._encode(chunk)
            if self._job is not None:
                feed(self._job, data, latest=self._latest)
                return
            job = self._begin(data)
        except Exception as error:  # noqa: BLE001 (whatever a chunk is that cannot be sent)
            self.on_error(error)
            return
        self._job = job
        if self._stopped:  # meanwhile, on another thread
            job.cancel()
            return
        said: Observable[Update] = Observable(partial(attach, job))
        self.updates.disposable = said.pipe(
            ops.catch(self._failed), ops.finally_action(self.source.dispose)
        ).subscribe(self._observer, scheduler=self._scheduler)

    def on_error(self, error: Exception) -> None:
        """Pass an error of the chunks on, by way of the job's own end: serially."""
        self._error = error
        self.source.dispose()
        if self._job is None:
            self._observer.on_error(error)
        else:
            self._job.cancel()

    def on_completed(self) -> None:
        """Tell the app that there is no more."""
        if self._job is None:
            self._observer.on_completed()
        else:
            feed(self._job, None)

    def stop(self) -> None:
        """Cancel the job."""
        self._stopped = True
        if self._job is not None:
            self._job.cancel()

    def _failed(self, error: Exception, _: Observable[Update]) -> Observable[Update]:
        return reactivex.throw(self._error or error)
