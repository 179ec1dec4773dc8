"""The contract on real servers: the tests are those of `tests/contract`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import reactivex
from reactivex import operators as ops

from rxgradio import (
    AuthenticationError,
    Client,
    InvalidAPIEndpointError,
    OutputUpdate,
    QueueFull,
    Status,
    handle_file,
)
from tests.contract.app import SOON, reached
from tests.contract.test_calls import *  # noqa: F403 (the tests themselves)
from tests.contract.test_cancels import *  # noqa: F403
from tests.contract.test_endings import *  # noqa: F403
from tests.contract.test_losses import *  # noqa: F403
from tests.live.live_app import LiveApp
from tests.live.servers.install import VERSIONS
from tests.live.servers.run import Server
from tests.live.table import Table


@pytest.fixture
def tag() -> str:
    """Return what nobody else calls their calls."""
    return uuid.uuid4().hex


@pytest.fixture
def app(server: Server) -> Iterator[LiveApp]:
    with LiveApp(server) as app:
        yield app


@pytest.fixture
def client(app: LiveApp) -> Iterator[Client]:
    with app.connect() as client:
        yield client


# ---- rows of the table that stand for more tests elsewhere


Tell = Callable[[str, str], None]


def test_files_go_up_and_come_down(server: Server, tmp_path: Path, told: Tell) -> None:
    sent = tmp_path / "sent.txt"
    sent.write_text("file content", "utf-8")
    with Client(server.url, download_files=tmp_path / "downloads") as client:
        assert client.predict(handle_file(sent), api_name="/file_in") == "file content"
        told("files up", "yes")
        came = client.predict(api_name="/file_out")
        assert Path(came).read_text("utf-8") == "file content"
        told("files down", "yes")


def test_batches_work(client: Client, told: Tell) -> None:
    jobs = [client.submit(f"{n}", api_name="/batch") for n in range(3)]
    assert [job.result(SOON).split(" of ")[0] for job in jobs] == ["0", "1", "2"]
    assert client.predict("hi", api_name="/echo") == "hi"
    told("batch=True", "yes")


def test_streams_are_fed_where_there_are_any(client: Client, app: LiveApp, told: Tell) -> None:
    if app.release < (5,):
        with pytest.raises(InvalidAPIEndpointError):
            client.endpoint("/frames")
        told(".stream() events", "does not exist")
    else:
        frames = reactivex.from_iterable(["a", "b", "c"])
        updates = client.stream(frames, api_name="/frames").pipe(ops.to_list()).run()
        outputs = [u.outputs for u in updates if isinstance(u, OutputUpdate) and not u.final]
        assert [output.split(": ")[1] for output in outputs] == ["a", "b", "c"]
        told(".stream() events", "yes")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_login_opens_an_app_and_a_full_queue_says_so(
    fresh_server: Callable[..., Server], version: str, table: Table, tag: str
) -> None:
    login = ("user", "s3cret")
    server = fresh_server(version, APP_AUTH=":".join(login), APP_MAX_SIZE="1", APP_CONCURRENCY="1")
    with pytest.raises(AuthenticationError):
        Client(server.url)
    with Client(server.url, auth=login) as client:
        assert client.predict("hi", api_name="/echo") == "hi"
        table.tell(version, "login", "yes")

        running = client.submit(tag, api_name="/gated_single")
        reached(running, Status.PROCESSING)
        waiting = client.submit(tag, api_name="/gated_single")
        reached(waiting, Status.IN_QUEUE)
        refused = client.submit(tag, api_name="/gated_single")
        assert isinstance(refused.exception(SOON), QueueFull)
        table.tell(version, "a full queue", "fails with QueueFull")
        patient = client.endpoint("/gated_single", wait_for_room=True).submit(tag)
        reached(patient, Status.QUEUE_FULL)
        client.predict(tag, 3, api_name="/open_gate")
        jobs = (running, waiting, patient)
        assert [job.result(SOON) for job in jobs] == [f"{tag} went through"] * 3
