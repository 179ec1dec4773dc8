"""What is safe to repeat, and repeating it."""

from __future__ import annotations

__all__ = ["harmless", "persist", "unaccepted"]

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .exceptions import ConnectionLost, RxGradioError
from .options import Retry

T = TypeVar("T")

logger = logging.getLogger("rxgradio")


def unaccepted(error: RxGradioError) -> bool:
    """Whether a request that failed like this has certainly not been accepted.

    There was no connection to send it on, or the answer says when to come again.
    """
    if isinstance(error, ConnectionLost):
        return not error.sent
    return error.status in {429, 503} and error.retry_after is not None


def harmless(error: RxGradioError) -> bool:
    """Whether a request that changes nothing, and failed like this, may go well next time."""
    return (
        isinstance(error, ConnectionLost)
        or error.status in {502, 503, 504}
        or (error.status == 429 and error.retry_after is not None)
    )


async def persist(
    work: Callable[[], Awaitable[T]],
    retry: Retry | None,
    again: Callable[[RxGradioError], bool],
    *,
    wanted: Callable[[], bool] = lambda: True,
    waiting: Callable[[float], object] = lambda _: None,
) -> T:
    """Do some work until it succeeds; raises its last error when there is to be no other try.

    Args:
        work: What may be tried several times.
        retry: How often and when; None for once only.
        again: Whether it may be tried again after an error.
        wanted: Whether it still matters, asked before each further try.
        waiting: Told the seconds before the next try.
    """
    now = asyncio.get_running_loop().time
    failed = 0
    since = 0.0
    while True:
        try:
            return await work()
        except RxGradioError as error:
            if retry is None or not (again(error) and wanted()):
                raise
            failed += 1
            since = since or now()
            seconds = retry.delay(
                error, failed=failed, spent=now() - since, retry_after=error.retry_after
            )
            if seconds is None:
                raise
            logger.debug("try %d: %s; again in %.1f s", failed, error, seconds)
            last = error
        waiting(seconds)
        await asyncio.sleep(seconds)
        if not wanted():
            raise last
