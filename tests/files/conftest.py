"""Servers made of bytes, as for the transport, and files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from rxgradio.files import handle
from tests.transport.conftest import elsewhere, make_server, no_proxy, server

__all__ = ["elsewhere", "make_server", "no_proxy", "server"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where downloads go."""
    return tmp_path / "downloads"


@pytest.fixture(autouse=True)
def nothing_is_handled_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "_handled", {})
