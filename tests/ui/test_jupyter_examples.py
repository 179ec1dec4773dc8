"""The notebook of the examples runs in JupyterLab, and looks as it should.

With the name of a folder in RXGRADIO_PICTURES, the picture of docs/ui.md is left there.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.ui.conftest import need
from tests.ui.lab import jupyter_lab
from tests.ui.summary import DONE, HALF, READING, Summary

NOTEBOOK = Path(__file__).parents[2] / "examples" / "ui" / "a_job_in_jupyter.ipynb"


def shown(said: str, text: str, outputs: list[str], value: str) -> bool:
    """Return whether the job's bar, the widgets and `show` all say so."""
    last_line, widgets, shows = outputs[1:]
    return (
        said in last_line
        and text.strip() in last_line
        and said in widgets
        and value == text
        and said in shows
    )


@pytest.mark.timeout(240)  # JupyterLab takes seconds to start, and more on a busy machine
def test_a_job_in_jupyter(browser: Any, tmp_path: Path) -> None:
    need(find_spec("jupyterlab") and find_spec("ipywidgets"), "jupyterlab or ipywidgets")
    picture = Path(os.environ.get("RXGRADIO_PICTURES") or tmp_path) / "a_job_in_jupyter.png"
    with Summary() as server, jupyter_lab(browser, NOTEBOOK, GRADIO_APP=server.url) as page:

        def says(said: str, text: str) -> None:
            value = "return document.querySelector('.widget-textarea textarea')?.value"
            page.until(lambda: shown(said, text, page.outputs(), page.script(value)))

        page.do("notebook:run-all-cells")
        says(READING, HALF)  # though a cell runs
        page.until(lambda: "done: " in page.outputs()[3])
        page.picture(picture)

        page.do("notebook:interrupt-kernel")
        page.until(lambda: "KeyboardInterrupt" in page.outputs()[3])
        page.click(".widget-button")
        page.until(lambda: all("cancelled" in output for output in page.outputs()[1:3]))

        server.go_on()
        page.do("notebook:run-all-cells")
        says("done", DONE)
        page.until(lambda: page.outputs()[3].count("done: ") == 2)
        assert "Error" not in page.text()
    assert server.ledger.count("finished") == 3
    with Image.open(picture) as image:
        colours = image.convert("RGB").getcolors(1 << 20)
        assert image.height > 700
    assert colours is not None
    assert len(colours) > 100
