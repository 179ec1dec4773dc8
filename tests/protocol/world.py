"""A Gradio queue and the network before it, as a model that can be driven in any order.

`World` connects session machines with a model of the server. Everything that
could happen next, be it on the server, on the wire or at a timer, is an item
of `World.choices()`; whoever calls decides which happens. So a race is a list
of numbers, and all of them can be tried.

The model does what Gradio's `queueing.py` and `routes.py` do, faults included:
a dropped stream kills the calls of its session some time later, `/cancel` ends
all running calls of the session and endpoint and tells only the named one, a
call that was cancelled while it waited runs later all the same (before 6.14),
and `/reset` (before 4.31) ends one generator that has yielded, without a word.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rxgradio.exceptions import ConnectionLost
from rxgradio.protocol import commands as do
from rxgradio.protocol import messages as wire
from rxgradio.protocol.dialects import Dialect, dialect_of
from rxgradio.protocol.event import Edits, Event, Values, fold
from rxgradio.protocol.session import Session
from rxgradio.updates import CancelOutcome, Status, StatusUpdate

AT = datetime(2026, 1, 1)


def _protocol(version: tuple[int, ...]) -> str:
    if version < (4, 17):
        return "sse_v1"
    return "sse_v2" if version < (4, 21) else "sse_v2.1" if version < (4, 22) else "sse_v3"


Choice = tuple[str, Callable[[], None]]


@dataclass(eq=False)
class Owner:
    """What one call was told."""

    name: str
    entries: list[Any] = field(default_factory=list)
    ends: list[Exception | None] = field(default_factory=list)
    outcomes: list[CancelOutcome] = field(default_factory=list)
    cancelled: bool = False
    """Its user has cancelled it, and hears no more."""

    @property
    def ended(self) -> bool:
        return bool(self.ends) or self.cancelled

    @property
    def outputs(self) -> list[Any]:
        """Return the outputs that a reader of the log would get."""
        data: Any = ()
        outputs: list[Any] = []
        for entry in self.entries:
            if isinstance(entry, Values | Edits):
                data = fold(data, entry)
                outputs.append(data[0])
        return outputs

    @property
    def codes(self) -> list[Status]:
        return [entry.code for entry in self.entries if isinstance(entry, StatusUpdate)]


@dataclass(eq=False)
class ServerEvent:
    """A call, as the server has it."""

    event_id: str
    session: str
    call: do.Call[Owner]
    state: str = "queued"  # running, done, dead
    yields: int = 0
    ran: bool = False


@dataclass(eq=False)
class StreamOnWire:
    """One connection of /queue/data."""

    side: Side
    generation: int
    requested: bool = True
    opened: bool = False
    attached: bool = False
    dropped: bool = False
    finished: bool = False
    items: list[wire.Message | ConnectionLost | None] = field(default_factory=list)


class Side:
    """One session machine, and the commands that it gave."""

    def __init__(self, world: World, session: Session[Owner]) -> None:
        self.world = world
        self.session = session
        self.timers: dict[do.Timer, float] = {}
        self.streams: dict[int, StreamOnWire] = {}

    def execute(self, commands: Iterable[do.Command[Owner]]) -> None:
        world = self.world
        for command in commands:
            match command:
                case do.PostJoin(call):
                    owner = call.owner
                    assert not owner.ended, f"{owner.name} was sent after its end"
                    world.joins.append((self, call))
                case do.PostCancel(call):
                    assert call.event_id is not None
                    assert call.event_id not in world.cancelled_ids, "a cancel was sent twice"
                    world.cancelled_ids.add(call.event_id)
                    world.cancels.append((self, call))
                case do.PostChunk(call, chunk):
                    world.chunks.append((call, chunk))
                case do.OpenStream(generation):
                    live = [s for s in self.streams.values() if s.attached and not s.finished]
                    assert not live, "two streams of one session at once"
                    stream = StreamOnWire(self, generation)
                    self.streams[generation] = stream
                    world.opens += 1
                case do.DropStream(generation):
                    self.streams[generation].dropped = True
                    world.cut(self.streams[generation])
                case do.Publish(call, entries, _):
                    assert entries
                    if not call.owner.ended:
                        call.owner.entries += entries
                case do.Finish(call, entries, _, error):
                    if not call.owner.cancelled:
                        call.owner.entries += entries
                        call.owner.ends.append(error)
                case do.TellCancel(call, outcome):
                    call.owner.outcomes.append(outcome)
                case do.Reroute(call):
                    world.new_side().submit(call)
                case do.SetTimer(timer, seconds):
                    self.timers[timer] = seconds
                case do.StopTimer(timer):
                    self.timers.pop(timer, None)

    def submit(self, call: do.Call[Owner]) -> None:
        self.world.side_of[call] = self
        self.execute(self.session.submit(call))


class World:
    """Session machines, the wire, and a server.

    Args:
        version: Of the server.
        lossy: Streams may break at any time.
        yields: How many outputs a call has before its last.
        has_state: The sessions are worth keeping.
        deaf: Cancels may go unanswered.
    """

    def __init__(
        self,
        version: str = "6.31.0",
        *,
        lossy: bool = False,
        yields: int = 1,
        has_state: bool = False,
        deaf: bool = False,
    ) -> None:
        self.version = tuple(map(int, version.split(".")))
        self.dialect: Dialect = dialect_of(_protocol(self.version), version)
        self.lossy = lossy
        self.yields = yields
        self.has_state = has_state
        self.ids = itertools.count()
        self.owners: list[Owner] = []
        self.side_of: dict[do.Call[Owner], Side] = {}
        self.calls: list[do.Call[Owner]] = []
        # On the wire.
        self.joins: list[tuple[Side, do.Call[Owner]]] = []
        self.answers: list[tuple[Side, do.Call[Owner], str]] = []
        self.cancels: list[tuple[Side, do.Call[Owner]]] = []
        self.cancel_answers: list[tuple[Side, do.Call[Owner], bool]] = []
        self.chunks: list[tuple[do.Call[Owner], bytes | None]] = []
        self.deaf = deaf
        self.cancelled_ids: set[str] = set()
        self.opens = 0
        self.losses = 0
        # On the server.
        self.events: dict[str, ServerEvent] = {}
        self.buffers: dict[str, list[wire.Message]] = {}
        self.pending: dict[str, set[str]] = {}
        self.cleanups: list[str] = []
        self.sides: list[Side] = []
        self.new_side()

    # ---- what a test does

    def new_side(self) -> Side:
        session: Session[Owner] = Session(
            f"s{len(self.sides)}", self.dialect, has_state=self.has_state, max_joins=3
        )
        self.sides.append(Side(self, session))
        return self.sides[-1]

    def submit(
        self, fn_index: int = 0, *, generator: bool = True, ordered: bool = False
    ) -> do.Call[Owner]:
        owner = Owner(f"call {len(self.owners)}")
        self.owners.append(owner)
        event = Event(self.dialect, 1, AT)
        call = do.Call(owner, fn_index, b"[]", event, generator, ordered)
        self.calls.append(call)
        self.sides[-1].submit(call)
        return call

    def cancel(self, call: do.Call[Owner]) -> None:
        if not call.owner.ended:
            call.owner.cancelled = True
            side = self.side_of[call]
            side.execute(side.session.cancel(call))

    # ---- what may happen next

    def choices(self) -> list[Choice]:
        found: list[Choice] = []
        for n, (_, call) in enumerate(self.joins):
            found.append((f"accept {call.owner.name}", lambda n=n: self._accept(n)))
        for n, (_, call, _id) in enumerate(self.answers):
            found.append((f"answer {call.owner.name}", lambda n=n: self._answer(n)))
        for n, (_, call) in enumerate(self.cancels):
            found.append((f"do cancel {call.owner.name}", lambda n=n: self._do_cancel(n)))
        if self.deaf:
            for n, (_, call) in enumerate(self.cancels):
                found.append((f"lose cancel {call.owner.name}", lambda n=n: self._lose_cancel(n)))
        for n, (_, call, _done) in enumerate(self.cancel_answers):
            found.append((f"answer cancel {call.owner.name}", lambda n=n: self._answer_cancel(n)))
        for event in self.events.values():
            name = event.call.owner.name
            if event.state == "queued":
                found.append((f"start {name}", lambda e=event: self._start(e)))
            elif event.state == "running" and event.yields < self.yields:
                found.append((f"yield {name}", lambda e=event: self._yield(e)))
            elif event.state == "running":
                found.append((f"complete {name}", lambda e=event: self._complete(e)))
        found.extend(
            ("clean up", lambda n=n: self._clean_up(self.cleanups.pop(n)))
            for n in range(len(self.cleanups))
        )
        for side in self.sides:
            on_wire = [each for stream in side.streams.values() for each in self._of_stream(stream)]
            found += on_wire
            for timer in side.timers:
                # What is on its way is never so late that a stream is dropped before.
                if timer is not do.Timer.SILENCE and not (timer is do.Timer.SETTLED and on_wire):
                    found.append((timer.value, lambda s=side, t=timer: self._due(s, t)))
        return found

    def _of_stream(self, stream: StreamOnWire) -> Iterable[Choice]:
        name = f"{stream.side.session.session_hash}/{stream.generation}"
        if stream.requested:
            yield f"attach {name}", lambda: self._attach(stream)
        if stream.opened and not stream.dropped:
            # The response header is on the wire before everything else.
            yield f"open {name}", lambda: self._open(stream)
        elif stream.items and not stream.dropped:
            yield f"deliver {name}", lambda: self._deliver(stream, 1)
            if len(stream.items) > 1:
                yield f"deliver all {name}", lambda: self._deliver(stream, len(stream.items))
        if stream.attached and self.buffers.get(stream.side.session.session_hash):
            yield f"read {name}", lambda: self._read(stream)
        if self.lossy and not stream.finished and not stream.dropped and self.losses < 2:
            yield f"lose {name}", lambda: self._lose(stream)

    def settle(self, limit: int = 5000) -> None:
        """Let everything happen that is still to happen, in a fair order."""
        for turn in range(limit):
            choices = [c for c in self.choices() if not c[0].startswith("lose")]
            # A server that closes in time is never too slow for the idle timer.
            busy = [c for c in choices if c[0] != do.Timer.IDLE.value] or choices
            if busy:
                busy[turn % len(busy)][1]()
            elif not self._wait():
                return
        raise AssertionError(f"never at rest: {[name for name, _ in self.choices()]}")

    def _wait(self) -> bool:
        """Let time pass, with heartbeats, if anybody waits; returns whether it did."""
        waiting = [call for call in self.calls if not call.owner.ended]
        sides = [side for side in self.sides if do.Timer.SILENCE in side.timers]
        if not waiting or not sides:
            return False
        for side in sides:
            self._due(side, do.Timer.SILENCE)
            generation = max(side.streams)
            side.execute(side.session.received(generation, [wire.Heartbeat()], AT))
        return True

    # ---- the server

    def _accept(self, n: int) -> None:
        side, call = self.joins.pop(n)
        name = side.session.session_hash
        event = ServerEvent(f"e{next(self.ids)}", name, call)
        self.events[event.event_id] = event
        self.buffers.setdefault(name, [])
        self.pending.setdefault(name, set()).add(event.event_id)
        self._say(event, wire.Estimation(event.event_id, 0, 1, None))
        self.answers.append((side, call, event.event_id))

    def _say(self, event: ServerEvent, message: wire.Message) -> None:
        if event.session in self.buffers:
            self.buffers[event.session].append(message)

    def _start(self, event: ServerEvent) -> None:
        event.state = "running"
        event.ran = True
        self._say(event, wire.Started(event.event_id, None))

    def _yield(self, event: ServerEvent) -> None:
        text = event.call.owner.name
        first = event.yields == 0
        event.yields += 1
        full = first or not self.dialect.sends_diffs
        data = [text + "+" * (event.yields - 1)] if full else [[["append", [], "+"]]]
        self._say(event, wire.Generating(event.event_id, data, None))

    def _complete(self, event: ServerEvent) -> None:
        event.state = "done"
        value = event.call.owner.name + "+" * (self.yields - 1)
        self._say(event, wire.Completed(event.event_id, [value], None, None, None))

    def _do_cancel(self, n: int) -> None:
        side, call = self.cancels.pop(n)
        event = self.events[call.event_id or ""]
        if self.dialect.cancel == "reset":
            done = event.state == "running" and event.yields > 0 and call.generator
            if done:
                event.state = "dead"
            self.cancel_answers.append((side, call, done))
            return
        for other in self.events.values():
            hit = other is event or (
                other.session == event.session and other.call.fn_index == call.fn_index
            )
            if hit and other.state == "running":
                assert other.call.owner.ended, f"a cancel has hit {other.call.owner.name}"
                other.state = "dead"
        if event.state == "queued" and self.version >= (6, 14):
            event.state = "dead"
        if event.event_id in self.pending.get(event.session, ()):
            self._say(event, wire.Completed(event.event_id, None, None, None, None))
        self.cancel_answers.append((side, call, True))

    def _clean_up(self, session: str) -> None:
        self.buffers.pop(session, None)
        for event in self.events.values():
            if event.session == session and event.state in {"queued", "running"}:
                event.state = "dead"

    def _attach(self, stream: StreamOnWire) -> None:
        stream.requested = False
        stream.opened = True
        if stream.side.session.session_hash in self.buffers:
            stream.attached = True
        else:
            stream.items += [
                wire.UnexpectedError(None, "404", session_not_found=True),
                ConnectionLost("broken off"),
            ]

    def _read(self, stream: StreamOnWire) -> None:
        name = stream.side.session.session_hash
        message = self.buffers[name].pop(0)
        stream.items.append(message)
        if isinstance(message, wire.Completed):
            pending = self.pending[name]
            if message.event_id in pending:
                pending.remove(message.event_id)
            elif self.version < (5, 46):
                # The KeyError of a second completion; the buffer stays.
                text = repr(message.event_id)
                stream.items += [
                    wire.UnexpectedError(None, text, session_not_found=False),
                    ConnectionLost("broken off"),
                ]
                stream.attached = False
                return
            if not pending:
                stream.items += (
                    [wire.CloseStream(), None] if self.dialect.announces_close else [None]
                )
                stream.attached = False

    # ---- the wire

    def _answer(self, n: int) -> None:
        side, call, event_id = self.answers.pop(n)
        side.execute(side.session.joined(call, event_id, AT))

    def _answer_cancel(self, n: int) -> None:
        side, call, done = self.cancel_answers.pop(n)
        side.execute(side.session.cancel_answered(call, ok=True, done=done))

    def _lose_cancel(self, n: int) -> None:
        side, call = self.cancels.pop(n)
        side.execute(side.session.cancel_answered(call, ok=False))

    def _open(self, stream: StreamOnWire) -> None:
        stream.opened = False
        stream.side.execute(stream.side.session.opened(stream.generation))

    def _deliver(self, stream: StreamOnWire, count: int) -> None:
        session = stream.side.session
        messages: list[wire.Message] = []
        end: list[ConnectionLost | None] = []
        for item in stream.items[:count]:
            if item is None or isinstance(item, ConnectionLost):
                end.append(item)
            else:
                messages.append(item)
        del stream.items[:count]
        if messages:
            stream.side.execute(session.received(stream.generation, messages, AT))
        if end and not stream.dropped:
            stream.finished = True
            stream.side.execute(session.ended(stream.generation, end[0], AT))

    def _due(self, side: Side, timer: do.Timer) -> None:
        del side.timers[timer]
        side.execute(side.session.timer_due(timer, AT))

    def _lose(self, stream: StreamOnWire) -> None:
        self.losses += 1
        if not stream.requested and not stream.opened and not self.dialect.resumes:
            stream.items.append(ConnectionLost("reset"))
        else:
            stream.opened = False
            stream.items = [ConnectionLost("reset")]
        self.cut(stream)

    def cut(self, stream: StreamOnWire) -> None:
        """Have the server notice, some time later, that the connection is gone."""
        if (stream.requested or stream.attached) and not self.dialect.resumes:
            self.cleanups.append(stream.side.session.session_hash)
        stream.requested = False
        stream.attached = False
