"""The delivery pool: few threads, nobody starved, trouble named."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from rxgradio.runtime.delivery import Delivery, Lane

SOON = 10.0


class Clock:
    """Timers that run down when a test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        self.due.append(action)

    def tick(self) -> None:
        due, self.due = self.due, []
        for action in due:
            action()


class Blocked:
    """Callbacks that block until they are released."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self) -> None:
        self.started.release()
        assert self.release.wait(SOON)

    def await_started(self, count: int) -> None:
        for _ in range(count):
            assert self.started.acquire(timeout=SOON)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blocked() -> Blocked:
    return Blocked()


@pytest.fixture
def pool(clock: Clock) -> Delivery:
    # Idle threads stay, waiting without a time-out; they are daemons, and few.
    return Delivery(clock.later, threads=3, bound=6)


def test_tasks_run_and_threads_are_used_again(pool: Delivery) -> None:
    names: list[str] = []
    for _ in range(50):
        done = threading.Event()
        pool.start(
            lambda done=done: names.append(threading.current_thread().name) or done.set(), "t"
        )
        assert done.wait(SOON)
        assert pool.drain(SOON)
    assert len(set(names)) <= 3


def test_more_threads_come_only_while_nothing_returns(
    pool: Delivery, clock: Clock, blocked: Blocked
) -> None:
    for _ in range(5):
        pool.start(blocked, "stuck")
    blocked.await_started(3)
    assert pool._threads == 3
    clock.tick()
    blocked.await_started(2)
    assert pool._threads == 5
    blocked.release.set()
    assert pool.drain(SOON)


def test_at_the_bound_deliveries_queue_with_one_warning_that_names_the_stuck(
    pool: Delivery, clock: Clock, blocked: Blocked, caplog: pytest.LogCaptureFixture
) -> None:
    def slow_callback() -> None: ...

    for _ in range(9):
        pool.start(blocked, slow_callback)
    with caplog.at_level(logging.WARNING, "rxgradio"):
        for _ in range(4):
            clock.tick()
    blocked.await_started(6)
    assert pool._threads == 6
    assert [record.message.count("slow_callback") for record in caplog.records] == [1]
    blocked.release.set()
    blocked.await_started(3)
    assert pool.drain(SOON)


def test_one_who_stands_aside_makes_room_at_once(pool: Delivery, blocked: Blocked) -> None:
    waits = threading.Semaphore(0)

    def aside() -> None:
        with pool.standing_aside(lambda: True):
            waits.release()
            assert blocked.release.wait(SOON)

    for _ in range(3):
        pool.start(aside, "aside")
    for _ in range(3):
        assert waits.acquire(timeout=SOON)
    done = threading.Event()
    pool.start(done.set, "next")
    assert done.wait(SOON)  # no tick of the clock was needed
    blocked.release.set()
    assert pool.drain(SOON)


def test_standing_aside_elsewhere_does_nothing(pool: Delivery) -> None:
    with pool.standing_aside(lambda: True):
        assert pool._aside == 0


def test_a_callback_that_raises_is_logged_and_harms_nobody(
    pool: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    def raises() -> None:
        raise SystemExit("its own trouble")

    for _ in range(5):
        pool.start(raises, "raises")
    done = threading.Event()
    pool.start(done.set, "next")
    assert done.wait(SOON)
    assert pool.drain(SOON)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 5


def test_draining_gives_up_after_its_time(pool: Delivery, blocked: Blocked) -> None:
    pool.start(blocked, "stuck")
    assert not pool.drain(0.01)
    blocked.release.set()
    assert pool.drain(SOON)


def test_a_lane_runs_its_actions_in_order_one_at_a_time(pool: Delivery) -> None:
    lane = Lane(pool, "lane")
    order: list[int] = []
    overlaps: list[int] = []
    inside = threading.Lock()

    def action(n: int) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(n)
        order.append(n)
        inside.release()
        if n % 7 == 0:
            raise ValueError("its own trouble")

    for n in range(200):
        lane.start(lambda n=n: action(n))
    done = threading.Event()
    lane.start(done.set)
    assert done.wait(SOON)
    assert order == list(range(200))
    assert overlaps == []
    assert pool.drain(SOON)
