"""Operators on streams of updates, for `pipe`.

    from rxgradio.operators import outputs, text_deltas

    job.updates.pipe(outputs()).subscribe(print)

What `job.updates`, `observe` and `stream` give has those on updates as methods too:
`job.updates.outputs()`.

All of them are serial, whatever threads feed them; emit on the thread that feeds
them; dispose of their source when disposed of; and pass errors on where they do not
say otherwise.
"""

from __future__ import annotations

__all__ = [
    "Iteration",
    "LogMessage",
    "Snapshot",
    "TextDelta",
    "Timings",
    "concat_map",
    "exhaust_map",
    "iterate",
    "keep_errors",
    "logs",
    "outputs",
    "progress",
    "result",
    "snapshots",
    "statuses",
    "switch_map",
    "text_deltas",
    "timings",
    "to_async_iterable",
]

from .concat_map import concat_map
from .exhaust_map import exhaust_map
from .iterate import Iteration, iterate
from .keep_errors import keep_errors
from .logs import LogMessage, logs
from .outputs import outputs
from .progress import progress
from .result import result
from .snapshots import Snapshot, snapshots
from .statuses import statuses
from .switch_map import switch_map
from .text_deltas import TextDelta, text_deltas
from .timings import Timings, timings
from .to_async_iterable import to_async_iterable
