"""Several endpoints at once in a Textual app: a bar for each, and a log of what comes first."""

import sys

from reactivex import operators as ops
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Footer, Label, Log, ProgressBar

from rxgradio import Client, fanin
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
CALLS = {"/render": (20,), "/count": (40,), "/scan": (1,), "/divide": (12, 0)}


class Dashboard(App[None]):
    BINDINGS = (("c", "cancel", "Cancel all"), ("q", "quit", "Quit"))
    CSS = """Screen { padding: 1 3; } Log { padding: 1 3; margin-bottom: 1; scrollbar-size: 0 0; }
    Horizontal { height: 2; } Label:first-child { width: 12; } Label:last-child { margin-left: 2; }
    .bar--bar, .bar--indeterminate { background: $panel-lighten-2; }"""

    def compose(self) -> ComposeResult:
        for name, job in jobs.items():
            yield Horizontal(Label(name), bar := ProgressBar(show_eta=False), status := Label())
            bind(job, status=status, progress=bar)
        yield (log := Log())
        yield Footer()
        said = fanin.merge({n: job.updates.outputs() for n, job in jobs.items()}, on_error="keep")
        lines = said.pipe(ops.map(lambda each: f"{each.label:12}{each.error or each.value}"))
        bind(lines, log, every=True)

    def action_cancel(self) -> None:
        for job in jobs.values():
            job.cancel()


with Client(ADDRESS) as client:
    jobs = {name: client.submit(*inputs, api_name=name) for name, inputs in CALLS.items()}
    Dashboard().run()
