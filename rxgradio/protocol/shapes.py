"""Shapes of JSON values that came from elsewhere, made known to the type checkers."""

from __future__ import annotations

__all__ = ["as_object", "as_text", "is_list", "is_object", "quoted"]

from collections.abc import Mapping
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is a list."""
    return isinstance(value, list)


def as_object(value: object) -> Mapping[str, Any]:
    """Return an object as it is, and an empty one for anything else."""
    return value if is_object(value) else {}


def as_text(value: object) -> str | None:
    """Return a text as it is, and None for anything else."""
    return value if isinstance(value, str) else None


def quoted(value: object, most: int = 80) -> str:
    """Return a value as an error message may quote it: whatever it is, and shortened."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except RecursionError:
        return "(something nested too deeply to be shown)"
    text = text if len(text) <= most else f"{text[:most]}..."
    return repr(text) if isinstance(value, str) else text
