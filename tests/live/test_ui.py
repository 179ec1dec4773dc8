"""Typing ahead in a UI, on a real server that counts."""

from __future__ import annotations

import uuid
from functools import partial

import pytest
from reactivex import operators as ops

from rxgradio.ui import bind, changes
from tests.contract.app import until_closed
from tests.live.live_app import LiveApp
from tests.live.servers.run import Server
from tests.ui.fake import FakeDriver


@pytest.mark.parametrize("server", ["6.31.0"], indirect=True)
def test_of_what_is_typed_over_nothing_is_left_on_the_server(server: Server) -> None:
    ui = FakeDriver()
    tag = uuid.uuid4().hex
    typed = [f"{tag}{end}" for end in ("h", "he", "hel")]
    with LiveApp(server) as app, app.connect() as client, ui:
        entry, status, output = ui.entry(), ui.label(), ui.label()
        entry.values[None] = tag
        found = changes(entry).pipe(
            ops.map(lambda text: (text, 500 if text != typed[-1] else 2)),
            client.endpoint("/gated_words").latest(unpack=True, on_error="keep"),
        )
        bind(found, status=status, output=output)
        for letter, text in zip("hel", typed, strict=True):
            ui.type(entry, letter)
            ui.until(partial(lambda text: "started" in app.ledger(text), text))
        for text in typed[:-1]:
            until_closed(app, text)
        app.open(typed[-1], 2)
        ui.until(lambda: ui.shown(status) == "done")
        assert ui.shown(output) == "word 0 word 1"
        ledgers = [app.ledger(text) for text in typed]
    assert [ledger.count("started") for ledger in ledgers] == [1, 1, 1]
    assert [ledger.count("finished") for ledger in ledgers] == [0, 0, 1]
    assert [ledger.count("closed") for ledger in ledgers] == [1, 1, 0]
    assert ui.errors == []
