"""A Hub on loopback, asked by the real huggingface_hub; and no token of whoever runs this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants, utils

from rxgradio.spaces import space
from tests.spaces.hub import Hub
from tests.transport.conftest import elsewhere, make_server, no_proxy, server

__all__ = ["elsewhere", "make_server", "no_proxy", "server"]


def close_session() -> None:
    """Close the connections to the Hub."""
    close = getattr(utils, "close_session", None)  # since 1.0
    close() if close is not None else utils.reset_sessions()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a Space that is not up as often as a test can bear."""
    monkeypatch.setattr(space, "_POLL", 0.01)


@pytest.fixture(autouse=True)
def save_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], object]:
    """Save a token on this machine, which has none."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "saved" / "token"
    path.parent.mkdir()
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(path))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    return path.write_text


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    # It asks the Hub for the names of agents otherwise, at times.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    yield hub
    close_session()
    hub.stop()
