"""The table of servers notices when it is not true any more, and can be rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.app import VERSIONS as IN_MEMORY
from tests.live.servers.install import VERSIONS
from tests.live.table import FEATURES, PAGE, Table

OLD, NEW = VERSIONS[0], VERSIONS[-1]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "servers.md"
    page.write_text(f"# Before\n\n| | {OLD} |\n| --- | --- |\n| State | yes |\n\nAfter.\n", "utf-8")
    return page


def test_what_is_as_written_is_no_drift(page: Path) -> None:
    table = Table(page)
    assert table.drift() == []
    table.tell(OLD, "State", "yes")
    assert table.drift() == []


def test_what_is_otherwise_or_not_written_is_drift(page: Path) -> None:
    table = Table(page)
    table.tell(OLD, "State", "no")
    table.tell(NEW, "State", "yes")
    assert table.drift() == [
        f"State on {OLD}: the tests saw 'no', the page says 'yes'",
        f"State on {NEW}: the tests saw 'yes', the page says None",
    ]


def test_what_a_complete_run_has_not_told_is_drift(page: Path) -> None:
    assert Table(page).drift(complete=True) == [f"State on {OLD}: no test has told it"]


def test_rewriting_leaves_what_was_not_told_and_the_text_around_it(page: Path) -> None:
    table = Table(page)
    table.tell(NEW, "login", "yes")
    table.rewrite()
    assert table.drift() == []
    again = Table(page)
    again.tell(OLD, "State", "yes")
    assert again.drift() == []
    text = page.read_text("utf-8")
    assert text.startswith("# Before\n\n|")
    assert text.endswith("|\n\nAfter.\n")
    again.rewrite()
    assert page.read_text("utf-8") == text


def test_tests_must_not_contradict_each_other_nor_invent_rows(page: Path) -> None:
    table = Table(page)
    table.tell(OLD, "State", "yes")
    with pytest.raises(AssertionError, match=r"'yes' and 'no'"):
        table.tell(OLD, "State", "no")
    with pytest.raises(AssertionError, match="no row of the table"):
        table.tell(OLD, "Stat", "yes")


def test_the_page_has_every_row_and_every_release() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]
    assert cells[0] == ["", *VERSIONS]
    assert [row[0] for row in cells[2:]] == [*FEATURES]
    assert all(all(row[1:]) for row in cells[2:])


def test_the_contract_is_tested_in_memory_on_the_same_releases() -> None:
    assert IN_MEMORY == VERSIONS
