"""The calls that the demo makes, and the one stream that it is drawn from."""

from __future__ import annotations

__all__ = ["CALLS", "Call", "play", "watch"]

from dataclasses import dataclass

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from ..client import Client
from ..job import Job
from ..updates import CancelOutcome, OutputUpdate, Update
from .snapshot import News, Phase, Snapshot, advance

_QUICK = "A stream is a list that is still being written: subscribe, and each word finds you."
_SLOW = "Nothing here is polled. The server speaks, a socket wakes, and the view is told once."


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what is to become of it."""

    name: str
    endpoint: str
    arguments: tuple[object, ...] = ()
    ends: Phase = Phase.FINISHED
    cancel_after: int | None = None
    """Outputs after which the demo cancels it."""
    lines: int = 1
    """How much room it is shown in."""


CALLS = (
    Call("reverse", "/reverse", ("rxgradio",)),
    Call("write fast", "/write", (_QUICK, 3, 0.08), lines=2),
    Call("write slow", "/write", (_SLOW, 5, 0.26), lines=2),
    Call("render", "/render", (24,)),
    Call("scan 1", "/scan", (1,)),
    Call("scan 2", "/scan", (2,)),
    Call("scan 3", "/scan", (3,)),
    Call("check", "/check"),
    Call("divide", "/divide", (1, 0), ends=Phase.FAILED),
    Call("count", "/count", (50,), ends=Phase.CANCELLED, cancel_after=25),
)


def play(client: Client) -> Observable[Snapshot]:
    """Make all calls at once; returns one stream of what becomes of them all."""
    jobs = {call: client.submit(*call.arguments, api_name=call.endpoint) for call in CALLS}
    for call, job in jobs.items():
        if call.cancel_after is not None:
            _cancel(job, after=call.cancel_after)
    return reactivex.merge(*(watch(call.name, job) for call, job in jobs.items()))


def watch(name: str, job: Job) -> Observable[Snapshot]:
    """Return a stream of where a job stands; its failure is one more thing to show.

        job.updates:  --S--S--o--o--✗
        watch:        --1--2--3--4--5--6-|    (6: what the server made of a cancel)

    It completes however the job ends. Observers are called on delivery threads.
    """
    outcome: Observable[CancelOutcome] = reactivex.from_future(job.cancel_outcome)
    news: Observable[News] = reactivex.concat(job.updates.pipe(ops.materialize()), outcome)
    return news.pipe(ops.timestamp(), ops.scan(advance, Snapshot(name)))


def _cancel(job: Job, *, after: int) -> None:
    def cancel(_: Update) -> None:
        job.cancel()

    outputs = job.updates.pipe(ops.filter(lambda update: isinstance(update, OutputUpdate)))
    # Should the job end by itself before, there is nothing to cancel.
    outputs.pipe(ops.skip(after - 1), ops.take(1)).subscribe(cancel, lambda _: None)
