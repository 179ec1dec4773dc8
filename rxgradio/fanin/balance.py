"""One endpoint that stands for several: each call goes where the queue is shortest."""

# A call goes through the other side of an Endpoint, which is not for everybody.
# pyright: reportPrivateUsage=false

from __future__ import annotations

__all__ = ["Balanced", "Load", "balance"]

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Unpack

from reactivex import abc

from ..endpoint import Endpoint
from ..exceptions import ClientClosed, ConnectionLost, QueueFull, TooManyRequestsError
from ..job import Job
from ..operators.relay import seconds_of
from ..options import CallOptions, Options
from ..protocol.app import EndpointInfo
from ..runtime.scheduler import DeliveryScheduler
from ..updates import Status, StatusUpdate

_LOOKED_AT = 32
"""How many calls of a replica, the newest ones, are asked where they stand at each choice."""

_TURNED_AWAY = (ConnectionLost, ClientClosed, QueueFull, TooManyRequestsError)
"""Errors of a replica, rather than of a call."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of one replica.

    `in_flight` counts the calls made through here that have not ended; `queue_size` and
    `eta` (in seconds) are what the app said to the newest of them that waits, None if none
    does. `others` counts the calls that others have waiting there, None if that is not known.
    `rests` is for how many seconds it is left out, 0.0 if it is not.
    """

    endpoint: Endpoint
    in_flight: int
    queue_size: int | None
    eta: float | None
    others: int | None
    rests: float


class Balanced(Endpoint):
    """An endpoint whose calls go to one of several replicas. Made by `balance`."""

    def __init__(self, replicas: _Replicas, info: EndpointInfo, options: CallOptions) -> None:
        super().__init__(info, replicas, options)
        self._replicas = replicas

    @property
    def loads(self) -> list[Load]:
        """What is known of each replica now, in their order."""
        return self._replicas.loads()

    def with_options(self, *, headers: Any = None, **options: Unpack[Options]) -> Balanced:
        """Return the same replicas, called otherwise; see `Endpoint.with_options`."""
        made = super().with_options(headers=headers, **options)
        return Balanced(self._replicas, made.info, made.options)


def balance(
    endpoints: Iterable[Endpoint],
    *,
    rest: float = 10.0,
    ask: float | None = 5.0,
    scheduler: abc.SchedulerBase | None = None,
) -> Balanced:
    """Return an endpoint of which each call goes to the replica with the shortest queue.

        calls:   --1-2-3----4-5-|
        a:       --1---3------5-      (3: both have one call, and a's turn is longer ago)
        b:       ----2------4---      (4: 2 has ended, and 3 has not)

    It has all that an endpoint has: `predict`, `submit`, `observe`, `map` and so on; a stream
    that is subscribed to twice may go to two replicas. The length of a queue is the number
    of calls made through here that have not ended, and of those that others have waiting
    (`/queue/status` tells); or the size of the queue as the app tells those that wait, if that
    is larger. Of equals, the one counts whose calls have the shorter `eta`, then the one whose
    turn is the longest ago. Apps are asked when this is called, and then only when calls are
    made, which never wait for the answer.

    Where a call ends with `ConnectionLost`, `QueueFull` or `TooManyRequestsError`, no further
    call goes to that replica for a while, unless there is no other. That call has
    failed all the same: `fail_over(x, x)`, of a stream `x`, makes it again elsewhere.

    They are called with the options of the first, each with the header fields that it was
    made with itself, and with those of `with_options` or of a call. State is kept by each replica
    for itself.

    Args:
        endpoints: The same function of several apps.
        rest: Seconds for which a replica is left out that cannot be reached, or wants to be
            spared; longer if it says so.
        ask: Seconds for which it counts what an app has said of the calls of others; from half
            of that on, it is asked anew by the next call. None: never.
        scheduler: Keeps the time; by default a `DeliveryScheduler`.

    Raises:
        TypeError: One of them is no endpoint.
        ValueError: There are none, their arguments or outputs differ, `rest` is negative, or
            `ask` is not positive.
    """
    found = list(endpoints)
    if not found:
        raise ValueError("there are no endpoints to choose from")
    if not rest >= 0:
        raise ValueError(f"rest is a number of seconds, not {rest!r}")
    if ask is not None and not ask > 0:
        raise ValueError(f"ask is a positive number of seconds or None, not {ask!r}")
    for each in found:
        if not isinstance(each, Endpoint):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
            kind = type(each).__name__
            raise TypeError(f"replicas are endpoints, as client.endpoint(name) gives, not a {kind}")
    first = found[0]
    for other in found[1:]:
        if _shape(other.info) != _shape(first.info):
            raise ValueError(f"replicas must be the same: {first.signature}, and {other.signature}")
    replicas = _Replicas(found, rest, ask, scheduler or DeliveryScheduler())
    return Balanced(replicas, first.info, replace(first.options, headers=None))


def _shape(info: EndpointInfo) -> object:
    """Return what must be the same for the data of a call to fit."""
    names = [parameter.name for parameter in info.parameters]
    return names, info.inputs, info.outputs, info.streaming


class _Replica:
    """One of the endpoints, and what is known of it; guarded by the lock of `_Replicas`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.jobs: dict[Job, None] = {}
        """Those that have not ended, or not been heard to, the newest last."""
        self.starting = 0
        """How many calls are about to be jobs."""
        self.turn = 0
        """When it was last chosen."""
        self.rests_until = -math.inf
        self.others: int | None = None
        """How many calls others had waiting when it was last asked."""
        self.told_at = self.asked_at = -math.inf

    @property
    def in_flight(self) -> int:
        return len(self.jobs) + self.starting

    def waiting(self) -> StatusUpdate | None:
        """Return where the newest of its calls stands that waits in the queue."""
        return next(self._waiting(), None)

    def queue(self) -> tuple[int, float, int]:
        """Return how long its queue is, to compare with others."""
        told = self.waiting()
        size, eta = (told.queue_size or 0, told.eta or 0.0) if told is not None else (0, 0.0)
        return max(self.in_flight + (self.others or 0), size), eta, self.turn

    def told(self, size: int, now: float) -> None:
        """Take how many calls wait in the app's queue."""
        self.others = max(0, size - sum(1 for _ in self._waiting()))
        self.told_at = now

    def _waiting(self) -> Iterator[StatusUpdate]:
        for job in islice(reversed(self.jobs), _LOOKED_AT):
            status = job.status()
            if status.code is Status.IN_QUEUE:
                yield status


class _Replicas:
    """Sends calls on their way, to one replica or another: what an `Endpoint` needs.

    Args:
        endpoints: The replicas.
        rest: For how many seconds one is left out that has failed.
        ask: For how many seconds what one has said of its queue counts.
        clock: Whose time it is by.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        rest: float,
        ask: float | None,
        clock: abc.SchedulerBase,
    ) -> None:
        self._lock = threading.Lock()
        self._replicas = [_Replica(endpoint) for endpoint in endpoints]
        self._rest = rest
        self._lasts = ask
        self._clock = clock
        self._turns = 0
        self._ask()

    def __call__(
        self,
        info: EndpointInfo,  # noqa: ARG002 (each replica has its own)
        data: bytes,
        *,
        value: Callable[[Sequence[Any]], Any],
        apart: bool,
        fed: bool = False,
        options: CallOptions,
        group: object = None,
    ) -> Job:
        """Make the job of a call, at the replica whose turn it is.

        Raises:
            ClientClosed: The clients of all replicas are closed.
        """
        self._ask()
        closed: list[_Replica] = []
        while True:
            replica = self._choose(closed)
            endpoint = replica.endpoint
            headers = {**(endpoint.options.headers or {}), **(options.headers or {})}
            try:
                job = endpoint._submit(  # noqa: SLF001 (see above)
                    endpoint.info,
                    data,
                    value=value,
                    apart=apart,
                    fed=fed,
                    options=replace(options, headers=headers or None),
                    group=group,
                )
            except ClientClosed:
                closed.append(replica)
                if len(closed) == len(self._replicas):
                    raise
            else:
                with self._lock:
                    replica.jobs[job] = None
                job.add_done_callback(partial(self._ended, replica))
                return job
            finally:
                with self._lock:
                    replica.starting -= 1

    def loads(self) -> list[Load]:
        with self._lock:
            self._look()
            return [self._load(replica) for replica in self._replicas]

    def _load(self, replica: _Replica) -> Load:
        told = replica.waiting()
        return Load(
            replica.endpoint,
            replica.in_flight,
            None if told is None else told.queue_size,
            None if told is None else told.eta,
            replica.others,
            max(0.0, replica.rests_until - seconds_of(self._clock)),
        )

    def _ask(self) -> None:
        """Ask apps for the sizes of their queues, if it is time to."""
        if self._lasts is None:
            return
        with self._lock:
            now = seconds_of(self._clock)
            due = [each for each in self._replicas if now - each.asked_at >= self._lasts / 2]
            for replica in due:
                replica.asked_at = now
        for replica in due:
            queue_size = replica.endpoint._queue_size  # noqa: SLF001 (see above)
            if queue_size is not None:
                with suppress(ClientClosed):
                    queue_size().add_done_callback(partial(self._told, replica))

    def _told(self, replica: _Replica, size: Future[int]) -> None:
        if size.cancelled() or size.exception() is not None:
            return  # if it cannot be reached, its calls will say so
        with self._lock:
            replica.told(size.result(), seconds_of(self._clock))

    def _choose(self, closed: Sequence[_Replica]) -> _Replica:
        with self._lock:
            self._look()
            now = seconds_of(self._clock)
            left = [replica for replica in self._replicas if replica not in closed]
            awake = [replica for replica in left if replica.rests_until <= now]
            if awake:
                chosen = min(awake, key=_Replica.queue)
            else:
                chosen = min(left, key=lambda replica: replica.rests_until)
            self._turns += 1
            chosen.turn = self._turns
            chosen.starting += 1
            return chosen

    def _look(self) -> None:
        """See which of the newest calls have ended, with the lock held.

        Whoever makes a call because another has failed may be here before the news of it.
        """
        now = seconds_of(self._clock)
        for replica in self._replicas:
            if self._lasts is not None and now - replica.told_at > self._lasts:
                replica.others = None
            for job in list(islice(reversed(replica.jobs), _LOOKED_AT)):
                if job.done():
                    self._take_end(replica, job)

    def _ended(self, replica: _Replica, job: Future[Any]) -> None:
        with self._lock:
            if job in replica.jobs:
                self._take_end(replica, job)

    def _take_end(self, replica: _Replica, job: Future[Any]) -> None:
        del replica.jobs[job]  # type: ignore[arg-type] # it is one of them
        error = None if job.cancelled() else job.exception()
        if isinstance(error, _TURNED_AWAY):
            until = seconds_of(self._clock) + max(self._rest, error.retry_after or 0.0)
            replica.rests_until = max(until, replica.rests_until)
