"""What is special about Tk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio.ui import bind, changes, scheduler
from rxgradio.ui.tk import toolkit
from tests.ui.conftest import need

tk = pytest.importorskip("tkinter")
ttk = pytest.importorskip("tkinter.ttk")


@pytest.fixture
def top(tk_root: Any) -> Iterator[Any]:
    need(tk_root, "Xvfb or tkinter")
    window = tk.Toplevel(tk_root)
    tk_root.report_callback_exception = type(tk_root).report_callback_exception.__get__(tk_root)
    yield window
    window.destroy()
    tk_root.update()


def until(top: Any, fact: Callable[[], object]) -> None:
    for _ in range(2000):
        if fact():
            return
        top.update()
        threading.Event().wait(0.005)
    pytest.fail("it has not come true")


def show(top: Any, widget: Any, *values: Any) -> None:
    for value in values:
        binding = bind(reactivex.of(value), widget)
        until(top, lambda binding=binding: binding.is_disposed)


def heard(widget: Any) -> tuple[list[Any], Any]:
    seen: list[Any] = []
    return seen, changes(widget).subscribe(seen.append)


def let_go(top: Any, subscription: Any) -> None:
    subscription.dispose()
    until(top, lambda: True)
    top.update()
    done = []
    scheduler(top).schedule(lambda *_: done.append(True))  # behind what undoes things
    until(top, lambda: done)


# ---- what is shown


def test_each_kind_of_widget_shows_what_it_is_there_to_show(top: Any) -> None:
    label, entry, ro = ttk.Label(top), tk.Entry(top), ttk.Entry(top, state="readonly")
    spin, scale, box = tk.Spinbox(top, to=9), ttk.Scale(top, to=9), ttk.Combobox(top)
    names, number = tk.Listbox(top), tk.IntVar(top)
    show(top, label, "a", None)
    assert label.cget("text") == ""
    for widget in (entry, ro, spin, box):
        show(top, widget, "5")
        assert widget.get() == "5"
    assert str(ro.cget("state")) == "readonly"
    show(top, scale, 4)
    assert scale.get() == 4
    show(top, names, ["a", "b"], ["c"], None, ["c", "d"])
    assert names.get(0, "end") == ("c", "d")
    show(top, number, 7)
    assert number.get() == 7
    bind(reactivex.of("red"), label, "foreground")
    until(top, lambda: str(label.cget("foreground")) == "red")


def test_a_growing_text_grows_where_it_is(top: Any) -> None:
    text = tk.Text(top, height=3)
    text.pack()
    show(top, text, "one")
    text.tag_add("sel", "1.0", "1.2")
    show(top, text, "one\ntwo")
    assert text.get("1.0", "end-1c") == "one\ntwo"
    assert text.tag_ranges("sel")
    text.configure(state="disabled")
    show(top, text, "\n".join("another line"))
    assert text.get("1.0", "end-1c") == "\n".join("another line")
    assert str(text.cget("state")) == "disabled"
    assert not text.tag_ranges("sel")
    top.update()
    assert text.yview()[1] == 1.0


def test_what_an_entry_shows_already_moves_no_cursor(top: Any) -> None:
    entry = ttk.Entry(top)
    entry.insert(0, "abc")
    entry.icursor(1)
    show(top, entry, "abc")
    assert entry.index("insert") == 1


def test_a_bar_has_a_maximum_of_its_own(top: Any) -> None:
    bar = ttk.Progressbar(top, maximum=10)
    show(top, bar, None)
    assert str(bar.cget("mode")) == "indeterminate"
    show(top, bar, 0.3)
    assert str(bar.cget("mode")) == "determinate"
    assert float(bar.cget("value")) == 3.0


# ---- what is entered


@pytest.mark.parametrize("own", [True, False])
def test_an_entry_keeps_or_gets_back_its_own_variable(top: Any, own: bool) -> None:
    variable = tk.StringVar(top, "a")
    entry = ttk.Entry(top, textvariable=variable if own else "")
    entry.delete(0, "end")
    entry.insert(0, "a")
    seen, first = heard(entry)
    more, second = heard(entry)
    entry.insert("end", "b")
    if own:
        variable.set("c")
    else:
        entry.delete(0, "end")
        entry.insert(0, "c")
    assert seen[0] == "ab"
    assert seen[-1] == "c"
    let_go(top, first)
    entry.insert("end", "d")
    assert seen[-1] == "c"
    assert more[-1] == "cd"
    let_go(top, second)
    assert str(entry.cget("textvariable")) == (str(variable) if own else "")
    assert entry.get() == "cd"
    if own:
        assert variable.get() == "cd"
        assert variable.trace_info() == []


def test_variables_texts_and_switches(top: Any) -> None:
    number, flag = tk.IntVar(top), tk.BooleanVar(top)
    text, check, scale = tk.Text(top), ttk.Checkbutton(top, variable=flag), tk.Scale(top, to=9)
    numbers, of_number = heard(number)
    flags, of_flag = heard(flag)
    texts, of_text = heard(text)
    more, _ = heard(text)
    switched, _ = heard(check)
    scaled, of_scale = heard(scale)
    number.set(5)
    text.insert("end", "a")
    until(top, lambda: more)
    text.insert("end", "b")
    until(top, lambda: len(more) == 2)
    check.invoke()
    scale.set(4)
    assert numbers == [5]
    assert texts == more == ["a", "ab"]
    assert len(switched) == 1
    assert switched[0]
    assert [float(each) for each in scaled] == [4]
    assert flags[-1] is True
    for each in (of_text, of_scale, of_number, of_flag):
        let_go(top, each)
    assert str(scale.cget("variable")) == ""
    text.insert("end", "c")
    until(top, lambda: len(more) == 3)
    assert texts == ["a", "ab"]


def test_a_button_does_what_it_did(top: Any) -> None:
    own: list[str] = []
    button = tk.Button(top, command=lambda: own.append("own"))
    command = str(button.cget("command"))
    seen, first = heard(button)
    more, second = heard(button)
    button.invoke()
    assert (own, seen, more) == (["own"], [None], [None])
    let_go(top, first)
    let_go(top, second)
    assert str(button.cget("command")) == command
    button.invoke()
    assert (own, seen, more) == (["own", "own"], [None], [None])


def test_what_cannot_be_told_is_refused(top: Any) -> None:
    raised: list[Exception] = []
    changes(ttk.Label(top)).subscribe(print, raised.append)
    changes(ttk.Entry(top), "width").subscribe(print, raised.append)
    assert [type(each) for each in raised] == [TypeError, TypeError]
    assert changes(ttk.Entry(top, width=7), "width", initial=True) is not None


def test_what_is_bound_to_a_window_goes_on_when_something_in_it_ends(top: Any) -> None:
    own: list[Any] = []
    top.bind("<Destroy>", own.append)
    inner = ttk.Label(top)
    source: Subject[int] = Subject()
    binding = bind(source, lambda _: None, on=top)
    inner.destroy()
    assert not binding.is_disposed
    assert len(own) == 1
    binding.dispose()
    top.update()
    top.destroy()
    assert len(own) == 2


def test_of_widgets_that_have_ended_nothing_is_kept(top: Any, tk_root: Any) -> None:
    label, entry = ttk.Label(top), ttk.Entry(top)
    bind(Subject(), label)
    changes(entry).subscribe()
    top.destroy()
    tk_root.update()
    kept = toolkit(tk_root)
    assert not kept._closing
    assert not kept._deaths
    assert not kept._changes
    assert kept._listeners == 0


def test_of_what_is_disposed_of_nothing_is_kept(top: Any, tk_root: Any) -> None:
    label, entry, button, text = ttk.Label(top), ttk.Entry(top), ttk.Button(top), tk.Text(top)
    scheduler(top)  # or the pump would stop before all is undone

    def left() -> list[Any]:
        tcl = tk_root.tk
        names = [tcl.splitlist(tcl.call("info", what)) for what in ("commands", "globals")]
        timers = tcl.splitlist(tcl.call("after", "info"))
        tags = [each.bindtags() for each in (label, entry, button, text)]
        return [len(names[0]) - len(timers), sorted(map(str, names[1])), tags]

    def use() -> None:
        source: Subject[int] = Subject()
        used = [
            bind(source, label),
            bind(source, output=label, cancel=button),
            *(changes(each).subscribe() for each in (entry, button, text)),
        ]
        assert len(source.observers) == 2
        for each in used:
            each.dispose()
        done: list[bool] = []
        timers.schedule(lambda *_: done.append(True))  # behind what undoes things
        until(top, lambda: done)
        assert not source.observers

    timers = scheduler(top)
    before = left()
    for _ in range(50):
        use()
    assert left() == before


def test_what_may_only_be_chosen_from_is_not_written_in_after_a_call(top: Any) -> None:
    box = ttk.Combobox(top, state="readonly")
    source: Subject[int] = Subject()
    bind(source, busy=box)
    source.on_next(1)
    until(top, lambda: str(box.cget("state")) == "disabled")
    source.on_completed()
    until(top, lambda: str(box.cget("state")) != "disabled")
    assert str(box.cget("state")) == "readonly"


def test_switches_that_were_never_used_have_a_value(top: Any) -> None:
    switches = ttk.Checkbutton(top), ttk.Radiobutton(top, variable="never_set")
    seen: list[Any] = []
    for each in switches:
        changes(each, initial=True).subscribe(seen.append)
    assert seen == ["", ""]


def test_a_widget_may_have_the_name_of_one_that_has_ended(top: Any) -> None:
    source: Subject[int] = Subject()
    label = ttk.Label(top)
    for _ in range(2):
        button = ttk.Button(top, name="cancel")
        binding = bind(source, output=label, cancel=button)
        button.invoke()
        until(top, lambda binding=binding: binding.is_disposed)
        lasting = bind(source, output=label, cancel=button)
        button.destroy()
    assert not lasting.is_disposed


# ---- the pump


def test_a_dialog_within_a_setter_stops_no_other(top: Any) -> None:
    source: Subject[int] = Subject()
    seen: list[int] = []

    def dialog(_: int) -> None:
        source.on_next(2)
        until(top, lambda: 2 in seen)

    bind(source, seen.append, on=top, every=True)
    first = bind(reactivex.of(1), dialog, on=top)
    until(top, lambda: first.is_disposed)
    assert seen == [2]


def test_what_is_scheduled_is_done_though_nothing_is_bound_any_more(top: Any) -> None:
    label = ttk.Label(top)
    timers = scheduler(label)
    label.destroy()
    until(top, lambda: not top.tk.call("after", "info"))
    done: list[bool] = []
    timers.schedule_relative(0.01, lambda *_: done.append(True))
    until(top, lambda: done)


def test_nothing_ticks_when_nothing_is_bound(top: Any, tk_root: Any) -> None:
    def timers() -> int:
        return len(tk_root.tk.splitlist(tk_root.tk.call("after", "info")))

    label = ttk.Label(top)
    until(top, lambda: timers() == 0)
    binding = bind(Subject(), label)
    assert timers() == 1
    binding.dispose()
    until(top, lambda: timers() == 0)


APPLICATION = """
import gc, threading, tkinter as tk
from tkinter import ttk
from reactivex import Subject
from rxgradio.ui import bind, changes, scheduler

def run(root):
    source = Subject()
    label = ttk.Label(root)
    label.pack()
    # Before the main loop runs, nothing is shown, and nobody waits for it.
    bindings = [bind(source, label), bind(source, root.title)]
    timers = scheduler(label)
    ended = []
    changes(ttk.Entry(root)).subscribe(on_completed=lambda: ended.append("ended"))
    stop = threading.Event()

    def flood():
        n = 0
        while not stop.is_set():
            n += 1
            source.on_next(str(n))
            timers.schedule(lambda *_: None)

    feeder = threading.Thread(target=flood)
    feeder.start()
    def look():
        if label.cget("text"):
            root.destroy()
        else:
            root.after(5, look)
    root.after(5, look)
    root.mainloop()
    assert all(each.is_disposed for each in bindings)
    assert not source.observers
    # The window is gone, and the stream goes on.
    source.on_next("after")
    stop.set()
    feeder.join(20)
    assert not feeder.is_alive()
    print(*ended)

run(tk.Tk())
gc.collect()  # here, as the last reference to a Tcl interpreter must go on its own thread
"""


WINDOWS = """
import gc, time, tkinter as tk, weakref
from tkinter import ttk
from reactivex import Subject
from rxgradio.ui import bind, changes, scheduler

def until(fact, *windows):
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        for each in windows:
            each.update()

def one():
    root = tk.Tk()
    source, text = Subject(), ttk.Label(root)
    bind(source, text)
    bindings = [bind(source, output=text, cancel=ttk.Button(root)), bind(source, root.title)]
    changes(ttk.Entry(root)).subscribe()
    timers = scheduler(text)
    source.on_next("a")
    until(lambda: text.cget("text") == "a", root)
    source.on_next("b")
    root.destroy()
    assert not source.observers
    class Kept:
        pass
    kept = Kept()
    timers.schedule(lambda _, __, kept=kept: None)
    return weakref.ref(root), weakref.ref(kept), timers

for _ in range(10):
    *lives, timers = one()
    gc.collect()
    assert [each() for each in lives] == [None, None]

# Of two windows, the widgets have the same names.
first, second = tk.Tk(), tk.Tk()
labels = ttk.Label(first), ttk.Label(second)
source = Subject()
binding = bind(source, status=labels[0], output=labels[1])
labels[0].destroy()
assert not binding.is_disposed
source.on_next("a")
until(lambda: labels[1].cget("text") == "a", first, second)
labels[1].destroy()
assert binding.is_disposed
assert not source.observers
buttons = [ttk.Button(each) for each in (first, second)]
label = ttk.Label(first)
calls = [bind(source, output=label, cancel=each) for each in buttons]
for button, call in zip(buttons, calls):
    button.invoke()
    until(lambda: call.is_disposed, first, second)
first.destroy()
second.update()
second.destroy()
print("ended")
"""


@pytest.mark.parametrize("script", [APPLICATION, WINDOWS], ids=["flood", "windows"])
def test_windows_end_and_nobody_is_held_up_and_nothing_is_kept(
    tk_root: Any, display: str, script: str
) -> None:
    need(tk_root, "Xvfb or tkinter")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DISPLAY": display},
    )
    assert done.stderr == ""
    assert done.stdout == "ended\n"
    assert done.returncode == 0
