"""Lanes: session machines, and the asyncio tasks that carry out their commands.

A lane is one session hash with its stream. The machine decides everything;
a `Lane` posts, opens, closes, waits and reports back. `Lanes` decides which
lane a call takes. Everything here runs on the scheduler thread.
"""

from __future__ import annotations

__all__ = ["Lane", "Lanes"]

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias, assert_never
from urllib.parse import quote

import orjson

from ..clock import now
from ..exceptions import ConnectionLost, RxGradioError
from ..options import Limits
from ..patience import persist, unaccepted
from ..protocol import commands as do
from ..protocol.answers import event_id_of, json_of, stream_refusal
from ..protocol.dialects import Dialect
from ..protocol.messages import parse
from ..protocol.session import Session
from ..protocol.shapes import as_object
from ..protocol.sse import SSEDecoder
from .interface import LAST_BYTES, Stream, Transport, unexpected
from .submission import Submission

logger = logging.getLogger("rxgradio")

_CANCEL_TIMEOUT = 5.0
"""Seconds that the server gets to answer a cancel."""

_AGAIN = frozenset({429, 502, 503, 504})
"""HTTP statuses of a stream that may be there a moment later."""


Call: TypeAlias = "do.Call[Submission]"
Command: TypeAlias = "do.Command[Submission]"


class Lanes:
    """All lanes to one app, and the choice among them.

    The *main* lane is the session in which State lives, and which `submit` and
    `predict` share. A call that is likely to be cancelled takes a lane of its
    own if one of the same endpoint is unfinished in the main one, since a
    cancel reaches all of them. Any call goes round a session in which its
    endpoint has a cancel to come. Endpoints with State have no choice. Lanes
    that have become idle are used again.
    """

    def __init__(
        self,
        transport: Transport,
        prefix: str,
        dialect: Dialect,
        session_hash: str,
        *,
        has_state: bool,
        limits: Limits,
        on_session: Callable[[str], object],
    ) -> None:
        self._on_session = on_session
        self._transport = transport
        self._prefix = prefix
        self._dialect = dialect
        self._has_state = has_state
        self._limits = limits
        self._all: dict[Lane, None] = {}  # in order: no set has one
        self._idle: dict[Lane, None] = {}  # an ordered set
        self._detours: dict[int, Lane] = {}
        self._groups: dict[object, Lane] = {}
        self._left: set[Lane] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._main = self._open(session_hash, has_state=has_state)

    @property
    def session_hash(self) -> str:
        """Under which State lives."""
        return self._main.session.session_hash

    def submit(self, submission: Submission) -> None:
        """Send a call on its way."""
        self._choose(submission).submit(submission)

    def reset(self) -> None:
        """Begin another session, without the State of this one; its calls go on."""
        left = self._main
        self._renew()
        if left.session.at_rest:
            self._close(left)
        else:
            self._left.add(left)

    async def aclose(self) -> None:
        """End all calls and close all streams."""
        await asyncio.gather(*(lane.aclose() for lane in list(self._all)), *self._closing)

    def _renew(self) -> None:
        self._main = self._open(uuid.uuid4().hex, has_state=self._has_state)
        self._on_session(self.session_hash)

    def _close(self, lane: Lane) -> None:
        self._all.pop(lane, None)
        closing = asyncio.get_running_loop().create_task(lane.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _choose(self, submission: Submission) -> Lane:
        if self._main.session.retired:
            self._renew()
        fn_index = submission.call.fn_index
        main = self._main.session
        if submission.has_state:
            return self._main
        if submission.apart and submission.group is not None:
            return self._shared(submission.group, fn_index)
        if submission.apart:
            # Where State keeps the stream of the main lane open, a call that waits
            # cannot be removed by dropping it.
            fixed = self._has_state and not self._dialect.cancel_removes_queued
            return self._spare() if fixed or main.has(fn_index) else self._main
        if not main.has_ghost(fn_index):
            return self._main
        detour = self._detours.get(fn_index)
        if detour is None or detour.session.retired or detour.session.has_ghost(fn_index):
            detour = self._detours[fn_index] = self._spare()
        return detour

    def _shared(self, group: object, fn_index: int) -> Lane:
        """Return the lane of a group; another one if a cancel of one of its calls is still owed.

        The calls there are few, and end: then the cancel is sent, as it harms none any more.
        """
        lane = self._groups.get(group)
        if lane is None or lane.session.retired or lane.session.has_ghost(fn_index):
            lane = self._groups[group] = self._spare()
        return lane

    def _spare(self) -> Lane:
        while self._idle:
            lane, _ = self._idle.popitem()
            if not lane.session.retired:
                return lane
        return self._open(uuid.uuid4().hex)

    def _open(self, session_hash: str, *, has_state: bool = False) -> Lane:
        session: Session[Submission] = Session(
            session_hash, self._dialect, has_state=has_state, limits=self._limits
        )
        lane = Lane(session, self)
        self._all[lane] = None
        return lane

    def at_rest(self, lane: Lane) -> None:
        """Take note that a lane has no call, so that it may be used again."""
        self._ungroup(lane)
        if lane in self._left:
            self._left.discard(lane)
            self._close(lane)
        elif not lane.session.retired and lane not in (self._main, *self._detours.values()):
            self._idle[lane] = None

    def at_end(self, lane: Lane) -> None:
        """Take note that a lane will never be used again."""
        self._all.pop(lane, None)
        self._left.discard(lane)
        self._idle.pop(lane, None)
        self._ungroup(lane)

    def _ungroup(self, lane: Lane) -> None:
        for group in [group for group, its in self._groups.items() if its is lane]:
            del self._groups[group]

    @property
    def transport(self) -> Transport:
        """What all lanes send with."""
        return self._transport

    @property
    def limits(self) -> Limits:
        """What the server may do."""
        return self._limits

    def path(self, route: str) -> str:
        """Return the path of a route of the app's API."""
        return self._prefix + route

    @property
    def cancel_path(self) -> str:
        """Where a cancel is posted to."""
        return self.path(f"/{self._dialect.cancel}")


class Lane:
    """A session machine and its tasks."""

    def __init__(self, session: Session[Submission], lanes: Lanes) -> None:
        self.session = session
        self._lanes = lanes
        self._transport = lanes.transport
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._streams: dict[int, asyncio.Task[None]] = {}
        self._timers: dict[do.Timer, asyncio.TimerHandle] = {}

    def submit(self, submission: Submission) -> None:
        """Send a call on its way."""
        submission.way = self
        self._execute(self.session.submit(submission.call))

    def cancel(self, submission: Submission) -> None:
        """Let go of a call that has ended for its user."""
        self._execute(self.session.cancel(submission.call))

    def feed(self, submission: Submission, chunk: bytes | None, *, latest: bool) -> None:
        """Take a further input of a streaming call, or None as their end."""
        self._execute(self.session.feed(submission.call, chunk, latest=latest))

    async def aclose(self) -> None:
        """End all calls, and the stream."""
        self._execute(self.session.close(now()))
        for timer in self._timers.values():
            timer.cancel()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- what the machine asks for

    def _execute(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case do.Publish(call, entries, status):
                    call.owner.sink.publish(entries, status)
                case do.Finish(call, entries, status, error):
                    call.owner.sink.finish(entries, status, error)
                case do.PostJoin(call):
                    call.owner.sink.publish(call.event.joining(now()), call.event.status)
                    self._start(self._join(call))
                case do.PostCancel(call):
                    self._start(self._cancel(call))
                case do.PostChunk(call, chunk):
                    self._start(self._post_chunk(call, chunk))
                case do.OpenStream(generation):
                    self._streams[generation] = self._start(self._read(generation))
                case do.DropStream(generation):
                    if reader := self._streams.pop(generation, None):
                        reader.cancel()
                case do.TellCancel(call, outcome):
                    call.owner.sink.cancel_told(outcome)
                case do.Reroute(call):
                    self._lanes.submit(call.owner)
                case do.SetTimer(timer, seconds):
                    self._stop(timer)
                    loop = asyncio.get_running_loop()
                    self._timers[timer] = loop.call_later(seconds, self._due, timer)
                case do.StopTimer(timer):
                    self._stop(timer)
                case _:
                    assert_never(command)
        if self.session.at_rest:
            self._lanes.at_rest(self)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if self.session.retired and not self._tasks:
            self._lanes.at_end(self)

    def _stop(self, timer: do.Timer) -> None:
        if handle := self._timers.pop(timer, None):
            handle.cancel()

    def _due(self, timer: do.Timer) -> None:
        self._timers.pop(timer, None)
        self._execute(self.session.timer_due(timer, now()))

    # ---- what comes of it

    async def _join(self, call: Call) -> None:
        body = orjson.dumps(self._body(call, call.data))
        path = self._lanes.path("/queue/join")

        async def post() -> str:
            return event_id_of(await self._transport.post(path, body, call.options.headers))

        try:
            event_id = await persist(
                post, call.options.retry, unaccepted, wanted=lambda: self.session.awaits(call)
            )
        except RxGradioError as error:
            self._execute(self.session.join_failed(call, error, now()))
        except Exception as error:  # noqa: BLE001 (a bug or a plug-in must not leave a call hanging)
            self._execute(self.session.join_failed(call, unexpected(error), now()))
        else:
            self._execute(self.session.joined(call, event_id, now()))

    def _body(self, call: Call, data: bytes) -> dict[str, Any]:
        return {
            "data": orjson.Fragment(data),
            "event_data": None,
            "fn_index": call.fn_index,
            "trigger_id": None,
            "session_hash": self.session.session_hash,
            **({} if call.oauth_token is None else {"oauth_token": call.oauth_token}),
        }

    async def _post_chunk(self, call: Call, chunk: bytes | None) -> None:
        path = self._lanes.path(f"/stream/{quote(call.event_id or '', safe='')}")
        try:
            if chunk is None:
                path += "/close"
            body = b"{}" if chunk is None else orjson.dumps(self._body(call, chunk))
            answer = await self._transport.post(path, body, call.options.headers)
            # 404 (6.x) or 500 (5.x): the call has ended meanwhile, as its stream will say.
            if answer.status not in {404, 500}:
                json_of(answer, "the answer to a chunk")
        except RxGradioError as error:
            self._execute(self.session.chunk_failed(call, error, now()))
        except Exception as error:  # noqa: BLE001 (as below: nobody may be left waiting)
            self._execute(self.session.chunk_failed(call, unexpected(error), now()))

    async def _cancel(self, call: Call) -> None:
        body = {
            "event_id": call.event_id,
            "fn_index": call.fn_index,
            "session_hash": self.session.session_hash,
        }
        ok = done = False
        try:
            async with asyncio.timeout(_CANCEL_TIMEOUT):
                answer = await self._transport.post(
                    self._lanes.cancel_path, orjson.dumps(body), call.options.headers
                )
            ok = answer.status == 200
            done = (
                ok and as_object(json_of(answer, "the answer to a cancel")).get("success") is True
            )
        except Exception as error:  # noqa: BLE001 (whatever it was, the session must know)
            logger.debug("a cancel was not answered: %s", error)
        self._execute(self.session.cancel_answered(call, ok=ok, done=done))

    async def _read(self, generation: int) -> None:
        decoder = SSEDecoder(limit=self._lanes.limits.event)
        path = self._lanes.path(f"/queue/data?session_hash={self.session.session_hash}")
        error: RxGradioError | None = None
        try:
            async with asyncio.timeout(None) as patience, self._transport.stream(path) as stream:
                error = stream_refusal(stream.answer)
                if error is None:
                    await self._listen(generation, decoder, stream, patience)
                elif stream.answer.status in _AGAIN:
                    self._execute(self.session.refused(generation, error, now()))
        except TimeoutError:
            pass  # it had said all that it had to say, only not ended
        except ConnectionLost as lost:
            error = lost
            if not lost.sent:
                self._execute(self.session.refused(generation, error, now()))
        except RxGradioError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 (as above: nobody may be left waiting)
            error = unexpected(raised)
        finally:
            self._streams.pop(generation, None)
        self._execute(self.session.ended(generation, error, now(), torn=decoder.torn))

    async def _listen(
        self, generation: int, decoder: SSEDecoder, stream: Stream, patience: asyncio.Timeout
    ) -> None:
        session = self.session
        self._execute(session.opened(generation))
        async for chunk in stream.chunks():
            events = decoder.feed(chunk)
            messages = [parse(data, self._lanes.limits.memory) for data in events]
            sizes = [len(data) for data in events]
            self._execute(session.received(generation, messages, now(), sizes=sizes))
            if not session.listens_to(generation) and patience.when() is None:
                patience.reschedule(asyncio.get_running_loop().time() + LAST_BYTES)
