"""Have calls run in the background: jobs, their results, and what to do with them."""

import sys
import time

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

client = Client(ADDRESS)

# submit returns at once; result waits, if need be for a limited time.
job = client.submit(5, "multiply", 4, api_name="/calculate")
print("result:", job.result(timeout=30))
print("done:", job.done())

# Several at a time.
jobs = [client.submit(n, "multiply", n, api_name="/calculate") for n in range(5)]
print("squares:", [job.result() for job in jobs])

# Functions to be called with the result: one, or several in order.
seen = []


def keep(value):
    seen.append(value)


def keep_negative(value):
    seen.append(-value)


client.submit(6, "add", 1, api_name="/calculate", result_callbacks=[keep, keep_negative]).result()
while len(seen) < 2:
    time.sleep(0.01)
print("callbacks:", seen)

# What it is doing, and how far it is.
job = client.submit(5, api_name="/work")
descriptions = set()
while not job.done():
    status = job.status()
    for unit in status.progress_data or []:
        descriptions.add(unit.desc)
    time.sleep(0.02)
print("progress:", descriptions)
print("status:", job.status().code.value, job.status().success)
print("at last:", job.result())
