"""What is special about Textual."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest
import reactivex
from reactivex import Subject

from rxgradio.ui import bind, changes, observe_on
from tests.contract.app import SOON

pytest.importorskip("textual")

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import (
    Button,
    Checkbox,
    DataTable,
    Digits,
    Input,
    Label,
    Log,
    Markdown,
    ProgressBar,
    RichLog,
    Select,
    Sparkline,
    Static,
    Switch,
    TextArea,
)


class Showing(App[None]):
    """An app with some widgets, which does something with them when it is composed."""

    def __init__(self, *widgets: Any, composed: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._parts = widgets
        self._at_first = composed

    def compose(self) -> ComposeResult:
        self._at_first()
        yield from self._parts


def run(app: App[None], scenario: Callable[[], Awaitable[None]]) -> None:
    """Run an app on a terminal that is not there."""

    async def play() -> None:
        async with app.run_test():
            await scenario()

    asyncio.run(play())


async def until(fact: Callable[[], object]) -> None:
    for _ in range(int(SOON / 0.005)):
        if fact():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it has not come true")


async def show(widget: Any, *values: Any, prop: str | None = None) -> None:
    for value in values:
        binding = bind(reactivex.of(value), widget, prop)
        await until(lambda binding=binding: binding.is_disposed)


# ---- what is shown


def test_each_kind_of_widget_shows_what_it_is_there_to_show() -> None:
    label, static, button, field = Label(), Static(), Button("do"), Input()
    switch, box, digits, pulse = Switch(), Checkbox(), Digits(), Sparkline()
    chosen = Select([("one", 1), ("two", 2)])
    log, rich_log, text = Log(), RichLog(), Markdown()
    widgets = [label, static, button, field, switch, box, digits, pulse, chosen]

    async def scenario() -> None:
        await show(label, "a", None)
        assert str(label.visual) == ""
        await show(label, 5)
        assert str(label.visual) == "5"
        await show(static, Content("[bold]").stylize("red"))
        assert static.content == Content("[bold]").stylize("red")
        await show(button, "[go]")
        assert str(button.label) == "[go]"
        for value, shown in (("a", "a"), (5, "5"), (None, "")):
            await show(field, value)
            assert field.value == shown
        await show(switch, True)
        await show(box, True)
        assert (switch.value, box.value) == (True, True)
        await show(digits, 12)
        assert digits.value == "12"
        await show(pulse, [1, 2, 3])
        assert pulse.data == [1, 2, 3]
        await show(chosen, 2)
        assert chosen.value == 2
        await show(chosen, None)
        assert chosen.is_blank()
        bind(reactivex.of("a", "b", "c"), log, every=True)
        await until(lambda: list(log.lines)[:3] == ["a", "b", "c"])
        await show(rich_log, "a", "b")
        assert [line.text for line in rich_log.lines] == ["a", "b"]
        await show(text, "# One")
        assert text.source == "# One"

    run(Showing(*widgets, log, rich_log, text), scenario)


@pytest.mark.parametrize("text", ["[/] [bold]not[/bold]", "[5/7]", "[link=x"])
def test_brackets_in_a_text_are_brackets(text: str) -> None:
    label = Label()

    async def scenario() -> None:
        await show(label, text)
        assert str(label.visual) == text

    run(Showing(label), scenario)


def test_what_a_server_says_does_not_command_the_terminal() -> None:
    widgets = [Label(), Button(), Input(), Log(), RichLog(), TextArea(), Digits()]
    commands = "a\x1b]0;title\x07 \x1b[2J\x9b31mz"
    app = Showing(*widgets)

    def drawn(widget: Any) -> str:
        return "".join(widget.render_line(y).text for y in range(5))

    async def scenario() -> None:
        for widget in widgets:
            widget.styles.height = 5
            await show(widget, commands)
        await show(app, commands, prop="title")
        assert app.title == "a\ufffd]0;title\ufffd \ufffd[2J\ufffd31mz"
        for widget in widgets:
            await until(lambda widget=widget: drawn(widget).strip())
            assert not {"\x1b", "\x07", "\x9b"} & set(drawn(widget)), widget

    run(app, scenario)


def test_a_bar_has_a_total_of_its_own() -> None:
    bar, empty = ProgressBar(total=20), ProgressBar()

    async def scenario() -> None:
        await show(bar, 0.25)
        assert (bar.progress, bar.total) == (5, 20)
        await show(bar, None)
        assert bar.total is None
        for each in (bar, empty):
            await show(each, 0.25)
            assert each.percentage == 0.25

    run(Showing(bar, empty), scenario)


def test_a_growing_text_grows_where_it_is() -> None:
    area = TextArea()

    async def scenario() -> None:
        await show(area, "one")
        area.move_cursor((0, 0))
        area.move_cursor((0, 1), select=True)
        await show(area, "one\ntwo")
        assert area.text == "one\ntwo"
        assert area.selected_text == "o"
        area.read_only = True
        many = "\n".join("another line" for _ in range(50))
        await show(area, many)
        assert area.text == many
        assert area.selected_text == ""
        await until(lambda: area.is_vertical_scroll_end and area.max_scroll_y > 0)
        await show(area, f"{many}\nlast")
        await until(lambda: area.is_vertical_scroll_end)
        area.scroll_home(animate=False)
        await until(lambda: area.scroll_y == 0)
        area.move_cursor((50, 2))
        await until(lambda: area.scroll_y > 0)
        area.scroll_to(y=7, animate=False)
        await until(lambda: area.scroll_y == 7)
        await show(area, f"{many}\nlast\nbut one\nor two")
        drawn = asyncio.Event()
        area.call_after_refresh(lambda: area.call_after_refresh(drawn.set))
        await drawn.wait()
        assert area.scroll_y == 7
        assert area.cursor_location == (50, 2)
        await show(area, None)
        assert area.text == ""

    run(Showing(area), scenario)


def test_attributes_by_their_names_and_whether_one_can_be_used() -> None:
    label, button, table = Label(), Button("do"), DataTable[str]()
    app = Showing(label, button, table)

    async def scenario() -> None:
        await show(app, "Jobs", prop="title")
        assert app.title == "Jobs"
        await show(label, True, prop="loading")
        assert label.loading
        await show(button, False, prop="enabled")
        assert button.disabled
        seen: list[bool] = []
        changes(button, "disabled", initial=True).subscribe(seen.append)
        await show(button, True, prop="enabled")
        assert seen == [True, False]
        table.add_columns("name", ("state", "state"))
        table.add_row("a", "", key="a")
        bind(reactivex.of("done"), lambda state: table.update_cell("a", "state", state), on=table)
        await until(lambda: table.get_cell("a", "state") == "done")

    run(app, scenario)


def test_what_is_bound_while_it_is_composed_is_shown() -> None:
    label, bar, text, button = Label(), ProgressBar(), TextArea(), Button("do")
    lines, rich_lines, field = Log(), RichLog(), Input()
    widgets = [label, text, button, lines, rich_lines, field]
    presses: list[None] = []

    def composed() -> None:
        for widget in widgets:
            bind(reactivex.of("first"), widget)
        bind(reactivex.of(0.5), bar)
        changes(button).subscribe(presses.append)

    async def scenario() -> None:
        await until(lambda: rich_lines.lines)
        assert str(label.visual) == str(button.label) == "first"
        assert text.text == field.value == lines.lines[0] == rich_lines.lines[0].text == "first"
        assert bar.percentage == 0.5
        button.press()
        await until(lambda: presses == [None])

    run(Showing(*widgets, bar, composed=composed), scenario)


# ---- what is entered


def test_what_each_kind_of_widget_is_changed_to() -> None:
    field, area, switch, box, button = Input(), TextArea(), Switch(), Checkbox(), Button("do")
    chosen = Select([("one", 1), ("two", 2)])
    widgets = [field, area, switch, box, chosen, button]
    seen: dict[str, list[Any]] = {type(widget).__name__: [] for widget in widgets}

    async def scenario() -> None:
        for widget in widgets:
            changes(widget).subscribe(seen[type(widget).__name__].append)
        field.insert_text_at_cursor("a")
        area.insert("b")
        switch.toggle()
        box.toggle()
        chosen.value = 2
        chosen.clear()
        button.press()
        await until(lambda: seen["Button"] and seen["TextArea"])
        assert seen == {
            "Input": ["a"],
            "TextArea": ["b"],
            "Switch": [True],
            "Checkbox": [True],
            "Select": [2, None],
            "Button": [None],
        }

    run(Showing(*widgets), scenario)


def test_what_was_described_before_the_app_ran_is_heard() -> None:
    field, label = Input(), Label()
    texts = changes(field, initial=True)

    async def scenario() -> None:
        bind(texts, label)
        field.value = "a"
        await until(lambda: str(label.visual) == "a")

    run(Showing(field, label), scenario)


def test_what_cannot_be_told_is_refused() -> None:
    label, field = Label(), Input()
    raised: list[Exception] = []

    async def scenario() -> None:
        changes(label).subscribe(print, raised.append)
        changes(field, "text_at_cursor").subscribe(print, raised.append)
        assert [type(each) for each in raised] == [TypeError, TypeError]

    run(Showing(label, field), scenario)


# ---- death


@pytest.mark.parametrize("how", ["removed", "its parent", "its screen", "the app", "a crash"])
def test_what_ends_a_widget_ends_its_binding_to_a_silent_stream(how: str) -> None:
    source: Subject[Any] = Subject()
    ended: list[bool] = []
    bindings: list[Any] = []

    class Above(Screen[None]):
        def compose(self) -> ComposeResult:
            with Vertical():
                yield Label("bound")
                yield Input()

    app = Showing()

    async def scenario() -> None:
        await app.push_screen(Above())
        label, field = app.screen.query_one(Label), app.screen.query_one(Input)
        changes(field).subscribe(on_completed=lambda: ended.append(True))
        bindings.extend((bind(source, label), bind(source, lambda _: None, on=field)))
        source.pipe(observe_on(label)).subscribe()
        if how == "removed":
            await label.remove()
            await field.remove()
        elif how == "its parent":
            await app.screen.query_one(Vertical).remove()
        elif how == "its screen":
            await app.pop_screen()
        elif how == "the app":
            app.exit()
        elif how == "a crash":
            app.call_later(lambda: 1 / 0)
        if how not in ("the app", "a crash"):  # these end all only when they are through
            await until(lambda: not source.observers and ended)

    with pytest.raises(ZeroDivisionError) if how == "a crash" else nullcontext():
        run(app, scenario)
    assert not source.observers
    assert all(binding.is_disposed for binding in bindings)
    assert ended == [True]


def test_what_is_bound_to_the_app_ends_with_it() -> None:
    source: Subject[str] = Subject()
    label, other = Label(), Label()
    bindings: list[Any] = []
    app = Showing(label, other, composed=lambda: bindings.append(bind(source, app, "title")))

    async def scenario() -> None:
        bindings.extend((bind(source, app, "sub_title"), bind(source, other)))
        source.on_next("a")
        await until(lambda: app.sub_title == app.title == "a")
        await label.remove()
        assert len(source.observers) == 3
        app.exit()

    # As it is in earnest, where the loop ends with the app.
    app.call_later(scenario)
    app.run(headless=True, size=(40, 10))
    assert all(binding.is_disposed for binding in bindings)
    assert not source.observers


def test_who_waits_for_workers_does_not_wait_for_bindings() -> None:
    label = Label()
    app = Showing(label)

    async def scenario() -> None:
        bind(Subject(), label)
        await asyncio.wait_for(app.workers.wait_for_complete(), SOON)

    run(app, scenario)


# ---- errors


def refuse(_: object) -> None:
    raise ValueError("not that")


@pytest.mark.parametrize("what", ["a function", "an attribute", "a subscriber"])
def test_an_error_ends_the_app_which_tells_of_it(
    what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    label, button = Label(), Button("do")
    app = Showing(label, button)
    source: Subject[str] = Subject()

    def begin() -> None:
        bind(source, label)
        if what == "a function":
            bind(reactivex.of(1), refuse, on=label)
        elif what == "an attribute":
            bind(reactivex.of(1), label, "not_that")
        else:
            changes(button).subscribe(refuse)
            button.press()

    app.call_after_refresh(begin)
    app.call_later(lambda: app.set_timer(SOON, app.exit))
    app.run(headless=True, size=(80, 24))
    assert app.return_code == 1
    assert not source.observers
    told = capfd.readouterr().err
    assert ("not_that" if what == "an attribute" else "ValueError: not that") in told
