"""An app, as its `/config` and `/info` describe it, parsed once into typed values.

The one place that knows the keys of those documents. What one endpoint's
description lacks or gets wrong costs that endpoint, not the app.
"""

from __future__ import annotations

__all__ = ["App", "EndpointInfo", "Parameter", "Return", "app_of", "prefix_of"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exceptions import ProtocolError
from .dialects import Dialect, dialect_of
from .shapes import as_object, as_text, is_list, quoted


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an endpoint; `name` is None where only its position is known."""

    name: str | None
    label: str
    has_default: bool
    default: Any
    component: str
    python_type: str
    description: str


@dataclass(frozen=True, slots=True)
class Return:
    """One value that an endpoint returns."""

    label: str
    component: str
    python_type: str


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """An event of the app that can be called.

    `inputs` and `outputs` have a slot for every component on the wire: True
    where a user's argument or value stands, False for State and other
    components that the API leaves out. `public` is False for an endpoint that
    the app's author keeps out of its documentation.
    """

    fn_index: int
    api_name: str | None
    parameters: tuple[Parameter, ...]
    returns: tuple[Return, ...]
    inputs: tuple[bool, ...]
    outputs: tuple[bool, ...]
    generator: bool
    has_state: bool
    public: bool
    description: str

    @property
    def label(self) -> str:
        """How a person names it: by its API name, else by its index."""
        return self.api_name or f"fn_index={self.fn_index}"


@dataclass(frozen=True, slots=True)
class App:
    """A Gradio app, as far as its callers need to know it."""

    version: str
    dialect: Dialect
    has_state: bool
    endpoints: tuple[EndpointInfo, ...]
    info: Mapping[str, Any]
    """`/info` as it came."""


def app_of(config: object, info: object) -> App:
    """Read an app from the JSON of its `/config` and `/info`.

    Raises:
        ProtocolError: It is not the config of a Gradio app, or not of one that is spoken to here.
    """
    settings = _settings(config)
    version = (as_text(settings.get("version")) or "").strip()
    protocol = settings.get("protocol")
    dialect = dialect_of(protocol if isinstance(protocol, str) else None, version)
    components = {
        component["id"]: component
        for component in map(as_object, _items(settings, "components"))
        if isinstance(component.get("id"), int)
    }
    documented = as_object(info)
    endpoints = [
        endpoint
        for position, dependency in enumerate(settings["dependencies"])
        if (endpoint := _endpoint(position, as_object(dependency), components, documented))
    ]
    return App(
        version=version,
        dialect=dialect,
        has_state=any(endpoint.has_state for endpoint in endpoints),
        endpoints=tuple(endpoints),
        info=documented,
    )


def _settings(config: object) -> Mapping[str, Any]:
    settings = as_object(config)
    if not is_list(settings.get("dependencies")):
        raise ProtocolError("this is no Gradio app: its config has no dependencies")
    return settings


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


def _endpoint(
    position: int,
    dependency: Mapping[str, Any],
    components: Mapping[int, Mapping[str, Any]],
    info: Mapping[str, Any],
) -> EndpointInfo | None:
    if not dependency.get("backend_fn"):
        return None  # nothing of it runs on the server
    # `id` exists since 4.23 or so, and need not be the position.
    fn_index = dependency.get("id", position)
    if type(fn_index) is not int:
        return None
    name = dependency.get("api_name")
    # 6.x writes the text "false" for `api_name=False`.
    api_name = "/" + name.lstrip("/") if isinstance(name, str) and name != "false" else None
    inputs = [_component(components, key) for key in _items(dependency, "inputs")]
    outputs = [_component(components, key) for key in _items(dependency, "outputs")]
    named, unnamed = (
        as_object(info.get("named_endpoints")),
        as_object(info.get("unnamed_endpoints")),
    )
    documentation = as_object(named.get(api_name) if api_name else unnamed.get(str(fn_index)))
    visible = [not _left_out(component) for component in inputs]
    shown = [component for component, seen in zip(inputs, visible, strict=True) if seen]
    parameters = [_parameter(raw) for raw in map(as_object, _items(documentation, "parameters"))]
    if len(parameters) != len(shown):
        parameters = [_undocumented(component) for component in shown]
    types = as_object(dependency.get("types"))
    return EndpointInfo(
        fn_index=fn_index,
        api_name=api_name,
        parameters=tuple(parameters),
        returns=tuple(_return(raw) for raw in map(as_object, _items(documentation, "returns"))),
        inputs=tuple(visible),
        outputs=tuple(not _left_out(component) for component in outputs),
        generator=bool(types.get("generator")),
        has_state=any(_is_state(component) for component in [*inputs, *outputs]),
        public=bool(documentation),
        description=as_text(documentation.get("description")) or "",
    )


def _component(components: Mapping[int, Mapping[str, Any]], key: object) -> Mapping[str, Any]:
    return components.get(key, {}) if isinstance(key, int) else {}


def _is_state(component: Mapping[str, Any]) -> bool:
    return component.get("type") == "state"


def _left_out(component: Mapping[str, Any]) -> bool:
    return bool(component.get("skip_api", _is_state(component)))


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    python_type = as_object(raw.get("python_type"))
    return Parameter(
        name=as_text(raw.get("parameter_name")),
        label=as_text(raw.get("label")) or "",
        has_default=bool(raw.get("parameter_has_default")),
        default=raw.get("parameter_default"),
        component=as_text(raw.get("component")) or "",
        python_type=as_text(python_type.get("type")) or "Any",
        description=as_text(python_type.get("description")) or "",
    )


def _undocumented(component: Mapping[str, Any]) -> Parameter:
    props = as_object(component.get("props"))
    return Parameter(
        name=None,
        label=as_text(props.get("label")) or "",
        has_default=props.get("value") is not None,
        default=props.get("value"),
        component=(as_text(component.get("type")) or "").capitalize(),
        python_type="Any",
        description="",
    )


def _return(raw: Mapping[str, Any]) -> Return:
    python_type = as_object(raw.get("python_type"))
    return Return(
        label=as_text(raw.get("label")) or "",
        component=as_text(raw.get("component")) or "",
        python_type=as_text(python_type.get("type")) or "Any",
    )


def _items(value: Mapping[str, Any], key: str) -> Sequence[Any]:
    items = value.get(key)
    # Ids are looked up in a mapping, so what cannot be hashed is no id.
    return items if is_list(items) else []
