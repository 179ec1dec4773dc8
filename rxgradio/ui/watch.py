"""What there is to show of a call, for UIs that ask instead of being told."""

from __future__ import annotations

__all__ = ["Watch"]

from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from ..job import Job
from ..operators.snapshots import Snapshot
from .views import View, ended_with, folded, stream_of, view_of


class Watch(abc.DisposableBase):
    """The newest view of a call, at any time and on any thread, without waiting for it.

        watch = Watch(job)
        ...
        watch.view.status  # "queued, 2 of 5", and later "done"

    It is for UIs that run a script again and again, as Streamlit does; in all others `bind`
    needs no asking. It subscribes at once, and until the stream ends; disposing of it leaves
    a stream before, and stops no job.

    Args:
        source: A job; or a stream, as `bind` takes it.

    Raises:
        TypeError: It is neither.
    """

    def __init__(self, source: Observable[Any] | Job) -> None:
        self._newest = _Newest()
        self._upstream = SingleAssignmentDisposable()
        self._upstream.disposable = folded(stream_of(source)).subscribe(self._newest)

    @property
    def view(self) -> View:
        """What there is to show now; "starting" before anything is known."""
        return view_of(self._newest.snapshot)

    def dispose(self) -> None:
        """Leave the source; the view stays."""
        self._upstream.dispose()


class _Newest(abc.ObserverBase[Snapshot]):
    def __init__(self) -> None:
        self.snapshot = Snapshot()

    def on_next(self, value: Snapshot) -> None:
        self.snapshot = value

    def on_error(self, error: Exception) -> None:
        self.snapshot = ended_with(error, self.snapshot)

    def on_completed(self) -> None:
        pass
