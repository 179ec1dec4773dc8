"""A job of another app in a Gradio page: its status, a bar, its output, and a way to cancel it."""

import sys

import gradio as gr

from rxgradio import Client, Job
from rxgradio.ui.gradio import handler

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 7861

client = Client(ADDRESS)


def summarise() -> Job:
    return client.submit(5, api_name="/summarise")


run = handler(summarise, show=("status", "bar", "output", "busy", "cancel"))

with gr.Blocks(title="Summarise") as page:
    gr.Markdown("# Summarise\nFive pages, read by another app.")
    with gr.Row():
        start = gr.Button("Summarise", variant="primary")
        cancel = gr.Button("Cancel", interactive=False)
    status = gr.Textbox(label="Status")
    bar = gr.HTML()
    summary = gr.Textbox(label="Summary", lines=5)
    shown = [status, bar, summary, start, cancel]
    start.click(run, outputs=shown, show_progress="hidden", concurrency_limit=None)
    cancel.click(run.cancel)

page.launch(server_name="127.0.0.1", server_port=PORT)
