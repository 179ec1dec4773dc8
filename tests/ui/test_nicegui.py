"""What is special about NiceGUI."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio.ui import bind, changes

pytest.importorskip("nicegui")

from nicegui import ui

from tests.ui.nicegui_driver import NiceGUIDriver


@pytest.fixture
def page() -> Iterator[NiceGUIDriver]:
    with NiceGUIDriver() as driver:
        yield driver


def make(page: NiceGUIDriver, *kinds: Callable[[], Any]) -> list[Any]:
    return page.call(lambda: [kind() for kind in kinds])


def show(page: NiceGUIDriver, widget: Any, *values: Any, prop: str | None = None) -> None:
    for value in values:
        binding = page.call(lambda value=value: bind(reactivex.of(value), widget, prop))
        page.until(lambda binding=binding: binding.is_disposed)
    assert page.errors == []


# ---- what is shown


def test_each_kind_of_element_shows_what_it_is_there_to_show(page: NiceGUIDriver) -> None:
    label, button, badge, text, html, image, log = make(
        page,
        ui.label,
        ui.button,
        ui.badge,
        ui.markdown,
        lambda: ui.html(sanitize=False),
        ui.image,
        ui.log,
    )
    for widget in (label, button, badge):
        show(page, widget, "a", 5)
        assert widget.text == "5"
        show(page, widget, None)
        assert widget.text == ""
    show(page, text, "*a*")
    assert text.content == "*a*"
    show(page, html, "<b>a</b>", None)
    assert html.content == ""
    show(page, image, "https://127.0.0.1/a.png")
    assert image.source == "https://127.0.0.1/a.png"
    page.call(lambda: bind(reactivex.of("a", "b\nc"), log, every=True))
    page.until(lambda: [line.text for line in log] == ["a", "b", "c"])


def test_each_kind_of_input_shows_a_value(page: NiceGUIDriver) -> None:
    field, area, number, slider, switch, box, chosen, radio = make(
        page,
        ui.input,
        ui.textarea,
        ui.number,
        lambda: ui.slider(min=0, max=9),
        ui.switch,
        ui.checkbox,
        lambda: ui.select(["a", "b"]),
        lambda: ui.radio(["a", "b"]),
    )
    for widget in (field, area):
        show(page, widget, "a", 5)
        assert widget.value == "5"
        show(page, widget, None)
        assert widget.value == ""
    for widget, value in ((number, 4.5), (slider, 4), (switch, True), (box, True)):
        show(page, widget, value)
        assert widget.value == value
    for widget in (chosen, radio):
        show(page, widget, "b")
        assert widget.value == "b"
        show(page, widget, None)
        assert widget.value is None


def test_a_bar_has_a_range_of_its_own(page: NiceGUIDriver) -> None:
    line, circle = make(
        page, ui.linear_progress, lambda: ui.circular_progress(min=10, max=30, show_value=False)
    )
    for bar, quarter in ((line, 0.25), (circle, 15)):
        show(page, bar, None)
        assert bar.props["indeterminate"]
        show(page, bar, 0.25)
        assert "indeterminate" not in bar.props
        assert bar.value == quarter


def test_attributes_and_props_by_their_names(page: NiceGUIDriver) -> None:
    label, button, bar, table = make(
        page,
        ui.label,
        ui.button,
        ui.linear_progress,
        lambda: ui.table(rows=[], columns=[{"name": "a", "field": "a"}]),
    )
    show(page, label, False, prop="visible")
    assert not label.visible
    show(page, bar, "green", prop="color")
    assert bar.props["color"] == "green"
    show(page, table, [{"a": 1}], prop="rows")
    assert table.rows == [{"a": 1}]
    show(page, button, False, prop="enabled")
    assert not button.enabled
    show(page, bar, False, prop="enabled")
    assert bar.props["disable"]
    got: list[Any] = []
    page.call(lambda: bind(reactivex.of(1), lambda _: ui.label("made"), on=bar))
    page.until(lambda: any(getattr(each, "text", "") == "made" for each in bar.parent_slot))
    page.call(lambda: changes(label, "visible", initial=True).subscribe(got.append, got.append))
    assert got[0] is False
    assert isinstance(got[1], TypeError)


def test_what_has_nothing_to_show_is_reported(page: NiceGUIDriver) -> None:
    told: list[Exception] = []
    page.page.on_exception(told.append)
    (spinner,) = make(page, ui.spinner)
    page.call(lambda: bind(reactivex.of(1), spinner))
    page.until(lambda: page.errors)
    assert [str(each) for each in page.errors] == [
        "what of a Spinner is to be set? Name a property"
    ]
    assert told == page.errors


# ---- what is entered


def test_what_each_kind_of_element_is_changed_to(page: NiceGUIDriver) -> None:
    field, number, switch, chosen, button = make(
        page, ui.input, ui.number, ui.switch, lambda: ui.select(["a", "b"]), ui.button
    )
    seen: list[Any] = []
    for widget in (field, number, switch, chosen, button):
        page.call(lambda widget=widget: changes(widget).subscribe(seen.append))

    def enter() -> None:
        page.type(field, "a")
        page.type(number, "5")
        page.click(switch)
        chosen.value = "b"
        page.click(button)

    page.call(enter)
    assert seen == ["a", 5.0, True, "b", None]
    assert page.errors == []


def test_what_listens_again_and_again_is_one(page: NiceGUIDriver) -> None:
    (button,) = make(page, ui.button)
    before = len(button._event_listeners)
    for _ in range(5):
        subscription = page.call(lambda: changes(button).subscribe())
        subscription.dispose()
    assert len(button._event_listeners) == before + 1


def test_what_a_subscriber_raises_is_reported(page: NiceGUIDriver) -> None:
    (button,) = make(page, ui.button)
    page.call(lambda: changes(button).subscribe(lambda _: 1 / 0))
    page.call(lambda: page.click(button))
    assert [type(error) for error in page.errors] == [ZeroDivisionError]


# ---- death


@pytest.mark.parametrize("how", ["deleted", "cleared", "its page"])
def test_what_ends_an_element_ends_its_binding_to_a_silent_stream(
    page: NiceGUIDriver, how: str
) -> None:
    source: Subject[str] = Subject()
    ended: list[bool] = []
    row: ui.row = page.call(ui.row)
    labels: list[ui.label] = []

    def begin() -> Any:
        with row:
            label, field = ui.label(), ui.input()
        changes(field).subscribe(on_completed=lambda: ended.append(True))
        label.on("click", lambda: None)
        labels.append(label)
        return [bind(source, label), bind(source, lambda _: None, on=field)]

    bindings = page.call(begin)
    of_page = page.call(lambda: bind(source, lambda _: None, on=page.page))
    if how == "deleted":
        page.call(row.delete)
    elif how == "cleared":
        page.call(row.clear)
    else:
        page.close()
    assert all(binding.is_disposed for binding in bindings)
    assert ended == [True]
    assert not labels[0]._event_listeners  # NiceGUI has done what it does
    assert of_page.is_disposed == (how == "its page")
    assert len(source.observers) == (how != "its page")
    assert page.errors == []


def test_an_element_that_is_deleted_is_not_kept(page: NiceGUIDriver) -> None:
    source: Subject[str] = Subject()
    refs: list[weakref.ref[Any]] = []

    def begin() -> None:
        label, field, button = ui.label(), ui.input(), ui.button()
        bind(source, status=label, cancel=button)
        bind(source, label.set_text, on=label)
        changes(field).subscribe(label.set_text)
        source.on_next("a")
        for each in (label, field, button):
            refs.append(weakref.ref(each))
            each.delete()

    page.call(begin)
    page.until(lambda: gc.collect() >= 0 and not any(ref() for ref in refs))
    assert not source.observers
    assert page.errors == []


SCRIPT = """
import sys, reactivex
from reactivex import operators as ops
from nicegui import ui
from rxgradio.ui import bind

label = ui.label()
left = ops.finally_action(lambda: print("left", flush=True))
came = reactivex.concat(reactivex.of("it came"), reactivex.never())
bind(reactivex.defer(lambda _: (print("came", flush=True), came)[1]).pipe(left), label)
ui.run(host="127.0.0.1", port=int(sys.argv[1]), show=False, reload=False, reconnect_timeout=0.1)
"""


def test_a_script_is_a_page_and_its_bindings_end_when_its_visitor_leaves(
    browser: Any, unused_port: int, tmp_path: Path
) -> None:
    from tests.ui.nicegui_page import opened

    program = tmp_path / "script.py"
    program.write_text(SCRIPT, "utf-8")
    with opened(browser, program, port=unused_port) as page:
        page.until(lambda: "it came" in page.find("body").text)
        page.leave()
        said = page.process.stdout
        assert said is not None
        # Nothing was subscribed to when NiceGUI looked whether it is a script.
        assert [line for line in lines_until("left\n", said) if "NiceGUI" not in line] == [
            "came\n",
            "left\n",
        ]
        page.process.terminate()
        assert "came" not in said.read()


def lines_until(last: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.strip():
            yield line
        if line == last:
            return
