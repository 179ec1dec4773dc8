"""`.stream()` events, on the releases that have them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import reactivex
from reactivex import operators as ops
from reactivex.subject import Subject

from rxgradio import Client, OutputUpdate
from tests.live.servers.run import Server

pytestmark = pytest.mark.parametrize("server", ["5.50.0", "6.31.0"], indirect=True)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def outputs(client: Client, chunks: Any, **options: Any) -> list[Any]:
    updates = client.stream(chunks, **options).pipe(ops.to_list()).run()
    return [u.outputs for u in updates if isinstance(u, OutputUpdate) and not u.final]


def test_every_chunk_is_answered_in_order_and_state_is_kept(client: Client) -> None:
    chunks = reactivex.from_iterable([f"f{n}" for n in range(20)])
    answers = outputs(client, chunks, api_name="/frames")
    first = int(answers[0].split()[1].rstrip(":"))
    assert answers == [f"frame {first + n}: f{n}" for n in range(20)]


def test_a_function_without_a_stream_refuses_one(client: Client) -> None:
    with pytest.raises(TypeError, match="takes no stream"):
        client.stream(reactivex.empty(), api_name="/echo")


def test_one_call_of_a_streaming_endpoint_ends_at_once(client: Client) -> None:
    assert client.predict("x", api_name="/frames_briefly") == "frame: x"


def test_the_ends_of_a_stream(client: Client) -> None:
    # No chunk, no call.
    assert client.stream(reactivex.empty(), api_name="/frames").pipe(ops.to_list()).run() == []

    # The time limit of the app ends it, though the chunks go on.
    briefly = client.endpoint("/frames_briefly")
    assert briefly.info.time_limit == 1
    ticks = reactivex.interval(0.1).pipe(ops.map(str))
    seen = outputs(client, ticks, api_name="/frames_briefly")
    assert seen[:3] == ["frame: 0", "frame: 1", "frame: 2"]

    # An error of the chunks is passed on.
    broken = reactivex.concat(reactivex.of("a"), reactivex.throw(RuntimeError("no camera")))
    with pytest.raises(RuntimeError, match="no camera"):
        client.stream(broken, api_name="/frames").run()

    # A chunk that does not fit is an error of the stream.
    with pytest.raises(TypeError):
        client.stream(reactivex.of((1, 2, 3)), api_name="/frames", unpack=True).run()


def test_disposing_ends_the_call_and_lets_go_of_the_chunks(client: Client) -> None:
    chunks: Subject[str] = Subject()
    answered = threading.Event()
    subscription = client.stream(chunks, api_name="/frames").subscribe(
        lambda update: answered.set() if isinstance(update, OutputUpdate) else None
    )
    chunks.on_next("a")
    assert answered.wait(10)
    assert chunks.observers
    subscription.dispose()
    assert not chunks.observers
    assert client.predict("x", api_name="/echo") == "x"


def test_chunks_may_be_named_and_come_from_a_running_loop(client: Client) -> None:

    async def main() -> list[Any]:
        chunks = reactivex.from_iterable([{"frame": "a"}, {"frame": "b"}])
        stream = client.stream(chunks, api_name="/frames_briefly", unpack=True)
        last: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        stream.pipe(ops.to_list()).subscribe(
            lambda all_of_them: last.get_loop().call_soon_threadsafe(last.set_result, all_of_them)
        )
        return [u.outputs for u in await last if isinstance(u, OutputUpdate) and not u.final]

    assert asyncio.run(main()) == ["frame: a", "frame: b"]
