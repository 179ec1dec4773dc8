"""The public API as users write it. Never run: the type checkers read it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, assert_type

from reactivex import Observable
from reactivex import operators as ops

from rxgradio import (
    CancelOutcome,
    Client,
    ConnectionLost,
    Endpoint,
    Job,
    Limits,
    OutputUpdate,
    Retry,
    SpaceError,
    SpaceState,
    Status,
    StatusUpdate,
    TooManyRequestsError,
    Update,
    handle_file,
)


def blocking() -> None:
    with Client("http://127.0.0.1:7860", headers={"x-app": "1"}) as client:
        assert_type(client, Client)
        job = client.submit("a", 1, api_name="/write", result_callbacks=print)
        assert_type(job, Job)
        assert_type(job.status(), StatusUpdate)
        assert_type(job.status().code, Status)
        assert_type(job.cancel_outcome.result(), CancelOutcome)
        concurrent.futures.wait([job, client.submit(fn_index=3)])
        for output in job:
            print(output)
        client.predict([handle_file("a.png"), handle_file("http://example.com/b.png")])
        assert_type(client.endpoint("/write"), Endpoint)
        assert_type(client.endpoints[0].predict(1, b=2), Any)


def spaces() -> None:
    states: list[SpaceState] = []
    with Client("user/space", on_space_state=states.append) as client:
        assert_type(client.space_id, str | None)
        assert_type(states[0].stage, str)
    try:
        own = Client.duplicate("user/space", hardware="t4-small", secrets={"KEY": "x"})
        assert_type(own, Client)
    except SpaceError as error:
        assert_type(error.stage, str | None)


def streaming(client: Client) -> None:
    updates = client.observe("a", api_name="/write")
    assert_type(updates, Observable[Update])
    outputs = updates.pipe(
        ops.filter(lambda update: isinstance(update, OutputUpdate)),
        ops.map(told),
    )
    outputs.subscribe(print)


def with_options() -> None:
    limits = Limits(event=1_000_000, silence=20)
    with Client("http://127.0.0.1:7860", limits=limits, deadline=60, retry=None) as client:
        careful = client.endpoint("/write", resubmit=Retry(attempts=3), wait_for_room=True)
        try:
            careful.with_options(deadline=None, replay=100).predict("a")
        except ConnectionLost as error:
            assert_type(error.silence, float | None)
            assert_type(error.outputs, list[Any])
        except TooManyRequestsError as error:
            assert_type(error.retry_after, float | None)


def told(update: Update) -> str:
    match update:
        case StatusUpdate(code=Status.IN_QUEUE, rank=rank):
            return f"{rank} ahead"
        case OutputUpdate(outputs=outputs, final=True):
            return str(outputs)
        case _:
            return update.type


async def with_asyncio() -> None:
    async with Client.connect("http://127.0.0.1:7860") as client:
        assert_type(client, Client)
        job = client.submit()
        async for update in job:
            assert_type(update, Update)
        await job
    other = await Client.connect("http://127.0.0.1:7860", download_files=False)
    assert_type(other, Client)


asyncio.run(with_asyncio())
