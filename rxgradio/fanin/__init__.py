"""Streams of several endpoints, or of several apps, as one.

    from rxgradio import fanin

    both = {"small": small.observe("a cat"), "large": large.observe("a cat")}
    fanin.merge(both).subscribe(print)

They take any streams: updates, such as `observe` and `job.updates` give, or what
operators made of these, such as `outputs()`. All are cold, serial whatever threads feed
them, emit on the thread that does, pass the scheduler of the subscription down, and
dispose of all their streams when disposed of, which cancels on the server what is under way.

To pass the outputs of one endpoint on to another while they come, there is nothing
here: that is `first.observe(...).outputs().pipe(second.latest())`.
"""

from __future__ import annotations

__all__ = [
    "Balanced",
    "Labelled",
    "Load",
    "Percentile",
    "Result",
    "balance",
    "combine_latest",
    "fail_over",
    "gather",
    "hedge",
    "labelled",
    "merge",
    "race",
    "zip",
]

from .balance import Balanced, Load, balance
from .combine_latest import combine_latest
from .fail_over import fail_over
from .gather import Result, gather
from .hedge import Percentile, hedge
from .labelled import Labelled, labelled
from .merge import merge
from .race import race
from .zip import zip  # noqa: A004 (as reactivex calls it)
