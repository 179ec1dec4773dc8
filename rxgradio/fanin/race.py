"""The stream that has the first output."""

from __future__ import annotations

__all__ = ["race"]

from typing import Any, TypeVar, overload

from reactivex import Observable, abc

from ..fluent import Updates
from .contest import Contest, like
from .inlets import checked

T = TypeVar("T")


@overload
def race(*streams: Updates) -> Updates: ...


@overload
def race(*streams: Observable[T]) -> Observable[T]: ...


def race(*streams: Observable[Any]) -> Observable[Any]:
    """Pass on the stream that is the first to have an output, and leave the others.

        a:     --S--S-----o--|        (S: status, o: output)
        b:     ---S---o--o--F-S-|
        race:  --S--S-So-o--F-S-|     (a is left, and so cancelled on the server, at b's o)

    Every call says at once that it starts, so a status decides nothing (reactivex's `amb`
    goes by the first signal). Until there is an output, the statuses of the first stream
    that has not failed are passed on; if another takes its place, its own are, from its
    start. In a stream that is not of updates, any value is an output: a race of `result()`
    is for the first to be done. One that completes without an output has won too.

    An error takes its stream out of the race. If all fail, their errors are `on_error`, as an
    `ExceptionGroup` in the order of the streams; an error of the winner is passed on.

    Raises:
        TypeError: One of them is no stream.
        ValueError: There are none.
    """
    sources = checked(streams)
    if not sources:
        raise ValueError("a race needs streams")

    def subscribe(
        observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        contest = Contest(sources, observer, scheduler, "a race")
        for _ in sources:
            contest.start_next()
        return contest.begin()

    return like(sources, subscribe)
