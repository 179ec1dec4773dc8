"""On real servers: typing ahead in every toolkit, and what is said of calls."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from itertools import groupby

import pytest
from reactivex import operators as ops

from rxgradio.ui import View, bind, changes, view
from tests.contract.app import until_closed
from tests.live.conftest import Servers, servers  # noqa: F401 (a fixture)
from tests.live.live_app import LiveApp
from tests.live.servers.run import Server
from tests.ui.drivers import Driver


@pytest.fixture(scope="module")
def app(servers: Servers) -> Iterator[LiveApp]:  # noqa: F811 (as above)
    with Server(servers.python("6.31.0"), "6.31.0") as server, LiveApp(server) as app:
        yield app


def test_of_what_is_typed_over_nothing_is_left_on_the_server(
    interactive: Driver, app: LiveApp
) -> None:
    ui = interactive
    tag = uuid.uuid4().hex
    typed = [f"{tag}{end}" for end in ("h", "he", "hel")]
    with app.connect() as client:
        entry, status, output = ui.call(lambda: (ui.entry(), ui.label(), ui.label()))
        found = changes(entry).pipe(
            # A toolkit may tell of each letter of the tag.
            ops.filter(lambda text: text in typed),
            ops.map(lambda text: (text, 500 if text != typed[-1] else 2)),
            client.endpoint("/gated_words").latest(unpack=True, on_error="keep"),
        )
        ui.call(lambda: ui.type(entry, tag))
        ui.call(lambda: bind(found, status=status, output=output))
        for letter, text in zip("hel", typed, strict=True):
            ui.call(partial(ui.type, entry, letter))
            ui.until(partial(lambda text: "started" in app.ledger(text), text))
        for text in typed[:-1]:
            until_closed(app, text)
        app.open(typed[-1], 2)
        ui.until(lambda: ui.shown(status) == "done")
        assert ui.call(lambda: ui.shown(output)) == "word 0 word 1"
        ledgers = [app.ledger(text) for text in typed]
    assert [ledger.count("started") for ledger in ledgers] == [1, 1, 1]
    assert [ledger.count("finished") for ledger in ledgers] == [0, 0, 1]
    assert [ledger.count("closed") for ledger in ledgers] == [1, 1, 0]
    assert ui.errors == []


@pytest.mark.parametrize("version", ["4.44.1", "5.50.0", "6.31.0"])
def test_what_is_said_of_calls(servers: Servers, version: str) -> None:  # noqa: F811 (as above)
    with (
        Server(servers.python(version), version) as server,
        LiveApp(server) as app,
        app.connect() as client,
    ):

        def said(name: str, *inputs: object) -> tuple[list[str], list[View]]:
            job = client.submit(*inputs, api_name=name)
            views = list(job.updates.pipe(view(), ops.to_list()).run())
            return [text for text, _ in groupby(each.status for each in views)], views

        begins = ["starting", "joining the queue", "queued, 1 of 1", "working"]
        texts, views = said("/progress", 9)
        assert [*texts[:4], texts[-1]] == [*begins, "done"]
        told = [(each.status, each.progress) for each in views if "step" in each.status]
        bars = [bar for bar, _ in groupby(told)]
        steps = {f"step {n}": n / 9 for n in range(9)}  # of which servers leave some out
        assert bars
        assert bars == [(text, steps[text]) for text in sorted({text for text, _ in bars})]
        assert (views[-1].progress, views[-1].output, views[-1].busy) == (1.0, "9 steps", False)

        texts, views = said("/progress_tqdm", 9)
        assert texts == [*begins, "counting", "done"]

        texts, views = said("/fail_mid", 2)
        assert texts == [*begins, "streaming", "failed: half-way"]
        assert (views[-1].output, views[-1].error) == ("part 1", "half-way")
        assert not views[-1].busy

        tag = uuid.uuid4().hex
        job = client.submit(tag, 500, api_name="/gated_words")
        app.await_ledger(tag, "started")
        job.cancel()
        last = job.updates.pipe(view(), ops.last()).run()
        assert (last.status, last.error, last.busy) == ("cancelled", "", False)
        app.open(tag)  # where it waits on the server
