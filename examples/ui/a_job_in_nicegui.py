"""A call on a NiceGUI page: its status, a bar, the text as it grows, and a button to cancel it."""

import sys

from nicegui import app, ui

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 8080

client = Client(ADDRESS)
app.on_shutdown(client.close)


def page() -> None:  # each visitor has a page, and a job
    job = client.submit(5, api_name="/summarise")
    ui.query("body").classes("bg-slate-100")
    with ui.card().classes("mx-auto mt-12 p-8 gap-5 w-[36rem] rounded-xl shadow-md"):
        with ui.row().classes("w-full items-center justify-between"):
            status = ui.label().classes("text-lg font-medium text-slate-800")
            cancel = ui.button("Cancel", color="negative").props("unelevated no-caps")
        bar = ui.linear_progress(show_value=False, size="8px").props("rounded animation-speed=200")
        text = ui.label().classes("w-full min-h-[10rem] p-5 rounded-lg bg-slate-50 text-slate-700")
        text.classes("whitespace-pre-line leading-7")
    bind(job, status=status, progress=bar, output=text, cancel=cancel)


ui.run(page, host="127.0.0.1", port=PORT, title="Summarise", show=False, reload=False)
