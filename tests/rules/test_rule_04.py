"""4. `cancel()`, `dispose()` and `close()` are prompt, may be repeated, and never raise.

Within 3 s even if the server never answers, whatever it owes an answer to; from any
thread, many at once; and from within callbacks, observers, iterators and tasks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
from reactivex import operators as ops

from rxgradio import Client, ClientClosed, Job, OutputUpdate
from rxgradio.testing import Hang
from rxgradio.transport import lane
from tests.rules.faces import Face, Faces, Strict
from tests.rules.served import SOON, Served
from tests.transport.server import within

PROMPT = 3.0

HANGS: dict[str, tuple[str, Hang]] = {
    "the join": ("join", Hang()),
    "the answer to the join": ("join", Hang(late=True)),
    "the stream": ("stream", Hang()),
    "the first message": ("stream", Hang(late=True)),
    "the second message": ("stream", Hang(after=1)),
    "the cancel": ("cancel", Hang()),
}
"""What a server never answers, or never says."""

OWED = pytest.mark.parametrize("owed", HANGS)


def stuck(served: Served, client: Client, owed: str, count: int = 1) -> list[Job]:
    """Make calls that get no further than something that the server owes them."""
    step, hang = HANGS[owed]
    served.script(step, hang)
    jobs = [client.submit(f"{owed} {n}", 3, api_name="/flow") for n in range(count)]
    if step == "cancel":
        for job in jobs:
            next(iter(job))
    else:
        served.until(lambda: served.asked(step))
    return jobs


@OWED
def test_rule_04_a_cancel_waits_for_no_answer(served: Served, owed: str) -> None:
    with Client(served.url) as client:
        [job] = stuck(served, client, owed)
        faces = Faces(job)
        with within(PROMPT):
            assert job.cancel()
            assert job.cancel()
            assert faces.all_told()[0] == "cancelled"
        with within(PROMPT):
            client.close()


@OWED
def test_rule_04_closing_waits_for_no_answer(served: Served, owed: str) -> None:
    client = Client(served.url)
    jobs = stuck(served, client, owed, 3)
    if owed == "the cancel":
        assert all(job.cancel() for job in jobs)
    faces = [Faces(job) for job in jobs]
    with within(PROMPT):
        client.close()
        client.close()
        ends = {each.all_told()[0] for each in faces}
    assert ends == {"cancelled" if owed == "the cancel" else "ClientClosed"}


@OWED
def test_rule_04_disposing_waits_for_no_answer(served: Served, owed: str) -> None:
    step, hang = HANGS[owed]
    served.script(step, hang)
    with Client(served.url) as client:
        seen = Strict()
        first = threading.Event()
        subscription = (
            client.observe("x", 3, api_name="/flow")
            .pipe(ops.do_action(lambda update: isinstance(update, OutputUpdate) and first.set()))
            .subscribe(seen)
        )
        if step == "cancel":
            assert first.wait(SOON)
        else:
            served.until(lambda: served.asked(step))
        with within(PROMPT):
            subscription.dispose()
            subscription.dispose()
        with within(PROMPT):
            client.close()
        assert seen.ends == []
        assert seen.breaches == []


def test_rule_04_any_number_of_threads_may_do_all_of_it_at_once(served: Served) -> None:
    served.script("cancel", Hang())
    client = Client(served.url)
    jobs = [client.submit(f"{n}", 3, api_name="/flow") for n in range(4)]
    subscriptions = [job.updates.subscribe(Strict()) for job in jobs]
    for job in jobs:
        next(iter(job))
    start = threading.Barrier(13)

    def at_once(do: Callable[[], object]) -> Callable[[list[Any]], object]:
        return lambda _: (start.wait(SOON), do())[1]

    actions = [*(job.cancel for job in jobs * 2), *(each.dispose for each in subscriptions[:3])]
    threads = [Face(f"{n}", at_once(do)) for n, do in enumerate([*actions, client.close])]
    start.wait(SOON)
    with within(PROMPT):
        for thread in threads:
            thread.join(SOON)
    for n, thread in enumerate(threads):
        expected = jobs[n % 4].cancelled() if n < 8 else None
        assert thread.end == ("completed", expected)
    for job in jobs:
        assert isinstance(job.exception() if not job.cancelled() else None, ClientClosed | None)


def _from_an_observer(job: Job, do: Callable[[], object], done: threading.Event) -> None:
    def on_next(update: object) -> None:
        if isinstance(update, OutputUpdate):
            do()
            done.set()

    job.updates.subscribe(on_next, lambda _: None)


def _from_an_iterator(job: Job, do: Callable[[], object], done: threading.Event) -> None:
    def read() -> None:
        for _ in job:
            do()
            done.set()

    with pytest.raises((CancelledError, ClientClosed)):
        read()


def _from_a_task(job: Job, do: Callable[[], object], done: threading.Event) -> None:
    async def read() -> None:
        async for update in job:
            if isinstance(update, OutputUpdate):
                do()
                done.set()

    with pytest.raises((CancelledError, ClientClosed)):
        asyncio.run(read())


def _from_callbacks(job: Job, do: Callable[[], object], done: threading.Event) -> None:
    job.add_done_callback(lambda _: (do(), done.set()))
    job.cancel()


@pytest.mark.parametrize(
    "place", [_from_an_observer, _from_an_iterator, _from_a_task, _from_callbacks]
)
@pytest.mark.parametrize("what", ["cancel", "close"])
def test_rule_04_they_may_be_called_from_anywhere(
    served: Served,
    place: Callable[[Job, Callable[[], object], threading.Event], None],
    what: str,
) -> None:
    served.script("cancel", Hang())
    client = Client(served.url)
    job = client.submit("x", 3, api_name="/flow")
    done = threading.Event()
    results: list[object] = []
    do = {"cancel": job.cancel, "close": client.close}[what]
    with within(PROMPT):
        place(job, lambda: results.append((do(), do())), done)
        assert done.wait(SOON)
    assert results == [(True, True) if what == "cancel" else (None, None)]
    assert Faces(job).all_told()[0] in {"cancelled", "ClientClosed"}
    with within(PROMPT):
        client.close()


def test_rule_04_disposing_within_a_callback_stops_it_there(served: Served) -> None:
    with Client(served.url) as client:
        heard: list[object] = []
        done = threading.Event()
        client.observe("x", 3, api_name="/flow").pipe(
            ops.filter(lambda update: isinstance(update, OutputUpdate)), ops.take(1)
        ).subscribe(heard.append, on_completed=done.set)
        assert done.wait(SOON)
        served.open_gate("x")
        assert [update.outputs for update in heard] == ["x 0"]  # type: ignore[attr-defined] # as filtered
        assert client.submit("y", api_name="/echo").result(SOON) == "y"


def test_rule_04_the_server_has_a_few_seconds_to_take_a_cancel() -> None:
    assert 3 <= lane._CANCEL_TIMEOUT <= 10
