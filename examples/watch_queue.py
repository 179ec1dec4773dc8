"""Show where several calls of a slow function stand, until all have ended."""

import sys

import reactivex
from reactivex import operators as ops

from rxgradio import Client, Status, StatusUpdate

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


def told(status: StatusUpdate) -> str:
    if status.code is Status.IN_QUEUE:
        return f"{status.rank} ahead of it, {status.queue_size} in the queue"
    return status.code.value.lower()


with Client(ADDRESS) as client:
    jobs = {f"page {n}": client.submit(n, api_name="/scan") for n in (1, 2)}
    streams = [
        job.updates.pipe(
            ops.filter(lambda update: isinstance(update, StatusUpdate)),
            ops.map(lambda status, name=name: f"{name}: {told(status)}"),
        )
        for name, job in jobs.items()
    ]
    reactivex.merge(*streams).pipe(ops.do_action(print)).run()
