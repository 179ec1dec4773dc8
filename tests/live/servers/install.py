"""One Python environment per Gradio release, built once and kept.

No two releases fit into one environment, nor into that of the tests. An environment is
named after all it was made of, so a changed pin makes a new one, and it gets its name
only once it is whole, so an interrupted build is never taken for one.
"""

from __future__ import annotations

__all__ = ["CACHE", "VERSIONS", "InstallationError", "environment"]

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uv

REQUIREMENTS = Path(__file__).parent / "requirements"
CACHE = Path(__file__).parents[3] / ".cache" / "servers"
PYTHON = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
# Sought here and once: sysconfig, where it looks, is not safe to ask first from several threads.
UV = uv.find_uv_bin()


def _in_order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# Another release to test against is another file of requirements.
VERSIONS = tuple(sorted((file.stem for file in REQUIREMENTS.glob("*.txt")), key=_in_order))


class InstallationError(Exception):
    """The package installer failed; says what it said."""


def environment(version: str, beside: Sequence[str] = ()) -> Path:
    """Return a Python that has this release of Gradio, after installing it if need be.

    Args:
        version: Of Gradio.
        beside: What is to be installed with it, as requirements.

    Raises:
        InstallationError: It cannot be installed. That is a failure and no reason to
            skip: a suite that tested nothing must not look like one that passed.
    """
    requirements = REQUIREMENTS / f"{version}.txt"
    directory = CACHE / f"{version}-{_fingerprint(requirements, beside)}"
    if not directory.exists():
        _build(directory, requirements, beside)
    return directory / PYTHON


def _fingerprint(requirements: Path, beside: Sequence[str]) -> str:
    made_of = requirements.read_bytes() + f"{sys.executable} {sys.version}".encode()
    made_of += "".join(f"\n{each}" for each in beside).encode()
    return hashlib.sha256(made_of).hexdigest()[:12]


def _build(directory: Path, requirements: Path, beside: Sequence[str]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=directory.parent))
    try:
        # Relocatable, as it is renamed once it is whole.
        python = _interpreter(requirements.stem)
        _uv("venv", "--relocatable", "--allow-existing", "--python", python, unfinished)
        target = ("--python", unfinished / PYTHON)
        _uv("pip", "install", *target, "--requirement", requirements, *beside)
        unfinished.rename(directory)
    except OSError:
        # A directory is never renamed onto a full one: another run was faster.
        if not directory.exists():
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _interpreter(version: str) -> str:
    """Return the Python for a release, as uv names them: this one, wherever that will do."""
    # The releases before 5 want a numpy and a markupsafe that have no wheels for 3.13; uv
    # finds another Python, or fetches one.
    too_new = sys.version_info >= (3, 13) and _in_order(version) < (5,)
    return "3.12" if too_new else sys.executable


def _uv(*arguments: str | Path) -> None:
    command = [UV, *map(str, arguments)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise InstallationError(f"{' '.join(command)}\n{done.stdout}")
