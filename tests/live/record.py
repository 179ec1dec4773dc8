"""Records what real servers say, for the tests of the sans-I/O core.

    python -m tests.live.record

writes `tests/protocol/transcripts/<version>/<endpoint>.sse`: the body of the
stream of one call, byte for byte, but for the ids, which are made the same in
every recording.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.live.servers.install import VERSIONS, environment
from tests.live.servers.run import Server

TRANSCRIPTS = Path(__file__).parents[1] / "protocol" / "transcripts"

CALLS: dict[str, list[Any]] = {
    "add": [1, 2],
    "chat": ["hello there", []],
    "count": [12],
    "fail": [],
    "fail_mid": [2],
    "js": ["nested"],
    "logs": [],
    "nothing": ["x"],
    "progress": [3],
    "state": ["x", None],
    "two": ["abc"],
}


def record(server: Server, name: str, data: list[Any]) -> bytes:
    """Make a call by hand and return all of its stream."""
    with httpx.Client(base_url=server.api_url, timeout=60) as http:
        dependencies = httpx.get(f"{server.url}/config").json()["dependencies"]
        at, dependency = next(
            (n, found) for n, found in enumerate(dependencies) if found["api_name"] == name
        )
        session = f"recorded-{name}"
        body = {
            "data": data,
            "event_data": None,
            "fn_index": dependency.get("id", at),
            "trigger_id": None,
            "session_hash": session,
        }
        event_id = http.post("/queue/join", json=body).raise_for_status().json()["event_id"]
        with http.stream("GET", "/queue/data", params={"session_hash": session}) as response:
            said = b"".join(response.iter_raw())
    return re.sub(event_id.encode(), b"event-1", said)


def main() -> None:
    """Record every call on every version."""
    for version in VERSIONS:
        folder = TRANSCRIPTS / version
        folder.mkdir(parents=True, exist_ok=True)
        with Server(environment(version), version) as server:
            for name, data in CALLS.items():
                (folder / f"{name}.sse").write_bytes(record(server, name, data))
    sys.stdout.write(f"{len(CALLS)} calls on {', '.join(VERSIONS)}\n")


if __name__ == "__main__":
    main()
