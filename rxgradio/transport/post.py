"""Calls without a queue: one post each, whose answer is the result.

Runs on the scheduler thread.
"""

from __future__ import annotations

__all__ = ["Posts"]

import asyncio
from collections.abc import Callable

import orjson

from ..clock import now
from ..exceptions import RxGradioError
from ..options import Limits
from ..patience import persist, unaccepted
from ..protocol.answers import message_of
from ..protocol.ends import closed, outcome_after
from ..protocol.messages import Message, Started
from ..updates import CancelOutcome
from .interface import Transport, unexpected
from .submission import Submission

_MOST = 100
"""Posts that may be under way; each takes a connection."""


class Posts:
    """The calls that are posted directly.

    Calls that share State are posted one after another.

    Args:
        transport: What everything is sent with.
        prefix: The path of the app's API.
        session_hash: Tells under which name the app keeps State.
        limits: Their `memory` is what a result may take.
    """

    def __init__(
        self,
        transport: Transport,
        prefix: str,
        session_hash: Callable[[], str],
        limits: Limits = Limits(),
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._path = f"{prefix}/api/predict"  # `/run/predict` exists since 3.9 or so
        self._session_hash = session_hash
        self._tasks: dict[Submission, asyncio.Task[None]] = {}
        self._unsent: set[Submission] = set()
        self._room = asyncio.Semaphore(_MOST)
        self._in_order = asyncio.Lock()

    def submit(self, submission: Submission) -> None:
        """Send a call on its way."""
        submission.way = self
        task = asyncio.get_running_loop().create_task(self._call(submission))
        self._tasks[submission] = task
        task.add_done_callback(lambda _: self._forget(submission))

    def cancel(self, submission: Submission) -> None:
        """Let go of a call; a plain function cannot be stopped."""
        task = self._tasks.pop(submission, None)
        if task is None:
            submission.sink.cancel_told(outcome_after(submission.call.event))
            return
        sent = submission.call.event.started and submission not in self._unsent
        task.cancel()
        outcome = CancelOutcome.STILL_RUNNING if sent else CancelOutcome.NOT_SENT
        submission.sink.cancel_told(outcome)

    async def aclose(self) -> None:
        """End all calls."""
        tasks = dict(self._tasks)
        self._tasks.clear()
        for submission, task in tasks.items():
            task.cancel()
            event = submission.call.event
            entries = event.end(closed(), now())
            submission.sink.finish(entries, event.status, event.error)
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    def _forget(self, submission: Submission) -> None:
        self._tasks.pop(submission, None)
        self._unsent.discard(submission)

    async def _call(self, submission: Submission) -> None:
        if submission.has_state:
            async with self._in_order:
                await self._post(submission)
        else:
            async with self._room:
                await self._post(submission)

    async def _post(self, submission: Submission) -> None:
        call = submission.call
        event = call.event
        body = {
            "data": orjson.Fragment(call.data),
            "event_data": None,
            "fn_index": call.fn_index,
            "session_hash": self._session_hash(),
            **({} if call.oauth_token is None else {"oauth_token": call.oauth_token}),
        }
        sink = submission.sink
        sink.publish(event.receive(Started(None, None), now()), event.status)
        try:
            message = await persist(
                lambda: self._try(submission, orjson.dumps(body)),
                call.options.retry,
                unaccepted,
                waiting=lambda _: self._unsent.add(submission),
            )
            entries = event.receive(message, now())
        except RxGradioError as error:
            entries = event.end(error, now())
        except Exception as error:  # noqa: BLE001 (a bug or a plug-in must not leave a call hanging)
            entries = event.end(unexpected(error), now())
        if self._tasks.pop(submission, None) is not None:  # else it has ended for its user
            sink.finish(entries, event.status, event.error)

    async def _try(self, submission: Submission, body: bytes) -> Message:
        self._unsent.discard(submission)
        headers = submission.call.options.headers
        answer = await self._transport.post(self._path, body, headers, timed=False)
        return message_of(answer, self._limits.memory)
