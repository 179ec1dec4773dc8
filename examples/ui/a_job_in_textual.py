"""A call in a Textual app: its status, a bar, the text as it grows, and a button to cancel it."""

import sys

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Label, ProgressBar, TextArea

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


class Summary(App[None]):
    TITLE = "Summarise"
    CSS = """
    Screen { padding: 1 3; }
    Horizontal { height: 4; }
    Horizontal > Label { width: 1fr; padding: 1 0; text-style: bold; }
    Button { border: none; height: 3; }
    ProgressBar, Bar { width: 1fr; }
    .bar--bar { background: $panel-lighten-2; }
    TextArea, TextArea:focus { margin-top: 1; border: none; padding: 1 3; }
    """

    def compose(self) -> ComposeResult:
        status, bar, cancel = Label(), ProgressBar(show_eta=False), Button("Cancel", "error")
        text = TextArea(read_only=True, show_cursor=False)
        yield Horizontal(status, cancel)
        yield bar
        yield text
        job = client.submit(5, api_name="/summarise")
        bind(job, status=status, progress=bar, output=text, cancel=cancel)


with Client(ADDRESS) as client:
    Summary().run()
