"""To have a recorded session again, without the apps."""

from __future__ import annotations

__all__ = ["replay"]

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..exceptions import AppError, ConnectionLost, RxGradioError
from ..protocol.answers import Answer, refusal_of
from ..protocol.app import config_in_page
from ..protocol.dialects import release_of
from ..protocol.shapes import as_object, quoted
from ..runtime.process import loop_thread
from ..runtime.reading import await_future
from ..transport.interface import Transport, placed
from ..transport.memory import Event, MemoryServer, MemoryTransport
from ..transport.memory.generation import Generation
from ..transport.memory.queue import Queue
from ..transport.memory.server import MemorySocket, MemoryStream
from .cassette import Cassette, NotRecorded, Recorded, digest_of

_SOON = 10.0

_GRACE = 1.0
"""Seconds in which a call may be cancelled that was cancelled when it was recorded."""


@contextmanager
def replay(path: str | Path, *, pace: float = 1.0) -> Generator[None]:
    """Let the clients that are made in this context hear what `record` has written down.

        with replay("session.jsonl"):
            client = Client("http://127.0.0.1:7860")
            client.predict("a cat", api_name="/generate")

    No app is asked. A call with the inputs of a recorded one hears the same messages after the
    same times, or in `VirtualTime` at those times. Of several with the same inputs, each is
    another in the order of the recording, and then the last again. What was refused is refused
    again, and a connection that broke breaks again. A call that did not end while it was
    recorded, or was cancelled, fails a second after its record ends.

    Args:
        path: The recording.
        pace: What the recorded seconds are multiplied with; 0 waits for nothing.

    Raises:
        NotRecorded: As the end of a call that was not recorded with these inputs, or of the
            connection to an app that was not.
        ValueError: The file is no recording.
        OSError: It cannot be read.
    """
    if not pace >= 0:
        raise ValueError(f"pace={pace}: it is a factor of seconds")
    servers = {
        address: _Replaying(address, cassette, pace)
        for address, cassette in Cassette.read(Path(path)).items()
    }

    def place(address: str, _: Callable[[], Transport]) -> Transport:
        if address not in servers:
            raise NotRecorded(f"{address} was not recorded: {path} has {', '.join(servers)}")
        return MemoryTransport(servers[address])

    home = loop_thread()
    try:
        with placed(place):
            yield
    finally:
        for server in servers.values():
            await_future(home.run(server.aclose()), _SOON)


class _Replaying(MemoryServer):
    """A server that says what was recorded."""

    def __init__(self, address: str, cassette: Cassette, pace: float) -> None:
        super().__init__({}, _version_of(address, cassette))
        self._cassette = cassette
        self._address = address
        self._recorded: defaultdict[str, deque[Recorded]] = defaultdict(deque)
        self._in_order: defaultdict[int, deque[Recorded]] = defaultdict(deque)
        for call in sorted(cassette.calls.values(), key=lambda each: each.at):
            if call.data is not None:
                self._recorded[cassette.key_of(call.fn_index, call.data)].append(call)
            self._in_order[call.fn_index].append(call)
        self._pace = pace
        self._queue = self._playing = _Playing(self._facts, self._recorded_as, pace)

    async def get(self, path: str) -> Answer:
        """Answer a GET."""
        if path in self._cassette.documents:
            return self._cassette.documents[path]
        return Answer(404, {}, b"not recorded")

    def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:  # noqa: ARG002
        """Take any login: none is recorded."""
        return Answer(200, {"content-type": "application/json"}, b'{"success": true}')

    def head(self, path: str) -> Answer:
        """Tell whether there is a file."""
        known = path.partition("/file=")[2] in self._cassette.uploads.values()
        return Answer(200 if known or path in self._cassette.files else 404, {}, b"")

    def upload(
        self,
        files: Sequence[tuple[str, bytes]],
        headers: Mapping[str, str],  # noqa: ARG002 (none is recorded)
    ) -> Answer:
        """Tell where files were kept."""
        paths: list[str] = []
        for name, content in files:
            path = self._cassette.uploads.get((name, digest_of(content)))
            if path is None:
                raise NotRecorded(f"the upload of {name!r} to {self._address} was not recorded")
            paths.append(path)
        return Answer(200, {"content-type": "application/json"}, json.dumps(paths).encode())

    @asynccontextmanager
    async def download(self, path: str) -> AsyncGenerator[MemoryStream]:
        """Fetch a file."""
        if path not in self._cassette.files:
            raise NotRecorded(f"{path} of {self._address} was not recorded")
        answer, content = self._cassette.files[path]
        yield MemoryStream(answer, _whole(content))

    async def join(self, body: dict[str, Any]) -> Answer:
        """Take a call, or refuse it."""
        self._check(body)
        recorded = self._recorded_as(body["fn_index"], body["data"])
        if recorded.answer is not None:
            return await self._answer(recorded.answer)
        self._playing.joined = recorded
        return await super().join(body)

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncGenerator[MemoryStream]:
        """Open an event stream; that of heartbeats has none."""
        where = urlsplit(path)
        if "/heartbeat/" in path:
            yield MemoryStream(Answer(200, {"content-type": "text/event-stream"}, b""), _silence())
            return
        if where.path.endswith("/join"):
            unasked = self._unasked(int(parse_qs(where.query)["fn_index"][0]))
            if unasked is not None and unasked.answer is not None:
                yield MemoryStream(await self._answer(unasked.answer), None)
                return
            self._playing.joined = unasked
        async with super().stream(path) as stream:
            yield stream

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncGenerator[MemorySocket]:
        """Open a websocket, or refuse it."""
        refused = self._unasked(-1)
        if refused is not None and refused.answer is not None:
            raise refusal_of(await self._answer(refused.answer), "the websocket of the queue")
        async with super().websocket(path, headers) as socket:
            yield socket

    def heard(self, socket: MemorySocket, path: str, document: dict[str, Any]) -> None:
        """Take what came over a websocket."""
        if "data" in document:
            self._check(document)
        elif socket.event is None:
            self._playing.joined = self._unasked(document["fn_index"])
        super().heard(socket, path, document)

    async def _call(self, name: str, document: dict[str, Any]) -> Answer:  # noqa: ARG002 (its number counts)
        self._check(document)
        recorded = self._recorded_as(document["fn_index"], document["data"])
        if recorded.answer is None:
            raise ConnectionLost("the recording of this call ends before its answer")
        return await self._answer(recorded.answer)

    async def _answer(self, recorded: tuple[float, Answer]) -> Answer:
        seconds, answer = recorded
        await asyncio.sleep(seconds * self._pace)
        return answer

    def _knows(self, fn_index: object) -> bool:
        return isinstance(fn_index, int)

    def _hand_over(self, document: dict[str, Any]) -> None:
        self._check(document)
        super()._hand_over(document)

    def _check(self, asked: dict[str, Any]) -> None:
        key = self._cassette.key_of(asked["fn_index"], asked["data"])
        if key not in self._recorded:
            fn_index, data = asked["fn_index"], quoted(asked["data"])
            calls = self._cassette.calls.values()
            known = [quoted(call.data) for call in calls if call.fn_index == fn_index and call.data]
            others = f"but with {', '.join(known[:5])}" if known else "nor with others"
            asked_for = f"function {fn_index} of {self._address} with {data}"
            raise NotRecorded(f"no call of {asked_for} was recorded, {others}")

    def _recorded_as(self, fn_index: int, data: Any) -> Recorded:
        calls = self._recorded[self._cassette.key_of(fn_index, data)]
        recorded = calls.popleft() if len(calls) > 1 else calls[0]
        recorded.played = True
        return recorded

    def _unasked(self, fn_index: int) -> Recorded | None:
        """Return the next call of a function, if the app did not even ask for its inputs.

        It is known by its place in the order of calls only.
        """
        calls = self._in_order[fn_index]
        while calls and calls[0].played:
            calls.popleft()
        if not calls or calls[0].data is not None:
            return None
        calls[0].played = True
        return calls.popleft()


class _Playing(Queue):
    """A queue that says of its calls what was said of recorded ones."""

    def __init__(
        self, facts: Generation, take: Callable[[int, Any], Recorded], pace: float
    ) -> None:
        super().__init__({}, facts, None, lambda _, __: None)
        self._take = take
        self._pace = pace
        self.joined: Recorded | None = None
        """What is to be played of the next call, if that is known before its inputs are."""

    def push(self, event: Event) -> None:
        """Play a call at once: who waited then waits now."""
        self.running[event.event_id] = event
        recorded, self.joined = self.joined, None
        event.task = self._tasks.start(self._play(event, recorded))
        event.task.add_done_callback(lambda _: self.running.pop(event.event_id, None))

    async def _play(self, event: Event, recorded: Recorded | None) -> None:
        if recorded is None:
            if not event.data.done():  # before 4.9; which call it is, only its data tell
                self.ask(event)
            data = await event.data
            if data is None:
                return
            recorded = self._take(event.fn_index, data)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for at, message in recorded.messages:
            await asyncio.sleep(max(0.0, begun + at * self._pace - loop.time()))
            if not event.alive:
                return
            if message is None:
                for reader in list(event.mailbox.readers):
                    reader.cut()
                continue
            if recorded.cancelled and message["msg"] == "process_completed":
                break
            event.has_yielded |= message["msg"] == "process_generating"
            event.say(message["msg"], **{key: message[key] for key in message if key != "msg"})
            if message["msg"] in {"process_completed", "queue_full"}:
                return
        await asyncio.sleep(_GRACE)
        then = "it was cancelled" if recorded.cancelled else "it had not ended"
        end = self.error_of(AppError(f"the recording of this call ends here: {then} then"))
        event.say("process_completed", output=end, success=False)


def _version_of(address: str, cassette: Cassette) -> str:
    documents = cassette.documents
    try:
        answer = documents["/config"]
        config = config_in_page(documents["/"].body) if answer.status == 404 else _json(answer)
        numbers = release_of(str(as_object(config).get("version", "3.0")))
    except (KeyError, RxGradioError, ValueError) as error:
        raise ValueError(f"the recording has no config of {address}: {error}") from error
    return ".".join(map(str, numbers))


def _json(answer: Answer) -> Any:
    return json.loads(answer.body)


async def _silence() -> AsyncGenerator[bytes]:
    await asyncio.get_running_loop().create_future()
    yield b""


async def _whole(content: bytes) -> AsyncGenerator[bytes]:
    yield content
