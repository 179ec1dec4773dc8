"""What an app in memory says of itself: its `/config` and `/info`."""

from __future__ import annotations

__all__ = ["config_of", "info_of"]

from collections.abc import Mapping, Sequence
from typing import Any

from .endpoint import MemoryEndpoint, is_state
from .generation import Generation


def config_of(
    endpoints: Mapping[str, MemoryEndpoint], version: str, facts: Generation, *, has_queue: bool
) -> dict[str, Any]:
    """Return the `/config` of an app."""
    components: list[dict[str, Any]] = []

    def ids(slots: Mapping[str, Any], endpoint: MemoryEndpoint) -> list[int]:
        first = len(components)
        components.extend(
            _component(first + n, name, value, _kind(name, endpoint), facts)
            for n, (name, value) in enumerate(slots.items())
        )
        return list(range(first, len(components)))

    dependencies: list[dict[str, Any]] = []
    for n, (name, endpoint) in enumerate(endpoints.items()):
        dependency: dict[str, Any] = {
            "api_name": name.removeprefix("/"),
            "inputs": ids(endpoint.parameters, endpoint),
            "outputs": ids(dict.fromkeys(endpoint.outputs, ...), endpoint),
            "backend_fn": True,
            "queue": None if endpoint.queued else False,
            "types": {"generator": endpoint.generator, "cancel": False},
        }
        if facts.has_ids:
            dependency["id"] = n
        if facts.streams != "no":
            dependency["connection"] = "stream" if endpoint.stream else "sse"
        dependencies.append(dependency)
    config: dict[str, Any] = {
        "version": version,
        "enable_queue": has_queue or facts.queue != "websocket",
        "components": components,
        "dependencies": dependencies,
    }
    if facts.protocol is not None:
        config["protocol"] = facts.protocol
    if facts.prefix:
        config["api_prefix"] = facts.prefix
    return config


def _kind(name: str, endpoint: MemoryEndpoint) -> str:
    if is_state(name):
        return "state"
    return "file" if name in endpoint.files else "textbox"


def _component(key: int, name: str, value: Any, kind: str, facts: Generation) -> dict[str, Any]:
    component: dict[str, Any] = {
        "id": key,
        "type": kind,
        "props": {"label": name, "value": None if value is ... else value},
    }
    if facts.queue != "websocket":
        component["skip_api"] = kind == "state"
    return component


def info_of(endpoints: Mapping[str, MemoryEndpoint], facts: Generation) -> dict[str, Any]:
    """Return the `/info` of an app."""
    named = {
        name: {
            "parameters": [
                _parameter(parameter, default, _kind(parameter, endpoint), facts)
                for parameter, default in endpoint.parameters.items()
                if not is_state(parameter)
            ],
            "returns": [
                _described(label, _kind(label, endpoint)) for label in _shown(endpoint.outputs)
            ],
        }
        for name, endpoint in endpoints.items()
    }
    return {"named_endpoints": named, "unnamed_endpoints": {}}


def _shown(names: Sequence[str]) -> list[str]:
    return [name for name in names if not is_state(name)]


def _parameter(name: str, default: Any, kind: str, facts: Generation) -> dict[str, Any]:
    described = _described(name, kind)
    if facts.names_parameters:
        described |= {
            "parameter_name": name,
            "parameter_has_default": default is not ...,
            "parameter_default": None if default is ... else default,
        }
    return described


def _described(label: str, kind: str) -> dict[str, Any]:
    return {"label": label, "component": kind.capitalize()}
