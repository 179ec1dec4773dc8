"""ipywidgets, anywidget and other objects with traits, without a kernel."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances
from reactivex import Subject

from rxgradio import AppError, Job, OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.ui import bind, changes
from tests.ui.traits_driver import TraitsDriver, message


@pytest.fixture
def ui() -> Iterator[TraitsDriver]:
    with TraitsDriver() as driver:
        yield driver


def value(ref: weakref.ref[Any]) -> Any:
    return getattr(ref(), "value", None)


def at(fraction: float) -> StatusUpdate:
    return StatusUpdate(Status.PROGRESS, progress_data=[ProgressUnit(progress=fraction)])


@pytest.mark.parametrize(
    ("make", "prop", "value", "shown"),
    [
        (ipywidgets.Label, "value", "a", "a"),
        (ipywidgets.Label, "value", 5, "5"),
        (ipywidgets.Text, "value", None, ""),
        (ipywidgets.Textarea, "value", "a\nb", "a\nb"),
        (ipywidgets.HTML, "value", "<b>a</b>", "<b>a</b>"),
        (ipywidgets.IntSlider, "value", 7.0, 7),
        (ipywidgets.FloatSlider, "value", 7, 7.0),
        (ipywidgets.FloatText, "value", None, 0.0),
        (ipywidgets.Checkbox, "value", True, True),
        (ipywidgets.Checkbox, "value", None, False),
        (lambda: ipywidgets.Dropdown(options=["a", "b"]), "value", "b", "b"),
        (lambda: ipywidgets.Dropdown(options=["a", "b"], value="a"), "value", None, None),
        (lambda: ipywidgets.SelectMultiple(options=["a", "b"]), "value", ["b"], ("b",)),
        (ipywidgets.Button, "description", "Go", "Go"),
    ],
)
def test_by_default_the_value_is_set(
    ui: TraitsDriver, make: Any, prop: str, value: Any, shown: Any
) -> None:
    widget = ui._kept(make())
    source: Subject[Any] = Subject()
    bind(source, widget)
    source.on_next(value)
    ui.until(lambda: getattr(widget, prop) == shown)
    assert type(getattr(widget, prop)) is type(shown)
    assert ui.errors == []


def test_any_trait_can_be_named(ui: TraitsDriver) -> None:
    choice = ui._kept(ipywidgets.Dropdown())
    source: Subject[Any] = Subject()
    seen: list[Any] = []
    bind(source, choice, "options")
    changes(choice, "options").subscribe(seen.append)
    changes(choice, "layout").subscribe(seen.append)
    source.on_next(["a", "b"])
    ui.until(lambda: seen)
    assert choice.options == seen[0] == ("a", "b")
    choice.close()
    choice.layout.close()


def test_what_is_no_trait_is_refused(ui: TraitsDriver) -> None:
    label = ui.label()
    source: Subject[Any] = Subject()
    binding = bind(source, label, "vlaue")
    source.on_next("a")
    ui.until(lambda: binding.is_disposed and ui.errors)
    assert "'vlaue'" in str(ui.errors[0])
    raised: list[Exception] = []
    changes(ui._kept(ipywidgets.VBox())).subscribe(on_error=raised.append)
    assert "a VBox has no trait 'value'" in str(raised[0])


@pytest.mark.parametrize("kind", [ipywidgets.FloatProgress, ipywidgets.IntProgress])
def test_a_bar_fills_between_its_ends_and_fades_while_nobody_knows(
    ui: TraitsDriver, kind: Any
) -> None:
    bar = ui._kept(kind(min=10, max=30))
    bar.style.bar_color = "green"
    updates: Subject[Any] = Subject()
    bind(updates, progress=bar)
    updates.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: bar.value == 30)
    assert bar.style.bar_color != "green"
    updates.on_next(at(0.29))
    ui.until(lambda: bar.style.bar_color == "green")
    assert bar.value == (16 if kind is ipywidgets.IntProgress else pytest.approx(15.8))
    updates.on_next(OutputUpdate("a", final=True))
    ui.until(lambda: bar.value == 30)
    assert bar.style.bar_color == "green"


def test_a_bar_of_an_unknown_kind_gets_the_fraction(ui: TraitsDriver) -> None:
    class Gauge(traitlets.HasTraits):
        value = traitlets.Float()

    gauge = Gauge(value=0.7)
    updates: Subject[Any] = Subject()
    bind(updates, progress=gauge)
    updates.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: gauge.value == 0.0)  # it has no way to show that nobody knows
    updates.on_next(at(0.5))
    ui.until(lambda: gauge.value == 0.5)
    assert ui.errors == []


def test_media_are_read_from_their_files(ui: TraitsDriver, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"a picture")
    image = ui._kept(ipywidgets.Image())
    source: Subject[Any] = Subject()
    bind(source, image)
    source.on_next(str(file))
    ui.until(lambda: image.value == b"a picture")
    source.on_next(b"another")
    ui.until(lambda: image.value == b"another")


def test_an_output_takes_all_lines_by_a_function(ui: TraitsDriver) -> None:
    log = ui._kept(ipywidgets.Output())
    source: Subject[str] = Subject()
    binding = bind(source, log.append_stdout, every=True)
    for n in range(3):
        source.on_next(f"line {n}\n")
    ui.until(lambda: len(log.outputs) == 3)
    assert [each["text"] for each in log.outputs] == ["line 0\n", "line 1\n", "line 2\n"]
    log.close()  # it is the widget that the function is of
    ui.until(lambda: binding.is_disposed)


def test_what_cannot_be_used_is_disabled(ui: TraitsDriver) -> None:
    button, text = ui.button(), ui.entry()
    updates: Subject[Any] = Subject()
    bind(updates, busy=text)
    bind(updates, cancel=button, status=ui.label())
    updates.on_next(StatusUpdate(Status.PROCESSING))
    ui.until(lambda: text.disabled)
    assert not button.disabled
    updates.on_error(AppError("no"))
    ui.until(lambda: not text.disabled and button.disabled)


def test_a_widget_of_anywidget_is_one_too(ui: TraitsDriver) -> None:
    class Counter(anywidget.AnyWidget):
        _esm = "export default { render() {} }"
        value = traitlets.Int().tag(sync=True)

    counter = ui._kept(Counter())
    source: Subject[int] = Subject()
    seen: list[int] = []
    ended: list[bool] = []
    binding = bind(source, counter)
    changes(counter).subscribe(seen.append, on_completed=lambda: ended.append(True))
    source.on_next(3)
    ui.until(lambda: counter.value == 3)
    counter.comm.handle_msg(message({"method": "update", "state": {"value": 4}}))
    assert seen == [3, 4]
    counter.close()
    assert ended == [True]
    assert binding.is_disposed


def test_objects_that_are_let_go_of_end_their_bindings(ui: TraitsDriver) -> None:
    class Model(traitlets.HasTraits):
        value = traitlets.Unicode()

    model = Model()
    source: Subject[str] = Subject()
    ended: list[bool] = []
    binding = bind(source, model)
    subscription = changes(model).subscribe(on_completed=lambda: ended.append(True))
    source.on_next("a")
    ref = weakref.ref(model)
    ui.until(lambda: value(ref) == "a")
    del model
    gc.collect()
    assert ref() is None
    ui.until(lambda: binding.is_disposed and ended)
    assert not source.observers
    subscription.dispose()


def test_nothing_is_left_in_a_widget(ui: TraitsDriver) -> None:
    label, button = ui.label(), ui.button()

    def heard() -> int:
        told = [each for kinds in label._trait_notifiers.values() for each in kinds.values()]
        return sum(map(len, told)) + len(button._click_handlers.callbacks)

    before = heard()
    source: Subject[str] = Subject()
    binding = bind(source, label)
    subscriptions = [changes(each).subscribe() for each in (label, button)]
    assert heard() != before
    binding.dispose()
    for each in subscriptions:
        each.dispose()
    ui.until(lambda: heard() == before)
    assert not source.observers
    ref = weakref.ref(binding)
    del binding, subscriptions, each
    ui.until(lambda: gc.collect() >= 0 and ref() is None)


def test_widgets_are_set_while_the_main_thread_is_busy(ui: TraitsDriver) -> None:
    label = ui.label()
    source: Subject[str] = Subject()
    here: list[bool] = []
    is_set = threading.Event()

    def changed(change: Any) -> None:
        here.append(threading.current_thread() is threading.main_thread())
        is_set.set()

    label.observe(changed, "value")
    bind(source, label)
    source.on_next("a")
    assert is_set.wait(20)  # as a cell would be, this thread is busy
    assert here == [False]
    label.unobserve(changed, "value")


def test_what_the_docs_show_works(ui: TraitsDriver) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ui.md").read_text("utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (code,) = (block for block in blocks if "FloatProgress" in block)
    future: Future[str] = Future()
    names: Subject[Any] = Subject()
    lines: Subject[Any] = Subject()
    before = set(_instances)
    shown: dict[str, Any] = {
        **vars(ipywidgets),
        "bind": bind,
        "changes": changes,
        "job": Job(future),
        "names": names,
        "lines": lines,
        "slider": ipywidgets.FloatSlider(),
        "menu": ipywidgets.Dropdown(),
        "log": ipywidgets.Output(),
    }
    exec(code, shown)
    names.on_next(["a", "b"])
    lines.on_next("line\n")
    future.set_result("all")
    ui.until(lambda: shown["status"].value == "done" and shown["text"].value == "all")
    ui.until(lambda: shown["menu"].options and shown["log"].outputs)
    assert shown["bar"].value == 100
    assert shown["cancel"].disabled
    for each in set(_instances) - before:
        ui._kept(_instances[each])


def test_at_the_end_of_the_kernel_nothing_is_said() -> None:
    code = """
import ipywidgets
from reactivex import Subject
from rxgradio.ui import bind, changes
label, source = ipywidgets.Label(), Subject()
bind(source, label)
changes(label).subscribe(on_completed=lambda: print("ended"))
source.on_next("a")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
