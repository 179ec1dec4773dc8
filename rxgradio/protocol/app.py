"""An app, as its `/config` and `/info` describe it, parsed once into typed values.

The one place that knows the keys of those documents. What `/info` does not
tell (Gradio has it since 3.26, and names and defaults in it since 4.23) comes
from the config. What one endpoint's description lacks or gets wrong costs that
endpoint, not the app.
"""

from __future__ import annotations

__all__ = [
    "App",
    "EndpointInfo",
    "Parameter",
    "Return",
    "app_of",
    "config_in_page",
    "prefix_of",
    "whole",
]

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..exceptions import AuthenticationError, ProtocolError
from .dialects import Dialect, dialect_of, release_of
from .names import argument_names
from .shapes import as_object, as_text, is_list, is_object, quoted

_FILES = frozenset({"audio", "downloadbutton", "file", "image", "model3d", "uploadbutton", "video"})
"""Components of one file (`File` may have several)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an endpoint."""

    name: str
    label: str
    has_default: bool
    default: Any
    component: str
    python_type: str
    description: str
    derived: bool = False
    """The app does not name it (no Gradio before 4.23 does): `name` is made of its label."""

    @property
    def is_file(self) -> bool:
        """Whether it is one file, which `handle_file` names."""
        return self.component.lower() in _FILES

    @property
    def shown_type(self) -> str:
        """Its type as users see it: files are paths, whatever they are on the wire."""
        return "filepath" if self.is_file else self.python_type


@dataclass(frozen=True, slots=True)
class Return:
    """One value that an endpoint returns."""

    label: str
    component: str
    python_type: str

    @property
    def shown_type(self) -> str:
        """Its type as users see it: files are fetched, and are paths."""
        return "filepath" if self.component.lower() in _FILES else self.python_type


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """An event of the app that can be called.

    `inputs` and `outputs` have a slot for every component on the wire: True
    where a user's argument or value stands, False for State and other
    components that the API leaves out; `input_types` and `output_types` tell
    the component of each slot, in lower case, "" where it is not known.
    `public` is False for an endpoint that the app's author keeps out of its
    documentation.
    """

    fn_index: int
    api_name: str | None
    parameters: tuple[Parameter, ...]
    returns: tuple[Return, ...]
    inputs: tuple[bool, ...]
    outputs: tuple[bool, ...]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    queued: bool
    """False where the author wrote `queue=False`, the app has no queue at all, or its
    queue mishandles the event."""
    streaming: bool
    """It is run again and again on what it is sent (`connection` of "stream", since 5.0)."""
    time_limit: float | None
    """Seconds after which the server ends a stream."""
    generator: bool
    has_state: bool
    public: bool
    description: str
    private: bool = False
    """Its author lets nobody but the app's own page call it."""
    oauth_token: bool = False
    """The function takes a `gr.OAuthToken`, which a caller may bring (since 6.20 or so)."""
    file_types: tuple[tuple[str, ...], ...] = ()
    """What each slot of the inputs takes of files, such as ".pdf" or "image", where the
    server holds a call to it; nothing where it takes all."""

    @property
    def label(self) -> str:
        """How a person names it: by its API name, else by its index."""
        return self.api_name or f"fn_index={self.fn_index}"


@dataclass(frozen=True, slots=True)
class App:
    """A Gradio app, as far as its callers need to know it."""

    version: str
    dialect: Dialect
    has_queue: bool
    """False where every call must be posted, as there is no queue to join: in an app of
    Gradio 3 whose author never called `queue()`."""
    has_state: bool
    endpoints: tuple[EndpointInfo, ...]
    info: Mapping[str, Any]
    """`/info` as it came; where there is none, what the config tells, in its form."""
    heartbeat: bool = False
    """It wants to know how long a session lasts."""
    max_file_size: int | None = None
    """Bytes that an upload may have, where there is a limit (since 4.28)."""


def whole(info: EndpointInfo) -> EndpointInfo:
    """Return an endpoint with State and what else it leaves out as arguments and values."""
    shown = iter(info.parameters)
    parameters = [
        next(shown)
        if seen
        else Parameter(
            name=f"param_{slot}",
            label="",
            has_default=True,
            default=None,
            component=info.input_types[slot].capitalize(),
            python_type="Any",
            description="",
            derived=True,
        )
        for slot, seen in enumerate(info.inputs)
    ]
    return replace(
        info,
        parameters=tuple(parameters),
        inputs=(True,) * len(info.inputs),
        outputs=(True,) * len(info.outputs),
    )


def app_of(config: object, info: object = None) -> App:
    """Read an app from the JSON of its `/config`, and of its `/info` if it has one.

    Gradio 3 describes a value that is no file as it is passed here only in
    `/info?serialize=False`: without that, as the path of a file that holds it.

    Raises:
        ProtocolError: It is not the config of a Gradio app, or not of one that is spoken to here.
    """
    settings = _settings(config)
    version = (as_text(settings.get("version")) or "").strip()
    protocol = settings.get("protocol")
    dialect = dialect_of(protocol if isinstance(protocol, str) else None, version)
    release = release_of(version)
    # False, or null in an app that is mounted in another, where the author never called
    # `queue()`. Before 3.2 the queue was polled over HTTP, then wanted to be told a hash
    # that it did not ask for; posts go round it. Since 4.0 every app has one.
    has_queue = dialect.queue != "websocket" or (
        bool(settings.get("enable_queue")) and release >= (3, 2)
    )
    _check_size(settings["dependencies"])
    described = _Description(settings, as_object(info), release, has_queue=has_queue)
    endpoints = tuple(
        endpoint
        for position, dependency in enumerate(settings["dependencies"])
        if (endpoint := described.endpoint(position, as_object(dependency)))
    )
    return App(
        version=version,
        dialect=dialect,
        has_queue=has_queue,
        has_state=any(endpoint.has_state for endpoint in endpoints),
        heartbeat=settings.get("connect_heartbeat") is True,
        max_file_size=_bytes(settings.get("max_file_size")),
        endpoints=endpoints,
        info=described.info if described.documents else _documentation(endpoints),
    )


def _settings(config: object) -> Mapping[str, Any]:
    settings = as_object(config)
    if not is_list(settings.get("dependencies")):
        raise ProtocolError("this is no Gradio app: its config has no dependencies")
    return settings


def _check_size(dependencies: Sequence[Any]) -> None:
    """Refuse what would take long to read: a small document can name much, many times."""
    slots = sum(len(_items(each, key)) for each in map(as_object, dependencies) for key in _SLOTS)
    if len(dependencies) > _MOST_FUNCTIONS or slots > _MOST_SLOTS:
        raise ProtocolError(
            f"this can be no Gradio app: its config has {len(dependencies)} functions with "
            f"{slots} inputs and outputs"
        )


_MOST_FUNCTIONS = 10_000
_MOST_SLOTS = 100_000
_SLOTS = ("inputs", "outputs")

_PLAIN_PATH = re.compile(r"(/[\w.~-]+)+/?", re.ASCII)


def prefix_of(config: object) -> str:
    """Return the path under which an app's API lives, such as "/gradio_api", or nothing.

    Raises:
        ProtocolError: It is not the config of a Gradio app, or it names no plain path.
    """
    value = _settings(config).get("api_prefix")
    if value is None or value == "":
        return ""
    # It is joined to the app's own address, and must not become another one.
    if not isinstance(value, str) or not _PLAIN_PATH.fullmatch(value) or ".." in value:
        raise ProtocolError(f"the app's api_prefix is no plain path: {quoted(value)}")
    return value.rstrip("/")


_IN_PAGE = re.compile(r"window\.gradio_config\s*=\s*")


def config_in_page(page: bytes) -> object:
    """Return the config that the page of an app, `GET /`, has in it.

    For servers that give it nowhere else. Every Gradio from 3.0 to 6 writes it as
    `window.gradio_config = {...};` (templates/frontend/index.html).

    Raises:
        AuthenticationError: The page asks for a login instead.
        ProtocolError: It is no page of a Gradio app.
    """
    text = page.decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    for found in _IN_PAGE.finditer(text):
        try:
            config, _ = decoder.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            continue
        if is_object(config):
            if config.get("auth_required") is True:
                raise AuthenticationError("the app wants a login; pass auth=(user, password)")
            return config
    raise ProtocolError(
        "this is no page of a Gradio app: it has no window.gradio_config; check the address, "
        "and that it has the path that the app is mounted under"
    )


# What a client of Gradio 3 leaves out (SKIP_COMPONENTS in gradio_client/utils.py); since 4.0
# each component says so itself. State was also called "variable" in 3.1 (components.py).
_STATE = frozenset({"state", "variable"})
_LEFT_OUT = _STATE | {
    "row",
    "column",
    "tabs",
    "tab",
    "tabitem",
    "box",
    "form",
    "accordion",
    "group",
    "interpretation",
    "dataset",
}


class _Description:
    """The documents of an app, with its components by id."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        info: Mapping[str, Any],
        release: tuple[int, ...],
        *,
        has_queue: bool,
    ) -> None:
        self.info = info
        self.named = as_object(info.get("named_endpoints"))
        self.unnamed = as_object(info.get("unnamed_endpoints"))
        self.documents = any(
            is_object(info.get(key)) for key in ("named_endpoints", "unnamed_endpoints")
        )
        self._release = release
        self._has_queue = has_queue
        self._mode = settings.get("mode")
        self._components = {
            component["id"]: component
            for component in map(as_object, _items(settings, "components"))
            if isinstance(component.get("id"), int)
        }

    def endpoint(self, position: int, dependency: Mapping[str, Any]) -> EndpointInfo | None:
        if not dependency.get("backend_fn"):
            return None  # nothing of it runs on the server
        if dependency.get("cancels"):
            # What the page's own "stop" button calls (`set_cancel_events` in events.py), which
            # has a function until 4.22: called from here, it would end this client's jobs.
            return None
        # `id` exists since 4.32, and need not be the position.
        fn_index = dependency.get("id", position)
        if type(fn_index) is not int:
            return None
        api_name = _api_name(dependency)
        inputs = self._components_of(dependency, "inputs")
        outputs = self._components_of(dependency, "outputs")
        documentation = as_object(
            self.named.get(api_name) if api_name else self.unnamed.get(str(fn_index))
        )
        types = as_object(dependency.get("types"))
        return EndpointInfo(
            fn_index=fn_index,
            api_name=api_name,
            parameters=_parameters(inputs, _items(documentation, "parameters")),
            returns=_returns(outputs, _items(documentation, "returns")),
            inputs=tuple(not _left_out(component) for component in inputs),
            outputs=tuple(not _left_out(component) for component in outputs),
            input_types=tuple(map(_kind, inputs)),
            # Before, they are advice for the page (`File.preprocess` of 4.44 and 5.0).
            file_types=tuple(map(_file_types, inputs)) if self._release >= (5,) else (),
            output_types=tuple(map(_kind, outputs)),
            queued=self._is_queued(dependency),
            streaming=dependency.get("connection") == "stream",
            time_limit=_seconds(dependency.get("time_limit")),
            # With `every`, the function is run again and again. Gradio 3.16 and older write
            # no types, and do not tell what is a generator.
            generator=bool(types.get("generator") or dependency.get("every")),
            has_state=any(_kind(component) in _STATE for component in [*inputs, *outputs]),
            public=self._is_public(dependency, documentation),
            description=as_text(documentation.get("description")) or "",
            private=_is_private(dependency),
            oauth_token=documentation.get("oauth_token") in ("required", "optional"),
        )

    def _components_of(self, dependency: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        return [
            self._components.get(each, {}) if isinstance(each, int) else {}
            for each in _items(dependency, key)
        ]

    def _is_queued(self, dependency: Mapping[str, Any]) -> bool:
        # Of a batched event the queue of the whole app dies (4.0 to 4.9), or all calls of
        # a batch get the result of the last (4.16); both are well in 4.20. See
        # `process_events` of queueing.py.
        if dependency.get("batch") and (4,) <= self._release < (4, 20):
            return False
        # `null` stands for what the app does: 3.x queues if it has a queue, 4.x always.
        return self._has_queue and dependency.get("queue") is not False

    def _is_public(self, dependency: Mapping[str, Any], documentation: object) -> bool:
        """Whether the author lets the endpoint be shown, as `get_api_info` in blocks.py tells."""
        visibility = dependency.get("api_visibility")  # since 6.0
        if isinstance(visibility, str):
            return visibility == "public"
        name = dependency.get("api_name")
        shown = dependency.get("show_api")  # in 4.16 and 5, not yet in 4.8
        if isinstance(shown, bool):
            return shown and name is not False
        if self.documents:
            return bool(documentation)
        if isinstance(name, str):
            return True
        # An Interface has events of its own, such as for flagging, which nobody named.
        return name is None and self._mode not in ("interface", "tabbed_interface")


def _api_name(dependency: Mapping[str, Any]) -> str | None:
    name = dependency.get("api_name")
    if not isinstance(name, str):
        return None
    # 6.x writes `api_name=False` as "false", then "false_1", of private endpoints.
    if dependency.get("api_visibility") == "private" and re.fullmatch(r"false(_\d+)?", name):
        return None
    return "/" + name.lstrip("/")


def _is_private(dependency: Mapping[str, Any]) -> bool:
    visibility = dependency.get("api_visibility")  # since 6.0
    if isinstance(visibility, str):
        return visibility == "private"
    return dependency.get("api_name") is False


def _kind(component: Mapping[str, Any]) -> str:
    return (as_text(component.get("type")) or "").lower()


def _left_out(component: Mapping[str, Any]) -> bool:
    return bool(component.get("skip_api", _kind(component) in _LEFT_OUT))


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < 2**53 else None


def _bytes(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _file_types(component: Mapping[str, Any]) -> tuple[str, ...]:
    types = as_object(component.get("props")).get("file_types")
    return tuple(each for each in types if isinstance(each, str)) if is_list(types) else ()


def _parameters(
    inputs: Sequence[Mapping[str, Any]], documented: Sequence[Any]
) -> tuple[Parameter, ...]:
    shown = [slot for slot, component in enumerate(inputs) if not _left_out(component)]
    raws = _for_each(shown, documented)
    names = [as_text(raw.get("parameter_name")) or None for raw in raws]
    labels = [_label(raw, inputs[slot], "parameter") for raw, slot in zip(raws, shown, strict=True)]
    derived = argument_names(
        {
            slot: label
            for slot, name, label in zip(shown, names, labels, strict=True)
            if name is None
        },
        [name for name in names if name is not None],
    )
    return tuple(
        _parameter(raw, inputs[slot], name, label, derived.get(slot, ""))
        for raw, slot, name, label in zip(raws, shown, names, labels, strict=True)
    )


def _parameter(
    raw: Mapping[str, Any],
    component: Mapping[str, Any],
    name: str | None,
    label: str,
    derived: str,
) -> Parameter:
    if "parameter_has_default" in raw:
        has_default = bool(raw["parameter_has_default"])
        default = raw.get("parameter_default")
    else:
        # As Gradio itself does since 4.23: the component's initial value. (It also knows of
        # a function's own default of None, which is not in the config.) The empty text is
        # none: until 4.23 every Textbox has it whose author gave no value (textbox.py).
        default = as_object(component.get("props")).get("value")
        has_default = default is not None and default != ""
        default = default if has_default else None
    python_type, description = _type(raw, component, "api_info_as_input")
    return Parameter(
        name=derived if name is None else name,
        label=label,
        has_default=has_default,
        default=default,
        component=_title(raw, component),
        python_type=python_type,
        description=description,
        derived=name is None,
    )


def _returns(outputs: Sequence[Mapping[str, Any]], documented: Sequence[Any]) -> tuple[Return, ...]:
    shown = [component for component in outputs if not _left_out(component)]
    return tuple(
        Return(
            label=_label(raw, component, "value"),
            component=_title(raw, component),
            python_type=_type(raw, component, "api_info_as_output")[0],
        )
        for raw, component in zip(_for_each(shown, documented), shown, strict=True)
    )


def _for_each(shown: Sequence[object], documented: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return what is documented of each; nothing, if it is of another number of them."""
    if len(documented) != len(shown):
        return [{} for _ in shown]
    return [as_object(raw) for raw in documented]


def _label(raw: Mapping[str, Any], component: Mapping[str, Any], invented: str) -> str:
    """Return the label that the author gave; `/info` invents "parameter_7" for component 7."""
    label = as_text(raw.get("label")) or as_text(as_object(component.get("props")).get("label"))
    return "" if label is None or label == f"{invented}_{component.get('id')}" else label


def _title(raw: Mapping[str, Any], component: Mapping[str, Any]) -> str:
    return as_text(raw.get("component")) or _kind(component).capitalize()


_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
}


def _type(raw: Mapping[str, Any], component: Mapping[str, Any], key: str) -> tuple[str, str]:
    """Return the type of a value in Python's words, and what is said of it."""
    python_type = as_object(raw.get("python_type"))
    written = as_text(python_type.get("type"))
    if written is not None:
        return written, as_text(python_type.get("description")) or ""
    schema = as_object(component.get(key, component.get("api_info")))
    schema = as_object(schema.get("info", schema))  # in 3.x it is one level deeper
    description = as_text(schema.get("description")) or ""
    if schema.get("title") == "FileData":
        return "filepath", description
    kind = schema.get("type")
    return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any", description


def _documentation(endpoints: Sequence[EndpointInfo]) -> Mapping[str, Any]:
    named: dict[str, Any] = {}
    unnamed: dict[str, Any] = {}
    for endpoint in endpoints:
        if not endpoint.public:
            continue
        documentation = {
            "parameters": [
                {
                    "label": parameter.label,
                    "parameter_name": parameter.name,
                    "parameter_has_default": parameter.has_default,
                    "parameter_default": parameter.default,
                    "python_type": {
                        "type": parameter.python_type,
                        "description": parameter.description,
                    },
                    "component": parameter.component,
                }
                for parameter in endpoint.parameters
            ],
            "returns": [
                {
                    "label": returned.label,
                    "python_type": {"type": returned.python_type, "description": ""},
                    "component": returned.component,
                }
                for returned in endpoint.returns
            ],
        }
        if endpoint.api_name:
            named[endpoint.api_name] = documentation
        else:
            unnamed[str(endpoint.fn_index)] = documentation
    return {"named_endpoints": named, "unnamed_endpoints": unnamed}


def _items(value: Mapping[str, Any], key: str) -> Sequence[Any]:
    items = value.get(key)
    # Ids are looked up in a mapping, so what cannot be hashed is no id.
    return items if is_list(items) else []
