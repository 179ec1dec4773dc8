"""Functions of Python as the endpoints of an app."""

from __future__ import annotations

__all__ = ["Endpoint", "served"]

import inspect
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..transport.memory import Function, MemoryEndpoint
from ..updates import StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A function that an app serves, and how.

    Its parameters are the inputs. One whose name begins with "state" is State: each
    session has its own, which begins as the default.

    Args:
        function: A function or a generator, `async` or not. Whatever waits must be `async`:
            all else waits with it. What raises `rxgradio.AppError` raises `gr.Error`. A
            generator may also yield `StatusUpdate`s of code PROGRESS or LOG.
        outputs: Their names; for several, tuples are returned. One that begins with
            "state" is the State of that name.
        concurrency: How many calls may run at a time; the others wait in the queue.
        queued: False is `queue=False`.
        stream: It is a `.stream()` event (since 5.0), called for each frame.
    """

    function: Callable[..., Any]
    outputs: Sequence[str] = ("output",)
    concurrency: int | None = None
    queued: bool = True
    stream: bool = False


def served(
    name: str, made: Callable[..., Any] | Endpoint, called: Callable[[str, tuple[Any, ...]], object]
) -> MemoryEndpoint:
    """Return a function as the endpoint of an app; `called` hears of each call of it."""
    endpoint = made if isinstance(made, Endpoint) else Endpoint(function=made)
    function = endpoint.function
    generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    parameters = inspect.signature(function).parameters.values()
    return MemoryEndpoint(
        _running(name, function, len(endpoint.outputs), called),
        {each.name: ... if each.default is each.empty else each.default for each in parameters},
        endpoint.outputs,
        generator=generator,
        concurrency=endpoint.concurrency,
        queued=endpoint.queued,
        stream=endpoint.stream,
    )


def _running(
    name: str,
    function: Callable[..., Any],
    outputs: int,
    called: Callable[[str, tuple[Any, ...]], object],
) -> Function:
    async def run(*given: Any) -> AsyncGenerator[Any, None]:
        called(name, given)
        made = function(*given)
        if inspect.isasyncgen(made):
            try:
                async for each in made:
                    yield _slots(each, outputs)
            finally:
                await made.aclose()
        elif inspect.isgenerator(made):
            try:
                for each in made:
                    yield _slots(each, outputs)
            finally:
                made.close()
        else:
            yield _slots(await made if inspect.isawaitable(made) else made, outputs)

    return run


def _slots(value: Any, outputs: int) -> Any:
    if isinstance(value, StatusUpdate):
        return value
    if outputs == 0:
        return []
    return [value] if outputs == 1 else list(value)
