"""Nothing is imported that is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import rxgradio", "rxgradio.ui"),
        (
            "from rxgradio.ui import *",
            (
                "tkinter PySide6 shiboken6 PyQt6 rich tqdm IPython traitlets ipywidgets textual "
                "nicegui gradio panel param bokeh shiny streamlit "
                "rxgradio.ui.tk rxgradio.ui.qt rxgradio.ui.jupyter rxgradio.ui.textual "
                "rxgradio.ui.nicegui rxgradio.ui.panel rxgradio.ui.shiny rxgradio.ui.gradio"
            ),
        ),
        ("import rxgradio.ui.jupyter", "IPython traitlets ipywidgets"),
        (
            "import traitlets; from rxgradio.ui import changes; changes(traitlets.HasTraits())",
            "IPython ipywidgets rxgradio.ui.jupyter",
        ),
        # Of what has parameters, Panel or not.
        ("import rxgradio.ui.panel", "panel param bokeh"),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code: str, unwanted: str) -> None:
    script = f"import sys; {code}; print(*[m for m in {unwanted.split()} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
