"""What a run found: the median of each metric, the ratios, and the table that shows them."""

from __future__ import annotations

__all__ = ["Run", "Summary", "show"]

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from .clients import CLIENTS
from .scenarios import SCENARIOS, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEADINGS = ("scenario", "metric", *(it.label for it in CLIENTS.values()), "rx/gc", "rx/min")


@dataclass(frozen=True, slots=True)
class Run:
    """One repetition: its metrics, or why there are none."""

    client: str
    scenario: str
    size: int
    repetition: int
    metrics: Mapping[str, float]
    failed: str | None = None


class Summary:
    """All repetitions of one scenario by one client."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    def value(self, metric: Metric) -> float | None:
        """Give the median, or the worst of a count of mistakes; nothing if all runs failed."""
        values = [run.metrics[metric.name] for run in self._runs if run.failed is None]
        if not values:
            return None
        return max(values) if metric.counts_mistakes else median(values)

    def text(self, metric: Metric) -> str:
        """Give what the table shows, with what went wrong."""
        failures = [run.failed for run in self._runs if run.failed is not None]
        value = self.value(metric)
        if value is None:
            return _short(f"failed: {failures[0]}") if failures else "-"
        some_failed = f" ({len(failures)} of {len(self._runs)} failed)" if failures else ""
        return _number(value) + some_failed


def show(runs: Iterable[Run]) -> None:
    """Print the table, and what failed."""
    runs = list(runs)
    _show_table(list(_rows(runs)))
    for failure in _failures(runs):
        print(failure)


def _show_table(rows: list[tuple[str, ...]]) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        _show_plainly(rows)
        return
    table = Table(*_HEADINGS)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in rows:
        if row[0]:
            table.add_section()
        # As `Text`, or a message such as "[Errno 111]" would be taken for markup.
        table.add_row(*map(Text, row))
    console = Console()
    # Into a file a table may be as wide as it wants.
    console = console if console.is_terminal else Console(width=160)
    console.print(table)


def _show_plainly(rows: list[tuple[str, ...]]) -> None:
    lines = [_HEADINGS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _rows(runs: list[Run]) -> Iterable[tuple[str, ...]]:
    for scenario in SCENARIOS.values():
        of_scenario = [run for run in runs if run.scenario == scenario.name]
        if not of_scenario:
            continue
        title = scenario.title.format(size=f"{of_scenario[0].size:,}")
        summaries = {
            name: Summary(run for run in of_scenario if run.client == name) for name in CLIENTS
        }
        for metric in scenario.metrics:
            rx, gc, least = (summaries[name].value(metric) for name in CLIENTS)
            yield (
                title,
                metric.label,
                *(summary.text(metric) for summary in summaries.values()),
                _ratio(metric, rx, gc),
                _ratio(metric, rx, least),
            )
            title = ""


def _short(text: str) -> str:
    """Make it fit into a cell; the whole text is told below the table."""
    return text if len(text) <= 28 else text[:27] + "…"


def _failures(runs: list[Run]) -> Iterable[str]:
    """Tell each failure once, with the scenarios that it spoilt."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for run in runs:
        if run.failed is not None:
            found.setdefault((run.client, run.failed), {})[run.scenario] = None
    for (client, failed), scenarios in found.items():
        yield f"{CLIENTS[client].label} failed in {', '.join(scenarios)}: {failed}"


def _ratio(metric: Metric, value: float | None, other: float | None) -> str:
    # Below a tenth of a unit (a megabyte, a millisecond) a ratio would compare noise.
    if metric.counts_mistakes or value is None or other is None or abs(other) < 0.1:
        return "-"
    return f"{_number(value / other)}x"


def _number(value: float) -> str:
    """Write three digits that matter."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.3f}"
