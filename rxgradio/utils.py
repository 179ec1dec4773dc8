"""The names that scripts import from `gradio_client.utils`, where they find them here."""

from __future__ import annotations

__all__ = [
    "Communicator",
    "InvalidAPIEndpointError",
    "OutputUpdate",
    "ProgressUnit",
    "QueueError",
    "SpaceDuplicationError",
    "Status",
    "StatusUpdate",
    "TooManyRequestsError",
    "Update",
    "file",
    "handle_file",
]

import warnings
from pathlib import Path
from typing import Any

from .exceptions import (
    InvalidAPIEndpointError,
    QueueError,
    SpaceDuplicationError,
    TooManyRequestsError,
)
from .files.handle import handle_file
from .job import Communicator
from .updates import OutputUpdate, ProgressUnit, Status, StatusUpdate, Update


def file(filepath_or_url: str | Path) -> dict[str, Any]:
    """Do as `handle_file`, which is its name since long ago."""
    warnings.warn("file() is deprecated: use handle_file()", DeprecationWarning, stacklevel=2)
    return handle_file(filepath_or_url)
