"""A Gradio server over real sockets, every answer of which may be an accident.

What no script replaces is answered as the release that it is told to be does: the model
of that is `rxgradio.transport.memory`. HTTP and websockets are spoken by hand, so that
it can do what no real server would: cut an answer anywhere, reset a connection, talk
nonsense, say nothing.
"""

from __future__ import annotations

__all__ = ["FaultServer", "Joined", "Script"]

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import parse_qs

from ..exceptions import RxGradioError
from ..protocol.answers import Answer
from ..protocol.dialects import dialect_of, release_of
from ..transport.memory import MemoryServer
from .content import Document, answer, chunk, stream_head
from .faults import Toxic
from .functions import Endpoint, served
from .listener import SOON, Listener
from .marbles import Marbles
from .peer import Enough, Peer, Request
from .websocket import Wire, frame

Script: TypeAlias = "Callable[[Peer], Awaitable[object]] | Toxic | Sequence[Toxic] | bytes | None"
"""What to do instead of the healthy thing: a function, toxics in the healthy answer, an
answer as it goes over the wire, or None for the healthy thing itself."""

_HEARTBEAT = 15.0
"""Seconds between two heartbeats of a stream (`routes.py` since 4.0); 3.x has none."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A call that the server has accepted by a post (since 4.9)."""

    event_id: str
    session: str
    fn_index: int
    data: list[Any]


class FaultServer(Listener):
    """A Gradio app on 127.0.0.1, on a thread of its own, while in its context.

    Args:
        endpoints: Its functions, by API name; by default `/echo(text)`, and
            `/words(n)`, a generator of "w", "ww", "www"...
        version: The release of Gradio that it is; any from 3.6 on.
        heartbeat: Seconds between the heartbeats of a stream; None for none.
        max_size: How many calls may wait in the queue.
        has_queue: The app's author has called `queue()`, which only 3.x needs.
        auth: The user and the password that it wants.
        port: To listen on; 0 for a free one.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Callable[..., Any] | Marbles | str | Endpoint] | None = None,
        *,
        version: str = "6.31.0",
        heartbeat: float | None = _HEARTBEAT,
        max_size: int | None = None,
        has_queue: bool = True,
        auth: tuple[str, str] | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise ValueError(f"a version of Gradio is as '6.31.0', not {version!r}")
        self.version = version
        self.requests: list[Request] = []
        """All that has arrived, in order."""
        self.called: list[tuple[str, tuple[Any, ...]]] = []
        """The functions that were called, and with what."""
        self.events: list[Joined] = []
        """The calls that were accepted by a post."""
        self.failures: list[BaseException] = []
        """What went wrong in scripts: a mistake of the test, which leaving the context raises."""
        self.fields: tuple[str, ...] = ()
        """Header fields of every healthy answer, such as "Set-Cookie: crumb=1"."""
        self.closes = False
        """Every connection after one healthy answer."""
        self.config_fields: dict[str, Any] = {}
        """Keys of its `/config` that are to be different."""
        self._endpoints = {
            "/" + name.removeprefix("/"): served("/" + name.removeprefix("/"), made, self._call)
            for name, made in (_DEMO if endpoints is None else endpoints).items()
        }
        self._heartbeat = heartbeat
        self._max_size = max_size
        self._has_queue = has_queue
        self._auth = auth
        self._scripts: dict[str, list[Script]] = {}
        self._peers: set[Peer] = set()
        self._news = asyncio.Condition()
        self._ids = itertools.count(1)
        self._gradio = self._new_gradio()

    @property
    def queue(self) -> Literal["websocket", "connection", "session"]:
        """What a call is made on, as in `rxgradio.protocol.dialects.Dialect.queue`."""
        return self._queue

    def start(self) -> None:
        """Begin to listen."""
        self._news = asyncio.Condition()  # which belongs to a loop
        super().start()

    # ---- for tests, from their thread

    def script(self, step: str, *scripts: Script) -> None:
        """Replace the answers of a step: one script a request, the last for all others.

        A step is the last part of a path ("config", "info", "join", "data", "cancel",
        "upload"), or, in the same words for every version, "stream" for what brings the
        messages of calls, "cancel" for `/reset` too, "run" for a call that is posted
        without the queue, "file" for a download; "connect" is a connection that was just
        made, and "bytes" a request of which one byte was read.
        """
        for each in scripts:
            if not _is_script(each):
                raise TypeError(
                    f"{each!r} is nothing to be done at {step!r}: an accident is made, as by "
                    "Reset(), and anything else is a function of a Peer, bytes, or None"
                )
        self._scripts[step] = list(scripts)

    def asked(self, step: str) -> list[Request]:
        """Return the requests for a step, as in `script`."""
        return [request for request in list(self.requests) if step in self._steps(request)]

    def restart(self, version: str | None = None) -> None:
        """Start the server anew: all connections break, and it has forgotten all calls.

        Args:
            version: Another release, if it is to be one.
        """
        starting = self.start_anew(version)
        asyncio.run_coroutine_threadsafe(starting, self.loop).result(SOON)

    def drop_streams(self) -> None:
        """Break the streams and websockets that are open, and no other connection."""

        def drop() -> None:
            self._gradio.cut_streams()

        self._do(drop)

    def end_idle_connections(self) -> None:
        """Wait for every request to be answered, and close all connections."""
        self.until(lambda: all(peer.idle for peer in list(self._peers)))

        def end() -> None:
            for peer in self._peers:
                peer.half_close()  # and the client, seeing it, closes the other half

        self._do(end)

    @property
    def at_rest(self) -> bool:
        """Whether no request is being answered."""
        return all(peer.idle for peer in list(self._peers))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, and raise what went wrong in a script."""
        self.stop()
        if error is None and self.failures:
            raise self.failures[0]

    # ---- for scripts, on the loop

    async def joined(self, session: str, count: int = 1) -> list[Joined]:
        """Wait for that many calls in a session (since 4.9)."""

        def found() -> list[Joined]:
            return [event for event in self.events if event.session == session]

        async with self._news:
            await self._news.wait_for(lambda: len(found()) >= count)
        return found()

    async def arrived(self, step: str) -> None:
        """Wait for a request for a step."""
        async with self._news:
            await self._news.wait_for(lambda: self.asked(step))

    async def accept(self, request: Request) -> Joined:
        """Take a call into the queue, without answering it (since 4.9)."""
        made = await self._gradio.join(request.document)
        return await self._accepted(request, made)

    def forget(self, session: str) -> None:
        """Do what Gradio does when the stream of a session breaks."""
        self._gradio.forget(session)

    def tell(self, session: str, document: Document) -> None:
        """Have a message said in a session, as if it were its app's (since 4.9)."""
        self._gradio.tell(session, document)

    async def start_anew(self, version: str | None = None) -> None:
        """Do what `restart` does."""
        self.version = version or self.version
        former, self._gradio = self._gradio, self._new_gradio()
        self._drop()
        await former.aclose()

    async def healthy(self, peer: Peer) -> None:
        """Answer a request as Gradio does."""
        request = peer.request
        path = self._path(request)
        if not self._may(request):
            status = "403 Forbidden" if request.values("upgrade") else "401 Unauthorized"
            await self._send(peer, answer({"detail": "Not authenticated"}, status))
        elif request.values("upgrade"):
            await self._converse(peer, path)
        elif request.method == "GET" and path.endswith(("/queue/data", "/queue/join")):
            await self._stream(peer, f"{path}?{request.target.partition('?')[2]}")
        else:
            await self._send(peer, await self._answer_of(request, path))

    # ---- the server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        peer = Peer(self, reader, writer)
        self._peers.add(peer)
        try:
            await self._answer(peer, ["connect"])
            while not peer.over:
                peer.idle = True
                self.note()
                first = await peer.first_byte()
                if not first:
                    return
                peer.idle = False
                await self._answer(peer, ["bytes"])
                if not peer.over:
                    peer.take(await peer.read_request(first))
                    async with self._news:
                        self.requests.append(peer.request)
                        self._news.notify_all()
                    self.note()
                    await self._answer(peer, self._steps(peer.request))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        except Exception as error:  # noqa: BLE001 (whatever a script does)
            self.failures.append(error)
        finally:
            self._peers.discard(peer)

    async def leave(self) -> None:
        """End all functions."""
        await self._gradio.aclose()

    def _new_gradio(self) -> MemoryServer:
        gradio = MemoryServer(
            self._endpoints,
            self.version,
            max_size=self._max_size,
            has_queue=self._has_queue,
            ids=self._ids,
        )
        config = gradio.config()
        self._prefix = config.get("api_prefix", "")
        self._queue: Literal["websocket", "connection", "session"] = dialect_of(
            config.get("protocol"), self.version
        ).queue
        return gradio

    def _call(self, name: str, given: tuple[Any, ...]) -> None:
        self.called.append((name, given))
        self.note()

    def _steps(self, request: Request) -> list[str]:
        """Return the names of what is asked for, the most special one first."""
        steps = [request.route]
        path = request.path
        if request.route == ("data" if self.queue == "session" else "join"):
            steps.append("stream")
        elif request.route == "reset":
            steps.append("cancel")
        elif "/file=" in path and request.method == "GET":
            steps.append("file")
        elif re.search(r"/(run|api)/\w+$", path):
            steps.append("run")
        return steps

    async def _answer(self, peer: Peer, steps: list[str]) -> None:
        script: Script = None
        for step in steps:
            scripts = self._scripts.get(step)
            if scripts and script is None:
                script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        early = steps[0] in {"connect", "bytes"}
        peer.toxics = []
        try:
            if isinstance(script, bytes):
                await peer.send(script)
            elif callable(script):
                await script(peer)
            else:
                if script is not None:
                    peer.toxics = [script] if isinstance(script, Toxic) else script
                for toxic in peer.toxics:
                    await toxic.at_request(peer)
                if not early:
                    await self.healthy(peer)
        except Enough:
            pass  # it was answered otherwise

    def _path(self, request: Request) -> str:
        """Return the path as the app knows it, which may be mounted under another."""
        found = re.search(
            r"/(?:config|login|info|upload|cancel|reset|(?:queue|run|api|stream)/\w+.*|file=.*)$",
            request.path,
        )
        path = found[0] if found else request.path
        return path if path in {"/config", "/login"} else self._prefix + path

    def _may(self, request: Request) -> bool:
        if self._auth is None or request.route == "login":
            return True
        return any("access-token=let-in" in value for value in request.values("cookie"))

    async def _answer_of(self, request: Request, path: str) -> bytes:
        headers = dict(request.fields)
        match request.method, request.route:
            case "POST", "login":
                return self._log_in(request)
            case "GET", "config":
                return answer({**self._gradio.config(), **self.config_fields})
            case "POST", "upload" if release_of(self.version) >= (3, 19):
                return _written(self._gradio.upload(_files_of(request), headers))
            case "POST", _:
                made = await self._gradio.post(path, request.body, headers)
                if request.route == "join" and made.status == 200:
                    await self._accepted(request, made)
                return _written(made)
            case method, _ if "/file=" in path:
                async with self._gradio.download(path) as stream:
                    parts = [part async for part in stream.chunks()] if method == "GET" else []
                    body = b"".join(parts)
                    return _written(Answer(stream.answer.status, stream.answer.headers, body))
            case _:
                return _written(await self._gradio.get(path))

    def _log_in(self, request: Request) -> bytes:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if self._auth is not None and (form.get("username"), form.get("password")) != self._auth:
            return answer({"detail": "Incorrect credentials."}, "400 Bad Request")
        cookie = "Set-Cookie: access-token=let-in; Path=/; HttpOnly"
        return answer({"success": True}, "200 OK", cookie)

    async def _accepted(self, request: Request, made: Answer) -> Joined:
        document = request.document
        event_id = json.loads(made.body)["event_id"]
        event = Joined(event_id, document["session_hash"], document["fn_index"], document["data"])
        async with self._news:
            self.events.append(event)
            self._news.notify_all()
        self.note()
        return event

    async def _send(self, peer: Peer, content: bytes) -> None:
        content = self._headed(content)
        for toxic in peer.toxics:
            await toxic.at_answer(peer, content)
        await peer.send(content)
        if self.closes:
            peer.close()

    def _headed(self, content: bytes) -> bytes:
        fields = [*self.fields, *(["Connection: close"] if self.closes else [])]
        more = "".join(f"{each}\r\n" for each in fields).encode()
        return content.replace(b"\r\n", b"\r\n" + more, 1)

    # ---- streams

    async def _stream(self, peer: Peer, target: str) -> None:
        async with self._gradio.stream(target) as stream:
            if stream.answer.status != 200:
                await self._send(peer, _written(stream.answer))
                return
            head = self._headed(stream_head())
            await peer.send(head)
            try:
                for toxic in peer.toxics:
                    await toxic.at_answer(peer, b"")
                messages = (json.loads(line[6:]) async for line in stream.chunks())
                if not await self._while_there(peer, self._tell(peer, messages), peer.watch()):
                    peer.over = True
                    return
            except Enough:
                pass
        await peer.send(chunk(b""))
        if self.closes:
            peer.close()

    async def _converse(self, peer: Peer, path: str) -> None:
        try:
            async with self._gradio.websocket(path, dict(peer.request.fields)) as socket:
                wire = await Wire.shake_hands(peer)
                peer.frame = _text_frame
                peer.over = True

                async def listen() -> None:
                    while (heard := await wire.heard())[0] != 8:
                        if heard[0] == 9:
                            await wire.frame(10, heard[1])
                        elif heard[0] == 1:
                            await socket.send(heard[1])

                async def tell() -> None:
                    messages = (json.loads(each) async for each in socket.messages())
                    try:
                        for toxic in peer.toxics:
                            await toxic.at_answer(peer, b"")
                        await self._tell(peer, messages)
                    except Enough:
                        pass
                    await wire.frame(8, peer.close_code.to_bytes(2, "big"))
                    await peer.gone()

                await self._while_there(peer, tell(), listen())
        except RxGradioError as error:
            await self._send(peer, answer(str(error).encode(), "500 Internal Server Error"))
            peer.close()

    async def _tell(self, peer: Peer, messages: AsyncIterator[dict[str, Any]]) -> None:
        beating = None
        if self._heartbeat is not None and self.queue != "websocket":
            beating = asyncio.ensure_future(_beat(peer, self._heartbeat))
        try:
            async for message in messages:
                await peer.say(message)
        finally:
            if beating is not None:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)

    async def _while_there(
        self, peer: Peer, work: Coroutine[Any, Any, None], watch: Coroutine[Any, Any, None]
    ) -> bool:
        """Do some work for as long as the client is there; returns whether it was to the end."""
        peer.watched = True
        working, watching = asyncio.ensure_future(work), asyncio.ensure_future(watch)
        try:
            await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            watching.result()
            return False
        finally:
            working.cancel()
            watching.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)
            peer.watched = False


async def _beat(peer: Peer, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await peer.beat()


def _text_frame(content: bytes) -> bytes:
    return frame(1, content)


def _written(made: Answer) -> bytes:
    reasons = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}
    kind = made.headers.get("content-type", "application/octet-stream")
    status = f"{made.status} {reasons.get(made.status, 'Internal Server Error')}"
    return answer(made.body, status, kind=kind)


def _files_of(request: Request) -> list[tuple[str, bytes]]:
    """Return the files of a form (RFC 7578)."""
    boundary = request.values("content-type")[0].partition("boundary=")[2].strip('"').encode()
    files: list[tuple[str, bytes]] = []
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part[2:-2].partition(b"\r\n\r\n")
        named = re.search(r'filename="([^"]*)"', head.decode("utf-8", "replace"))
        files.append((named[1] if named else "file", content))
    return files


def _echo(text: Any) -> Any:
    return text


def _words(n: int) -> Any:
    for count in range(1, n + 1):
        yield "w" * count


_DEMO: dict[str, Callable[..., Any]] = {"/echo": _echo, "/words": _words}


def _is_script(each: object) -> bool:
    if isinstance(each, Sequence) and not isinstance(each, bytes | str):
        return all(isinstance(toxic, Toxic) for toxic in cast("Sequence[object]", each))
    function = callable(each) and not isinstance(each, type)
    return each is None or isinstance(each, bytes | Toxic) or function
