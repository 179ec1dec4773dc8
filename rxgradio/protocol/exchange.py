"""A call that is its own connection, as a machine: events in, commands out.

Before 4.9 there is no stream for a session: each call has a websocket (3.x) or
an event stream (4.0 to 4.8) of its own, the server asks on it for what it
needs, and closing it is how a call is cancelled. So nothing can be confused
with anything, and this machine is the small sister of `session.Session`.

It answers what it is asked, in whatever order: servers before 3.6 never ask for
the hash. Like the other one, it does no I/O and has no clock.
"""

from __future__ import annotations

__all__ = ["Exchange", "Turns"]

import math
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import chain, repeat
from typing import Generic, TypeVar

from ..exceptions import AppError
from ..options import Limits
from ..updates import CancelOutcome
from . import messages as wire
from .commands import (
    Call,
    Connect,
    ExchangeCommand,
    Finish,
    GiveData,
    GiveHash,
    HangUp,
    Phase,
    Publish,
    SetTimer,
    TellCancel,
    Timer,
)
from .dialects import Dialect
from .ends import closed, cut, dead_queue, outcome_after, outcome_of_drop, silent
from .event import Entry

T = TypeVar("T")


class Exchange(Generic[T]):
    """One call, and the connection that it lives on.

    Args:
        call: The call, not sent yet.
        dialect: What holds for the server.
        limits: Their `silence` is how long an event stream may say nothing at all,
            and after which no message about the call is the sign of a dead queue
            (noticed within a third more).
    """

    def __init__(self, call: Call[T], dialect: Dialect, limits: Limits = Limits()) -> None:
        self.call = call
        self._dialect = dialect
        self._tick = limits.silence / 3
        self._quiet_ticks = 0
        self._mute_ticks = 0
        self._given = False

    @property
    def accepted(self) -> bool:
        """Whether the server has said anything about the call, or all that it had to say."""
        return self.call.phase in {Phase.JOINED, Phase.GONE}

    def start(self) -> list[ExchangeCommand[T]]:
        """Make the call."""
        self.call.phase = Phase.JOINING
        return [Connect(), SetTimer(Timer.SILENCE, self._tick)]

    def received(
        self, messages: Iterable[wire.Message], at: datetime, *, sizes: Iterable[int] = ()
    ) -> list[ExchangeCommand[T]]:
        """The connection has brought some bytes, and perhaps messages with them, of some sizes."""
        call = self.call
        commands: list[ExchangeCommand[T]] = []
        news: list[Entry] = []
        if call.phase is Phase.GONE:
            return commands
        self._quiet_ticks = 0
        for message, size in zip(messages, chain(sizes, repeat(0)), strict=False):
            if isinstance(message, wire.SendHash):
                commands.append(GiveHash())
            elif not isinstance(message, wire.Heartbeat):
                # Whatever it is, the queue lives.
                call.phase = Phase.JOINED
                news += call.event.receive(message, at, size)
            if isinstance(message, wire.SendData):
                call.event_id = message.event_id
                self._given = True
                commands.append(GiveData())
            if call.event.ended:
                # On websockets a `progress` may come after the end.
                commands.append(Finish(call, news, call.event.status, call.event.error))
                return self._hang_up(commands)
        if news:
            commands.append(Publish(call, news, call.event.status))
        return commands

    def postponed(self, seconds: float) -> None:
        """The server did not take the call yet, and it is tried again in some seconds."""
        self._mute_ticks = self._quiet_ticks = -math.ceil(seconds / self._tick)

    def ended(self, error: Exception | None, at: datetime) -> list[ExchangeCommand[T]]:
        """The connection is gone: the server has closed it properly if `error` is None."""
        if error is None and self._dialect.queue == "websocket" and self.accepted:
            # The app's own stop button ends a call in this way (cancel_tasks of 3.x).
            error = AppError("the call was cancelled on the server, by the app itself")
        return self._fail(error or cut(), at)

    def cancel(self) -> list[ExchangeCommand[T]]:
        """Let go of the call, which has ended for its user."""
        call = self.call
        if call.phase is Phase.GONE:
            return [TellCancel(call, outcome_after(call.event))]
        if call.phase is Phase.UNSENT:
            outcome = CancelOutcome.NOT_SENT
        else:
            outcome = outcome_of_drop(
                started=self._given,  # the server asks for the data when it is the call's turn
                generator=call.generator or call.event.yielded,  # before 3.17 it tells of none
            )
        return self._hang_up([TellCancel(call, outcome)])

    def close(self, at: datetime) -> list[ExchangeCommand[T]]:
        """End the call because its client is closed."""
        return self._fail(closed(), at)

    def timer_due(self, at: datetime) -> list[ExchangeCommand[T]]:
        """A third of the time has passed after which silence is a loss."""
        call = self.call
        if call.phase is Phase.GONE:
            return []
        self._quiet_ticks += 1
        self._mute_ticks += 1
        seconds = 3 * self._tick
        if call.phase is Phase.JOINING and self._mute_ticks > 3:
            return self._fail(dead_queue(seconds), at)
        # Websockets have pings of their own, and no heartbeats.
        if self._dialect.queue == "connection" and self._quiet_ticks > 3:
            return self._fail(silent(seconds), at)
        return [SetTimer(Timer.SILENCE, self._tick)]

    def _fail(self, error: Exception, at: datetime) -> list[ExchangeCommand[T]]:
        call = self.call
        if call.phase is Phase.GONE:
            return []
        entries = call.event.end(error, at)
        return self._hang_up([Finish(call, entries, call.event.status, call.event.error)])

    def _hang_up(self, commands: list[ExchangeCommand[T]]) -> list[ExchangeCommand[T]]:
        if self.call.phase is not Phase.UNSENT:
            commands.append(HangUp())
        self.call.phase = Phase.GONE
        return commands


_MOST = 100
"""Connections that may be open."""


class Turns(Generic[T]):
    """Which of the exchanges with one app may start.

    Calls that share State start when the one before them has been accepted, so
    that they keep their order. On 3.x, two calls of one generator in one session
    continue each other's output (`iterators` of routes.py, by session and
    function), so there the second waits for the end of the first.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._open: list[Exchange[T]] = []
        self._waiting: deque[Exchange[T]] = deque()
        self._ordered: deque[Exchange[T]] = deque()

    def submit(self, exchange: Exchange[T]) -> None:
        """Take an exchange in."""
        (self._ordered if exchange.call.ordered else self._waiting).append(exchange)

    def due(self) -> list[Exchange[T]]:
        """Take the exchanges that are to be started now."""
        due: list[Exchange[T]] = []
        while exchange := self._next():
            self._open.append(exchange)
            due.append(exchange)
        return due

    def closed(self, exchange: Exchange[T]) -> None:
        """Take note that the connection of an exchange is closed."""
        if exchange in self._open:
            self._open.remove(exchange)

    def _next(self) -> Exchange[T] | None:
        for waiting in (self._ordered, self._waiting):
            while waiting and waiting[0].call.phase is Phase.GONE:
                waiting.popleft()
        if len(self._open) >= _MOST:
            return None
        if self._ordered and self._may_start(self._ordered[0].call):
            return self._ordered.popleft()
        return self._waiting.popleft() if self._waiting else None

    def _may_start(self, call: Call[T]) -> bool:
        ordered = [other for other in self._open if other.call.ordered]
        if not all(other.accepted for other in ordered):
            return False
        mixed = self._dialect.queue == "websocket" and call.generator
        return not mixed or all(other.call.fn_index != call.fn_index for other in ordered)
