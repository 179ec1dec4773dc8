"""Pages of Gradio that call other apps: event handlers made of streams.

There are no widgets to bind here: a page is shown what a handler yields. So a handler is a
generator, which gets from a `Binding` what is new. It runs in the event loop of the page's
server, where it holds no thread. That a visitor has left Gradio only notices when a handler
yields; so each yields now and then, even if there is nothing new.
"""

from __future__ import annotations

__all__ = ["Handler", "Part", "handler"]

import asyncio
import functools
import importlib
import inspect
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from html import escape
from typing import Any, Literal, Protocol, cast

import reactivex
from reactivex import Observable, abc

from ..job import Job
from ..operators.snapshots import Snapshot
from .binding import Binding
from .event_loop import EventLoop
from .toolkit import Toolkit
from .views import View, ended_with, folded, view_of

# By name, as Gradio is no dependency: where types are checked there is none.
gr: Any = importlib.import_module("gradio")
_local: Any = importlib.import_module("gradio.context").LocalContext

Part = Literal["status", "progress", "bar", "output", "error", "busy", "cancel"]
"""A part of a `View`, as a component shows it; see `handler`."""

_UNSET = object()

_STRAGGLES = 5.0
"""Seconds in which an event may be overtaken: Gradio starts each by way of some thread."""


class Handler(Protocol):
    """An event handler for Gradio. Made by `handler`."""

    def __call__(self, *inputs: Any) -> AsyncGenerator[Any, None]:
        """Yield what is to be shown; Gradio calls it."""
        ...

    async def cancel(self) -> None:
        """Cancel what runs for the visitor; the handler of a button, without inputs or outputs.

        The page is then shown what there is to show of a cancelled call, which an event's
        `cancels=` leaves out.
        """
        ...


_Show = Part | Callable[[View], Any] | Sequence[Part | Callable[[View], Any]] | None


def handler(
    function: Callable[..., Any],
    *,
    show: _Show = None,
    latest: bool = True,
    chat: bool = False,
    fps: float = 20.0,
    heartbeat: float = 1.0,
) -> Handler:
    """Make an event handler for a Gradio page of a function that returns a stream.

        search = handler(lambda text: client.observe(text, api_name="/search"))
        box.input(search, box, found, trigger_mode="multiple", concurrency_limit=None)

        stream:     --a-b-c-d-------------e|
        the page:   --a----d---------h----e|      (h: a heartbeat, which changes nothing)
        it leaves:  --a----d---------h✂           (disposed of: cancelled on the other server)

    The page shows the newest value, at most `fps` times a second, and the last one always: of a
    call its outputs, of any other stream its values. Where the visitor leaves or cancels, or the
    event is cancelled by another, the stream is disposed of, and a job cancelled.

    An error that ends the stream becomes a `gr.Error`, unless `show` has "error" or "status".
    What the function itself raises is left to Gradio.

    Events of one visitor only switch if Gradio lets them run side by side, which takes
    `trigger_mode="multiple"` and `concurrency_limit=None` where the event is set up.

    Args:
        function: Is called with the event's inputs, and with what Gradio gives to handlers by
            annotations (`gr.Request`) and defaults (`gr.Progress`); it returns an Observable, or
            a Job, which is then the event's own. It may be `async`. As it is called in the
            event loop, it must not block.
        show: What the outputs of the event show of a `View`, one each: parts, or functions of it.
            "status", "error" and "output" are the view's own, "progress" is for a slider or a
            number from 0 to 1, and "bar" the same as HTML; a component of "busy" cannot be used
            while the call runs, and one of "cancel" can be only then.
        latest: A further event of the same visitor ends the one before.
        chat: It is the `fn` of a `gr.ChatInterface`, where each reply is shown, also that of a
            heartbeat: it repeats the last one.
        fps: How often a second the page is told, at most.
        heartbeat: Seconds after which a handler yields though there is nothing new.

    Raises:
        ValueError: There is no such part.
    """
    visitors: dict[str, _Visitor] = {}
    _Shown(show, chat=chat)  # raises now rather than in an event

    @functools.wraps(function)
    async def handle(*inputs: Any, **named: Any) -> AsyncGenerator[Any, None]:
        run, shown, session = _Run(1 / fps), _Shown(show, chat=chat), _session()
        visitor = visitors.setdefault(session, _Visitor()) if session else _Visitor()
        visitor.runs.add(run)
        try:
            older = visitor.switch_to(run, _came()) if latest else set[_Run]()
            if not run.superseded:
                source = function(*inputs, **named)
                # Not if it is awaitable: streams and jobs are.
                run.begin(await run.made(source) if inspect.iscoroutine(source) else source)
            # What they have yielded is on its way; and one may take its time to be left.
            with suppress(TimeoutError):
                async with asyncio.timeout(heartbeat):
                    for each in older:
                        await each.over.wait()
            while not run.done or run.news.is_set():
                await _wait(run.news, heartbeat)
                heard = run.news.is_set()
                run.news.clear()
                if run.superseded or not heard or run.snapshot is None:
                    # At its end, Gradio sends once more what was yielded last.
                    yield shown.nothing_new()
                else:
                    yield shown.of(view_of(run.snapshot), in_full=run.done)
            if not (run.superseded or run.snapshot is None or shown.has_place_for_errors):
                _raise_error_of(run.snapshot)
        finally:
            run.close()
            visitor.runs.discard(run)
            if session:
                loop = asyncio.get_running_loop()
                loop.call_later(_STRAGGLES, _forget, visitors, session)

    async def cancel() -> None:
        if visitor := visitors.get(_session() or ""):
            for each in set(visitor.runs):
                each.cancel()

    signature = _signature(function)
    vars(handle).update(cancel=cancel, __signature__=signature)
    handle.__annotations__ = {
        name: each.annotation
        for name, each in signature.parameters.items()
        if each.annotation is not each.empty
    }
    return cast("Handler", handle)


class _Loop(EventLoop):
    """Of a toolkit, what a binding needs."""

    def __init__(self, frame: float) -> None:
        super().__init__()
        self.frame = frame

    def alive(self, _: object) -> bool:
        return True

    def on_close(self, _: object, __: Callable[[], object]) -> Callable[[], object]:
        return lambda: None


class _Run(abc.ObserverBase[Snapshot]):
    """One event of a visitor, and where its stream stands. It belongs to the event loop."""

    def __init__(self, frame: float) -> None:
        self.snapshot: Snapshot | None = None
        self.done = False
        self.superseded = False
        self.news = asyncio.Event()
        """There is something to show, or it is the end."""
        self.over = asyncio.Event()
        """Nothing that it has yielded is on its way any more."""
        self._binding = Binding(cast("Toolkit", _Loop(frame)), self)
        self._job: Job | None = None
        self._making: asyncio.Future[Any] | None = None

    async def made(self, source: Coroutine[Any, Any, Any]) -> Any:
        """Return what an `async` function makes; ended before, that is cancelled."""
        self._making = asyncio.ensure_future(source)
        try:
            return await self._making
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.done or (task is not None and task.cancelling()):
                raise
            return reactivex.never()

    def begin(self, source: object) -> None:
        """Subscribe, unless it has been ended already."""
        if isinstance(source, Job):
            self._job = source
            stream: Any = source.updates
        elif isinstance(source, Observable):
            stream = cast("Any", source)
        else:
            raise TypeError(f"a handler's function is to return a stream or a job, not {source!r}")
        if self.done:
            self._leave()
        else:
            self._binding.begin(folded(stream), [self])

    def on_next(self, value: Snapshot) -> None:
        self.snapshot = value
        self.news.set()

    def on_error(self, error: Exception) -> None:
        # Of what is folded, the only one is that it was left.
        self.snapshot = ended_with(error, self.snapshot or Snapshot())
        self.on_completed()

    def on_completed(self) -> None:
        self.done = True
        self.news.set()

    def supersede(self) -> None:
        """Leave the stream, and show nothing more."""
        self.superseded = True
        self.on_completed()
        self._leave()

    def cancel(self) -> None:
        """Leave the stream, and show that."""
        if not self.done:
            self._leave()
            self.on_error(CancelledError())

    def close(self) -> None:
        """Leave the stream; the generator has ended."""
        self.done = True
        self._leave()
        # Gradio 4 and 5 keep the errors of handlers, and thereby this.
        self.snapshot = self._job = self._making = None
        self.over.set()

    def _leave(self) -> None:
        self._binding.dispose()
        if self._making is not None:
            self._making.cancel()
        if self._job is not None:
            self._job.cancel()


class _Visitor:
    """What one handler runs for one visitor."""

    def __init__(self) -> None:
        self.runs: set[_Run] = set()
        self._newest = 0.0

    def switch_to(self, run: _Run, came: float) -> set[_Run]:
        """Supersede the others, and return them; or this one, if it has come before them."""
        if came < self._newest:
            run.supersede()
            return set()
        self._newest = came
        older = self.runs - {run}
        for each in older:
            each.supersede()
        return older


def _forget(visitors: dict[str, _Visitor], session: str) -> None:
    if session in visitors and not visitors[session].runs:
        del visitors[session]


class _Shown:
    """What the outputs of one event are to show, and what they show."""

    def __init__(self, show: _Show, *, chat: bool) -> None:
        one = show is None or isinstance(show, str) or callable(show)
        parts: Any = [show or "output"] if one else show
        if unknown := [each for each in parts if not callable(each) and each not in _PARTS]:
            raise ValueError(f"no part of a view: {unknown[0]!r}; there are {', '.join(_PARTS)}")
        self.has_place_for_errors = "error" in parts or "status" in parts
        self._parts = [each if callable(each) else _PARTS[each] for each in parts]
        self._shown: list[Any] = [_UNSET] * len(self._parts)
        self._chat = chat
        if chat:
            self._shown[0] = ""

    def of(self, view: View, *, in_full: bool) -> Any:
        """Return what to yield: what is new, or all of it.

        What is yielded last is the result for those who call the page by its API.
        """
        return self._values([part(view) for part in self._parts], in_full=in_full)

    def nothing_new(self) -> Any:
        """Return what to yield if all is to stay as it is."""
        return self._values([None] * len(self._parts), in_full=False)

    def _values(self, wanted: Sequence[Any], *, in_full: bool) -> Any:
        values = [self._value(n, each, in_full) for n, each in enumerate(wanted)]
        return values[0] if len(values) == 1 else tuple(values)

    def _value(self, n: int, value: Any, again: bool) -> Any:
        shown, reply = self._shown[n], self._chat and n == 0
        if value is None or (_same(value, shown) and not again):
            return shown if reply else gr.skip()
        self._shown[n] = value
        return value


def _same(value: object, shown: object) -> bool:
    return value is shown or (isinstance(value, str | float) and value == shown)


def _bar(view: View) -> str:
    if view.progress is None:
        width, style = 100.0, "opacity: 0.3"  # it works, and nobody knows for how long
    else:
        width, style = 100 * view.progress, "transition: width 0.2s"
    return (
        f'<div role="progressbar" aria-valuenow="{width:.0f}" style="height: 0.5rem; '
        'border-radius: 0.25rem; overflow: hidden; background: var(--border-color-primary)">'
        f'<div style="height: 100%; width: {width:.1f}%; background: var(--color-accent); '
        f'{style}"></div></div>'
    )


_PARTS: dict[str, Callable[[View], Any]] = {
    "status": lambda view: view.status,
    "progress": lambda view: view.progress or 0.0,
    "bar": _bar,
    "output": lambda view: view.output,
    "error": lambda view: view.error,
    "busy": lambda view: gr.update(interactive=not view.busy),
    "cancel": lambda view: gr.update(interactive=view.busy),
}


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for it, up to so many seconds; that time is up does not mean that it has not come."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _session() -> str | None:
    """Return what Gradio calls the page of a visitor; None if this is no event of a page."""
    # Gradio only hands it over as a parameter, and the parameters are those of the function.
    session: str | None = getattr(_local.request.get(None), "session_hash", None)
    return session


def _came() -> float:
    """Return when the event was put into Gradio's queue."""
    try:
        queue = getattr(_local.blocks.get(), "_queue")  # noqa: B009 (it has no public way)
        came: float = queue.event_analytics[_local.event_id.get()]["time"]
    except (AttributeError, LookupError):
        return time.time()
    return came


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # of what is imported for type checkers only
        return inspect.signature(function)


def _raise_error_of(snapshot: Snapshot) -> None:
    error, said = snapshot.error, view_of(snapshot).error
    if error is not None and isinstance(error, gr.Error):
        raise error
    if said:  # of one that was cancelled, nothing
        # Gradio shows it as HTML, and what another app says is text.
        raise gr.Error(escape(said, quote=False)) from error
