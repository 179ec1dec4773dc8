"""A call in a page of Shiny: its status, a bar, the growing text, and a button that cancels it."""

import sys

from shiny import App, Inputs, reactive, render, run_app, ui

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 8000

client = Client(ADDRESS)
page = ui.page_fluid(
    ui.card(
        ui.card_header("Summary"),
        ui.output_ui("summary"),
        ui.input_action_button("cancel", "Cancel", class_="btn-primary align-self-start"),
    ).add_class("m-4 shadow-sm"),
)


def server(input: Inputs) -> None:
    status, done, text = reactive.value(""), reactive.value(0.0), reactive.value("")
    job = client.submit(5, api_name="/summarise")
    bind(job, status=status, progress=done, output=text, cancel=input.cancel)

    @render.ui
    def summary() -> ui.TagList:
        bar = ui.div(class_="progress-bar", style=f"width: {done() or 0:.0%}")
        return ui.TagList(
            ui.p(status(), class_="text-secondary"),
            ui.div(bar, class_="progress mb-3"),
            ui.p(text(), style="white-space: pre-line; min-height: 8.5em"),
        )


run_app(App(page, server), port=PORT)
