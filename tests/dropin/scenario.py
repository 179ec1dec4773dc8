"""Scenarios: what a script does with a client, whichever of the two it has imported.

A scenario is a function of a `Script`. It is run with `gradio_client` and with
`rxgradio`, and what comes of it is compared.
"""

from __future__ import annotations

__all__ = [
    "ALL",
    "NAMED",
    "NEWER",
    "NEWEST",
    "PATIENCE",
    "SCENARIOS",
    "Expected",
    "Outcome",
    "Scenario",
    "Script",
    "differs",
    "hangs",
    "outcome",
    "raises",
    "returns",
    "same",
]

import contextlib
import importlib
import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

ALL = ("4.8.0", "4.44.1", "5.50.0", "6.31.0")
"""The releases that are tried: one of each protocol that both clients speak."""

NAMED = ALL[1:]
"""Those whose arguments have names and defaults (since 4.23)."""

NEWER = ALL[2:]
NEWEST = ALL[3:]

PATIENCE = 30.0
"""Seconds after which what should end at once counts as hanging."""


class Script:
    """What a scenario has: one of the libraries, the address of the app, and a folder."""

    def __init__(self, library: ModuleType, address: str, folder: Path) -> None:
        self.library = library
        self.handle_file: Callable[..., Any] = library.handle_file
        self.address = address
        self.folder = folder
        self.downloads = folder / "downloads"
        self._clients: list[Any] = []

    @property
    def theirs(self) -> bool:
        """Whether it has imported gradio_client."""
        return self.library.__name__ == "gradio_client"

    def connect(self, address: str | None = None, /, **options: Any) -> Any:
        """Connect a client, that is closed in the end."""
        options.setdefault("download_files", self.downloads)
        client = self.library.Client(self.address if address is None else address, **options)
        self._clients.append(client)
        return client

    def module(self, name: str) -> ModuleType:
        """Import a module of the library, such as "exceptions"."""
        return importlib.import_module(f"{self.library.__name__}.{name}")

    def file(self, name: str = "note.txt", content: str = "some words") -> str:
        """Write a file to send."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            if self.theirs:
                # It would wait a second for its thread.
                threading.Thread(target=client.close, daemon=True).start()
            else:
                client.close()


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario; the names in `raised` are those of a class and its bases."""

    value: object = None
    raised: tuple[str, ...] = ()
    message: str = ""
    hangs: bool = False


@dataclass(frozen=True)
class Expected:
    """What may come of a scenario: one of some values, or of some exceptions, or no end."""

    values: tuple[object, ...] = ()
    raised: tuple[str, ...] = ()
    message: str = ""
    hangs: bool = False

    def check(self, outcome: Outcome) -> None:
        """Compare."""
        if outcome.hangs:
            assert self.hangs, outcome
        elif outcome.raised:
            assert set(self.raised) & set(outcome.raised), outcome
            assert self.message in outcome.message, outcome
        else:
            assert outcome.value in self.values, outcome


def returns(*values: object) -> Expected:
    """Expect a value; several, where it is a matter of luck."""
    return Expected(values=values)


def raises(*names: str, message: str = "") -> Expected:
    """Expect an exception of a class, or with a base, of this name, that says this."""
    return Expected(raised=names, message=message)


def hangs(*values: object, raised: tuple[str, ...] = ()) -> Expected:
    """Expect no end; or a value or an exception of some, where it is a matter of luck."""
    return Expected(values=values, raised=raised, hangs=True)


@dataclass(frozen=True)
class Scenario:
    """A function of a script, on which apps it is tried, and what is to come of it.

    The two do the `same`, which is an exception of the class `raised`, if any; or
    they differ, `because` of something.
    """

    function: Callable[[Script], object]
    on: tuple[str, ...]
    app: Mapping[str, str] = field(default_factory=dict)
    raised: str = ""
    because: str = ""
    theirs: Expected | None = None
    ours: Expected | None = None

    @property
    def patience(self) -> float:
        """Seconds to wait for gradio_client, which may be known to hang."""
        return 5.0 if self.theirs is not None and self.theirs.hangs else PATIENCE

    def compare(self, theirs: Outcome, ours: Outcome) -> None:
        """Compare what has come of it."""
        if self.theirs is not None and self.ours is not None:
            self.theirs.check(theirs)
            self.ours.check(ours)
        elif self.raised:
            raises(self.raised).check(theirs)
            raises(self.raised).check(ours)
        else:
            assert not theirs.raised, theirs
            assert not theirs.hangs, theirs
            assert ours == theirs


SCENARIOS: list[Scenario] = []


def same(
    *, on: tuple[str, ...] = ALL, raises: str = "", **app: str
) -> Callable[[Callable[[Script], object]], Callable[[Script], object]]:
    """Mark a scenario of which both clients make the same; *app* is the app's environment."""

    def mark(function: Callable[[Script], object]) -> Callable[[Script], object]:
        SCENARIOS.append(Scenario(function, on, app, raised=raises))
        return function

    return mark


def differs(
    because: str, *, theirs: Expected, ours: Expected, on: tuple[str, ...] = ALL, **app: str
) -> Callable[[Callable[[Script], object]], Callable[[Script], object]]:
    """Mark a scenario of which the clients make different things, on purpose."""

    def mark(function: Callable[[Script], object]) -> Callable[[Script], object]:
        SCENARIOS.append(Scenario(function, on, app, because=because, theirs=theirs, ours=ours))
        return function

    return mark


def outcome(
    function: Callable[[Script], object], script: Script, patience: float = PATIENCE
) -> Outcome:
    """Run a scenario, for a limited time.

    What it prints is not shown.
    """
    made: list[Outcome] = []

    def run() -> None:
        try:
            made.append(Outcome(function(script)))
        except Exception as error:
            names = tuple(each.__name__ for each in type(error).__mro__[:-2])
            made.append(Outcome(raised=names, message=str(error)))

    with contextlib.redirect_stdout(io.StringIO()):
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(patience)
    if not made:
        return Outcome(hangs=True)
    script.close()
    return made[0]
