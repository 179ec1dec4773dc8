"""The pictures of docs/marbles.md can be drawn anew, and show what they showed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from docs.marbles.__main__ import main
from docs.marbles.chapter import CHAPTER, HERE, plates
from tests.live.servers.install import environment

DESC = "{http://www.w3.org/2000/svg}desc"

RESULTS = {
    "outputs": [["a", "ab", "abc"], ["a", "b", "c"], ["abc"]],
    "snapshots": [
        ["0", "0.333", "0.667"],
        ["saved"],
        ["S", "J", "Q", "P", "0%", "33%", "67%", "67%", "png'"],
        ["q", "qs", "qsf", "qsfd"],
    ],
    "map": [["A", "B", "#", "D", "E"]],
    "latest": [["a1", "a2", "b1", "b2", "c1", "c2", "c3"]],
    "exhaust": [["a1", "a2", "a3", "c1", "c2", "c3"]],
    "concat": [["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]],
    "merge": [["a", "x", "ab", "xy", "xyz"]],
    "combine_latest": [["a x", "ab x", "ab xy", "ab xyz"]],
    "zip": [["a x", "ab xy"]],
    "gather": [["ab #"]],
    "race": [["x", "xy", "xyz"]],
    "hedge": [["x", "xy", "xyz"]],
    "fail_over": [["B"]],
    "balance": [["B", "C", "D", "A", "E"]],
    "retry": [["A"]],
    "timeout": [["a"]],
    "deadline": [["a", "ab", "abc"]],
    "rate_limit": [["a", "b", "c", "d", "e"]],
    "bulkhead": [["A", "B", "C"]],
    "circuit_breaker": [
        ["#", "#", "#", "#", "#", "B"],
        ["closed", "open", "half_open", "closed"],
    ],
    "share_in_flight": [["a", "ab", "abc"], ["a", "ab", "abc"]],
    "cached": [["a", "ab", "abc"], ["a", "ab", "abc"]],
    "on_slow": [["1", "2", "3", "4", "5"], ["1", "3", "5"], ["1", "2", "4", "5"]],
}
"""What the lines below the boxes say."""

CANCELLED = {"latest": 2, "zip": 1, "race": 1, "hedge": 1, "timeout": 1, "deadline": 1}
FAILED = {
    "map": 1,
    "gather": 1,
    "fail_over": 1,
    "retry": 2,
    "timeout": 1,
    "deadline": 1,
    "circuit_breaker": 2,
}
BEGUN = {
    **dict.fromkeys(RESULTS, 1),
    **dict.fromkeys(("merge", "combine_latest", "zip", "gather", "race", "hedge", "fail_over"), 2),
    "map": 5,
    "latest": 3,
    "exhaust": 2,
    "concat": 3,
    "balance": 5,
    "retry": 3,
    "bulkhead": 3,
    "circuit_breaker": 3,
}
"""Subscriptions above the first box: of calls, or of what makes them."""

WORD = re.compile(r"(?:^|, )(.+?) at \d+\.\d\d s")
NO_VALUE = ("subscribed to", "completed", "failed with", "disposed of")


def shown(picture: Path) -> tuple[list[list[str]], int, int, int]:
    """Return the values on each line below a box; how many were cancelled, failed, and begun."""
    desc = ET.fromstring(picture.read_text("utf-8")).findtext(DESC) or ""
    above, _, below = desc.partition("By ")
    lines = [line.partition(": ")[2] for line in below.splitlines() if line.endswith(" s.")]
    values = [
        [each for each in WORD.findall(line) if not each.startswith(NO_VALUE)] for line in lines
    ]
    calls = [line for line in above.splitlines() if not line.startswith(("typed", "ticks"))]
    begun = sum(line.count("subscribed to") for line in calls)
    return values, desc.count("disposed of"), desc.count("failed with"), begun


def wanted(name: str) -> tuple[list[list[str]], int, int, int]:
    return RESULTS[name], CANCELLED.get(name, 0), FAILED.get(name, 0), BEGUN[name]


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_of_the_chapter_shows_what_is_to_be_seen(name: str) -> None:
    assert shown(HERE / f"{name}.svg") == wanted(name)


# It takes as long as what it shows, which is 45 s in all; and it is none of the live tests,
# which are one group, to run beside them.
@pytest.mark.timeout(600)
def test_the_script_draws_all_pictures_anew(tmp_path: Path) -> None:
    command = ["--python", str(environment("6.31.0")), "--to", str(tmp_path)]
    assert main(command) == 0
    names = {plate.name for plate in plates(CHAPTER.read_text("utf-8"))} - {None}
    assert {path.stem for path in tmp_path.glob("*.svg")} == names == RESULTS.keys()
    # They are about what comes first, which a busy machine may turn round by a pause of 0.1 s.
    others = list(RESULTS)
    for _ in range(4):
        others = [name for name in others if shown(tmp_path / f"{name}.svg") != wanted(name)]
        if not others:
            break
        assert main([*command, *others]) == 0
    for name in others:
        assert shown(tmp_path / f"{name}.svg") == wanted(name), name
