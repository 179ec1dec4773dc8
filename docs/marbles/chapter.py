"""Reads docs/marbles.md, whose code is what is run: there is no other copy of it.

A block of Python with a picture behind it is the code of this picture. A block without
one makes the names that all later ones find.
"""

from __future__ import annotations

__all__ = ["ADDRESS", "CHAPTER", "HERE", "Plate", "draw", "plates", "recorded", "serving"]

import os
import re
import subprocess
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rxgradio import Client

from .layout import arrange
from .record import Recording, perform
from .svg import written

HERE = Path(__file__).parent
CHAPTER = HERE.parent / "marbles.md"
ADDRESS = "http://127.0.0.1:7860"
"""The app in the chapter, in whose place another may be called."""

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n!\[(?P<title>[^\]]*)\]\(marbles/(?P<name>[\w-]+)\.svg\))?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Plate:
    """A block of code, and what its picture is called; nothing if it has none."""

    code: str
    name: str | None
    title: str | None


def plates(chapter: str) -> list[Plate]:
    """Return the blocks of a chapter in their order."""
    return [
        Plate(found["code"], found["name"], found["title"]) for found in _BLOCK.finditer(chapter)
    ]


def recorded(url: str, names: Sequence[str] = ()) -> Iterator[tuple[Plate, Recording]]:
    """Run the chapter with an app, and yield what was recorded for each picture.

    Args:
        url: Where the app is.
        names: Of the pictures; by default all.
    """
    found: dict[str, Any] = {}
    try:
        for plate in plates(CHAPTER.read_text("utf-8")):
            code = plate.code.replace(ADDRESS, url)
            if plate.name is None:
                exec(compile(code, CHAPTER, "exec"), found)  # noqa: S102 (our own chapter)
            elif not names or plate.name in names:
                yield plate, perform(code, found)
    finally:
        for value in found.values():
            if isinstance(value, Client):
                value.close()


def draw(url: str, to: Path, names: Sequence[str] = ()) -> Iterator[Path]:
    """Write the pictures into a folder, and yield the path of each."""
    for plate, recording in recorded(url, names):
        path = to / f"{plate.name}.svg"
        path.write_text(written(recording, arrange(recording), plate.title or ""), "utf-8")
        yield path


@contextmanager
def serving(python: str) -> Generator[str]:
    """Run the app for as long as the context lasts; yields its address.

    Raises:
        RuntimeError: It did not start: its Python may have no Gradio.
    """
    process = subprocess.Popen(  # noqa: S603 (our own app)
        # -P, or the modules beside the script would hide others of their names.
        [python, "-P", str(HERE / "app.py"), "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
            # Gradio asks itself whether it has started, which is no matter for a proxy.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        },
    )
    with process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        try:
            match process.stdout.readline().split():
                case ["READY", url]:
                    yield url
                case _:
                    raise RuntimeError(f"the app did not start; has {python} Gradio?")
        finally:
            process.stdin.close()
