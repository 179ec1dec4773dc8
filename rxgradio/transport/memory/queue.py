"""The queue of an app in memory: who waits, who runs, and what is said of it."""

from __future__ import annotations

__all__ = ["Event", "Queue", "Told", "Turn"]

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from ...exceptions import AppError
from ...updates import ProgressUnit, Status, StatusUpdate
from .endpoint import MemoryEndpoint, is_state
from .generation import Generation
from .mailbox import Mailbox
from .run import Run, Tasks

Turn: TypeAlias = Literal["submitted", "started", "finished", "failed", "cancelled"]
"""What becomes of a call on the server; "cancelled" also if nobody listens any more."""

Told: TypeAlias = "Callable[[Event, Turn], object]"


class Event:
    """A call, as the server sees it.

    Args:
        mailbox: Where messages about it go.
        ends_mailbox: Nothing follows there after its end.
    """

    def __init__(
        self, event_id: str, session: str, fn_index: int, mailbox: Mailbox, *, ends_mailbox: bool
    ) -> None:
        self.event_id = event_id
        self.session = session
        self.fn_index = fn_index
        self.mailbox = mailbox
        self.ends_mailbox = ends_mailbox
        self.data: asyncio.Future[list[Any] | None] = asyncio.get_running_loop().create_future()
        """What it is called with; None if the client has left."""
        self.alive = True
        self.ended = False
        """It has finished, failed, or was cancelled."""
        self.task: asyncio.Task[None] | None = None
        self.run: Run | None = None
        self.has_yielded = False
        self.frames: asyncio.Queue[list[Any] | None] = asyncio.Queue()
        """What a `.stream()` event is fed with; None is its end."""

    def say(self, message: str, **fields: Any) -> None:
        """Send a message about it, if anybody listens."""
        if not self.alive:
            return
        # Where the mailbox is its own, only `send_data` has the event id.
        named = {} if self.ends_mailbox else {"event_id": self.event_id}
        self.mailbox.put({"msg": message, **named, **fields})
        if self.ends_mailbox and message in {"process_completed", "queue_full"}:
            self.mailbox.put(None)


class Queue:
    """All calls of an app, and the State of its sessions.

    Args:
        max_size: How many calls may wait.
        told: Hears of each turn that a call takes.
    """

    def __init__(
        self,
        endpoints: Mapping[str, MemoryEndpoint],
        facts: Generation,
        max_size: int | None,
        told: Told,
    ) -> None:
        self.running: dict[str, Event] = {}
        """By event id, and without those that only the function has not noticed the end of."""
        self._endpoints = endpoints
        self._facts = facts
        self._max_size = max_size
        self._told = told
        self._waiting: dict[int, list[Event]] = defaultdict(list)
        self._state: dict[str, dict[str, Any]] = defaultdict(dict)
        self._tasks = Tasks()
        self._forgotten: list[Run] = []
        self._closed = False  # being closed

    @property
    def size(self) -> int:
        """How many calls wait."""
        return sum(len(events) for events in self._waiting.values())

    @property
    def is_full(self) -> bool:
        """Whether the queue takes no call."""
        return self._max_size is not None and self.size >= self._max_size

    @property
    def full(self) -> str:
        """What the server says when it is full."""
        return f"Queue is full. Max size is {self._max_size} and size is {self.size}."

    async def aclose(self) -> None:
        """End all functions."""
        self._closed = True
        await self._tasks.aclose()
        self._closed = False

    # ---- what may happen

    def push(self, event: Event) -> None:
        """Take a call in; what runs is started a moment later, as on a real server."""
        self._told(event, "submitted")
        waiting = self._waiting[event.fn_index]
        waiting.append(event)
        self._estimate(event, len(waiting) - 1)
        asyncio.get_running_loop().call_soon(self._start_next, event.fn_index)

    def leave(self, event: Event) -> None:
        """Take note that nobody listens any more: a generator ends at its next output."""
        event.alive = False
        if not event.data.done():
            event.data.set_result(None)
        event.frames.put_nowait(None)
        self.end(event, "cancelled")
        self.remove(event)

    def leave_session(self, session: str) -> None:
        """Take note that nobody listens to a session any more."""
        for event in [*self.running.values(), *self._all_waiting()]:
            if event.session == session:
                self.leave(event)

    def remove(self, event: Event) -> None:
        """Take a call out of the queue, if it waits there."""
        waiting = self._waiting[event.fn_index]
        if event in waiting:
            waiting.remove(event)

    def remove_named(self, event_id: str) -> None:
        """Take a call out of the queue, if it waits there."""
        for event in self._all_waiting():
            if event.event_id == event_id:
                self.end(event, "cancelled")
                self.remove(event)

    async def cancel(self, session: str, fn_index: int) -> None:
        """End all running calls of a session and endpoint (`cancel_tasks` of utils.py)."""
        tasks: list[asyncio.Task[None]] = []
        for event in self.running.values():
            if (event.session, event.fn_index) == (session, fn_index) and event.task is not None:
                self.end(event, "cancelled")
                event.task.cancel()
                tasks.append(event.task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def reset(self, event_id: str) -> bool:
        """End a generator that has yielded; returns whether it was one."""
        event = self.running.get(event_id)
        if event is None or not event.has_yielded:
            return False
        self.leave(event)
        if event.ends_mailbox:
            event.mailbox.put(None)
        return True

    def end(self, event: Event, turn: Literal["finished", "failed", "cancelled"]) -> None:
        """Take note that a call has ended; the first word counts."""
        if not event.ended:
            event.ended = True
            self._told(event, turn)

    async def run_at_once(self, event: Event) -> dict[str, Any]:
        """Make a call that does not wait in the queue, and return its first output."""
        self._told(event, "submitted")
        self._told(event, "started")
        data = await event.data
        try:
            output = await self.call(event.fn_index, data or [], event.session)
        except Exception:
            self.end(event, "failed")
            raise
        except asyncio.CancelledError:
            self.end(event, "cancelled")
            raise
        self.end(event, "finished")
        return output

    async def call(self, fn_index: int, data: list[Any], session: str) -> dict[str, Any]:
        """Call a function, and return its first output: the queue is not asked."""
        run = self._begin(fn_index, data, session)
        endpoint = self._endpoint(fn_index)
        try:
            while isinstance(first := await run.next(), StatusUpdate):
                pass
            more = endpoint.generator and first is not Run.END
            return _output(self._kept(session, endpoint, [] if first is Run.END else first), more)
        finally:
            run.let_go(generator=endpoint.generator)

    def error_of(self, error: Exception) -> dict[str, Any]:
        """Return how a failure is told: the app's own text, of another nothing."""
        if not isinstance(error, AppError):
            return {"error": None}
        if self._facts.quotes_errors:
            return {"error": repr(error.message)}
        return {
            "error": error.message,
            "duration": 10 if error.duration is None else error.duration,
            "visible": error.visible,
            "title": error.title or "Error",
        }

    # ---- running

    def _start_next(self, fn_index: int) -> None:
        if self._closed:
            return
        limit = self._endpoint(fn_index).concurrency
        waiting = self._waiting[fn_index]
        running = sum(event.fn_index == fn_index for event in self.running.values())
        moved = False
        while waiting and (limit is None or running < limit):
            event = waiting.pop(0)
            running += 1
            moved = True
            self.running[event.event_id] = event
            event.task = self._tasks.start(self._process(event))
            # Not at the end of the task: one that is cancelled may never have begun.
            event.task.add_done_callback(partial(self._done, event))
        if moved:
            for rank, event in enumerate(waiting):
                self._estimate(event, rank)

    async def _process(self, event: Event) -> None:
        if not event.data.done():
            self.ask(event)
        data = await event.data
        if event.alive and data is not None:
            started = {} if event.ends_mailbox else {"eta": None}
            self._told(event, "started")
            event.say("process_starts", **started)
            await self._narrate(event, data)

    def ask(self, event: Event) -> None:
        """Ask for the data of a call."""
        asked = {} if self._facts.queue == "websocket" else {"event_id": event.event_id}
        event.say("send_data", **asked)

    def _done(self, event: Event, _: object) -> None:
        self.end(event, "cancelled")  # unless it has ended in another way before
        self.running.pop(event.event_id, None)
        self._start_next(event.fn_index)

    async def _narrate(self, event: Event, data: list[Any]) -> None:
        endpoint = self._endpoint(event.fn_index)
        if endpoint.generator and self._facts.queue == "websocket" and self._is_shared(event):
            # Iterators are kept by session and function, and two calls of one get mixed up.
            self.end(event, "failed")
            event.say("process_completed", output={"error": None}, success=False)
            return
        try:
            if endpoint.stream and self._facts.streams != "no":
                last = await self._stream(event, data)
                output = _output(last, generating=True)
            else:
                output = await self._iterate(event, endpoint, data)
        except Exception as error:  # noqa: BLE001 (whatever the app raises)
            self.end(event, "failed")
            event.say("process_completed", output=self.error_of(error), success=False)
        else:
            self.end(event, "finished")
            event.say("process_completed", output=output, success=True)

    def _is_shared(self, event: Event) -> bool:
        place = (event.session, event.fn_index)
        for other in self.running.values():
            if other is not event and (other.session, other.fn_index) == place and other.run:
                other.run.restart()
                return True
        return False

    async def _iterate(
        self, event: Event, endpoint: MemoryEndpoint, data: list[Any]
    ) -> dict[str, Any]:
        run = event.run = self._begin(event.fn_index, data, event.session)
        last: list[Any] | None = None
        try:
            while (made := await run.next()) is not Run.END:
                if isinstance(made, StatusUpdate):
                    _say_status(event, made)
                    continue
                outputs = self._kept(event.session, endpoint, made)
                if endpoint.generator:
                    edits = self._facts.sends_edits and last is not None
                    told = _edits(last or [], outputs) if edits else outputs
                    event.say("process_generating", output=_output(told, True), success=True)
                    event.has_yielded = True
                    if not event.alive:
                        return {}
                last = outputs
        except asyncio.CancelledError:
            if endpoint.generator and not self._facts.closes_cancelled:
                self._forgotten.append(run)
                run.forget()
            raise
        finally:
            run.let_go(generator=endpoint.generator)
        if last is None:
            return _output([None for _ in endpoint.outputs], generating=False)
        # Before there were edits, the end of a generator repeated its last output as it was.
        return _output(last, endpoint.generator and not self._facts.sends_edits)

    async def _stream(self, event: Event, data: list[Any] | None) -> list[Any]:
        frame: list[Any] = []
        outputs: list[Any] = []
        while data is not None:
            frame = data
            outputs = (await self.call(event.fn_index, frame, event.session))["data"]
            event.say(
                "process_streaming",
                output=_output(outputs, generating=True),
                success=True,
                time_limit=None,
            )
            data = await event.frames.get()
        if self._facts.streams == "last frame again":
            outputs = (await self.call(event.fn_index, frame, event.session))["data"]
        return outputs

    def _begin(self, fn_index: int, data: list[Any], session: str) -> Run:
        endpoint = self._endpoint(fn_index)
        state = self._state[session]
        given = [
            state.get(name, None if default is ... else default) if is_state(name) else value
            for (name, default), value in zip(endpoint.parameters.items(), data, strict=True)
        ]
        begin: Callable[[], Any] = lambda: endpoint.function(*given)  # noqa: E731
        return Run(begin, self._tasks)

    def _kept(self, session: str, endpoint: MemoryEndpoint, outputs: list[Any]) -> list[Any]:
        """Keep the State among the outputs, of which a client gets none."""
        told: list[Any] = []
        for n, value in enumerate(outputs):
            name = endpoint.outputs[n] if n < len(endpoint.outputs) else ""
            if is_state(name):
                self._state[session][name] = value
            told.append(None if is_state(name) else value)
        return told

    def _endpoint(self, fn_index: int) -> MemoryEndpoint:
        return list(self._endpoints.values())[fn_index]

    def _all_waiting(self) -> list[Event]:
        return [event for events in self._waiting.values() for event in events]

    def _estimate(self, event: Event, rank: int) -> None:
        fields: dict[str, Any] = {"rank": rank, "queue_size": len(self._waiting[event.fn_index])}
        if event.ends_mailbox:
            times = ("avg_event_process_time", "avg_event_concurrent_process_time")
            fields |= {**dict.fromkeys(times), "rank_eta": None, "queue_eta": 0}
        else:
            fields["rank_eta"] = None
        event.say("estimation", **fields)


def _output(data: list[Any], generating: bool) -> dict[str, Any]:
    times = {"duration": 0.01, "average_duration": 0.01}
    return {"data": data, "is_generating": generating, **times}


def _say_status(event: Event, status: StatusUpdate) -> None:
    if status.code is Status.LOG and status.log is not None:
        event.say("log", log=status.log[0], level=status.log[1])
    else:
        units = [_unit(unit) for unit in status.progress_data or []]
        event.say("progress", progress_data=units)


def _unit(unit: ProgressUnit) -> dict[str, Any]:
    names = ("index", "length", "unit", "progress", "desc")
    return {name: getattr(unit, name) for name in names}


def _edits(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    return [_edit(before, after) for before, after in zip(old, new, strict=True)]


def _edit(old: Any, new: Any) -> list[Any]:
    if isinstance(old, str) and isinstance(new, str) and new.startswith(old):
        return [["append", [], new[len(old) :]]] if new != old else []
    return [] if old == new else [["replace", [], new]]
