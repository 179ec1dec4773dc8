"""The table of `docs/servers.md`: what the live tests have seen, by feature and release.

A test that stands for a row *tells* what it has seen. At the end of a run that is compared
with the table, which is rewritten by

    python -m tests.live.table
"""

from __future__ import annotations

__all__ = ["Table", "table", "told"]

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.servers.install import VERSIONS
from tests.live.servers.run import Server

PAGE = Path(__file__).parents[2] / "docs" / "servers.md"

FEATURES = (
    "submit, predict",
    "arguments by name",
    "every output of a generator",
    "progress",
    "log messages",
    "the text of an error",
    "an error after some outputs",
    "State",
    "queue=False",
    "batch=True",
    "a full queue",
    "files up",
    "files down",
    "login",
    ".stream() events",
    "cancel: a call that waits",
    "cancel: a running generator",
    "cancel: a running function",
    "a connection that is lost",
)
"""The rows, in order."""

_REWRITE = "RXGRADIO_REWRITE_TABLE"


class Table:
    """What was told, and what the page says."""

    def __init__(self, page: Path = PAGE) -> None:
        self._page = page
        self._told: dict[tuple[str, str], str] = {}

    def tell(self, version: str, feature: str, outcome: str) -> None:
        """Take what a test has seen of a feature on a release, such as "yes" or "removed"."""
        assert feature in FEATURES, f"{feature!r} is no row of the table: add it to FEATURES"
        seen = self._told.setdefault((feature, version), outcome)
        assert seen == outcome, f"{feature} on {version}: {seen!r} and {outcome!r}"

    def drift(self, *, complete: bool = False) -> list[str]:
        """Return where the page says something else than the tests.

        If the run was complete, that is also what none of them has told.
        """
        written = self._read()
        untold = [key for key in written if key not in self._told] if complete else []
        return [f"{feature} on {version}: no test has told it" for feature, version in untold] + [
            f"{feature} on {version}: the tests saw {outcome!r}, "
            f"the page says {written.get((feature, version))!r}"
            for (feature, version), outcome in self._told.items()
            if written.get((feature, version)) != outcome
        ]

    def rewrite(self) -> None:
        """Put what was told into the page; what was not told stays as it is."""
        cells = {**self._read(), **self._told}
        rows = [["", *VERSIONS], ["---"] * (1 + len(VERSIONS))] + [
            [feature, *(cells.get((feature, version), "") for version in VERSIONS)]
            for feature in FEATURES
        ]
        lines = self._page.read_text("utf-8").splitlines()
        before = lines[: next(n for n, line in enumerate(lines) if line.startswith("|"))]
        after = lines[1 + max(n for n, line in enumerate(lines) if line.startswith("|")) :]
        table = ["|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in rows]
        self._page.write_text("\n".join([*before, *table, *after, ""]), "utf-8")

    def _read(self) -> dict[tuple[str, str], str]:
        lines = [line for line in self._page.read_text("utf-8").splitlines() if line[:1] == "|"]
        rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
        versions = rows[0][1:]
        return {
            (row[0], version): cell
            for row in rows[2:]
            for version, cell in zip(versions, row[1:], strict=True)
            if cell
        }


def _is_complete(session: pytest.Session) -> bool:
    """Whether a run was of all live tests, and all of them passed."""
    chosen = session.config.getoption("keyword") or session.config.getoption("markexpr")
    here = Path(__file__).parent
    whole = any(here.is_relative_to(Path(arg).absolute()) for arg in session.config.args)
    return whole and not chosen and not session.testsfailed


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Take what the tests tell, and compare it with the page at the end."""
    table = Table()
    yield table
    if os.environ.get(_REWRITE):
        table.rewrite()
    elif drift := table.drift(complete=_is_complete(request.session)):
        pytest.fail(
            "docs/servers.md is not what the servers do; to rewrite it, run "
            "`python -m tests.live.table`\n" + "\n".join(drift),
            pytrace=False,
        )


@pytest.fixture
def told(server: Server, table: Table) -> Callable[[str, str], None]:
    """Take what a test has seen of a feature on its server: `told("login", "yes")`."""
    return lambda feature, outcome: table.tell(server.version, feature, outcome)


def main() -> int:
    """Run the live tests and rewrite the page."""
    os.environ[_REWRITE] = "1"
    return pytest.main([str(Path(__file__).parent), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
