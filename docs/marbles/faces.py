"""What stands in a marble: a few letters for each kind of value that streams emit."""

from __future__ import annotations

__all__ = ["Face", "face"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rxgradio import OutputUpdate, Status, StatusUpdate
from rxgradio.bulk import MapResult
from rxgradio.fanin import Labelled, Result
from rxgradio.operators import CircuitState, LogMessage, Snapshot, Timings

ERROR = "#"
_LONGEST = 24
_LETTERS = {
    Status.STARTING: "S",
    Status.JOINING_QUEUE: "J",
    Status.QUEUE_FULL: "X",
    Status.IN_QUEUE: "Q",
    Status.SENDING_DATA: "D",
    Status.PROCESSING: "P",
    Status.PROGRESS: "%",
    Status.ITERATING: "I",
    Status.FINISHED: "F",
    Status.CANCELLED: "C",
    Status.LOG: "L",
}
_MARKS = {"queued": "q", "started": "s", "first_output": "f", "done": "d"}


@dataclass(frozen=True, slots=True)
class Face:
    """How a value is shown: in one part, or in several if it was made of several."""

    parts: tuple[str, ...]
    status: bool = False
    """Whether it is a `StatusUpdate`, and drawn small."""
    plain: bool = False
    """Whether it is nothing that the app has made, and has no colour."""


def face(value: Any) -> Face:
    """Return what stands in the marble of a value."""
    match value:
        case StatusUpdate():
            return Face((_LETTERS[value.code],), status=True, plain=True)
        case Timings() | CircuitState():
            return Face((_text(value),), plain=True)
        case Mapping():
            items = value.values()  # pyright: ignore[reportUnknownVariableType] (of anything)
            return Face(tuple(map(_text, items)))  # pyright: ignore[reportUnknownArgumentType] (as above)
        case list():
            return Face(tuple(map(_text, cast("Sequence[Any]", value))))
        case _:
            return Face((_text(value),))


def _text(value: Any) -> str:
    match value:
        case Exception():
            text = ERROR
        case Labelled():
            text = _text(value.error or value.value)  # pyright: ignore[reportUnknownMemberType] (as above)
        case Result():
            text = _text(value.error or value.value)
        case MapResult():
            text = _text(value.error or value.output)
        case OutputUpdate(outputs=inner, final=final):
            text = _text(inner) + "'" * final
        case LogMessage(text=said):
            text = said
        case Timings():
            marks = _MARKS.items()
            text = "".join(mark for name, mark in marks if getattr(value, name) is not None)
        case Snapshot():
            text = _view(value)
        case float():
            text = f"{value:.3g}"
        case _:
            text = str(value)
    # What cannot be seen may not be in XML either.
    text = "".join(letter if letter.isprintable() else "·" for letter in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _view(view: Snapshot) -> str:
    if view.error is not None:
        return ERROR
    if view.output is not None:
        return _text(view.output) + ("'" if view.done else "")
    return _LETTERS[view.phase] if view.fraction is None else f"{view.fraction:.0%}"
