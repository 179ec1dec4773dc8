"""What holds on every toolkit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import reactivex
from reactivex import Subject
from reactivex import operators as ops

from rxgradio import AppError, Client, OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.ui import bind, changes, observe_on, scheduler
from tests.contract.app import SOON
from tests.contract.memory_app import MemoryApp
from tests.ui.drivers import Driver


class Feeder(threading.Thread):
    """A thread that does something, and keeps what it raises."""

    def __init__(self, feed: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._feed = feed
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._feed()
        except BaseException as error:
            self.raised = error

    def done(self) -> None:
        self.join(SOON)
        assert not self.is_alive(), "it was held up"
        assert self.raised is None


def off_the_ui(action: Callable[[], object]) -> None:
    """Do something on a thread of its own; raises what it raises."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(action).result(SOON)


def progressed(fraction: float) -> StatusUpdate:
    unit = ProgressUnit(progress=fraction, desc=f"step {fraction:.0%}")
    return StatusUpdate(Status.PROGRESS, progress_data=[unit])


FINISHED = StatusUpdate(Status.FINISHED, success=True)

# ---- flood


def test_of_a_flood_the_newest_is_shown_once_a_frame(ui: Driver) -> None:
    many = 20_000
    source: Subject[Any] = Subject()
    times: list[float] = []
    threads: set[int] = set()

    def shown(_: object) -> None:
        times.append(ui.now())
        threads.add(threading.get_ident())

    label = ui.call(ui.label)
    began = ui.now()
    bindings = ui.call(lambda: [bind(source, label), bind(source, shown, on=label)])
    feeder = Feeder(lambda: [source.on_next(f"{n}") for n in range(many)])
    ui.until(lambda: not feeder.is_alive() and ui.shown(label) == f"{many - 1}")
    feeder.done()

    # A timer may be late, and never early: never two in a frame.
    assert 1 <= len(times) <= (ui.now() - began) / ui.frame + 2
    if "threaded" not in ui.lacks:
        assert threads == {ui.call(threading.get_ident)}
    assert not any(binding.is_disposed for binding in bindings)
    assert ui.errors == []


def test_a_busy_ui_holds_up_nobody(ui: Driver) -> None:
    source: Subject[str] = Subject()
    label = ui.call(ui.label)
    ui.call(lambda: bind(source, label))

    def busy() -> None:
        feeder = Feeder(lambda: [source.on_next(f"{n}") for n in range(1000)])
        feeder.done()  # while the UI waits here

    ui.call(busy)
    ui.until(lambda: ui.shown(label) == "999")


def test_every_value_is_shown_if_that_is_wanted(ui: Driver) -> None:
    source: Subject[int] = Subject()
    seen: list[int] = []
    label = ui.call(ui.label)
    ui.call(lambda: bind(source, seen.append, on=label, every=True))
    Feeder(lambda: [source.on_next(n) for n in range(3000)]).done()
    ui.until(lambda: len(seen) == 3000)
    assert seen == list(range(3000))


def test_a_text_is_shown_as_it_is(ui: Driver) -> None:
    text = "<b>a</b> &amp; [b]b[/b] **c**"
    label = ui.call(ui.label)
    ui.call(lambda: bind(reactivex.of(text), label))
    ui.until(lambda: ui.shown(label))
    assert ui.call(lambda: ui.shown(label)) == text
    assert ui.errors == []


# ---- the end


def test_the_last_value_is_shown_though_the_end_comes_with_it(ui: Driver) -> None:
    label = ui.call(ui.label)
    binding = ui.call(lambda: bind(reactivex.of("first", "last"), label))
    ui.until(lambda: binding.is_disposed)
    assert ui.call(lambda: ui.shown(label)) == "last"


def test_the_end_of_a_call_is_shown_in_one_piece(ui: Driver) -> None:
    updates: Subject[Any] = Subject()
    label, bar, output = ui.call(lambda: (ui.label(), ui.bar(), ui.label()))
    seen: list[tuple[Any, ...]] = []

    def look(_: bool) -> None:
        seen.append((ui.shown(label), round(ui.shown(bar), 2), ui.shown(output)))

    binding = ui.call(lambda: bind(updates, status=label, progress=bar, output=output, busy=look))
    updates.on_next(progressed(0.4))  # alone: where the UI has a thread, it may look in between
    ui.until(lambda: seen)
    updates.on_next(OutputUpdate("half"))
    ui.until(lambda: ui.shown(output) == "half")

    def feed() -> None:
        for each in (progressed(0.9), OutputUpdate("all", final=True), FINISHED):
            updates.on_next(each)
        updates.on_completed()

    Feeder(feed).done()
    ui.until(lambda: binding.is_disposed)
    assert seen == [("step 40%", 0.4, ""), ("done", 1.0, "all")]


def test_a_bar_shows_that_it_is_not_known_how_much_is_done(interactive: Driver) -> None:
    ui = interactive
    updates: Subject[Any] = Subject()
    bar = ui.call(ui.bar)
    ui.call(lambda: bind(updates, progress=bar))
    updates.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: ui.shown(bar) is None)
    updates.on_next(progressed(0.25))
    ui.until(lambda: ui.shown(bar) == 0.25)
    updates.on_error(AppError("no"))
    ui.until(lambda: not updates.observers)
    assert ui.call(lambda: ui.shown(bar)) == 0.25


# ---- errors


def test_an_error_is_shown_in_its_place_or_with_the_status(ui: Driver) -> None:
    updates: Subject[Any] = Subject()
    status, error, only = ui.call(lambda: (ui.label(), ui.label(), ui.label()))
    ui.call(lambda: (bind(updates, status=status, error=error), bind(updates, status=only)))
    updates.on_next(StatusUpdate(Status.PROCESSING))
    updates.on_error(AppError("told you so"))
    ui.until(lambda: ui.shown(error) and "so" in ui.shown(only))
    assert ui.call(lambda: [ui.shown(each) for each in (status, error, only)]) == [
        "failed: told you so",
        "told you so",
        "failed: told you so",
    ]
    assert ui.errors == []


def test_an_error_without_a_place_is_reported(ui: Driver) -> None:
    label = ui.call(ui.label)
    ui.call(
        lambda: (
            bind(reactivex.throw(ValueError("of values")), label),
            bind(reactivex.throw(AppError("of a call")), output=label),
        )
    )
    ui.until(lambda: len(ui.errors) == 2)
    assert {str(error) for error in ui.errors} == {"of values", "of a call"}


def test_what_cannot_be_shown_ends_its_own_binding_alone(ui: Driver) -> None:
    source: Subject[str] = Subject()
    label = ui.call(ui.label)

    def refuse(_: str) -> None:
        raise ValueError("not that")

    sibling, broken = ui.call(lambda: (bind(source, label), bind(source, refuse, on=label)))
    Feeder(lambda: source.on_next("a")).done()
    ui.until(lambda: broken.is_disposed and ui.errors)
    Feeder(lambda: source.on_next("b")).done()
    ui.until(lambda: ui.shown(label) == "b")
    assert [str(error) for error in ui.errors] == ["not that"]
    assert not sibling.is_disposed
    assert len(source.observers) == 1


# ---- death


def test_a_widget_that_ends_in_a_flood_ends_its_binding(mortal: Driver) -> None:
    ui = mortal
    source: Subject[str] = Subject()
    label = ui.call(ui.label)
    binding = ui.call(lambda: bind(source, label))
    enough = threading.Event()

    def flood() -> None:
        while not enough.is_set():
            source.on_next("a")

    feeder = Feeder(flood)
    ui.until(lambda: ui.shown(label) == "a")
    ui.call(lambda: ui.destroy(label))
    ui.until(lambda: binding.is_disposed and not source.observers)
    enough.set()
    feeder.done()
    assert ui.errors == []


def test_a_widget_that_ends_ends_its_binding_to_a_silent_stream(
    interactive: Driver, mortal: Driver
) -> None:
    ui = mortal
    source: Subject[str] = Subject()
    label, other = ui.call(lambda: (ui.label(), ui.label()))
    binding, lasting = ui.call(lambda: (bind(source, label), bind(source, other)))
    ui.call(lambda: ui.destroy(label))
    ui.until(lambda: binding.is_disposed and len(source.observers) == 1)
    assert not lasting.is_disposed


def test_a_window_that_closes_ends_all(interactive: Driver) -> None:
    ui = interactive
    source: Subject[str] = Subject()
    label, entry = ui.call(lambda: (ui.label(), ui.entry()))
    ended: list[bool] = []

    def begin() -> list[Any]:
        changes(entry).subscribe(on_completed=lambda: ended.append(True))
        source.pipe(observe_on(label)).subscribe()
        return [bind(source, label), bind(source, lambda _: None, on=entry)]

    bindings = ui.call(begin)
    assert len(source.observers) == 3
    ui.close()
    assert all(binding.is_disposed for binding in bindings)
    assert not source.observers
    assert ended == [True]
    Feeder(lambda: source.on_next("a")).done()


def test_of_several_widgets_the_last_to_end_ends_the_binding(
    interactive: Driver, mortal: Driver
) -> None:
    ui = mortal
    updates: Subject[Any] = Subject()
    first, second = ui.call(lambda: (ui.label(), ui.label()))
    binding = ui.call(lambda: bind(updates, status=first, output=second))
    ui.call(lambda: ui.destroy(first))
    updates.on_next(OutputUpdate("a"))
    ui.until(lambda: ui.shown(second) == "a")
    assert not binding.is_disposed
    ui.call(lambda: ui.destroy(second))
    ui.until(lambda: binding.is_disposed and not updates.observers)
    assert ui.errors == []


def test_what_is_disposed_of_shows_nothing_more(ui: Driver) -> None:
    source: Subject[str] = Subject()
    label, other = ui.call(lambda: (ui.label(), ui.label()))
    binding, _ = ui.call(lambda: (bind(source, label), bind(source, other)))
    source.on_next("a")
    ui.until(lambda: ui.shown(label) == ui.shown(other) == "a")
    source.on_next("b")
    Feeder(binding.dispose).done()
    assert len(source.observers) == 1
    shown = ui.call(lambda: ui.shown(label))
    source.on_next("c")
    ui.until(lambda: ui.shown(other) == "c")
    assert ui.call(lambda: ui.shown(label)) == shown


# ---- calls


def test_a_job_goes_on_without_its_binding(
    ui: Driver, memory_client: Client, memory_app: MemoryApp
) -> None:
    job = memory_client.submit("a", api_name="/gated")
    label = ui.call(ui.label)
    binding = ui.call(lambda: bind(job, status=label, output=label))
    ui.until(lambda: ui.shown(label) == "working")
    binding.dispose()
    memory_app.open("a")
    assert job.result(SOON) == "a went through"
    assert memory_app.posted("/cancel") == []

    # Who comes late sees where it stands.
    output = ui.call(ui.label)
    ui.call(lambda: bind(job, output=output))
    ui.until(lambda: ui.shown(output) == "a went through")


def test_a_cold_call_is_cancelled_with_its_binding(
    ui: Driver, memory_client: Client, memory_app: MemoryApp
) -> None:
    label = ui.call(ui.label)
    call = memory_client.observe("a", 3, api_name="/gated_words")
    binding = ui.call(lambda: bind(call, status=label))
    memory_app.await_ledger("a", "started")
    binding.dispose()
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("a")
    memory_app.await_ledger("a", "closed")


def test_a_cold_call_is_cancelled_with_its_widget(
    interactive: Driver, memory_client: Client, memory_app: MemoryApp
) -> None:
    ui = interactive
    label = ui.call(ui.label)
    ui.call(lambda: bind(memory_client.observe("a", 3, api_name="/gated_words"), status=label))
    memory_app.await_ledger("a", "started")
    if "mortal" in ui.lacks:
        ui.close()
    else:
        ui.call(lambda: ui.destroy(label))
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("a")
    memory_app.await_ledger("a", "closed")


@pytest.mark.parametrize("hot", [True, False])
def test_a_button_cancels(
    interactive: Driver, memory_client: Client, memory_app: MemoryApp, hot: bool
) -> None:
    ui = interactive
    endpoint = memory_client.endpoint("/gated_words")
    label, button, run = ui.call(lambda: (ui.label(), ui.button(), ui.button()))
    call: Any = endpoint.submit("a", 3) if hot else endpoint.observe("a", 3)
    ui.call(lambda: bind(call, status=label, cancel=button, busy=run))
    memory_app.await_ledger("a", "started")
    ui.until(lambda: not ui.enabled(run))
    assert ui.call(lambda: ui.enabled(button))
    ui.call(lambda: ui.click(button))
    ui.until(lambda: ui.shown(label) == "cancelled" and not ui.enabled(button))
    assert ui.call(lambda: ui.enabled(run))
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("a")
    memory_app.await_ledger("a", "closed")


def test_a_widget_shows_the_call_that_was_bound_last(ui: Driver) -> None:
    first, second = Subject[Any](), Subject[Any]()
    label, output = ui.call(lambda: (ui.label(), ui.label()))
    seen: list[bool] = []
    older = ui.call(lambda: bind(first, status=label, output=output, busy=seen.append))
    first.on_next(OutputUpdate("old"))
    ui.until(lambda: ui.shown(output) == "old")
    ui.call(lambda: bind(second, status=label, output=output))
    second.on_next(StatusUpdate(Status.ITERATING))
    second.on_next(OutputUpdate("new"))
    ui.until(lambda: ui.shown(output) == "new")
    for update in (OutputUpdate("old again", final=True), FINISHED):
        first.on_next(update)
    first.on_completed()
    ui.until(lambda: older.is_disposed)
    assert seen == [True, False]  # functions are told nevertheless
    assert ui.call(lambda: (ui.shown(label), ui.shown(output))) == ("streaming", "new")


def test_one_call_after_another_is_shown_and_cancelled_by_the_same_widgets(
    interactive: Driver,
) -> None:
    ui = interactive
    first, second = Subject[Any](), Subject[Any]()
    label, run, cancel = ui.call(lambda: (ui.label(), ui.button(), ui.button()))

    def show(updates: Subject[Any]) -> Any:
        return bind(updates, status=label, busy=run, cancel=cancel)

    older = ui.call(lambda: show(first))
    first.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: not ui.enabled(run))

    def again() -> Any:
        older.dispose()
        return show(second)

    newer = ui.call(again)
    second.on_next(StatusUpdate(Status.ITERATING))
    ui.until(lambda: ui.shown(label) == "streaming")
    # What the older one has left to do is done by now.
    assert ui.call(lambda: (ui.enabled(run), ui.enabled(cancel))) == (False, True)
    ui.call(lambda: ui.click(cancel))
    ui.until(lambda: newer.is_disposed and ui.enabled(run) and not ui.enabled(cancel))
    assert not second.observers


def test_what_is_disposed_of_does_not_seem_to_work(interactive: Driver) -> None:
    ui = interactive
    updates = Subject[Any]()
    bar, run = ui.call(lambda: (ui.bar(), ui.button()))
    binding = ui.call(lambda: bind(updates, progress=bar, busy=run))
    updates.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: ui.shown(bar) is None and not ui.enabled(run))
    Feeder(binding.dispose).done()
    ui.until(lambda: ui.shown(bar) == 0.0 and ui.enabled(run))


def test_what_is_typed_over_is_cancelled_on_the_server(
    interactive: Driver, memory_client: Client, memory_app: MemoryApp
) -> None:
    ui = interactive
    entry, status, output = ui.call(lambda: (ui.entry(), ui.label(), ui.label()))
    typed = ui.call(lambda: changes(entry))
    found = typed.pipe(
        ops.distinct_until_changed(),
        ops.map(lambda text: (text, 2)),
        memory_client.endpoint("/gated_words").latest(unpack=True, on_error="keep"),
    )
    ui.call(lambda: bind(found, status=status, output=output))
    for text in ("h", "he", "hel"):
        ui.call(lambda letter=text[-1]: ui.type(entry, letter))
        ui.until(lambda text=text: "started" in memory_app.ledger(text))
    for text in ("h", "he"):
        memory_app.open(text)
        memory_app.await_ledger(text, "closed")
    memory_app.open("hel", 2)
    ui.until(lambda: ui.shown(status) == "done")
    assert ui.call(lambda: ui.shown(output)) == "word 0 word 1"
    assert [memory_app.ledger(text).count("started") for text in ("h", "he", "hel")] == [1] * 3
    assert [memory_app.ledger(text).count("finished") for text in ("h", "he", "hel")] == [0, 0, 1]
    assert len(memory_app.posted("/cancel")) == 2


# ---- what users do


def test_changes_are_emitted_on_the_thread_of_the_ui_until_the_widget_ends(
    interactive: Driver,
) -> None:
    ui = interactive
    entry = ui.call(ui.entry)
    seen: list[Any] = []
    threads: set[int] = set()
    stream = ui.call(lambda: changes(entry)).pipe(
        ops.do_action(lambda _: threads.add(threading.get_ident()))
    )
    ui.call(lambda: stream.subscribe(seen.append, seen.append, lambda: seen.append("end")))
    first = ui.call(lambda: stream.subscribe(lambda text: seen.append(f"{text}!")))
    ui.call(lambda: ui.type(entry, "h"))
    ui.until(lambda: len(seen) == 2)
    Feeder(first.dispose).done()
    for n, letter in enumerate("el"):
        ui.call(lambda letter=letter: ui.type(entry, letter))
        ui.until(lambda n=n: len(seen) == n + 3)
    assert threads == {ui.call(threading.get_ident)}
    if "mortal" in ui.lacks:
        ui.close()
    else:
        ui.call(lambda: ui.destroy(entry))
        ui.until(lambda: "end" in seen)
    assert seen == ["h", "h!", "he", "hel", "end"]


def test_the_present_value_comes_first_if_that_is_wanted(interactive: Driver) -> None:
    ui = interactive
    entry = ui.call(ui.entry)
    ui.call(lambda: ui.type(entry, "a"))
    ui.until(lambda: ui.shown(entry) == "a")
    seen: list[Any] = []
    ui.call(lambda: changes(entry, initial=True).subscribe(seen.append))
    ui.until(lambda: seen)
    ui.call(lambda: ui.type(entry, "b"))
    ui.until(lambda: len(seen) == 2)
    assert seen == ["a", "ab"]


def test_a_button_emits_its_clicks(interactive: Driver) -> None:
    ui = interactive
    button = ui.call(ui.button)
    seen: list[Any] = []
    subscription = ui.call(lambda: changes(button).subscribe(seen.append))
    ui.call(lambda: ui.click(button))
    ui.call(lambda: ui.click(button))
    ui.until(lambda: len(seen) == 2)
    subscription.dispose()
    ui.call(lambda: ui.click(button))
    assert seen == [None, None]


# ---- for those who compose


def test_a_scheduler_runs_actions_in_order_on_the_thread_of_the_ui(interactive: Driver) -> None:
    ui = interactive
    label = ui.call(ui.label)
    timers = ui.call(lambda: scheduler(label))
    ran: list[Any] = []

    def feed() -> None:
        def run(name: str) -> Callable[..., None]:
            return lambda *_: ran.append((name, threading.get_ident()))

        timers.schedule_relative(3 * ui.frame, run("late"))
        timers.schedule_relative(2 * ui.frame, run("never")).dispose()
        timers.schedule(run("first"))
        timers.schedule(run("second"))

    Feeder(feed).done()
    ui.until(lambda: len(ran) == 3)
    assert [name for name, _ in ran] == ["first", "second", "late"]
    if "threaded" not in ui.lacks:
        assert {thread for _, thread in ran} == {ui.call(threading.get_ident)}


def test_a_stream_hops_to_the_ui_with_its_last_value_and_its_end(interactive: Driver) -> None:
    ui = interactive
    label = ui.call(ui.label)
    source: Subject[int] = Subject()
    seen: list[Any] = []
    threads: set[int] = set()
    hopped = source.pipe(
        ui.call(lambda: observe_on(label)),
        ops.do_action(lambda _: threads.add(threading.get_ident())),
    )
    ui.call(lambda: hopped.subscribe(seen.append, seen.append, lambda: seen.append("end")))
    Feeder(lambda: [*map(source.on_next, range(1000)), source.on_completed()]).done()
    ui.until(lambda: "end" in seen)
    assert seen[-2:] == [999, "end"]
    assert len(seen) < 1000
    if "threaded" not in ui.lacks:
        assert threads == {ui.call(threading.get_ident)}


def test_a_ui_does_not_wait_for_what_it_is_to_show(threaded: Driver) -> None:
    ui = threaded
    label = ui.call(ui.label)
    binding = ui.call(lambda: bind(reactivex.never(), label))
    with pytest.raises(RuntimeError, match="block the UI"):
        ui.call(binding.wait)
    with pytest.raises(TimeoutError):
        off_the_ui(lambda: binding.wait(0.01))
    binding.dispose()
    off_the_ui(binding.wait)


def test_widgets_are_bound_on_the_thread_of_their_ui(threaded: Driver) -> None:
    ui = threaded
    label = ui.call(ui.label)
    source: Subject[int] = Subject()
    raised: list[BaseException] = []

    def elsewhere() -> None:
        for bound in (lambda: bind(source, label), lambda: scheduler(label)):
            with pytest.raises(RuntimeError, match="thread of their UI"):
                bound()
        source.pipe(observe_on(label)).subscribe(on_error=raised.append)

    Feeder(elsewhere).done()
    assert [type(error) for error in raised] == [RuntimeError]
    assert not source.observers
