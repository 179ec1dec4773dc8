"""Search as one types: what is typed over is cancelled on the server."""

import sys

import reactivex
from reactivex import operators as ops

from rxgradio import Client, DeliveryScheduler

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

# What is in the box after so many seconds; at the first pause, a search begins.
TYPED = [(0.0, "r"), (0.05, "re"), (0.05, "reactive"), (0.8, "reactive s"), (0.05, "reactive snow")]

timers = DeliveryScheduler()
box = reactivex.concat(
    *(
        reactivex.timer(seconds, scheduler=timers).pipe(ops.map(lambda _, text=text: text))
        for seconds, text in TYPED
    )
)


def show(update):
    if update.type == "output" and not update.final:  # the final one repeats the last
        print(f"\r{update.outputs}", end="", flush=True)
    elif update.type == "status" and update.error:
        print(f"no search: {update.error}", end="")


with Client(ADDRESS) as client:
    search = client.endpoint("/write")  # writes what it finds a letter at a time
    found = box.pipe(
        ops.debounce(0.2, scheduler=timers),
        ops.distinct_until_changed(),
        ops.do_action(lambda text: print(f"\nsearch for {text!r}")),
        ops.map(lambda text: (f"about {text}: ...", 1, 0.1)),
        search.latest(unpack=True, on_error="keep"),
    )
    found.pipe(ops.do_action(show), ops.count()).run()
print()
