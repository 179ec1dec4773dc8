"""Functions of Python as the endpoints of an app."""

from __future__ import annotations

__all__ = ["Endpoint", "served"]

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ..exceptions import AppError
from ..transport.memory import Function, MemoryEndpoint
from ..updates import StatusUpdate
from .files import Files, paths_of
from .marbles import Marbles

logger = logging.getLogger("rxgradio")

_END: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A function that an app serves, and how.

    Its parameters are the inputs. One whose name begins with "state" is State: each
    session has its own, which begins as the default.

    Args:
        function: A function or a generator, `async` or not, or marbles. What raises
            `rxgradio.AppError` raises `gr.Error`. A generator may also yield `StatusUpdate`s
            of code PROGRESS or LOG.
        outputs: Their names; for several, tuples are returned. One that begins with
            "state" is the State of that name.
        concurrency: How many calls may run at a time; the others wait in the queue.
        queued: False is `queue=False`.
        stream: It is a `.stream()` event (since 5.0), called for each frame.
    """

    function: Callable[..., Any] | Marbles | str
    outputs: Sequence[str] = ("output",)
    concurrency: int | None = None
    queued: bool = True
    stream: bool = False


def served(
    name: str,
    made: Callable[..., Any] | Marbles | str | Endpoint,
    called: Callable[[str, tuple[Any, ...]], object],
    *,
    threads: bool = False,
    files: Files | None = None,
) -> MemoryEndpoint:
    """Return a function as the endpoint of an app.

    Args:
        name: The API name.
        made: The function.
        called: Hears of each call of it.
        threads: Whether what is not `async` runs on threads, and may block.
        files: Gives and takes its files as paths; else they are what they are on the wire.
    """
    endpoint = made if isinstance(made, Endpoint) else Endpoint(function=made)
    function = endpoint.function
    if isinstance(function, str):
        function = Marbles(function)
    if isinstance(function, Marbles):
        parameters: dict[str, Any] = dict.fromkeys(function.parameters, "")
        run: Callable[..., Any] = _playing(function)
        generator = True
    else:
        parameters = _parameters(name, function)
        generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        run = function
    return MemoryEndpoint(
        _running(name, run, len(endpoint.outputs), called, threads=threads, files=files),
        parameters,
        endpoint.outputs,
        generator=generator,
        concurrency=endpoint.concurrency,
        queued=endpoint.queued,
        stream=endpoint.stream,
        files=paths_of(run, endpoint.outputs) if files is not None else (),
    )


def _parameters(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Return the inputs of a function with their defaults; `...` is none."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: what it takes cannot be seen of {function!r}") from error
    if any(each.kind in {each.VAR_POSITIONAL, each.VAR_KEYWORD} for each in found):
        raise TypeError(f"{name}: an endpoint has a fixed number of inputs; write it with names")
    return {each.name: ... if each.default is each.empty else each.default for each in found}


def _playing(marbles: Marbles) -> Callable[..., AsyncGenerator[Any, None]]:
    return lambda *_: marbles.play()


def _running(
    name: str,
    function: Callable[..., Any],
    outputs: int,
    called: Callable[[str, tuple[Any, ...]], object],
    *,
    threads: bool,
    files: Files | None,
) -> Function:
    async def do(step: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.to_thread(_stepped, step, *args) if threads else step(*args)

    waits = threads and not _is_async(function)

    async def told(value: Any) -> Any:
        slots = _slots(value, outputs)
        if files is None or isinstance(slots, StatusUpdate):
            return slots
        return await do(files.kept, slots)

    async def made_by(*given: Any) -> AsyncGenerator[Any, None]:
        called(name, given)
        if files is not None:
            given = tuple(await do(files.opened, list(given)))
        made = await do(function, *given) if waits else function(*given)
        if inspect.isasyncgen(made):
            try:
                async for each in made:
                    yield await told(each)
            finally:
                await made.aclose()
        elif inspect.isgenerator(made):
            try:
                while (each := await do(next, made, _END)) is not _END:
                    yield await told(each)
            finally:
                await do(made.close)
        else:
            yield await told(await made if inspect.isawaitable(made) else made)

    return _guarded(name, made_by, logged=threads)


def _guarded(name: str, function: Function, *, logged: bool) -> Function:
    """Return a function that fails as that of an app does, whatever it raises."""

    async def run(*given: Any) -> AsyncGenerator[Any, None]:
        made = function(*given)
        try:
            async for each in made:
                yield each
        except GeneratorExit:
            raise
        except Exception as error:
            if logged and not isinstance(error, AppError):  # of which the caller is told nothing
                logger.warning("%s raised an exception", name, exc_info=True)
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # it is the app that ends
            # It would end the loop, with all calls under way, or this call would never end.
            interrupted = isinstance(error, KeyboardInterrupt)
            if interrupted and threading.current_thread() is threading.main_thread():
                # In virtual time, somebody wants the test to end.
                asyncio.get_running_loop().call_soon(_interrupt)
            raise RuntimeError(f"{name} raised {error!r}") from error
        finally:
            await made.aclose()

    return run


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _stepped(step: Callable[..., Any], *args: Any) -> Any:
    try:
        return step(*args)
    except StopIteration as error:  # which no future can have, and its call would never end
        raise RuntimeError(f"{step!r} raised StopIteration") from error


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _slots(value: Any, outputs: int) -> Any:
    if isinstance(value, StatusUpdate):
        return value
    if outputs == 0:
        return []
    return [value] if outputs == 1 else list(value)
