"""The app that the contract is tested on: what a test may ask of it, wherever it runs."""

from __future__ import annotations

__all__ = ["SOON", "STEPS", "VERSIONS", "App", "Seen", "outcome_of", "reached", "until_closed"]

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from rxgradio import CancelOutcome, Client, Job, OutputUpdate, Status

VERSIONS = (
    *("3.36.1", "3.50.2", "4.8.0", "4.16.0", "4.20.1"),
    *("4.21.0", "4.22.0", "4.44.1", "5.50.0", "6.31.0"),
)
"""One release or two of each generation."""

SOON = 20.0
"""Seconds after which something that should happen at once counts as hanging."""


STEPS = 500
"""Outputs of a generator that is to be closed on its way."""


def outcome_of(job: Job, app: App, tag: str) -> CancelOutcome:
    """Return what the server made of the cancel of a run of `/gated_words`.

    Gradio 5 and 6 answer when the generator has made the output that it is working
    on, so it is let go on, one output at a time, until they have.
    """
    outcome = job.cancel_outcome
    for _ in range(int(SOON / 0.2)):
        app.open(tag)
        with suppress(TimeoutError):
            return outcome.result(0.2)
    return outcome.result(0)


class App(ABC):
    """An app whose every step a test decides.

    Calls of `/gated` and `/gated_words` wait at a *gate*, one per tag, until `open`; what
    becomes of them is written to the *ledger* of the tag: "started", each output, and
    "closed" or "finished". Tags are unique to a test, as the app may be shared.
    """

    version: str

    @property
    def release(self) -> tuple[int, ...]:
        """The version, to compare with."""
        return tuple(map(int, self.version.split(".")))

    @abstractmethod
    def connect(self) -> Client:
        """Return a new client."""

    @abstractmethod
    def connect_to_be_cut(self) -> Client:
        """Return a client whose connections `cut` breaks."""

    @abstractmethod
    def cut(self) -> None:
        """Break all connections that are open of clients that are to be cut."""

    @abstractmethod
    def open(self, tag: str, times: int = 1) -> None:
        """Let so many waiters of a gate through, now or when they come."""

    @abstractmethod
    def ledger(self, tag: str) -> list[str]:
        """Tell what has happened to the calls with this tag."""

    @abstractmethod
    def await_ledger(self, tag: str, entry: str) -> None:
        """Wait until something has happened to the calls with this tag."""

    @abstractmethod
    def held_up(self, tag: str) -> AbstractContextManager[Callable[[Client, str], Job]]:
        """Hold up a queue.

        Inside, what it returns submits, for a client and with a tag, a generator that
        must wait in that queue until the context is left; then it needs an opening of
        the gate of its tag.
        """


def until_closed(app: App, tag: str) -> None:
    """Let a generator go on until it is closed: no server stops it between two outputs.

    Nor at its next one, if the server takes a moment to see that its client has left.
    """
    for _ in range(STEPS):
        if "closed" in app.ledger(tag):
            return
        app.open(tag)
    app.await_ledger(tag, "closed")


class Seen:
    """An observer that keeps what it gets, and lets a test wait for it."""

    def __init__(self, job: Job | None = None, **how: Any) -> None:
        self.values: list[Any] = []
        self.error: Exception | None = None
        self.completed = False
        self.threads: set[str] = set()
        self._ended = threading.Event()
        if job is not None:
            self.subscription = job.updates.subscribe(self, **how)

    def on_next(self, value: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.values.append(value)

    def on_error(self, error: Exception) -> None:
        self.error = error
        self._ended.set()

    def on_completed(self) -> None:
        self.completed = True
        self._ended.set()

    def wait(self) -> Seen:
        assert self._ended.wait(SOON)
        return self

    @property
    def outputs(self) -> list[Any]:
        return [value.outputs for value in self.values if isinstance(value, OutputUpdate)]

    @property
    def codes(self) -> list[Status]:
        return [value.code for value in self.values if not isinstance(value, OutputUpdate)]


def reached(job: Job, code: Status) -> None:
    """Wait until a job has been where `code` says."""
    there = threading.Event()
    with job.updates.subscribe(
        lambda update: update.type == "status" and update.code is code and there.set() and None,
        lambda _: None,
    ):
        assert there.wait(SOON)
