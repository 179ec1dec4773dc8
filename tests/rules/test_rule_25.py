"""25. Each rule has its tests, named after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("number", range(1, 26))
def test_rule_25_every_rule_has_tests_of_its_name(number: int) -> None:
    text = (HERE / f"test_rule_{number:02}.py").read_text("utf-8")
    assert re.match(rf'"""(?:Rule )?{number}\b', text), "it says which rule it shows"
    assert f"def test_rule_{number:02}_" in text
