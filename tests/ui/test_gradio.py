"""Handlers of Gradio pages: what the contract asks of a toolkit, and what is Gradio's own.

The page is a real Gradio server with `gradio_page.py`, and so is what it calls, but where that
is to fail. What Gradio makes of an event is seen by hand, or in a real browser.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rxgradio import AppError
from rxgradio.testing import FaultServer
from tests.contract.app import until_closed
from tests.live.live_app import LiveApp
from tests.live.servers.by_hand import Message, Session, events
from tests.live.servers.install import environment
from tests.live.servers.run import Server
from tests.ui.gradio_tabs import PAGES, python_of, shown, until, visiting

# The servers are shared, within one process.
pytestmark = pytest.mark.xdist_group("gradio pages")

SKIP = {"__type__": "update"}


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The page, on each release that it is for."""
    version = request.param
    app = Path(__file__).with_name("gradio_page.py")
    with Server(python_of(version), version, app=app) as server:
        yield server


@pytest.fixture(scope="module")
def real() -> Iterator[LiveApp]:
    """A real app that the page calls, and that counts."""
    with Server(environment("6.31.0"), "6.31.0") as server, LiveApp(server) as app:
        app.url = server.url
        yield app


class Upstream(FaultServer):
    """An app that the page calls; it tells which of its calls were closed."""

    def __init__(self) -> None:
        super().__init__({"/silent": self._silent, "/chatty": self._chatty, "/fails": self._fails})
        self.started: list[str] = []

    @property
    def closed(self) -> list[str]:
        """The tags of the calls whose end was asked for."""
        tags = {event.event_id: event.data[0] for event in self.events}
        return [tags[json.loads(each.body)["event_id"]] for each in self.asked("cancel")]

    async def _silent(self, tag: str) -> AsyncIterator[str]:
        self.started.append(tag)
        yield f"{tag} has begun"
        await asyncio.Event().wait()

    async def _chatty(self, tag: str) -> AsyncIterator[str]:
        self.started.append(tag)
        for n in range(100_000):
            yield f"{tag} {n}"
            await asyncio.sleep(0.01)

    def _fails(self, text: str = "") -> str:
        raise AppError("told you so, <b>twice</b>")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def visitor(page: Server) -> Iterator[Session]:
    with Session(page) as session:
        yield session


def outputs(said: list[Message]) -> list[list[Any]]:
    """Return what the page was shown, each time in full, and without what changes nothing."""
    shown: list[Any] = []
    values: list[list[Any]] = []
    for message in said:
        if message["msg"] not in {"process_generating", "process_completed"}:
            continue
        data = message["output"].get("data")
        if data is None:
            continue
        if values or shown:
            data = [_patched(old, new) for old, new in zip(shown, data, strict=True)]
        shown = data
        values.append(data)
    return values


def _patched(old: Any, new: Any) -> Any:
    """Undo a difference, of which there is but one kind here: all of it, or a longer text."""
    if not isinstance(new, list):
        return new
    for action, path, value in new:
        assert not path
        old = old + value if action == "append" else value
    return old


def facts(page: Server) -> dict[str, Any]:
    with Session(page) as session:
        return json.loads(session.answer("facts")[0])


def tagged() -> str:
    return uuid.uuid4().hex


# ---- what the page is shown


def test_of_a_flood_the_page_is_shown_the_newest_and_the_last(visitor: Session) -> None:
    began = time.monotonic()
    values = [value for (value,) in outputs(visitor.call("flood", 50_000)) if value != SKIP]
    took = time.monotonic() - began
    assert values[-1] == "50000"
    assert values == sorted(values, key=int)
    assert len(values) <= 20 * took + 3  # the last comes at once, and again with the end


def test_no_stream_waits_for_the_page(visitor: Session, page: Server) -> None:
    with Session(page) as other, ExitStack() as stack:
        call = stack.enter_context(visitor.start("flood_and_tell"))
        until(lambda: "flood" in facts(page)["opened"])
        blocked = other.answer("block", 20)
        assert blocked == ["True"]  # the stream has ended while the page's loop was held up
        assert call.until("process_completed")["output"]["data"] == ["20000"]


def test_a_value_is_shown_though_the_end_follows_at_once(visitor: Session) -> None:
    said = visitor.call("error", "shown")
    assert outputs(said)[-1] == ["so far"]
    assert said[-1]["success"] is False


def test_an_empty_stream_changes_nothing(visitor: Session) -> None:
    assert outputs(visitor.call("error", "nothing")) == [[SKIP], [SKIP]]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("shown", "a reason"),
        ("silent", "KeyError"),
        ("gradio", "as it is"),
        ("early", "not even begun"),
        ("wrong", "a handler's function is to return a stream or a job, not 42"),
    ],
)
def test_an_error_is_told(visitor: Session, kind: str, told: str) -> None:
    end = visitor.call("error", kind)[-1]
    assert end["success"] is False
    assert end["output"]["error"].strip("'") == told


def test_an_error_goes_to_its_place(visitor: Session) -> None:
    said = visitor.call("error_shown", "shown")
    assert outputs(said)[-1] == ["so far", "failed: a reason"]
    assert said[-1]["success"] is True


def test_an_error_of_the_other_app_is_told(visitor: Session, upstream: Upstream) -> None:
    end = visitor.call("call", upstream.url, "/fails", "")[-1]
    assert end["success"] is False
    # What Gradio shows as HTML is text.
    assert "told you so, &lt;b&gt;twice&lt;/b&gt;" in end["output"]["error"]


def test_each_part_has_its_place(visitor: Session, upstream: Upstream) -> None:
    said = visitor.call("call_shown", upstream.url, "/fails", "")
    told = "told you so, <b>twice</b>"
    assert outputs(said)[-1] == [f"failed: {told}", 0, SKIP, told]
    assert said[-1]["success"] is True


def test_parts_are_of_one_moment(visitor: Session, page: Server) -> None:
    tag = tagged()
    with visitor.start("own_seen", tag) as call, Session(page) as other:
        until(lambda: tag in facts(page)["opened"])
        for n in range(30):
            other.answer("tell", tag, json.dumps([f"{n}"]))
        other.answer("complete", tag)
        said = list(call)
    # What is shown already is not sent again.
    assert any(values[0] == SKIP != values[2] for values in outputs(said))
    state: list[Any] = [None] * 3
    for values in outputs(said):
        state = [old if new == SKIP else new for old, new in zip(state, values, strict=True)]
        status, bar, output = state
        if status is not None:  # as long as there was nothing to show
            assert (status == "done") is ('"100"' in bar and "opacity" not in bar), state
            assert status != "done" or output == "29"
    assert state[0] == "done"


# ---- events of one visitor


def test_the_newest_event_wins(visitor: Session, page: Server) -> None:
    tags = [f"{tagged()} {n}" for n in range(8)]
    for tag in tags:
        visitor.join("own", tag).raise_for_status()
    with visitor.stream() as call, Session(page) as other:
        until(lambda: tags[-1] in facts(page)["opened"])
        until(lambda: set(tags[:-1]) & set(facts(page)["opened"]) <= set(facts(page)["left"]))
        until(lambda: visitors_runs(page) == 1)
        other.answer("tell", tags[-1], '["shown"]')
        other.answer("complete", tags[-1])
        said = list(call)
    ends = events(said, "process_completed")
    assert len(ends) == len(tags)
    values = [end["output"]["data"] for end in ends]
    # Those that were typed over leave what is shown as it is.
    assert values.count([SKIP]) == len(tags) - 1
    assert values[-1] == ["shown"]
    assert tags[-1] in facts(page)["left"]


def visitors_runs(page: Server) -> int:
    runs: int = facts(page)["runs"]
    return runs


def test_what_is_typed_over_shows_nothing_more(visitor: Session, page: Server) -> None:
    one, two = tagged(), tagged()
    visitor.join("own", one)
    until(lambda: one in facts(page)["opened"])
    with visitor.stream() as call, Session(page) as other:
        other.answer("tell", one, '["first"]')
        assert call.until("process_generating")
        visitor.join("own", two)
        until(lambda: two in facts(page)["opened"])
        other.answer("tell", one, '["stale"]')
        other.answer("tell", two, '["second"]')
        other.answer("complete", two)
        said = list(call)
    assert "stale" not in json.dumps(said)
    ends = events(said, "process_completed")
    assert [end["output"]["data"] for end in ends] == [[SKIP], ["second"]]


def test_what_has_not_even_begun_is_ended_too(visitor: Session, page: Server) -> None:
    one, two, three = tagged(), tagged(), f"at once {tagged()}"
    visitor.join("late", one)
    until(lambda: one in facts(page)["opened"])
    visitor.join("late", two)
    until(lambda: two in facts(page)["opened"])
    until(lambda: one in facts(page)["left"])
    assert two not in facts(page)["left"]
    visitor.join("late", three)
    with visitor.stream() as call:
        ends = events(list(call), "process_completed")
    assert two in facts(page)["left"]
    values = [end["output"]["data"] for end in ends]
    assert values == [[SKIP, SKIP], [SKIP, SKIP], ["done", three]]
    assert all(end["success"] for end in ends)

    four = tagged()
    visitor.join("late", four)
    until(lambda: four in facts(page)["opened"])
    visitor.join("cancel_late")
    with visitor.stream() as call:
        (end,) = (
            each for each in events(list(call), "process_completed") if each["output"]["data"]
        )
    assert end["output"]["data"][0] == "cancelled"
    assert four in facts(page)["left"]


def test_events_may_run_side_by_side(visitor: Session, page: Server, upstream: Upstream) -> None:
    for tag in ("one", "two"):
        visitor.join("call_all", upstream.url, "/silent", tag)
    until(lambda: len(upstream.started) == 2)
    with visitor.stream() as call:
        call.until("process_generating")
        call.until("process_generating")
        assert upstream.closed == []
    until(lambda: len(upstream.closed) == 2)


def test_visitors_do_not_meet(page: Server, upstream: Upstream) -> None:
    with ExitStack() as stack:
        for tag in ("one", "two"):
            session = stack.enter_context(Session(page))
            call = stack.enter_context(session.start("call", upstream.url, "/silent", tag))
            said = call.until("process_generating")
            while said["output"]["data"] == [SKIP]:
                said = call.until("process_generating")
            assert tag in json.dumps(said)
        assert upstream.closed == []
        session.join("cancel_own")  # of another handler
        call.until("process_completed")
        assert upstream.closed == []
    until(lambda: sorted(upstream.closed) == ["one", "two"])


# ---- its end


@pytest.mark.parametrize("name", ["/silent", "/chatty"])
def test_whoever_leaves_closes_the_call(
    visitor: Session, upstream: Upstream, page: Server, name: str
) -> None:
    with visitor.start("call", upstream.url, name, "tag") as call:
        call.until("process_generating")
        assert upstream.closed == []
    until(lambda: upstream.closed == ["tag"])
    until(lambda: visitors_runs(page) == 0)


@pytest.mark.parametrize("name", ["/silent", "/chatty"])
def test_a_cancelled_event_closes_the_call(visitor: Session, upstream: Upstream, name: str) -> None:
    with visitor.start("call", upstream.url, name, "tag") as call:
        call.until("process_generating")
        visitor.cancel("call", call.event_id).raise_for_status()
        call.until("process_completed")
    until(lambda: upstream.closed == ["tag"])


def test_cancelling_is_shown(visitor: Session, page: Server) -> None:
    tag = tagged()
    with visitor.start("own_seen", tag) as call, Session(page) as other:
        until(lambda: tag in facts(page)["opened"])
        other.answer("tell", tag, '["so far"]')
        call.until("process_generating")
        visitor.join("cancel_seen")
        *_, end = (
            each for each in call if each["msg"] == "process_completed" and each["output"]["data"]
        )
    assert end["success"] is True
    assert end["output"]["data"][0] == "cancelled"
    assert tag in facts(page)["left"]


def test_a_job_is_the_events_own(visitor: Session, upstream: Upstream) -> None:
    with visitor.start("job", upstream.url, "/silent", "own") as call:
        call.until("process_generating")
    until(lambda: upstream.closed == ["own"])


def test_the_updates_of_a_job_are_only_watched(
    visitor: Session, upstream: Upstream, page: Server
) -> None:
    with visitor.start("watched", upstream.url, "/silent", "watched") as call:
        call.until("process_generating")
    until(lambda: visitors_runs(page) == 0)
    assert upstream.closed == []


def test_nothing_is_remembered_of_visitors_who_have_left(page: Server, upstream: Upstream) -> None:
    before = facts(page)["threads"]
    with ExitStack() as stack:
        for n in range(30):
            session = stack.enter_context(Session(page))
            stack.enter_context(session.start("call", upstream.url, "/silent", str(n)))
        until(lambda: len(upstream.started) == 30)
        there = facts(page)
        assert there["runs"] == 30
        assert there["sessions"] >= 30
        assert there["threads"] < before + 30  # none is held for a visitor
    until(lambda: len(upstream.closed) == 30)
    until(lambda: facts(page)["runs"] == facts(page)["sessions"] == 0)


# ---- what Gradio gives to handlers


def test_gradio_passes_what_it_passes_to_any_handler(visitor: Session) -> None:
    said = visitor.call("special", "hey", None)
    assert outputs(said)[-1] == [f"hey, Progress, {visitor.hash}", None]
    assert visitor.answer("recall", None) == [8]


def test_a_chat_streams_its_reply(visitor: Session, page: Server) -> None:
    tag = tagged()
    with visitor.start("chat", tag, None) as call, Session(page) as other:
        until(lambda: tag in facts(page)["opened"])
        for _ in range(3):
            call.until("process_generating")  # heartbeats, before there is anything
        other.answer("tell", tag, '["one", "one two"]')
        other.answer("complete", tag)
        end = call.until("process_completed")
    assert end["success"] is True, end
    assert f"{tag} after 0 of True: one two" in json.dumps(end)
    assert "__type__" not in json.dumps(end["output"]["data"][0])


# ---- in a browser


def address(page: Server, url: str, tag: str) -> str:
    return f"{page.url}/?upstream={url}&tag={tag}"


def press(browser: Any, name: str) -> None:
    browser.find_element("id", name).click()


def ready(browser: Any, name: str) -> None:
    until(lambda: browser.find_elements("id", name))


def test_typing_ahead(browser: Any, page: Server, real: LiveApp) -> None:
    tag, word = tagged(), "reactive"
    typed = [f"{tag}{word[: end + 1]}" for end in range(len(word))]
    with visiting(browser, address(page, real.url, tag)):
        ready(browser, "entry")
        entry = browser.find_element("css selector", "#entry textarea, #entry input")
        for letter, text in zip(word, typed, strict=True):
            entry.send_keys(letter)
            real.await_ledger(text, "started")
        for text in typed[:-1]:
            until_closed(real, text)
        real.open(typed[-1], 2)
        until(lambda: shown(browser, "status") == "done")
        assert shown(browser, "found") == "word 0 word 1"
        assert shown(browser, "entry") == word
    entries = [entry for text in typed for entry in real.ledger(text)]
    assert entries.count("started") == 8
    assert entries.count("closed") == 7
    assert entries.count("finished") == 1


@pytest.mark.parametrize("kind", ["silent", "chatty"])
def test_closing_one_of_two_tabs(browser: Any, page: Server, upstream: Upstream, kind: str) -> None:
    with visiting(browser, address(page, upstream.url, "stays")) as stays:
        ready(browser, kind)
        press(browser, kind)
        until(lambda: shown(browser, "found").startswith("stays"))
        with visiting(browser, address(page, upstream.url, "leaves")):
            ready(browser, kind)
            press(browser, kind)
            until(lambda: shown(browser, "found").startswith("leaves"))
            assert upstream.closed == []
        until(lambda: upstream.closed == ["leaves"])
        browser.switch_to.window(stays)
        assert shown(browser, "found").startswith("stays")
        assert upstream.closed == ["leaves"]
    until(lambda: upstream.closed == ["leaves", "stays"])


def test_an_error_is_read_in_the_page(browser: Any, page: Server, upstream: Upstream) -> None:
    with visiting(browser, address(page, upstream.url, "tag")):
        ready(browser, "fails")
        press(browser, "fails")
        told = "told you so, <b>twice</b>"
        until(lambda: told in browser.find_element("tag name", "body").text)


def test_a_handler_gets_what_is_told_of_the_event(browser: Any, page: Server) -> None:
    with visiting(browser, page.url):
        ready(browser, "pressed")
        press(browser, "pressed")
        until(lambda: shown(browser, "found") == "a Button")


def test_cancelling_in_the_page(browser: Any, page: Server, upstream: Upstream) -> None:
    with visiting(browser, address(page, upstream.url, "tag")):
        ready(browser, "silent")
        assert not browser.find_element("id", "cancel").is_enabled()
        press(browser, "silent")
        until(lambda: shown(browser, "found") == "tag has begun")
        until(lambda: browser.find_element("id", "cancel").is_enabled())
        press(browser, "cancel")
        until(lambda: shown(browser, "status") == "cancelled")
        until(lambda: not browser.find_element("id", "cancel").is_enabled())
        assert upstream.closed == ["tag"]
        press(browser, "silent")
        until(lambda: len(upstream.started) == 2)
        until(lambda: shown(browser, "status") != "cancelled")
        press(browser, "stop")  # by `cancels=`
        until(lambda: upstream.closed == ["tag", "tag"])
