"""JupyterLab, a process of its own with kernels of its own, and a notebook open in a browser."""

from __future__ import annotations

__all__ = ["LabPage", "jupyter_lab"]

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_SOON = 60.0
"""Seconds: it has megabytes of scripts to load, perhaps on a machine with other work."""

_WIDTH, _HEIGHT = 920, 1200  # a short notebook fits in

_SETTINGS = {
    "ServerApp": {
        "ip": "127.0.0.1",
        "allow_root": True,
        "open_browser": False,
        # All that others have installed stays out of it.
        "jpserver_extensions": {
            "jupyter_lsp": False,
            "jupyter_server_terminals": False,
            "jupyterlab": True,
            "notebook_shim": False,
            "panel.io.jupyter_server_extension": False,
        },
    },
    "IdentityProvider": {"token": ""},
    "LabApp": {
        "expose_app_in_browser": True,
        "extension_manager": "readonly",
    },
}


_NOTIFICATIONS = ".jupyter/lab/user-settings/@jupyterlab/apputils-extension/notification"
_NONE = {"fetchNews": "false", "checkForUpdates": False}
"""It is not to ask the network for news, nor its user whether it may."""


class LabPage:
    """A notebook in the browser.

    Args:
        browser: Where it is open, in the tab that is in front.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def until(self, fact: Callable[[], object]) -> Any:
        """Wait until something is so; returns what it is."""
        deadline = time.monotonic() + _SOON
        while not (it := fact()):
            if time.monotonic() > deadline:
                raise AssertionError(f"it has not come true: {self.text()}")
            time.sleep(0.05)
        return it

    def script(self, script: str, *arguments: Any) -> Any:
        """Run a script, and return what it returns."""
        return self._browser.execute_script(script, *arguments)

    def do(self, command: str, **arguments: Any) -> None:
        """Do what a command of its menus does, once it can be done."""
        enabled = "return jupyterapp.commands.isEnabled(...arguments)"
        self.until(lambda: self.script(enabled, command, arguments))
        self.script("jupyterapp.commands.execute(...arguments)", command, arguments)

    def text(self) -> str:
        """Return all that can be read in the notebook."""
        return str(self.script("return document.querySelector('.jp-Notebook').innerText"))

    def outputs(self) -> list[str]:
        """Return what is below each cell with code."""
        return list(
            self.script(
                "return [...document.querySelectorAll('.jp-CodeCell')].map(cell =>"
                " cell.querySelector('.jp-Cell-outputArea').innerText)"
            )
        )

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._browser.find_element("css selector", selector).click()

    def picture(self, to: Path) -> None:
        """Draw the notebook, all of it."""
        box = self.until(
            lambda: self.script(
                "const all = document.querySelector('.jp-NotebookPanel').getBoundingClientRect(),"
                " end = [...document.querySelectorAll('.jp-Cell')].at(-1).getBoundingClientRect();"
                "return end.bottom + 12 < all.bottom &&"
                " {x: all.x, y: all.y, width: all.width, height: end.bottom + 6 - all.y, scale: 1}"
            )
        )
        taken = self._browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": box})
        to.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def jupyter_lab(browser: Any, notebook: Path, **environment: str) -> Iterator[LabPage]:
    """Run JupyterLab with a notebook open, in a tab, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder, socket.socket() as free:
        shutil.copy(notebook, folder)
        settings = Path(folder, "settings.json")
        settings.write_text(json.dumps(_SETTINGS), "utf-8")
        notifications = Path(folder, f"{_NOTIFICATIONS}.jupyterlab-settings")
        notifications.parent.mkdir(parents=True)
        notifications.write_text(json.dumps(_NONE), "utf-8")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        paths = {"HOME": folder, "IPYTHONDIR": folder, "PYTHONPATH": str(ROOT)}
        with (
            Path(folder, "log").open("wb") as log,
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", f"--config={settings}"),
                    *(f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}"),
                ],
                env={**os.environ, **paths, **environment},
                stdout=log,
                stderr=log,
            ) as server,
        ):
            url = f"http://127.0.0.1:{port}"
            try:
                _await(f"{url}/api/status", server)
                with _tab(browser):
                    browser.get(f"{url}/doc/tree/{notebook.name}")
                    page = LabPage(browser)
                    page.until(
                        lambda: page.script(
                            "return window.jupyterapp?.shell.currentWidget?.sessionContext"
                            "?.session?.kernel?.status === 'idle'"
                        )
                    )
                    yield page
            finally:
                server.terminate()  # it ends its kernels, too
                try:
                    server.wait(_SOON)
                finally:
                    server.kill()


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SOON
    while True:
        try:
            with urllib.request.urlopen(url, timeout=_SOON):
                return
        except OSError:
            assert server.poll() is None, "JupyterLab has ended"
            assert time.monotonic() < deadline, "JupyterLab did not start"
            time.sleep(0.05)


@contextmanager
def _tab(browser: Any) -> Iterator[None]:
    before = browser.current_window_handle
    browser.switch_to.new_window("tab")
    # Or none of its widgets would be the current one.
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    size = {"width": _WIDTH, "height": _HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.close()
        browser.switch_to.window(before)
