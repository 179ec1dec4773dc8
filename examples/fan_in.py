"""Make one stream of calls to several endpoints; a failure is one more value in it."""

import sys

import reactivex
from reactivex import operators as ops

from rxgradio import Client, OutputUpdate

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

with Client(ADDRESS) as client:

    def answer(label, *args, api_name):
        return client.observe(*args, api_name=api_name).pipe(
            ops.filter(lambda update: isinstance(update, OutputUpdate) and update.final),
            ops.map(lambda update: (label, update.outputs)),
            ops.catch(lambda error, _: reactivex.of((label, error))),
        )

    answers = reactivex.merge(
        answer("reversed", "stressed", api_name="/reverse"),
        answer("written", "hello", 1, 0.01, api_name="/write"),
        answer("divided", 1, 0, api_name="/divide"),
    )
    answers.pipe(ops.do_action(print)).run()
