"""Runs scenarios with gradio_client, in a process of its own.

It leaves threads and sockets behind, hangs, and would ask its makers' servers for leave.
Reads one scenario a line, as JSON, and answers each with the repr of its outcome.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from dataclasses import astuple
from pathlib import Path

import gradio_client

from tests.dropin.scenario import Script, outcome


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        function = getattr(importlib.import_module(asked["module"]), asked["name"])
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            script = Script(gradio_client, asked["address"], Path(folder))
            made = outcome(function, script, asked["patience"])
        answers.write(repr(astuple(made)) + "\n")
        answers.flush()


main()
