"""Search as one types, in Tk; what is typed over is cancelled on the server."""

import sys
import tkinter as tk
from tkinter import ttk

from reactivex import operators as ops

from rxgradio import Client
from rxgradio.ui import bind, changes, scheduler

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

root = tk.Tk()
root.title("Search as you type")
ttk.Style(root).theme_use("clam")
ttk.Style(root).configure(".", background="white", foreground="#5f6b7a", bordercolor="#c5ccd6")
window = ttk.Frame(root, padding=24)
entry = ttk.Entry(window, width=40, font="TkTextFont 14", foreground="#1c2430")
status = ttk.Label(window)
found = tk.Text(window, width=40, height=6, font="TkTextFont 13", relief="flat", wrap="word")
found.configure(padx=14, pady=12, background="#f3f5f8", foreground="#1c2430", state="disabled")
window.pack(fill="both", expand=True)
entry.pack(fill="x", ipady=6)
status.pack(fill="x", pady=10)
found.pack(fill="both", expand=True)
entry.focus()

with Client(ADDRESS) as client:
    search = client.endpoint("/write")  # writes what it finds a letter at a time
    answers = changes(entry).pipe(
        ops.debounce(0.25, scheduler=scheduler(entry)),
        ops.distinct_until_changed(),
        ops.map(lambda text: (f"About {text}: all that there is to say.", 1, 0.05)),
        search.latest(unpack=True, on_error="keep"),
    )
    bind(answers, status=status, output=found)
    root.mainloop()
