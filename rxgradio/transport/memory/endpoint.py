"""The functions of an app in memory."""

from __future__ import annotations

__all__ = ["Function", "MemoryEndpoint", "is_state"]

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., AsyncGenerator[Any, None]]
"""Takes the data of a call; yields lists of outputs, and `StatusUpdate`s of code
PROGRESS or LOG. A function that is no generator to its callers yields once."""


@dataclass(frozen=True, slots=True)
class MemoryEndpoint:
    """An endpoint of an app in memory.

    Args:
        parameters: Its inputs with their defaults; `...` is none. One whose name begins
            with "state" is State: each session has its own, which begins as the default.
        outputs: Its outputs; one whose name begins with "state" is the State of that name.
        generator: Each output is told, and not only the last.
        concurrency: How many of its calls may run; the others wait in the queue.
        queued: False is `queue=False`.
        stream: It is a `.stream()` event: its function is called for each frame.
        files: Which of its inputs and outputs are shown as files.
    """

    function: Function
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Sequence[str] = ("output",)
    generator: bool = False
    concurrency: int | None = None
    queued: bool = True
    stream: bool = False
    files: Collection[str] = ()


def is_state(name: str) -> bool:
    """Whether a parameter or an output of this name is State."""
    return name.startswith("state")
