"""Streams and user interfaces: calls shown by widgets, and what users do as streams.

    from rxgradio.ui import bind, changes, show

    job = client.submit("a cat", api_name="/generate")
    bind(job, status=label, progress=bar, output=text, cancel=button)

    show(job)  # on the terminal

Widgets may be of Tk, Qt (PySide6, PyQt6), Textual, NiceGUI, Panel, Shiny or ipywidgets, bars
of tqdm or what rich draws; `register` adds a toolkit. None is imported by this, and what binds
to one when its first widget is seen. `rxgradio.ui.gradio` has `handler`, for pages of Gradio.
"""

from __future__ import annotations

__all__ = [
    "Binding",
    "Toolkit",
    "View",
    "Watch",
    "bind",
    "changes",
    "observe_on",
    "register",
    "scheduler",
    "show",
    "view",
]

from .bind import bind
from .binding import Binding
from .changes import changes
from .hop import observe_on, scheduler
from .show import show
from .toolkit import Toolkit, register
from .views import View, view
from .watch import Watch
