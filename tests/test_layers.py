"""The architecture, as a rule about imports: they only look down."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rxgradio

ROOT = Path(rxgradio.__file__).parent

LAYERS = [
    {"__main__"},
    {"cli"},
    {"demo", "testing", "ui"},
    {"__init__"},
    {"client", "fanin", "utils"},
    {"connection", "endpoint"},
    {"attempts", "bulk", "headers", "spaces", "streaming"},
    {"job"},
    {"fluent"},
    {"operators"},
    {"files", "transport", "runtime"},
    {"patience", "protocol"},
    {"clock", "options", "updates", "exceptions"},
]
"""From the top to the bottom. What stands beside another does not know it, but
for `client` and `job`, which put together what is below."""

FORBIDDEN = {
    "protocol": {
        "aiohttp",
        "asyncio",
        "concurrent",
        "httpx",
        "reactivex",
        "socket",
        "ssl",
        "threading",
        "time",
        "urllib",
        "websockets",
    },
    "runtime": {"aiohttp", "httpx", "websockets"},
    "operators": {"aiohttp", "httpx", "websockets"},
    "fanin": {"aiohttp", "httpx", "websockets"},
    "updates": {"asyncio", "httpx", "reactivex", "threading"},
    "exceptions": {"asyncio", "httpx", "reactivex", "threading"},
    "job": {"aiohttp", "httpx"},
    "endpoint": {"aiohttp", "httpx"},
    "client": {"aiohttp", "httpx"},
}

MODULES = sorted(ROOT.rglob("*.py"))
PARTS = set().union(*LAYERS)


def part(module: Path) -> str:
    """Return the part of the package that a module belongs to."""
    return module.relative_to(ROOT).parts[0].removesuffix(".py")


def depth(name: str) -> int:
    return next(n for n, layer in enumerate(LAYERS) if name in layer)


def imports(module: Path) -> Iterator[tuple[str, bool]]:
    """Yield what a module imports: the part of the package or the library, and which it is."""
    package = ["rxgradio", *module.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import(names):
                names_found = [alias.name for alias in names]
            case ast.ImportFrom(source, names, 0):
                names_found = [source or ""]
            case ast.ImportFrom(source, names, level):
                base = package[: len(package) - level + 1]
                found = ".".join([*base, *([source] if source else [])])
                bare = found == "rxgradio"
                names_found = [f"rxgradio.{a.name}" for a in names] if bare else [found]
            case _:
                continue
        for name in names_found:
            first, _, rest = name.partition(".")
            if first == "rxgradio":
                found = rest.partition(".")[0]
                yield found if found in PARTS else "__init__", True
            else:
                yield first, False


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT)))
def test_imports_only_look_down(module: Path) -> None:
    here = part(module)
    for name, ours in imports(module):
        if ours and name != here:
            assert depth(name) > depth(here), f"{here} imports {name}"
        if not ours:
            assert name not in FORBIDDEN.get(here, set()), f"{here} imports {name}"


def test_what_is_above_is_known_by_name_in_one_place() -> None:
    """A notebook asks a job to show itself, and what shows jobs is above them."""
    named = {
        (part(module), node.args[0].value)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module"
        and isinstance(node.args[0], ast.Constant)
        and str(node.args[0].value).startswith(("rxgradio", "."))
    }
    assert named == {("job", "rxgradio.ui.jupyter")}


def test_every_part_has_its_place() -> None:
    assert {part(module) for module in MODULES} == set().union(*LAYERS)


def test_the_protocol_reads_no_clock() -> None:
    for module in (ROOT / "protocol").glob("*.py"):
        source = module.read_text("utf-8")
        assert ".now(" not in source, module
        assert "utcnow" not in source, module
