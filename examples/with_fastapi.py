"""Pass on what a call writes from a web handler; a visitor who leaves takes the call along."""

import asyncio
import socket
import sys
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from rxgradio import Client
from rxgradio.operators import to_async_iterable

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


@asynccontextmanager
async def lifespan(app):
    async with Client.connect(ADDRESS) as app.state.client:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/write/{text}")
async def write(text: str) -> StreamingResponse:
    async def tokens():
        written = app.state.client.observe(text, 3, 0.05, api_name="/write")
        try:
            async for delta in written.text_deltas().pipe(to_async_iterable()):
                yield delta.text
        finally:
            print(" ... left")

    return StreamingResponse(tokens(), media_type="text/plain")


async def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with (
            httpx.AsyncClient(base_url=address, trust_env=False) as visitor,
            visitor.stream("GET", "/write/as long as anybody reads it") as answer,
        ):
            async for text in answer.aiter_text():
                print(text, end="", flush=True)
                if "y" in text:
                    break
        server.should_exit = True
        await serving


asyncio.run(main())
