"""What a user may choose of how calls are made, as values."""

from __future__ import annotations

__all__ = ["CallOptions", "Limits", "Options", "Retry"]

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

_MIB = 1024 * 1024

MEMORY = 300_000_000
"""Bytes of memory that JSON may take by default, it and what is parsed from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often, and when, something that has failed is tried again.

    Before the nth further try it waits a random time between 0 and
    `min(initial * multiplier ** (n - 1), longest)` seconds, so that many clients of a
    server that comes back do not come at once; and at least as long as the server
    asks for (Retry-After).

    Args:
        attempts: Tries in all, the first included.
        initial: Seconds that the first wait may take.
        multiplier: By how much each further wait may take longer.
        longest: Seconds that no wait exceeds, unless the server asks for more.
        budget: Seconds from the first failure within which a try must begin.
        only: Which of the errors that could be tried again are; by default all.

    Raises:
        ValueError: A number is out of its range.
    """

    attempts: int = 4
    initial: float = 0.1
    multiplier: float = 3.0
    longest: float = 10.0
    budget: float = 60.0
    only: Callable[[Exception], bool] | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.attempts < 1:
            raise ValueError("attempts is at least 1: the first counts")
        waits = (self.initial, self.longest, self.budget)
        if not (all(each >= 0 for each in waits) and self.multiplier >= 1):  # NaN is neither
            raise ValueError("the waits of a Retry are not negative, and do not get shorter")

    def delay(
        self,
        error: Exception,
        *,
        failed: int,
        spent: float,
        retry_after: float | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> float | None:
        """Return the seconds to wait before the next try, or None if there is to be none.

        Args:
            error: What the last try failed with.
            failed: How many have failed.
            spent: Seconds since the first of them did.
            retry_after: Seconds that the server has asked for.
            uniform: Draws a number between two others.
        """
        if failed >= self.attempts or (self.only is not None and not self.only(error)):
            return None
        # Beyond 1,000 powers no float is large enough.
        power = self.multiplier ** min(failed - 1, 200)
        wait = uniform(0, min(self.initial * power, self.longest))
        wait = max(wait, retry_after or 0)
        return wait if spent + wait <= self.budget else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server may do: how much it may send, in bytes, and how long it may say nothing.

    What is more ends a call with `ProtocolError`, and silence with `ConnectionLost`.

    Args:
        silence: Seconds without a sign of life after which a connection counts as lost
            (noticed within a third more). Gradio sends one every 15 seconds, so less
            than 20 is not wise; 3.x is pinged that often.
        event: One message of a queue, or one result of a call.
        document: Any other answer, such as the app's configuration.
        early: All messages that wait for the calls that they are about to be accepted.
        download: One file.
        replay: What a job keeps of its updates for those who come late, by an estimate of the
            memory that they take; of more, the oldest are forgotten when all present
            have read them.
        memory: What a message or a result may take in memory, it and what is parsed
            from it, by a safe estimate: many small numbers take 20 times what they
            have on the wire.
    """

    silence: float = 45.0
    event: int = 80 * _MIB
    document: int = 16 * _MIB
    early: int = 64 * _MIB
    download: int = 16 * 1024 * _MIB
    replay: int = 200 * _MIB
    memory: int = MEMORY

    def __post_init__(self) -> None:
        """Check the numbers."""
        if min(self.event, self.document, self.early, self.download, self.replay, self.memory) < 1:
            raise ValueError("a limit is a positive number of bytes")
        if not self.silence > 0:
            raise ValueError(f"silence is a positive number of seconds, not {self.silence!r}")


class Options(TypedDict, total=False):
    """The options of an endpoint, as keywords.

    deadline: Seconds for the whole call: uploads, queue, run and downloads. When they
        are over, the call is cancelled and ends with `DeadlineExceeded`. None: no limit.
    retry: How what is safe to repeat is repeated: connecting, uploads, downloads, and
        what the server has certainly not accepted. None: not at all.
    resubmit: How a call is made again after its connection was lost, or its server
        stopped, with everything that it did the first time. By default it is not.
    wait_for_room: Whether a call that finds the queue full is made again until there
        is room; give a `deadline` too. By default it ends with `QueueFull`.
    download: Which files of outputs are fetched: "all" of them, each before the update that
        it is in; those of the "final" output only; or, "lazy", none. In the place of any
        other is a `RemoteFile`, which fetches it when asked. What comes within a message
        (images of Gradio 3) is here already.
    replay: How many of its latest updates a job keeps, at least, for those who come
        late (`outputs()` too); what is older is forgotten when all present have read
        it. None: all of them, for as long as anybody holds the job.
    """

    deadline: float | None
    retry: Retry | None
    resubmit: Retry | None
    wait_for_room: bool
    download: Literal["all", "final", "lazy"]
    replay: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How a call is made: the values of `Options`, and header fields for its requests."""

    deadline: float | None = None
    retry: Retry | None = Retry()
    resubmit: Retry | None = None
    wait_for_room: bool = False
    download: Literal["all", "final", "lazy"] = "all"
    replay: int | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)  # may be secrets

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        if self.deadline is not None and not self.deadline > 0:
            raise ValueError(f"a deadline is a positive number of seconds, not {self.deadline!r}")
        if self.replay is not None and self.replay < 1:
            raise ValueError(f"replay is a positive number of updates, not {self.replay!r}")
        if self.download not in ("all", "final", "lazy"):
            raise ValueError(f"download is 'all', 'final' or 'lazy', not {self.download!r}")
        for name in ("retry", "resubmit"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Retry):
                raise TypeError(f"{name} is a rxgradio.Retry or None, not {type(value).__name__}")
