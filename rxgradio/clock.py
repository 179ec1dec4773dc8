"""What time it is: that of the machine, or in tests a virtual one."""

from __future__ import annotations

__all__ = ["now", "taken_from", "utc"]

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_virtual: ContextVar[Callable[[], datetime] | None] = ContextVar("rxgradio.clock", default=None)


def now() -> datetime:
    """Return the local time, without a time zone, as that of updates is."""
    virtual = _virtual.get()
    return datetime.now() if virtual is None else virtual().replace(tzinfo=None)


def utc() -> datetime:
    """Return the time as schedulers of reactivex have it, with a time zone."""
    virtual = _virtual.get()
    return datetime.now(UTC) if virtual is None else virtual()


@contextmanager
def taken_from(clock: Callable[[], datetime]) -> Generator[None]:
    """Take the time from another clock, in this context and those that are copied from it."""
    token = _virtual.set(clock)
    try:
        yield
    finally:
        _virtual.reset(token)
