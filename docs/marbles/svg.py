"""Writes a picture as SVG: text without scripts, fonts or links, the same each time.

It brings its own background, so that it can be read on any page, and takes the dark
colours where the reader's system does.
"""

from __future__ import annotations

__all__ = ["SPOKEN", "written"]

from xml.sax.saxutils import escape

from .layout import (
    BAD,
    CODE_LETTER,
    GREY,
    LEFT,
    LETTER,
    LINE_OF_CODE,
    MARGIN,
    RADIUS,
    RIGHT,
    STATUS,
    Box,
    Line,
    Mark,
    Picture,
)
from .record import Kind, Recording

SPOKEN = {
    Kind.SUBSCRIBE: "subscribed to",
    Kind.COMPLETED: "completed",
    Kind.ERROR: "failed with",
    Kind.DISPOSE: "disposed of",
}
"""How the description calls what is no value."""

# Fill, border and letters of a marble, on light and on dark.
_LIGHT = [
    ("#dbeafe", "#2563eb", "#1e3a8a"),
    ("#ffedd5", "#ea580c", "#7c2d12"),
    ("#dcfce7", "#16a34a", "#14532d"),
    ("#f3e8ff", "#9333ea", "#581c87"),
    ("#cffafe", "#0891b2", "#164e63"),
    ("#fef3c7", "#ca8a04", "#713f12"),
    ("#fce7f3", "#db2777", "#831843"),
]
_DARK = [
    ("#1e3a8a", "#60a5fa", "#dbeafe"),
    ("#7c2d12", "#fb923c", "#ffedd5"),
    ("#14532d", "#4ade80", "#dcfce7"),
    ("#581c87", "#c084fc", "#f3e8ff"),
    ("#164e63", "#22d3ee", "#cffafe"),
    ("#713f12", "#facc15", "#fef3c7"),
    ("#831843", "#f472b6", "#fce7f3"),
]
_ERROR_LIGHT = ("#fee2e2", "#dc2626", "#7f1d1d")
_ERROR_DARK = ("#7f1d1d", "#f87171", "#fee2e2")
_GREYS = {
    # Background, border, axis, line, letters, code, its box and its border.
    "light": ("#fff", "#d0d7de", "#d0d7de", "#57606a", "#57606a", "#1f2328", "#f6f8fa", "#8c959f"),
    "dark": (
        "#0d1117",
        "#30363d",
        "#30363d",
        "#9da7b1",
        "#9da7b1",
        "#e6edf3",
        "#161b22",
        "#6e7681",
    ),
}
_SCISSORS = (
    '<circle class="page" r="8.5"/><path d="M-6-4.6 5 3.6M-6 4.6 5-3.6"/>'
    '<circle cx="6.4" cy="4.4" r="2"/><circle cx="6.4" cy="-4.4" r="2"/>'
)


def written(recording: Recording, picture: Picture, title: str) -> str:
    """Return the SVG of a picture.

    Args:
        recording: What is in it: its code is kept with it, and told in words.
        picture: The places.
        title: What it shows, in a few words.
    """
    used = sorted({hue for line in _lines(picture) for mark in line.marks for hue in mark.hues})
    width, height = _n(picture.width), _n(picture.height)
    page = f'width="{_n(picture.width - 1)}" height="{_n(picture.height - 1)}"'
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc"',
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_told(picture))}</desc>',
        f"<metadata>{escape(recording.code)}</metadata>",
        f"<style>{_style(used)}</style>",
        f'<rect class="page" x=".5" y=".5" {page} rx="8"/>',
        *(
            f'<path class="cut" d="M{_n(cut.x)} {_n(cut.top + 9)}V{_n(cut.bottom)}"/>'
            for cut in picture.cuts
        ),
    ]
    for band in picture.bands:
        if band.box is not None:
            parts += _box(band.box, picture.width)
        parts += _label(band.name, band.lines)
        for line in band.lines:
            parts += _line(line, picture.width)
    parts += _axis(picture)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _lines(picture: Picture) -> list[Line]:
    return [line for band in picture.bands for line in band.lines]


def _told(picture: Picture) -> str:
    """Tell the picture to who does not see it."""
    lines: list[str] = []
    for band in picture.bands:
        if band.box is not None:
            lines += [f"By {'; '.join(band.box.code)}:"]
        for line in band.lines:
            said = [f"{_word(mark)} at {mark.at:.2f} s" for mark in line.marks]
            lines.append(f"{band.name}: {', '.join(said)}.")
    return "\n".join(lines)


def _word(mark: Mark) -> str:
    if mark.kind is Kind.NEXT:
        return " ".join(mark.face.parts)
    return f"{SPOKEN[mark.kind]} {mark.note}".strip()


# ---- the parts


def _label(name: str, lines: list[Line]) -> list[str]:
    if not lines:
        return []
    x, top, bottom = LEFT - 16, lines[0].y, lines[-1].y
    label = f'<text class="name" x="{_n(x)}" y="{_n((top + bottom) / 2 + 4)}">{escape(name)}</text>'
    if len(lines) == 1:
        return [label]
    brace = f"M{_n(x + 10)} {_n(top - 9)}h-4V{_n(bottom + 9)}h4"
    return [label, f'<path class="axis" d="{brace}"/>']


def _line(line: Line, width: float) -> list[str]:
    end, y = _n(width - 14), _n(line.y)
    parts = [f'<path class="axis" d="M{_n(LEFT)} {y}H{end}m-6-4 6 4-6 4"/>']
    parts += [
        f'<path class="line" d="M{_n(stretch.begin)} {y}H{_n(stretch.end)}"/>'
        for stretch in line.stretches
    ]
    return parts + [part for mark in line.marks for part in _mark(mark, line.y, width)]


def _mark(mark: Mark, at: float, width: float) -> list[str]:
    x, y = _n(mark.x), _n(at)
    match mark.kind:
        case Kind.SUBSCRIBE:
            dot = f'<circle class="begin" cx="{x}" cy="{y}" r="3"/>'
            if not mark.note:
                return [dot]
            # Beside the middle, where a cut may come from above.
            place = f'x="{_n(mark.x + 4)}" y="{_n(at + 18)}"'
            return [dot, f'<text class="input" {place}>{escape(mark.note)}</text>']
        case Kind.COMPLETED:
            return [f'<path class="done" d="M{x} {_n(at - 12)}v24"/>']
        case Kind.DISPOSE:
            return [f'<g class="left" transform="translate({x} {y})">{_SCISSORS}</g>']
        case Kind.ERROR:
            side, shift = ("why", -9.0) if mark.x > width / 2 else ("why right", 9.0)
            place = f'x="{_n(mark.x + shift)}" y="{_n(at - 15)}"'
            return [
                f'<path class="failed" d="M{_n(mark.x - 6)} {_n(at - 6)}l12 12m0-12-12 12"/>',
                f'<text class="{side}" {place}>{escape(mark.note)}</text>',
            ]
        case Kind.NEXT:
            return [_marble(mark, at)]


def _marble(mark: Mark, at: float) -> str:
    x, base = _n(mark.x), _n(at + 4)
    parts = mark.face.parts
    if mark.face.status:
        shape = _pill(mark.x, at, STATUS, STATUS, 3)
    elif mark.half == RADIUS:
        shape = f'<circle cx="{x}" cy="{_n(at)}" r="{_n(RADIUS)}"/>'
    else:
        shape = _pill(mark.x, at, mark.half, RADIUS, RADIUS)
    if len(parts) == 1:
        kind = "s" if mark.face.status else _hue(mark.hues[0])
        return f'<g class="v {kind}">{shape}<text x="{x}" y="{base}">{escape(parts[0])}</text></g>'
    left = mark.x - (sum(map(len, parts)) + len(parts) - 1) * LETTER / 2
    texts: list[str] = []
    for part, hue in zip(parts, mark.hues, strict=True):
        place = f'x="{_n(left + len(part) * LETTER / 2)}" y="{base}"'
        texts.append(f'<text class="{_hue(hue)}" {place}>{escape(part)}</text>')
        left += (len(part) + 1) * LETTER
    return f'<g class="v">{shape}{"".join(texts)}</g>'


def _pill(x: float, y: float, half: float, radius: float, corner: float) -> str:
    place = f'x="{_n(x - half)}" y="{_n(y - radius)}"'
    size = f'width="{_n(2 * half)}" height="{_n(2 * radius)}"'
    return f'<rect {place} {size} rx="{_n(corner)}"/>'


def _box(box: Box, width: float) -> list[str]:
    place = f'x="{_n(MARGIN)}" y="{_n(box.y)}"'
    size = f'width="{_n(width - 2 * MARGIN)}" height="{_n(box.height)}"'
    # Side by side, all lines begin where the widest does, which is in the middle.
    left = _n((width - max(map(len, box.code)) * CODE_LETTER) / 2)
    first = box.y + (box.height - len(box.code) * LINE_OF_CODE) / 2 + LINE_OF_CODE / 2 + 4.5
    heights = [_n(first + n * LINE_OF_CODE) for n in range(len(box.code))]
    return [
        f'<rect class="box" {place} {size} rx="6"/>',
        *(
            f'<text class="code" x="{left}" y="{y}">{escape(line)}</text>'
            for y, line in zip(heights, box.code, strict=True)
        ),
    ]


def _axis(picture: Picture) -> list[str]:
    y = picture.axis
    d = "".join(f"M{_n(tick.x)} {_n(y)}v6" for tick in picture.ticks)
    end = _n(picture.width - RIGHT)
    parts = [f'<path class="axis" d="M{_n(LEFT)} {_n(y)}H{end}{d}"/>']
    parts += [
        f'<text class="time" x="{_n(tick.x)}" y="{_n(y + 19)}">{tick.text}</text>'
        for tick in picture.ticks
    ]
    parts.append(f'<text class="time" x="{_n(picture.width - 18)}" y="{_n(y + 19)}">s</text>')
    return parts


# ---- the look


def _style(used: list[int]) -> str:
    common = (
        "text{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "text-anchor:middle}"
        ".name{font-size:12px;text-anchor:end}.code{font-size:13px;text-anchor:start}"
        ".s text{font-size:10.5px}.input{font-size:11px;text-anchor:start}"
        ".time,.why{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
        ".why{font-size:10.5px;text-anchor:end}.right{text-anchor:start}"
        "path{fill:none;stroke-linecap:round;stroke-linejoin:round}"
        ".line{stroke-width:1.8}.done{stroke-width:2.6}.failed{stroke-width:2.6}"
        ".cut{stroke-width:1.3;stroke-dasharray:.1 4.2}.v{stroke-width:1.6}"
        ".v text{stroke:none}.left{stroke-width:1.5;fill:none}.left .page{stroke:none}"
    )
    light = _colours(_GREYS["light"], _LIGHT, _ERROR_LIGHT, used, dark=False)
    dark = _colours(_GREYS["dark"], _DARK, _ERROR_DARK, used, dark=True)
    return f"{common}\n{light}\n@media(prefers-color-scheme:dark){{{dark}}}"


def _colours(
    greys: tuple[str, ...],
    hues: list[tuple[str, str, str]],
    error: tuple[str, str, str],
    used: list[int],
    *,
    dark: bool,
) -> str:
    page, edge, axis, line, letters, code, box, border = greys
    rules = [
        f".page{{fill:{page};stroke:{edge}}}.box{{fill:{box};stroke:{border}}}",
        f".axis{{stroke:{axis}}}.line,.done{{stroke:{line}}}.begin{{fill:{line}}}",
        f".name,.time,.input,.v text{{fill:{letters}}}.code{{fill:{code}}}",
        f".v{{fill:{page};stroke:{line}}}",
        f".failed,.left,.cut{{stroke:{error[1]}}}.why{{fill:{error[1]}}}",
    ]
    for hue in used:
        if hue == GREY:
            continue
        fill, edge, text = error if hue < 0 else hues[hue]
        name = _hue(hue)
        # Of several parts, the letters are on the page: those of dark marbles are all white.
        alone = edge if dark else text
        rules.append(f"g.{name}{{fill:{fill};stroke:{edge}}}.v.{name} text{{fill:{text}}}")
        rules.append(f".v text.{name}{{fill:{alone}}}")
    return "".join(rules)


def _hue(number: int) -> str:
    return {BAD: "bad", GREY: "grey"}.get(number, f"h{number}")


def _n(number: float) -> str:
    """Write a number as short as a tenth of a pixel allows."""
    return f"{number:.1f}".removesuffix(".0")
