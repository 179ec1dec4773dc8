"""Calls on the terminal, in virtual time."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import reactivex
from reactivex import Subject
from rich.console import Console
from rich.live import Live
from rich.progress import Progress
from tqdm import tqdm

from rxgradio import AppError, Client, Job, OutputUpdate, Status, StatusUpdate
from rxgradio.operators import Snapshot
from rxgradio.runtime.process import loop_thread
from rxgradio.testing import Marbles, MemoryApp, VirtualTime
from rxgradio.ui import bind, show
from rxgradio.ui.terminal import said_of
from rxgradio.ui.views import view_of
from tests.contract.memory_app import MemoryApp as ContractApp


def to_file() -> Console:
    return Console(file=io.StringIO(), width=80)


def to_terminal(**how: Any) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"}, **how
    )


def written(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def drawn(console: Console) -> list[str]:
    """Return the lines of the last picture."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written(console))
    return [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()]


def fail(text: str) -> str:
    raise AppError(f"no {text}")


def test_in_a_file_each_change_is_a_line_and_at_most_one_a_second() -> None:
    with VirtualTime():
        app = MemoryApp({"/write": Marbles("-a-b-c-d-e|", timespan=0.25), "/fail": fail})
        client = app.client()
        jobs = [client.submit(api_name="/write"), client.submit("[b]way", api_name="/fail")]
        console = to_file()
        show(*jobs, console=console)
    lines = written(console).splitlines()
    assert [line for line in lines if line.startswith("/fail")][-1] == "/fail   failed: no [b]way"
    writes = [line for line in lines if line.startswith("/write")]
    assert writes == [
        "/write  working",
        "/write  streaming: b",
        "/write  streaming: d",
        "/write  done: e",
    ]


def test_on_a_terminal_each_is_a_bar_with_its_end() -> None:
    with VirtualTime():
        app = MemoryApp({"/write": "-a-b|", "/fail": fail, "/never": "-a-"})
        client = app.client()
        left = client.submit(api_name="/never")
        left.cancel()
        console = to_terminal()
        show(
            {"a text": client.submit(api_name="/write")},
            client.submit("way", api_name="/fail"),
            client.observe("way", api_name="/fail"),
            client.observe("say", api_name="/fail"),
            left,
            console=console,
        )
    rows = drawn(console)[-5:]
    assert [row.split()[0] for row in rows] == ["✓", "✗", "✗", "✗", "■"]
    assert re.fullmatch(r"✓ a text   ━{24} 100 % done: b", rows[0])
    assert re.fullmatch(r"✗ /fail    ━{24} {7}failed: no way", rows[1])
    assert re.fullmatch(r"✗ stream 2 ━{24} {7}failed: no say", rows[3])
    assert re.fullmatch(r"■ /never   ━{24} {7}cancelled", rows[4])


def test_it_fits_the_terminal_and_its_letters() -> None:
    class Letters(io.StringIO):
        encoding = "ascii"

    console = Console(file=Letters(), force_terminal=True, width=60, _environ={"TERM": "xterm"})
    with VirtualTime():
        app = MemoryApp({"/write": Marbles("-a|", values={"a": "long " * 100})})
        show(app.client().submit(api_name="/write"), console=console)
    assert max(map(len, drawn(console))) <= 60
    assert written(console).isascii()
    assert drawn(console)[-1].startswith("+ /write -")


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_long_name_gives_way_to_what_is_said(width: int) -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, _environ={"TERM": "xterm"}
    )
    with VirtualTime():
        app = MemoryApp({"/write": "-a|"})
        show({"a name " * 20: app.client().submit(api_name="/write")}, console=console)
    rows = drawn(console)
    assert max(map(len, rows)) <= width
    assert "done" in rows[-1]
    assert "100 %" in rows[-1]


@pytest.mark.parametrize("made", [to_file, to_terminal])
def test_what_a_server_says_does_not_command_the_terminal(made: Callable[[], Console]) -> None:
    console = made()
    with VirtualTime():
        app = MemoryApp({"/write": Marbles("a|", values={"a": "a \x1b]0;title\x07\x9b2J z"})})
        show(app.client().submit(api_name="/write"), console=console)
        label = console.status("")
        bar = tqdm(file=(file := io.StringIO()))
        bind(reactivex.of("\x1b]0;title"), label)
        bind(reactivex.of("\x1b]0;title"), bar)
        bar.close()
    assert "done: a \ufffd]0;title\ufffd\ufffd2J z" in written(console)
    assert label.status == "\ufffd]0;title"
    assert "\x1b]0" not in file.getvalue()


def test_without_rich_it_is_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    with VirtualTime():
        show(MemoryApp({"/write": "-a|"}).client().submit(api_name="/write"))
    assert capsys.readouterr().out.splitlines()[-1] == "/write  done: a"


def test_of_nothing_there_is_nothing_to_show() -> None:
    console = to_terminal()
    show(console=console)
    assert written(console) == ""


def test_any_job_and_any_stream_can_be_shown() -> None:
    future: Future[str] = Future()
    job = Job(future)
    future.set_result("a")
    console = to_file()
    show(job, reactivex.of(1, 2), console=console)
    assert sorted(written(console).splitlines()) == ["job     done: a", "stream  done: 2"]


@pytest.mark.parametrize("make", [to_file, to_terminal])
def test_an_interrupt_cancels_what_is_cold_alone(
    make: Any, memory_client: Client, memory_app: ContractApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        memory_app.await_ledger("cold", "started")
        memory_app.await_ledger("hot", "started")
        raise KeyboardInterrupt

    monkeypatch.setitem(show.__globals__, "await_future", interrupted)
    job = memory_client.submit("hot", 1, api_name="/gated_words")
    with pytest.raises(KeyboardInterrupt):
        show(job, memory_client.observe("cold", 3, api_name="/gated_words"), console=make())
    memory_app.until(lambda: len(memory_app.posted("/cancel")) == 1)
    memory_app.open("hot")
    assert job.result(20) == "word 0"
    memory_app.open("cold")
    memory_app.await_ledger("cold", "closed")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_terminal_that_is_gone_is_told() -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError("nobody reads this")

    source: Subject[Any] = Subject()
    with pytest.raises(BrokenPipeError):
        show(source.pipe(reactivex.operators.start_with(1)), console=Console(file=Broken()))
    assert not source.observers


def test_the_scheduler_thread_cannot_wait_for_the_end() -> None:
    begun: list[bool] = []

    async def on_it() -> None:
        show(reactivex.defer(lambda _: begun.append(True) or Subject()))

    with pytest.raises(RuntimeError, match="block"):
        loop_thread().run(on_it()).result(20)
    assert not begun


# ---- tqdm


@pytest.fixture(autouse=True)
def no_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a thread of tqdm's would stay."""
    monkeypatch.setattr(tqdm, "monitor_interval", 0)


def test_a_bar_of_tqdm_is_a_widget() -> None:
    with VirtualTime() as time:
        app = MemoryApp({"/write": "-a-b|"})
        file = io.StringIO()
        with tqdm(file=file, ascii=True, ncols=60, mininterval=1000) as bar:
            bind(app.client().submit(api_name="/write"), progress=bar, status=bar)
            time.advance_by(1)
            assert (bar.n, bar.total, bar.desc) == (100, 100, "done")
            # Its own interval would have left it out.
            assert file.getvalue().split("\r")[-1].startswith("done: 100%|####")


def test_a_bar_of_tqdm_keeps_its_total_and_its_properties_can_be_set() -> None:
    with VirtualTime() as time, tqdm(file=io.StringIO(), total=8) as bar:
        bind(reactivex.of(0.5), bar)
        bind(reactivex.of("words"), bar, "unit")
        bind(reactivex.of(None, "reading"), bar.set_description_str)
        time.advance_by(1)
        assert (bar.n, bar.unit, bar.desc) == (4, "words", "reading")


def test_a_bar_of_tqdm_that_shows_nothing_keeps_no_call_from_being_made() -> None:
    with VirtualTime() as time:
        app = MemoryApp({"/write": "-a-b|"})
        texts: list[str] = []
        call = app.client().observe(api_name="/write")
        with tqdm(disable=True) as bar:
            bind(call, progress=bar, status=bar, output=texts.append)
            time.advance_by(1)
        assert texts[-1] == "b"
        closed = tqdm(file=io.StringIO())
        closed.close()
        assert bind(reactivex.of("a"), closed).is_disposed


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (Snapshot(Status.ITERATING, output="a b", attempt=2), "attempt 2: streaming: a b"),
        (Snapshot(Status.FINISHED, output="a b", attempt=2, done=True), "attempt 2: done: a b"),
        (Snapshot(Status.FINISHED, output="a b", done=True), "done: a b"),
        (Snapshot(Status.PROCESSING, text="done", output="a b"), "done"),
    ],
)
def test_a_line_has_the_output_of_whichever_attempt(snapshot: Snapshot, said: str) -> None:
    assert said_of(view_of(snapshot)) == said


# ---- rich


def terminal() -> Console:
    return Console(file=io.StringIO(), width=60, color_system=None)


def test_a_progress_of_rich_is_a_bar_if_it_has_one_task() -> None:
    with VirtualTime() as time:
        app = MemoryApp({"/write": "-a-b|"})
        bars = Progress(console=terminal())
        task = bars.add_task("", total=8)
        bind(app.client().submit(api_name="/write"), progress=bars, status=bars)
        time.advance_by(1)
        assert bars.tasks[task].description == "done"
        assert bars.tasks[task].completed == 8


def test_of_several_tasks_of_rich_a_function_updates_one(caplog: pytest.LogCaptureFixture) -> None:
    with VirtualTime() as time:
        bars = Progress(console=terminal())
        first, second = (bars.add_task(name, total=1) for name in "ab")
        bind(reactivex.of(0.25), lambda done: bars.update(second, completed=done), on=bars)
        time.advance_by(1)
        assert [bars.tasks[task].completed for task in (first, second)] == [0, 0.25]
        assert not caplog.records
        bind(reactivex.of(0.5), bars)
        time.advance_by(1)
    assert "this Progress has 2 tasks; bind functions" in caplog.text


def test_a_status_and_a_console_of_rich_show_texts_as_they_are() -> None:
    with VirtualTime() as time:
        console = terminal()
        status, live = console.status(""), Live(console=console)
        bind(reactivex.of("working", "[b]done"), status)
        bind(reactivex.of(1, 2), live)
        bind(reactivex.of("[b]first", "second"), console, every=True)
        time.advance_by(1)
        assert isinstance(console.file, io.StringIO)
        assert console.file.getvalue() == "[b]first\nsecond\n"
        console.print(status.renderable.text, live.get_renderable())
        assert console.file.getvalue().splitlines()[-1] == "[b]done 2"


def test_who_waits_for_a_binding_has_its_end_shown() -> None:
    for _ in range(20):
        updates = Subject[Any]()
        with tqdm(file=io.StringIO()) as bar:
            binding = bind(updates, progress=bar, status=bar)
            updates.on_next(StatusUpdate(Status.PROCESSING))
            updates.on_next(OutputUpdate("all", final=True))
            updates.on_completed()
            binding.wait(20)
            assert (bar.n, bar.desc) == (100, "done")
