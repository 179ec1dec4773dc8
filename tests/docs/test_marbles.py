"""The pictures of docs/marbles.md: what is recorded, where it is drawn, and the chapter."""

from __future__ import annotations

import re
import sys
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as ops

from docs.marbles.__main__ import main
from docs.marbles.chapter import CHAPTER, HERE, Plate, plates, serving
from docs.marbles.faces import face
from docs.marbles.layout import CODE_LETTER, LEFT, LETTER, MARGIN, RIGHT, WIDTH, Picture, arrange
from docs.marbles.record import Kind, Recording, Row, Signal, StillGoing, Voice, perform
from docs.marbles.svg import written
from rxgradio import OutputUpdate, Retry, Status, StatusUpdate, fanin, operators
from rxgradio.fanin import Labelled, Result

SVG = "{http://www.w3.org/2000/svg}"
ENDS = [Kind.COMPLETED, Kind.ERROR, Kind.DISPOSE]
DRAWN = {
    Kind.SUBSCRIBE: "begin",
    Kind.NEXT: "v",
    Kind.COMPLETED: "done",
    Kind.ERROR: "failed",
    Kind.DISPOSE: "left",
}


def voice(*signals: tuple[Kind, float] | tuple[Kind, float, object], of: object = None) -> Voice:
    return Voice([Signal(*each) for each in signals], of)


@st.composite
def voices(draw: st.DrawFn) -> Voice:
    texts = st.one_of(st.text(max_size=3), st.integers(0, 99), st.just(Labelled("a", "<&>")))
    values = draw(st.lists(st.one_of(texts, st.just(StatusUpdate(Status.PROCESSING))), max_size=5))
    times = sorted(
        draw(st.lists(st.floats(0, 5), min_size=len(values) + 2, max_size=len(values) + 2))
    )
    end = draw(st.sampled_from(ENDS))
    error = ValueError("no") if end is Kind.ERROR else None
    middle = [Signal(Kind.NEXT, at, value) for at, value in zip(times[1:-1], values, strict=True)]
    return Voice(
        [Signal(Kind.SUBSCRIBE, times[0]), *middle, Signal(end, times[-1], error)],
        draw(st.one_of(st.none(), st.just("a"))),
    )


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    rows = [Row("source", voices=draw(st.lists(voices(), min_size=1, max_size=2)))]
    rows.append(Row("calls", calls=True, voices=draw(st.lists(voices(), max_size=3))))
    for each in rows[1].voices:
        each.input = "a"
    rows.append(Row("result", ("operator < other",), voices=[draw(voices())]))
    return Recording("result = operator < other\n", rows)


def signals(recording: Recording) -> list[Signal]:
    return [each for row in recording.rows for voice in row.voices for each in voice.signals]


def scale_of(picture: Picture) -> float:
    first, second = picture.ticks[:2]
    return (second.x - first.x) / (float(second.text) - float(first.text))


# ---- places


@settings(deadline=None)
@given(recordings())
def test_nothing_touches_what_is_on_the_same_line_or_leaves_the_picture(
    recording: Recording,
) -> None:
    picture = arrange(recording)
    lines = [line for band in picture.bands for line in band.lines]
    for line in lines:
        for mark, following in pairwise(line.marks):
            assert mark.x + mark.half <= following.x - following.half + 1e-6
        assert line.marks[0].x >= LEFT
        assert line.right <= WIDTH - RIGHT + 2
    heights = [line.y for line in lines] + [picture.axis]
    assert all(below - above >= 2 * 13 for above, below in pairwise(heights))
    for band in picture.bands:
        if band.box is not None:
            above = [line.y for line in lines if line.y < band.box.y]
            assert all(y + 13 < band.box.y for y in above)
            assert all(band.box.y + band.box.height < line.y - 13 for line in band.lines)


@settings(deadline=None)
@given(recordings())
def test_every_signal_has_one_place_and_they_keep_their_order(recording: Recording) -> None:
    picture = arrange(recording)
    marks = [mark for band in picture.bands for line in band.lines for mark in line.marks]
    assert Counter((mark.kind, mark.at) for mark in marks) == Counter(
        (signal.kind, signal.at) for signal in signals(recording)
    )
    for band in picture.bands:
        for line in band.lines:
            times = [mark.at for mark in line.marks]
            assert times == sorted(times)
    sources = [mark for band in picture.bands[:2] for line in band.lines for mark in line.marks]
    in_time = sorted(sources, key=lambda mark: mark.at)
    for before, after in pairwise(in_time):
        assert before.at == after.at or before.x <= after.x
    for mark in (mark for line in picture.bands[2].lines for mark in line.marks):
        assert all(source.x <= mark.x for source in sources if source.at < mark.at)


def test_what_is_far_enough_apart_stands_at_its_time() -> None:
    apart = voice(
        (Kind.SUBSCRIBE, 0.0), (Kind.NEXT, 1.0, "a"), (Kind.NEXT, 2.5, "b"), (Kind.ERROR, 4.0)
    )
    picture = arrange(Recording("", [Row("a", voices=[apart])]))
    scale = scale_of(picture)
    assert [mark.x for mark in picture.bands[0].lines[0].marks] == pytest.approx(
        [LEFT + at * scale for at in (0.0, 1.0, 2.5, 4.0)]
    )


def test_calls_at_the_same_time_have_a_line_each_and_others_share_one() -> None:
    first = voice((Kind.SUBSCRIBE, 0.0), (Kind.COMPLETED, 1.0), of="a")
    second = voice((Kind.SUBSCRIBE, 0.5), (Kind.DISPOSE, 1.5), of="b")
    third = voice((Kind.SUBSCRIBE, 1.0), (Kind.COMPLETED, 2.0), of="c")
    rows = [
        Row("calls", calls=True, voices=[first, second, third]),
        Row("x", ("y",), voices=[voice((Kind.SUBSCRIBE, 0.0), (Kind.COMPLETED, 2.0))]),
    ]
    picture = arrange(Recording("", rows))
    lines = picture.bands[0].lines
    assert [[mark.note for mark in line.marks if mark.note] for line in lines] == [
        ["a", "c"],
        ["b"],
    ]
    (cut,) = picture.cuts
    assert (cut.top, cut.bottom) == (lines[1].y, picture.bands[1].lines[0].y)
    assert cut.x == lines[1].marks[-1].x


def test_a_value_has_the_colour_of_what_it_comes_from() -> None:
    one = voice((Kind.SUBSCRIBE, 0), (Kind.NEXT, 1, "a"), (Kind.COMPLETED, 4))
    two = voice((Kind.SUBSCRIBE, 0), (Kind.NEXT, 2, "b"), (Kind.COMPLETED, 4))
    both = voice(
        (Kind.SUBSCRIBE, 0), (Kind.NEXT, 2.5, {"x": "a", "y": "b"}), (Kind.NEXT, 3, ValueError())
    )
    rows = [Row("one", voices=[one]), Row("two", voices=[two]), Row("both", ("f",), voices=[both])]
    bands = arrange(Recording("", rows)).bands
    hues = [mark.hues for band in bands for mark in band.lines[0].marks if mark.kind is Kind.NEXT]
    assert hues == [(0,), (1,), (0, 1), (-1,)]


def test_what_does_not_fit_is_refused() -> None:
    many = [(Kind.NEXT, n / 10, "abc") for n in range(40)]
    with pytest.raises(ValueError, match="too many"):
        arrange(Recording("", [Row("a", voices=[voice((Kind.SUBSCRIBE, 0), *many)])]))


# ---- the SVG


@settings(deadline=None)
@given(recordings())
def test_each_signal_is_drawn_once(recording: Recording) -> None:
    drawn = ET.fromstring(written(recording, arrange(recording), "a title"))
    classes = Counter(
        each.get("class", "").split()[0] for each in drawn.iter() if each.get("class")
    )
    for kind, name in DRAWN.items():
        wanted = sum(signal.kind is kind for signal in signals(recording))
        # A bar and a dot are one element each; so is the group of anything else.
        assert classes[name] == wanted, name
    texts = Counter(
        "".join(each.itertext())
        for each in drawn.iter(f"{SVG}g")
        if "v" in each.get("class", "").split()
    )
    assert texts == Counter(
        "".join(face(signal.value).parts)
        for signal in signals(recording)
        if signal.kind is Kind.NEXT
    )


def test_text_of_any_kind_is_text() -> None:
    said = voice((Kind.SUBSCRIBE, 0), (Kind.NEXT, 1, '<b>&"\0'), (Kind.COMPLETED, 2))
    recording = Recording("a < b & c\n", [Row("x<y", ("a < b & c",), voices=[said])])
    picture = written(recording, arrange(recording), "<title>")
    drawn = ET.fromstring(picture)
    assert drawn.findtext(f"{SVG}title") == "<title>"
    assert drawn.findtext(f"{SVG}metadata") == "a < b & c\n"
    texts = [each.text for each in drawn.iter(f"{SVG}text")]
    assert {'<b>&"·', "x<y", "a < b & c"} <= set(texts)
    assert "x<y: subscribed to at 0.00 s" in (drawn.findtext(f"{SVG}desc") or "")
    assert picture == written(recording, arrange(recording), "<title>")


def test_light_and_dark_have_the_same_rules() -> None:
    both = [
        voice((Kind.SUBSCRIBE, 0), (Kind.NEXT, 1, {"a": "a", "b": ValueError()}), (Kind.ERROR, 2))
    ]
    style = ET.fromstring(written(r := Recording("", [Row("a", voices=both)]), arrange(r), "t"))
    light, dark = (style.findtext(f"{SVG}style") or "").split("@media(prefers-color-scheme:dark)")
    rules = [
        dict(re.findall(r"([^{}]+)\{([^{}]*#[^{}]*)\}", each.strip("{}") + "}"))
        for each in (light, dark)
    ]
    on_light, on_dark = [{name.strip(): rule for name, rule in each.items()} for each in rules]
    assert on_light.keys() == on_dark.keys() > {".page", "g.bad", "g.h0"}
    for name, rule in on_light.items():
        assert rule != on_dark[name], name


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("abc", ("abc",)),
        (StatusUpdate(Status.IN_QUEUE), ("Q",)),
        (OutputUpdate("ab", final=True), ("ab'",)),
        (Labelled("x", "a"), ("a",)),
        (Labelled("x", None, ValueError()), ("#",)),
        ({"a": Result("x"), "b": Result(None, ValueError())}, ("x", "#")),
        ([1, 2.0], ("1", "2")),
        (1 / 3, ("0.333",)),
        ("\n", ("·",)),
        ("x" * 30, ("x" * 23 + "…",)),
    ],
)
def test_what_stands_in_a_marble(value: object, parts: tuple[str, ...]) -> None:
    assert face(value).parts == parts


# ---- the recording


def heard(row: Row) -> list[list[str]]:
    return [
        [each.value if each.kind is Kind.NEXT else each.kind.name for each in voice.signals]
        for voice in row.voices
    ]


def test_streams_with_a_name_are_recorded_and_the_code_is_as_it_was() -> None:
    code = "numbers = reactivex.of(1, 2)\nlater = numbers.pipe(ops.map(lambda n: n * 10))\n"
    recording = perform(code, {"reactivex": reactivex, "ops": ops})
    source, result = recording.rows
    assert (source.name, source.code) == ("numbers", ())
    assert (result.name, result.code) == ("later", ("numbers.pipe(ops.map(lambda n: n * 10))",))
    assert heard(source) == [["SUBSCRIBE", 1, 2, "COMPLETED"]]
    assert heard(result) == [["SUBSCRIBE", 10, 20, "COMPLETED"]]
    # The observer is the first to subscribe, and the last to be told.
    assert result.voices[0].signals[0].at == 0
    pairs = zip(source.voices[0].signals[1:], result.voices[0].signals[1:], strict=True)
    assert all(cause.at <= effect.at for cause, effect in pairs)
    assert recording.code == code


def test_a_dispose_is_recorded_unless_it_follows_the_end() -> None:
    names = {"fanin": fanin, "reactivex": reactivex}
    code = "never = reactivex.never()\nsoon = reactivex.of(1)\nfirst = fanin.race(never, soon)\n"
    recording = perform(code, names)
    assert [heard(row) for row in recording.rows] == [
        [["SUBSCRIBE", "DISPOSE"]],
        [["SUBSCRIBE", 1, "COMPLETED"]],
        [["SUBSCRIBE", 1, "COMPLETED"]],
    ]


def test_each_subscription_to_a_stream_is_one_of_its_own() -> None:
    code = "call = reactivex.throw(ValueError())\nanswer = call.pipe(twice)\n"
    twice = operators.retry(Retry(attempts=2, initial=0.01))
    names = {"reactivex": reactivex, "twice": twice}
    recording = perform(code, names)
    assert heard(recording.rows[0]) == [["SUBSCRIBE", "ERROR"], ["SUBSCRIBE", "ERROR"]]
    assert heard(recording.rows[1]) == [["SUBSCRIBE", "ERROR"]]


def test_what_is_no_stream_is_told_in_the_box_of_the_next_one() -> None:
    code = "a = reactivex.of(1)\nkept = [a]\nb = reactivex.merge(*kept)\n"
    recording = perform(code, {"reactivex": reactivex})
    assert [row.name for row in recording.rows] == ["a", "b"]
    assert recording.rows[1].code == ("kept = [a]", "reactivex.merge(*kept)")


def test_a_stream_that_goes_on_for_ever_is_not_waited_for() -> None:
    left: list[str] = []
    endless = reactivex.never().pipe(ops.finally_action(lambda: left.append("endless")))
    with pytest.raises(StillGoing, match="again"):
        perform("again = endless.pipe()", {"endless": endless}, seconds=0.01)
    assert left == ["endless"]


def test_a_picture_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["race", "nonsense"])
    assert "no picture is called nonsense\n" in capsys.readouterr().err


def test_signals_of_several_threads_are_all_recorded() -> None:
    def from_a_thread(observer: Any, _: Any = None) -> None:
        def run() -> None:
            for n in range(500):
                observer.on_next(n)
            observer.on_completed()

        threading.Thread(target=run).start()

    names = {"reactivex": reactivex, "from_a_thread": from_a_thread}
    code = "a = reactivex.create(from_a_thread)\nb = reactivex.create(from_a_thread)\n"
    recording = perform(code, names)
    for row in recording.rows:
        assert heard(row) == [["SUBSCRIBE", *range(500), "COMPLETED"]]


# ---- the chapter


@pytest.mark.skipif(sys.platform == "win32", reason="the app is played by a shell script")
def test_an_app_that_does_not_start_is_told(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no gradio\n", "utf-8")
    python.chmod(0o700)
    with pytest.raises(RuntimeError, match="did not start"), serving(str(python)):
        raise AssertionError("nothing to call")


PLATES = [plate for plate in plates(CHAPTER.read_text("utf-8")) if plate.name is not None]
SHOWN = {
    *{"outputs", "text_deltas", "result", "progress", "logs", "snapshots", "timings"},
    *{"map", "latest", "exhaust", "concat"},
    *{"merge", "combine_latest", "zip", "gather", "race", "hedge", "fail_over", "balance"},
    *{"retry", "timeout", "deadline", "rate_limit", "Bulkhead", "CircuitBreaker"},
    *{"share_in_flight", "cached"},
    *{"buffer", "latest", "drop_oldest"},
}


def picture_of(plate: Plate) -> ET.Element:
    return ET.fromstring((HERE / f"{plate.name}.svg").read_text("utf-8"))


def test_the_pictures_are_those_of_the_chapter() -> None:
    names = [plate.name for plate in PLATES]
    assert len(names) == len(set(names)) > 20
    assert {f"{name}.svg" for name in names} == {path.name for path in HERE.glob("*.svg")}
    # None is there in another way, without the code that made it.
    assert CHAPTER.read_text("utf-8").count("](marbles/") == len(names)


def test_every_operator_has_a_picture() -> None:
    drawn = " ".join(
        " ".join(text.text or "" for text in picture_of(plate).iter(f"{SVG}text"))
        for plate in PLATES
    )
    assert {name for name in SHOWN if not re.search(rf"\b{name}\b", drawn)} == set()


@pytest.mark.parametrize("plate", PLATES, ids=lambda plate: plate.name)
def test_a_picture_is_drawn_from_the_code_above_it(plate: Plate) -> None:
    drawn = picture_of(plate)
    assert drawn.findtext(f"{SVG}metadata") == plate.code
    assert drawn.findtext(f"{SVG}title") == plate.title
    boxes = [each.text or "" for each in drawn.iter(f"{SVG}text") if each.get("class") == "code"]
    assert boxes
    for line in boxes:
        assert line in plate.code
        assert len(line) * CODE_LETTER < WIDTH - 2 * MARGIN - 16
    labels = [each.text or "" for each in drawn.iter(f"{SVG}text") if each.get("class") == "name"]
    for label in labels:
        assert re.search(rf"^{label.removesuffix('()')} = ", plate.code, re.MULTILINE)
        assert len(label) * LETTER < LEFT - 16
    assert not [each for each in drawn.iter() if each.tag in {f"{SVG}script", f"{SVG}image"}]


def test_the_guides_lead_to_the_chapter() -> None:
    docs = CHAPTER.parent
    for name in ("operators", "bulk", "fan-in", "policies"):
        assert "(marbles.md" in (docs / f"{name}.md").read_text("utf-8"), name
        assert f"({name}.md" in CHAPTER.read_text("utf-8"), name
    assert "(docs/marbles.md)" in Path(docs.parent, "README.md").read_text("utf-8")
