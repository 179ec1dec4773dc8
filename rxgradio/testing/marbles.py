"""Marble diagrams as the endpoints of an app."""

from __future__ import annotations

__all__ = ["Marbles"]

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from reactivex.notification import Notification, OnError, OnNext
from reactivex.observable.marbles import parse

from ..exceptions import AppError


@dataclass(frozen=True, slots=True)
class Marbles:
    """What an endpoint yields, and when, counted from when its function is called.

        --a--(b,c)---|      "a" after 0.2 s, "b" and "c" after 0.5 s, the end after 1.3 s
        --a--#              the call fails after 0.5 s
        --a--               and never ends

    The language is that of `reactivex.from_marbles`.

    Args:
        diagram: A character takes one `timespan`.
        values: What stands for what: outputs, tuples of them, or `StatusUpdate`s of code LOG
            and PROGRESS. Other characters stand for themselves, digits for numbers.
        error: What `#` raises; an `AppError` is told to the caller, as a `gr.Error` is.
        timespan: In seconds.
        parameters: The names of the inputs, which may be left out (as Gradio tells since 4.23).

    Raises:
        ValueError: It is no marble diagram.
    """

    diagram: str
    values: Mapping[str | float, Any] | None = None
    error: Exception = AppError("error")  # noqa: RUF009 (it is raised, and not changed)
    timespan: float = 0.1
    parameters: Sequence[str] = ("input",)

    def __post_init__(self) -> None:
        """Read it."""
        self._notifications()

    async def play(self) -> AsyncGenerator[Any, None]:
        """Yield what the diagram says, in time."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for at, notification in self._notifications():
            await asyncio.sleep(begun + at - loop.time())
            if isinstance(notification, OnNext):
                yield notification.value
            elif isinstance(notification, OnError):
                raise _again(self.error)
            else:
                return
        await loop.create_future()  # nobody has said that it ends

    def _notifications(self) -> list[tuple[float, Notification[Any]]]:
        found = parse(
            self.diagram,
            timespan=self.timespan,
            lookup=self.values,
            error=self.error,
            raise_stopped=True,
        )
        return cast("list[tuple[float, Notification[Any]]]", found)


def _again(error: Exception) -> Exception:
    """Return a copy: what was raised holds on to all that ran, and this is raised many times."""
    kind = type(error)
    made = kind.__new__(kind, *error.args)  # its `__init__` may take something else
    vars(made).update(vars(error))
    return made
