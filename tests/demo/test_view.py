"""The demo as a picture, on a console that is recorded."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from rxgradio import OutputUpdate
from rxgradio.demo.scene import CALLS
from rxgradio.demo.server import App
from rxgradio.demo.snapshot import Snapshot
from rxgradio.demo.view import LiveDisplay, Picture
from tests.demo import stories
from tests.demo.stories import ENDINGS, FINISHED, at, told

APP = App("http://127.0.0.1:40123", "6.31.0")
LONG = "A text that does not fit into the two lines that it is given, " * 4
HEIGHT = 1 + sum(call.lines for call in CALLS)

NOTHING: list[Snapshot] = []
MIDDLE = [
    told("reverse", *FINISHED),
    told("write fast", stories.STARTING, stories.ITERATING, OutputUpdate(LONG)),
    told("write slow", stories.STARTING, stories.ITERATING, OutputUpdate("A few words")),
    told("render", stories.STARTING, stories.progressed(6, 24, "upscale")),
    told("scan 1", stories.STARTING, stories.PROCESSING),
    told("scan 2", stories.STARTING, stories.queued(0)),
    told("scan 3", stories.STARTING, stories.queued(1, eta=9.0)),
    told("check", stories.STARTING, stories.PROCESSING, stories.said("no licence", "warning")),
    told("divide", *stories.FAILED),
    told("count", *stories.CANCELLED),
]
END = [told(call.name, *ENDINGS.get(call.name, FINISHED)) for call in CALLS]


def console(width: int = 80, **how: object) -> Console:
    return Console(
        record=True, width=width, height=24, force_terminal=True, file=io.StringIO(), **how
    )


def drawn(snapshots: Sequence[Snapshot], on: Console) -> list[str]:
    picture = Picture(APP, now=lambda: at(3))
    for snapshot in snapshots:
        picture.put(snapshot)
    on.print(picture)
    return [line.rstrip() for line in on.export_text(clear=False).splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("snapshots", [NOTHING, MIDDLE, END], ids=["nothing", "middle", "end"])
def test_no_frame_is_wider_than_the_terminal_or_higher_than_another(
    snapshots: Sequence[Snapshot], width: int
) -> None:
    lines = drawn(snapshots, console(width))
    assert len(lines) == HEIGHT <= 22
    assert max(map(cell_len, lines)) <= width


def test_a_frame_shows_all_that_happens() -> None:
    assert drawn(MIDDLE, console()) == [
        " rxgradio demo  Gradio 6.31.0 at http://127.0.0.1:40123        26 updates  4.0 s",
        " ✓ reverse    finished   a result                                          3.0 s",
        " ⠋ write fast streaming  given, A text that does not fit into the two      3.0 s",
        "                         lines that it is given,▌",
        " ⠋ write slow streaming  A few words▌                                      3.0 s",
        "",
        " ⠋ render     running    ━━━━━───────────────  25% upscale, 6 of 24        3.0 s",
        " ⠋ scan 1     running                                                      3.0 s",
        " · scan 2     queued     next                                              3.0 s",
        " · scan 3     queued     1 ahead, done in 7.0 s                            3.0 s",
        " ⠋ check      running    warning: no licence                               3.0 s",
        " ✗ divide     failed     cannot divide by zero                             2.0 s",
        " ■ count      cancelled  after 7 of 50; the server: generator closed       4.0 s",
    ]


def test_sixty_columns_are_enough() -> None:
    lines = drawn(MIDDLE, console(60))
    assert lines[0] == " rxgradio demo  Gradio 6.31.0              26 updates  4.0 s"
    assert lines[6] == " ⠋ render     running    ━━━─────────  25% upscale     3.0 s"
    assert lines[12] == " ■ count      cancelled  7 of 50; generator closed     4.0 s"


def test_a_wide_terminal_is_not_filled() -> None:
    assert max(map(len, drawn(MIDDLE, console(200)))) == 100


def test_a_terminal_without_unicode_is_drawn_on_in_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    ascii_only = Console(width=80, height=24, force_terminal=True, file=file, _environ={})
    display = LiveDisplay(ascii_only)
    with display.preparing():
        pass
    with display.showing(APP):
        for snapshot in MIDDLE:
            display.show(snapshot)
    display.summarise(END)
    assert "\x1b[36m=====\x1b[0m\x1b[2m---------------\x1b[0m" in file.buffer.getvalue().decode(
        "ascii"
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = console(color_system="truecolor", _environ={})
    drawn(MIDDLE, coloured)
    assert colours(coloured)

    plain = console(color_system="truecolor", _environ={"NO_COLOR": "1"})
    drawn(MIDDLE, plain)
    LiveDisplay(plain).summarise(END)
    assert not colours(plain)


def colours(on: Console) -> list[str]:
    assert isinstance(on.file, io.StringIO)
    codes = re.findall(r"\x1b\[([\d;]*)m", on.file.getvalue())
    return [code for code in codes if re.search(r"\b(3\d|4\d|9\d)\b", code)]


def test_the_last_frame_is_left_and_the_table_follows() -> None:
    terminal = console()
    display = LiveDisplay(terminal)
    with display.showing(APP):
        for snapshot in END:
            display.show(snapshot)
    display.summarise(END)

    text = terminal.export_text()
    last = text.rindex(" rxgradio demo")
    assert text.index("cannot divide by zero", last) < text.index("1st output", last)
    assert text.rstrip().endswith("all as planned")
    assert isinstance(terminal.file, io.StringIO)
    assert terminal.file.getvalue().rindex("\x1b[?25h") > terminal.file.getvalue().rindex(
        "\x1b[?25l"
    )


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table_fits(width: int) -> None:
    terminal = console(width)
    LiveDisplay(terminal).summarise(END)
    lines = terminal.export_text().splitlines()
    assert len(lines) == 1 + 2 + len(CALLS) + 2
    assert max(map(cell_len, lines)) <= width
