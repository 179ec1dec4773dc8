"""To record a session with real apps."""

from __future__ import annotations

__all__ = ["record"]

import asyncio
import base64
import itertools
import json
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..exceptions import ConnectionLost, RxGradioError
from ..protocol.answers import Answer
from ..protocol.shapes import is_list, is_object
from ..protocol.sse import SSEDecoder
from ..runtime.process import loop_thread
from ..transport.interface import Socket, Stream, Transport, Upload, placed
from .cassette import Cassette, digest_of

_NO_NEWS = {"send_hash", "send_data", "heartbeat", "close_stream"}
"""Messages that are not about what a call does."""


@contextmanager
def record(path: str | Path) -> Generator[None]:
    """Write down all that apps say to the clients that are made in this context, for `replay`.

        with record("session.jsonl"):
            client = Client("http://127.0.0.1:7860")
            client.predict("a cat", api_name="/generate")

    The file is written when the context ends, one line of JSON for each thing that was said,
    with the seconds since the beginning: the app's description of itself, calls with their
    inputs, every message about them, and files. What was sent to log in is not in it, and no
    header field that was sent; look at the inputs and outputs before you give it away.

    Clients made on other threads are recorded if they run in a copy of the context.

    Raises:
        OSError: It cannot be written; if there is no such folder, at once.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder for {path}")
    tape = _Tape()
    try:
        with placed(lambda address, make: _Recording(make(), address, tape)):
            yield
    finally:
        tape.runs = False
        Cassette.write(path, list(tape.lines))


class _Tape:
    """What all transports of a recording write on."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.runs = True
        self.names = itertools.count(1)
        self.since = loop_thread().loop.time()


class _Recording:
    """A transport that writes down what passes."""

    def __init__(self, transport: Transport, address: str, tape: _Tape) -> None:
        self._transport = transport
        self._address = address
        self._tape = tape
        self._loop = asyncio.get_running_loop()
        self._asked: dict[str, str] = {}  # the call that was asked for its data, by event id
        self._ended: set[str] = set()  # event ids, as the next ones
        self._open: defaultdict[str, set[str]] = defaultdict(set)  # by session

    async def get(self, path: str) -> Answer:
        """Fetch a document."""
        answer = await self._transport.get(path)
        kind = answer.headers.get("content-type", "")
        text = answer.body.decode("utf-8", "replace")
        self._say(get=path, status=answer.status, type=kind, text=text)
        return answer

    async def head(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a document, but not for its content."""
        return await self._transport.head(path, headers)

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        timed: bool = True,
    ) -> Answer:
        """Post a JSON document."""
        document = json.loads(body)
        step = path.rpartition("/")[2]
        call = self._named() if step == "predict" else None
        if call is not None:
            self._say(call=call, fn_index=document["fn_index"], data=document["data"])
        elif step == "data" and document.get("event_id") in self._asked:
            asked = self._asked[document["event_id"]]
            self._say(call=asked, fn_index=document["fn_index"], data=document["data"])
        elif step in {"cancel", "reset"} and "event_id" in document:
            event_id = document["event_id"]
            self._say(call=self._asked.get(event_id, event_id), cancelled=True)
        at = self._loop.time()
        answer = await self._transport.post(path, body, headers, timed=timed)
        if call is not None:
            said = _json(answer.body) if answer.status in {200, 500} else None
            if said is None:
                self._refused(call, answer)
            else:
                self._say(call=call, status=answer.status, answer=said)
        elif step == "join":
            accepted = _json(answer.body)
            event_id = accepted.get("event_id") if is_object(accepted) else None
            call = self._named() if event_id is None else event_id
            self._say(at, call=call, fn_index=document["fn_index"], data=document["data"])
            if event_id is None:
                self._refused(call, answer)
            elif event_id not in self._ended:
                self._open[document["session_hash"]].add(event_id)
        return answer

    async def submit_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Post a form, of which nothing is written down."""
        return await self._transport.submit_form(path, fields)

    async def upload(
        self, path: str, files: Sequence[Upload], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post files."""
        contents = [b"".join([chunk async for chunk in file.chunks()]) for file in files]
        answer = await self._transport.upload(path, files, headers)
        if is_list(paths := _json(answer.body)):
            for file, content, where in zip(files, contents, paths, strict=False):
                self._say(upload=file.name, sha256=digest_of(content), path=where)
        return answer

    @asynccontextmanager
    async def download(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Stream]:
        """Fetch a document of any size."""
        async with self._transport.download(path, headers) as stream:
            yield _Tee(stream, lambda chunks: self._keep(path, stream.answer, chunks))

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Stream]:
        """Open an event stream."""
        where = urlsplit(path)
        query = parse_qs(where.query)
        decoder = SSEDecoder(limit=sys.maxsize)  # it is the client that minds
        call = None
        if where.path.endswith("/join"):
            call = self._named()
            fn_index = int(query["fn_index"][0])
            self._say(call=call, fn_index=fn_index)
            if "data" in query:
                self._say(call=call, fn_index=fn_index, data=json.loads(query["data"][0]))

        def hear(chunk: bytes) -> None:
            for event in decoder.feed(chunk):
                self._hear(_json(bytes(event)), call)

        def lose() -> None:
            open_ = self._open[query["session_hash"][0]] if call is None else {call}
            for each in sorted(open_):
                self._say(call=each, lost=True)

        async with self._transport.stream(path, headers) as stream:
            if call is not None and stream.answer.status != 200:
                self._refused(call, stream.answer)
            yield _Tapped(stream, hear, lose)

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Socket]:
        """Open a websocket."""
        call = self._named()
        self._say(call=call)
        async with AsyncExitStack() as opened:
            try:
                opening = self._transport.websocket(path, headers)
                socket = await opened.enter_async_context(opening)
            except RxGradioError as error:
                if error.status is not None:
                    later = error.retry_after
                    asked = {} if later is None else {"retry-after": str(later)}
                    self._refused(call, Answer(error.status, asked, b""))
                raise
            yield _TappedSocket(
                socket,
                lambda message: self._hear(_json(message), call),
                lambda message: self._sent(_json(message), call),
                lambda: self._say(call=call, lost=True),
            )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    # ---- what is written down

    def _named(self) -> str:
        return f"connection {next(self._tape.names)}"

    def _say(self, at: float | None = None, **what: Any) -> None:
        if self._tape.runs:
            seconds = (self._loop.time() if at is None else at) - self._tape.since
            self._tape.lines.append({"at": round(seconds, 6), "app": self._address, **what})

    def _hear(self, message: Any, call: str | None) -> None:
        if not is_object(message):
            return
        event_id = message.pop("event_id", None)
        if message.get("msg") == "send_data" and call is not None and event_id is not None:
            self._asked[event_id] = call
        name = call if call is not None else event_id
        if call is None and message.get("msg") == "process_completed" and event_id is not None:
            self._ended.add(event_id)
            for events in self._open.values():
                events.discard(event_id)
        if name is not None and message.get("msg") not in _NO_NEWS:
            self._say(call=name, message=message)

    def _sent(self, message: Any, call: str) -> None:
        if is_object(message) and "fn_index" in message:
            data = {"data": message["data"]} if "data" in message else {}
            self._say(call=call, fn_index=message["fn_index"], **data)

    def _refused(self, call: str, answer: Answer) -> None:
        kept = {name: answer.headers[name] for name in _REFUSING if name in answer.headers}
        text = answer.body.decode("utf-8", "replace")
        self._say(call=call, status=answer.status, headers=kept, text=text)

    def _keep(self, path: str, answer: Answer, chunks: Sequence[bytes]) -> None:
        content = base64.b64encode(b"".join(chunks)).decode()
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        self._say(file=path, status=answer.status, headers=kept, content=content)


_REFUSING = ("content-type", "retry-after", "date")

_KEPT = ("content-type", "content-length", "content-disposition")


class _Tapped:
    """A stream, each chunk of which somebody else hears too, and its loss."""

    def __init__(
        self, stream: Stream, hear: Callable[[bytes], object], lose: Callable[[], object]
    ) -> None:
        self.answer = stream.answer
        self._stream = stream
        self._hear = hear
        self._lose = lose

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream.chunks():
                self._hear(chunk)
                yield chunk
        except ConnectionLost:
            self._lose()
            raise


class _Tee:
    """A download that is kept if all of it comes."""

    def __init__(self, stream: Stream, keep: Callable[[Sequence[bytes]], object]) -> None:
        self.answer = stream.answer
        self._stream = stream
        self._keep = keep

    async def chunks(self) -> AsyncIterator[bytes]:
        kept: list[bytes] = []
        async for chunk in self._stream.chunks():
            kept.append(bytes(chunk))
            yield chunk
        self._keep(kept)


class _TappedSocket:
    """A websocket, both ends of which somebody else hears too, and its loss."""

    def __init__(
        self,
        socket: Socket,
        hear: Callable[[bytes], object],
        sent: Callable[[bytes], object],
        lose: Callable[[], object],
    ) -> None:
        self._socket = socket
        self._hear = hear
        self._sent = sent
        self._lose = lose

    async def send(self, message: bytes) -> None:
        self._sent(message)
        await self._socket.send(message)

    async def messages(self) -> AsyncIterator[bytes]:
        try:
            async for message in self._socket.messages():
                self._hear(message)
                yield message
        except ConnectionLost:
            self._lose()
            raise


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8", "replace"))  # as clients read event streams
    except (ValueError, RecursionError):  # whoever reads it will say so
        return None
