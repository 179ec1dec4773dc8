"""One measurement, in a process that makes no other.

Run as `python -m benchmarks.worker CLIENT SCENARIO URL [SIZE]`; its last line of output is
the metrics as JSON, or `{"failed": why}`.
"""

from __future__ import annotations

__all__: list[str] = []

import json
import os
import sys

from .clients import CLIENTS
from .scenarios import SCENARIOS


def main(client: str, scenario: str, url: str, size: str | None = None) -> None:
    """Measure, and print what was measured."""
    measured = SCENARIOS[scenario]
    try:
        metrics: dict[str, object] = {
            **measured.measure(CLIENTS[client], url, int(size or measured.size))
        }
    except BaseException as error:
        metrics = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(metrics), flush=True)
    # Not `sys.exit`: threads that wait for jobs of `hold` would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
