"""News that wait for files: their order, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rxgradio import CancelOutcome, ConnectionLost, ProtocolError, Status, StatusUpdate
from rxgradio.files.incoming import Incoming
from rxgradio.protocol.dialects import dialect_of
from rxgradio.protocol.event import Edits, Entry, Values
from rxgradio.protocol.files import FileSearch, Inline, Remote

DIALECT = dialect_of("sse_v3", "6.31.0")
RUNS = StatusUpdate(Status.ITERATING)
ENDS = StatusUpdate(Status.FINISHED, success=True)


# Of Gradio's cache, where a path says what is in the file.
A = f"/cache/{'a' * 64}/a.txt"
B = f"/cache/{'b' * 40}/b.txt"


def file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


class World:
    """An `Incoming` whose files come when a test says so."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.ends: list[Exception | None] = []
        self.outcomes: list[CancelOutcome] = []
        self.asked: list[str] = []
        self.let_go = 0
        self.waiting: dict[Incoming, None] = {}
        self.files: dict[str, asyncio.Future[str]] = {}
        search = FileSearch(DIALECT, ["chatbot"], "http://app.test")
        self.incoming = Incoming(self, search, self._fetch, self._gone, self.waiting)

    async def arrives(self, path: str) -> None:
        self.files[path].set_result(f"local:{path}")
        await asyncio.sleep(0)

    async def fails(self, path: str, error: Exception) -> None:
        self.files[path].set_exception(error)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _fetch(self, file: Remote | Inline) -> str:
        assert isinstance(file, Remote)
        self.asked.append(file.path)
        self.files[file.path] = asyncio.get_running_loop().create_future()
        return await self.files[file.path]

    def _gone(self) -> None:
        self.let_go += 1

    # ---- the sink

    def publish(self, entries: list[Entry], status: StatusUpdate) -> None:
        assert not self.ends
        self.heard += [_heard(entry) for entry in entries]

    def finish(self, entries: list[Entry], status: StatusUpdate, error: Exception | None) -> None:
        self.publish(entries, status)
        self.ends.append(error)

    def cancel_told(self, outcome: CancelOutcome) -> None:
        self.outcomes.append(outcome)


def _heard(entry: Entry) -> Any:
    match entry:
        case Values(data):
            return data[0]
        case Edits(scripts):
            return scripts[0]
    return entry.code


def in_a_loop(test: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            world = World()
            await test(world)
            await asyncio.sleep(0)
            assert not world.waiting
            assert not world.incoming.tasks

        asyncio.run(main())

    run.__name__ = test.__name__
    return run


@in_a_loop
async def test_news_without_files_pass_at_once(world: World) -> None:
    world.incoming.publish([RUNS, Values(["a"], final=False)], RUNS)
    assert world.heard == [Status.ITERATING, "a"]
    world.incoming.finish([Values(["b"], final=True), ENDS], ENDS, None)
    assert world.heard[2:] == ["b", Status.FINISHED]
    assert world.ends == [None]


@in_a_loop
async def test_nothing_overtakes_what_waits(world: World) -> None:
    world.incoming.publish([Values([[file(A)]], final=False)], RUNS)
    world.incoming.publish([Edits([[["add", [1], "text"]]])], RUNS)
    world.incoming.publish([Edits([[["add", [2], file(B)]]])], RUNS)
    world.incoming.finish([Values([[file(A), "text", file(B)]], final=True)], ENDS, None)
    await asyncio.sleep(0)
    assert world.heard == []
    await world.arrives(B)
    assert world.heard == []
    await world.arrives(A)
    assert world.heard == [
        [f"local:{A}"],
        [["add", [1], "text"]],
        [["add", [2], f"local:{B}"]],
        [f"local:{A}", "text", f"local:{B}"],
    ]
    assert world.ends == [None]
    assert world.asked == [A, B]


@in_a_loop
async def test_a_file_is_fetched_once_however_often_it_is_named(world: World) -> None:
    for _ in range(3):
        world.incoming.publish([Values([[file(A), file(A)]], final=False)], RUNS)
    await asyncio.sleep(0)
    await world.arrives(A)
    world.incoming.publish([Values([file(A)], final=False)], RUNS)
    assert world.heard == [[f"local:{A}"] * 2] * 3 + [f"local:{A}"]
    assert world.asked == [A]


@in_a_loop
async def test_what_may_be_another_file_by_now_is_fetched_anew(world: World) -> None:
    page = "/static/page.html"
    world.incoming.publish([Values([[file(page), file(page)]], final=False)], RUNS)
    await asyncio.sleep(0)
    first = world.files[page]
    world.incoming.publish([Values([[file(page)]], final=False)], RUNS)
    await asyncio.sleep(0)
    assert world.asked == [page, page]  # while the first is still on its way
    first.set_result("local:old")
    await world.arrives(page)
    world.incoming.publish([Values([[file(page)]], final=False)], RUNS)
    await asyncio.sleep(0)
    assert world.heard == [["local:old"] * 2, [f"local:{page}"]]
    await world.arrives(page)
    assert world.heard[2:] == [[f"local:{page}"]]
    assert world.asked == [page] * 3


@in_a_loop
async def test_a_file_that_cannot_be_had_ends_the_call(world: World) -> None:
    world.incoming.publish([RUNS, Values([[file(A)]], final=False)], RUNS)
    world.incoming.publish([Values([[file(B)]], final=False)], RUNS)
    await asyncio.sleep(0)
    lost = ConnectionLost("no /a")
    await world.fails(A, lost)
    assert world.ends == [lost]
    assert world.heard == [Status.FINISHED]
    assert world.let_go == 1
    world.incoming.publish([Values(["late"], final=False)], RUNS)
    world.incoming.finish([ENDS], ENDS, None)
    assert len(world.ends) == 1


@in_a_loop
async def test_a_bug_ends_the_call_too(world: World) -> None:
    world.incoming.publish([Values([file(A)], final=False)], RUNS)
    await asyncio.sleep(0)
    await world.fails(A, ZeroDivisionError("oops"))
    assert isinstance(world.ends[0], ProtocolError)
    assert "ZeroDivisionError" in str(world.ends[0])


@in_a_loop
async def test_edits_that_make_no_sense_end_the_call(world: World) -> None:
    world.incoming.publish([Values([file(A)], final=False)], RUNS)
    world.incoming.publish([Edits([[["delete", ["nothing"], None]]])], RUNS)
    await asyncio.sleep(0)
    assert isinstance(world.ends[0], ProtocolError)


@in_a_loop
async def test_who_stops_hears_nothing_more(world: World) -> None:
    world.incoming.publish([Values([file(A)], final=False)], RUNS)
    await asyncio.sleep(0)
    tasks = world.incoming.tasks
    world.incoming.stop()
    await asyncio.wait(tasks)
    world.incoming.finish([ENDS], ENDS, None)
    assert world.heard == world.ends == []
    world.incoming.cancel_told(CancelOutcome.FINISHED)
    assert world.outcomes == [CancelOutcome.FINISHED]


@in_a_loop
async def test_the_error_of_a_call_comes_after_its_news(world: World) -> None:
    world.incoming.publish([Values([file(A)], final=False)], RUNS)
    failed = ProtocolError("later")
    world.incoming.finish([ENDS], ENDS, failed)
    await asyncio.sleep(0)
    assert world.ends == []
    await world.arrives(A)
    assert world.heard == [f"local:{A}", Status.FINISHED]
    assert world.ends == [failed]


@pytest.mark.parametrize("paths", [[], [A]])
def test_a_call_that_waits_can_be_ended(paths: list[str]) -> None:
    async def main() -> None:
        world = World()
        for path in paths:
            world.incoming.publish([Values([file(path)], final=False)], RUNS)
        tasks = world.incoming.tasks
        assert list(world.waiting) == ([world.incoming] if paths else [])
        error = ProtocolError("enough")
        world.incoming.end(error)
        assert world.ends == [error]
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
