"""Each example runs, and prints what it is there to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED = {
    "print_tokens": ["A text that grows by", "... generator closed"],
    "watch_queue": ["page 2: 0 ahead of it", "page 2: processing", "page 1: finished"],
    "fan_in": [
        "| write: 's'... |",
        "reverse: 'desserts' | write: 'stressed' | divide: failed: cannot divide by zero\n",
    ],
    "best_of_two": [
        "the second was quicker: a long story\n12 / 0 = cannot divide by zero; in flight now: [",
        "12 / 5 = 2.4; in flight now: [0, 0]\n",
    ],
    "two_apps": [
        " ti saw\no rac a ti saw\ntac a ro rac a ti saw\nnumbered.txt is still with http://",
        "\n1 1 a car\n2 2 a cat\n",
    ],
    "batch": ["12 / 0 = cannot divide by zero\n12 / 1 = 12.0\n12 / 2 = 6.0", "12 / 6 = 2.0"],
    "type_ahead": [
        "search for 'reactive'\na\nab\n",
        "\nsearch for 'reactive snow'\na\nab\n",
        "\nabout reactive snow: ...\n",
    ],
    "caption_folder": [
        "0 of 12 have a caption\n",
        "] 5/12, 0 failed\n5 of 12 have a caption\n",
        "[####################] 7/7, 0 failed\npicture 11.txt: 1 a cat, 11 times\n",
    ],
    "survive": ["written: hello", "too slow; until then: ['a "],
    "dropped_stream": [
        f"Gradio {version}: You said [the connection was lost]"
        for version in ("3.50.2", "4.8.0", "4.44.1", "6.31.0")
    ],
    "with_asyncio": ["desserts\none \none two", "cancelled after some numbers"],
}


def test_every_example_is_tried() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_prints_what_it_shows(name: str, demo_app: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", demo_app],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in PRINTED[name]:
        assert text in done.stdout
