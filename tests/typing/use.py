"""The public API as users write it. Never run: the type checkers read it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Any, assert_type

import reactivex
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
    Updates,
    fanin,
    handle_file,
    ui,
)
from rxgradio.bulk import MapProgress, MapResult, MapResults
from rxgradio.fanin import Labelled, Percentile, Result, labelled
from rxgradio.fluent import Stream
from rxgradio.operators import (
    Snapshot,
    TextDelta,
    concat_map,
    exhaust_map,
    from_async_iterable,
    keep_errors,
    switch_map,
    text_deltas,
)
from rxgradio.ui.terminal import Terminal
from rxgradio.ui.tk import Tk


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
    assert_type(updates, Updates)
    assert_type(updates.snapshots(), Stream[Snapshot])
    assert_type(updates.pipe(text_deltas(1)), Observable[TextDelta])
    updates.progress().subscribe(lambda fraction: print(f"{fraction:.0%}"))
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


def many_calls(client: Client, keys: Observable[str], rows: AsyncIterator[str]) -> None:
    search = client.endpoint("/search")
    results = search.map(rows, max_concurrent=4, ordered=False, on_error="raise")
    assert_type(results, MapResults)
    for result in results:
        assert_type(result, MapResult)
    assert_type(from_async_iterable(rows), Observable[str])
    assert_type(from_async_iterable(lambda: rows), Observable[str])
    assert_type(results.map(lambda result: result.progress), Observable[MapProgress])
    search.map(keys).subscribe(lambda result: print(result.index, result.output, result.error))
    search.map([("a", 1), {"text": "b"}], unpack=True)
    assert_type(keys.pipe(ops.debounce(0.2), search.latest(on_error="keep")), Updates)
    assert_type(keys.pipe(search.exhaust()), Updates)
    assert_type(keys.pipe(search.concat(unpack=True)).outputs(), Stream[Any])
    calls = keys.pipe(switch_map(lambda text: search.observe(text, 1)))
    assert_type(calls, Observable[Update])
    assert_type(calls.pipe(keep_errors()), Observable[Update])
    assert_type(keys.pipe(concat_map(length)), Observable[int])
    assert_type(keys.pipe(exhaust_map(later)), Observable[int])


def several(client: Client, other: Client) -> None:
    calls = {"here": client.observe("a"), "there": other.observe("a")}
    assert_type(fanin.merge(calls), Observable[Labelled[str, Update]])
    assert_type(fanin.merge(calls, on_error="keep"), Observable[Labelled[str, Update | None]])
    views = {name: call.snapshots() for name, call in calls.items()}
    assert_type(fanin.combine_latest(views, partial=True), Observable[dict[str, Snapshot]])
    assert_type(fanin.gather(calls), Observable[dict[str, Result]])
    assert_type(fanin.gather(list(calls.values())), Observable[list[Result]])
    assert_type(fanin.race(*calls.values()), Updates)
    labels = [call.pipe(labelled(name)) for name, call in calls.items()]
    assert_type(fanin.race(*labels), Observable[Labelled[str, Update]])
    assert_type(fanin.hedge(calls["here"], after=Percentile(95)).outputs(), Stream[Any])
    assert_type(fanin.fail_over(*calls.values(), only=known), Updates)
    balanced = fanin.balance([client.endpoint("/search"), other.endpoint("/search")])
    assert_type(balanced.observe("a"), Updates)
    assert_type(balanced.with_options(deadline=5).map(["a"]), MapResults)


def known(error: Exception) -> bool:
    return isinstance(error, ConnectionLost)


def length(text: str) -> Observable[int]:
    return reactivex.just(len(text))


def later(text: str) -> Future[int]:
    return Future()


def windows(client: Client, widget: object, toolkit: ui.Toolkit) -> None:
    job = client.submit("a")
    assert_type(ui.bind(job, status=widget, progress=print), ui.Binding)
    assert_type(ui.bind(job.updates.outputs(), widget, "text", every=True), ui.Binding)
    assert_type(ui.changes(widget, initial=True), Observable[Any])
    assert_type(job.updates.pipe(ui.view()), Observable[ui.View])
    hopped = job.updates.outputs().pipe(ops.map(length_of), ui.observe_on(widget, fps=10))
    assert_type(hopped, Observable[int])
    ui.register("my_toolkit", lambda _: toolkit)
    ui.show(job, client.observe("a"), {"name": job})
    of_tk: ui.Toolkit = Tk(widgets())
    of_terminal: ui.Toolkit = Terminal()
    assert of_tk is not of_terminal


def length_of(text: Any) -> int:
    return len(text)


def widgets() -> Any: ...
