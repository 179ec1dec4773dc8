"""The operators on updates, on what real servers say."""

from __future__ import annotations

import uuid

from reactivex import operators as ops

from rxgradio import AppError, Client, Status
from rxgradio.operators import TextDelta
from tests.live.servers.run import Server
from tests.live.servers.values import LOGS, reply


def test_what_is_new_in_a_chat(server: Server) -> None:
    with Client(server.url) as client:
        _, history = client.predict("hello there", [], api_name="/chat")
        job = client.submit("and again", history, api_name="/chat")
        deltas = job.updates.text_deltas(1).pipe(ops.to_list()).run()
        assert deltas[:2] == [
            TextDelta("hello there", message=0, role="user"),
            TextDelta(reply("hello there"), message=1, role="assistant"),
        ]
        assert deltas[2] == TextDelta("and again", message=2, role="user")
        assert [str(delta) for delta in deltas[3:]] == ["you", " said:", " and", " again"]
        assert {(each.message, each.role, each.replaced) for each in deltas[3:]} == {
            (3, "assistant", 0)
        }


def test_what_is_new_in_a_text(server: Server) -> None:
    with Client(server.url) as client:
        deltas = client.observe(20, api_name="/count").text_deltas().pipe(ops.to_list()).run()
        assert "".join(map(str, deltas)) == client.predict(20, api_name="/count")
        assert all(delta.replaced == 0 for delta in deltas)


def test_how_much_is_done_and_what_is_said(server: Server) -> None:
    with Client(server.url) as client:
        for api_name in ("/progress", "/progress_tqdm"):
            views = client.observe(4, api_name=api_name).snapshots().pipe(ops.to_list()).run()
            fractions = [each.fraction for each in views if each.phase is Status.PROGRESS]
            assert fractions, "it tells of no progress"
            assert fractions == sorted(set(fractions) & {0.0, 0.25, 0.5, 0.75, 1.0})
            assert (views[-1].fraction, views[-1].done) == (1.0, True)
        job = client.submit(api_name="/logs")
        said = job.updates.logs().pipe(ops.to_list()).run()
        assert [(each.level, each.text) for each in said] in ([], LOGS)  # not on early 3.x
        assert (said == []) == (job.updates.snapshots().run().text == "")


def test_when_it_was_where_and_that_it_failed(server: Server) -> None:
    with Client(server.url) as client:
        marks = client.observe(3, api_name="/count").timings().run()
        known = [marks.started, marks.first_output, marks.done]
        assert all(mark is not None for mark in known)
        assert known == sorted(known, key=float)  # type: ignore[arg-type] # none is None
        last = client.observe(2, api_name="/fail_mid").snapshots().run()
        assert isinstance(last.error, AppError)
        assert (last.output, last.done) == ("part 1", True)


def test_taking_what_is_needed_cancels_on_the_server(server: Server) -> None:
    tag = uuid.uuid4().hex
    with Client(server.url) as client:
        ticks = client.observe(tag, 500, 0.05, api_name="/forever").outputs()
        assert ticks.pipe(ops.take(2), ops.to_list()).run() == ["tick 0", "tick 1"]
        # 4.44.1 asks it for no more, but does not close it.
        last = "tick 2" if server.version == "4.44.1" else "closed"
        assert "finished" not in server.await_ledger(tag, last)
