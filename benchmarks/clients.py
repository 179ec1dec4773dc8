"""The clients that are measured, behind the few names that the scenarios use.

rxgradio is drop-in for `gradio_client`, so the two are one adapter with the same
arguments. What is compared is the library and not its extras: both are told to print
nothing, report nothing and download nothing.
"""

from __future__ import annotations

__all__ = ["CLIENTS", "Client", "Job", "Library"]

import importlib
import inspect
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Job(Protocol):
    """A submission: what the scenarios do with one."""

    def __iter__(self) -> Iterator[Any]: ...

    def result(self, timeout: float | None = None) -> Any: ...

    def cancel(self) -> object: ...


class Client(Protocol):
    """A connected client: what the scenarios do with one."""

    def predict(self, *args: object, api_name: str) -> Any: ...

    def submit(self, *args: object, api_name: str) -> Job: ...

    def pause(self, seconds: float) -> None:
        """Let time pass without asking anything of the client."""


class _Threaded:
    """A client that works in threads of its own, and so goes on while the caller sleeps."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.predict = client.predict
        self.submit = client.submit

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Library:
    """One of the clients, not yet imported."""

    name: str
    label: str
    module: str
    options: Mapping[str, object] = field(default_factory=dict)
    threaded: bool = True

    @property
    def imports(self) -> str:
        """The statement that imports it."""
        return f"from {self.module} import Client"

    def script(self, url: str) -> str:
        """Write the shortest script that uses it: import, connect, call once."""
        options = "".join(f", {name}={value!r}" for name, value in self._accepted().items())
        return (
            f"{self.imports}\n"
            f"client = Client({url!r}{options})\n"
            "assert client.predict('x', api_name='/echo') == 'x'"
        )

    def load(self) -> Any:
        """Import it, and return its class."""
        return importlib.import_module(self.module).Client

    def connect(self, url: str) -> Client:
        """Import it, and connect it to an app."""
        client = self.load()(url, **self._accepted())
        return _Threaded(client) if self.threaded else client

    def _accepted(self) -> dict[str, object]:
        # What a client has no switch for, it does not do.
        known = inspect.signature(self.load()).parameters
        return {name: value for name, value in self.options.items() if name in known}


_QUIET = {"verbose": False, "analytics_enabled": False, "download_files": False}

CLIENTS = {
    it.name: it
    for it in (
        Library("rxgradio", "rxgradio", "rxgradio", _QUIET),
        Library("gradio_client", "gradio_client", "gradio_client", _QUIET),
        Library("minimum", "httpx minimum", "benchmarks.minimum", threaded=False),
    )
}
