"""A session with a real server is heard again, file by file, when the server cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from reactivex import operators as ops
from reactivex.notification import Notification, OnNext

from rxgradio import Client, OutputUpdate, StatusUpdate, handle_file, operators
from rxgradio.testing import VirtualTime, record, replay
from tests.live.servers.run import Server

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("/add", (1, 2)),
    ("/count", (4,)),
    ("/progress", (2,)),
    ("/logs", ()),
    ("/fail_mid", (2,)),
    ("/state", ("a",)),
    ("/state", ("a",)),
    ("/direct", ("x",)),
    ("/chat", ("hello there", [])),
    ("/image_frames", (2,)),
    ("/file_out", ()),
]


def heard(client: Client, name: str, given: tuple[Any, ...]) -> list[str]:
    """Return all that is heard of a call: of the time of day, nothing, of files, their content."""

    def shown(told: Notification[Any]) -> str:
        update = told.value if isinstance(told, OnNext) else None
        if isinstance(update, StatusUpdate):
            return repr(replace(update, time=None))
        if isinstance(update, OutputUpdate) and str(update.outputs).startswith("/"):
            return repr(Path(update.outputs).read_bytes())
        return str(told)

    job = client.submit(*given, api_name=name)
    return [shown(each) for each in job.updates.pipe(ops.materialize(), operators.iterate())]


def session(url: str, folder: Path) -> list[list[str]]:
    sent = folder / "sent.bin"
    sent.parent.mkdir(exist_ok=True)
    sent.write_bytes(b"\0\1\2" * 1000)
    with Client(url, download_files=folder / "downloads") as client:
        told = [heard(client, *call) for call in CALLS]
        told.append(heard(client, "/file_copy", (handle_file(sent),)))
        told.append([client.endpoint("/count").signature])
    return told


def test_a_session_is_heard_again(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with record(path):
        live = session(server.url, tmp_path / "live")
    with VirtualTime(), replay(path):
        again = session(server.url, tmp_path / "again")
    if server.version < "4.9":  # which ask for the data of a call when it is its turn
        live, again = ([sorted(told) for told in each] for each in (live, again))
    for one, other in zip(live, again, strict=True):
        assert other == one
    assert sum(len(told) for told in live) > 60
