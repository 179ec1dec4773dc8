"""Runs the demo: the app, a client of it, and a display for what comes of the calls."""

from __future__ import annotations

__all__ = ["Display", "Stalled", "show"]

import queue
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, TypeVar

from reactivex import Observable
from reactivex import operators as ops
from reactivex.notification import Notification, OnError, OnNext

from ..client import Client
from .scene import CALLS, play
from .server import App, serving
from .snapshot import Snapshot
from .summary import surprises

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds without any news after which something is wrong."""


class Stalled(Exception):  # noqa: N818 (what happened, and the message says more)
    """Nothing has happened for too long."""


class Display(Protocol):
    """Something to show the demo on; all of it is used on one thread."""

    def preparing(self) -> AbstractContextManager[None]:
        """Show that the app is being started."""
        ...

    def showing(self, app: App) -> AbstractContextManager[None]:
        """Show the jobs, while the context lasts."""
        ...

    def show(self, snapshot: Snapshot) -> None:
        """Show where a job stands now."""
        ...

    def summarise(self, snapshots: Sequence[Snapshot]) -> None:
        """Show the end."""
        ...


def show(display: Display) -> bool:
    """Run the demo; returns whether everything went as planned.

    Raises:
        GradioMissing: There is no Gradio to run the app with.
        AppNotStarted: The app does not start.
        Stalled: The app does not answer any more.
        RxGradioError: The app cannot be talked to.
    """
    last = {call.name: Snapshot(call.name) for call in CALLS}
    with ExitStack() as stack:
        with display.preparing():
            app = stack.enter_context(serving())
            client = stack.enter_context(Client(app.url))
        with display.showing(app):
            for snapshot in _each(play(client)):
                display.show(snapshot)
                last[snapshot.name] = snapshot
    snapshots = list(last.values())
    display.summarise(snapshots)
    return not surprises(snapshots)


def _each(source: Observable[T]) -> Generator[T]:
    """Yield what a stream emits, on the calling thread.

    The delivery threads only put it down here: a terminal that is slow, or
    stopped with Ctrl-S, must not hold them up.
    """
    arrived: queue.SimpleQueue[Notification[T]] = queue.SimpleQueue()
    with source.pipe(ops.materialize()).subscribe(arrived.put):
        while True:
            try:
                notification = arrived.get(timeout=_PATIENCE)
            except queue.Empty:
                raise Stalled(f"nothing has happened for {_PATIENCE:.0f} seconds") from None
            match notification:
                case OnNext(value=value):
                    yield value
                case OnError(exception=error):
                    raise error
                case _:
                    return
