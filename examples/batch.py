"""Call with many inputs, four at a time, and keep results and errors in their order."""

import sys

from reactivex import operators as ops

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


def show(result):
    dividend, divisor = result.input
    print(f"{dividend} / {divisor} = {result.error or result.output}")


with Client(ADDRESS) as client:
    inputs = ((12, divisor) for divisor in range(8))
    results = client.endpoint("/divide").map(inputs, max_concurrent=4, unpack=True)
    results.pipe(ops.do_action(show), ops.count()).run()
