"""A call in a page of Panel: its status, a bar, the growing text, and a button that cancels it."""

import sys

import panel as pn

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 5006

client = Client(ADDRESS)
plain = ["pre { font: inherit; white-space: pre-line; line-height: 1.6 }"]


def page() -> pn.Card:
    wide = {"sizing_mode": "stretch_width", "margin": (10, 20)}
    title = pn.pane.Markdown("## Summary", margin=(8, 20, 0, 20))
    status = pn.pane.Str(styles={"font-size": "16px"}, stylesheets=plain, **wide)
    bar = pn.indicators.Progress(bar_color="primary", height=14, **wide)
    text = pn.pane.Str(styles={"font-size": "16px"}, stylesheets=plain, height=132, **wide)
    cancel = pn.widgets.Button(label="Cancel", button_type="primary", margin=(8, 20, 20, 20))

    job = client.submit(5, api_name="/summarise")
    bind(job, status=status, progress=bar, output=text, cancel=cancel)
    return pn.Card(
        *(title, status, bar, text, cancel),
        hide_header=True,
        margin=24,
        sizing_mode="stretch_width",
    )


pn.serve(page, port=PORT, address="127.0.0.1", websocket_origin=f"127.0.0.1:{PORT}", show=False)
