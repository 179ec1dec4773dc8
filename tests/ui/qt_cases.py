"""What is special about Qt; test_qt.py has it run, in a process of its own for each binding."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio import OutputUpdate
from rxgradio.ui import bind, changes, observe_on, qt, scheduler
from rxgradio.ui.qt import toolkit
from tests.ui.conftest import QT
from tests.ui.qt_driver import QtDriver

assert QT is not None
W: Any = import_module(f"{QT}.QtWidgets")
C: Any = import_module(f"{QT}.QtCore")
G: Any = import_module(f"{QT}.QtGui")


@pytest.fixture
def ui(qt_application: Any) -> Iterator[QtDriver]:
    with QtDriver(qt_application) as driver:
        yield driver
    assert driver.errors == []


@pytest.fixture
def top(ui: QtDriver) -> Any:
    return ui._window


def show(ui: QtDriver, widget: Any, *values: Any, prop: str | None = None) -> None:
    for value in values:
        binding = bind(reactivex.of(value), widget, prop)
        ui.until(lambda binding=binding: binding.is_disposed)


def heard(widget: Any, prop: str | None = None) -> tuple[list[Any], Any]:
    seen: list[Any] = []
    return seen, changes(widget, prop).subscribe(seen.append)


def behind(ui: QtDriver, widget: Any) -> None:
    """Let what was posted be done."""
    done: list[bool] = []
    scheduler(widget).schedule(lambda *_: done.append(True))
    ui.until(lambda: done)


def refused(ui: QtDriver) -> str:
    ui.until(lambda: ui.errors)
    error = ui.errors.pop()
    assert isinstance(error, TypeError)
    return str(error)


# ---- what is shown


def test_each_kind_of_widget_shows_what_it_is_there_to_show(ui: QtDriver, top: Any) -> None:
    for made in (W.QLabel, W.QLineEdit, W.QPushButton):
        widget = made(top)
        show(ui, widget, "a")
        assert widget.text() == "a"
        show(ui, widget, None)
        assert widget.text() == ""
    for widget in (W.QSlider(top), W.QSpinBox(top), W.QDial(top), W.QDoubleSpinBox(top)):
        show(ui, widget, 7)
        assert widget.value() == 7
    for widget in (W.QCheckBox(top), W.QRadioButton(top)):
        show(ui, widget, True)
        assert widget.isChecked()
    box, names, number, bar = (
        W.QComboBox(top),
        W.QListWidget(top),
        W.QLCDNumber(top),
        W.QStatusBar(top),
    )
    box.addItems(["a", "b"])
    show(ui, box, "b")
    assert box.currentText() == "b"
    show(ui, number, 7)
    assert number.value() == 7
    show(ui, bar, "ready")
    assert bar.currentMessage() == "ready"
    show(ui, names, ["a", "b"], ["c"], None, ["c", "d"])
    names.setCurrentRow(1)
    show(ui, names, ["c", "d", "e"])
    assert [names.item(row).text() for row in range(names.count())] == ["c", "d", "e"]
    assert names.currentRow() == 1


def test_a_text_is_shown_as_it_is(ui: QtDriver, top: Any) -> None:
    for widget in (W.QLabel(top), W.QMessageBox(top)):
        show(ui, widget, "<img src='a.png'>")
        assert widget.text() == "<img src='a.png'>"
        assert widget.textFormat() == C.Qt.TextFormat.PlainText
    label = W.QLabel(top)
    label.setTextFormat(C.Qt.TextFormat.RichText)  # who wants markup says so
    show(ui, label, "<b>a</b>")
    assert label.textFormat() == C.Qt.TextFormat.RichText


def test_a_property_of_any_name(ui: QtDriver, top: Any) -> None:
    label = W.QLabel(top)
    show(ui, top, "A title", prop="windowTitle")
    show(ui, label, "color: red", prop="styleSheet")
    show(ui, label, False, prop="enabled")
    picture = G.QPixmap(3, 2)
    show(ui, label, picture, prop="pixmap")
    assert (top.windowTitle(), label.styleSheet(), label.isEnabled()) == (
        "A title",
        "color: red",
        False,
    )
    assert label.pixmap().size() == picture.size()


@pytest.mark.parametrize(
    ("made", "prop", "value", "why"),
    [
        (W.QLabel, "txt", "a", "a QLabel has no property 'txt'"),
        (W.QSpinBox, "value", "a", "'value' of a QSpinBox cannot be 'a'"),
        (W.QSpinBox, None, "a", "'value' of a QSpinBox cannot be 'a'"),
        (W.QFrame, None, "a", "which property of a QFrame"),
    ],
)
def test_what_cannot_be_set_is_reported(
    ui: QtDriver, top: Any, made: Any, prop: str, value: Any, why: str
) -> None:
    widget = made(top)
    show(ui, widget, value, prop=prop)
    assert why in refused(ui)
    assert prop is None or prop.encode() not in widget.dynamicPropertyNames()


def test_a_bar_keeps_its_range(ui: QtDriver, top: Any) -> None:
    bar, always_busy = W.QProgressBar(top), W.QProgressBar(top)
    bar.setRange(100, 300)
    always_busy.setRange(0, 0)
    show(ui, bar, None, None)
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    show(ui, bar, 0.25)
    assert (bar.minimum(), bar.maximum(), bar.value()) == (100, 300, 150)
    assert bar.text() == "25%"
    show(ui, always_busy, 0.25)
    assert (always_busy.maximum(), always_busy.value()) == (100, 25)


@pytest.mark.parametrize("made", [W.QPlainTextEdit, W.QTextEdit])
def test_a_growing_text_grows_where_it_is(ui: QtDriver, made: Any) -> None:
    text = ui._laid_out(made())
    text.setFixedHeight(60)
    scroll, many = text.verticalScrollBar(), "\n".join(f"line {n}" for n in range(100))
    show(ui, text, many)
    ui.turn()
    assert scroll.maximum() > 0
    assert scroll.value() == scroll.maximum()

    # Who reads the end is shown the end; what is marked does not grow with the text.
    cursor = text.textCursor()
    cursor.setPosition(3)
    cursor.movePosition(cursor.MoveOperation.End, cursor.MoveMode.KeepAnchor)
    text.setTextCursor(cursor)
    show(ui, text, f"{many}\nmore\N{NO-BREAK SPACE}of it")
    ui.turn()
    assert text.toPlainText() == f"{many}\nmore of it"
    assert text.textCursor().anchor() == 3
    assert text.textCursor().position() == len(many)
    assert scroll.value() == scroll.maximum()

    # Who reads something else is left there.
    scroll.setValue(1)
    show(ui, text, f"{many}\nmore\N{NO-BREAK SPACE}of it\r\nand more")
    ui.turn()
    assert text.toPlainText() == f"{many}\nmore of it\nand more"
    assert scroll.value() == 1
    assert text.textCursor().anchor() == 3
    show(ui, text, "another")
    assert text.toPlainText() == "another"


def test_what_an_entry_shows_already_moves_no_cursor(ui: QtDriver, top: Any) -> None:
    entry = W.QLineEdit("abc", top)
    entry.setCursorPosition(1)
    show(ui, entry, "abc")
    assert entry.cursorPosition() == 1


def test_items_show_as_long_as_what_they_are_in(ui: QtDriver, top: Any) -> None:
    table, names = W.QTableWidget(1, 2, top), W.QListWidget(top)
    items = [W.QTableWidgetItem(), W.QTableWidgetItem(), W.QListWidgetItem(names)]
    for column, item in enumerate(items[:2]):
        table.setItem(0, column, item)
    source: Subject[Any] = Subject()
    call = bind(source, status=items[0], output=items[1])
    name = bind(source, items[2])
    floating = bind(source, W.QTableWidgetItem())
    source.on_next("a")
    ui.until(lambda: items[2].text() == items[1].text() == "a")
    table.removeColumn(0)
    source.on_next("b")
    ui.until(lambda: items[1].text() == items[2].text() == "b")
    assert floating.is_disposed  # of which nobody else has heard
    ui.destroy(table)
    assert call.is_disposed
    assert not name.is_disposed
    ui.destroy(names)
    assert name.is_disposed
    assert not source.observers


# ---- what users do


def test_each_kind_of_widget_tells_what_is_entered(ui: QtDriver, top: Any) -> None:
    told: dict[str, Any] = {}
    text, rich, box = W.QPlainTextEdit(top), W.QTextEdit(top), W.QComboBox(top)
    box.addItems(["a", "b"])
    names = W.QListWidget(top)
    names.addItems(["a", "b"])
    action = G.QAction(top)
    numbers = [W.QSlider(top), W.QSpinBox(top), W.QDoubleSpinBox(top), W.QDial(top)]
    for widget, enter, wanted in [
        (W.QLineEdit(top), lambda it: it.setText("a"), "a"),
        (text, lambda it: it.setPlainText("a"), "a"),
        (rich, lambda it: it.setPlainText("a"), "a"),
        *((number, lambda it: it.setValue(7), 7) for number in numbers),
        (W.QCheckBox(top), lambda it: it.click(), True),
        (W.QRadioButton(top), lambda it: it.click(), True),
        (W.QPushButton(top), lambda it: it.click(), None),
        (box, lambda it: it.setCurrentIndex(1), "b"),
        (names, lambda it: it.setCurrentRow(1), "b"),
        (action, lambda it: it.trigger(), None),
    ]:
        kind = type(widget).__name__
        seen, listening = heard(widget)
        enter(widget)
        first: list[Any] = []
        changes(widget, initial=True).subscribe(first.append).dispose()
        told[kind] = (seen, first) == ([wanted], [wanted])
        listening.dispose()
        behind(ui, top)
    assert all(told.values()), told
    assert len(told) == 13


def test_properties_and_signals_by_their_names(ui: QtDriver, top: Any) -> None:
    entry, slider = W.QLineEdit(top), W.QSlider(top)
    titles, _ = heard(top, "windowTitle")
    returns, listening = heard(entry, "returnPressed")
    moves, _ = heard(slider, "sliderMoved")
    top.setWindowTitle("a")
    entry.returnPressed.emit()
    slider.sliderMoved.emit(7)
    assert (titles, returns, moves) == (["a"], [None], [7])
    listening.dispose()
    behind(ui, top)
    entry.returnPressed.emit()
    assert returns == [None]


def test_what_cannot_be_told_is_refused(ui: QtDriver, top: Any) -> None:
    raised: list[Exception] = []
    for widget, prop in [
        (W.QLabel(top), None),
        (top, "toolTip"),
        (top, "nothing"),
        (top, "close"),
        (W.QTableWidgetItem(), None),
        (W.QTableWidgetItem(), "text"),
    ]:
        changes(widget, prop).subscribe(print, raised.append)
    assert [type(error) for error in raised] == [TypeError] * 6


def test_what_a_listener_raises_is_reported_and_does_not_abort(ui: QtDriver, top: Any) -> None:
    entry = W.QLineEdit(top)

    def refuse(_: object) -> None:
        raise ValueError("not that")

    changes(entry).subscribe(refuse)
    entry.setText("a")
    assert [str(error) for error in ui.errors] == ["not that"]
    ui.errors.clear()


# ---- life and death


def test_what_cpp_has_made_is_bound_as_long_as_it_lives(ui: QtDriver, top: Any) -> None:
    buttons = W.QDialogButtonBox(W.QDialogButtonBox.StandardButton.Cancel, top)
    source: Subject[Any] = Subject()

    def button() -> Any:
        return buttons.button(W.QDialogButtonBox.StandardButton.Cancel)

    box = W.QComboBox(top)
    box.setEditable(True)
    seen, _ = heard(box.lineEdit())
    binding = bind(source, box.lineEdit())
    call = bind(source, lambda _: None, on=button())
    cancel = bind(source, status=W.QLabel(top), cancel=button())
    gc.collect()
    source.on_next("a")
    ui.until(lambda: box.currentText() == "a")
    assert seen == ["a"]
    assert button().isEnabled()
    button().click()
    ui.until(lambda: cancel.is_disposed)
    assert not binding.is_disposed
    assert not call.is_disposed
    ui.destroy(buttons)
    ui.destroy(box)
    assert binding.is_disposed
    assert call.is_disposed


def test_a_window_that_nobody_keeps_is_not_kept(ui: QtDriver) -> None:
    source: Subject[Any] = Subject()
    completed: list[bool] = []

    def begin() -> tuple[list[Any], list[Any]]:
        window = W.QWidget()
        label, entry = W.QLabel(window), W.QLineEdit(window)
        changes(entry).subscribe(on_completed=lambda: completed.append(True))
        bindings = [
            bind(source, label),
            bind(source, output=label),
            bind(source, window, "windowTitle"),
        ]
        source.on_next("a")
        ui.until(lambda: label.text() == window.windowTitle() == "a")
        alone = W.QLineEdit()
        changes(alone).subscribe(print)
        return [weakref.ref(window), weakref.ref(alone)], bindings

    lives, bindings = begin()
    gc.collect()
    assert [each() for each in lives] == [None, None]
    assert all(binding.is_disposed for binding in bindings)
    assert completed == [True]
    assert not source.observers


def test_of_listeners_that_are_gone_nothing_is_kept(ui: QtDriver, top: Any) -> None:
    class Value:
        def __str__(self) -> str:
            return "a"

    entry = W.QLineEdit(top)
    value, other = Value(), Value()
    lives, other_lives = weakref.ref(value), weakref.ref(other)
    toolkit(entry).listen(entry, None, lambda _, other=other: None)()
    listening = changes(entry).subscribe(lambda _, value=value: None)
    bind(reactivex.of(value), entry)
    binding = bind(reactivex.never(), lambda _, value=value: None, on=entry)
    listening.dispose()
    binding.dispose()
    del value, other, listening, binding
    behind(ui, entry)
    ui.turn()
    gc.collect()
    assert entry.text() == "a"
    assert lives() is None
    assert other_lives() is None


def test_a_method_of_a_widget_is_not_called_after_its_end(ui: QtDriver, top: Any) -> None:
    updates: Subject[Any] = Subject()
    first, second = W.QLabel(top), W.QLabel(top)
    binding = bind(updates, output=second.setText, status=first.setText)
    ui.destroy(second)
    updates.on_next(OutputUpdate("a"))
    ui.until(first.text)
    assert not binding.is_disposed
    ui.destroy(first)
    assert binding.is_disposed


def test_a_method_of_a_window_does_not_keep_it(ui: QtDriver) -> None:
    class Window(W.QWidget):  # type: ignore[misc]  # of either binding
        def entitle(self, title: str) -> None:
            self.setWindowTitle(f"{title}!")

    source: Subject[str] = Subject()

    def begin() -> weakref.ref[Any]:
        window = Window()
        bind(source, window.setWindowTitle)
        bind(source, window.entitle)
        source.on_next("a")
        ui.until(lambda: window.windowTitle() == "a!")
        return weakref.ref(window)

    life = begin()
    gc.collect()
    assert life() is None
    assert not source.observers


def test_a_widget_that_was_dead_before_is_not_bound(ui: QtDriver, top: Any) -> None:
    label, entry = W.QLabel(top), W.QLineEdit(top)
    source: Subject[Any] = Subject()
    ended: list[bool] = []
    for each in (label, entry):
        ui.destroy(each)
    scheduler(label)
    changes(entry).subscribe(on_completed=lambda: ended.append(True))
    assert bind(source, label).is_disposed
    assert bind(source, status=label, on=entry).is_disposed
    assert ended == [True]


def test_a_class_is_no_widget(ui: QtDriver) -> None:
    with pytest.raises(TypeError, match="on= which widget's thread"):
        bind(Subject(), W.QLabel)


def test_somebody_else_may_have_disconnected_all(ui: QtDriver, top: Any) -> None:
    button = W.QPushButton(top)
    source: Subject[Any] = Subject()
    seen: list[Any] = []
    source.pipe(observe_on(button)).subscribe(seen.append, seen.append)
    binding = bind(source, status=W.QLabel(top), cancel=button)
    ui.until(button.isEnabled)
    button.clicked.disconnect()
    source.on_error(ValueError())
    ui.until(lambda: binding.is_disposed and seen)
    assert not button.isEnabled()


def test_a_window_that_is_only_hidden_goes_on(ui: QtDriver) -> None:
    window = W.QWidget()
    label = W.QLabel(window)
    source: Subject[str] = Subject()
    binding = bind(source, label)
    window.show()
    window.close()
    source.on_next("a")
    ui.until(lambda: label.text() == "a")
    assert not binding.is_disposed


# ---- the loop


def test_a_dialog_within_a_setter_stops_no_other(ui: QtDriver, top: Any) -> None:
    source: Subject[int] = Subject()
    seen: list[int] = []
    dialog = W.QDialog(top)

    def ask(_: int) -> None:
        for n in (1, 2):
            source.on_next(n)
        dialog.exec()

    def told(n: int) -> None:
        seen.append(n)
        if n == 2:
            scheduler(top).schedule_relative(0.02, lambda *_: dialog.accept())

    bind(source, told, on=top, every=True)
    first = bind(reactivex.of(0), ask, on=top)
    ui.until(lambda: first.is_disposed)
    assert seen == [1, 2]
    assert not dialog.isVisible()


def test_timers_are_of_the_thread_of_the_ui(ui: QtDriver, top: Any) -> None:
    written: list[str] = []
    # Qt says so where a timer is started on another thread.
    C.qInstallMessageHandler(lambda *what: written.append(what[-1]))
    try:
        timers = scheduler(top)
        ran: list[int] = []
        work = threading.Thread(
            target=lambda: timers.schedule_relative(
                0.01, lambda *_: ran.append(threading.get_ident())
            )
        )
        work.start()
        work.join()
        ui.until(lambda: ran)
    finally:
        C.qInstallMessageHandler(None)
    assert ran == [threading.get_ident()]
    assert not [each for each in written if "imer" in each]


def test_what_is_due_in_a_month_is_not_due_today(
    ui: QtDriver, top: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    timers = scheduler(top)
    timers.schedule_relative(30 * 86_400, lambda *_: ran.append("a month"))
    behind(ui, top)
    assert ui.errors == []
    toolkit(top)._waiting.clear()  # nobody waits for it
    monkeypatch.setattr(qt, "_LONGEST", 0.02)
    began = ui.now()
    timers.schedule_relative(0.1, lambda *_: ran.append("soon"))
    ui.until(lambda: ran)
    assert ui.now() - began >= 0.1
    assert ran == ["soon"]


def test_a_stream_may_be_made_on_another_thread_before_all_others(
    ui: QtDriver, top: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qt, "_toolkits", {})
    entry = W.QLineEdit(top)
    seen: list[Any] = []
    ended: list[bool] = []
    work = threading.Thread(
        target=lambda: changes(entry, initial=True).subscribe(
            lambda text: seen.append((text, threading.get_ident())),
            on_completed=lambda: ended.append(True),
        )
    )
    work.start()
    work.join()
    ui.until(lambda: seen)
    entry.setText("a")
    assert seen == [("", threading.get_ident()), ("a", threading.get_ident())]
    ui.destroy(entry)
    assert ended


def test_of_what_is_done_nothing_is_kept(ui: QtDriver, top: Any) -> None:
    scheduler(top).schedule_relative(0.01, lambda *_: None)
    behind(ui, top)
    kept = toolkit(top)
    ui.until(lambda: not kept._waiting and not kept._posted)
