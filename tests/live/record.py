"""Records what real servers say, for the tests of the sans-I/O core.

    python -m tests.live.record [VERSION...]

writes `tests/protocol/transcripts/<version>/<name>`, byte for byte but for the ids, paths
and addresses, which are made the same in every recording (and `/config` is shortened):

- `.sse`, the body of the stream that told of a call, whatever it was cut into;
- `.ws`, the frames of its websocket, one on each line; the last line tells how it closed:
  `{"closed": 1000}` is the code of the server, `{"closed": null}` was the client;
- `.http`, the status line and the body of the answer to a post;
- `config.json` and `info.json`, what it tells of the app.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.live.servers.by_hand import Call, Session, SocketCall
from tests.live.servers.install import VERSIONS, environment
from tests.live.servers.run import Server
from tests.live.servers.values import JS

TRANSCRIPTS = Path(__file__).parents[1] / "protocol" / "transcripts"

CALLS: dict[str, tuple[Any, ...]] = {
    "add": (1, 2),
    "batch": ("one",),
    "chat": ("hello there", []),
    "count": (12,),
    "crash": (),
    "fail": (),
    "fail_mid": (2,),
    "file_out": (),
    "logs": (),
    "nothing": ("x",),
    "progress": (3,),
    "state": ("x", None),
    "two": ("abc",),
    "upd": (),
}


class Recorder:
    """The recordings of one server, while it runs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.folder = TRANSCRIPTS / server.version
        self.folder.mkdir(parents=True, exist_ok=True)

    def session(self, name: str) -> Session:
        return Session(self.server, f"recorded-{name}")

    def whole(self, name: str, endpoint: str, *data: object) -> None:
        """Record a call from its beginning to the end that the server makes of it."""
        with self.session(name) as session, session.start(endpoint, *data) as call:
            list(call)
            self.save(name, call)

    def save(self, name: str, call: Call) -> None:
        if isinstance(call, SocketCall):
            end = json.dumps({"closed": call.closed}).encode()
            self.write(f"{name}.ws", b"\n".join([*call.raw, end, b""]), call.event_id)
        else:
            self.write(f"{name}.sse", b"".join(call.raw), call.event_id)

    def save_answer(self, name: str, answer: httpx.Response) -> None:
        status = f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\n\n".encode()
        self.write(f"{name}.http", status + answer.content, None)

    def write(self, file: str, said: bytes, event_id: str | None) -> None:
        if event_id is not None:
            said = said.replace(event_id.encode(), b"event-1")
        said = re.sub(rb'[^"=]*/gradio-[^/"]*/gradio/[0-9a-f]+', b"/srv/gradio/0123abcd", said)
        said = re.sub(rb'File "[^"]*/', b'File "/srv/', said)  # in a traceback
        said = said.replace(f"127.0.0.1:{self.server.port}".encode(), b"127.0.0.1:7860")
        (self.folder / file).write_bytes(said)


def record_description(recorder: Recorder) -> None:
    """Record what a server tells of its app, as clients ask for it."""
    server = recorder.server
    asked = {
        "config.json": f"{server.url}/config",
        # Without this, 3.x describes the values of gradio_client, which writes them to files.
        "info.json": f"{server.api_url}/info?serialize=False",
    }
    for name, url in asked.items():
        said = httpx.get(url, timeout=60).raise_for_status().content
        said = json.dumps(without_pages(json.loads(said)), separators=(",", ":")).encode()
        recorder.write(name, re.sub(rb'"app_id":\d+', b'"app_id":1', said), None)


def without_pages(description: Any) -> Any:
    """Leave out of a description what only a page needs, and is a third of it."""
    for key in ("layout", "page"):
        description.pop(key, None)
    for component in description.get("components", []):
        for key in ("example_inputs", "component_class_id"):
            component.pop(key, None)
    return description


def record_calls(recorder: Recorder) -> None:
    """Record what is over without our doing."""
    for name, data in CALLS.items():
        # Whoever sends a batch to the queue of a 4.8 is the last to use it.
        if name != "batch" or recorder.server.version != "4.8.0":
            recorder.whole(name, name, *data)
    for kind in JS:
        recorder.whole(f"js-{kind}", "js", kind)


def record_direct(recorder: Recorder) -> None:
    """Record calls that do without the queue."""
    with recorder.session("direct") as session:
        recorder.save_answer("direct", session.direct("direct", "x"))
        recorder.save_answer("direct-fail", session.direct("direct", "fail"))
        recorder.save_answer("direct-unknown", session.direct("no_such_endpoint", "x"))


def record_cancelled(recorder: Recorder) -> None:
    """Record a generator that is stopped after its first word."""
    name = "cancelled"
    # Its steps are short: some servers wait for the end of one before they answer.
    with recorder.session(name) as session, session.start("forever", name, 100, 0.2) as call:
        call.until("process_generating")
        if stop(session, call, "forever"):
            list(call)
        recorder.save(name, call)


def record_cancelled_queued(recorder: Recorder) -> None:
    """Record a call that is cancelled before its turn; the server runs one at a time."""
    name = "cancelled-queued"
    with recorder.session("busy") as busy, busy.start("gated_single", "busy") as running:
        running.until("process_starts")
        with recorder.session(name) as session, session.start("gated_single", name) as call:
            call.until("estimation")
            if stop(session, call, "gated_single"):
                list(call)
            recorder.save(name, call)
        recorder.server.open_gate("busy")
        running.until("process_completed")
    # It runs all the same on some.
    recorder.server.open_gate(name)


def stop(session: Session, call: Call, endpoint: str) -> bool:
    """Cancel a call as its server wants it, and tell whether that ends its stream."""
    if call.event_id is None:  # nothing but to close the connection
        return False
    if session.server.version in {"4.44.1", "5.50.0", "6.31.0"}:
        session.cancel(endpoint, call.event_id).raise_for_status()
        return True
    ended: bool = session.reset(call.event_id).json()["success"]
    return ended and session.protocol == "sse"


def record_full(recorder: Recorder) -> None:
    """Record what a call is told that finds one running and one waiting, and room for one."""
    with recorder.session("busy") as busy, busy.start("gated_single", "full") as running:
        running.until("process_starts")
        with recorder.session("next") as second, second.start("gated_single", "full") as waiting:
            waiting.until("estimation")
            with recorder.session("full") as session:
                if session.protocol in {"ws", "sse"}:
                    with session.start("gated_single", "full") as call:
                        list(call)
                        recorder.save("full", call)
                else:
                    recorder.save_answer("full", session.join("gated_single", "full"))
            recorder.server.open_gate("full", 2)
            running.until("process_completed")
            waiting.until("process_completed")


def record_frames(recorder: Recorder) -> None:
    """Record a stream of three frames that its sender closes, and one that takes too long."""
    with recorder.session("frames") as session, session.start("frames", "a", None) as call:
        call.until("process_streaming")
        for frame in ("b", "c"):
            session.post(f"/stream/{call.event_id}", session.body("frames", frame, None))
            call.until("process_streaming")
        session.post(f"/stream/{call.event_id}/close", {})
        list(call)
        recorder.save("frames", call)
    recorder.whole("frames-briefly", "frames_briefly", "a")


def record(version: str) -> None:
    """Make all recordings of one version."""
    for stale in (TRANSCRIPTS / version).glob("*"):
        stale.unlink()
    python = environment(version)
    ample: list[Callable[[Recorder], None]] = [
        record_description,
        record_calls,
        record_direct,
        record_cancelled,
    ]
    if int(version.split(".", maxsplit=1)[0]) >= 5:
        ample.append(record_frames)
    with Server(python, version, APP_FILES="0") as server:
        for step in ample:
            step(Recorder(server))
    with Server(python, version, APP_MAX_SIZE="1", APP_CONCURRENCY="1") as server:
        for step in (record_cancelled_queued, record_full):
            step(Recorder(server))


def main(*versions: str) -> None:
    """Record every version, or some."""
    for version in versions or VERSIONS:
        record(version)
        recorded = len(list((TRANSCRIPTS / version).iterdir()))
        sys.stdout.write(f"{version}: {recorded} recordings\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
