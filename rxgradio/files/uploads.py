"""What an app has been sent: each file once, however many calls it is for."""

from __future__ import annotations

__all__ = ["Uploads"]

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ..options import CallOptions
from ..protocol.answers import Answer
from ..protocol.files import uploaded_path
from .disk import in_thread
from .way import Source, Way

_AT_ONCE = 8
"""Uploads of all calls at a time."""

_REMEMBERED = 10_000
"""Uploads that are remembered."""

_TRUSTED = 5.0
"""Seconds after which an app is asked whether it still has a file: it may have been restarted,
or delete old ones (`delete_cache` of `gr.Blocks`, since 4.20)."""

_PIECE = 64 * 1024
"""Bytes after which progress is told."""

_AT_A_TIME = 16 * 1024 * 1024
"""Bytes that are read in a thread to know a file."""

_Key: TypeAlias = tuple[str, int, str, tuple[tuple[str, str], ...]]


@dataclass(eq=False, slots=True)
class _Sending:
    """An upload: under way, or done."""

    task: asyncio.Task[Answer] = field(init=False)
    seen: float = 0.0
    """When the app had it."""
    sent: int = 0
    told: list[Callable[[int], object]] = field(default_factory=list[Callable[[int], object]])
    """The calls that wait for it, by whom they tell of its progress."""

    def tell(self, sent: int) -> None:
        self.sent = sent
        for tell in self.told:
            tell(sent)


class Uploads:
    """Sends files, those with the same content and name once; lives on the scheduler thread."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._known: OrderedDict[_Key, _Sending] = OrderedDict()
        self.tasks: set[asyncio.Task[Answer]] = set()
        """What is under way."""

    def forget(self) -> None:
        """Send what is asked for next anew: the app may have lost all that it had."""
        self._known.clear()

    async def sent(
        self, file: Source, options: CallOptions, told: Callable[[int], object] = lambda _: None
    ) -> Answer:
        """Upload a file, or wait until that is done for another call; returns the app's answer.

        Args:
            file: What to send.
            options: Those of the call.
            told: Called with the number of its bytes that are sent.

        Raises:
            OSError: It cannot be read.
            RxGradioError: It could not be sent.
        """
        # What a call is allowed to may depend on its header fields.
        headers = tuple(sorted((options.headers or {}).items()))
        key = (await _digest(file), file.size, file.name, headers)
        while True:
            sending = self._known.get(key)
            ours = sending is None
            if sending is None:
                sending = self._begin(key, file, options)
            elif not await self._is_there(sending, file.name, options):
                self._drop(key, sending)
                continue
            try:
                return await self._join(key, sending, told)
            except Exception:
                if ours:
                    raise
                # What went wrong for another call (its own file has changed, or it does not
                # retry) need not for this one, which has not tried yet.

    async def _join(self, key: _Key, sending: _Sending, told: Callable[[int], object]) -> Answer:
        if key in self._known:
            self._known.move_to_end(key)
        sending.told.append(told)
        if sending.sent:
            told(sending.sent)
        try:
            # Shielded: it goes on for the others when this call is cancelled.
            return await asyncio.shield(sending.task)
        finally:
            sending.told.remove(told)
            if not sending.told and not sending.task.done():
                self._drop(key, sending)
                sending.task.cancel()

    async def _is_there(self, sending: _Sending, name: str, options: CallOptions) -> bool:
        """Whether the app has a file that it was sent, or is being sent."""
        clock = asyncio.get_running_loop().time
        if not sending.task.done() or clock() - sending.seen < _TRUSTED:
            return True
        there = await self._way.has(uploaded_path(sending.task.result(), name), options)
        if there:
            sending.seen = clock()
        return there

    def _begin(self, key: _Key, file: Source, options: CallOptions) -> _Sending:
        sending = self._known[key] = _Sending()
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        loop = asyncio.get_running_loop()

        async def send() -> Answer:
            async with self._turns:
                return await self._way.upload(_Counted(file, sending), options)

        def done(task: asyncio.Task[Answer]) -> None:
            self.tasks.discard(task)
            sending.seen = loop.time()
            # Not only what failed is to be sent again: what was refused is, too.
            if task.cancelled() or task.exception() is not None or task.result().status != 200:
                self._drop(key, sending)

        sending.task = loop.create_task(send())
        self.tasks.add(sending.task)
        sending.task.add_done_callback(done)
        return sending

    def _drop(self, key: _Key, sending: _Sending) -> None:
        if self._known.get(key) is sending:
            del self._known[key]


async def _digest(file: Source) -> str:
    """Return what tells the content of a file from others."""
    sha256 = hashlib.sha256()

    def take(at: int) -> int:
        taken = 0
        while taken < _AT_A_TIME and at + taken < file.size:
            piece = file.piece(at + taken)
            sha256.update(piece)
            taken += len(piece)
        return taken

    # Not all at once: whoever is cancelled would wait for the whole of a large file.
    at = 0
    while at < file.size:
        at += await in_thread(take, at)
    return sha256.hexdigest()


class _Counted:
    """A file that tells how much of it is sent."""

    def __init__(self, file: Source, sending: _Sending) -> None:
        self.name = file.name
        self.size = file.size
        self._file = file
        self._sending = sending

    async def chunks(self) -> AsyncIterator[bytes]:
        sent = 0
        self._sending.tell(0)
        async for chunk in self._file.chunks():
            for at in range(0, len(chunk), _PIECE):
                piece = chunk[at : at + _PIECE]
                yield piece
                sent += len(piece)
                self._sending.tell(sent)
