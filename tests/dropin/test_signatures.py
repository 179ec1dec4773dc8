"""What can be called in gradio_client can be called here, in the same ways."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rxgradio
from tests.dropin.conftest import ROOT, environ

WORKINGS = {
    "Client.stream_messages",
    "Client.send_data",
    "Client.new_helper",
    "Client.add_zero_gpu_headers",
}
"""Public by their names alone: what its calls are made of, which no documentation tells."""

DIFFERENT = {
    "max_workers": "there is no bound unless one is asked for",
    "download_files": "the folder is found when it is needed, so that $GRADIO_TEMP_DIR may change",
}
"""Why some defaults are others."""


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, Any]]]:
    """The signatures of gradio_client."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.dropin.signatures"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environ(tmp_path_factory.mktemp("signatures"))},
    )
    signatures: dict[str, list[tuple[str, str, Any]]] = json.loads(told.stdout)
    return signatures


def ours(name: str) -> list[inspect.Parameter]:
    found: Any = rxgradio
    for part in name.split("."):
        found = getattr(found, part)
    return list(inspect.signature(found).parameters.values())


CALLS = (
    "Client.__init__",
    "Client.close",
    "Client.duplicate",
    "Client.predict",
    "Client.reset_session",
    "Client.submit",
    "Client.view_api",
    "Job.__init__",
    "Job.__iter__",
    "Job.cancel",
    "Job.outputs",
    "Job.result",
    "Job.status",
    "file",
    "handle_file",
)


def test_these_are_all_that_can_be_called(theirs: dict[str, Any]) -> None:
    assert set(theirs) - WORKINGS == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_takes_the_same_arguments(name: str, theirs: dict[str, Any]) -> None:
    here = {each.name: each for each in ours(name)}
    places = [each.name for each in ours(name)]
    by_place = 0
    for parameter, kind, default in theirs[name]:
        if parameter == "self" or parameter.startswith("_cancel"):
            continue
        assert parameter in here, f"{name} has no {parameter}"
        assert here[parameter].kind.name == kind
        if default is not None:
            is_needed = here[parameter].default is inspect.Parameter.empty
            assert not is_needed, f"{parameter} of {name} can be left out"
        if kind == "POSITIONAL_OR_KEYWORD":
            assert [each for each in places if each != "self"][by_place] == parameter
            by_place += 1
        if default is not None and parameter not in DIFFERENT:
            assert repr(here[parameter].default) == default, f"{parameter} of {name}"
    names = {parameter for parameter, _, _ in theirs[name]}
    more = [each for each in here.values() if each.name not in names]
    assert all(
        each.kind in {each.KEYWORD_ONLY, each.VAR_KEYWORD} or each.default is not each.empty
        for each in more
    ), "what is ours alone can be left out"


def test_what_the_package_exports_is_here(tmp_path: Path) -> None:
    names = subprocess.run(
        [sys.executable, "-c", "import gradio_client as g; print(*g.__all__)"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environ(tmp_path)},
    ).stdout.split()
    # A TypedDict for annotations; a file is what handle_file makes.
    assert [name for name in names if not hasattr(rxgradio, name)] == ["FileData"]
