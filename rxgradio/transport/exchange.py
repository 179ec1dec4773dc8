"""Calls that are connections: exchange machines, and the tasks that carry out their commands.

For servers before 4.9. Runs on the scheduler thread.
"""

from __future__ import annotations

__all__ = ["Exchanges"]

import asyncio
import uuid
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, assert_never
from urllib.parse import urlencode

import orjson

from ..clock import now
from ..exceptions import ConnectionLost, RxGradioError
from ..options import Limits
from ..patience import persist, unaccepted
from ..protocol import commands as do
from ..protocol.answers import json_of, stream_refusal
from ..protocol.commands import Phase
from ..protocol.dialects import Dialect
from ..protocol.ends import outcome_after
from ..protocol.exchange import Exchange, Turns
from ..protocol.messages import parse
from ..protocol.sse import SSEDecoder
from .interface import LAST_BYTES, Transport, unexpected
from .submission import Submission

Command: TypeAlias = "do.ExchangeCommand[Submission]"


class Exchanges:
    """The calls to an app whose queue wants a connection for each.

    Args:
        transport: What everything is sent with.
        prefix: The path of the app's API.
        session_hash: Under which State lives.
    """

    def __init__(
        self,
        transport: Transport,
        prefix: str,
        dialect: Dialect,
        session_hash: str,
        *,
        limits: Limits = Limits(),
        on_session: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.session_hash = session_hash
        self._on_session = on_session
        self.dialect = dialect
        self.transport = transport
        self.prefix = prefix
        self.limits = limits
        self._turns: Turns[Submission] = Turns(dialect)
        self._lines: dict[Submission, _Line] = {}

    def submit(self, submission: Submission) -> None:
        """Send a call on its way."""
        submission.way = self
        line = _Line(submission, self)
        self._lines[submission] = line
        self._turns.submit(line.exchange)
        self.go_on()

    def cancel(self, submission: Submission) -> None:
        """Let go of a call that has ended for its user."""
        line = self._lines.get(submission)
        if line is None:
            submission.sink.cancel_told(outcome_after(submission.call.event))
        else:
            line.execute(line.exchange.cancel())

    def reset(self) -> None:
        """Begin another session, without the State of this one; its calls go on."""
        self.session_hash = uuid.uuid4().hex
        self._on_session(self.session_hash)

    async def aclose(self) -> None:
        """End all calls, and close all connections."""
        lines = list(self._lines.values())
        for line in lines:
            line.execute(line.exchange.close(now()))
        tasks = [line.task for line in lines if line.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def go_on(self) -> None:
        """Start the calls whose turn it is."""
        for exchange in self._turns.due():
            self._lines[exchange.call.owner].begin()

    def at_end(self, submission: Submission) -> None:
        """Take note that the connection of a call is closed."""
        if line := self._lines.pop(submission, None):
            self._turns.closed(line.exchange)
            self.go_on()


class _Line:
    """One exchange and its connection."""

    def __init__(self, submission: Submission, exchanges: Exchanges) -> None:
        self.exchange = Exchange(submission.call, exchanges.dialect, exchanges.limits)
        self.task: asyncio.Task[None] | None = None
        self._submission = submission
        self._exchanges = exchanges
        self._transport = exchanges.transport
        # On 3.x, calls of one generator in one session mix their outputs up.
        shared = submission.has_state or exchanges.dialect.queue == "connection"
        self._session_hash = exchanges.session_hash if shared else uuid.uuid4().hex
        self._asked: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Make the call."""
        call = self.exchange.call
        self._submission.sink.publish(call.event.joining(now()), call.event.status)
        self.execute(self.exchange.start())

    def execute(self, commands: Iterable[Command]) -> None:
        """Do what the machine asks for."""
        sink = self._submission.sink
        call = self.exchange.call
        for command in commands:
            match command:
                case do.Connect():
                    self.task = asyncio.get_running_loop().create_task(self._run())
                    # Until it has ended, its connection counts among those that are open.
                    # (Not a `finally` in it: it may be cancelled before it has begun.)
                    self.task.add_done_callback(lambda _: self._exchanges.at_end(self._submission))
                case do.GiveHash():
                    self._asked.append(orjson.dumps(self._who()))
                case do.GiveData():
                    self._asked.append(orjson.dumps(self._body()))
                case do.HangUp():
                    self._hang_up()
                case do.Publish(_, entries, status):
                    sink.publish(entries, status)
                case do.Finish(_, entries, status, error):
                    sink.finish(entries, status, error)
                case do.TellCancel(_, outcome):
                    sink.cancel_told(outcome)
                case do.SetTimer(_, seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self._due)
                case _:
                    assert_never(command)
        if call.phase is Phase.GONE and self.task is None:
            self._exchanges.at_end(self._submission)  # it was never sent
        else:
            self._exchanges.go_on()

    def _hang_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def _due(self) -> None:
        self.execute(self.exchange.timer_due(now()))

    def _who(self) -> dict[str, Any]:
        return {"fn_index": self.exchange.call.fn_index, "session_hash": self._session_hash}

    def _body(self) -> dict[str, Any]:
        call = self.exchange.call
        body = {"data": orjson.Fragment(call.data), "event_data": None, **self._who()}
        return body if call.event_id is None else {**body, "event_id": call.event_id}

    # ---- the connection

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            await persist(
                self._over_websocket
                if self._exchanges.dialect.queue == "websocket"
                else self._over_stream,
                self.exchange.call.options.retry,
                unaccepted,
                wanted=lambda: self.exchange.call.phase is Phase.JOINING,
                waiting=self.exchange.postponed,
            )
        except RxGradioError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 (a bug or a plug-in must not leave a call hanging)
            error = unexpected(raised)
        self.execute(self.exchange.ended(error, now()))

    @property
    def _over(self) -> bool:
        return self.exchange.call.phase is Phase.GONE

    async def _over_websocket(self) -> None:
        path = self._exchanges.prefix + "/queue/join"
        headers = self.exchange.call.options.headers
        async with self._transport.websocket(path, headers) as socket:
            async for message in socket.messages():
                parsed = parse(message, self._exchanges.limits.memory)
                self.execute(self.exchange.received([parsed], now(), sizes=[len(message)]))
                if self._over:
                    return
                for asked in self._take_asked():
                    await socket.send(asked)

    async def _over_stream(self) -> None:
        path = f"{self._exchanges.prefix}/queue/join?{urlencode(self._who())}"
        headers = self.exchange.call.options.headers
        limits = self._exchanges.limits
        decoder = SSEDecoder(limit=limits.event)
        try:
            async with (
                asyncio.timeout(None) as patience,
                self._transport.stream(path, headers) as stream,
            ):
                if refusal := stream_refusal(stream.answer):
                    raise refusal
                async for chunk in stream.chunks():
                    events = decoder.feed(chunk)
                    messages = [parse(data, limits.memory) for data in events]
                    sizes = [len(data) for data in events]
                    self.execute(self.exchange.received(messages, now(), sizes=sizes))
                    if self._over and patience.when() is None:
                        # When its body has ended, the connection can be used again.
                        patience.reschedule(asyncio.get_running_loop().time() + LAST_BYTES)
                    for asked in self._take_asked():
                        await self._hand_over(asked)
        except (TimeoutError, ConnectionLost):
            if not self._over:
                raise

    async def _hand_over(self, asked: bytes) -> None:
        path = self._exchanges.prefix + "/queue/data"
        options = self.exchange.call.options

        async def post() -> None:
            json_of(await self._transport.post(path, asked, options.headers), "the data of a call")

        await persist(post, options.retry, unaccepted, waiting=self.exchange.postponed)

    def _take_asked(self) -> list[bytes]:
        asked, self._asked = self._asked, []
        return asked
