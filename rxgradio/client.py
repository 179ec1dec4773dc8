"""A client of one Gradio app: the place where the parts are put together."""

from __future__ import annotations

__all__ = ["Client", "Connecting"]

import asyncio
import difflib
import ssl
import sys
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, Unpack

from reactivex import Observable

from .connection import Connection, Opening, Settings, load
from .endpoint import Endpoint
from .exceptions import InvalidAPIEndpointError
from .fluent import Updates
from .job import Job
from .options import CallOptions, Limits, Options, Retry
from .protocol.app import EndpointInfo
from .protocol.shapes import as_object, is_object
from .runtime.process import loop_thread
from .runtime.reading import await_future, refuse_to_await, refuse_to_block
from .spaces import SpaceState, duplicate

_INTERNAL = frozenset({"api_visibility", "code_snippets", "show_api"})
"""What `/info` says of an endpoint that is for the app's own page."""

C = TypeVar("C", bound="Client")


class _Headers(dict[str, str]):
    """Header fields, which may be secrets: only their names are shown."""

    def __repr__(self) -> str:
        return f"<header fields {', '.join(self)}>"


class Client:
    """A connection to one Gradio app.

    Connects at once, blocking; `Client.connect` is the same for asyncio. Use it
    as a context manager, or `close` it, to end its jobs and free its sockets;
    a client that nobody holds and that has no running job closes itself.

    Args:
        src: The URL of the app, with the path that it is mounted under, if any; or the
            name of a Space on Hugging Face, such as "user/space".
        token: A Hugging Face token, sent to this app whatever its host, and to the Hub if
            it is named as a Space. By default the one saved on this machine is, to
            hosts of Hugging Face's only.
        max_workers: How many calls may be on their way at a time; the others wait here.
            By default there is no limit. It is no number of threads.
        verbose: Kept on the jobs; nothing is printed, what there is to tell is logged.
        auth: User and password, where the app was launched with a login.
        httpx_kwargs: Arguments of `httpx.AsyncClient` (`httpx.Client`'s do): `timeout`,
            `proxy`, `transport`, `mounts`, `auth`, `cookies`, `event_hooks` and so on. A
            time-out cuts no call that runs. Redirects are not followed.
        headers: Header fields for every request to the app.
        download_files: Where files of outputs are kept, in a folder for each, or
            False to leave the outputs as they come. By default $GRADIO_TEMP_DIR, or
            the folder "gradio" for temporary files.
        ssl_verify: Whether the app's certificate is checked, or with what.
        analytics_enabled: Accepted and ignored: this library sends no telemetry.
        oauth_token: A Hugging Face token that the app may act with. It is sent to those
            endpoints only that ask for one.
        limits: How much the app may send, and how long it may be silent.
        connect_timeout: Seconds that connecting may take in all, and waiting for a Space to
            wake up or to be built. None: no limit.
        on_space_state: Called with each state of a Space while it is connected to, on
            some thread; connecting goes on when it returns.
        **options: How its functions are called, unless an endpoint says otherwise: see
            `rxgradio.options.Options` for `deadline`, `retry`, `resubmit` and
            `wait_for_room`. `retry` is also for connecting.

    Raises:
        ValueError: `src` is not the URL of an app, or the name of a Space.
        SpaceError: There is no such Space, or it does not run, or not in time.
        ImportError: A Space is named, and huggingface_hub is not installed.
        ConnectionLost: There is no server, or it does not answer.
        AuthenticationError: The app wants a login, or refuses this one.
        ProtocolError: It is no Gradio app, or not of a version that is spoken to.
    """

    def __init__(  # noqa: PLR0917 (as in gradio_client, which it takes the place of)
        self,
        src: str,
        token: str | None = None,
        max_workers: int | None = None,
        verbose: bool = True,
        auth: tuple[str, str] | None = None,
        httpx_kwargs: dict[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        download_files: str | Path | bool | None = None,
        ssl_verify: bool | str | ssl.SSLContext = True,
        _skip_components: bool = True,
        analytics_enabled: bool = True,  # noqa: ARG002 (there are none)
        oauth_token: str | None = None,
        limits: Limits = Limits(),
        connect_timeout: float | None = 300.0,
        on_space_state: Callable[[SpaceState], object] | None = None,
        **options: Unpack[Options],
    ) -> None:
        refuse_to_block()
        load()
        self._options = CallOptions(**options)
        settings = Settings(
            token=token,
            max_workers=max_workers,
            verbose=verbose,
            auth=auth,
            httpx_kwargs=httpx_kwargs,
            headers=headers,
            download_files=download_files,
            ssl_verify=ssl_verify,
            skip_components=_skip_components,
            oauth_token=oauth_token,
            limits=limits,
            connect_timeout=connect_timeout,
            on_space_state=on_space_state,
            retry=self._options.retry,
        )
        opening = Opening(src, settings)
        try:
            connection = await_future(opening.future)
        except KeyboardInterrupt:
            opening.give_up()
            raise
        self._take(connection)

    @classmethod
    def connect(  # noqa: PLR0917 (as above)
        cls,
        src: str,
        token: str | None = None,
        max_workers: int | None = None,
        verbose: bool = True,
        auth: tuple[str, str] | None = None,
        httpx_kwargs: dict[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        download_files: str | Path | bool | None = None,
        ssl_verify: bool | str | ssl.SSLContext = True,
        _skip_components: bool = True,
        analytics_enabled: bool = True,  # noqa: ARG003 (there are none)
        oauth_token: str | None = None,
        limits: Limits = Limits(),
        connect_timeout: float | None = 300.0,
        on_space_state: Callable[[SpaceState], object] | None = None,
        **options: Unpack[Options],
    ) -> Connecting[Self]:
        """Connect without blocking the running loop.

        `await` it for a client, or enter it with `async with` for one that is
        closed at the end. Takes the arguments of the constructor, and raises as it does.
        """
        chosen = CallOptions(**options)
        settings = Settings(
            token=token,
            max_workers=max_workers,
            verbose=verbose,
            auth=auth,
            httpx_kwargs=httpx_kwargs,
            headers=headers,
            download_files=download_files,
            ssl_verify=ssl_verify,
            skip_components=_skip_components,
            oauth_token=oauth_token,
            limits=limits,
            connect_timeout=connect_timeout,
            on_space_state=on_space_state,
            retry=chosen.retry,
        )
        return Connecting(partial(cls._over, options=chosen), lambda: Opening(src, settings))

    @classmethod
    def duplicate(  # noqa: PLR0917 (as in gradio_client)
        cls,
        from_id: str,
        to_id: str | None = None,
        token: str | None = None,
        private: bool = True,
        hardware: str | None = None,
        secrets: Mapping[str, str] | None = None,
        sleep_timeout: int = 5,
        max_workers: int | None = None,
        verbose: bool = True,
        *,
        connect_timeout: float | None = 1800.0,
        **how: Any,
    ) -> Self:
        """Copy a Space into your own account, and return a client of the copy, blocking.

        A Space of yours with this name is used as it is, but for hardware and sleep time.

        Args:
            from_id: Which Space, such as "user/space".
            to_id: The name of the copy; by default that of the original. It is made in your
                account, whichever else is named.
            token: A Hugging Face token that may write; by default the one saved on this machine.
            private: Whether nobody else sees the copy.
            hardware: What the copy runs on, such as "t4-small"; by default what the original
                does. All but "cpu-basic" may be billed to you.
            secrets: Secrets of the copy, by name.
            sleep_timeout: Minutes without a call after which the copy sleeps, and is not
                billed; "cpu-basic" has a time of its own.
            max_workers: As of the constructor.
            verbose: As of the constructor.
            connect_timeout: Seconds that the copy may take to be built and to start.
            **how: Further arguments of the constructor.

        Raises:
            SpaceError: There is no such Space, or the copy does not run, or not in time.
            SpaceDuplicationError: It could not be copied, or the copy not be set up.
            AuthenticationError: There is no token, or the Hub refuses it.
            RxGradioError: The Hub cannot be asked, or the copy not be connected to.
        """
        refuse_to_block()
        copying = loop_thread().run(
            duplicate(
                from_id,
                to_id,
                token=token,
                private=private,
                hardware=hardware,
                secrets=secrets,
                sleep_timeout=sleep_timeout,
                retry=how.get("retry", Retry()),
            )
        )
        try:
            space_id, existed = await_future(copying)
        except KeyboardInterrupt:
            copying.cancel()
            raise
        if existed and secrets is not None:
            warnings.warn(
                f"the Space {space_id} was there before, and the secrets were not given to it",
                stacklevel=2,
            )
        return cls(space_id, token, max_workers, verbose, connect_timeout=connect_timeout, **how)

    @classmethod
    def _over(cls, connection: Connection, options: CallOptions | None = None) -> Self:
        client = cls.__new__(cls)
        client._options = options or CallOptions()  # noqa: SLF001 (its own)
        client._take(connection)  # noqa: SLF001 (its own)
        return client

    def _take(self, connection: Connection) -> None:
        self._connection = connection
        self._parent: Client | None = None
        self._headers = _Headers(connection.settings.headers or {})
        infos = connection.endpoints
        self._infos = {info.fn_index: info for info in infos if not info.private}
        self._named = {info.api_name: info for info in reversed(self._infos.values())}
        finalizer = weakref.finalize(self, connection.abandon)
        finalizer.atexit = False  # the scheduler thread closes what is left

    @property
    def src(self) -> str:
        """The address of the app, with a slash at the end."""
        return self._connection.address + "/"

    @property
    def verbose(self) -> bool:
        """What the client was told of it; nothing is printed."""
        return self._connection.settings.verbose

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that it was given; those that are added go with calls made later."""
        return self._headers

    @headers.setter
    def headers(self, headers: Mapping[str, str]) -> None:
        self._headers = _Headers(headers)

    @property
    def app_version(self) -> str:
        """The version of Gradio that the app runs."""
        return self._connection.app.version

    @property
    def protocol(self) -> str:
        """The protocol of the app's queue, as its config names it; "ws" for Gradio 3."""
        return str(self._connection.config.get("protocol") or "ws")

    @property
    def space_id(self) -> str | None:
        """The Space that the app is, if it was found by its name."""
        return self._connection.space_id

    @property
    def session_hash(self) -> str:
        """Under which the app keeps the State of this client; it changes after a loss."""
        return self._connection.session_hash

    @property
    def config(self) -> dict[str, Any]:
        """The app's `/config`, as it came."""
        return dict(self._connection.config)

    @property
    def endpoints(self) -> dict[int, Endpoint]:
        """The functions of the app, by their number in it."""
        # Made anew, as an endpoint holds its client: kept here, it would be a
        # cycle, and a client that is dropped would wait for the collector.
        return {fn_index: self._as_endpoint(info) for fn_index, info in self._infos.items()}

    # ---- calling

    def predict(
        self,
        /,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call a function of the app and return its result, blocking; an interrupt cancels it.

        Args:
            *args: Arguments of the function, by position; files, in any place, as
                `handle_file` names them.
            api_name: Which function, such as "/predict"; needed if there are several.
            fn_index: Which function, by its number in `endpoints`, instead.
            headers: Header fields for the requests of this call, beside and
                before those of the client.
            **kwargs: Arguments of the function, by the names that `view_api` shows.

        Raises:
            TypeError: The arguments do not fit.
            InvalidAPIEndpointError: There is no such function.
            RxGradioError: The call failed.
        """
        # Scripts override `submit`, or put something else in its place.
        job = self.submit(*args, api_name=api_name, fn_index=fn_index, headers=headers, **kwargs)
        try:
            return job.result()
        except KeyboardInterrupt:
            job.cancel()  # nobody else has it
            raise

    def submit(
        self,
        /,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        result_callbacks: Callable[..., object] | Sequence[Callable[..., object]] | None = None,
        **kwargs: Any,
    ) -> Job:
        """Call a function of the app; the job runs now, whether or not anybody watches.

        Takes the arguments of `predict`, and functions to be called with the
        result, on a delivery thread: one argument for each output.

        Raises:
            TypeError: The arguments do not fit.
            InvalidAPIEndpointError: There is no such function.
            ClientClosed: The client is closed.
        """
        endpoint = self.endpoint(api_name, fn_index=fn_index)
        job = endpoint.call(args, kwargs, headers=headers)
        callbacks = [result_callbacks] if callable(result_callbacks) else result_callbacks or []
        several = sum(endpoint.info.outputs) != 1
        for callback in callbacks:
            job.add_done_callback(_with_result(callback, several=several))
        return job

    def observe(
        self,
        /,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Updates:
        """Return a stream of the updates of a call that each subscription makes anew.

            subscribe:  --S--S--o--o--F--S-|
            dispose:    --S--S--o-✂          (and cancelled on the server)

        Takes the arguments of `predict`. Observers are called on delivery
        threads, or on the scheduler given to `subscribe`.

        Raises:
            TypeError: The arguments do not fit.
            InvalidAPIEndpointError: There is no such function.
        """
        endpoint = self.endpoint(api_name, fn_index=fn_index)
        return endpoint.cold(args, kwargs, headers=headers)

    def stream(
        self,
        chunks: Observable[Any],
        *,
        api_name: str | None = None,
        fn_index: int | None = None,
        unpack: bool = False,
        on_slow: Literal["buffer", "latest"] = "buffer",
        headers: Mapping[str, str] | None = None,
    ) -> Updates:
        """Do as `Endpoint.stream` with a function of the app.

            chunks:     --a---b---c---|
            subscribe:  --S-S-oa--ob--oc--F-S-|

        Raises:
            TypeError: The endpoint takes no stream of chunks.
            InvalidAPIEndpointError: There is no such function.
        """
        endpoint = self.endpoint(api_name, fn_index=fn_index)
        return endpoint.stream(chunks, unpack=unpack, on_slow=on_slow, headers=headers)

    def endpoint(
        self,
        api_name: str | None = None,
        *,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> Endpoint:
        """Return a function of the app as a value; its only public one if `api_name` is None.

        Args:
            api_name: Which function, such as "/predict".
            fn_index: Which function, by its number in `endpoints`, if it has no name.
            headers: Header fields for the requests of each call.
            **options: How it is called, as for `Endpoint.with_options`; the rest is as
                the client was told.

        Raises:
            InvalidAPIEndpointError: There is no such function, or a name is needed.
        """
        if fn_index is not None and api_name is None:
            if fn_index in self._infos:
                return self._as_endpoint(self._infos[fn_index], headers, options)
            raise InvalidAPIEndpointError(
                f"the app has no function {fn_index}; it has {sorted(self._infos)}"
            )
        if api_name is None:
            public = [info for info in self._infos.values() if info.public]
            # 3.x offers even those events that nobody has named.
            named = [info for info in public if info.api_name] or public
            if len(named) == 1:
                return self._as_endpoint(named[0], headers, options)
            raise InvalidAPIEndpointError(f"api_name is needed: {self._names()}")
        if not isinstance(api_name, str):  # pyright: ignore[reportUnnecessaryIsInstance] (users are not always typed)
            raise TypeError(f"api_name is a str such as '/predict', not {type(api_name).__name__}")
        info = self._named.get("/" + api_name.removeprefix("/"))
        if info is not None:
            return self._as_endpoint(info, headers, options)
        names = [name for name, info in self._named.items() if name and info.public]
        close = difflib.get_close_matches(api_name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else self._names()
        raise InvalidAPIEndpointError(f"the app has no endpoint {api_name!r}; {hint}")

    def view_api(
        self,
        all_endpoints: bool | None = None,
        print_info: bool = True,
        return_format: Literal["dict", "str"] | None = None,
    ) -> dict[str, Any] | str | None:
        """Tell what the app's functions are called, take and return.

        Args:
            all_endpoints: Show those without a name too; by default only if no other is there.
            print_info: Write it to the standard output.
            return_format: Return it as a text, or as the app's own description.
        """
        text = self._usage(all_endpoints)
        if print_info:
            sys.stdout.write(text + "\n")
        if return_format == "dict":
            return self._documentation()
        return text if return_format == "str" else None

    def _documentation(self) -> dict[str, Any]:
        """Return what the app documents, without what is for its own page."""
        found = dict(self._connection.app.info)
        for kind in ("named_endpoints", "unnamed_endpoints"):
            found[kind] = {
                name: {key: value for key, value in each.items() if key not in _INTERNAL}
                for name, each in as_object(found.get(kind)).items()
                if is_object(each)
            }
        return found

    def _usage(self, all_endpoints: bool | None = None) -> str:
        public = [endpoint for endpoint in self.endpoints.values() if endpoint.info.public]
        named = [endpoint for endpoint in public if endpoint.api_name]
        unnamed = [endpoint for endpoint in public if not endpoint.api_name]
        shown = named + (unnamed if all_endpoints or (all_endpoints is None and not named) else [])
        return "\n".join(
            [f"{self._connection.address} (Gradio {self._connection.app.version})", *_told(shown)]
        )

    def _as_endpoint(
        self,
        info: EndpointInfo,
        headers: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> Endpoint:
        # Not a method of the client: what asks for a queue need not keep its client open.
        queue_size = self._connection.queue_size if info.queued else None
        endpoint = Endpoint(info, self._submit, self._options, queue_size)
        given = self._connection.settings.headers or {}
        if self._headers != given:
            new = {name: value for name, value in self._headers.items() if given.get(name) != value}
            headers = {**new, **(headers or {})}
        if not headers and not options:
            return endpoint
        return endpoint.with_options(headers=headers, **(options or {}))

    def _names(self) -> str:
        names = [info.label for info in self._infos.values() if info.public]
        return f"the app has {', '.join(names) or 'no public endpoint'}"

    def _submit(
        self,
        info: EndpointInfo,
        data: bytes,
        *,
        value: Callable[[Sequence[Any]], Any],
        apart: bool,
        fed: bool = False,
        options: CallOptions,
        group: object = None,
    ) -> Job:
        # The job holds its client until it ends: a client that nothing else
        # holds must not be closed under it.
        return self._connection.submit(
            info, data, value=value, apart=apart, fed=fed, options=options, holder=self, group=group
        )

    # ---- sessions

    def session(self) -> Self:
        """Return a client of the same app with a session, and State, of its own.

        It shares the connections of this one, and is closed with it.

        Raises:
            ClientClosed: The client is closed.
        """
        refuse_to_block()
        session = self._over(await_future(self._connection.session()), self._options)
        session._parent = self  # noqa: SLF001 (its own)
        session._headers = _Headers(self._headers)  # noqa: SLF001
        return session

    def reset_session(self) -> None:
        """Begin another session, without the State of this one; calls under way go on.

        Raises:
            ClientClosed: The client is closed.
        """
        self._connection.reset_session()

    # ---- the end

    def close(self) -> None:
        """End all jobs with `ClientClosed`, and free all sockets; takes at most two seconds."""
        self._connection.close()

    async def aclose(self) -> None:
        """Do as `close`, without blocking the running loop."""
        closing = self._connection.closing()
        if not closing.done():
            refuse_to_await()
        # Shielded: whoever stops waiting for it does not stop it.
        await asyncio.shield(asyncio.wrap_future(closing))

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the client itself; `async with Client.connect(...)` connects without blocking."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client without blocking the running loop."""
        await self.aclose()

    def __repr__(self) -> str:
        """Show the app and its functions, as `view_api` does."""
        return self._usage()


class Connecting(Generic[C]):
    """A client that is being connected: await it, or enter it with `async with`."""

    def __init__(self, over: Callable[[Connection], C], opening: Callable[[], Opening]) -> None:
        self._over = over
        self._opening = opening
        self._client: C | None = None

    def __await__(self) -> Generator[Any, None, C]:
        """Connect."""
        return self._connect().__await__()

    async def __aenter__(self) -> C:
        """Connect."""
        self._client = await self._connect()
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _connect(self) -> C:
        await asyncio.to_thread(load)
        refuse_to_await()
        opening = self._opening()
        try:
            return self._over(await asyncio.shield(asyncio.wrap_future(opening.future)))
        except asyncio.CancelledError:
            opening.give_up()
            raise


def _told(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    if any(each.derived for endpoint in endpoints for each in endpoint.info.parameters):
        yield "The app does not name its arguments: the names are made of its labels, or numbered."
    for endpoint in endpoints:
        info = endpoint.info
        yield f"\n{endpoint.signature}"
        if info.description:
            yield f"    {_first_line(info.description)}"
        which = f'api_name="{info.api_name}"' if info.api_name else f"fn_index={info.fn_index}"
        names = [
            f"handle_file({parameter.name})" if parameter.is_file else parameter.name
            for parameter in info.parameters
        ]
        if info.streaming:
            limit = "" if info.time_limit is None else f"  # ends after {info.time_limit:g} s"
            yield f"    client.stream(chunks, {which}){limit}"
        else:
            yield f"    client.predict({', '.join([*names, which])})"
        if info.oauth_token:
            yield "    takes a Hugging Face token to act with: Client(..., oauth_token=...)"
        for parameter in info.parameters:
            said = "" if parameter.is_file else _first_line(parameter.description)
            words = [parameter.component, parameter.label, said]
            known = [word for word in words if word and word != parameter.name]
            yield f"    {parameter.name}: " + " - ".join(known)
        for returned in info.returns:
            yield "    returns " + " - ".join(filter(None, [returned.component, returned.label]))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _with_result(
    callback: Callable[..., object], *, several: bool
) -> Callable[[Future[Any]], object]:
    def call_back(job: Future[Any]) -> None:
        if not job.cancelled() and job.exception() is None:
            result = job.result()
            callback(*result) if several else callback(result)

    return call_back
