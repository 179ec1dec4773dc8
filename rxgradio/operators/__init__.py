"""Operators on streams of updates, and policies for any stream, for `pipe`.

    from rxgradio.operators import outputs, text_deltas

    job.updates.pipe(outputs()).subscribe(print)

What `job.updates`, `observe` and `stream` give has those on updates as methods too:
`job.updates.outputs()`.

All of them are serial, whatever threads feed them; emit on the thread that feeds
them, where nothing has to wait; dispose of their source when disposed of; and pass
errors on where they do not say otherwise.
"""

from __future__ import annotations

__all__ = [
    "Bulkhead",
    "CircuitBreaker",
    "CircuitState",
    "Iteration",
    "LogMessage",
    "Snapshot",
    "TextDelta",
    "Timings",
    "cached",
    "concat_map",
    "deadline",
    "exhaust_map",
    "from_async_iterable",
    "iterate",
    "keep_errors",
    "logs",
    "outputs",
    "progress",
    "rate_limit",
    "result",
    "retry",
    "share_in_flight",
    "snapshots",
    "statuses",
    "switch_map",
    "text_deltas",
    "timeout",
    "timings",
    "to_async_iterable",
]

from .bulkhead import Bulkhead
from .cached import cached
from .circuit_breaker import CircuitBreaker, CircuitState
from .concat_map import concat_map
from .deadline import deadline
from .exhaust_map import exhaust_map
from .from_async_iterable import from_async_iterable
from .iterate import Iteration, iterate
from .keep_errors import keep_errors
from .logs import LogMessage, logs
from .outputs import outputs
from .progress import progress
from .rate_limit import rate_limit
from .result import result
from .retry import retry
from .share_in_flight import share_in_flight
from .snapshots import Snapshot, snapshots
from .statuses import statuses
from .switch_map import switch_map
from .text_deltas import TextDelta, text_deltas
from .timeout import timeout
from .timings import Timings, timings
from .to_async_iterable import to_async_iterable
