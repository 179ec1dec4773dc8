"""Live bars in a notebook; what it would show is kept."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from reactivex import Subject

from rxgradio import AppError, Client, Job, OutputUpdate, ProgressUnit, Status, StatusUpdate
from rxgradio.testing import Marbles, MemoryApp, VirtualTime
from rxgradio.ui import jupyter, show, view
from rxgradio.ui.views import View
from tests.contract.app import SOON
from tests.contract.memory_app import MemoryApp as ContractApp

LETTERS = "-".join("abcdefghijklmnopqrstuvwxyz") + "|"


class Output:
    """What one output of a cell has shown."""

    def __init__(self, bundle: dict[str, str]) -> None:
        self.bundles = [bundle]

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.bundles.append(bundle)

    @property
    def text(self) -> str:
        return self.bundles[-1]["text/plain"]

    @property
    def html(self) -> str:
        return self.bundles[-1]["text/html"]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[Output]:
    """The outputs of a cell."""
    pytest.importorskip("IPython")  # `show` only asks for it where it has been imported
    outputs: list[Output] = []

    def display(bundle: dict[str, str]) -> Output:
        outputs.append(Output(bundle))
        return outputs[-1]

    monkeypatch.setattr(jupyter, "_display", display)
    monkeypatch.setattr(jupyter, "in_notebook", lambda: True)
    return outputs


def until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON
    while not fact():
        assert time.monotonic() < deadline, "it has not come true"
        threading.Event().wait(0.005)


class Page(HTMLParser):
    """What a page is made of; raises where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def drawn(*updates: Any, error: Exception | None = None, outputs: bool = True) -> Page:
    """Return what is drawn of a call that has said so much."""
    source: Subject[Any] = Subject()
    views: list[View] = []
    source.pipe(view()).subscribe(views.append)
    for each in updates:
        source.on_next(each)
    if error is not None:
        source.on_error(error)
    return Page(jupyter._row("<name>", views[-1], outputs=outputs))


def progress(fraction: float, desc: str = "step") -> StatusUpdate:
    unit = ProgressUnit(progress=fraction, desc=desc)
    return StatusUpdate(Status.PROGRESS, progress_data=[unit])


# ---- what it looks like


def test_what_a_server_says_is_text_and_nothing_else() -> None:
    evil = "<script>alert('\"')</script>&amp;"
    for outputs in (True, False):
        page = drawn(progress(0.5, evil), OutputUpdate(evil), outputs=outputs)
        assert page.tags <= {"span", "b", "div"}
        assert {name for name, _ in page.attributes} <= {
            "style", "title", "role", "aria-valuenow"
        }  # fmt: skip
        assert "<name>" in page.texts
        assert any(evil in text for text in page.texts)
    assert f"failed: {evil}" in drawn(OutputUpdate("a"), error=AppError(evil)).texts
    assert drawn(OutputUpdate([evil])).texts[-1] == repr([evil])


def test_where_a_call_stands_can_be_seen() -> None:
    works = drawn(progress(0.25))
    assert works.texts == ["●", "<name>", "25 %", "step"]
    assert ("aria-valuenow", "25") in works.attributes
    waits = drawn(StatusUpdate(Status.IN_QUEUE, rank=1, queue_size=3))
    assert waits.texts == ["○", "<name>", "queued, 2 of 3"]
    assert "aria-valuenow" not in dict(waits.attributes)
    assert any("repeating" in (value or "") for _, value in waits.attributes)
    done = drawn(OutputUpdate("all", final=True))
    assert done.texts == ["✓", "<name>", "100 %", "done", "all"]
    failed = drawn(progress(0.5), OutputUpdate("half"), error=AppError("no"))
    assert failed.texts == ["✗", "<name>", "50 %", "failed: no", "half"]


def test_of_a_long_output_the_newest_is_shown() -> None:
    long = "".join(f"{n} " for n in range(10_000))
    *_, grows = drawn(StatusUpdate(Status.ITERATING), OutputUpdate(long)).texts
    assert grows.startswith("…")
    assert grows.endswith(long[-100:])
    *_, whole = drawn(OutputUpdate(long, final=True)).texts
    assert whole.startswith(long[:100])
    assert whole.endswith("…")
    *_, many = drawn(OutputUpdate(list(range(100_000)))).texts
    assert len(many) < 100


def test_a_notebook_does_not_swell_with_what_a_server_says() -> None:
    long = "a word " * 100_000
    for outputs in (True, False):
        for page in (
            drawn(progress(0.5, long), outputs=outputs),
            drawn(OutputUpdate("a"), error=AppError(long), outputs=outputs),
        ):
            said = [*page.texts, *(value or "" for _, value in page.attributes)]
            assert sum(map(len, said)) < 6000


# ---- a job


def test_a_job_is_shown_to_its_end_ten_times_a_second_at_most(cell: list[Output]) -> None:
    with VirtualTime():
        app = MemoryApp({"/count": Marbles(LETTERS, timespan=0.01)})
        client = app.client()
        job = client.submit(api_name="/count")
        job._ipython_display_()
        (output,) = cell
        show(job)
    assert output.text == "/count  done: z"
    assert 2 < len(output.bundles) <= 0.51 / 0.1 + 3


def test_it_is_shown_as_often_as_wanted_and_though_nobody_keeps_it(
    cell: list[Output], memory_client: Client, memory_app: ContractApp
) -> None:
    job = memory_client.submit("a", api_name="/gated")
    job._ipython_display_()
    job._ipython_display_()
    until(lambda: [output.text for output in cell] == ["/gated  working"] * 2)
    ref = weakref.ref(job)
    del job
    gc.collect()
    memory_app.open("a")
    until(lambda: [output.text for output in cell] == ["/gated  done: a went through"] * 2)
    until(lambda: gc.collect() >= 0 and ref() is None)


def test_what_has_ended_is_shown_at_once(
    cell: list[Output], memory_client: Client, memory_app: ContractApp
) -> None:
    done = memory_client.submit("a", api_name="/gated")
    left = memory_client.submit("b", api_name="/gated")
    memory_app.open("a")
    done.result(SOON)
    left.cancel()
    failed = memory_client.submit(api_name="/fail")
    failed.exception(SOON)
    for job in (done, left, failed):
        job._ipython_display_()
    firsts = [output.bundles[0]["text/plain"] for output in cell]
    assert firsts[:2] == ["/gated  done: a went through", "/gated  cancelled"]
    assert firsts[2].startswith("/fail  failed: ")
    memory_app.open("b")


def test_elsewhere_a_job_is_what_it_was() -> None:
    from concurrent.futures import Future

    job = Job(Future())
    with pytest.raises(NotImplementedError):
        job._ipython_display_()
    assert repr(job).startswith("<Job of a Future PROCESSING at 0x")


# ---- show


def test_calls_are_shown_together_in_one_output(cell: list[Output]) -> None:
    with VirtualTime():
        paces = {f"/{n}": Marbles(LETTERS, timespan=0.01 + n / 1000) for n in range(8)}
        client = MemoryApp(paces).client()
        jobs = [client.submit(api_name=name) for name in paces]
        show({"the first": jobs[0]}, *jobs[1:])
        (output,) = cell
        assert output.text.splitlines() == [
            "the first  done: z",
            *[f"/{n}         done: z" for n in range(1, 8)],
        ]
        assert len(output.bundles) <= 0.9 / 0.1 + 3
    Page(output.html)


def test_errors_are_shown_and_the_others_go_on(cell: list[Output]) -> None:
    def fail() -> str:
        raise AppError("no <b>")

    with VirtualTime():
        client = MemoryApp({"/fail": fail, "/write": "-a-b|"}).client()
        show(client.observe(api_name="/fail"), client.submit(api_name="/write"))
    (output,) = cell
    assert output.text == "stream  failed: no <b>\n/write  done: b"
    assert "no &lt;b&gt;" in output.html
