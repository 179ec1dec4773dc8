"""What docs/testing.md shows works, and it names everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rxgradio.testing

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
BLOCKS: list[str] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs(block: str) -> None:
    assert "assert" in block
    exec(compile(block, "docs/testing.md", "exec"), {"__name__": "page"})


def test_every_accident_is_named() -> None:
    accidents = [
        name
        for name in rxgradio.testing.__all__
        if isinstance(made := getattr(rxgradio.testing, name), type)
        and issubclass(made, rxgradio.testing.Toxic)
        and made is not rxgradio.testing.Toxic
    ]
    assert len(accidents) > 12
    assert [name for name in accidents if f"`{name}`" not in PAGE] == []
