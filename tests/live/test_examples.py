"""Each example runs, and prints what it is there to show."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED = {
    "print_tokens": ["A text that grows by", "... generator closed"],
    "tokens_to_file": ["writing to answer.txt\nanswer.txt has 142 characters\n"],
    "watch_queue": ["page 2: 0 ahead of it", "page 2: processing", "page 1: finished"],
    "fan_in": [
        "reverse: works | write: waits | divide: ",
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
        "search for 'reactive'\n\na\nab\n",
        "\nsearch for 'reactive snow'\n\na\nab\n",
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
    "with_fastapi": ["as long as anyb ... left\n"],
}


def test_every_example_is_tried() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_prints_what_it_shows(name: str, demo_app: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", demo_app],
        capture_output=True,
        cwd=tmp_path,
        text=True,  # and so a line that is written over the one before is a line here too
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in PRINTED[name]:
        assert text in done.stdout


def test_no_example_is_long() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) < 60, path.name


def begin_answer(demo_app: str, file: Path) -> subprocess.Popen[str]:
    """Return the example that writes into a file, when some of it is there."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", EXAMPLES / "tokens_to_file.py", demo_app, file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 30
    while not file.exists() or file.stat().st_size < 20:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


ANSWER = (
    "You said: What is a stream? A stream says one thing after another, and then that it is "
    "complete, or that it has failed: naïve waiting is over."
)


def test_an_answer_is_in_the_file_while_it_comes(demo_app: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    with begin_answer(demo_app, file) as process:
        # Part of it can be read before the rest has come, and the rest does come.
        early = file.read_text("utf-8")
        printed, _ = process.communicate(timeout=30)
    assert ANSWER.startswith(early)
    assert len(early) < len(ANSWER)
    assert file.read_text("utf-8") == f"{ANSWER}\n"
    assert printed.endswith("answer.txt has 142 characters\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_an_answer_that_is_interrupted_leaves_a_whole_file(demo_app: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    with begin_answer(demo_app, file) as process:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    text = file.read_text("utf-8")
    assert text.endswith("\n")
    assert ANSWER.startswith(text.removesuffix("\n"))
    assert 20 <= len(text) - 1 < len(ANSWER)
    assert "interrupted\n" in printed
    assert printed.endswith(f"answer.txt has {len(text) - 1} characters\n")
    assert process.returncode == 0
