"""Show what three models make of a call, side by side, until all have ended; one of them fails."""

import sys

from reactivex import operators as ops

from rxgradio import Client, Status, fanin

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


def told(view):
    if view.error is not None:
        return f"failed: {view.error}"
    if view.output is None:
        return "waits" if view.phase < Status.PROCESSING else "works"
    return f"{view.output!r}{'' if view.done else '...'}"


with Client(ADDRESS) as client:  # or three clients, of an app each
    views = fanin.combine_latest(
        {
            "reverse": client.observe("stressed", api_name="/reverse").snapshots(),
            "write": client.observe("stressed", 1, 0.02, api_name="/write").snapshots(),
            "divide": client.observe(1, 0, api_name="/divide").snapshots(),
        }
    )
    lines = views.pipe(
        ops.map(lambda now: " | ".join(f"{name}: {told(view)}" for name, view in now.items())),
        ops.distinct_until_changed(),
    )
    lines.pipe(ops.do_action(lambda line: print(f"\r{line:79}", end="", flush=True))).run()
print()
