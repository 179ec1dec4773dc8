"""rxgradio's scheduler for reactivex."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import DeliveryScheduler
from rxgradio.runtime.process import loop_thread

SOON = 10.0


@pytest.fixture
def scheduler() -> DeliveryScheduler:
    return DeliveryScheduler()


def test_actions_run_in_order_on_delivery_threads(scheduler: DeliveryScheduler) -> None:
    order: list[int] = []
    names: set[str] = set()
    done = threading.Event()
    for n in range(100):
        scheduler.schedule(
            lambda *_, n=n: order.append(n) or names.add(threading.current_thread().name)
        )
    scheduler.schedule(lambda *_: done.set())
    assert done.wait(SOON)
    assert order == list(range(100))
    assert all(name.startswith("rxgradio-delivery") for name in names)


def test_an_action_that_raises_kills_nothing(scheduler: DeliveryScheduler) -> None:
    def raises(*_: object) -> None:
        raise ValueError("its own trouble")

    done = threading.Event()
    scheduler.schedule(raises)
    scheduler.schedule(lambda *_: done.set())
    assert done.wait(SOON)


def test_relative_and_absolute_times(scheduler: DeliveryScheduler) -> None:
    order: list[str] = []
    done = threading.Event()
    scheduler.schedule_relative(timedelta(seconds=0.06), lambda *_: order.append("c") or done.set())
    scheduler.schedule_absolute(
        scheduler.now + timedelta(seconds=0.03), lambda *_: order.append("b")
    )
    scheduler.schedule_relative(0, lambda *_: order.append("a"))
    assert done.wait(SOON)
    assert order == ["a", "b", "c"]


def test_disposing_takes_a_timer_back(scheduler: DeliveryScheduler) -> None:
    called: list[int] = []
    done = threading.Event()
    scheduler.schedule_relative(0.02, lambda *_: called.append(1)).dispose()
    scheduler.schedule(lambda *_: called.append(2)).dispose()
    scheduler.schedule_relative(0.05, lambda *_: done.set())
    assert done.wait(SOON)
    assert 1 not in called


def test_a_hundred_timers_need_no_thread_of_their_own(scheduler: DeliveryScheduler) -> None:
    loop_thread()
    done = threading.Semaphore(0)
    before = threading.active_count()
    for _ in range(100):
        scheduler.schedule_relative(0.05, lambda *_: done.release() and None)
    assert threading.active_count() <= before + 1
    for _ in range(100):
        assert done.acquire(timeout=SOON)


def test_reactivex_operators_keep_time_on_it(scheduler: DeliveryScheduler) -> None:
    values = reactivex.interval(0.005, scheduler=scheduler).pipe(ops.take(4), ops.to_list()).run()
    assert values == [0, 1, 2, 3]
