"""Functions that yield: each output as it comes, all so far, and no more."""

import sys
import time

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

client = Client(ADDRESS)

# All that it has yielded, when it is done; the result is the last.
job = client.submit(3, api_name="/count")
while not job.done():
    time.sleep(0.05)
print("outputs:", job.outputs())
print("result:", job.result())

# One after another.
for output in client.submit(3, api_name="/count"):
    print("output:", output)

# Enough of it.
job = client.submit(1000, api_name="/count")
while len(job.outputs()) < 2:
    time.sleep(0.01)
print("cancelled:", job.cancel())
print("status:", job.status().code.value)
print("until then:", job.outputs()[:2])
