"""What is special about Panel."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio import OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.ui import bind, changes
from tests.contract.app import SOON

pn = pytest.importorskip("panel")
param = pytest.importorskip("param")


def until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON
    while not fact():
        assert time.monotonic() < deadline, "it has not come true"
        threading.Event().wait(0.002)


def show(widget: Any, value: Any, prop: str | None = None) -> None:
    binding = bind(reactivex.of(value), widget, prop)
    until(lambda: binding.is_disposed)


# ---- without a page


def test_each_kind_of_widget_shows_what_it_is_there_to_show() -> None:
    panes = [pn.pane.Str(""), pn.pane.Markdown(""), pn.pane.HTML(""), pn.pane.Alert("")]
    texts = [pn.widgets.TextInput(), pn.widgets.TextAreaInput(), pn.widgets.StaticText(value="")]
    for widgets, name in ((panes, "object"), (texts, "value")):
        for widget in widgets:
            show(widget, "a")
            assert getattr(widget, name) == "a"
            show(widget, 5)
            assert getattr(widget, name) == "5"
            show(widget, None)
            assert getattr(widget, name) == ""
    slider = pn.widgets.FloatSlider(start=0, end=9)
    chosen = pn.widgets.Select(options=["a", "b"])
    checked = pn.widgets.Checkbox()
    for widget, value in ((slider, 4.5), (chosen, "b"), (checked, True)):
        show(widget, value)
        assert widget.value == value
    show(checked, "told", "label")
    assert checked.label == "told"
    terminal = pn.widgets.Terminal()
    source = reactivex.of("one ", "two")
    binding = bind(source, terminal.write, on=terminal, every=True)
    until(lambda: binding.is_disposed)
    assert terminal.output == "one two"


def test_a_bar_has_a_maximum_of_its_own_and_moves_while_nobody_knows() -> None:
    bar = pn.indicators.Progress(max=10, value=0)
    show(bar, 0.3)
    assert bar.value == 3
    show(bar, None)
    assert bar.value == -1


def test_a_text_is_shown_as_it_is() -> None:
    for widget in (
        pn.widgets.StaticText(),
        pn.widgets.StaticText(value=""),
        pn.indicators.String(),
    ):
        show(widget, "<b>a</b> & b")
        assert widget.value == "&lt;b&gt;a&lt;/b&gt; &amp; b"  # Panel makes HTML of it
    pane = pn.pane.Str()
    show(pane, ["<b>"])
    assert pane.object == "[&#x27;&lt;b&gt;&#x27;]"
    field = pn.widgets.TextInput()
    show(field, "<b>")
    assert field.value == "<b>"


def test_a_parameter_that_is_misspelt_is_told(caplog: pytest.LogCaptureFixture) -> None:
    show(pn.widgets.StaticText(), "a", "txet")
    assert "a StaticText has no parameter 'txet'" in caplog.text


def test_whatever_has_parameters_can_be_set_and_heard() -> None:
    class Model(param.Parameterized):
        text = param.String()
        number = param.Number()

    model = Model()
    show(model, "a", "text")
    assert model.text == "a"
    seen: list[Any] = []
    subscription = changes(model, "number").subscribe(seen.append)
    model.number = 5
    assert seen == [5]
    subscription.dispose()
    until(lambda: not model.param.watchers.get("number", {}).get("value"))
    with pytest.raises(TypeError, match="Name one"):
        changes(model).subscribe(on_error=reraise)
    with pytest.raises(TypeError, match="no parameter 'colour'"):
        changes(model, "colour").subscribe(on_error=reraise)


def reraise(error: Exception) -> None:
    raise error


def test_each_kind_of_widget_tells_what_its_user_changes() -> None:
    text, slider = pn.widgets.TextInput(), pn.widgets.IntSlider(start=0, end=9)
    menu, checked = pn.widgets.MenuButton(items=["a", "b"]), pn.widgets.Checkbox()
    button = pn.widgets.Button(label="go")
    seen: list[Any] = []
    for widget in (text, slider, menu, checked, button):
        changes(widget, initial=True).subscribe(seen.append)
    assert seen == ["", 0, None, False, None]
    text.value_input = "h"  # a key; `value` follows when the entry is left
    slider.value = 3
    menu.clicked = "b"
    checked.value = True
    button.clicks += 1
    assert seen[5:] == ["h", 3, "b", True, None]


def test_what_is_not_referred_to_any_more_ends_its_binding() -> None:
    source: Subject[str] = Subject()
    binding = bind(source, pn.pane.Str(""))
    gc.collect()
    source.on_next("a")
    until(lambda: binding.is_disposed)
    assert not source.observers


# ---- in a page


@pytest.fixture
def server(panel_server: Any) -> Iterator[Any]:
    made = panel_server.making
    yield panel_server
    panel_server.making = made


@pytest.fixture
def page(lasting: None, browser: Any, server: Any) -> Iterator[Any]:
    from tests.ui.panel_driver import PanelDriver

    with PanelDriver(server, browser) as driver:
        yield driver


def test_what_comes_before_the_page_is_there_is_shown_by_it(browser: Any, server: Any) -> None:
    from tests.ui.panel_driver import PanelDriver

    source: Subject[str] = Subject()
    label = pn.pane.Str("", css_classes=["early"])
    enough = threading.Event()
    last = 0

    def flood() -> None:
        nonlocal last
        while not enough.is_set():
            last += 1
            source.on_next(str(last))

    feeder = threading.Thread(target=flood)

    def make(layout: Any) -> None:
        layout.append(label)
        bind(source, label)
        feeder.start()

    server.making = make
    with PanelDriver(server, browser) as driver:
        driver.keep("early", "label", label)
        shown = int(driver.call(lambda: label.object) or 0)
        driver.wait(lambda: int(driver.seen()[0] or 0) > shown)
        enough.set()
        feeder.join(SOON)
        driver.until(lambda: label.object == str(last))
    assert not source.observers


def test_a_widget_that_leaves_the_page_and_comes_back_is_still_set(page: Any) -> None:
    source: Subject[str] = Subject()
    label = page.call(page.label)
    page.call(lambda: bind(source, label))
    page.call(lambda: page.layout.remove(label))
    source.on_next("a")
    page.call(lambda: page.layout.append(label))
    page.until(lambda: label.object == "a")


def test_a_page_whose_visitor_has_left_is_not_kept(lasting: None, server: Any) -> None:
    source: Subject[str] = Subject()
    pages: list[weakref.ref[Any]] = []

    def make(layout: Any) -> None:
        layout.append(label := pn.pane.Str(""))
        bind(source, label)
        bind(source, lambda text: label.param.update(object=text), on=label)
        changes(label, "object").subscribe(lambda _: label.object)
        pages.append(weakref.ref(pn.state.curdoc))

    def leave() -> None:
        document = pages[-1]()
        assert document is not None
        document.session_context.session.request_expiration()

    server.making = make
    for _ in range(3):
        number = str(next(server.numbers))
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/?page={number}").close()
        server.loop.call_soon_threadsafe(leave)
        until(lambda: not source.observers)
        server.pages.pop(number, None)
    until(lambda: gc.collect() >= 0 and not any(page() for page in pages))


def test_it_is_bound_on_the_threads_of_the_pool_too(page: Any) -> None:
    from panel.io.state import set_curdoc

    source: Subject[str] = Subject()
    label = page.call(page.label)
    bindings: list[Any] = []

    def pooled() -> None:
        with set_curdoc(page.document):
            bindings.append(bind(source, label))

    thread = threading.Thread(target=pooled)
    thread.start()
    thread.join(SOON)
    source.on_next("a")
    page.until(lambda: label.object == "a")
    page.close()
    assert bindings[0].is_disposed
    assert not source.observers


def test_what_a_function_leaves_for_later_is_of_its_page_too(page: Any) -> None:
    seen: list[Any] = []

    def later(_: str) -> None:
        asyncio.get_running_loop().call_soon(lambda: seen.append(pn.state.curdoc))

    label = page.call(page.label)
    page.call(lambda: bind(reactivex.of("a"), later, on=label))
    page.until(lambda: seen)
    assert seen == [page.document]


def test_errors_go_to_the_handler_of_the_app(page: Any) -> None:
    handled: list[Exception] = []
    label = page.call(page.label)

    def begin() -> None:
        pn.config.exception_handler = handled.append
        bind(reactivex.throw(ValueError("no place")), label)

    page.call(begin)
    page.until(lambda: handled)
    page.call(lambda: setattr(pn.config, "exception_handler", None))
    assert str(handled[0]) == "no place"
    assert page.errors == []


def test_what_belongs_together_goes_to_the_browser_in_one_message(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bokeh.protocol.messages.patch_doc import patch_doc

    sent: list[set[Any]] = []
    create = patch_doc.create

    def record(events: list[Any], **metadata: Any) -> Any:
        sent.append({(event.attr, event.new) for event in events})
        return create(events, **metadata)

    updates: Subject[Any] = Subject()
    status, bar = page.call(lambda: (page.label(), page.bar()))
    page.until(lambda: True)
    page.call(lambda: bind(updates, status=status, progress=bar))
    unit = ProgressUnit(progress=0.25, desc="reading")
    updates.on_next(StatusUpdate(Status.PROGRESS, progress_data=[unit]))
    page.until(lambda: status.object == "reading")
    monkeypatch.setattr(patch_doc, "create", record)
    updates.on_next(OutputUpdate("all", final=True))
    page.until(lambda: status.object == "done")
    assert len(sent) == 1
    assert ("value", 100) in sent[0]
    assert len(sent[0]) == 2
