"""Frames, by a clock that a test turns; and what a binding holds."""

from __future__ import annotations

import gc
import io
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
import reactivex
from reactivex import Subject
from reactivex import operators as ops
from reactivex.disposable import Disposable

from rxgradio import AppError, OutputUpdate, Status, StatusUpdate
from rxgradio.operators import Snapshot
from rxgradio.ui import Binding, Watch, bind, changes, observe_on, register, scheduler, show
from rxgradio.ui.toolkit import toolkit_of
from tests.ui.fake import Widget, Window

FRAME = Window.frame


def feed(source: Subject[Any], *values: Any) -> None:
    """Emit on another thread."""
    thread = threading.Thread(target=lambda: [source.on_next(value) for value in values])
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


# ---- frames


def test_the_first_value_is_shown_at_once_and_then_the_newest_of_each_frame(
    window: Window,
) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    bind(source, label)
    window.advance(1)
    feed(source, 1, 2)
    window.advance()
    feed(source, 3)
    window.advance(FRAME / 2)
    feed(source, 4)
    assert label.shown == [2]
    window.advance(FRAME / 2)
    feed(source, 5)
    window.advance(10)
    feed(source, 6)
    window.advance()
    assert label.sets == [(1, None, 2), (1.1, None, 4), (1.2, None, 5), (11.1, None, 6)]


def test_how_many_frames_there_are_may_be_said(window: Window) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    bind(source, label, fps=2)
    feed(source, 1)
    window.advance()
    feed(source, 2)
    window.advance(2)
    assert label.sets == [(0, None, 1), (0.5, None, 2)]


def test_one_flush_is_due_at_most_and_none_when_nothing_comes(window: Window) -> None:
    source: Subject[int] = Subject()
    bind(source, window.widget())
    assert window.posted == []
    for _ in range(3):
        feed(source, *range(1000))
        assert len(window.posted) == 1
        window.advance(FRAME)
    window.advance(FRAME)
    assert window.posted == []


def test_the_end_waits_for_no_frame_and_not_before_the_last_value(window: Window) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    binding = bind(source, label)
    feed(source, 1)
    window.advance()
    feed(source, 2)
    source.on_completed()
    window.advance()
    assert label.sets == [(0, None, 1), (0, None, 2)]
    assert binding.is_disposed
    window.advance(1)
    assert window.posted == []
    assert label.closers == []


def test_an_end_that_comes_within_a_flush_waits_for_no_frame(window: Window) -> None:
    source: Subject[int] = Subject()
    binding = bind(source, lambda _: source.on_completed(), on=window.widget())
    feed(source, 1)
    window.advance()
    assert binding.is_disposed


def test_who_has_cancelled_is_told_of_no_error(window: Window) -> None:
    binding = bind(reactivex.throw(CancelledError()), window.widget())  # type: ignore[arg-type]
    window.advance()
    assert binding.is_disposed
    assert window.errors == []


def test_an_error_is_reported_once(window: Window) -> None:
    source: Subject[Snapshot] = Subject()
    error = AppError("no")
    bind(source, output=window.widget())
    for text in ("a", "b"):
        feed(source, Snapshot(text=text, error=error))
        window.advance(1)
    assert window.errors == [error]


def test_no_more_of_a_batch_than_a_ui_can_bear_is_shown_at_once(window: Window) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    binding = bind(source, label, every=True)
    feed(source, *range(1200))
    source.on_completed()
    window.advance()
    assert label.shown == list(range(500))
    window.advance(FRAME)
    assert label.shown == list(range(1000))
    window.advance(FRAME)
    assert label.shown == list(range(1200))
    assert binding.is_disposed
    assert {time for time, _, _ in label.sets} == {0, 0.1, 0.2}


def test_a_setter_that_runs_the_loop_of_the_ui_is_not_called_within_itself(
    window: Window,
) -> None:
    source: Subject[str] = Subject()
    seen: list[str] = []

    def dialog(value: str) -> None:
        seen.append(f"{value} begins")
        if value == "a":
            source.on_next("b")
            source.on_completed()
            window.advance(1)
        seen.append(f"{value} ends")

    binding = bind(source, dialog, on=window.widget())
    feed(source, "a")
    window.advance(2)
    assert seen == ["a begins", "a ends", "b begins", "b ends"]
    assert binding.is_disposed


def test_what_belongs_together_is_set_in_one_flush_and_only_what_has_changed(
    window: Window,
) -> None:
    updates: Subject[Any] = Subject()
    status, bar, output, error = (window.widget() for _ in range(4))
    bind(updates, status=status, progress=bar, output=output, error=error)
    feed(updates, StatusUpdate(Status.PROCESSING))
    window.advance(1)
    feed(updates, OutputUpdate("a"), OutputUpdate("ab"))
    window.advance(1)
    updates.on_error(AppError("no"))
    window.advance(1)
    assert status.sets == [(0, None, "working"), (2, None, "failed: no")]
    assert bar.sets == [(0, None, None), (2, None, 0.0)]
    assert output.sets == [(1, None, "ab")]
    assert error.sets == [(0, None, ""), (2, None, "no")]


def test_a_widget_may_show_two_things(window: Window) -> None:
    updates: Subject[Any] = Subject()
    label = window.widget()
    bind(updates, output=label, error=label)
    feed(updates, OutputUpdate("a"))
    window.advance(1)
    assert label.shown == ["a"]
    updates.on_error(AppError("no"))
    window.advance(1)
    assert label.shown == ["a", "no"]


def test_what_an_error_has_taken_the_place_of_is_shown_again(window: Window) -> None:
    updates: Subject[Any] = Subject()
    label = window.widget()
    bind(updates, output=label, error=label)
    for _ in range(2):
        feed(updates, StatusUpdate(Status.STARTING), OutputUpdate("a", final=True))
        window.advance(1)
        assert label.values[None] == "a"
        feed(
            updates,
            StatusUpdate(Status.STARTING),
            StatusUpdate(Status.FINISHED, success=False, error=AppError("no")),
        )
        window.advance(1)
        assert label.values[None] == "no"


def test_errors_of_one_call_after_another_are_each_reported(window: Window) -> None:
    updates: Subject[Any] = Subject()
    output = window.widget()
    bind(updates, output=output)
    for text in ("first", "second"):
        feed(
            updates,
            StatusUpdate(Status.STARTING),
            StatusUpdate(Status.FINISHED, success=False, error=AppError(text)),
        )
        window.advance(1)
    feed(updates, StatusUpdate(Status.STARTING), OutputUpdate("a"))
    window.advance(1)
    assert [str(error) for error in window.errors] == ["first", "second"]
    assert output.shown == ["a"]


def test_any_values_are_outputs_of_a_call(window: Window) -> None:
    status, output = window.widget(), window.widget()
    bind(reactivex.of("a", "b"), status=status, output=output)
    window.advance(1)
    assert (status.values[None], output.values[None]) == ("done", "b")


def test_a_property_may_be_named(window: Window) -> None:
    label = window.widget()
    bind(reactivex.of("red"), label, "color")
    window.advance()
    assert label.sets == [(0, "color", "red")]


def test_the_thread_of_a_function_may_be_that_of_what_it_is_a_method_of(window: Window) -> None:
    label = window.widget()
    label.closers.append(lambda: None)
    source: Subject[str] = Subject()
    binding = bind(source, label.enter)
    feed(source, "a")
    window.advance()
    assert label.values[None] == "a"
    label.destroy()
    assert binding.is_disposed


# ---- the end of a UI, and of what is bound


def test_a_method_of_a_widget_is_not_called_after_its_end(window: Window) -> None:
    updates: Subject[Any] = Subject()
    first, second = window.widget(), window.widget()
    binding = bind(updates, status=first.enter, output=second.enter)
    second.destroy()
    feed(updates, OutputUpdate("a"))
    window.advance()
    assert first.values[None]
    assert second.values[None] is None
    assert not binding.is_disposed
    assert window.errors == []


def test_a_ui_that_is_gone_ends_the_binding_and_raises_into_nobody(window: Window) -> None:
    source: Subject[int] = Subject()
    binding = bind(source, window.widget())
    window.closed = True
    feed(source, 1)
    assert binding.is_disposed
    assert not source.observers


def test_a_widget_that_was_dead_before_is_not_bound(window: Window) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    label.lives = False
    assert bind(source, label).is_disposed
    ended: list[bool] = []
    changes(label).subscribe(on_completed=lambda: ended.append(True))
    assert ended == [True]
    scheduler(label)
    assert label.closers == []
    assert not source.observers


def test_disposing_leaves_the_source_at_once_and_once_whatever_the_thread(
    window: Window,
) -> None:
    disposed: list[bool] = []
    label, button = window.widget(), window.widget()

    def subscribe(observer: Any, _: Any = None) -> Disposable:
        return Disposable(lambda: disposed.append(True))

    binding = bind(reactivex.create(subscribe), output=label, cancel=button)
    threads = [threading.Thread(target=binding.dispose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert disposed == [True]
    # What is of the UI waits for its thread.
    assert len(label.closers) == len(button.listeners) == 1
    window.advance()
    assert label.closers == button.listeners == []
    assert not button.values["enabled"]


def test_a_button_that_cancels_one_call_after_another_can_be_used(window: Window) -> None:
    label, button = window.widget(), window.widget()
    source: Subject[int] = Subject()
    bind(source, output=label, cancel=button).dispose()
    bindings = [bind(each, output=label, cancel=button) for each in (source, Subject(), Subject())]
    source.on_completed()
    window.advance(1)
    assert button.values["enabled"]
    button.enter(None)
    window.advance(1)
    assert [each.is_disposed for each in bindings] == [True] * 3
    assert not button.values["enabled"]
    assert window.errors == []


def test_disposing_waits_for_no_setter(window: Window) -> None:
    source: Subject[int] = Subject()
    seen: list[int] = []

    def show(value: int) -> None:
        seen.append(value)
        thread = threading.Thread(target=binding.dispose)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()

    binding = bind(source, show, on=window.widget(), every=True)
    feed(source, 1, 2)
    window.advance(1)
    assert seen == [1]


def test_widgets_are_not_kept(window: Window) -> None:
    source: Subject[int] = Subject()
    label = window.widget()
    binding = bind(source, label)
    feed(source, 1)
    window.advance(1)
    window.widgets.clear()
    gone = weakref.ref(label)
    label.closers.clear()
    del label
    gc.collect()
    assert gone() is None
    feed(source, 2)
    window.advance(1)
    assert binding.is_disposed
    assert not source.observers


def test_what_is_over_keeps_nothing(window: Window) -> None:
    source: Subject[Any] = Subject()
    gc.collect()
    gc.disable()
    try:

        def bound() -> list[weakref.ref[Any]]:
            first, second = window.widget(), window.widget()
            bindings = [bind(source, first), bind(source, output=second, cancel=first)]
            listening = changes(second).subscribe(print)
            source.on_next(1)
            window.advance(1)
            for each in (*bindings, listening):
                each.dispose()
            window.advance(1)
            window.widgets.clear()
            return [weakref.ref(each) for each in (*bindings, first, second)]

        assert [each() for each in bound()] == [None] * 4
    finally:
        gc.enable()


def test_what_cannot_be_undone_keeps_nothing_else_from_being_undone(window: Window) -> None:
    label = window.widget()

    def refuse() -> None:
        raise RuntimeError("it was undone by somebody else")

    ends: list[Callable[[Binding], object]] = [
        lambda _: source.on_error(ValueError("of values")),
        lambda binding: binding.dispose(),
    ]
    for end in ends:
        source: Subject[int] = Subject()
        binding = bind(source, label)
        binding.undoing(refuse)
        done: list[bool] = []
        binding.undoing(lambda done=done: done.append(True))
        end(binding)
        window.advance()
        assert done == [True]
    assert label.closers == []
    assert sorted(map(str, window.errors)) == [
        "it was undone by somebody else",
        "of values",
    ]


def test_a_source_that_cannot_be_left_leaves_nothing_of_the_ui_behind(window: Window) -> None:
    def refuse() -> None:
        raise ValueError("not to be left")

    def subscribe(observer: Any, _: Any = None) -> Disposable:
        observers.append(observer)
        return Disposable(refuse)

    observers: list[Any] = []
    label, button = window.widget(), window.widget()
    binding = bind(reactivex.create(subscribe), output=label, cancel=button)
    with pytest.raises(ValueError, match="not to be left"):
        binding.dispose()
    window.advance()
    assert binding.is_disposed
    assert label.closers == button.listeners == []
    assert not button.values["enabled"]


class Abort(BaseException):
    """What is no `Exception`."""


def test_a_source_that_aborts_leaves_nothing_of_the_ui_behind(window: Window) -> None:
    def subscribe(observer: Any, _: Any = None) -> Disposable:
        raise Abort

    label, button = window.widget(), window.widget()
    with pytest.raises(Abort):
        bind(reactivex.create(subscribe), output=label, cancel=button)
    window.advance()
    assert label.closers == button.listeners == []
    assert not button.values["enabled"]


# ---- what is refused


def test_what_is_to_be_shown_must_be_said(window: Window) -> None:
    label = window.widget()
    source: Subject[int] = Subject()
    for wrong, match in (
        (lambda: bind(source), "to what"),
        (lambda: bind(source, label, status=label), "output="),
        (lambda: bind(source, label, cancel=label), "output="),
        (lambda: bind(source, status=label, every=True), "every="),
        (lambda: bind(source, print), "on="),
        (lambda: bind(source, 5), "no toolkit is known for builtins.int"),
        (lambda: changes(5), "no toolkit is known for builtins.int"),
        (lambda: observe_on(5), "register"),
        (lambda: scheduler(5), "register"),
        (lambda: bind("a", label), "no stream: 'a'"),
        (lambda: bind(None, status=label), "no stream: None"),
        (lambda: show("a"), "no stream: 'a'"),
        (lambda: Watch(5), "no stream: 5"),
        (lambda: bind(source, status=label, output="a"), "no toolkit is known for builtins.str"),
        (lambda: bind(source, output="a", on=label), "no toolkit is known for builtins.str"),
        (lambda: bind(source, status=label, cancel="a"), "no toolkit is known for builtins.str"),
        (lambda: bind(source, status=label, cancel=print), "no toolkit is known for builtins.b"),
        (lambda: bind(source, print, "color", on=label), "prop= is of a target"),
        (lambda: bind(source, None, "color", status=label), "prop= is of a target"),
    ):
        with pytest.raises(TypeError, match=match):
            wrong()  # type: ignore[no-untyped-call]
    assert not source.observers
    assert window.posted == label.closers == label.listeners == []


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_frames_a_second_are_a_positive_number(window: Window, fps: float) -> None:
    label = window.widget()
    for wrong in (
        lambda: bind(reactivex.never(), label, fps=fps),
        lambda: observe_on(label, fps=fps),
    ):
        with pytest.raises(ValueError, match="fps"):
            wrong()
    assert label.closers == []


class OtherWindow(Window):
    """Of another toolkit."""


def test_widgets_of_two_toolkits_have_no_one_thread(window: Window) -> None:
    label, other = window.widget(), OtherWindow().widget()
    for wrong in (
        lambda: bind(Subject(), status=label, output=other),
        lambda: bind(Subject(), status=label, cancel=other),
        lambda: bind(Subject(), status=other, on=label),
    ):
        with pytest.raises(TypeError, match="two toolkits"):
            wrong()
    assert label.closers == other.closers == []


def test_what_any_thread_may_set_goes_along_with_a_ui(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    tqdm = pytest.importorskip("tqdm").tqdm
    monkeypatch.setattr(tqdm, "monitor_interval", 0)  # or a thread of its own would stay
    label, other = window.widget(), window.widget()
    with tqdm(file=io.StringIO()) as bar, tqdm(file=io.StringIO()) as second:
        # Whichever comes first.
        bindings = [
            bind(reactivex.of("a"), status=bar, output=label),
            bind(reactivex.of("a"), status=other, progress=second),
        ]
        window.advance()  # on whose thread alone it may be set
        assert (label.shown, bar.desc) == (["a"], "done")
        assert (other.shown, second.n) == (["done"], 100)
        assert [binding.is_disposed for binding in bindings] == [True, True]
        with pytest.raises(TypeError, match="two toolkits"):
            bind(reactivex.of("a"), label, on=bar)


def test_a_button_may_be_all_that_a_call_is_bound_to(window: Window) -> None:
    button, updates = window.widget(), Subject[Any]()
    binding = bind(updates, cancel=button)
    updates.on_error(ValueError("is none of the button's"))
    window.advance()
    assert binding.is_disposed
    assert window.errors == []


def test_a_job_has_no_one_value(window: Window) -> None:
    from concurrent.futures import Future

    from rxgradio import Job

    with pytest.raises(TypeError, match="what of the job"):
        bind(Job(Future()), window.widget())


# ---- toolkits


def test_a_toolkit_is_imported_when_a_widget_of_it_is_seen(window: Window) -> None:
    class Derived(Widget):
        pass

    assert toolkit_of(Derived(window, 1)) is window

    class Stranger:
        pass

    Stranger.__module__ = "toolkit_of_a_test.widgets"
    assert toolkit_of(Stranger()) is None
    register("toolkit_of_a_test", "rxgradio.ui.terminal:Terminal")
    assert type(toolkit_of(Stranger())).__name__ == "Terminal"


# ---- changes


def test_changes_of_a_property(window: Window) -> None:
    box = window.widget("a")
    seen: list[Any] = []
    changes(box, "color", initial=True).subscribe(seen.append)
    box.enter("red", "color")
    box.enter("b")
    assert seen == [None, "red"]


def test_changes_may_be_subscribed_to_again_from_any_thread(window: Window) -> None:
    box = window.widget("a")
    seen: list[Any] = []
    subscriptions: list[Any] = []
    thread = threading.Thread(
        target=lambda: subscriptions.append(changes(box).subscribe(seen.append))
    )
    thread.start()
    thread.join(20)
    window.advance()
    box.enter("b")
    assert seen == ["b"]
    subscriptions[0].dispose()
    box.enter("c")
    assert seen == ["b"]
    window.advance()
    assert box.listeners == []


def test_changes_in_a_ui_that_is_gone_have_ended(window: Window) -> None:
    stream = changes(window.widget("a")).pipe(ops.concat(reactivex.of("end")), ops.retry(3))
    window.closed = True
    seen: list[Any] = []
    # Were it an error, who tries again without end would do so here.
    thread = threading.Thread(target=lambda: stream.subscribe(seen.append, seen.append))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert seen == ["end"]


def test_changes_left_before_they_began(window: Window) -> None:
    box = window.widget("a")
    seen: list[Any] = []
    changes(box, initial=True).subscribe(seen.append).dispose()
    thread = threading.Thread(target=lambda: changes(box).subscribe(seen.append).dispose())
    thread.start()
    thread.join(20)
    window.advance()
    assert seen == ["a"]
    assert box.listeners == box.closers == window.errors == []


def test_who_asks_for_what_cannot_be_told_is_told_on_any_thread(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TypeError("nothing can be told")

    monkeypatch.setattr(window, "listen", refuse)
    box = window.widget()
    raised: list[Exception] = []
    stream = changes(box)
    stream.subscribe(print, raised.append)
    thread = threading.Thread(target=lambda: stream.subscribe(print, raised.append))
    thread.start()
    thread.join(20)
    window.advance()
    assert [str(each) for each in raised] == ["nothing can be told"] * 2
    assert box.closers == window.errors == []


# ---- for those who compose


def test_a_hop_ends_with_its_widget_and_takes_its_source_along(window: Window) -> None:
    label = window.widget()
    source: Subject[int] = Subject()
    seen: list[Any] = []
    source.pipe(observe_on(label)).subscribe(seen.append, seen.append, lambda: seen.append("end"))
    feed(source, 1, 2)
    window.advance()
    label.destroy()
    assert not source.observers
    feed(source, 3)
    window.advance(1)
    assert seen == [2]


def test_a_hop_passes_on_errors_and_all_values_if_that_is_wanted(window: Window) -> None:
    label = window.widget()
    source: Subject[int] = Subject()
    seen: list[Any] = []
    source.pipe(observe_on(label, every=True)).subscribe(seen.append, seen.append)
    feed(source, 1, 2)
    error = ValueError()
    source.on_error(error)
    window.advance()
    assert seen == [1, 2, error]


def test_a_scheduler_keeps_time_and_drops_what_no_ui_is_left_for(window: Window) -> None:
    timers = scheduler(window.widget())
    seen: list[float] = []
    timers.schedule_relative(0.5, lambda *_: seen.append(window.seconds))
    timers.schedule_absolute(timers.now, lambda *_: seen.append(window.seconds))
    held = timers.schedule_periodic(0.2, lambda _: seen.append(-1.0))
    window.advance(0.3)
    held.dispose()
    window.advance(0.7)
    assert [round(each, 3) for each in seen] == [0, -1, 0.5]
    window.closed = True
    timers.schedule(lambda *_: seen.append(99))
    window.advance(1)
    assert 99 not in seen
