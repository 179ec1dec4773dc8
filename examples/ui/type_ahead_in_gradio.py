"""Search as one types, in a Gradio page; what is typed over is cancelled on the other server."""

import sys

import gradio as gr
from reactivex import Observable
from reactivex import operators as ops

from rxgradio import Client
from rxgradio.ui import View, view
from rxgradio.ui.gradio import handler

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 7861

client = Client(ADDRESS)


def search(text: str, calls: dict[str, int]) -> Observable[object]:
    def shown(now: View) -> object:
        calls["finished"] += not now.busy
        cancelled = calls["started"] - calls["finished"] - now.busy
        counted = f"{calls['started']} started, {cancelled} cancelled, {calls['finished']} finished"
        return now.status, now.output or gr.skip(), counted

    calls["started"] += 1
    call = client.observe(f"About {text}: all that there is to say.", 1, 0.05, api_name="/write")
    return call.pipe(view(), ops.map(shown))


with gr.Blocks(title="Search as you type") as page:
    calls = gr.State({"started": 0, "finished": 0})  # of each visitor
    text = gr.Textbox(label="Search as you type", autofocus=True)
    found = gr.Textbox(label="Found", lines=3)
    with gr.Row():
        status, counted = gr.Textbox(label="Status"), gr.Textbox(label="Calls")
    how = {"trigger_mode": "multiple", "concurrency_limit": None, "show_progress": "hidden"}
    text.input(handler(search), [text, calls], [status, found, counted], **how)

page.launch(server_name="127.0.0.1", server_port=PORT)
