"""Gives each recorded signal its place in a picture.

A second is as long everywhere. A signal stands at its time, except where it would touch
the one before it on its line: then it stands beside that. No signal stands further left than
one before it of a source, or of a call: it may be made of that. Nothing is left out. It
knows no SVG.
"""

from __future__ import annotations

__all__ = ["Band", "Box", "Cut", "Line", "Mark", "Picture", "Stretch", "Tick", "arrange"]

from dataclasses import dataclass, field

from .faces import ERROR, Face, face
from .record import Kind, Recording, Row, Signal

WIDTH = 760.0
MARGIN = 16.0
"""Of a box."""
LEFT = 116.0
"""Where the time begins."""
RIGHT = 34.0
"""What is free behind the last signal, for the tip of the arrow."""
RADIUS = 13.0
LETTER = 7.5
"""How wide a letter is, at the size that it has in marbles and labels."""
CODE_LETTER = 7.8
STATUS = 6.5
"""Half the width of a status."""
PITCH = 42.0
LINE_OF_CODE = 19.0

_HALF = {Kind.SUBSCRIBE: 3.0, Kind.COMPLETED: 1.5, Kind.ERROR: 6.5, Kind.DISPOSE: 8.0}
_GAP = 2.5
_PAUSE = 4.0
"""Between two subscriptions on one line."""
_LATE = 13.0
"""How much further right a subscription may stand so that it needs no line of its own."""
_PADDING = 8.0
_STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_TICKS_APART = 56.0
_HUES = 7
BAD, GREY = -1, -2
"""The colours of an error, and of what is nothing that the app has made."""


@dataclass(slots=True)
class Mark:
    """A signal in its place."""

    kind: Kind
    at: float
    x: float
    half: float
    """Half its width."""
    face: Face = field(default_factory=lambda: Face(()))
    hues: tuple[int, ...] = ()
    """The colour of each part of the face: a number from 0, `BAD` or `GREY`."""
    note: str = ""
    """What an error is called, or the input of a call that begins."""
    owner: str = ""
    """The input of the call that it is a signal of."""


@dataclass(slots=True)
class Stretch:
    """How long a subscription lasted."""

    begin: float
    end: float


@dataclass(slots=True)
class Line:
    """A time line."""

    y: float = 0.0
    marks: list[Mark] = field(default_factory=list[Mark])
    stretches: list[Stretch] = field(default_factory=list[Stretch])

    @property
    def right(self) -> float:
        """Where there is room again."""
        return self.marks[-1].x + self.marks[-1].half if self.marks else 0.0


@dataclass(slots=True)
class Box:
    """What makes the stream below it of those above it."""

    y: float
    height: float
    code: tuple[str, ...]


@dataclass(slots=True)
class Band:
    """All lines of one name."""

    name: str
    lines: list[Line]
    box: Box | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a subscription was disposed of: a line from there to what did it."""

    x: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the scale."""

    x: float
    text: str


@dataclass(slots=True)
class Picture:
    """Everything to draw."""

    bands: list[Band]
    cuts: list[Cut]
    ticks: list[Tick]
    axis: float
    width: float
    height: float


def arrange(recording: Recording) -> Picture:
    """Return the picture of a recording, as long as fits the width.

    Raises:
        ValueError: There are more signals on a line than fit beside each other.
    """
    last = max(
        signal.at for row in recording.rows for voice in row.voices for signal in voice.signals
    )
    scale = (WIDTH - RIGHT - LEFT) / max(last, 0.01)
    while True:
        bands = _placed(recording.rows, scale)
        # Not the centre: the last one is to fit with its whole width.
        end = max(line.right for band in bands for line in band.lines)
        if end <= WIDTH - RIGHT + 2:
            break
        scale *= 0.98
        if scale * last < 1:
            raise ValueError("there are too many signals for a picture")
    _colour(recording.rows, bands)
    axis = _stack(bands) + 4
    return Picture(bands, _cuts(bands), _ticks(last, scale), axis, WIDTH, axis + 32)


def _placed(rows: list[Row], scale: float) -> list[Band]:
    bands = [
        Band(row.name + "()" * row.calls, [], Box(0, 0, row.code) if row.code else None)
        for row in rows
    ]
    events = sorted(
        (
            (signal.at, band, voice, signal)
            for row, band in zip(rows, bands, strict=True)
            for voice in row.voices
            for signal in voice.signals
        ),
        key=lambda event: event[0],
    )
    reached = 0.0
    under_way: dict[int, Line] = {}
    for at, band, voice, signal in events:
        mark = _mark(signal)
        if voice.input is not None:
            mark.owner = face(voice.input).parts[0]
        least = max(LEFT + at * scale, reached)
        if signal.kind is Kind.SUBSCRIBE:
            busy = [id(line) for line in under_way.values()]
            free = [each for each in band.lines if id(each) not in busy]
            line = next((each for each in free if each.right <= least + _LATE - _PAUSE), None)
            if line is None:
                line = Line()
                band.lines.append(line)
            under_way[id(voice)] = line
            mark.x = max(least, line.right + _PAUSE) if line.marks else least
            mark.note = mark.owner
            line.stretches.append(Stretch(mark.x, mark.x))
        else:
            line = under_way[id(voice)]
            gap = 0.0 if mark.face.status and line.marks[-1].face.status else _GAP
            mark.x = max(least, line.right + gap + mark.half)
            line.stretches[-1].end = mark.x
        line.marks.append(mark)
        if band.box is None:
            reached = mark.x
        if voice.over and signal is voice.signals[-1]:
            del under_way[id(voice)]
    return bands


def _mark(signal: Signal) -> Mark:
    if signal.kind is not Kind.NEXT:
        failed = signal.kind is Kind.ERROR
        note = type(signal.value).__name__ if failed else ""
        return Mark(signal.kind, signal.at, 0.0, _HALF[signal.kind], note=note)
    seen = face(signal.value)
    if seen.status:
        return Mark(signal.kind, signal.at, 0.0, STATUS, seen)
    letters = sum(map(len, seen.parts)) + len(seen.parts) - 1
    half = RADIUS if letters <= 2 else letters * LETTER / 2 + 7
    return Mark(signal.kind, signal.at, 0.0, half, seen)


# ---- colours


def _colour(rows: list[Row], bands: list[Band]) -> None:
    """Give a source a colour, a call that of its input, and a value that of where it is from."""
    by_input = {text: n for n, text in enumerate(_inputs(rows))}
    sources: list[tuple[float, str, int]] = []
    fresh = len(by_input)
    for row, band in zip(rows, bands, strict=True):
        if row.code:
            continue
        for mark in _marks(band):
            own = by_input.get(mark.owner, fresh)
            parts = mark.face.parts
            mark.hues = tuple(own if row.calls else by_input.get(part, own) for part in parts)
            sources += [(mark.at, part, hue) for part, hue in zip(parts, mark.hues, strict=True)]
        fresh += not row.calls
    for row, band in zip(rows, bands, strict=True):
        for mark in _marks(band):
            if row.code:
                mark.hues = tuple(_hue(part, mark.at, sources) for part in mark.face.parts)
            mark.hues = tuple(
                GREY if mark.face.plain else BAD if part == ERROR else hue % _HUES
                for part, hue in zip(mark.face.parts, mark.hues, strict=True)
            )


def _marks(band: Band) -> list[Mark]:
    return [mark for line in band.lines for mark in line.marks]


def _inputs(rows: list[Row]) -> list[str]:
    """Return the inputs of calls, and what stands beside them in a stream, in their order."""
    called = [face(voice.input).parts[0] for row in rows if row.calls for voice in row.voices]
    said: list[str] = []
    for row in rows:
        if not row.code and not row.calls:
            values = [
                part
                for voice in row.voices
                for signal in voice.signals
                if signal.kind is Kind.NEXT
                for part in face(signal.value).parts
            ]
            said += values if set(values) & set(called) else []
    return list(dict.fromkeys([*said, *called]))


def _hue(text: str, at: float, sources: list[tuple[float, str, int]]) -> int:
    before = [source for source in sources if source[0] <= at]
    same = [source for source in before if source[1] == text]
    _, _, hue = max(same or before, default=(0.0, "", 0), key=lambda source: source[0])
    return hue


# ---- what is where


def _stack(bands: list[Band]) -> float:
    """Put the bands below one another; returns where the last one ends."""
    y = 10.0
    for band in bands:
        if band.box is not None:
            band.box.y = y + 2
            band.box.height = len(band.box.code) * LINE_OF_CODE + 2 * _PADDING
            y += band.box.height + 5
        for line in band.lines:
            line.y = y + PITCH / 2 + 4
            y += PITCH
        y += 6
    return y


def _cuts(bands: list[Band]) -> list[Cut]:
    cuts: list[Cut] = []
    for n, band in enumerate(bands):
        for line in band.lines:
            below = next((each for each in bands[n + 1 :] if each.box and each.lines), None)
            bottom = below.lines[0].y if below else line.y + PITCH / 2
            cuts += [
                Cut(mark.x, line.y, bottom) for mark in line.marks if mark.kind is Kind.DISPOSE
            ]
    return cuts


def _ticks(last: float, scale: float) -> list[Tick]:
    step = next((each for each in _STEPS if each * scale >= _TICKS_APART), _STEPS[-1])
    count = int(last / step + 1e-9) + 1
    times = [n * step for n in range(count) if LEFT + n * step * scale <= WIDTH - RIGHT]
    return [Tick(LEFT + time * scale, f"{time:.3g}") for time in times]
