"""Have two replicas of a model make a call, and take the answer that is there first."""

import sys

from reactivex import operators as ops

from rxgradio import Client, fanin
from rxgradio.fanin import labelled

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
OTHER = sys.argv[2] if len(sys.argv) > 2 else ADDRESS  # if there is one app only, it is both

with Client(ADDRESS) as first, Client(OTHER) as second:
    # The first one is slow today. When the second has its result, that call is cancelled.
    answer = fanin.race(
        first.observe("a long story", 1, 2, api_name="/write").result().pipe(labelled("first")),
        second.observe("a long story", 4, 0.1, api_name="/write").result().pipe(labelled("second")),
    ).run()
    print(f"the {answer.label} was quicker: {answer.value}")

    # Where there are many calls, each goes to the one with the shortest queue.
    divide = fanin.balance([first.endpoint("/divide"), second.endpoint("/divide")])

    def show(result):
        loads = [load.in_flight for load in divide.loads]
        print(f"12 / {result.input[1]} = {result.output or result.error}; in flight now: {loads}")

    results = divide.map([(12, n) for n in range(6)], max_concurrent=4, unpack=True)
    results.pipe(ops.do_action(show), ops.count()).run()
