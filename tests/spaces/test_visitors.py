"""An app that calls a Space does so for its visitor, and for no other one."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from rxgradio import Client, Retry
from rxgradio.testing import Reset
from tests.spaces.hub import Hub
from tests.transport.server import SOON, FakeGradio, answer


@pytest.fixture
def request_of_visitor(monkeypatch: pytest.MonkeyPatch) -> contextvars.ContextVar[Any]:
    """What `gradio/context.py` keeps for the function of an app that runs (3.50 to 6.31)."""
    request: contextvars.ContextVar[Any] = contextvars.ContextVar("request")
    context = ModuleType("gradio.context")
    context.LocalContext = SimpleNamespace(request=request)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gradio.context", context)
    return request


@pytest.fixture
def space(hub: Hub, server: FakeGradio) -> Iterator[Client]:
    hub.add("user/space", server.url)
    with Client("user/space") as client:
        yield client


def visit(token: str | None) -> Any:
    return SimpleNamespace(headers={} if token is None else {"x-ip-token": token})


def joins(server: FakeGradio) -> dict[str, list[str]]:
    """Return with which visitor each call was made, by its argument."""
    return {
        request.document["data"][0]: request.values("x-ip-token")
        for request in server.asked("join")
    }


def test_a_call_is_made_for_the_visitor_and_the_next_one_for_the_next(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    visitors = {"a": "token-a", "b": None, "c": "token-c"}
    for text, token in visitors.items():
        request_of_visitor.set(visit(token))
        assert space.predict(text, api_name="/echo") == text
    request_of_visitor.set(None)
    assert space.predict("d", api_name="/echo") == "d"

    assert joins(server) == {"a": ["token-a"], "b": [], "c": ["token-c"], "d": []}


def test_visitors_at_the_same_time_are_not_mixed_up(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    together = threading.Barrier(8)

    def serve(n: int) -> object:
        request_of_visitor.set(visit(f"token-{n}" if n % 2 else None))
        together.wait(SOON)
        return space.predict(f"{n}", api_name="/echo")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(serve, range(8))) == [f"{n}" for n in range(8)]

    assert joins(server) == {f"{n}": [f"token-{n}"] if n % 2 else [] for n in range(8)}
    # They share the stream, which is for nobody in particular.
    assert all(request.values("x-ip-token") == [] for request in server.asked("stream"))


def test_a_file_that_is_fetched_later_is_fetched_for_nobody(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    server.script("file", answer(b"content"))
    request_of_visitor.set(visit("token-a"))
    sent = {"path": "/srv/a.bin", "url": "", "meta": {"_type": "gradio.FileData"}}
    file = space.endpoint("/echo", download="lazy").predict(sent)
    request_of_visitor.set(visit("token-b"))
    assert file.read() == b"content"
    (fetched,) = server.asked("file")
    assert fetched.values("x-ip-token") == []


def test_a_call_that_is_made_again_is_still_for_its_visitor(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    server.script("stream", Reset(), None)
    request_of_visitor.set(visit("token-a"))
    endpoint = space.endpoint("/echo", resubmit=Retry(initial=0.01))
    job = endpoint.submit("a")
    request_of_visitor.set(visit("token-b"))

    assert job.result(SOON) == "a"

    posted = [request.values("x-ip-token") for request in server.asked("join")]
    assert posted == [["token-a"], ["token-a"]]


def test_a_stream_is_for_whoever_subscribes(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    request_of_visitor.set(visit("token-a"))
    updates = space.observe("a", api_name="/echo")
    request_of_visitor.set(visit("token-b"))
    updates.run()

    assert joins(server) == {"a": ["token-b"]}


@pytest.mark.parametrize("name", ["x-ip-token", "X-IP-Token"])
@pytest.mark.parametrize("over", [None, httpx.AsyncHTTPTransport])
def test_what_the_call_says_comes_first(
    hub: Hub,
    server: FakeGradio,
    request_of_visitor: contextvars.ContextVar[Any],
    name: str,
    over: Callable[[], object] | None,
) -> None:
    hub.add("user/space", server.url)
    request_of_visitor.set(visit("token-a"))
    with Client("user/space", httpx_kwargs={} if over is None else {"transport": over()}) as space:
        space.predict("a", api_name="/echo", headers={name: "mine"})

    assert joins(server) == {"a": ["mine"]}


@pytest.mark.usefixtures("request_of_visitor")
def test_where_no_function_of_an_app_runs_there_is_no_visitor(
    space: Client, server: FakeGradio
) -> None:
    space.predict("a", api_name="/echo")

    assert joins(server) == {"a": []}


def test_a_visitor_is_told_to_spaces_only(
    server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    request_of_visitor.set(visit("token-a"))
    with Client(server.url) as client:
        client.predict("a", api_name="/echo")

    assert joins(server) == {"a": []}


@pytest.mark.parametrize(
    "context", [ModuleType("gradio.context"), SimpleNamespace(LocalContext=None), None]
)
def test_a_gradio_without_visitors(
    space: Client, server: FakeGradio, monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setitem(sys.modules, "gradio.context", context)
    space.predict("a", api_name="/echo")

    assert joins(server) == {"a": []}


def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(
    space: Client, server: FakeGradio, request_of_visitor: contextvars.ContextVar[Any]
) -> None:
    request_of_visitor.set(visit("evil\r\nx-other: 1"))

    with pytest.raises(ValueError, match="'x-ip-token' is not printable") as caught:
        space.submit("a", api_name="/echo")

    assert "evil" not in str(caught.value)
    assert server.asked("join") == []
