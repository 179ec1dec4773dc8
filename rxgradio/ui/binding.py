"""The way of one stream into a UI: from any thread to its thread, and no faster than it paints.

The stream leaves its newest value in a mailbox and goes on. A *flush* on the UI's thread takes
what is there; the next one follows a frame later, if anything has come meanwhile. So no thread
ever waits for the UI, nothing queues up, what is shown is never older than a frame, and the
last value is always shown. That needs no clock: the frame is the delay of the next flush.
"""

from __future__ import annotations

__all__ = ["Binding", "check_thread", "do_all", "frame_of", "weakly"]

import logging
import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from ..runtime.log import End
from ..runtime.reading import await_future
from .any_thread import AnyThread
from .toolkit import Toolkit

logger = logging.getLogger("rxgradio")

_BATCH = 500
"""Values that one flush gives at most, where none is left out: the UI is to stay alive."""


class Binding(abc.DisposableBase):
    """A stream that is bound to a UI, until it ends, the UI does, or this is disposed of.

    Nobody needs to keep it. Disposing is possible on any thread and disposes of the
    subscription: of a job that stops nothing, of `observe` it cancels on the server.

    Args:
        toolkit: Of the UI.
        observer: Gets the values and the end, on the UI's thread.
        every: It gets all values, those of a frame at once; else only the newest.
        frame: Seconds between two flushes at least.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        observer: abc.ObserverBase[Any],
        *,
        every: bool = False,
        frame: float | None = None,
    ) -> None:
        self._toolkit = toolkit
        self._observer: abc.ObserverBase[Any] | None = observer
        self._frame = toolkit.frame if frame is None else frame
        self._lock = threading.RLock()  # finalizers of values that are let go of may come here
        self._values: deque[Any] = deque(maxlen=None if every else 1)
        self._end: End | None = None
        self._over = False
        self._flushing = False
        self._due = 0
        """The number of the flush that is due; 0 if none is. Others have been overtaken."""
        self._flushes = 0
        self._anchors: dict[int, Callable[[], Any]] = {}
        self._undo: list[Callable[[], object]] = []
        self._shown: Future[None] = Future()
        self._upstream = SingleAssignmentDisposable()

    @property
    def is_disposed(self) -> bool:
        """Whether nothing will be shown any more: disposed of, or the stream or UI has ended."""
        return self._over

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the end is shown, or nothing will be any more, blocking.

        It is for programs that leave a terminal when their calls have ended. A UI waits for
        nothing, and needs not.

        Args:
            timeout: Seconds; None waits for as long as it takes.

        Raises:
            TimeoutError: The stream has not ended by then.
            RuntimeError: The caller is on the UI's thread, or on the scheduler thread.
        """
        if self._toolkit.current and not isinstance(self._toolkit, AnyThread):
            raise RuntimeError("this would block the UI, which is to show what it would wait for")
        await_future(self._shown, timeout)

    def begin(
        self,
        source: Observable[Any],
        anchors: Iterable[Any],
        scheduler: abc.SchedulerBase | None = None,
    ) -> None:
        """Subscribe, on the UI's thread.

        Args:
            source: What is bound.
            anchors: Widgets; when the last of them ends, so does this.
            scheduler: What the source is subscribed to with.
        """
        toolkit = self._toolkit
        living = [widget for widget in anchors if toolkit.alive(widget)]
        if not living:
            self.dispose()
            return
        self._anchors.update(enumerate(map(weakly, living)))
        for n, widget in enumerate(living):
            self.undoing(toolkit.on_close(widget, partial(self._closed, n)))
        try:
            self._upstream.disposable = source.subscribe(
                self._on_next, self._on_error, self._on_completed, scheduler=scheduler
            )
        except BaseException:
            self.dispose()
            raise

    def undoing(self, undo: Callable[[], object]) -> None:
        """Have something called on the UI's thread when this is over."""
        with self._lock:
            if not self._over:
                self._undo.append(undo)
                return
        undo()

    def leave(self, error: Exception) -> None:
        """Leave the source, and end as if it had failed; from any thread."""
        self._upstream.dispose()
        self._on_error(error)

    def dispose(self) -> None:
        """Show nothing more, and leave the source."""
        if (undo := self._stop()) is not None:
            try:
                self._upstream.dispose()
            finally:
                self._undo_later(undo)
                self._shown.set_result(None)

    def _undo_later(self, undo: list[Callable[[], object]]) -> None:
        try:
            self._toolkit.post(partial(do_all, undo), 0.0)
        except Exception:
            logger.debug("a UI is gone: %r", self._toolkit, exc_info=True)

    # ---- what the source says, on any thread

    def _on_next(self, value: Any) -> None:
        with self._lock:
            if self._over or self._end is not None:
                return
            self._values.append(value)
            if self._due or self._flushing:
                return
            due = self._next()
        self._post(due, 0.0)

    def _on_completed(self) -> None:
        self._finish(End())

    def _on_error(self, error: Exception) -> None:
        self._finish(End(error))

    def _finish(self, end: End) -> None:
        with self._lock:
            if self._over or self._end is not None:
                return
            self._end = end
            if self._flushing:
                return
            # The end waits for no frame: what is due later is overtaken.
            due = self._next()
        self._post(due, 0.0)

    def _next(self) -> int:
        self._flushes += 1
        self._due = self._flushes
        return self._due

    def _post(self, due: int, delay: float) -> None:
        try:
            self._toolkit.post(partial(self._flush, due), delay)
        except Exception:  # such as that of a loop that is closed
            logger.debug("a UI is gone: %r", self._toolkit, exc_info=True)
            self.dispose()

    # ---- on the UI's thread

    def _flush(self, due: int) -> None:
        with self._lock:
            if self._over or due != self._due:
                return
            self._due = 0
            if not self._values and self._end is None:
                return
            values = [self._values.popleft() for _ in range(min(len(self._values), _BATCH))]
            ended = not self._values and self._end is not None
            # A setter may run the UI's loop, as a dialog does: none is due within a flush.
            self._flushing = True
        try:
            self._look_after_widgets()
            for value in values:
                observer = self._observer
                if observer is None:
                    return
                observer.on_next(value)
            if ended:
                self._tell_end()
        except BaseException:
            # An observer that throws has cancelled (Reactive Streams, 2.13).
            self.dispose()
            raise
        with self._lock:
            self._flushing = False
            if self._over:
                return
            due = self._next()
            waits = 0.0 if self._end is not None and not self._values else self._frame
        self._post(due, waits)

    def _look_after_widgets(self) -> None:
        # Not every widget tells of its end.
        for n, anchor in list(self._anchors.items()):
            widget = anchor()
            if widget is None or not self._toolkit.alive(widget):
                self._closed(n)

    def _tell_end(self) -> None:
        observer, end = self._observer, self._end
        undo = self._stop()
        if undo is None or observer is None or end is None:
            return
        tell = observer.on_completed
        if isinstance(end.error, Exception):
            tell = partial(observer.on_error, end.error)
        do_all([self._upstream.dispose, *undo, tell, partial(self._shown.set_result, None)])

    def _closed(self, n: int) -> None:
        with self._lock:
            self._anchors.pop(n, None)
            if self._anchors:
                return
        self.dispose()

    def _stop(self) -> list[Callable[[], object]] | None:
        """Take and give nothing more; returns what is to be undone, None if it was over."""
        with self._lock:
            if self._over:
                return None
            self._over = True
            self._observer = None
            self._values.clear()
            undo, self._undo = self._undo, []
            return undo


def check_thread(toolkit: Toolkit) -> None:
    """Raise off the UI's thread.

    Raises:
        RuntimeError: The caller is not on it.
    """
    if not toolkit.current:
        raise RuntimeError(
            "widgets are bound on the thread of their UI; what is bound may come from any thread"
        )


def frame_of(fps: float | None) -> float | None:
    """Return how long one of so many frames a second is; None if that is not said.

    Raises:
        ValueError: There cannot be so many.
    """
    if fps is None:
        return None
    if not 0 < fps < math.inf:
        raise ValueError(f"fps= is how many frames a second there are, not {fps!r}")
    return 1 / fps


def weakly(widget: Any) -> Callable[[], Any]:
    """Return what returns a widget as long as it lives."""
    try:
        return weakref.ref(widget)
    except TypeError:  # of a class with slots
        return lambda: widget


def do_all(actions: Sequence[Callable[[], object]]) -> None:
    """Do all in order, whatever one of them raises; the last that is raised is."""
    with ExitStack() as stack:
        for action in reversed(actions):
            stack.callback(action)
