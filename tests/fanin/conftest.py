"""The app in memory, as the contract has it."""

from __future__ import annotations

from tests.contract.conftest import make_app, memory_app, memory_client

__all__ = ["make_app", "memory_app", "memory_client"]
