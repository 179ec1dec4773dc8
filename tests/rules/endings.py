"""Every way in which a call may end, to be brought about when a test says so."""

from __future__ import annotations

__all__ = ["ENDINGS", "Ending"]

from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass

from rxgradio import (
    AppError,
    AuthenticationError,
    Client,
    ClientClosed,
    ConnectionLost,
    DeadlineExceeded,
    Job,
    ProtocolError,
    QueueFull,
    ServerStopped,
    TooManyRequestsError,
)
from rxgradio.testing import Full, Mute, Refuse, Replace, Reset, Stop, Toxic
from tests.rules.served import At, Served

DEADLINE = 0.5


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ends.

    Args:
        error: What it fails with; None if it does not.
        cause: Bring the end about, after the call has run into what it waits at.
        step: Of the server's, which goes wrong.
        wrong: How; where `early` is set, when the gate is open.
        early: Before the call has been accepted, so that there is no output.
        endpoint: Which is called.
    """

    error: type[BaseException] | None
    cause: Callable[[Served, Client, Job, str], object] = lambda server, client, job, tag: (
        server.open_gate(tag)
    )
    step: str | None = None
    wrong: tuple[Toxic, ...] = ()
    early: bool = False
    endpoint: str = "/flow"

    def begin(self, server: Served, client: Client, tag: str) -> Job:
        """Make a call that ends so, and wait until it can."""
        if self.step is not None:
            wrong = (At(server.gate(tag)), *self.wrong) if self.early else self.wrong
            server.script(self.step, wrong)
        deadline = DEADLINE if self.error is DeadlineExceeded else None
        job = client.endpoint(self.endpoint, deadline=deadline, retry=None).submit(tag, 3)
        if self.early:
            step = self.step or "join"
            server.until(lambda: server.asked(step))
        else:
            assert next(iter(job)) == f"{tag} 0"
        return job

    def named(self, server: Served) -> str:
        """Return what `Faces` calls it."""
        if self.error is None:
            return "completed"
        if self.error is ServerStopped and server.queue == "connection":
            return "ConnectionLost"  # which is all that is seen of it there
        return "cancelled" if self.error is CancelledError else self.error.__name__


NONSENSE = {"msg": "process_completed", "output": "nonsense", "success": True}
FINAL = "process_completed"

ENDINGS = {
    "completed": Ending(None),
    "an error of the app": Ending(AppError, endpoint="/fail"),
    "no login": Ending(AuthenticationError, step="join", early=True, wrong=(Refuse("401 X"),)),
    "a full queue": Ending(QueueFull, step="join", early=True, wrong=(Full(),)),
    "too many requests": Ending(
        TooManyRequestsError, step="join", early=True, wrong=(Refuse("429 X"),)
    ),
    "nonsense": Ending(ProtocolError, step="stream", wrong=(Replace(NONSENSE, of=FINAL),)),
    "no end of its own": Ending(
        ConnectionLost,
        lambda server, client, job, tag: server.restart(),
        step="stream",
        wrong=(Mute(after=1, of="process_generating"),),
    ),
    "a broken connection": Ending(
        ConnectionLost,
        # Where a stream is resumed, it breaks for good if the server has forgotten its calls.
        lambda server, client, job, tag: server.restart() if server.resumes else server.drop_all(),
    ),
    "a message that breaks off": Ending(
        ConnectionLost, step="stream", wrong=(Reset(after=1, of="process_generating", torn=True),)
    ),
    "a server that stops": Ending(
        ServerStopped, step="stream", wrong=(Stop(after=2, of="process_generating"),)
    ),
    "its deadline": Ending(DeadlineExceeded, lambda server, client, job, tag: None),
    "cancelled": Ending(CancelledError, lambda server, client, job, tag: job.cancel()),
    "cancelled before it was accepted": Ending(
        CancelledError,
        lambda server, client, job, tag: job.cancel(),
        step="join",
        early=True,
    ),
    "the client was closed": Ending(ClientClosed, lambda server, client, job, tag: client.close()),
}
"""By name; each is possible in every version of Gradio, but for its kind of loss."""
