"""Typing ahead in every toolkit, on a real server that counts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial

import pytest
from reactivex import operators as ops

from rxgradio.ui import bind, changes
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
