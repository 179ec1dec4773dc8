"""Tells the signatures of gradio_client, as JSON: `python -m tests.dropin.signatures`.

In a process of its own, which may ask nobody for leave.
"""

from __future__ import annotations

import inspect
import json
import sys

import gradio_client
from gradio_client import client


def parameters(of: object) -> list[tuple[str, str, str | None]]:
    """Tell the name, the kind, and the repr of the default, if there is one, of each."""
    assert callable(of)
    return [
        (each.name, each.kind.name, None if each.default is each.empty else repr(each.default))
        for each in inspect.signature(of).parameters.values()
    ]


def main() -> None:
    told: dict[str, object] = {}
    for kind in (client.Client, client.Job):
        for name, member in vars(kind).items():
            is_call = inspect.isfunction(member) or isinstance(member, (classmethod, staticmethod))
            if is_call and (not name.startswith("_") or name in {"__init__", "__iter__"}):
                told[f"{kind.__name__}.{name}"] = parameters(getattr(kind, name))
    told["handle_file"] = parameters(gradio_client.handle_file)
    told["file"] = parameters(gradio_client.file)
    sys.stdout.write(json.dumps(told))


main()
