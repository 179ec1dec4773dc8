"""The least that a client of a Gradio 6 queue can be: asyncio, httpx and json, by hand.

It is a limit to compare with and not a product. One thread runs both the caller and the
loop, which turns only while the caller waits; there is one POST for each call and one
shared stream; nothing polls. It knows one protocol, uploads nothing, retries nothing,
and hands out one list that it edits in place where a product must not.

One rule it cannot leave out: when the stream ends while a joined event is unfinished, it
opens the stream again. An event that joins while the server closes would be lost otherwise.
"""

from __future__ import annotations

__all__ = ["Client", "Job"]

import asyncio
import json
import uuid
from collections import deque
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator


class Job:
    """One submission; its outputs are worked out when they are read."""

    def __init__(self, client: Client) -> None:
        self.event_id: str | None = None
        self.messages: deque[dict[str, Any]] = deque()
        self.arrived = asyncio.Event()
        self.done: asyncio.Future[Any] = client.loop.create_future()
        self._client = client

    def __iter__(self) -> Iterator[Any]:
        """Yield each partial output, or the result if there is none."""
        value, any_seen = None, False
        while True:
            # Before looking, and while the loop stands still: what comes later wakes the wait.
            self.arrived.clear()
            while self.messages:
                value = _patched(value, self.messages.popleft()["output"]["data"][0], any_seen)
                any_seen = True
                yield value
            if self.done.done():
                break
            self._client.run(self.arrived.wait())
        if not any_seen:
            yield self.done.result()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the last value."""
        if timeout is None:
            return self._client.run(self.done)
        return self._client.run(asyncio.wait_for(asyncio.shield(self.done), timeout))

    def cancel(self) -> None:
        """Ask the server to end the job, which then says that it has."""
        self._client.run(self._client.cancel(self))

    def receive(self, message: dict[str, Any]) -> bool:
        """Take one message; tell whether it was the last."""
        match message["msg"]:
            case "process_generating":
                self.messages.append(message)
            case "process_completed" if not message["success"]:
                self.done.set_exception(RuntimeError(message["output"]["error"]))
            case "process_completed" if not message["output"]:
                self.done.set_exception(CancelledError())
            case "process_completed":
                self.done.set_result(message["output"]["data"][0])
        self.arrived.set()
        return self.done.done()


class Client:
    """One session of one app."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._http = httpx.AsyncClient(base_url=url, timeout=None)
        self._session_hash = uuid.uuid4().hex
        self._jobs: dict[str, Job] = {}
        self._early: dict[str, list[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._joins: set[asyncio.Task[None]] = set()
        config = self.run(self._http.get("/config")).json()
        self._prefix = config["api_prefix"]
        self._fn_indices = {"/" + it["api_name"]: it["id"] for it in config["dependencies"]}

    def run(self, work: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> Any:
        """Turn the loop until something is done."""
        return self.loop.run_until_complete(work)

    def submit(self, *data: object, api_name: str) -> Job:
        """Start a call; it sets out when the loop next turns."""
        job = Job(self)
        join = self.loop.create_task(self._join(job, self._fn_indices[api_name], data))
        self._joins.add(join)
        join.add_done_callback(self._joins.discard)
        return job

    def predict(self, *data: object, api_name: str) -> Any:
        """Call, and wait."""
        return self.submit(*data, api_name=api_name).result()

    def pause(self, seconds: float) -> None:
        """Let time pass while the loop turns."""
        self.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """Close the connections."""
        if self._reader is not None:
            self._reader.cancel()
            self.run(asyncio.wait([self._reader]))
        self.run(self._http.aclose())
        self.loop.close()

    async def cancel(self, job: Job) -> None:
        """Tell the server to end a job."""
        body = {"session_hash": self._session_hash, "fn_index": 0, "event_id": job.event_id}
        await self._http.post(f"{self._prefix}/cancel", json=body)

    async def _join(self, job: Job, fn_index: int, data: tuple[object, ...]) -> None:
        try:
            response = await self._http.post(
                f"{self._prefix}/queue/join",
                json={"data": data, "fn_index": fn_index, "session_hash": self._session_hash},
            )
            response.raise_for_status()
        except Exception as error:
            job.done.set_exception(error)
            return
        job.event_id = response.json()["event_id"]
        self._jobs[job.event_id] = job
        for message in self._early.pop(job.event_id, ()):
            self._dispatch(message)
        if self._reader is None and self._jobs:
            self._reader = self.loop.create_task(self._read())

    async def _read(self) -> None:
        try:
            while self._jobs:
                async with self._http.stream(
                    "GET",
                    f"{self._prefix}/queue/data",
                    params={"session_hash": self._session_hash},
                ) as response:
                    async for line in response.aiter_lines():
                        if line.startswith("data:"):
                            self._dispatch(json.loads(line[5:]))
        except Exception as error:
            for job in self._jobs.values():
                job.done.set_exception(error)
            self._jobs.clear()
        finally:
            self._reader = None

    def _dispatch(self, message: dict[str, Any]) -> None:
        event_id = message["event_id"]
        if event_id is None:
            return
        job = self._jobs.get(event_id)
        if job is None:
            # The stream may tell of an event before the answer to its join is read.
            self._early.setdefault(event_id, []).append(message)
        elif job.receive(message):
            del self._jobs[event_id]


def _patched(value: Any, data: Any, is_diff: bool) -> Any:
    """Apply the one kind of edit that the benchmarked app makes."""
    if not is_diff:
        return data
    for _, path, text in data:
        if not path:
            value += text
        else:
            *parents, last = path
            place = value
            for key in parents:
                place = place[key]
            place[last] += text
    return value
