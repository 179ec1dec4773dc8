"""asyncio against real servers: loops of several threads, web handlers, notebooks."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import fastapi
import httpx
import pytest
import uvicorn
from fastapi.responses import StreamingResponse

from rxgradio import Client
from rxgradio.operators import iterate, to_async_iterable
from tests.live.servers.run import Server
from tests.live.servers.values import growing

ROOT = Path(__file__).parents[2]
SOON = 30.0

newest = pytest.mark.parametrize("server", ["6.31.0"], indirect=True)
"""For what is between rxgradio and others, and the same whatever the server."""


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


def run(main: Any) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(main, SOON)

    return asyncio.run(limited(), debug=True)


def test_the_loops_of_several_threads_share_a_client(server: Server) -> None:
    words = [*growing("word", 3)]
    with Client(server.url) as shared:

        async def work(n: int) -> list[Any]:
            async with Client.connect(server.url) as own:
                found: list[Any] = []
                for client in (shared, own):
                    adds = [client.submit(n, m, api_name="/add") for m in range(3)]
                    found += await asyncio.gather(*adds)
                    outputs = client.observe(3, api_name="/count").outputs()
                    found += [each async for each in outputs.pipe(to_async_iterable())]
                    async for result in client.endpoint("/echo").map(words, max_concurrent=2):
                        found.append(result.output)
                return found

        with ThreadPoolExecutor(4) as threads:
            done = list(threads.map(lambda n: run(work(n)), range(4)))
    assert done == [[n, n + 1, n + 2, *words, *words] * 2 for n in range(4)]


def test_cancelling_a_task_cancels_on_the_server(server: Server, tag: str) -> None:
    async def main(client: Client) -> None:
        call = client.observe(tag, 500, 0.05, api_name="/forever").outputs()
        two = asyncio.Event()

        async def loop() -> None:
            async for output in call.pipe(to_async_iterable()):
                if output == "tick 1":
                    two.set()

        async def fails() -> None:
            await two.wait()
            raise ValueError("a sibling failed")

        with pytest.raises(ExceptionGroup, match="TaskGroup"):
            await together(loop(), fails())

    with Client(server.url) as client:
        run(main(client))
        # 4.44.1 asks it for no more, but does not close it.
        last = "tick 2" if server.version == "4.44.1" else "closed"
        assert "finished" not in server.await_ledger(tag, last)


async def together(*work: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


# ---- web handlers


@contextmanager
def serving(client: Client) -> Iterator[str]:
    """Serve an app that passes calls on, on a thread with a loop of its own."""
    app = fastapi.FastAPI()

    @app.get("/add/{a}/{b}")
    async def add(a: int, b: int) -> int:
        total: int = await client.submit(a, b, api_name="/add")
        return total

    @app.get("/blocking/add/{a}/{b}")
    def add_blocking(a: int, b: int) -> int:
        total: int = client.predict(a, b, api_name="/add")
        return total

    @app.get("/ticks/{tag}/{n}")
    async def ticks(tag: str, n: int) -> StreamingResponse:
        outputs = client.observe(tag, n, 0.05, api_name="/forever").outputs()

        async def lines() -> AsyncIterator[str]:
            async for output in outputs.pipe(to_async_iterable()):
                yield f"{output}\n"

        return StreamingResponse(lines(), media_type="text/plain")

    @app.get("/blocking/ticks/{tag}/{n}")
    def ticks_blocking(tag: str, n: int) -> StreamingResponse:
        outputs = client.observe(tag, n, 0.05, api_name="/forever").outputs()
        lines = (f"{output}\n" for output in outputs.pipe(iterate()))
        return StreamingResponse(lines, media_type="text/plain")

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(SOON)


handlers = pytest.mark.parametrize("kind", ["", "/blocking"], ids=["async def", "def"])


@newest
@handlers
def test_a_handler_answers_with_a_result(server: Server, kind: str) -> None:
    with (
        Client(server.url) as client,
        serving(client) as address,
        ThreadPoolExecutor(8) as threads,
    ):
        ways = [f"{address}{kind}/add/{n}/1" for n in range(16)]
        answers = threads.map(lambda way: httpx.get(way, trust_env=False).json(), ways)
        assert list(answers) == [n + 1 for n in range(16)]


@newest
@handlers
def test_a_handler_streams_what_a_call_says(server: Server, kind: str, tag: str) -> None:
    with Client(server.url) as client, serving(client) as address:
        answer = httpx.get(f"{address}{kind}/ticks/{tag}/3", trust_env=False)
        assert answer.text == "tick 0\ntick 1\ntick 2\n"
        assert server.await_ledger(tag, "finished")[-1] == "finished"


@newest
@handlers
def test_a_visitor_that_goes_away_takes_the_call_along(server: Server, kind: str, tag: str) -> None:
    with Client(server.url) as client, serving(client) as address:
        way = f"{address}{kind}/ticks/{tag}/500"
        with httpx.stream("GET", way, timeout=SOON, trust_env=False) as answer:
            assert next(answer.iter_lines()) == "tick 0"
        assert "finished" not in server.await_ledger(tag, "closed")


# ---- what Python would warn of


NOISE = """
import asyncio, gc, sys
from rxgradio import Client
from rxgradio.operators import from_async_iterable, to_async_iterable

async def texts():
    for text in ("a", "b", "c"):
        yield text

async def left_early(client):
    async for update in client.submit(5, api_name="/count"):
        break
    async for update in client.submit(5, api_name="/count").iterate(on_slow="latest"):
        break
    async for output in client.observe(500, api_name="/count").pipe(to_async_iterable()):
        break
    async for result in client.endpoint("/echo").map(texts()):
        break
    from_async_iterable(texts).subscribe(lambda text: None)
    iterator = aiter(client.observe(500, api_name="/count").pipe(to_async_iterable()))
    await anext(iterator)  # and no more

async def main(client):
    await left_early(client)
    limit = asyncio.timeout(0.2)
    try:
        async with limit, asyncio.TaskGroup() as group:
            job = client.submit("x", 500, 0.05, api_name="/forever")
            group.create_task(asyncio.wait_for(job, 10))
            group.create_task(anext(client.submit("y", 500, 0.05, api_name="/forever").__aiter__()))
            await asyncio.sleep(10)
    except TimeoutError:
        pass
    job = client.submit("x", api_name="/echo")
    print(await job, await asyncio.wrap_future(job))

with Client(sys.argv[1]) as client:
    asyncio.run(main(client), debug=True)
    asyncio.run(left_early(client), debug=True)

async def connected():
    async with Client.connect(sys.argv[1]) as client:
        await main(client)

asyncio.run(connected(), debug=True)
gc.collect()
"""


def test_nothing_is_left_for_python_to_warn_of(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", NOISE, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    # In debug mode, asyncio tells also of what has taken long, as it may on a busy machine.
    said = re.sub(r"^Executing .* took [0-9.]+ seconds\n", "", done.stderr, flags=re.MULTILINE)
    assert (done.returncode, said) == (0, "")
    assert done.stdout == "x x\n" * 2


# ---- a notebook


class Notebook:
    """A kernel of Jupyter, in a process of its own."""

    def __init__(self) -> None:
        from jupyter_client.manager import AsyncKernelManager

        # Not that of the test: what names a socket must be short.
        self._directory = tempfile.TemporaryDirectory(prefix="kernel-")
        directory = self._directory.name
        self._kernel = AsyncKernelManager(
            kernel_name="python3",
            transport="ipc",
            connection_file=f"{directory}/kernel.json",
            ip=f"{directory}/kernel",
        )

    async def __aenter__(self) -> Self:
        await self._kernel.start_kernel(cwd=str(ROOT))
        self._client = self._kernel.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=SOON)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.stop_channels()
        await self._kernel.shutdown_kernel(now=True)
        self._directory.cleanup()

    async def run(self, *lines: str) -> tuple[str, str | None]:
        """Run a cell; returns what it prints, and the name of the error that it ends with."""
        printed: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        answer = await self._client.execute_interactive(
            "\n".join(lines), allow_stdin=False, output_hook=hear, timeout=SOON
        )
        return "".join(printed), answer["content"].get("ename")

    async def interrupt(self) -> None:
        await self._kernel.interrupt_kernel()


BEGIN = """
import asyncio
from rxgradio import Client
from rxgradio.operators import iterate, to_async_iterable

client = Client({url!r})

# The kernel itself notices an interrupt of what awaits only when its loop next turns.
async def turn():
    while True:
        await asyncio.sleep(0.05)

turning = asyncio.create_task(turn())
"""

CELLS = """
print(await client.submit(1, 2, api_name="/add"))
---
print(client.predict(1, 2, api_name="/add"))
---
job = client.submit(1, 2, api_name="/add")
async for update in job:
    if update.type == "output":
        print(update.outputs)
---
async for sum in client.observe(1, 2, api_name="/add").outputs().pipe(to_async_iterable()):
    print(sum)
---
for sum in client.observe(1, 2, api_name="/add").outputs().pipe(iterate()):
    print(sum)
---
async for result in client.endpoint("/add").map([(1, 2)], unpack=True):
    print(result.output)
---
async def pairs():
    yield 1, 2

for result in client.endpoint("/add").map(pairs(), unpack=True):
    print(result.output)
"""


@newest
def test_cells_of_a_notebook_await_loop_and_block(server: Server) -> None:
    async def main() -> None:
        async with Notebook() as notebook:
            assert await notebook.run(BEGIN.format(url=server.url)) == ("", None)
            for cell in CELLS.split("---"):
                assert await notebook.run(cell) == ("3\n", None), cell

    asyncio.run(main())


LONG = """
client.predict(tag, 500, 0.05, api_name="/forever")
client.endpoint("/forever").predict(tag, 500, 0.05)
await client.submit(tag, 500, 0.05, api_name="/forever")
await client.observe(tag, 500, 0.05, api_name="/forever")
for _ in client.observe(tag, 500, 0.05, api_name="/forever").pipe(iterate()): pass
async for _ in client.observe(tag, 500, 0.05, api_name="/forever").pipe(to_async_iterable()): pass
for _ in client.endpoint("/forever").map([(tag, 500, 0.05)], unpack=True): pass
async for _ in client.endpoint("/forever").map([(tag, 500, 0.05)], unpack=True): pass
"""


@newest
def test_interrupting_a_cell_leaves_nothing_running(server: Server) -> None:
    async def main() -> None:
        async with Notebook() as notebook:
            assert await notebook.run(BEGIN.format(url=server.url)) == ("", None)
            for cell in LONG.strip().splitlines():
                tag = uuid.uuid4().hex
                running = asyncio.create_task(notebook.run(f"tag = {tag!r}", cell))
                await asyncio.to_thread(server.await_ledger, tag, "tick 2")
                await notebook.interrupt()
                _, error = await running
                assert error in ("KeyboardInterrupt", "CancelledError"), cell
                entries = await asyncio.to_thread(server.await_ledger, tag, "closed")
                assert "finished" not in entries, cell
            assert await notebook.run(CELLS.split("---", maxsplit=1)[0]) == ("3\n", None)

    asyncio.run(main())
