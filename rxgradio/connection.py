"""What stands behind a client: an app's transport, its lanes, and the jobs on them.

Its state lives on the scheduler thread; what may be called from elsewhere says
so. It outlives the `Client` object by as long as closing it takes.
"""

from __future__ import annotations

__all__ = ["Connection", "Opening", "Settings", "load"]

import asyncio
import importlib
import ssl
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from .attempts import Attempts, Room
from .clock import now
from .exceptions import (
    ClientClosed,
    ConnectionLost,
    DeadlineExceeded,
    QueueError,
    RxGradioError,
)
from .headers import checked
from .job import Communicator, Job, Run, feed
from .options import CallOptions, Limits, Retry
from .patience import harmless, persist
from .protocol.answers import check_login, json_of, queue_size_of
from .protocol.app import App, EndpointInfo, app_of, config_in_page, prefix_of, whole
from .protocol.event import Event
from .protocol.files import carries_files
from .protocol.shapes import as_object
from .runtime.process import generation, loop_thread
from .runtime.reading import await_future
from .spaces import Space, SpaceState, authorization, space_named, visitor_headers
from .updates import CancelOutcome, Status, StatusUpdate

if TYPE_CHECKING:
    from .transport.interface import Transport
    from .transport.submission import Submission

T = TypeVar("T")

_OUTCOME = 10.0
"""Seconds after which nobody waits to hear what the server made of a cancel."""

_CLOSE = 2.0
"""Seconds that closing may take."""

_WAKE = 10.0
"""Seconds that a sleeping Space may take to answer, before the Hub is asked about it again."""

_UNSENT = "the client was closed before the call was sent"
_NOT_AGAIN = "the client was closed before the call was made again"


def load() -> None:
    """Import what connecting needs; takes longer than connecting, so not on an event loop.

    A program that imports rxgradio and never connects does not need httpx and aiohttp.
    """
    for module in ("transport.http", "transport.calls", "files.courier"):
        importlib.import_module(f".{module}", __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to connect: the arguments of `Client` that say so."""

    headers: Mapping[str, str] | None = field(default=None, repr=False)  # may be secrets
    auth: tuple[str, str] | None = field(default=None, repr=False)
    download_files: str | Path | bool | None = None
    retry: Retry | None = None
    limits: Limits = Limits()
    httpx_kwargs: Mapping[str, Any] | None = field(default=None, repr=False)
    ssl_verify: bool | str | ssl.SSLContext = True
    token: str | None = field(default=None, repr=False)
    oauth_token: str | None = field(default=None, repr=False)
    skip_components: bool = True
    connect_timeout: float | None = None
    max_workers: int | None = None
    verbose: bool = True
    on_space_state: Callable[[SpaceState], object] | None = None

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        if self.connect_timeout is not None and not self.connect_timeout > 0:
            raise ValueError(
                f"connect_timeout is a positive number of seconds, not {self.connect_timeout!r}"
            )
        where = self.download_files
        if isinstance(where, (str, Path)) and Path(where).exists() and not Path(where).is_dir():
            raise ValueError(f"download_files is a directory, which {str(where)!r} is not")
        if self.max_workers is not None and self.max_workers < 1:
            raise ValueError(f"max_workers is a positive number, not {self.max_workers!r}")


class Opening:
    """A connection on its way; whoever waits for it may give it up."""

    def __init__(self, src: str, settings: Settings) -> None:
        self._thread = loop_thread()
        self._given_up = False
        self._task: asyncio.Task[Connection] | None = None
        self.future: Future[Connection] = self._thread.run(self._open(src, settings))

    def give_up(self) -> None:
        """Stop, and close what may be open already."""
        self._given_up = True
        self._thread.call(self._stop)
        # The task is stopped, and not the future: that would be cancelled, and
        # its result lost, even if the connection had just been made.
        self.future.add_done_callback(_abandon)

    async def _open(self, src: str, settings: Settings) -> Connection:
        self._task = asyncio.current_task()
        if self._given_up:
            raise asyncio.CancelledError
        seconds = settings.connect_timeout
        src = src.strip()
        name, space = space_named(src), None
        if name is not None:
            told = settings.on_space_state
            space = Space(name, settings.token, retry=settings.retry, told=told)
        try:
            async with asyncio.timeout(seconds):
                return await Connection.open(src, settings, space)
        except TimeoutError as error:
            if isinstance(error, RxGradioError) or seconds is None:
                raise
            if space is not None:
                raise space.late(seconds) from error
            address, _ = _address(src)
            raise ConnectionLost(
                f"{address} could not be connected to within {seconds:g} s (connect_timeout)"
            ) from error

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _abandon(opened: Future[Connection]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().abandon()


class Connection:
    """The transport, the lanes and the running jobs of one client."""

    def __init__(
        self,
        address: str,
        prefix: str,
        transport: Transport,
        config: object,
        settings: Settings,
        *,
        app: App,
    ) -> None:
        from .files.courier import Courier  # noqa: PLC0415 (see `load`)
        from .files.disk import default_folder  # noqa: PLC0415
        from .transport.calls import Calls  # noqa: PLC0415 (see `load`)

        self.address = address
        self.app = app
        self.config = as_object(config)
        self._prefix = prefix
        self.settings = settings
        self._transport = transport
        where = settings.download_files
        folder = None
        if where is not False:
            folder = default_folder() if where is None or where is True else Path(where)
        self._courier = Courier(
            transport,
            address,
            prefix,
            app.dialect,
            folder,
            limits=settings.limits,
            most=app.max_file_size,
            start=self._begin_fetch,
            wait=await_future,
        )
        self._calls = Calls(transport, prefix, app, settings.limits)
        self._parent: Connection | None = None
        self.space_id: str | None = None
        """The Space that it is, if it was found by name."""
        # In order: no set has one, and in virtual time all ends in the order that it began in.
        self._sessions: weakref.WeakKeyDictionary[Connection, None] = weakref.WeakKeyDictionary()
        self._held: dict[Run, Callable[[], object]] = {}
        self._active = 0
        self._room = Room()
        self._uploads: dict[Submission, asyncio.Task[None]] = {}
        self._thread = loop_thread()
        self._process = generation()
        self._running: dict[Run, None] = {}  # in order
        self._closed = False
        self._closing: Future[None] | None = None
        self._lock = threading.Lock()
        self._thread.tenants[self] = None

    @classmethod
    async def open(cls, src: str, settings: Settings, space: Space | None = None) -> Connection:
        """Connect to an app over HTTP; on the scheduler thread."""
        from .transport.chosen import HttpOptions  # noqa: PLC0415 (see `load`)
        from .transport.http import HttpTransport  # noqa: PLC0415
        from .transport.interface import transport_for  # noqa: PLC0415

        address, login = _address(src if space is None else await space.find())
        if space is None:
            ours = await authorization(address, settings.token)
        else:
            ours = await space.headers(address)
        given = checked(settings.headers)

        def usual() -> Transport:
            return HttpTransport(
                address,
                login,
                {**_without(checked(ours), given), **given},
                limits=settings.limits,
                options=HttpOptions(kwargs=settings.httpx_kwargs or {}, verify=settings.ssl_verify),
            )

        transport = transport_for(address, usual)
        if space is None:
            return await cls.over(address, transport, settings)
        try:
            await space.awake(partial(_answers, transport))
        except BaseException:
            await transport.aclose()
            raise
        connection = await cls.over(address, transport, settings)
        connection.space_id = space.space_id
        return connection

    @classmethod
    async def over(
        cls,
        address: str,
        transport: Transport,
        settings: Settings | None = None,
    ) -> Connection:
        """Connect to an app over a transport; on the scheduler thread."""
        settings = settings or Settings()
        retry, auth = settings.retry, settings.auth
        try:
            if auth is not None:
                user, password = _pair(auth)
                form = {"username": user, "password": password}

                async def log_in() -> None:
                    check_login(await transport.submit_form("/login", form))

                await persist(log_in, retry, harmless)
            config = await persist(lambda: _config(address, transport), retry, harmless)
            prefix = prefix_of(config)
            info = await persist(lambda: _info(prefix, transport), retry, harmless)
            return cls(address, prefix, transport, config, settings, app=app_of(config, info))
        except BaseException:
            await transport.aclose()
            raise

    # ---- from any thread

    @property
    def endpoints(self) -> Sequence[EndpointInfo]:
        """The app's functions, as they are to be called."""
        if self.settings.skip_components:
            return self.app.endpoints
        return [whole(info) for info in self.app.endpoints]

    @property
    def session_hash(self) -> str:
        """Under which State lives."""
        return self._calls.session_hash

    def session(self) -> Future[Connection]:
        """Make a connection to the same app, with a session of its own; closed with this one."""

        async def begin() -> Connection:
            if self._closed:
                raise ClientClosed("the client is closed; make a new one")
            session = Connection(
                self.address,
                self._prefix,
                self._transport,
                self.config,
                self.settings,
                app=self.app,
            )
            session.space_id = self.space_id
            session._parent = self
            self._sessions[session] = None
            return session

        self._check_process()
        return self._thread.run(begin())

    def queue_size(self) -> Future[int]:
        """Ask how many calls wait in the app's queue, of all functions and callers.

        Raises:
            ClientClosed: The connection is closed, or belongs to the parent process.
        """

        async def ask() -> int:
            if self._closed:
                raise ClientClosed("the client is closed; make a new one")
            return queue_size_of(await self._transport.get(f"{self._prefix}/queue/status"))

        self._check_process()
        return self._thread.run(ask())

    def reset_session(self) -> None:
        """Begin another session, without the State of this one; calls under way go on.

        Raises:
            ClientClosed: The connection is closed, or belongs to the parent process.
        """
        self._check_process()

        async def reset() -> None:
            if self._closed:
                raise ClientClosed("the client is closed; make a new one")
            self._calls.reset()

        reset_ = self._thread.run(reset())
        if not self._thread.current:
            await_future(reset_)  # the caller may look at its hash

    def _check_process(self) -> None:
        self._thread.check_thread()
        if self._process is not generation():
            raise ClientClosed("this client belongs to the parent process; make a new one here")

    def submit(
        self,
        info: EndpointInfo,
        data: bytes,
        *,
        value: Callable[[Sequence[Any]], Any],
        apart: bool,
        fed: bool,
        options: CallOptions,
        holder: object,
        group: object = None,
    ) -> Job:
        """Start a call; its job keeps `holder` alive while it runs.

        `fed` if the call of a streaming endpoint will get further inputs. Calls that are
        `apart`, but of one `group`, may share a session: they are cancelled together.

        Raises:
            ClientClosed: The connection is closed, or belongs to the parent process.
        """
        from .transport.submission import Submission  # noqa: PLC0415 (see `load`)

        self._check_process()
        begun = self._thread.loop.time()
        status = StatusUpdate(Status.STARTING, time=now())
        most = self.settings.limits.replay
        communicator = Communicator(info.label, value, status, options.replay, most)
        verbose = self.settings.verbose
        job = Job(communicator=communicator, verbose=verbose, space_id=self.space_id)
        running = Run(job, self._running, holder)
        own = options
        if self.space_id is not None:
            given = options.headers or {}
            visitor = _without(checked(visitor_headers()), given)
            options = replace(options, headers={**visitor, **given})
        if info.streaming:  # what was fed to an attempt is gone
            options = replace(options, resubmit=None, wait_for_room=False)

        def make(attempts: Attempts) -> Submission:
            return Submission(
                attempts,
                fn_index=info.fn_index,
                data=data,
                event=Event(self.app.dialect, len(info.outputs), now()),
                generator=info.generator or info.streaming,  # the server can stop it
                has_state=info.has_state,
                apart=apart,
                group=group,
                queued=self.app.has_queue and (info.queued or info.generator or info.streaming),
                streaming=info.streaming,
                options=options,
                oauth_token=self.settings.oauth_token if info.oauth_token else None,
            )

        incoming = self._courier.incoming(
            running,
            info.output_types,
            options,
            lambda: self._calls.cancel(attempts.submission),
            holder,
            later=own,  # which may be for another visitor
        )

        def again(submission: Submission) -> None:
            if attempts.lost:  # it may be another server that has come back
                self._courier.forget()
            self._start(info, submission)

        attempts = Attempts(incoming, options, make, again, self._room)
        feeding = None
        if info.streaming:
            feeding = self._courier.feeding(
                info.input_types,
                options,
                lambda chunk, latest: self._calls.feed(attempts.submission, chunk, latest=latest),
                partial(self._cut, attempts, running),
                types=info.file_types,
            )

        def at_end() -> None:
            attempts.stop()
            if feeding is not None:
                feeding.stop()
            self._at_end(running)

        running.begin(
            lambda: (
                self._process is generation()  # the parent's loop is not for its children
                and self._thread.call(self._cancel, attempts, running)
            ),
            None if feeding is None else partial(self._thread.call, feeding.take),
            at_end,
        )
        due = None if options.deadline is None else begun + options.deadline
        if self._closed or not self._thread.call(self._begin, attempts, running, due):
            raise ClientClosed("the client is closed; make a new one")
        if info.streaming and not fed:
            feed(job, None)  # else the app would wait for more until its time limit
        return job

    def _begin_fetch(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            self._check_process()
        except BaseException:
            work.close()
            raise
        try:
            return self._thread.run(work)
        except RuntimeError:
            raise ClientClosed("the client is closed; make a new one") from None

    def close(self) -> None:
        """End all jobs and close all sockets; waits for it, but never on the scheduler thread."""
        if self._process is not generation():
            return  # the parent's sockets are the parent's to close
        closing = self.closing()
        if not self._thread.current:
            with suppress(TimeoutError, CancelledError):  # then it goes on in the background
                await_future(closing, _CLOSE)

    def closing(self) -> Future[None]:
        """Begin to close, if that has not begun; the future is done when it is."""
        with self._lock:
            if self._closing is None:
                self._closed = True
                try:
                    self._closing = self._thread.run(self.aclose())
                except RuntimeError:  # the loop is gone, and everything on it was closed
                    self._closing = Future()
                    self._closing.set_result(None)
            return self._closing

    def abandon(self) -> None:
        """Close, waiting for nothing and locking nothing: for finalizers."""
        if not self._closed and self._process is generation():
            self._closed = True
            self._thread.call(self._thread.start, self.aclose)

    # ---- on the scheduler thread

    def unfinished(self) -> int:
        """Return how many jobs are running."""
        return len(self._running)

    async def aclose(self) -> None:
        """End all jobs and close all sockets."""
        self._closed = True
        try:
            uploads = list(self._uploads.values())
            for upload in uploads:
                upload.cancel()
            await asyncio.gather(*uploads, self._courier.aclose(), return_exceptions=True)
            await asyncio.gather(self._calls.aclose(), return_exceptions=True)
            for left in list(self._running):  # those that were to be made, perhaps again
                unsent = _UNSENT if left in self._held else _NOT_AGAIN
                left.cut(ClientClosed(unsent))
            sessions = (session.aclose() for session in list(self._sessions))
            await asyncio.gather(*sessions, return_exceptions=True)
        finally:
            if self._parent is None:
                await self._transport.aclose()

    def _begin(self, attempts: Attempts, running: Run, due: float | None) -> None:
        self._running[running] = None
        if due is not None:
            loop = asyncio.get_running_loop()
            running.timer = loop.call_at(due, self._expire, attempts, running)
        most = self.settings.max_workers
        if most is not None and self._active >= most:
            self._held[running] = attempts.begin
            return
        self._active += 1
        attempts.begin()

    def _at_end(self, running: Run) -> None:
        if self._held.pop(running, None) is None:
            self._active -= 1
            if self._held:  # not at once: what is started may end at once
                asyncio.get_running_loop().call_soon(self._start_held)

    def _start_held(self) -> None:
        if self._held and self._active < (self.settings.max_workers or 0):
            self._active += 1
            self._held.pop(next(iter(self._held)))()

    def _start(self, info: EndpointInfo, submission: Submission) -> None:
        if self._closed:
            _end_unsent(submission, ClientClosed(_UNSENT))
            return
        if info.generator and not self.app.has_queue:
            problem = (
                f"{info.label} is a generator, and the app has no queue to run it: Gradio 3 wants "
                "its author to call .queue()"
            )
            _end_unsent(submission, QueueError(problem))
            return
        # The order of calls with State is part of what they mean.
        stateful = submission.has_state
        first = [task for other, task in self._uploads.items() if stateful and other.has_state]
        if first or carries_files(submission.call.data):
            work = self._upload(submission, info, first)
            upload = asyncio.get_running_loop().create_task(work)
            self._uploads[submission] = upload
            upload.add_done_callback(partial(self._uploaded, submission))
        else:
            self._calls.submit(submission)

    async def _upload(
        self, submission: Submission, info: EndpointInfo, first: Sequence[asyncio.Task[None]]
    ) -> None:
        call = submission.call
        try:
            if carries_files(call.data):
                call.data = await self._courier.sent(
                    call.data,
                    info.input_types,
                    call.options,
                    types=info.file_types,
                    told=lambda status: submission.sink.publish([status], status),
                )
            if first:
                await asyncio.wait(first)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the end of the job)
            _end_unsent(submission, error)
        else:
            self._calls.submit(submission)

    def _uploaded(self, submission: Submission, upload: asyncio.Task[None]) -> None:
        del self._uploads[submission]
        if upload.cancelled():  # by the client, or by the job, which has ended already
            _end_unsent(submission, ClientClosed(_UNSENT))

    def _expire(self, attempts: Attempts, running: Run) -> None:
        call = attempts.submission.call
        seconds = call.options.deadline
        stood = call.event.status.code.name
        problem = f"the call took longer than its deadline of {seconds:g} s: it was {stood}"
        if attempts.failure is not None:
            problem += f", and its last attempt had failed ({attempts.failure})"
        error = DeadlineExceeded(problem, deadline=seconds)
        error.__cause__ = attempts.failure
        self._cut(attempts, running, error)

    def _cut(self, attempts: Attempts, running: Run, error: Exception) -> None:
        outcome = attempts.stop()
        if not running.cut(error):
            return
        if outcome is None:
            self._cancel(attempts, running)
        else:
            running.cancel_told(outcome)

    def _cancel(self, attempts: Attempts, running: Run) -> None:
        outcome = attempts.stop()
        running.leave()
        running.timer = asyncio.get_running_loop().call_later(
            _OUTCOME, running.cancel_told, CancelOutcome.UNKNOWN
        )
        self._courier.stop(attempts.sink)
        if outcome is not None:
            running.cancel_told(outcome)
            return
        submission = attempts.submission
        if submission in self._uploads:
            self._uploads[submission].cancel()
        self._calls.cancel(submission)


def _end_unsent(submission: Submission, error: Exception) -> None:
    event = submission.call.event
    entries = event.end(error, now())
    submission.sink.finish(entries, event.status, event.error)


async def _answers(transport: Transport) -> bool:
    """Call an app that may be asleep; tells whether it, and not its host, has answered."""
    with suppress(TimeoutError, RxGradioError):
        async with asyncio.timeout(_WAKE):
            answer = await transport.get("/config")
            kind = answer.headers.get("content-type", "")
            return answer.status in {200, 401} and kind.startswith("application/json")
    return False


def _without(headers: Mapping[str, str], others: Mapping[str, str]) -> Mapping[str, str]:
    """Return the header fields that are not among others, in any case of letters."""
    names = {name.lower() for name in others}
    return {name: value for name, value in headers.items() if name.lower() not in names}


async def _config(address: str, transport: Transport) -> object:
    answer = await transport.get("/config")
    if answer.status == 404:  # the oldest apps tell it in their page only
        page = await transport.get("/")
        if page.status == 200:
            return config_in_page(page.body)
    return json_of(answer, f"the config of {address}")


async def _info(prefix: str, transport: Transport) -> object:
    """Fetch what the app documents; it says less without, but can be called."""
    # Else 3.x describes some values as paths to JSON files.
    answer = await transport.get(f"{prefix}/info?serialize=False")
    # Before 3.26 there is none; and some versions stumble over their own components.
    return None if answer.status in {404, 500} else json_of(answer, "the app's /info")


def _address(src: str) -> tuple[str, tuple[str, str] | None]:
    """Split the URL of an app into its address and the login in it, which is shown nowhere."""
    # A login that is written wrongly may end up anywhere in what a parser makes of it.
    shown = src.rpartition("@")[2]
    try:
        parts = urlsplit(src)
        login = None
        if "@" in parts.netloc:
            login = (unquote(parts.username or ""), unquote(parts.password or ""))
            parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        address = parts.geturl()
        parts.port  # noqa: B018 (reading it is the check)
    except ValueError:
        raise ValueError(f"the address of an app is no URL: {shown!r}") from None
    if "@" in address:
        raise ValueError(
            "in the URL of an app, special characters of a login must be escaped, such as / as "
            f"%2F: ...@{shown}"
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            "the address of an app is a URL such as http://127.0.0.1:7860, or the name of a "
            f"Space such as user/space, not {shown!r}"
        )
    # A browser shows the app with more, such as "?__theme=dark".
    return parts._replace(query="", fragment="").geturl().rstrip("/"), login


def _pair(auth: Sequence[str]) -> Sequence[str]:
    """Refuse what is no login; it may be a secret, and is not quoted."""
    if isinstance(auth, str) or len(auth) != 2 or not all(isinstance(each, str) for each in auth):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
        raise TypeError("auth is a pair of texts: (user, password)")
    return auth
