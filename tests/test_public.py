"""The public face: what modules export, and what they promise in words."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import rxgradio

NAMES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(rxgradio.__path__, "rxgradio.")
    if not name.startswith(("rxgradio.demo", "rxgradio.__main__"))
)


@pytest.fixture(params=["rxgradio", *NAMES])
def module(request: pytest.FixtureRequest) -> ModuleType:
    try:
        return importlib.import_module(request.param)
    except ModuleNotFoundError as error:
        if request.param.startswith("rxgradio.ui.") and error.name == "tkinter":
            pytest.skip("this Python has no Tk")
        if request.param == "rxgradio.ui.gradio" and error.name == "gradio":
            pytest.skip("Gradio is only there in environments of its own")
        raise


def test_all_names_what_a_module_defines_for_others(module: ModuleType) -> None:
    if module.__name__ in {
        "rxgradio.files",
        "rxgradio.protocol",
        "rxgradio.runtime",
        "rxgradio.transport",
    }:
        assert not hasattr(module, "__all__")
        return
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)
    if module is not rxgradio:
        own = {
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and (inspect.isclass(value) or inspect.isfunction(value))
            and value.__module__ == module.__name__
        }
        assert own <= set(module.__all__), own - set(module.__all__)


def test_every_public_thing_has_a_docstring(module: ModuleType) -> None:
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{module.__name__}.{name}"


def test_the_package_is_typed_and_its_version_is_the_projects() -> None:
    root = Path(rxgradio.__file__).parent
    assert (root / "py.typed").exists()
    project = tomllib.loads((root.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert rxgradio.__version__ == project["version"]
