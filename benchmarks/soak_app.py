"""The app that a soak is made with; runs on every Gradio since 3.36.

It keeps count of how often each call was run, by the tag that the call is given, so that
what is run twice is found. Run as `python soak_app.py PORT`: it prints `READY`, and ends
with its stdin.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import gradio as gr

RUNS: Counter[str] = Counter()
LOCK = threading.Lock()


def run(tag):
    with LOCK:
        RUNS[tag] += 1


def echo(tag):
    run(tag)
    return tag


def words(tag, n, delay):
    run(tag)
    text = tag
    for number in range(int(n)):
        text += f" {number}"
        yield text
        time.sleep(delay)


def fail(tag):
    run(tag)
    raise gr.Error(f"no {tag}")


def size(tag, file):
    run(tag)
    return f"{tag} {Path(getattr(file, 'name', file)).stat().st_size}"


def runs():
    with LOCK:
        return json.dumps(RUNS)


def app():
    old = gr.__version__.startswith("3.")
    with gr.Blocks() as blocks:
        tag, out = gr.Textbox(label="tag"), gr.Textbox(label="out")
        n, delay, file = gr.Number(label="n"), gr.Number(label="delay"), gr.File(label="file")
        free = {} if old else {"concurrency_limit": None}
        for name, function, inputs in [
            ("echo", echo, [tag]),
            ("words", words, [tag, n, delay]),
            ("fail", fail, [tag]),
            ("size", size, [tag, file]),
        ]:
            gr.Button().click(function, inputs, out, api_name=name, **free)
        gr.Button().click(runs, [], out, api_name="runs", queue=False)
    return blocks.queue(concurrency_count=40) if old else blocks.queue()


if __name__ == "__main__":
    app().launch(
        server_name="127.0.0.1",
        server_port=int(sys.argv[1]),
        prevent_thread_lock=True,
        quiet=True,
    )
    print("READY", flush=True)
    sys.stdin.read()
    os._exit(0)
