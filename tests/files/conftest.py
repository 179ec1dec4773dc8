"""Servers made of bytes, as for the transport, and files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transport.conftest import elsewhere, make_server, no_proxy, server

__all__ = ["elsewhere", "make_server", "no_proxy", "server"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where downloads go."""
    return tmp_path / "downloads"
