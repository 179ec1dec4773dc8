"""Await calls on an event loop, with a time limit for one of them."""

import asyncio
import sys

from rxgradio import Client, OutputUpdate

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


async def main() -> None:
    async with Client.connect(ADDRESS) as client:
        print(await client.submit("stressed", api_name="/reverse"))

        async for update in client.submit("one two", 4, 0.01, api_name="/write"):
            if isinstance(update, OutputUpdate):
                print(update.outputs)

        counting = client.submit(1000, api_name="/count")
        try:
            await asyncio.wait_for(counting, 0.5)
        except TimeoutError:
            print(f"cancelled after {len(counting.outputs()) > 0 and 'some'} numbers")


asyncio.run(main())
