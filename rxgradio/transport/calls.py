"""All ways to make a call to one app, and the choice among them.

Runs on the scheduler thread.
"""

from __future__ import annotations

__all__ = ["Calls"]

import asyncio
import uuid

from ..options import Limits
from ..protocol.app import App
from ..protocol.commands import take_chunk
from ..updates import CancelOutcome
from .exchange import Exchanges
from .heartbeat import Heartbeat
from .interface import Transport
from .lane import Lane, Lanes
from .post import Posts
from .submission import Submission


class Calls:
    """The calls to one app.

    A call takes the app's queue, spoken to as its generation of servers wants it.
    Where there is none, for the app or for the endpoint, it is posted directly.

    Args:
        transport: What everything is sent with.
        prefix: The path of the app's API, such as "/gradio_api".
        limits: What the queue may do.
    """

    def __init__(
        self, transport: Transport, prefix: str, app: App, limits: Limits = Limits()
    ) -> None:
        session_hash = uuid.uuid4().hex
        self._heartbeat = Heartbeat(transport, prefix) if app.heartbeat else None
        self._queue: Lanes | Exchanges
        if app.dialect.queue == "session":
            self._queue = Lanes(
                transport,
                prefix,
                app.dialect,
                session_hash,
                has_state=app.has_state,
                limits=limits,
                on_session=self._follow,
            )
        else:
            self._queue = Exchanges(
                transport, prefix, app.dialect, session_hash, limits=limits, on_session=self._follow
            )
        self._follow(session_hash)
        # State lives under the session hash, whichever way a call takes to it.
        self._posts = Posts(transport, prefix, lambda: self.session_hash, limits)

    @property
    def session_hash(self) -> str:
        """Under which State lives."""
        return self._queue.session_hash

    def submit(self, submission: Submission) -> None:
        """Send a call on its way."""
        if submission.queued:
            self._queue.submit(submission)
        else:
            self._posts.submit(submission)

    def cancel(self, submission: Submission) -> None:
        """Let go of a call that has ended for its user."""
        if submission.way is not None:
            submission.way.cancel(submission)
        else:
            submission.sink.cancel_told(CancelOutcome.NOT_SENT)

    def feed(self, submission: Submission, chunk: bytes | None, *, latest: bool) -> None:
        """Take a further input of a streaming call, or None as their end."""
        if isinstance(submission.way, Lane):  # only session queues know such calls
            submission.way.feed(submission, chunk, latest=latest)
        elif submission.call.chunks is not None:  # it is still to be sent
            take_chunk(submission.call.chunks, chunk, latest=latest)

    def reset(self) -> None:
        """Begin another session, without the State of this one; its calls go on."""
        self._queue.reset()

    async def aclose(self) -> None:
        """End all calls and close all streams."""
        await asyncio.gather(self._queue.aclose(), self._posts.aclose())
        if self._heartbeat is not None:
            await self._heartbeat.aclose()

    def _follow(self, session_hash: str) -> None:
        if self._heartbeat is not None:
            self._heartbeat.follow(session_hash)
