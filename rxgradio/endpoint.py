"""An endpoint of an app, as a value with the verbs of a client.

Turns arguments into what goes on the wire, and what comes back into values.
"""

from __future__ import annotations

__all__ = ["Endpoint", "Submit"]

import difflib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Unpack, cast

import orjson
import reactivex
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from .files.handle import marked
from .fluent import Updates
from .headers import checked
from .job import Job, attach
from .options import CallOptions, Options
from .protocol.app import EndpointInfo
from .protocol.files import carries_files, check_text, keeping
from .streaming import streamed
from .updates import Update

if TYPE_CHECKING:
    from .bulk import Inputs, MapResults

_MISSING = object()

OnError: TypeAlias = Literal["keep", "raise"]
"""Whether the failure of a call is one more value of a stream of many, or the end of it."""


class Submit(Protocol):
    """Sends a call on its way; what an endpoint needs of its client."""

    def __call__(
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
        """Make the job of a call; `fed` if it will get further inputs.

        Calls that are `apart`, but of one `group`, may share a session.
        """
        ...


class Endpoint:
    """One function of an app, and how it is called. Made by `Client.endpoint`.

    All arguments are the app's: by position, or by the names that
    `Client.view_api` shows.
    """

    def __init__(
        self,
        info: EndpointInfo,
        submit: Submit,
        options: CallOptions,
        queue_size: Callable[[], Future[int]] | None = None,
    ) -> None:
        self.info = info
        self.options = options
        self._submit = submit
        self._queue_size = queue_size
        """Asks how many calls wait in the app's queue; None if there is none to ask."""

    def with_options(
        self, *, headers: Mapping[str, str] | None = None, **options: Unpack[Options]
    ) -> Endpoint:
        """Return the same function, called otherwise; what is not given stays as it is.

        Args:
            headers: Header fields for the requests of each call, beside those before.
            **options: See `rxgradio.options.Options`: `deadline`, `retry`, `resubmit`,
                `wait_for_room`.

        Raises:
            ValueError: An option is out of its range.
        """
        made = replace(self._with(headers), **options)
        return Endpoint(self.info, self._submit, made, self._queue_size)

    @property
    def api_name(self) -> str | None:
        """The name that the app gave it, such as "/predict", if it gave one."""
        return self.info.api_name

    @property
    def fn_index(self) -> int:
        """Its number in the app."""
        return self.info.fn_index

    def predict(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function and return its result, blocking; an interrupt cancels the call.

        Raises:
            TypeError: The arguments do not fit.
            RxGradioError: The call failed.
        """
        job = self.submit(*args, **kwargs)
        try:
            return job.result()
        except KeyboardInterrupt:
            job.cancel()  # nobody else has it
            raise

    def submit(self, /, *args: Any, **kwargs: Any) -> Job:
        """Call the function; the job runs now, whether or not anybody watches.

        Raises:
            TypeError: The arguments do not fit.
            ClientClosed: The client is closed.
        """
        return self.call(args, kwargs)

    def observe(self, /, *args: Any, **kwargs: Any) -> Updates:
        """Return a stream of the updates of a call that each subscription makes anew.

            subscribe:  --S--S--o--o--F--S-|
            dispose:    --S--S--o-✂          (and cancelled on the server)

        Observers are called on delivery threads, or on the scheduler given to
        `subscribe`.

        Raises:
            TypeError: The arguments do not fit.
        """
        return self.cold(args, kwargs)

    def call(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Job:
        """Do as `submit`, with the arguments as values."""
        data = self._wire(args, kwargs)
        return self._submit(
            self.info,
            data,
            value=partial(_shown, self.info.outputs),
            apart=False,
            options=self._with(headers),
        )

    def stream(
        self,
        chunks: Observable[Any],
        *,
        unpack: bool = False,
        on_slow: Literal["buffer", "latest"] = "buffer",
        headers: Mapping[str, str] | None = None,
    ) -> Updates:
        """Return a stream of what a `.stream()` event (Gradio 5 and later) makes of chunks.

            chunks:     --a---b---c---|
            subscribe:  --S-S-oa--ob--oc--F-S-|

        Each subscription subscribes to `chunks`, calls the function with the first,
        and sends each further one when the app has answered the one before. It ends
        when `chunks` has completed and all are answered, or when the app ends the
        call: at its time limit, or when no chunk comes for that long (30 seconds
        if it has none). An error of `chunks` cancels the call and is passed on, and
        so does disposing, which disposes of the subscription to `chunks` too.

        Args:
            chunks: Each is the one argument of the function.
            unpack: Each is a tuple of arguments, or a dict of them by name.
            on_slow: What to do with chunks that come faster than the app takes
                them: keep all of them, or only the latest.
            headers: Header fields for the requests of this call.

        Raises:
            TypeError: The endpoint takes no stream of chunks.
        """
        if not self.info.streaming:
            raise TypeError(f"{self.info.label} takes no stream of chunks; call it, or observe it")

        made = self._with(headers)

        def encode(chunk: Any) -> bytes:
            if not unpack:
                return self._wire([chunk], {})
            if isinstance(chunk, Mapping):
                return self._wire([], cast("Mapping[str, Any]", chunk))
            return self._wire(chunk, {})

        def begin(data: bytes) -> Job:
            return self._submit(
                self.info,
                data,
                value=partial(_shown, self.info.outputs),
                apart=True,
                fed=True,
                options=made,
            )

        return streamed(chunks, encode, begin, latest=on_slow == "latest")

    def map(
        self,
        inputs: Inputs,
        *,
        max_concurrent: int = 8,
        ordered: bool = True,
        on_error: OnError = "keep",
        unpack: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> MapResults:
        """Return a stream of the results of a call with each of many inputs, a few at a time.

            inputs:      a b c d|
            subscribe:   ---A-B----C-#D-|    (# is c's: a result with an `error`)
            raise:       ---A-B----✗         (and d cancelled on the server)
            dispose:     ---A-✂              (and b, c cancelled on the server)

        Each subscription begins anew, with what iterating over `inputs` gives then: all of
        a list, the rest of an iterator. Inputs are asked for only as fast as calls end and
        the observer returns from their results, so there may be more than there is memory
        for. A collection (list, dict and so on) is read where results are delivered, any
        other iterable on a thread that may block, an async iterable on the loop of the
        subscriber, or where `map` was called, if there is one. An Observable cannot be
        asked, but for that of another map: what it says too early waits in memory, all of it.

        It can be looped over, with `for` and with `async for`; that asks for the results.

        Disposing cancels the calls under way, and closes an iterator that can be closed. An
        error of `inputs` is `on_error`, behind the results of the calls under way if errors
        are kept; so is that the client was closed. Observers are called on delivery threads,
        or on the scheduler given to `subscribe`.

        Args:
            inputs: Each is the one argument of a call.
            max_concurrent: How many inputs are on their way at a time, until the observer
                has their result; with `ordered`, those too that wait for an earlier one.
            ordered: Give the results in the order of the inputs, not in that of their ends.
            on_error: What a call does that fails, also as its input does not fit: give a
                result with an `error`, or end all as soon as it fails.
            unpack: Each input is a tuple of arguments, or a dict of them by name.
            headers: Header fields for the requests of each call.

        Raises:
            TypeError: `inputs` are no such thing.
            ValueError: An argument is out of its range.
        """
        from .bulk import MapResults  # noqa: PLC0415 (not everybody needs it)

        made = self._with(headers)

        def call(group: object, value: Any) -> Observable[Any]:
            data = self._wire(*_arguments(value, unpack=unpack))

            def begin(_: abc.SchedulerBase) -> Observable[Any]:
                return reactivex.from_future(self._begin(data, made, group))

            return reactivex.defer(begin)

        return MapResults.of(
            inputs,
            lambda: partial(call, object()),  # those of one subscription share a session
            max_concurrent=max_concurrent,
            ordered=ordered,
            on_error=on_error,
            label=f"a map of {self.info.label}",
        )

    def latest(
        self, *, on_error: OnError = "raise", unpack: bool = False
    ) -> Callable[[Observable[Any]], Updates]:
        """Return an operator that calls with each input, and cancels the call with the one before.

            inputs:      --a-----b-----c------|
            calls:       --S-o-o-S-o-F-S-o-o-F|    (that with a is cancelled on the server)

        Once an input is there, no update of an earlier call comes any more. It is
        `rxgradio.operators.switch_map` over `observe`.

        Args:
            on_error: What a call does that fails, also as its input does not fit: end the
                stream, or go on, with a last status that has the `error`.
            unpack: Each input is a tuple of arguments, or a dict of them by name.
        """
        from .operators.switch_map import switch_map  # noqa: PLC0415 (as above)

        return self._each(switch_map, on_error, unpack=unpack)

    def exhaust(
        self, *, on_error: OnError = "raise", unpack: bool = False
    ) -> Callable[[Observable[Any]], Updates]:
        """Return an operator that calls with an input, and ignores others until that has ended.

            inputs:      --a---b-----c------|
            calls:       --S-o-o-F---S-o-o-F|      (b is ignored)

        It is `rxgradio.operators.exhaust_map` over `observe`, with the arguments of `latest`.
        """
        from .operators.exhaust_map import exhaust_map  # noqa: PLC0415 (as above)

        return self._each(exhaust_map, on_error, unpack=unpack)

    def concat(
        self, *, on_error: OnError = "raise", unpack: bool = False
    ) -> Callable[[Observable[Any]], Updates]:
        """Return an operator that calls with each input when the call before has ended.

            inputs:      --a---b-c---|
            calls:       --S-o-o-F-S-o-o-F-S-o-o-F|

        Inputs wait in memory, as many as there are. It is `rxgradio.operators.concat_map`
        over `observe`, with the arguments of `latest`.
        """
        from .operators.concat_map import concat_map  # noqa: PLC0415 (as above)

        return self._each(concat_map, on_error, unpack=unpack)

    def _each(
        self,
        flatten: Callable[
            [Callable[[Any], Observable[Update]]],
            Callable[[Observable[Any]], Observable[Update]],
        ],
        on_error: OnError,
        *,
        unpack: bool,
    ) -> Callable[[Observable[Any]], Updates]:
        from .operators.keep_errors import keep_errors  # noqa: PLC0415 (as above)

        if on_error not in ("keep", "raise"):
            raise ValueError(f"on_error is 'keep' or 'raise', not {on_error!r}")

        def call(value: Any) -> Observable[Update]:
            return self.cold(*_arguments(value, unpack=unpack))

        def keeping_errors(value: Any) -> Observable[Update]:
            return reactivex.defer(lambda _: call(value)).pipe(keep_errors())

        operator = flatten(call if on_error == "raise" else keeping_errors)

        def calls(inputs: Observable[Any]) -> Updates:
            updates = operator(inputs)

            def subscribe(
                observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
            ) -> abc.DisposableBase:
                return updates.subscribe(observer, scheduler=scheduler)

            return Updates(subscribe)

        return calls

    def cold(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Updates:
        """Do as `observe`, with the arguments as values."""
        data = self._wire(args, kwargs)
        made = self._with(headers)

        def subscribe(
            observer: abc.ObserverBase[Update], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            job = self._begin(data, made)
            updates = attach(job, observer, scheduler)

            def cancel() -> None:
                job.cancel()

            return CompositeDisposable(updates, Disposable(cancel))

        return Updates(subscribe)

    def __repr__(self) -> str:
        """Show the endpoint as a signature."""
        return f"<Endpoint {self.signature}>"

    @property
    def signature(self) -> str:
        """The endpoint as Python would write it."""
        parameters = ", ".join(
            f"{parameter.name}: {parameter.shown_type}"
            + (f" = {parameter.default!r:.40}" if parameter.has_default else "")
            for parameter in self.info.parameters
        )
        types = [returned.shown_type for returned in self.info.returns]
        returns = types[0] if len(types) == 1 else f"tuple[{', '.join(types) or '()'}]"
        return f"{self.info.label}({parameters}) -> {returns}"

    def _begin(self, data: bytes, options: CallOptions, group: object = None) -> Job:
        """Start a call that may be cancelled without harm to others."""
        value = partial(_shown, self.info.outputs)
        return self._submit(self.info, data, value=value, apart=True, options=options, group=group)

    def _with(self, headers: Mapping[str, str] | None) -> CallOptions:
        if not headers:
            return self.options
        return replace(self.options, headers={**(self.options.headers or {}), **checked(headers)})

    # ---- arguments and values

    def _wire(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        values = iter(self._bind(args, kwargs))
        data = [next(values) if shown else None for shown in self.info.inputs]
        return self._encoded(data)

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        parameters = self.info.parameters
        label = self.info.label
        if len(args) > len(parameters):
            raise TypeError(
                f"{label} takes {len(parameters)} arguments, but {len(args)} were given; "
                f"it is {self.signature}"
            )
        bound = [*args, *[_MISSING] * (len(parameters) - len(args))]
        positions = {parameter.name: at for at, parameter in enumerate(parameters)}
        for name, value in kwargs.items():
            if name not in positions:
                raise TypeError(self._unknown(name, list(positions)))
            if bound[positions[name]] is not _MISSING:
                raise TypeError(f"{label} got two values for {name!r}; it is {self.signature}")
            bound[positions[name]] = value
        for at, parameter in enumerate(parameters):
            if bound[at] is _MISSING and parameter.has_default:
                bound[at] = parameter.default
        missing = [
            parameter.name for at, parameter in enumerate(parameters) if bound[at] is _MISSING
        ]
        if missing:
            names = ", ".join(map(repr, missing))
            raise TypeError(f"{label} needs {names} too; it is {self.signature}")
        return bound

    def _unknown(self, name: str, known: Sequence[str]) -> str:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it is {self.signature}"
        return f"{self.info.label} has no argument {name!r}; {hint}"

    def _encoded(self, data: list[Any]) -> bytes:
        label = self.info.label
        try:
            encoded = orjson.dumps(data, default=marked)
        except TypeError:
            # Keys that are no texts, and integers of more than 64 bits, are
            # beyond orjson; the standard library writes them.
            try:
                text = json.dumps(data, allow_nan=False, default=marked)
                if not carries_files(encoded := text.encode("ascii")):
                    check_text(text)  # else it is, when the names of the files are gone
                return keeping(encoded, data)
            except (TypeError, ValueError, RecursionError) as error:
                problem = f"an argument of {label} cannot be sent as JSON: {error}"
                problem += "; name a file with rxgradio.handle_file, or what is to be one"
                raise TypeError(problem) from None
        if b"null" in encoded:  # which is what orjson makes of a NaN
            _check_numbers(data, label)
        return keeping(encoded, data)


def _arguments(value: Any, *, unpack: bool) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return the arguments of the call with an input, by position and by name."""
    if not unpack:
        return [value], {}
    if isinstance(value, Mapping):
        return [], cast("Mapping[str, Any]", value)
    if isinstance(value, (tuple, list)):
        return cast("Sequence[Any]", value), {}
    raise TypeError(f"unpack=True is for tuples and dicts of arguments, not {type(value).__name__}")


def _shown(outputs: Sequence[bool], data: Sequence[Any]) -> Any:
    """Return what of a call's data is for its user: one value, or a tuple of several."""
    shown = [value for value, seen in zip(data, outputs, strict=True) if seen]
    return shown[0] if len(shown) == 1 else tuple(shown)


def _check_numbers(value: Any, label: str) -> None:
    """Refuse NaN and infinities, for which JSON has no form."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, float) and not math.isfinite(each):
            raise TypeError(f"an argument of {label} is {each}, which cannot be sent as JSON")
        if isinstance(each, dict):
            waiting.extend(cast("Mapping[Any, Any]", each).values())
        elif isinstance(each, (list, tuple)):
            waiting.extend(cast("Sequence[Any]", each))
