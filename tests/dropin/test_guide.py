"""The examples of Gradio's guide print the same with either import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dropin.conftest import ROOT, environ
from tests.live.conftest import Servers
from tests.live.servers.run import Server

GUIDE = ROOT / "examples" / "guide"

PRINTED = {
    "first_calls": [
        "/calculate ['num1', 'operation', 'num2']",
        "by position: 9",
        "by name: 4.5",
        "with a default: 6",
        "TypeError: True",
        "the app says: cannot divide by zero",
    ],
    "background": [
        "result: 20",
        "done: True",
        "squares: [0, 1, 4, 9, 16]",
        "callbacks: [7, -7]",
        "progress: {'working'}",
        "status: FINISHED True",
        "at last: 5 steps done",
    ],
    "generators": [
        "outputs: ['0', '1', '2']",
        "result: 2",
        "output: 0",
        "output: 2",
        "cancelled: True",
        "status: CANCELLED",
        "until then: ['0', '1']",
    ],
    "files": [
        "downloaded: shouted.txt with 12 bytes: QUIET PLEASE",
        "into the folder: True",
        "left there: shouted.txt",
    ],
    "logins": ["not with a guess", "admin, from red", "admin, from blue"],
}

pytestmark = pytest.mark.xdist_group("guide")


@pytest.fixture(scope="module")
def addresses(servers: Servers) -> Iterator[dict[bool, str]]:
    """Serve the app of the guide, without and with a login."""
    python = servers.python("6.31.0")
    app = GUIDE / "app.py"
    with (
        Server(python, "6.31.0", app=app) as server,
        Server(python, "6.31.0", app=app, APP_AUTH="admin:secret") as with_login,
    ):
        yield {False: server.url, True: with_login.url}


def test_every_script_is_tried() -> None:
    assert {path.stem for path in GUIDE.glob("*.py")} == {"app", *PRINTED}


@pytest.mark.parametrize("library", ["rxgradio", "gradio_client"])
@pytest.mark.parametrize("name", sorted(PRINTED))
def test_a_script_runs_with_either_import(
    name: str, library: str, addresses: dict[bool, str], tmp_path: Path
) -> None:
    code = (GUIDE / f"{name}.py").read_text("utf-8").replace("from rxgradio", f"from {library}")
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, addresses[name == "logins"]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    lines = iter(done.stdout.splitlines())
    # In this order, among others.
    for expected in PRINTED[name]:
        assert any(line == expected for line in lines), done.stdout
    if library == "rxgradio":
        assert done.stderr == ""
