"""Many calls: of each of many inputs, a few at a time."""

from __future__ import annotations

__all__ = ["Inputs", "MapProgress", "MapResult", "MapResults", "mapped"]

from .inputs import Inputs
from .mapping import MapProgress, MapResult, MapResults, mapped
