"""Runs a block of code and records what the streams in it say, and when.

The code is plain rxgradio: it knows nothing of being recorded. Each of its top-level
statements is run by itself, and if it has given a name to a stream, a job or an endpoint,
the code that follows finds under that name one that behaves the same and is recorded.
It draws nothing.
"""

from __future__ import annotations

__all__ = ["Kind", "Recording", "Row", "Signal", "StillGoing", "Voice", "perform"]

import ast
import enum
import json
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from rxgradio import Endpoint, Job
from rxgradio.fluent import Updates


class Kind(enum.Enum):
    """What can happen to a subscription."""

    SUBSCRIBE = "subscribed"
    NEXT = "next"
    COMPLETED = "completed"
    ERROR = "failed"
    DISPOSE = "disposed of"
    """For a call: cancelled."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that happened, `at` seconds from the start."""

    kind: Kind
    at: float
    value: object = None
    """What was emitted, or the error."""


@dataclass(slots=True)
class Voice:
    """One subscription to a stream, or one call of an endpoint, with all its signals."""

    signals: list[Signal] = field(default_factory=list[Signal])
    input: object = None
    """The first argument of the call."""

    @property
    def over(self) -> bool:
        """Whether it has ended, or was disposed of."""
        return self.signals[-1].kind in {Kind.COMPLETED, Kind.ERROR, Kind.DISPOSE}


@dataclass(slots=True)
class Row:
    """A name in the code, and what was heard of it."""

    name: str
    code: tuple[str, ...] = ()
    """The lines that make it of the rows above; none for a source."""
    calls: bool = False
    """Whether it is an endpoint, and its voices are calls."""
    voices: list[Voice] = field(default_factory=list[Voice])


@dataclass(slots=True)
class Recording:
    """What a block of code has done."""

    code: str
    rows: list[Row]


class StillGoing(Exception):  # noqa: N818 (what happened, and the message says of what)
    """Something had not ended in time."""


def perform(code: str, names: dict[str, Any], seconds: float = 30.0) -> Recording:
    """Run code, subscribe to each stream that it makes no further use of, and wait for the end.

    Args:
        code: Assignments and definitions, with a stream among them.
        names: What it finds, such as a client; unchanged.
        seconds: How long to wait.

    Raises:
        StillGoing: Something had not ended in time.
    """
    stage = _Stage(dict(names))
    for statement in ast.parse(code).body:
        stage.run(code, statement)
    stage.listen(seconds)
    return Recording(code, stage.rows)


class _Stage:
    def __init__(self, names: dict[str, Any]) -> None:
        self.rows: list[Row] = []
        self._names = names
        self._condition = threading.Condition()
        self._began: float | None = None
        self._made_of_rows: set[str] = set()
        self._lines: list[str] = []
        self._leaves: dict[str, Observable[Any]] = {}

    def run(self, code: str, statement: ast.stmt) -> None:
        made = compile(ast.Module([statement], []), "docs/marbles.md", "exec")
        exec(made, self._names)  # noqa: S102 (our own chapter)
        match statement:
            case ast.Assign([ast.Name(name)], value):
                used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
                text = ast.get_source_segment(code, value) or ""
                self._names[name] = self._named(name, self._names[name], text, used)
            case _:
                pass

    def listen(self, seconds: float) -> None:
        """Subscribe to what nothing else subscribes to, and wait until all is quiet."""
        # An error is on record like everything else.
        streams = self._leaves.values()
        subscriptions = [stream.subscribe(on_error=lambda _: None) for stream in streams]
        with self._condition:
            self._condition.wait_for(self._quiet, seconds)
            open_ones = [row.name for row in self.rows if not all(v.over for v in row.voices)]
        if open_ones:
            for subscription in subscriptions:
                subscription.dispose()
            raise StillGoing(f"not over after {seconds} s: {', '.join(open_ones)}")

    def _quiet(self) -> bool:
        return all(voice.over for row in self.rows for voice in row.voices)

    def _named(self, name: str, value: Any, text: str, used: set[str]) -> Any:
        for each in used:
            self._leaves.pop(each, None)
        derived = bool(used & self._made_of_rows)
        match value:
            case Observable():
                source: Observable[Any] = value  # pyright: ignore[reportUnknownVariableType] (of anything)
                code = (*self._lines, text) if derived else ()
                self._lines = [] if derived else self._lines
                stream = self._stream(self._row(Row(name, code)), source)
                self._leaves[name] = stream
                return stream
            case Job():
                self._watch(self._row(Row(name)).voices, value)
                return value
            case Endpoint() if not derived:
                return self._endpoint(self._row(Row(name, calls=True)), value)
            case _:
                self._made_of_rows.add(name)
                self._lines.append(f"{name} = {text}")
                return value

    def _row(self, row: Row) -> Row:
        self._made_of_rows.add(row.name)
        self.rows.append(row)
        return row

    def _stream(self, row: Row, source: Observable[Any]) -> Observable[Any]:
        def subscribe(
            observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            voice = self._voice(row.voices)

            def on_next(value: Any) -> None:
                self._note(voice, Kind.NEXT, value)
                observer.on_next(value)

            def on_error(error: Exception) -> None:
                self._note(voice, Kind.ERROR, error)
                observer.on_error(error)

            def on_completed() -> None:
                self._note(voice, Kind.COMPLETED)
                observer.on_completed()

            subscription = source.subscribe(on_next, on_error, on_completed, scheduler=scheduler)

            def dispose() -> None:
                self._note(voice, Kind.DISPOSE)
                subscription.dispose()

            return Disposable(dispose)

        return Updates(subscribe) if isinstance(source, Updates) else Observable(subscribe)

    def _endpoint(self, row: Row, endpoint: Endpoint) -> Endpoint:
        submit = endpoint._submit  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (all calls go through it)

        def recorded(info: Any, data: bytes, **options: Any) -> Job:
            job = submit(info, data, **options)
            self._watch(row.voices, job, json.loads(data)[0], outputs=True)
            return job

        return Endpoint(endpoint.info, recorded, endpoint.options)

    def _watch(
        self, voices: list[Voice], job: Job, value: object = None, *, outputs: bool = False
    ) -> None:
        voice = self._voice(voices, value)

        cancel = job.cancel

        def recorded() -> bool:
            if not job.done():
                self._note(voice, Kind.DISPOSE)
            return cancel()

        # It is noted when it is made: the stream tells of it later, on another thread.
        job.cancel = recorded  # type: ignore[method-assign]

        def on_error(error: Exception) -> None:
            cancelled = isinstance(error, CancelledError)
            self._note(voice, Kind.DISPOSE if cancelled else Kind.ERROR, error)

        stream: Observable[Any] = job.updates.outputs() if outputs else job.updates
        stream.subscribe(
            lambda update: self._note(voice, Kind.NEXT, update),
            on_error,
            lambda: self._note(voice, Kind.COMPLETED),
        )

    def _voice(self, voices: list[Voice], value: object = None) -> Voice:
        with self._condition:
            voice = Voice([Signal(Kind.SUBSCRIBE, self._now())], value)
            voices.append(voice)
            return voice

    def _note(self, voice: Voice, kind: Kind, value: object = None) -> None:
        with self._condition:
            if not voice.over:
                voice.signals.append(Signal(kind, self._now(), value))
                self._condition.notify_all()

    def _now(self) -> float:
        now = time.perf_counter()
        if self._began is None:
            self._began = now
        return now - self._began
