"""What is asked for, where a UI asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import reactivex
from reactivex import Subject

from rxgradio import AppError, Client, OutputUpdate, Status, StatusUpdate
from rxgradio.ui import Watch
from tests.contract.app import SOON
from tests.contract.memory_app import MemoryApp


def until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON
    while not fact():
        assert time.monotonic() < deadline, "it has not come true"
        threading.Event().wait(0.002)


def test_a_job_can_be_asked_where_it_stands(memory_client: Client, memory_app: MemoryApp) -> None:
    job = memory_client.submit("a", api_name="/gated")
    watch = Watch(job)
    assert watch.view.busy
    until(lambda: watch.view.status == "working")
    memory_app.open("a")
    until(lambda: not watch.view.busy)
    assert (watch.view.status, watch.view.progress) == ("done", 1.0)
    assert watch.view.output == "a went through"
    # Who asks late is told the same.
    late = Watch(job)
    until(lambda: late.view == watch.view)


def test_what_has_failed_or_was_cancelled_stays_so(memory_client: Client) -> None:
    failed = Watch(reactivex.throw(AppError("no")))
    assert (failed.view.status, failed.view.error, failed.view.busy) == ("failed: no", "no", False)
    job = memory_client.submit("a", api_name="/gated")
    watch = Watch(job)
    job.cancel()
    until(lambda: watch.view.status == "cancelled")
    assert not watch.view.busy


def test_disposing_leaves_the_stream_and_the_view() -> None:
    source: Subject[object] = Subject()
    watch = Watch(source)
    assert (watch.view.status, watch.view.output, watch.view.busy) == ("starting", None, True)
    source.on_next(StatusUpdate(Status.PROCESSING))
    source.on_next(OutputUpdate("half"))
    watch.dispose()
    assert not source.observers
    assert (watch.view.status, watch.view.output) == ("working", "half")
