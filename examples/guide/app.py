"""The app that these scripts call: `python examples/guide/app.py PORT` serves it until Ctrl-C.

With a second argument it says READY, and ends when its standard input does: for tests.
`APP_AUTH=user:password` in the environment demands a login.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import gradio as gr


def calculate(num1, operation, num2=1):
    """Do one of four operations."""
    if operation == "add":
        return num1 + num2
    if operation == "subtract":
        return num1 - num2
    if operation == "multiply":
        return num1 * num2
    if num2 == 0:
        raise gr.Error("cannot divide by zero")
    return num1 / num2


def count(steps):
    for i in range(int(steps)):
        yield str(i)
        time.sleep(0.1)


def shout(document):
    made = Path(tempfile.mkdtemp()) / "shouted.txt"
    made.write_text(Path(document).read_text(encoding="utf-8").upper(), encoding="utf-8")
    return str(made), made.stat().st_size


def steps_of_work(n, progress=gr.Progress()):  # noqa: B008 (how Gradio is told to pass one)
    for _ in progress.tqdm(range(int(n)), desc="working"):
        time.sleep(0.1)
    return f"{int(n)} steps done"


def who(request: gr.Request):
    return f"{request.username or 'nobody'}, from {request.headers.get('x-team', 'no team')}"


with gr.Blocks() as app:
    operations = gr.Radio(["add", "subtract", "multiply", "divide"], label="operation")
    numbers = [gr.Number(label="num1"), operations, gr.Number(label="num2", value=1)]
    gr.Button("=").click(calculate, numbers, gr.Number(label="result"), api_name="calculate")
    n = gr.Number(label="n")
    gr.Button("Count").click(count, n, gr.Textbox(label="count"), api_name="count")
    gr.Button("Work").click(steps_of_work, n, gr.Textbox(label="done"), api_name="work")
    files = gr.File(label="document"), gr.File(label="shouted")
    size = gr.Number(label="size")
    gr.Button("Shout").click(shout, files[0], [files[1], size], api_name="shout")
    gr.Button("Who?").click(who, None, gr.Textbox(label="who"), api_name="who")

if __name__ == "__main__":
    login = os.environ.get("APP_AUTH")
    served_by_test = len(sys.argv) > 2
    app.launch(
        server_name="127.0.0.1",
        server_port=int(sys.argv[1]) if len(sys.argv) > 1 else 7860,
        auth=tuple(login.split(":", 1)) if login else None,
        prevent_thread_lock=served_by_test,
        quiet=served_by_test,
    )
    if served_by_test:
        print("READY", flush=True)
        sys.stdin.buffer.read()
        os._exit(0)
