"""Print a text as it is written, and stop when there is enough of it."""

import sys

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

with Client(ADDRESS) as client:
    job = client.submit("A text that grows by a few letters at a time.", 3, 0.05, api_name="/write")
    shown = 0
    for text in job:
        print(text[shown:], end="", flush=True)
        shown = len(text)
        if shown > 20:
            job.cancel()
            break
    print(f" ... {job.cancel_outcome.result().value}")
