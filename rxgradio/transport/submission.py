"""A call on its way to the app."""

from __future__ import annotations

__all__ = ["Submission", "Way"]

from collections import deque
from typing import Protocol

from ..options import CallOptions
from ..protocol import commands as do
from ..protocol.event import Event
from ..protocol.sink import Sink


class Way(Protocol):
    """What a call was sent on."""

    def cancel(self, submission: Submission) -> None:
        """Let go of a call that has ended for its user."""
        ...


class Submission:
    """One call on its way.

    Args:
        sink: Hears of it.
        data: The JSON of its data, one item per input on the wire.
        apart: It is likely to be cancelled while others like it run, and is sent
            where that harms none.
        group: Those that are apart, but of one group, may share a session: as a rule they
            are cancelled together.
        queued: It goes through the app's queue.
        streaming: It takes further inputs, while it runs.
        oauth_token: On whose behalf it runs, where the function asks for that.
    """

    __slots__ = ("apart", "call", "group", "has_state", "queued", "sink", "way")

    def __init__(
        self,
        sink: Sink,
        *,
        fn_index: int,
        data: bytes,
        event: Event,
        generator: bool,
        has_state: bool,
        apart: bool,
        queued: bool,
        streaming: bool,
        options: CallOptions,
        oauth_token: str | None = None,
        group: object = None,
    ) -> None:
        self.sink = sink
        self.has_state = has_state
        self.apart = apart
        self.group = group
        self.queued = queued
        self.way: Way | None = None
        self.call: do.Call[Submission] = do.Call(
            self, fn_index, data, event, generator, ordered=has_state, options=options
        )
        self.call.oauth_token = oauth_token
        if streaming:
            self.call.chunks = deque()
