"""What the contract asks of a toolkit's UI, to be written once for each toolkit."""

from __future__ import annotations

__all__ = ["AnyThreadDriver", "Driver"]

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.contract.app import SOON

T = TypeVar("T")


class Driver(ABC):
    """A window, on a thread that need not be the test's.

    Widgets are made, looked at and bound by `call`, which runs a function on the UI's thread.
    """

    lacks: frozenset[str] = frozenset()
    """What it is not: "interactive", "mortal", "threaded" (see conftest.py)."""
    frame: float
    """Seconds between two paintings."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        """What was reported as errors of callbacks are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def call(self, action: Callable[[], T]) -> T:
        """Do something on the UI's thread, and return what comes of it; raises what it raises."""

    @abstractmethod
    def turn(self) -> None:
        """Let the UI do what is due, and perhaps a little time pass."""

    def until(self, fact: Callable[[], object]) -> None:
        """Let the UI run until something is so; asked on its thread."""
        deadline = time.monotonic() + SOON
        while not self.call(fact):
            assert time.monotonic() < deadline, "it has not come true"
            self.turn()

    def now(self) -> float:
        """Return the time that its frames go by."""
        return time.monotonic()

    @abstractmethod
    def label(self) -> Any:
        """Make a label."""

    @abstractmethod
    def bar(self) -> Any:
        """Make a progress bar."""

    def entry(self) -> Any:
        """Make an entry."""
        raise NotImplementedError

    def button(self) -> Any:
        """Make a button."""
        raise NotImplementedError

    @abstractmethod
    def shown(self, widget: Any) -> Any:
        """Return the text of a label or an entry, or how much of a bar is done; None: unknown."""

    def enabled(self, widget: Any) -> bool:
        """Whether the user can do something with a widget."""
        raise NotImplementedError

    def type(self, entry: Any, text: str) -> None:
        """Do as a user who appends something."""
        raise NotImplementedError

    def click(self, button: Any) -> None:
        """Do as a user who clicks."""
        raise NotImplementedError

    @abstractmethod
    def destroy(self, widget: Any) -> None:
        """End a widget."""

    @abstractmethod
    def close(self) -> None:
        """End the window, and all that is in it; may be called again."""


class AnyThreadDriver(Driver, logging.Handler):
    """One without a thread of its own; its errors are what is logged."""

    def __init__(self) -> None:
        Driver.__init__(self)
        logging.Handler.__init__(self, logging.ERROR)
        logging.getLogger("rxgradio").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])

    def call(self, action: Callable[[], T]) -> T:
        return action()

    def turn(self) -> None:
        threading.Event().wait(0.002)

    def close(self) -> None:
        logging.getLogger("rxgradio").removeHandler(self)
