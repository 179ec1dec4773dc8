"""The chunks of a streaming call: in their order, with their files uploaded."""

from __future__ import annotations

import asyncio

from rxgradio import ConnectionLost
from rxgradio.files.feeding import Feeding

FILE = b'[{"meta":{"_type":"gradio.FileData"},"path":"%b"}]'


class World:
    """A `Feeding` whose uploads end when a test says so."""

    def __init__(self) -> None:
        self.passed: list[tuple[bytes | None, bool]] = []
        self.failed: list[Exception] = []
        self.working: set[asyncio.Task[None]] = set()
        self.uploads: list[asyncio.Future[bytes]] = []
        self.feeding = Feeding(
            self._send,
            lambda chunk, latest: self.passed.append((chunk, latest)),
            self.failed.append,
            self.working,
        )

    async def _send(self, chunk: bytes) -> bytes:
        self.uploads.append(asyncio.get_running_loop().create_future())
        return await self.uploads[-1]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def test_chunks_without_files_pass_at_once() -> None:
    world = World()
    world.feeding.take(b"[1]", False)
    world.feeding.take(b"[2]", True)
    world.feeding.take(None, False)
    assert world.passed == [(b"[1]", False), (b"[2]", True), (None, False)]
    assert not world.working


def test_nothing_overtakes_an_upload() -> None:
    async def main() -> None:
        world = World()
        for chunk in (b"[1]", FILE % b"a", b"[2]", FILE % b"b", None):
            world.feeding.take(chunk, False)
        await world.settle()
        assert world.passed == [(b"[1]", False)]
        world.uploads[0].set_result(b"[a]")
        await world.settle()
        assert [chunk for chunk, _ in world.passed] == [b"[1]", b"[a]", b"[2]"]
        world.uploads[1].set_result(b"[b]")
        await world.settle()
        assert [chunk for chunk, _ in world.passed] == [b"[1]", b"[a]", b"[2]", b"[b]", None]
        world.feeding.take(FILE % b"c", False)
        await world.settle()
        world.uploads[2].set_result(b"[c]")
        await world.settle()
        assert world.passed[-1] == (b"[c]", False)
        assert not world.working

    asyncio.run(main())


def test_the_latest_chunk_takes_the_place_of_those_that_wait() -> None:
    async def main() -> None:
        world = World()
        for chunk in (FILE % b"a", b"[1]", FILE % b"b", b"[2]"):
            world.feeding.take(chunk, True)
        world.feeding.take(None, True)
        # None of them had been begun, so the last is all there is.
        await world.settle()
        assert world.passed == [(b"[2]", True), (None, True)]
        assert world.uploads == []

    asyncio.run(main())


def test_a_failed_upload_ends_the_call() -> None:
    async def main() -> None:
        world = World()
        world.feeding.take(FILE % b"a", False)
        world.feeding.take(b"[1]", False)
        await world.settle()
        lost = ConnectionLost("gone")
        world.uploads[0].set_exception(lost)
        await world.settle()
        assert world.failed == [lost]
        assert world.passed == []

    asyncio.run(main())


def test_who_stops_uploads_nothing_more() -> None:
    async def main() -> None:
        world = World()
        world.feeding.take(FILE % b"a", False)
        await world.settle()
        world.feeding.stop()
        await world.settle()
        assert world.uploads[0].cancelled()
        assert world.passed == world.failed == []
        assert not world.working

    asyncio.run(main())


def test_nothing_is_uploaded_or_passed_on_after_the_end() -> None:
    async def main() -> None:
        world = World()
        world.feeding.take(FILE % b"a", False)
        world.feeding.take(FILE % b"b", False)
        await world.settle()
        world.feeding.stop()
        world.feeding.take(b"[1]", False)
        await world.settle()
        assert len(world.uploads) == 1
        assert world.uploads[0].cancelled()
        assert world.passed == world.failed == []
        assert not world.working

    asyncio.run(main())
