"""Call with many inputs, four at a time, and keep results and errors in their order."""

import sys

import reactivex
from reactivex import operators as ops

from rxgradio import Client, OutputUpdate

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

with Client(ADDRESS) as client:
    divide = client.endpoint("/divide")

    def call(divisor):
        return divide.observe(12, divisor).pipe(
            ops.filter(lambda update: isinstance(update, OutputUpdate) and update.final),
            ops.map(lambda update: (divisor, update.outputs)),
            ops.catch(lambda error, _: reactivex.of((divisor, error))),
        )

    results = reactivex.from_iterable(range(8)).pipe(
        ops.map(call), ops.merge(max_concurrent=4), ops.to_list()
    )
    for divisor, result in sorted(results.run(), key=lambda pair: pair[0]):
        print(f"12 / {divisor} = {result}")
