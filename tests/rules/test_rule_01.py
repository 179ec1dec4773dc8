"""1. What a subscriber hears is `on_next* (on_error | on_completed)?`, one signal at a time.

That holds whichever threads make the news (the app's messages, cancels, the end of the
client), whichever scheduler brings it, and whenever a subscriber comes or goes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import reactivex
from reactivex.scheduler import (
    EventLoopScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
)

from rxgradio import Client
from tests.rules.faces import Strict, end_of
from tests.rules.served import SOON, Served

WORDS = 40


def all_kept_the_grammar(observers: list[Strict]) -> None:
    for observer in observers:
        assert observer.ended.wait(SOON)
    for observer in observers:
        assert observer.breaches == []
        assert len(observer.ends) == 1


def test_rule_01_signals_of_one_subscription_never_overlap(served: Served) -> None:
    """Of 24 subscribers a job, from 8 threads, before, during and after its run."""
    observers: list[Strict] = []

    with Client(served.url) as client, ThreadPoolExecutor(8) as threads:
        jobs = [client.submit(WORDS, api_name="/words") for _ in range(4)]

        def subscribe(n: int) -> None:
            observer = Strict()
            jobs[n % 4].updates.subscribe(observer)
            observers.append(observer)

        done, _ = wait([threads.submit(subscribe, n) for n in range(96)], SOON)
        assert all(each.exception() is None for each in done)
        all_kept_the_grammar(observers)
        assert len(observers) == 96
        expected = ["w" * n for n in range(1, WORDS + 1)]
        assert all(each.outputs == expected for each in observers)


def test_rule_01_an_end_from_elsewhere_does_not_come_between(served: Served) -> None:
    """Outputs come from the server, and the end from two threads that cancel at once."""
    with Client(served.url) as client:
        for _ in range(10):
            job = client.submit(WORDS, api_name="/words")
            observers = [Strict() for _ in range(4)]
            for observer in observers:
                job.updates.subscribe(observer)
            next(iter(job))
            both = threading.Barrier(3)

            def cancel(both: threading.Barrier = both, job: object = job) -> None:
                both.wait(SOON)
                job.cancel()  # type: ignore[attr-defined] # it is a Job

            threads = [threading.Thread(target=cancel) for _ in range(2)]
            for thread in threads:
                thread.start()
            both.wait(SOON)
            all_kept_the_grammar(observers)
            ends = {observer.ends[0] for observer in observers}
            assert ends == {end_of(None) if not job.cancelled() else ("cancelled", None)}
            for thread in threads:
                thread.join(SOON)


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda: ThreadPoolScheduler(8),
        NewThreadScheduler,
        EventLoopScheduler,
        ImmediateScheduler,
    ],
    ids=["pool", "new threads", "event loop", "immediate"],
)
def test_rule_01_a_scheduler_of_many_threads_does_not_make_them_overlap(
    serve: Callable[[], Served], scheduler: Callable[[], reactivex.abc.SchedulerBase]
) -> None:
    given = scheduler()
    with Client(serve().url) as client:
        job = client.submit(WORDS, api_name="/words")
        observers = [Strict(dawdle=0.0005) for _ in range(6)]
        for observer in observers:
            job.updates.subscribe(observer, scheduler=given)
        all_kept_the_grammar(observers)
        assert observers[0].outputs == ["w" * n for n in range(1, WORDS + 1)]
    if isinstance(given, EventLoopScheduler):
        given.dispose()
    if isinstance(given, ThreadPoolScheduler):
        given.executor.shutdown()


def test_rule_01_a_subscriber_that_has_left_hears_nothing_more(served: Served) -> None:
    """No signal begins after `dispose` has returned on the observer's own thread."""
    with Client(served.url) as client:
        job = client.submit(WORDS, api_name="/words")
        heard: list[object] = []
        left = threading.Event()

        def leave(update: object) -> None:
            heard.append(update)
            if len(heard) == 3:
                subscription.dispose()
                subscription.dispose()
                left.set()

        ready = threading.Lock()
        with ready:
            subscription = job.updates.subscribe(
                lambda update: leave(update) if ready.acquire() and not ready.release() else None,
                heard.append,
                lambda: heard.append("completed"),
            )
        last = Strict()
        job.updates.subscribe(last)
        assert left.wait(SOON)
        all_kept_the_grammar([last])
        assert len(heard) == 3


def test_rule_01_cold_streams_keep_it_too_when_they_are_merged(served: Served) -> None:
    with Client(served.url) as client:
        calls = [client.observe(WORDS, api_name="/words") for _ in range(6)]
        single = Strict()
        calls[0].subscribe(single)
        merged = Strict()
        reactivex.merge(*calls).subscribe(merged)
        all_kept_the_grammar([single, merged])
        assert single.outputs == ["w" * n for n in range(1, WORDS + 1)]
        assert single.ends == merged.ends == [("completed", None)]
