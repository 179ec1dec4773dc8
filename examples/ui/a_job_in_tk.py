"""A call in a window of Tk: its status, a bar, what it writes, and a button that cancels it."""

import sys
import tkinter as tk
from tkinter import ttk

from rxgradio import Client
from rxgradio.ui import bind

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

root = tk.Tk()
root.title("Summary")
style = ttk.Style(root)
style.theme_use("clam")
style.configure(".", background="white", foreground="#5f6b7a", font="TkTextFont 12")
style.configure("TProgressbar", background="#f97316", troughcolor="#eef1f5", bordercolor="white")
style.configure("TButton", padding=(16, 6), background="#eef1f5", bordercolor="#c5ccd6")
window = ttk.Frame(root, padding=24)
status = ttk.Label(window)
bar = ttk.Progressbar(window, length=560)
text = tk.Text(window, width=52, height=7, font="TkTextFont 13", relief="flat", wrap="word")
text.configure(padx=14, pady=12, background="#f5f7fa", foreground="#1c2430", state="disabled")
cancel = ttk.Button(window, text="Cancel")
window.pack(fill="both", expand=True)
status.pack(fill="x")
bar.pack(fill="x", pady=(10, 16))
text.pack(fill="both", expand=True)
cancel.pack(anchor="e", pady=(16, 0))

with Client(ADDRESS) as client:
    job = client.submit(5, api_name="/summarise")
    bind(job, status=status, progress=bar, output=text, cancel=cancel)
    root.mainloop()
