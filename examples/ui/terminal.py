"""Calls as live bars on the terminal; as lines, if it goes to a file."""

import sys

from rxgradio import Client
from rxgradio.ui import show

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
POEM = "Streams say one thing after another, and then that this was all."

with Client(ADDRESS) as client:
    show(
        {
            "stressed": client.submit("stressed", api_name="/reverse"),
            "a picture": client.submit(20, api_name="/render"),
            "a poem": client.submit(POEM, size=1, delay=0.05, api_name="/write"),
            "12 / 0": client.submit(12, 0, api_name="/divide"),
            "page 1": client.submit(1, api_name="/scan"),
        }
    )
