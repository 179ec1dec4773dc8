"""A session with a Gradio queue, as a machine: events in, commands out.

One session hash, many calls, one stream. Each call is posted to the queue (a
*join*) and answered with an event id; what happens to it arrives on the one
stream of the session, under that id. The stream and the answers travel on
different connections and arrive in any order, and that is where clients lose
jobs. This machine cannot, because of five rules:

* **Early messages wait.** A message may arrive before the answer that tells
  whose it is. While a join is in flight, messages of unknown events are kept,
  and handed to their call as soon as its answer is there.
* **A clean end is not the end.** The server closes the stream when it knows of
  nothing unfinished. A call that it accepts a moment later has its messages
  kept on the server until a stream is opened again; so whenever a stream has
  ended cleanly and a call is unfinished, another is opened. Streams are
  numbered: each is a *generation*, and news of an old one changes nothing.
* **A loss is the end.** When a stream breaks, the server forgets all calls of
  its session, although a later call makes a re-opened stream look healthy. So
  a loss ends every unfinished call at once, those included whose join was in
  flight: nobody can tell on which side of the loss they arrived. The session
  is then *retired*, because the server's belated clean-up may take along the
  next call of that session hash; what was not sent yet moves to another. Only
  servers that do not notice a loss (`Dialect.resumes`) go on where they were.
* **A call ends by its own completion**, never because the stream did.
* **A cancel harms no sibling.** Gradio's `/cancel` ends every running call of
  the session and endpoint, and tells only the one that was named. It is sent
  once, when no living call would be hit, and until it is answered no call of
  that endpoint is joined. It is sent when it has an effect: most servers run a
  call that was cancelled while it waited all the same, so they are told when it
  has started; or the stream is dropped, which removes it, if nobody needs that.

Answers overtake each other on the way, and so do joins. Calls that share State
are *ordered*: each is posted when the one before it has been answered.

A cancelled call has ended for its user at once. Here it lives on as a *ghost*
until the server lets go of it, so that its late messages are known for what
they are.

The machine does no I/O and has no clock. Its methods are what may happen, in
any order; each returns the commands that follow from it.
"""

from __future__ import annotations

__all__ = ["Session"]

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import chain, repeat, takewhile
from typing import Generic, TypeVar

from ..exceptions import ConnectionLost, ProtocolError, RxGradioError, ServerStopped
from ..options import Limits
from ..updates import CancelOutcome
from . import messages as wire
from .commands import (
    Call,
    Command,
    DropStream,
    Finish,
    OpenStream,
    Phase,
    PostCancel,
    PostChunk,
    PostJoin,
    Publish,
    Reroute,
    SetTimer,
    StopTimer,
    TellCancel,
    Timer,
    take_chunk,
)
from .dialects import Dialect
from .ends import closed, cut, dead_queue, outcome_after, outcome_of_drop, outcome_unjoined, silent
from .event import Entry

T = TypeVar("T")

_IDLE = 2.0
"""Seconds that the server gets to close a stream on which nothing is left to say."""

_MOST_OPENS = 10
"""Streams opened in a row without the end of any call; one more would be a loss."""

_LONGEST = 60.0
"""Seconds in all to wait with opening a stream, if the server asks for it; more is a loss."""

_SPARED = 0.2
"""Seconds before a cancel that would hit siblings is told to have been put off: they
may be about to be cancelled too."""

_SETTLED = 0.2
"""Seconds for what the server has to say at once when a stream was opened: that a cancelled
call has started, or that it does not know the session."""

_MOST_CANCELS = 16
"""Cancels of one endpoint that may be in flight."""

_MOST_RESUMED = 40
"""Ticks of the silence timer (ten minutes) for which a call may say nothing after its
stream was opened again: its end may have been on its way when the stream broke."""

_END_LOST = "the end of the call may have been lost while the connection was broken"

_END_UNHEARD = (
    "the stream was closed as if the call had ended, but its end did not arrive, or could not "
    "be read"
)

_MOST_EARLY = 10_000
"""Messages of unknown events that are kept while joins are in flight."""

_SMALL = 1024
"""Bytes as which a message counts that is smaller: it takes as much when it is parsed."""


class _Stream(Enum):
    CLOSED = "closed"
    DELAYED = "delayed"  # closed, until a timer runs down
    OPENING = "opening"
    OPEN = "open"


@dataclass(slots=True)
class _Early:
    """Messages of an event that no answer has named yet."""

    last: int
    """The last join that was posted before the first of them came, so that one
    posted later cannot be answered with this event."""
    messages: list[wire.Message] = field(default_factory=list[wire.Message])
    sizes: list[int] = field(default_factory=list[int])
    size: int = 0
    """Bytes that they had on the wire."""


class Session(Generic[T]):
    """The calls of one session hash, and its stream.

    Args:
        session_hash: Names the session to the server.
        dialect: What holds for the server.
        has_state: The app keeps State under the session hash, so that an idle
            stream is worth keeping.
        max_joins: How many joins may be in flight.
        limits: Their `silence` is how long a stream may say nothing (noticed within a
            third more), and `early` how much is kept for calls about to be accepted.
    """

    def __init__(
        self,
        session_hash: str,
        dialect: Dialect,
        *,
        has_state: bool = False,
        max_joins: int = 16,
        limits: Limits = Limits(),
    ) -> None:
        self.session_hash = session_hash
        self.retired = False
        self._dialect = dialect
        self._has_state = has_state
        self._max_joins = max_joins
        self._tick = limits.silence / 3

        # Calls on their way. What was withdrawn unsent stays where it waits, and
        # is passed over when its turn comes.
        self._waiting: deque[Call[T]] = deque()
        self._ordered: deque[Call[T]] = deque()
        self._held: dict[int, deque[Call[T]]] = {}  # while their endpoint has a cancel in flight
        self._joining: dict[Call[T], int] = {}  # and the number of the join
        self._joins = 0
        self._joined: dict[str, Call[T]] = {}  # by event id
        self._early: dict[str, _Early] = {}
        self._early_count = 0
        self._early_size = 0
        self._most_early = limits.early

        # Per endpoint: calls that are alive, those of them that were sent, the
        # ghosts, and the cancels in flight, each with the ghosts that it will hit.
        self._alive: Counter[int] = Counter()
        self._sent: Counter[int] = Counter()
        self._ghosts: dict[int, dict[Call[T], None]] = {}
        self._cancelling: dict[int, dict[Call[T], list[Call[T]]]] = {}

        self._stream = _Stream.CLOSED
        self._generation = 0
        self._opens = 0  # since a call has last ended by its completion
        self._put_off = 0.0  # seconds that the server asked for, since it was open
        self._proven = False  # a stream opened again has brought something, or had time to
        self._quiet_ticks = 0
        self._idling = False
        self._settling = False
        self._sparing = False

    # ---- what others may ask

    def has(self, fn_index: int) -> bool:
        """Whether a call of this endpoint is unfinished here, ghosts included."""
        return self._alive[fn_index] > 0 or self.has_ghost(fn_index)

    def has_ghost(self, fn_index: int) -> bool:
        """Whether a cancel of a call of this endpoint is still to be sent or answered."""
        return bool(self._ghosts.get(fn_index)) or fn_index in self._cancelling

    @property
    def at_rest(self) -> bool:
        """Whether no call is unfinished, ghosts included."""
        return not (self._joining or self._joined or self._cancelling or self._alive.total())

    def awaits(self, call: Call[T]) -> bool:
        """Whether anybody still waits for a call to be accepted."""
        return call in self._joining and not call.ghost

    def listens_to(self, generation: int) -> bool:
        """Whether what a stream brings is still wanted."""
        return generation == self._generation and self._stream is _Stream.OPEN

    # ---- what may happen: the user

    def submit(self, call: Call[T]) -> list[Command[T]]:
        """Take a call in."""
        if self.retired:
            return [Reroute(call)]
        (self._ordered if call.ordered else self._waiting).append(call)
        self._alive[call.fn_index] += 1
        return self._go_on([])

    def cancel(self, call: Call[T]) -> list[Command[T]]:
        """Let go of a call that has ended for its user."""
        commands: list[Command[T]] = []
        if call.phase is Phase.GONE:
            self._tell(call, outcome_after(call.event), commands)
        elif call.phase is Phase.UNSENT:
            self._gone(call)
            self._tell(call, CancelOutcome.NOT_SENT, commands)
        elif not call.ghost:
            call.settled = call.heard
            self._forsake(call)
            self._cancel_ghosts(call.fn_index, commands)
            self._tell_unstoppable(call, commands)
        else:  # it had failed here a moment before, and is being cancelled already
            commands.append(TellCancel(call, CancelOutcome.UNKNOWN))
        return self._go_on(commands)

    def feed(self, call: Call[T], chunk: bytes | None, *, latest: bool) -> list[Command[T]]:
        """Take a further input of a `.stream()` event, or None as their end.

        It is sent when the server has answered the one before: what comes earlier
        would take its place (`event.data` in routes.py). With `latest` it takes
        the place of those that wait here.
        """
        commands: list[Command[T]] = []
        if call.chunks is not None:
            take_chunk(call.chunks, chunk, latest=latest)
            self._send_chunk(call, commands)
        return commands

    def chunk_failed(self, call: Call[T], error: Exception, at: datetime) -> list[Command[T]]:
        """A further input was not taken."""
        commands: list[Command[T]] = []
        if call.phase is Phase.JOINED and not call.ghost:
            self._give_up(call, error, at, commands)
            self._cancel_ghosts(call.fn_index, commands)
        return self._go_on(commands)

    def close(self, at: datetime) -> list[Command[T]]:
        """End every call, and the stream; nothing may be submitted afterwards."""
        commands: list[Command[T]] = []
        error = closed()
        for call in [*self._take_unsent(), *self._joining, *self._joined.values()]:
            self._abandon(call, error, at, commands)
        self._joining.clear()
        self.retired = True
        self._drop_stream(commands)
        return commands

    # ---- what may happen: answers

    def joined(self, call: Call[T], event_id: str, at: datetime) -> list[Command[T]]:
        """The server has accepted a call."""
        commands: list[Command[T]] = []
        if call not in self._joining:  # it ended with a stream, or with the client
            return commands
        del self._joining[call]
        early, sizes = self._take_early(event_id)
        if event_id in self._joined:
            error = ProtocolError(f"the server gave two calls one event id, {event_id[:80]}")
            self._abandon(call, error, at, commands)
            self._cancel_ghosts(call.fn_index, commands)
        else:
            call.event_id = event_id
            call.phase = Phase.JOINED
            self._joined[event_id] = call
            self._receive(early, at, commands, sizes)
            self._cancel_ghosts(call.fn_index, commands)
            if call.ghost:
                self._tell_unstoppable(call, commands)
        return self._go_on(commands)

    def join_failed(self, call: Call[T], error: Exception, at: datetime) -> list[Command[T]]:
        """A call was refused, or its answer never came."""
        commands: list[Command[T]] = []
        if call not in self._joining:
            return commands
        del self._joining[call]
        if call.ghost:
            self._tell(call, outcome_unjoined(error), commands)
        self._abandon(call, error, at, commands)
        self._cancel_ghosts(call.fn_index, commands)
        return self._go_on(commands)

    def cancel_answered(self, call: Call[T], *, ok: bool, done: bool = True) -> list[Command[T]]:
        """The server has answered a cancel, and says whether it is done; or it is not `ok`."""
        commands: list[Command[T]] = []
        fn_index = call.fn_index
        in_flight = self._cancelling.get(fn_index, {})
        if call not in in_flight:
            return commands
        silenced = in_flight.pop(call)
        if not in_flight:
            del self._cancelling[fn_index]
        if not ok:
            self._tell(call, CancelOutcome.UNKNOWN, commands)
            if self._dialect.cancel == "cancel" and not self._has_state:
                # It may still arrive, and would then hit whatever runs here.
                self._retire(commands)
        elif done:
            for ghost in silenced:
                if ghost.phase is not Phase.GONE:
                    self._bury(ghost, commands)
        self._cancel_ghosts(fn_index, commands)
        if fn_index not in self._cancelling:
            self._waiting.extendleft(reversed(self._held.pop(fn_index, ())))
        return self._go_on(commands)

    # ---- what may happen: the stream

    def opened(self, generation: int) -> list[Command[T]]:
        """The stream is there."""
        if generation != self._generation or self._stream is not _Stream.OPENING:
            return []
        self._stream = _Stream.OPEN
        self._quiet_ticks = 0
        self._put_off = 0.0
        self._proven = not self._opens
        return self._go_on([] if self._proven else [SetTimer(Timer.REOPEN, _SETTLED)])

    def refused(self, generation: int, error: Exception, at: datetime) -> list[Command[T]]:
        """The stream could not be opened, in a way in which it is safe to try again."""
        commands: list[Command[T]] = []
        if generation == self._generation and self._stream is _Stream.OPENING:
            self._open_again(error, at, commands)
        return self._go_on(commands)

    def received(
        self,
        generation: int,
        messages: Iterable[wire.Message],
        at: datetime,
        *,
        sizes: Iterable[int] = (),
    ) -> list[Command[T]]:
        """The stream has brought some bytes, and perhaps messages with them, of some sizes."""
        commands: list[Command[T]] = []
        if generation != self._generation or self._stream is not _Stream.OPEN:
            return commands
        self._quiet_ticks = 0
        self._proven = True
        self._receive(messages, at, commands, sizes)
        return self._go_on(commands)

    def ended(
        self, generation: int, error: Exception | None, at: datetime, *, torn: bool = False
    ) -> list[Command[T]]:
        """The stream has ended: its body is complete if `error` is None, else it broke.

        `torn` if it broke within a message.
        """
        commands: list[Command[T]] = []
        if generation != self._generation or self._stream not in {_Stream.OPEN, _Stream.OPENING}:
            return commands
        if error is None and not self._dialect.announces_close:
            self._closed(at, commands)
        else:
            error = error or cut()
            if self._dialect.resumes and isinstance(error, ConnectionLost) and not torn:
                self._resume(error, at, commands)
            else:
                self._lost(error, at, commands)
        return self._go_on(commands)

    def timer_due(self, timer: Timer, at: datetime) -> list[Command[T]]:
        """A timer has run down."""
        commands: list[Command[T]] = []
        if timer is Timer.REOPEN and self._stream is _Stream.DELAYED:
            self._stream = _Stream.CLOSED
        elif timer is Timer.REOPEN:
            self._proven = True
        elif timer is Timer.SILENCE and self._stream in {_Stream.OPENING, _Stream.OPEN}:
            self._tick_silence(at, commands)
        elif timer is Timer.IDLE and self._idling:
            self._idle_too_long(at, commands)
        elif timer is Timer.SETTLED:
            for call in self._joined.values():
                call.settled = True
        elif timer is Timer.SPARED:
            self._tell_spared(commands)
        return self._go_on(commands)

    # ---- calls

    def _go_on(self, commands: list[Command[T]]) -> list[Command[T]]:
        """Send what may be sent, and see to the stream; the end of everything that happens."""
        # A server that was restarted while its stream could not be had must not learn of
        # the session from a new call: it would be silent about the old ones.
        known = not self._opens or (self._proven and self._stream is _Stream.OPEN)
        most = self._max_joins if known or not self._joined else 0
        while len(self._joining) < most and (call := self._next()):
            call.phase = Phase.JOINING
            self._joins += 1
            self._joining[call] = self._joins
            self._sent[call.fn_index] += 1
            commands.append(PostJoin(call))
        self._drop_strays()
        if self._joined and self._stream is _Stream.CLOSED:
            self._generation += 1
            self._stream = _Stream.OPENING
            self._quiet_ticks = 0
            commands += [OpenStream(self._generation), SetTimer(Timer.SILENCE, self._tick)]
        idling = self._stream is _Stream.OPEN and not (self._joining or self._alive.total())
        settling = False
        if idling and not (self._watched or self._cancelling):
            undone = [ghost for ghost in self._joined.values() if self._hopeless(ghost)]
            if any(ghost.settled for ghost in undone):
                self._drop_ghosts(commands)
                idling = False
            else:
                settling = bool(undone)
        if idling != self._idling:
            self._idling = idling
            commands.append(SetTimer(Timer.IDLE, _IDLE) if idling else StopTimer(Timer.IDLE))
        if settling != self._settling:
            self._settling = settling
            timer = Timer.SETTLED
            commands.append(SetTimer(timer, _SETTLED) if settling else StopTimer(timer))
        return commands

    def _next(self) -> Call[T] | None:
        """Take the next call that may be sent."""
        while self._ordered and self._ordered[0].phase is Phase.GONE:
            self._ordered.popleft()
        if (
            self._ordered
            and self._ordered[0].fn_index not in self._cancelling
            and not any(call.ordered for call in self._joining)
        ):
            return self._ordered.popleft()
        while self._waiting:
            call = self._waiting.popleft()
            if call.fn_index in self._cancelling:
                self._held.setdefault(call.fn_index, deque()).append(call)
            elif call.phase is not Phase.GONE:
                return call
        return None

    def _take_unsent(self) -> list[Call[T]]:
        unsent = [*self._ordered, *chain(*self._held.values()), *self._waiting]
        self._ordered.clear()
        self._held.clear()
        self._waiting.clear()
        return [call for call in unsent if call.phase is not Phase.GONE]

    def _gone(self, call: Call[T]) -> None:
        """Forget a call: the server has no more to say of it, or nobody would hear."""
        if call.event_id is not None:
            self._joined.pop(call.event_id, None)
        if call.ghost:
            self._ghosts[call.fn_index].pop(call, None)
        else:
            self._no_longer_alive(call)
        call.phase = Phase.GONE

    def _forsake(self, call: Call[T]) -> None:
        """Make a ghost of a call that the server may be running."""
        self._no_longer_alive(call)
        call.ghost = True
        self._ghosts.setdefault(call.fn_index, {})[call] = None

    def _no_longer_alive(self, call: Call[T]) -> None:
        self._alive[call.fn_index] -= 1
        if call.phase is not Phase.UNSENT:
            self._sent[call.fn_index] -= 1

    def _abandon(
        self, call: Call[T], error: Exception, at: datetime, commands: list[Command[T]]
    ) -> None:
        """End a call that the server will say no more of."""
        if not call.ghost:
            entries = call.event.end(error, at)
            commands.append(Finish(call, entries, call.event.status, call.event.error))
        else:
            self._tell(call, CancelOutcome.UNKNOWN, commands)
        self._gone(call)

    def _give_up(
        self, call: Call[T], error: Exception, at: datetime, commands: list[Command[T]]
    ) -> None:
        """End a call that the server may still be running."""
        entries = call.event.end(error, at)
        commands.append(Finish(call, entries, call.event.status, call.event.error))
        call.cancel_told = True
        self._forsake(call)

    # ---- messages

    def _receive(
        self,
        messages: Iterable[wire.Message],
        at: datetime,
        commands: list[Command[T]],
        sizes: Iterable[int] = (),
    ) -> None:
        news: dict[Call[T], list[Entry]] = {}
        ended: set[int] = set()
        for message, size in zip(messages, chain(sizes, repeat(0)), strict=False):
            event_id = message.event_id
            if event_id is None:
                if isinstance(message, wire.CloseStream | wire.UnexpectedError):
                    self._publish(news, commands)
                    self._end_stream(message, at, commands)
                    break
                continue
            call = self._joined.get(event_id)
            if call is not None:
                call.heard = True
                call.ticks = 0
            else:
                if not self._keep_early(event_id, message, size):
                    flood = ProtocolError("the stream brings messages of too many unknown events")
                    self._lost(flood, at, commands)
                    break
                continue
            if isinstance(message, wire.Completed | wire.Failed):
                self._opens = 0
            if call.ghost:
                self._haunt(call, message, commands)
                continue
            news.setdefault(call, []).extend(call.event.receive(message, at, size))
            if isinstance(message, wire.Streaming):
                call.working = False
                self._send_chunk(call, commands)
            if call.event.ended:
                self._finish(call, message, news.pop(call), commands)
                ended.add(call.fn_index)
        self._publish(news, commands)
        for fn_index in ended:
            self._cancel_ghosts(fn_index, commands)

    def _send_chunk(self, call: Call[T], commands: list[Command[T]]) -> None:
        if call.chunks and not (call.working or call.ghost):
            call.working = True
            commands.append(PostChunk(call, call.chunks.popleft()))

    def _publish(self, news: dict[Call[T], list[Entry]], commands: list[Command[T]]) -> None:
        for call, entries in news.items():
            if entries:
                commands.append(Publish(call, entries, call.event.status))
        news.clear()

    def _finish(
        self,
        call: Call[T],
        message: wire.Message,
        entries: list[Entry],
        commands: list[Command[T]],
    ) -> None:
        commands.append(Finish(call, entries, call.event.status, call.event.error))
        if isinstance(message, wire.Completed | wire.Failed):
            self._gone(call)
        else:  # it could not be understood; the server may well be running it
            call.cancel_told = True
            self._forsake(call)

    def _haunt(self, ghost: Call[T], message: wire.Message, commands: list[Command[T]]) -> None:
        """Take a message of a ghost, of which only its start and its end matter."""
        if isinstance(message, wire.Started | wire.Generating | wire.Streaming):
            ghost.event.started = True
            ghost.event.yielded |= not isinstance(message, wire.Started)
            self._cancel_ghosts(ghost.fn_index, commands)
        elif isinstance(message, wire.Completed) and message.data is None:
            self._bury(ghost, commands)
        elif isinstance(message, wire.Completed | wire.Failed):
            self._tell(ghost, CancelOutcome.FINISHED, commands)
            self._gone(ghost)

    def _keep_early(self, event_id: str, message: wire.Message, size: int) -> bool:
        """Keep a message of an unknown event; returns whether there was room for it."""
        if not self._joining:
            return True  # a stray
        size = max(size, _SMALL)
        if self._early_count >= _MOST_EARLY or self._early_size + size > self._most_early:
            # Too much to be true; whose it is must know that it is not all.
            reason = "more messages before the call was accepted than are kept"
            none = ("", _Early(0))
            hog_id, hog = max(self._early.items(), key=lambda item: item[1].size, default=none)
            if size > hog.size:
                message, size = wire.Malformed(event_id, reason), _SMALL
            elif hog.size > _SMALL:
                self._early_count -= len(hog.messages) - 1
                self._early_size -= hog.size - _SMALL
                hog.messages, hog.sizes = [wire.Malformed(hog_id, reason)], [_SMALL]
                hog.size = _SMALL
                if hog_id == event_id:
                    return True
            if self._early_count >= _MOST_EARLY:
                return False
        self._early_count += 1
        self._early_size += size
        early = self._early.setdefault(event_id, _Early(self._joins))
        early.messages.append(message)
        early.sizes.append(size)
        early.size += size
        return True

    def _take_early(self, event_id: str) -> tuple[list[wire.Message], list[int]]:
        early = self._early.pop(event_id, None)
        if early is None:
            return [], []
        self._early_count -= len(early.messages)
        self._early_size -= early.size
        return early.messages, early.sizes

    def _drop_strays(self) -> None:
        """Forget early messages that no join in flight can be answered with."""
        oldest = next(iter(self._joining.values()), self._joins + 1)
        for event_id in list(takewhile(lambda key: self._early[key].last < oldest, self._early)):
            self._take_early(event_id)

    # ---- cancels

    def _would_hit(self, fn_index: int) -> bool:
        """Whether a cancel of this endpoint would end a call that is alive."""
        return self._dialect.cancel == "cancel" and self._sent[fn_index] > 0

    def _would_end(self, ghost: Call[T]) -> bool:
        """Whether a cancel would have an effect on a ghost as it stands."""
        if ghost.phase is not Phase.JOINED or ghost.cancel_sent:
            return False
        if self._dialect.cancel == "reset":
            return ghost.generator and ghost.event.yielded
        return ghost.event.started or self._dialect.cancel_removes_queued

    def _cancel_ghosts(self, fn_index: int, commands: list[Command[T]]) -> None:
        """Send the cancels of an endpoint that are due, if they would hit no living call."""
        ghosts = self._ghosts.get(fn_index)
        if not ghosts:
            return
        if self._would_hit(fn_index):
            if not self._sparing:
                self._sparing = True
                commands.append(SetTimer(Timer.SPARED, _SPARED))
            return
        due = [ghost for ghost in ghosts if self._would_end(ghost)]
        running: list[Call[T]] = []
        if self._dialect.cancel == "cancel":
            # One cancel ends all that run. Those that wait need one each, and all
            # at once: each cancel makes room for the next of them to start.
            running = [g for g in ghosts if g.phase is Phase.JOINED and g.event.started]
            waiting = [ghost for ghost in due if not ghost.event.started]
            due = waiting or ([] if fn_index in self._cancelling else due[:1])
        for ghost in due:
            in_flight = self._cancelling.setdefault(fn_index, {})
            if len(in_flight) == _MOST_CANCELS:
                return
            ghost.cancel_sent = True
            alone = self._dialect.cancel == "reset"  # no message follows
            in_flight[ghost] = [ghost] if alone else [each for each in running if each is not ghost]
            commands.append(PostCancel(ghost))

    def _tell_unstoppable(self, ghost: Call[T], commands: list[Command[T]]) -> None:
        """Tell of a call that the server runs, or will run, and cannot be told to stop."""
        stoppable = ghost.generator or self._dialect.cancel != "reset"
        if ghost.phase is Phase.JOINED and not stoppable and self._watched:
            self._tell(ghost, CancelOutcome.STILL_RUNNING, commands)

    def _tell_spared(self, commands: list[Command[T]]) -> None:
        self._sparing = False
        for fn_index, ghosts in self._ghosts.items():
            if self._would_hit(fn_index):
                for ghost in ghosts:
                    self._tell(ghost, CancelOutcome.SPARED_SIBLINGS, commands)

    def _bury(self, ghost: Call[T], commands: list[Command[T]]) -> None:
        """Let go of a ghost that the server has let go of."""
        event = ghost.event
        outcome = outcome_of_drop(started=event.started, generator=ghost.generator)
        self._tell(ghost, outcome, commands)
        self._gone(ghost)

    def _tell(self, call: Call[T], outcome: CancelOutcome, commands: list[Command[T]]) -> None:
        if not call.cancel_told:
            call.cancel_told = True
            commands.append(TellCancel(call, outcome))

    # ---- the stream

    def _end_stream(
        self,
        message: wire.CloseStream | wire.UnexpectedError,
        at: datetime,
        commands: list[Command[T]],
    ) -> None:
        if isinstance(message, wire.CloseStream):
            self._closed(at, commands)
        elif message.session_not_found:
            note = (
                "the server does not know the session any more: it was restarted, it noticed "
                "a broken connection, or another replica of it answered"
            )
            self._lost(ConnectionLost(note), at, commands)
        elif message.text.startswith("Server stopped"):
            self._lost(ServerStopped("the server is shutting down"), at, commands)
        else:
            # The stream stumbled over something of its own, such as the second
            # completion of a cancelled event (before 5.46, a KeyError). The
            # messages of the session are kept, and go on after it.
            failed = ProtocolError(f"the stream failed on the server: {message.text}")
            self._open_again(failed, at, commands)

    def _closed(self, at: datetime, commands: list[Command[T]]) -> None:
        """The server has closed the stream of its own will."""
        for ghost in [call for call in self._joined.values() if call.cancel_sent]:
            # Had it been unfinished there, the stream would not have been closed.
            # (Of others it may not have known yet.)
            self._tell(ghost, CancelOutcome.UNKNOWN, commands)
            self._gone(ghost)
        for call in [call for call in self._joined.values() if call.resumed]:
            self._abandon(call, ConnectionLost(_END_LOST), at, commands)
        heard = [call for call in self._joined.values() if call.heard]
        if self._dialect.resumes:
            # What it has spoken of it knows to be unfinished: it has not closed anything,
            # something between here and there has.
            self._expect_gaps(heard)
        else:
            # It knew of these before it spoke of them (`push` of queueing.py), and forgets
            # a call only when it has told its end. Unless it says that it closes the
            # stream, something in between may have.
            kind = ProtocolError if self._dialect.announces_close else ConnectionLost
            for call in heard:
                self._abandon(call, kind(_END_UNHEARD), at, commands)
        if self._joined:
            again = ConnectionLost("the server closes every stream without a word about the call")
            self._open_again(again, at, commands)
        else:
            self._stream = _Stream.CLOSED
            self._opens = 0
            commands.append(StopTimer(Timer.SILENCE))

    def _open_again(self, error: Exception, at: datetime, commands: list[Command[T]]) -> None:
        self._opens += 1
        asked = (error.retry_after if isinstance(error, RxGradioError) else None) or 0.0
        self._put_off += asked
        if self._opens > _MOST_OPENS or self._put_off > _LONGEST:
            self._lost(error, at, commands)
            return
        commands.append(StopTimer(Timer.SILENCE))
        if self._opens == 1 and not asked:
            self._stream = _Stream.CLOSED
        else:
            self._stream = _Stream.DELAYED
            wait = min(0.05 * 2 ** max(0, self._opens - 2), 2.0)
            commands.append(SetTimer(Timer.REOPEN, max(wait, asked)))

    def _resume(self, error: ConnectionLost, at: datetime, commands: list[Command[T]]) -> None:
        """Open the stream again; the calls that the server knows of go on."""
        self._expect_gaps(self._joined.values())
        self._open_again(error, at, commands)

    def _expect_gaps(self, calls: Iterable[Call[T]]) -> None:
        for call in calls:
            call.resumed = True
            call.event.missed()

    def _lost(self, error: Exception, at: datetime, commands: list[Command[T]]) -> None:
        """The stream is gone, and all that the server was to say on it."""
        if self._has_state:
            error.add_note("The app's State of this session is lost; later calls start anew.")
        self._drop_stream(commands)
        ended = _sent(error)
        for call in list(self._joined.values()):
            self._abandon(call, ended, at, commands)
        for call in self._joining:
            self._abandon(call, _indeterminate(error), at, commands)
        self._joining.clear()
        self._retire(commands)

    def _drop_stream(self, commands: list[Command[T]]) -> None:
        if self._stream in {_Stream.OPEN, _Stream.OPENING}:
            commands.append(DropStream(self._generation))
        self._stream = _Stream.CLOSED
        self._opens = 0
        commands += [StopTimer(Timer.SILENCE), StopTimer(Timer.REOPEN)]

    def _retire(self, commands: list[Command[T]]) -> None:
        self.retired = True
        for call in self._take_unsent():
            self._alive[call.fn_index] -= 1
            commands.append(Reroute(call))

    def _tick_silence(self, at: datetime, commands: list[Command[T]]) -> None:
        self._quiet_ticks += 1
        seconds = 3 * self._tick
        if self._quiet_ticks > 3:
            # Not resumed on any server: what it has sent meanwhile is lost.
            self._lost(silent(seconds), at, commands)
            return
        commands.append(SetTimer(Timer.SILENCE, self._tick))
        for call in list(self._joined.values()):
            call.ticks += 1
            if call.ghost:
                if call.resumed and call.ticks > _MOST_RESUMED:
                    self._tell(call, CancelOutcome.UNKNOWN, commands)
                    self._gone(call)
            elif not call.heard and call.ticks > 3:
                # After a break, all that was ever said of it may have been lost with it.
                error = ConnectionLost(_END_LOST) if call.resumed else dead_queue(seconds)
                self._give_up(call, error, at, commands)
            elif call.resumed and call.ticks > _MOST_RESUMED:
                self._give_up(call, ConnectionLost(_END_LOST), at, commands)

    def _idle_too_long(self, at: datetime, commands: list[Command[T]]) -> None:
        """Close a stream that the server keeps open for events that nobody waits for.

        Where there is State, the session is worth more than the connection.
        Where there is none, the session hash must not be used again.
        """
        waits = False
        for ghost in list(self._joined.values()):
            # Where a drop removes no call, one that is yet to start is waited for; and
            # a cancel that is in flight has a time limit of its own.
            asked = ghost in self._cancelling.get(ghost.fn_index, ())
            if asked or (self._hopeless(ghost) and (self._has_state or self._dialect.resumes)):
                waits = True
                continue
            self._tell(ghost, CancelOutcome.UNKNOWN, commands)
            self._gone(ghost)
        if waits or (self._has_state and self._joined):
            commands.append(SetTimer(Timer.IDLE, _IDLE))
        elif not self._has_state:
            self._lost(ConnectionLost("nobody waits for it"), at, commands)

    def _hopeless(self, ghost: Call[T]) -> bool:
        """Whether no cancel can be sent for a ghost, not yet or never, and that matters."""
        return not (ghost.cancel_sent or ghost.cancel_told or self._would_end(ghost))

    @property
    def _watched(self) -> bool:
        """Whether the stream is needed, be it by a call or for the sake of State."""
        return bool(self._has_state or self._dialect.resumes or self._alive.total())

    def _drop_ghosts(self, commands: list[Command[T]]) -> None:
        """Drop the stream: the server removes what waits, and closes generators."""
        for ghost in list(self._joined.values()):
            if not ghost.heard:
                self._tell(ghost, CancelOutcome.UNKNOWN, commands)
            self._bury(ghost, commands)
        self._drop_stream(commands)
        self._retire(commands)


def _sent(error: Exception) -> Exception:
    """Return the end of calls that the server has accepted, whatever the stream's own was."""
    if not isinstance(error, ConnectionLost) or error.sent:
        return error
    lost = ConnectionLost(f"the stream of the call could not be opened: {error}")
    lost.__cause__ = error
    for note in getattr(error, "__notes__", ()):
        lost.add_note(note)
    return lost


def _indeterminate(error: Exception) -> ConnectionLost:
    lost = ConnectionLost(
        "the connection broke while the call was being submitted; the app may or may not run it"
    )
    lost.__cause__ = error
    return lost
