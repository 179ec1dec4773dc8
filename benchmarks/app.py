"""What the benchmarked app says of itself: the answers to `/config` and `/info`.

Trimmed from what a Gradio 6.31.0 server answers for the same six endpoints; what is left
out is what a browser needs (layout, theme, code snippets). This module describes; it
serves nothing, and the server beside it gives the endpoints their behaviour.
"""

from __future__ import annotations

__all__ = ["API_PREFIX", "ENDPOINTS", "config", "info"]

API_PREFIX = "/gradio_api"

# The parameters of each endpoint and the component that shows its output. The position of
# an endpoint is its `fn_index`.
ENDPOINTS: dict[str, tuple[tuple[str, ...], str]] = {
    "echo": (("text",), "output"),
    "tokens": (("n",), "output"),
    "chat": (("n",), "history"),
    "paced": (("n", "delay_ms"), "output"),
    "big": (("mb",), "output"),
    "hold": (("seconds",), "output"),
}

_TEXT: dict[str, object] = {"type": "string"}
_NUMBER: dict[str, object] = {"type": "number"}
# A real chatbot's schema can hold files, so a client that looks for files must look here.
_HISTORY: dict[str, object] = {
    "$defs": {
        "FileData": {
            "properties": {
                "path": {"title": "Path", "type": "string"},
                "url": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "orig_name": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "is_stream": {"default": False, "title": "Is Stream", "type": "boolean"},
                "meta": {"$ref": "#/$defs/FileDataMeta"},
            },
            "required": ["path"],
            "title": "FileData",
            "type": "object",
        },
        "FileDataMeta": {
            "properties": {"_type": {"const": "gradio.FileData", "type": "string"}},
            "required": ["_type"],
            "title": "FileDataMeta",
            "type": "object",
        },
        "Message": {
            "properties": {
                "role": {"title": "Role", "type": "string"},
                "content": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/FileData"}]},
            },
            "required": ["role", "content"],
            "title": "Message",
            "type": "object",
        },
    },
    "items": {"$ref": "#/$defs/Message"},
    "title": "ChatbotDataMessages",
    "type": "array",
}

# label: (id, type, python type, schema, example)
_COMPONENTS: dict[str, tuple[int, str, str, dict[str, object], object]] = {
    "text": (1, "textbox", "str", _TEXT, "Hello!!"),
    "n": (2, "number", "float", _NUMBER, 3),
    "delay_ms": (3, "number", "float", _NUMBER, 3),
    "mb": (4, "number", "float", _NUMBER, 3),
    "seconds": (5, "number", "float", _NUMBER, 3),
    "output": (6, "textbox", "str", _TEXT, "Hello!!"),
    "history": (7, "chatbot", "list[dict]", _HISTORY, []),
}
_GENERATORS = {"tokens", "chat", "paced"}


def config(root: str) -> dict[str, object]:
    """Answer `GET /config` for the app served at `root`."""
    return {
        "version": "6.31.0",
        "api_prefix": API_PREFIX,
        "mode": "blocks",
        "app_id": 1309914269726247,
        "dev_mode": False,
        "analytics_enabled": False,
        "components": [_component(label) for label in _COMPONENTS],
        "connect_heartbeat": False,
        "title": "benchmark",
        "space_id": None,
        "enable_queue": True,
        "show_error": False,
        "max_file_size": None,
        "protocol": "sse_v3",
        "dependencies": [_dependency(index, name) for index, name in enumerate(ENDPOINTS)],
        "username": None,
        "root": root,
    }


def info() -> dict[str, object]:
    """Answer `GET /info`."""
    named = {
        f"/{name}": {
            "parameters": [_parameter(label) for label in inputs],
            "returns": [_return(output)],
            "api_visibility": "public",
            "description": "",
        }
        for name, (inputs, output) in ENDPOINTS.items()
    }
    return {"named_endpoints": named, "unnamed_endpoints": {}}


def _component(label: str) -> dict[str, object]:
    id_, type_, _, schema, example = _COMPONENTS[label]
    return {
        "id": id_,
        "type": type_,
        "props": {"label": label, "show_label": True, "visible": True, "name": type_},
        "skip_api": False,
        "key": None,
        "api_info": schema,
        "api_info_as_input": schema,
        "api_info_as_output": schema,
        "example_inputs": example,
    }


def _dependency(index: int, name: str) -> dict[str, object]:
    inputs, output = ENDPOINTS[name]
    return {
        "id": index,
        "targets": [[8, "click"]],
        "inputs": [_COMPONENTS[label][0] for label in inputs],
        "outputs": [_COMPONENTS[output][0]],
        "backend_fn": True,
        "js": None,
        "queue": True,
        "api_name": name,
        "api_description": None,
        "show_progress": "full",
        "batch": False,
        "max_batch_size": 4,
        "cancels": [],
        "types": {"generator": name in _GENERATORS, "cancel": False},
        "collects_event_data": False,
        "trigger_after": None,
        "trigger_mode": "once",
        "api_visibility": "public",
        "rendered_in": None,
        "render_id": None,
        "connection": "sse",
        "time_limit": None,
        "stream_every": 0.5,
        "event_specific_args": None,
    }


def _parameter(label: str) -> dict[str, object]:
    return {
        **_return(label),
        "parameter_name": label,
        "parameter_has_default": False,
        "parameter_default": None,
        "example_input": _COMPONENTS[label][4],
    }


def _return(label: str) -> dict[str, object]:
    _, type_, python_type, schema, _ = _COMPONENTS[label]
    return {
        "label": label,
        "type": schema,
        "python_type": {"type": python_type, "description": ""},
        "component": type_.capitalize(),
    }
