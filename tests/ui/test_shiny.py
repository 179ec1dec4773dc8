"""What is special about Shiny for Python."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio import OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.ui import bind, changes

shiny = pytest.importorskip("shiny")
reactive = shiny.reactive
session_context = shiny.session.session_context


@pytest.fixture
def page(lasting: None, browser: Any, shiny_server: Any) -> Iterator[Any]:
    from tests.ui.shiny_driver import ShinyDriver

    with ShinyDriver(shiny_server, browser) as driver:
        yield driver


def read(page: Any, value: Any) -> Any:
    return page.call(value)


def test_any_reactive_value_is_a_place_and_so_is_its_setter(page: Any) -> None:
    status, done = reactive.value(), reactive.value(0.0)
    updates: Subject[Any] = Subject()
    page.call(lambda: bind(updates, status=status, progress=done.set))
    updates.on_next(StatusUpdate(Status.PROCESSING))
    page.until(lambda: status.is_set() and status() == "working")
    assert read(page, done) is None
    page.close()
    assert not updates.observers


def test_what_is_set_reaches_the_browser_by_itself(page: Any) -> None:
    source: Subject[str] = Subject()
    label = page.call(page.label)
    page.call(lambda: bind(source, label))
    source.on_next("a")
    # Nothing else is asked of the server, which would flush.
    page.wait(lambda: page.seen() == ["a"])
    assert page.errors == []


def test_what_belongs_together_changes_in_one_flush(page: Any) -> None:
    updates: Subject[Any] = Subject()
    status, done, output = reactive.value(""), reactive.value(0.0), reactive.value("")
    seen: list[tuple[Any, ...]] = []

    def begin() -> None:
        bind(updates, status=status, progress=done, output=output)

        @reactive.effect
        def look() -> None:
            seen.append((status(), done(), output()))

    page.call(begin)
    unit = ProgressUnit(progress=0.25, desc="reading")
    updates.on_next(StatusUpdate(Status.PROGRESS, progress_data=[unit]))
    page.until(lambda: len(seen) == 2)
    updates.on_next(OutputUpdate("all", final=True))
    page.until(lambda: len(seen) == 3)
    assert seen == [("", 0.0, ""), ("reading", 0.25, ""), ("done", 1.0, "all")]


def test_changes_of_values_and_of_what_is_calculated_from_them(page: Any) -> None:
    number, other, unset = reactive.value(1), reactive.value("a"), reactive.value()
    seen: list[Any] = []

    def begin() -> Any:
        @reactive.calc
        def twice() -> int:
            return 2 * number()

        # What hears of one value does not depend on another that it reads.
        changes(number).subscribe(lambda value: seen.append((value, other())))
        changes(unset, initial=True).subscribe(lambda value: seen.append(("was unset", value)))
        return changes(twice, initial=True).subscribe(seen.append)

    last = page.call(begin)
    page.until(lambda: len(seen) == 2)
    assert seen == [("was unset", None), 2]
    page.call(lambda: (number.set(2), unset.set("b")))
    page.until(lambda: len(seen) == 5)
    assert set(seen[2:]) == {(2, "a"), ("was unset", "b"), 4}
    page.call(lambda: other.set("b"))
    last.dispose()
    page.call(lambda: number.set(3))
    page.until(lambda: len(seen) == 6)
    assert seen[-1] == (3, "b")


def test_what_changes_before_it_is_first_looked_at_is_a_change(page: Any) -> None:
    value = reactive.value("a")
    seen: list[Any] = []

    def begin() -> None:
        changes(value).subscribe(seen.append)
        value.set("b")

    page.call(begin)
    page.until(lambda: seen)
    assert seen == ["b"]


def test_clicks_that_a_browser_tells_of_at_once_are_all_emitted(page: Any) -> None:
    button = page.call(page.button)
    seen: list[Any] = []
    page.call(lambda: changes(button).subscribe(seen.append))
    thrice = "for (let n = 0; n < 3; n++) arguments[0].click()"
    page.browser.execute_script(thrice, page.element(button, "button"))
    page.until(lambda: len(seen) == 3)
    assert seen == [None] * 3


def test_an_input_of_a_module_is_known_by_its_full_name(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = page.session.make_scope("part")
    sent: list[Any] = []

    def begin() -> None:
        with session_context(part):
            bind(Subject(), status=lambda _: None, on=part, cancel=part.input.stop)

    monkeypatch.setattr(page.session, "send_input_message", lambda *told: sent.append(told))
    page.call(begin)
    assert sent == [("part-stop", {"disabled": False})]


def test_a_value_that_is_destroyed_is_not_set_and_tells(page: Any) -> None:
    source: Subject[str] = Subject()
    value = reactive.value("")
    binding = page.call(lambda: bind(source, value.set))
    page.call(value.destroy)
    page.until(lambda: binding.is_disposed)
    assert not source.observers
    late = page.call(lambda: bind(source, value))
    assert late.is_disposed
    assert page.errors == []


def test_a_session_keeps_nothing_of_bindings_that_are_over(page: Any) -> None:
    source: Subject[str] = Subject()
    value = page.call(lambda: reactive.value(""))

    def kept() -> int:
        return len(page.session._on_ended_callbacks._callbacks)

    before = page.call(kept)
    for binding in page.call(lambda: [bind(source, value) for _ in range(5)]):
        binding.dispose()
    page.until(lambda: kept() == before)
    last = page.call(lambda: bind(source, value))
    page.call(value.destroy)
    page.until(lambda: last.is_disposed)


def test_an_input_is_not_to_be_set_and_the_session_goes_on(page: Any) -> None:
    entry, label = page.call(lambda: (page.entry(), page.label()))
    source: Subject[str] = Subject()
    page.call(lambda: (bind(source, entry), bind(source, label)))
    source.on_next("a")
    page.until(lambda: label() == "a" and page.errors)
    assert "update_xxx" in str(page.errors[0])

    # As Shiny says, there is a function for that, and it knows whose page it is.
    def update(text: str) -> None:
        shiny.ui.update_text("entry0", value=text)

    page.call(lambda: bind(source, update, on=page.session))
    source.on_next("b")
    page.until(lambda: entry() == "b")


def test_what_cannot_be_done_is_refused(page: Any) -> None:
    value = reactive.value("")

    def refused() -> list[type]:
        raised: list[Exception] = []
        changes(page.session).subscribe(on_error=raised.append)
        changes(value, "colour").subscribe(on_error=raised.append)
        for place in ({"cancel": value}, {"busy": value}):
            try:
                bind(reactivex.of(1), output=lambda _: None, **place)
            except Exception as error:
                raised.append(error)
        return [type(each) for each in raised]

    assert page.call(refused) == [TypeError, TypeError, TypeError]
    page.until(lambda: page.errors)
    assert "name an input" in str(page.errors[0])


def test_where_no_loop_runs_it_is_refused() -> None:
    raised: list[Exception] = []

    def elsewhere() -> None:
        try:
            bind(Subject(), reactive.value(""))
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "thread of their UI" in str(raised[0])
