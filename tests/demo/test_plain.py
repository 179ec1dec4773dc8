"""The demo in lines of text."""

from __future__ import annotations

import io
import re

from rxgradio import OutputUpdate
from rxgradio.demo.plain import PlainDisplay
from rxgradio.demo.scene import CALLS
from rxgradio.demo.server import App
from rxgradio.demo.summary import HEAD
from tests.demo import stories
from tests.demo.stories import ENDINGS, FINISHED, at, told


def written(name: str, *news: object) -> list[str]:
    """Return the lines for a job, one snapshot after another."""
    out = io.StringIO()
    display = PlainDisplay(out, now=lambda: at(0))
    for length in range(1, len(news) + 1):
        display.show(told(name, *news[:length]))
    return out.getvalue().splitlines()


def test_a_line_tells_when_who_and_what() -> None:
    assert written("divide", *stories.FAILED) == [
        "[  0.00 s] divide      submitted",
        "[  1.00 s] divide      running",
        "[  2.00 s] divide      failed: cannot divide by zero",
    ]


def test_a_place_in_the_queue_is_told_when_it_changes() -> None:
    steps = (stories.queued(2, eta=4.25), stories.queued(2), stories.queued(1))
    assert [line[23:] for line in written("scan", *steps)] == [
        "submitted",
        "queued, 2 ahead, about 4.2 s to go",
        "queued, 1 ahead",
    ]


def test_progress_is_told_by_its_stages() -> None:
    steps = [stories.progressed(step, 4, "load" if step < 2 else "save") for step in range(4)]
    assert [line[23:] for line in written("render", *steps)] == [
        "submitted",
        "running",
        "load, 0 of 4 steps",
        "save, 2 of 4 steps",
    ]


def test_every_message_is_told() -> None:
    lines = written("check", stories.PROCESSING, stories.said("a"), stories.said("b", "warning"))
    assert [line[23:] for line in lines[-2:]] == ["info: a", "warning: b"]


def test_a_growing_text_is_told_in_whole_words_and_few_lines() -> None:
    text = " ".join(f"word{n}" for n in range(20))
    grown = [OutputUpdate(text[:end]) for end in range(3, len(text) + 3, 3)]
    lines = written("write", stories.ITERATING, *grown, OutputUpdate(text, final=True), None)
    told_of = [line[23:] for line in lines[2:]]
    assert told_of == [
        '"word0 word1 word2 word3 word4 word5"',
        '"word6 word7 word8 word9 word10 word11"',
        '"word12 word13 word14 word15 word16 word17"',
        f'finished: "{text}"',
    ]


def test_a_cancellation_and_what_the_server_made_of_it_are_told_apart() -> None:
    assert [line[11:] for line in written("count", *stories.CANCELLED)[-2:]] == [
        'count       cancelled after "7 of 50"',
        "count       what the server made of it: generator closed",
    ]


def test_the_table_has_a_row_for_each_job_and_no_escape_codes() -> None:
    out = io.StringIO()
    display = PlainDisplay(out, now=lambda: at(0))
    with display.preparing():
        pass
    with display.showing(App("http://127.0.0.1:1", "6.31.0")):
        pass
    display.summarise([told(call.name, *ENDINGS.get(call.name, FINISHED)) for call in CALLS])

    text = out.getvalue()
    assert "\x1b" not in text
    assert "calls Gradio 6.31.0 at http://127.0.0.1:1" in text
    table = text.splitlines()[3:-2]
    assert re.split(r" {2,}", table[0]) == list(HEAD)
    assert re.split(r" {2,}", table[1]) == [
        "reverse",
        "finished",
        "1.00 s",
        "2.00 s",
        "3.00 s",
        "3",
    ]
    assert [row.split("  ")[0] for row in table[1:]] == [call.name for call in CALLS]
    assert len(set(map(len, table))) == 1
    assert text.endswith("; all as planned\n")


def test_what_did_not_go_as_planned_is_named() -> None:
    out = io.StringIO()
    failing = {"divide": FINISHED, "check": stories.FAILED, "count": stories.CANCELLED}
    PlainDisplay(out, now=lambda: at(0)).summarise(
        [told(call.name, *failing.get(call.name, FINISHED)) for call in CALLS]
    )
    assert "check is failed (cannot divide by zero), and was to be finished" in out.getvalue()
    assert "divide is finished, and was to be failed" in out.getvalue()
