"""Apps as their `/config` and `/info` describe them, from those of real servers to nonsense."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import AuthenticationError, ProtocolError, RxGradioError
from rxgradio.protocol.app import (
    App,
    EndpointInfo,
    Parameter,
    Return,
    app_of,
    config_in_page,
    prefix_of,
)
from rxgradio.protocol.dialects import dialect_of

NUMBER_DOC = {"type": {"type": "number"}, "python_type": {"type": "float", "description": ""}}


def component(key: object, kind: str = "textbox", **more: object) -> dict[str, Any]:
    """Describe a component as servers since 4.0 do."""
    return {"id": key, "type": kind, "props": {"name": kind}, "skip_api": kind == "state", **more}


def dependency(name: object, **more: object) -> dict[str, Any]:
    """Describe an event with a function, without inputs or outputs."""
    return {
        "api_name": name,
        "backend_fn": True,
        "inputs": [],
        "outputs": [],
        "types": {"generator": False, "cancel": False},
        **more,
    }


def config(*dependencies: object, **more: object) -> dict[str, Any]:
    return {
        "version": "6.31.0",
        "protocol": "sse_v3",
        "components": [],
        "dependencies": list(dependencies),
        **more,
    }


def only(app: App) -> EndpointInfo:
    (endpoint,) = app.endpoints
    return endpoint


def fn_indices(*dependencies: object) -> list[int]:
    return [endpoint.fn_index for endpoint in app_of(config(*dependencies), None).endpoints]


TEXT_SCHEMA = {"type": "string", "description": "said"}
UNKNOWN = Parameter("param_0", "", False, None, "", "Any", "", derived=True)
TEXT, NUMBER, STATE = component(1), component(2, "number"), component(8, "state")


# What servers describe

CONFIG_6 = {
    "version": "6.31.0",
    "api_prefix": "/gradio_api",
    "mode": "blocks",
    "app_id": 1309914269726247,
    "space_id": None,
    "protocol": "sse_v3",
    "components": [
        {"id": 0, "type": "column", "props": {"name": "column"}, "skip_api": True, "key": None},
        {
            "id": 1,
            "type": "number",
            "props": {"label": "a", "name": "number"},
            "skip_api": False,
            "api_info": {"type": "number"},
        },
        {
            "id": 2,
            "type": "number",
            "props": {"label": "b", "value": 3, "name": "number"},
            "skip_api": False,
            "api_info": {"type": "number"},
        },
        {
            "id": 8,
            "type": "state",
            "props": {"time_to_live": None, "name": "state"},
            "skip_api": True,
        },
    ],
    "dependencies": [
        {
            "id": 0,
            "targets": [[13, "click"]],
            "inputs": [1, 2, 8],
            "outputs": [1, 8],
            "backend_fn": True,
            "js": None,
            "queue": True,
            "api_name": "add",
            "types": {"generator": True, "cancel": False},
            "api_visibility": "public",
            "connection": "sse",
        },
        {
            "id": 15,
            "targets": [[28, "click"]],
            "inputs": [],
            "outputs": [],
            "backend_fn": False,
            "js": None,
            "queue": False,
            "api_name": "stop",
            "types": {"generator": False, "cancel": False},
            "api_visibility": "public",
        },
        {
            "id": 20,
            "inputs": [1],
            "outputs": [],
            "backend_fn": True,
            "api_name": "false",
            "types": {"generator": False, "cancel": False},
            "api_visibility": "private",
        },
    ],
    "root": "http://127.0.0.1:7860",
}
INFO_6 = {
    "named_endpoints": {
        "/add": {
            "parameters": [
                {
                    "label": "a",
                    "parameter_name": "x",
                    "parameter_has_default": False,
                    "parameter_default": None,
                    "type": {"type": "number"},
                    "python_type": {"type": "float", "description": "the first one"},
                    "component": "Number",
                    "example_input": 3,
                },
                {
                    "label": "b",
                    "parameter_name": "y",
                    "parameter_has_default": True,
                    "parameter_default": 3,
                    **NUMBER_DOC,
                    "component": "Number",
                    "example_input": 3,
                },
            ],
            "returns": [{"label": "sum", **NUMBER_DOC, "component": "Number"}],
            "api_visibility": "public",
            "description": "Adds.",
            "code_snippets": {"python": "..."},
        }
    },
    "unnamed_endpoints": {},
}


def test_an_app_of_gradio_6_is_read() -> None:
    app = app_of(CONFIG_6, INFO_6)

    assert app.version == "6.31.0"
    assert app.dialect == dialect_of("sse_v3", "6.31.0")
    assert app.has_queue
    assert app.has_state
    assert app.info == INFO_6
    assert app.endpoints == (
        EndpointInfo(
            fn_index=0,
            api_name="/add",
            parameters=(
                Parameter("x", "a", False, None, "Number", "float", "the first one"),
                Parameter("y", "b", True, 3, "Number", "float", ""),
            ),
            returns=(Return("sum", "Number", "float"),),
            inputs=(True, True, False),
            outputs=(True, False),
            input_types=("number", "number", "state"),
            output_types=("number", "state"),
            queued=True,
            streaming=False,
            time_limit=None,
            generator=True,
            has_state=True,
            public=True,
            description="Adds.",
            file_types=((), (), ()),
        ),
        EndpointInfo(
            fn_index=20,
            api_name=None,
            parameters=(Parameter("a", "a", False, None, "Number", "float", "", derived=True),),
            returns=(),
            inputs=(True,),
            outputs=(),
            input_types=("number",),
            output_types=(),
            queued=True,
            streaming=False,
            time_limit=None,
            generator=False,
            has_state=False,
            public=False,
            description="",
            private=True,
            file_types=((),),
        ),
    )


def test_an_app_of_gradio_4_22_is_read() -> None:
    # Its events have no ids, and its parameters no names.
    app = app_of(
        config(
            dependency("stop", backend_fn=False),
            dependency("add", inputs=[1], outputs=[2]),
            components=[TEXT, NUMBER],
            version="4.22.0",
        ),
        {
            "named_endpoints": {
                "/add": {
                    "parameters": [{"label": "text", **NUMBER_DOC, "component": "Textbox"}],
                    "returns": [{"label": "sum", **NUMBER_DOC, "component": "Number"}],
                }
            },
            "unnamed_endpoints": {},
        },
    )

    endpoint = only(app)
    assert app.dialect == dialect_of("sse_v3", "4.22.0")
    assert endpoint.fn_index == 1
    assert endpoint.parameters == (
        Parameter("text", "text", False, None, "Textbox", "float", "", derived=True),
    )
    assert endpoint.returns == (Return("sum", "Number", "float"),)
    assert endpoint.public


def test_the_documents_are_left_as_they_came() -> None:
    before = copy.deepcopy((CONFIG_6, INFO_6))

    app_of(CONFIG_6, INFO_6)

    assert before == (CONFIG_6, INFO_6)


# The app


@pytest.mark.parametrize("version", ["6.31.0\n", " 6.31.0", "6.31.0"])
def test_a_version_is_stripped(version: str) -> None:
    assert app_of(config(version=version), None).version == "6.31.0"


@pytest.mark.parametrize(
    "odd", [None, "x", 7, [], {}, {"dependencies": None}, {"dependencies": {}}]
)
def test_what_has_no_dependencies_is_no_gradio_app(odd: object) -> None:
    with pytest.raises(ProtocolError, match="no Gradio app"):
        app_of(odd, INFO_6)


@pytest.mark.parametrize("protocol", [None, "sse_v4", 3, []])
def test_an_app_that_speaks_something_else_is_refused(protocol: object) -> None:
    with pytest.raises(ProtocolError, match="sse_v3"):
        app_of(config(protocol=protocol), None)


@pytest.mark.parametrize("version", [None, "", "new", [], {}, True])
def test_an_app_without_a_version_is_refused(version: object) -> None:
    with pytest.raises(ProtocolError, match="version"):
        app_of(config(version=version), None)


def test_an_app_may_have_no_endpoints() -> None:
    app = app_of(config(), {"named_endpoints": {}, "unnamed_endpoints": {}})

    assert app.endpoints == ()
    assert not app.has_state


# Which events can be called


@pytest.mark.parametrize("backend_fn", [False, None, 0])
def test_an_event_without_a_function_on_the_server_is_no_endpoint(backend_fn: object) -> None:
    assert fn_indices(dependency("stop", backend_fn=backend_fn), dependency("add")) == [1]


def test_an_event_that_does_not_tell_of_a_function_is_no_endpoint() -> None:
    silent = dependency("stop")
    del silent["backend_fn"]

    assert fn_indices(silent, dependency("add")) == [1]


@pytest.mark.parametrize(("cancels", "called"), [([37], False), ([], True), (None, True)])
def test_an_event_that_only_cancels_others_is_no_endpoint(cancels: object, called: bool) -> None:
    stop = dependency("cancel", cancels=cancels, queue=False, show_api=False)

    assert fn_indices(stop, dependency("add")) == ([0, 1] if called else [1])


@pytest.mark.parametrize("odd", [None, 7, "add", [], True])
def test_an_event_that_is_no_object_is_no_endpoint(odd: object) -> None:
    assert fn_indices(odd, dependency("add")) == [1]


def test_an_id_need_not_be_the_position() -> None:
    assert fn_indices(dependency("a", id=7), dependency("b", id=0), dependency("c")) == [7, 0, 2]


@pytest.mark.parametrize("odd", [None, "1", 1.0, True, [], {}])
def test_an_event_with_an_odd_id_costs_only_itself(odd: object) -> None:
    assert fn_indices(dependency("a", id=odd), dependency("b", id=5)) == [5]


# Names


@pytest.mark.parametrize(
    ("written", "name", "label"),
    [
        ("add", "/add", "/add"),
        ("/add", "/add", "/add"),
        ("add_1", "/add_1", "/add_1"),
        ("my name?", "/my name?", "/my name?"),
        (False, None, "fn_index=7"),
        ("false", "/false", "/false"),
        (None, None, "fn_index=7"),
        (0, None, "fn_index=7"),
        (["add"], None, "fn_index=7"),
    ],
)
def test_an_endpoint_is_called_by_its_name_or_its_index(
    written: object, name: str | None, label: str
) -> None:
    endpoint = only(app_of(config(dependency(written, id=7)), None))

    assert endpoint.api_name == name
    assert endpoint.label == label


def test_an_endpoint_that_is_not_documented_is_not_public_but_can_be_called() -> None:
    app = app_of(
        config(dependency("hidden", inputs=[1]), components=[TEXT]),
        {"named_endpoints": {"/other": {"parameters": [], "returns": []}}},
    )

    assert not only(app).public
    assert only(app).api_name == "/hidden"
    assert only(app).inputs == (True,)


def test_an_endpoint_without_a_name_is_documented_by_its_index() -> None:
    documented = {
        "parameters": [{"label": "a", "component": "Textbox"}],
        "returns": [],
        "description": "Does.",
    }
    app = app_of(
        config(dependency(None, id=3, inputs=[1]), components=[TEXT]),
        {"named_endpoints": {}, "unnamed_endpoints": {"3": documented}},
    )

    assert only(app).public
    assert only(app).description == "Does."
    assert only(app).parameters[0].label == "a"


# State, and other components that the API leaves out


@pytest.mark.parametrize(
    ("keys", "slots"),
    [
        ([], ()),
        ([1], (True,)),
        ([8], (False,)),
        ([8, 1, 2], (False, True, True)),
        ([1, 8, 2], (True, False, True)),
        ([1, 2, 8], (True, True, False)),
        ([8, 8], (False, False)),
        ([1, 1], (True, True)),
    ],
)
def test_state_has_a_slot_wherever_it_stands(keys: list[int], slots: tuple[bool, ...]) -> None:
    components = [TEXT, NUMBER, STATE]
    taking = only(app_of(config(dependency("f", inputs=keys), components=components), None))
    giving = only(app_of(config(dependency("f", outputs=keys), components=components), None))

    assert (taking.inputs, taking.outputs) == (slots, ())
    assert (giving.inputs, giving.outputs) == ((), slots)
    assert len(taking.parameters) == sum(slots)
    assert taking.has_state is giving.has_state is (8 in keys)


def test_one_endpoint_with_state_makes_an_app_with_state() -> None:
    app = app_of(
        config(dependency("f"), dependency("g", inputs=[8]), components=[STATE]),
        None,
    )

    assert [endpoint.has_state for endpoint in app.endpoints] == [False, True]
    assert app.has_state


def test_other_components_may_be_left_out_too_and_are_no_state() -> None:
    button = component(3, "button", skip_api=True)
    endpoint = only(app_of(config(dependency("f", inputs=[3]), components=[button]), None))

    assert endpoint.inputs == (False,)
    assert not endpoint.has_state


def test_state_is_left_out_even_where_the_server_does_not_say_so() -> None:
    state, text = copy.copy(STATE), copy.copy(TEXT)
    del state["skip_api"], text["skip_api"]
    endpoint = only(app_of(config(dependency("f", inputs=[8, 1]), components=[state, text]), None))

    assert endpoint.inputs == (False, True)
    assert endpoint.has_state


@pytest.mark.parametrize("key", [99, None, "1", [1], {"id": 1}, 1.5])
def test_an_unknown_component_keeps_its_slot(key: object) -> None:
    document = config(dependency("f", inputs=[key, 8], outputs=[key]), components=[TEXT, STATE])
    endpoint = only(app_of(document, None))

    assert endpoint.inputs == (True, False)
    assert endpoint.outputs == (True,)
    assert endpoint.input_types == ("", "state")
    assert endpoint.output_types == ("",)
    assert endpoint.parameters == (UNKNOWN,)


@pytest.mark.parametrize("odd", [None, 7, {}, "ab", [None, 7, [], {}, {"id": []}, {"id": "1"}]])
def test_odd_components_cost_only_what_they_tell(odd: object) -> None:
    endpoint = only(app_of(config(dependency("f", inputs=[1]), components=odd), None))

    assert endpoint.inputs == (True,)


@pytest.mark.parametrize("odd", [None, 7, {}, "ab"])
def test_inputs_and_outputs_that_are_no_lists_are_empty(odd: object) -> None:
    endpoint = only(app_of(config(dependency("f", inputs=odd, outputs=odd)), None))

    assert endpoint.inputs == endpoint.outputs == endpoint.parameters == ()


# Parameters and returns


def test_a_parameter_that_is_not_documented_is_known_by_its_component() -> None:
    components = [
        component(1, "textbox", props={"label": "Name", "value": "Ann"}),
        component(2, "slider", props={"label": "Size", "value": None}),
        component(3, "slider", props={"value": 0}),
    ]
    endpoint = only(app_of(config(dependency("f", inputs=[1, 2, 3]), components=components), None))

    assert endpoint.parameters == (
        Parameter("name", "Name", True, "Ann", "Textbox", "Any", "", derived=True),
        Parameter("size", "Size", False, None, "Slider", "Any", "", derived=True),
        Parameter("param_2", "", True, 0, "Slider", "Any", "", derived=True),
    )


@pytest.mark.parametrize("documented", [[], [{}], [{}, {}, {}], None, 7, {"0": {}}])
def test_documentation_of_another_number_of_parameters_is_not_believed(documented: object) -> None:
    document = config(dependency("f", inputs=[1, 8, 2]), components=[TEXT, STATE, NUMBER])
    info = {"named_endpoints": {"/f": {"parameters": documented, "returns": []}}}

    assert [p.component for p in only(app_of(document, info)).parameters] == ["Textbox", "Number"]


@pytest.mark.parametrize("odd", [None, 7, "ab", [], {"label": 7, "python_type": "int"}])
def test_odd_documentation_of_a_parameter_leaves_what_the_config_tells(odd: object) -> None:
    document = config(dependency("f", inputs=[1], outputs=[1]), components=[TEXT])
    info = {"named_endpoints": {"/f": {"parameters": [odd], "returns": [odd]}}}

    endpoint = only(app_of(document, info))
    assert endpoint.parameters == (
        Parameter("param_0", "", False, None, "Textbox", "Any", "", derived=True),
    )
    assert endpoint.returns == (Return("", "Textbox", "Any"),)


def test_a_default_may_be_none() -> None:
    raw = {"parameter_name": "x", "parameter_has_default": True, "parameter_default": None}
    document = config(dependency("f", inputs=[1]), components=[TEXT])
    info = {"named_endpoints": {"/f": {"parameters": [raw], "returns": []}}}

    (parameter,) = only(app_of(document, info)).parameters
    assert parameter.has_default
    assert parameter.default is None


@pytest.mark.parametrize("info", [None, 7, "ab", [], {}, {"named_endpoints": None}])
def test_an_app_without_documentation_is_described_by_its_config(info: object) -> None:
    labelled = component(1, props={"label": "Your name", "value": "Ann"}, api_info=TEXT_SCHEMA)
    components = [labelled, component(2, "number", api_info={"type": "number"}), STATE]
    document = config(
        dependency("f", inputs=[1, 8], outputs=[2, 8]),
        dependency(None, inputs=[2]),
        dependency(False),
        components=components,
    )

    app = app_of(document, info)

    described = {
        "parameters": [
            {
                "label": "Your name",
                "parameter_name": "your_name",
                "parameter_has_default": True,
                "parameter_default": "Ann",
                "python_type": {"type": "str", "description": "said"},
                "component": "Textbox",
            }
        ],
        "returns": [
            {
                "label": "",
                "python_type": {"type": "float", "description": ""},
                "component": "Number",
            }
        ],
    }
    assert [endpoint.public for endpoint in app.endpoints] == [True, True, False]
    assert app.endpoints[0].parameters == (
        Parameter("your_name", "Your name", True, "Ann", "Textbox", "str", "said", derived=True),
    )
    assert app.endpoints[0].returns == (Return("", "Number", "float"),)
    assert app.info["named_endpoints"] == {"/f": described}
    assert list(app.info["unnamed_endpoints"]) == ["1"]


@pytest.mark.parametrize(
    "info",
    [
        {"named_endpoints": {}},
        {"named_endpoints": {"/f": None}},
        {"named_endpoints": {"/f": []}},
        {"named_endpoints": {"f": {"parameters": []}}},
        {"unnamed_endpoints": {"0": {"parameters": []}}},
    ],
)
def test_an_endpoint_that_only_the_documentation_lacks_is_described_by_its_config(
    info: object,
) -> None:
    document = config(dependency("f", inputs=[1], outputs=[2]), components=[TEXT, NUMBER])
    endpoint = only(app_of(document, info))

    assert not endpoint.public
    assert endpoint.returns == (Return("", "Number", "Any"),)
    assert endpoint.description == ""
    assert [parameter.name for parameter in endpoint.parameters] == ["param_0"]


@pytest.mark.parametrize(
    ("schema", "python_type"),
    [
        ({"type": "string"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "array", "items": {}}, "list"),
        ({"type": "object"}, "dict"),
        ({"type": "object", "title": "FileData"}, "filepath"),
        ({"type": {}, "description": "any valid json"}, "Any"),
        ({"oneOf": [{"type": "string"}]}, "Any"),
        ({"type": "what"}, "Any"),
        ({"type": ["string"]}, "Any"),
        ({}, "Any"),
        (None, "Any"),
    ],
)
def test_a_schema_in_the_config_tells_a_type(schema: object, python_type: str) -> None:
    for told in (
        {"api_info": schema},
        {"api_info": {"info": schema, "serialized_info": False}},  # 3.x since 3.28.3
        {"api_info_as_input": schema, "api_info_as_output": schema},  # since 5
    ):
        document = config(
            dependency("f", inputs=[1], outputs=[1]), components=[component(1, **told)]
        )
        endpoint = only(app_of(document))

        assert endpoint.parameters[0].python_type == python_type
        assert endpoint.returns[0].python_type == python_type


@pytest.mark.parametrize("odd", [None, 7, ["a"], {}])
def test_a_description_that_is_no_text_is_none(odd: object) -> None:
    info = {"named_endpoints": {"/f": {"parameters": [], "returns": [], "description": odd}}}

    assert only(app_of(config(dependency("f")), info)).description == ""


@pytest.mark.parametrize(
    ("types", "generator"),
    [
        ({"generator": True}, True),
        ({"generator": False}, False),
        ({"generator": None}, False),
        ({}, False),
        (None, False),
        (["generator"], False),
    ],
)
def test_a_generator_is_known_by_its_type(types: object, generator: bool) -> None:
    assert only(app_of(config(dependency("f", types=types)), None)).generator is generator


# What each generation writes


def config_3(*dependencies: object, **more: object) -> dict[str, Any]:
    document = config(*dependencies, **{"version": "3.36.1\n", "enable_queue": True, **more})
    del document["protocol"]
    return document


@pytest.mark.parametrize(
    ("version", "enable_queue", "has_queue"),
    [
        ("3.50.2", True, True),
        ("3.50.2", False, False),
        ("3.50.2", None, False),
        ("3.1.7\n", True, False),
        ("3.2\n", True, True),
        ("3.1.4\n", True, False),
        ("3.1.4\n", False, False),
    ],
)
def test_an_app_of_gradio_3_has_a_queue_if_its_author_asked_for_one(
    version: str, enable_queue: object, has_queue: bool
) -> None:
    asked = config_3(
        dependency("unsaid"),
        dependency("null", queue=None),
        dependency("queued", queue=True),
        dependency("direct", queue=False),
        version=version,
        enable_queue=enable_queue,
    )
    app = app_of(asked)

    assert app.has_queue is has_queue
    assert [endpoint.queued for endpoint in app.endpoints] == [has_queue] * 3 + [False]


def test_an_app_of_gradio_3_that_says_nothing_of_a_queue_has_none() -> None:
    silent = config_3(dependency("f"))
    del silent["enable_queue"]

    assert not app_of(silent).has_queue


@pytest.mark.parametrize("protocol", ["sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3"])
@pytest.mark.parametrize("enable_queue", [True, False, None])
def test_every_app_since_gradio_4_has_a_queue(protocol: str, enable_queue: object) -> None:
    document = config(dependency("f", queue=None), dependency("g", queue=False))
    app = app_of(document | {"protocol": protocol, "enable_queue": enable_queue})

    assert app.has_queue
    assert [endpoint.queued for endpoint in app.endpoints] == [True, False]


@pytest.mark.parametrize(
    ("written", "public"),
    [
        # 3.x, and 4.x before `show_api`
        ({"api_name": "f"}, True),
        ({"api_name": None}, True),
        ({"api_name": False}, False),
        # 4.16 to 5
        ({"api_name": "f", "show_api": True}, True),
        ({"api_name": "f", "show_api": False}, False),
        ({"api_name": False, "show_api": True}, False),
        # 6
        ({"api_name": "f", "api_visibility": "public"}, True),
        ({"api_name": "f", "api_visibility": "undocumented"}, False),
        ({"api_name": "f", "api_visibility": "private"}, False),
        ({"api_name": "false", "api_visibility": "private"}, False),
        ({"api_name": "f", "api_visibility": "public", "show_api": False}, True),
        # nonsense
        ({"api_name": 7}, False),
        ({"api_name": "f", "show_api": None, "api_visibility": None}, True),
    ],
)
def test_an_author_says_what_is_public(written: dict[str, object], public: bool) -> None:
    assert only(app_of(config(dependency("f", **written)))).public is public


@pytest.mark.parametrize(
    ("written", "private"),
    [
        ({"api_name": None}, False),
        ({"api_name": False}, True),
        ({"api_name": False, "show_api": True}, True),
        ({"api_name": "f", "show_api": False}, False),
        ({"api_name": "f", "api_visibility": "undocumented"}, False),
        ({"api_name": "f", "api_visibility": "private"}, True),
        ({"api_name": False, "api_visibility": "public"}, False),
    ],
)
def test_an_author_says_what_is_private(written: dict[str, object], private: bool) -> None:
    assert only(app_of(config(dependency("f", **written)))).private is private


@pytest.mark.parametrize(
    ("mode", "public"),
    [("blocks", True), ("interface", False), ("tabbed_interface", False), ([], True), (None, True)],
)
def test_events_of_an_interface_that_nobody_named_are_not_public(
    mode: object, public: bool
) -> None:
    app = app_of(config_3(dependency("predict"), dependency(None), mode=mode))

    assert [endpoint.public for endpoint in app.endpoints] == [True, public]


def test_a_public_endpoint_is_public_even_where_its_documentation_is_lost() -> None:
    document = config(dependency("f", show_api=True), dependency("g", show_api=False))
    app = app_of(document, {"named_endpoints": {}, "unnamed_endpoints": {}})

    assert [endpoint.public for endpoint in app.endpoints] == [True, False]


@pytest.mark.parametrize(
    ("written", "name"),
    [("false", None), ("false_1", None), ("false_12", None), ("falsely", "/falsely")],
)
def test_gradio_6_writes_false_as_a_name_of_private_endpoints(
    written: str, name: str | None
) -> None:
    private = dependency(written, api_visibility="private")
    public = dependency(written, api_visibility="public")

    assert only(app_of(config(private))).api_name == name
    assert only(app_of(config(public))).api_name == f"/{written}"


@pytest.mark.parametrize(
    "kind",
    [
        *["state", "row", "column", "tabs", "tab", "tabitem", "box", "form", "accordion"],
        *["group", "interpretation", "dataset", "variable"],
    ],
)
def test_what_clients_of_gradio_3_leave_out_is_left_out(kind: str) -> None:
    components = [{"id": 1, "type": kind, "props": {}}, {"id": 2, "type": "textbox", "props": {}}]
    document = config_3(dependency("f", inputs=[1, 2], outputs=[2, 1]), components=components)
    endpoint = only(app_of(document))

    assert endpoint.inputs == (False, True)
    assert endpoint.outputs == (True, False)
    assert endpoint.input_types == (kind, "textbox")
    assert endpoint.has_state is (kind in {"state", "variable"})
    assert [parameter.name for parameter in endpoint.parameters] == ["param_1"]


@pytest.mark.parametrize(
    ("more", "generator"),
    [
        ({"types": {"generator": False, "continuous": False}, "every": None}, False),
        ({"types": {"generator": True, "continuous": True}, "every": 1}, True),
        ({"types": {"generator": False}, "every": 0.5}, True),
        ({"types": None, "every": 2}, True),
    ],
)
def test_what_runs_again_and_again_is_a_generator(more: dict[str, object], generator: bool) -> None:
    assert only(app_of(config_3(dependency("f", **more)))).generator is generator


@pytest.mark.parametrize(
    ("more", "streaming", "limit"),
    [
        ({}, False, None),
        ({"connection": "sse", "time_limit": None}, False, None),
        ({"connection": "stream", "time_limit": None}, True, None),
        ({"connection": "stream", "time_limit": 15}, True, 15.0),
        ({"connection": "stream", "time_limit": 0.5}, True, 0.5),
        ({"connection": "stream", "time_limit": 0}, True, None),
        ({"connection": "stream", "time_limit": -1}, True, None),
        ({"connection": "stream", "time_limit": True}, True, None),
        ({"connection": "stream", "time_limit": "15"}, True, None),
        ({"connection": "stream", "time_limit": float("nan")}, True, None),
        ({"connection": "stream", "time_limit": 10**400}, True, None),
        ({"connection": ["stream"]}, False, None),
    ],
)
def test_a_stream_is_known_by_its_connection(
    more: dict[str, object], streaming: bool, limit: float | None
) -> None:
    endpoint = only(app_of(config(dependency("f", **more))))

    assert endpoint.streaming is streaming
    assert endpoint.time_limit == limit


# Names and defaults that the server does not tell


def documented(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"named_endpoints": {"/f": {"parameters": list(parameters), "returns": []}}}


def test_a_label_that_gradio_invents_is_none() -> None:
    # `component["props"].get("label", f"parameter_{i}")` in get_api_info of blocks.py
    document = config(dependency("f", inputs=[8, 1, 2]), components=[TEXT, NUMBER, STATE])
    info = documented({"label": "parameter_1"}, {"label": "parameter_1"})

    first, second = only(app_of(document, info)).parameters
    assert (first.name, first.label) == ("param_1", "")
    assert (second.name, second.label) == ("parameter_1", "parameter_1")


def test_names_that_the_server_tells_are_kept_and_not_given_again() -> None:
    document = config(dependency("f", inputs=[1, 2, 3]), components=[TEXT])
    info = documented(
        {"label": "Text"},
        {"label": "Text", "parameter_name": "text"},
        {"label": "Text", "parameter_name": ""},
    )

    parameters = only(app_of(document, info)).parameters
    assert [parameter.name for parameter in parameters] == ["text_2", "text", "text_3"]
    assert [parameter.derived for parameter in parameters] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "has_default"),
    [(None, False), ("", False), (0, True), (False, True), ([], True), ("Ann", True)],
)
def test_an_initial_value_is_the_default_where_the_server_tells_none(
    value: object, has_default: bool
) -> None:
    document = config(
        dependency("f", inputs=[1]), components=[component(1, props={"value": value})]
    )
    without = only(app_of(document)).parameters[0]
    unsaid = only(app_of(document, documented({"label": "a"}))).parameters[0]
    denied = only(app_of(document, documented({"parameter_has_default": False}))).parameters[0]
    empty = {"parameter_has_default": True, "parameter_default": ""}
    told = only(app_of(document, documented(empty))).parameters[0]

    default = (True, value) if has_default else (False, None)
    assert (without.has_default, without.default) == default
    assert (unsaid.has_default, unsaid.default) == default
    assert (denied.has_default, denied.default) == (False, None)
    assert (told.has_default, told.default) == (True, "")


# The same app on ten releases

TRANSCRIPTS = Path(__file__).parent / "transcripts"
RELEASES = [
    *["3.36.1", "3.50.2", "4.8.0", "4.16.0", "4.20.1", "4.21.0", "4.22.0"],
    *["4.44.1", "5.50.0", "6.31.0"],
]
"""Of which tests/live/record.py has recorded the documents."""
UNNAMED = RELEASES[:7]
"""Before 4.23 `/info` tells no names and no defaults."""


def recorded(release: str, name: str) -> Any:
    return json.loads((TRANSCRIPTS / release / name).read_bytes())


def real(release: str, *, info: bool = True) -> App:
    return app_of(
        recorded(release, "config.json"), recorded(release, "info.json") if info else None
    )


def wire(endpoint: EndpointInfo) -> dict[str, object]:
    """Return what a client cannot do without, and no release may tell differently."""
    return {
        "inputs": endpoint.inputs,
        "outputs": endpoint.outputs,
        "input_types": endpoint.input_types,
        "output_types": endpoint.output_types,
        "queued": endpoint.queued or endpoint.api_name == "/batch",
        "streaming": endpoint.streaming,
        "generator": endpoint.generator,
        "has_state": endpoint.has_state,
        "labels": [parameter.label for parameter in endpoint.parameters],
        "defaults": [
            (parameter.has_default, parameter.default) for parameter in endpoint.parameters
        ],
        "components": [parameter.component for parameter in endpoint.parameters],
        "returns": [(returned.label, returned.component) for returned in endpoint.returns],
    }


def comparable(app: App, newest: App) -> list[EndpointInfo]:
    """Return the endpoints that the app has on this release too: streams came with 5.0."""
    streams = any(endpoint.streaming for endpoint in app.endpoints)
    assert streams is (app.version[0] in "56")
    return [endpoint for endpoint in newest.endpoints if streams or not endpoint.streaming]


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("release", RELEASES)
def test_every_release_tells_the_same_of_the_same_app(release: str, info: bool) -> None:
    app, newest = real(release, info=info), real("6.31.0")

    assert app.version == release
    assert app.has_queue
    assert app.has_state
    assert list(map(wire, app.endpoints)) == list(map(wire, comparable(app, newest)))
    # Before 4.32 they are counted; here no number differs from the position.
    assert [e.fn_index for e in app.endpoints] == [e.fn_index for e in comparable(app, newest)]


@pytest.mark.parametrize("release", RELEASES)
def test_batched_events_go_round_the_queues_that_mishandle_them(release: str) -> None:
    [batched] = [each for each in real(release).endpoints if each.api_name == "/batch"]
    assert batched.queued is (release not in {"4.8.0", "4.16.0"})


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("release", RELEASES)
def test_names_of_endpoints_differ_where_gradio_gave_them(release: str, info: bool) -> None:
    app = real(release, info=info)
    names = {endpoint.api_name for endpoint in app.endpoints}

    assert {"/add", "/dup", "/dup_1", "/closed_api", "/ledger"} <= names
    assert "/false" not in names
    # 3.x calls what has no name by its number, 4.x and later by its function.
    assert ("/unnamed" in names) is not release.startswith("3.")
    assert len(app.endpoints) - len(names - {None}) == (2 if release.startswith("3.") else 1)


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("release", RELEASES)
def test_what_is_public_differs_by_what_a_release_lets_one_hide(release: str, info: bool) -> None:
    app = real(release, info=info)
    hidden = [endpoint for endpoint in app.endpoints if not endpoint.public]

    # `api_name=False` hides on all; `show_api=False` is ignored on 3.x and 4.8.
    closed = [] if release in {"3.36.1", "3.50.2", "4.8.0"} else ["/closed_api"]
    assert [endpoint.label for endpoint in hidden if endpoint.api_name] == closed
    assert len(hidden) == len(closed) + 1


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("release", RELEASES)
def test_names_of_arguments_differ_where_the_label_is_another(release: str, info: bool) -> None:
    app, newest = real(release, info=info), real("6.31.0")
    derived = release in UNNAMED or not info
    differing = {
        new.label: [parameter.name for parameter in old.parameters]
        for old, new in zip(app.endpoints, comparable(app, newest), strict=True)
        if [parameter.name for parameter in old.parameters]
        != [parameter.name for parameter in new.parameters]
    }

    # The function calls them `texts` and `history`; one component is labelled "text", the
    # other not at all.
    assert differing == ({"/batch": ["text"], "/chat": ["message", "param_1"]} if derived else {})
    documents = [endpoint for endpoint in app.endpoints if endpoint.public]
    assert all(
        parameter.derived is derived for endpoint in documents for parameter in endpoint.parameters
    )


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("release", RELEASES)
def test_some_endpoints_of_the_app_in_full(release: str, info: bool) -> None:
    endpoints = {endpoint.label: endpoint for endpoint in real(release, info=info).endpoints}
    between, ledger = endpoints["/state_between"], endpoints["/ledger"]
    defaults = [(p.name, p.default) for p in endpoints["/many_defaults"].parameters]

    assert defaults == [("a", "x"), ("b", 2), ("c", True)]
    assert between.inputs == (True, False, True)
    assert between.outputs == (False, True, False, True)
    assert between.input_types == ("textbox", "state", "number")
    assert [parameter.name for parameter in between.parameters] == ["text", "number"]
    assert between.has_state
    assert not ledger.queued
    assert endpoints["/add"].queued
    assert endpoints["/count"].generator
    assert not endpoints["/add"].generator
    assert endpoints["/echo"].parameters[0].python_type == "str"
    number = "int | float" if info and release.startswith("3.") else "float"
    assert endpoints["/add"].returns == (Return("sum", "Number", number),)


@pytest.mark.parametrize("release", RELEASES)
def test_an_app_that_cannot_tell_of_itself_is_documented_as_the_same(release: str) -> None:
    told, untold = real(release).info, real(release, info=False).info

    assert set(untold) == set(told)
    assert set(untold["named_endpoints"]) == set(told["named_endpoints"])
    # 3.x documents what its "stop" buttons call.
    cancels = {
        str(at)
        for at, event in enumerate(recorded(release, "config.json")["dependencies"])
        if event["cancels"] and release.startswith("3.")
    }
    assert set(untold["unnamed_endpoints"]) == set(told["unnamed_endpoints"]) - cancels


@pytest.mark.parametrize("release", RELEASES)
def test_the_api_lives_where_each_release_has_it(release: str) -> None:
    prefix = "/gradio_api" if release[0] in "56" else ""

    assert prefix_of(recorded(release, "config.json")) == prefix


# The config in the page


def page(script: str) -> bytes:
    return (
        "<!doctype html><html><head><title>Gradio</title>"
        f"<script>{script}</script></head><body></body></html>"
    ).encode()


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "script",
    [
        "window.gradio_config = {};",
        "window.gradio_config={}",
        "window.gradio_config\n\t=\n{}\n;",
        # As 6.x has it, with uses of it around.
        (
            "window.gradio_config?.a === true; window.gradio_config == 1; "
            "window.gradio_config = {};</script><script>window.gradio_api_info = {}; "
            "window.gradio_config.root = new URL(1)"
        ),
        # An assignment that is no value.
        "window.gradio_config = window.parent.gradio_config; window.gradio_config = {};",
        'window.gradio_config = null; window.gradio_config = "a"; window.gradio_config = {};',
    ],
)
def test_a_page_has_the_config_in_it(release: str, script: str) -> None:
    document = recorded(release, "config.json")
    # As `toorjson` in routes.py escapes it.
    text = json.dumps(document).replace("<", "\\u003c").replace("&", "\\u0026")

    assert config_in_page(page(script.replace("{}", text, 1))) == document


def test_a_config_may_have_braces_and_scripts_in_its_texts() -> None:
    document = config(title='};</script>window.gradio_config = {"a": 1}; \u00e9 \U0001f3a8 {{')

    assert config_in_page(page(f"window.gradio_config = {json.dumps(document)};")) == document
    unescaped = json.dumps(document, ensure_ascii=False)
    assert config_in_page(page(f"window.gradio_config = {unescaped};")) == document


def test_a_page_need_not_be_utf_8() -> None:
    assert config_in_page(b'\xff\xfe<p>\xc3(window.gradio_config = {"a": 1};') == {"a": 1}


def test_a_page_that_wants_a_login_says_so() -> None:
    login = {"auth_required": True, "auth_message": "secret {club}", "is_space": False, "root": ""}

    with pytest.raises(AuthenticationError, match="auth"):
        config_in_page(page(f"window.gradio_config = {json.dumps(login)};"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        page(""),
        page("window.gradio_config"),
        page("window.gradio_config = "),
        page("window.gradio_config = {"),
        page("window.gradio_config = {'a': 1};"),
        page("window.gradio_config = [];"),
        page("window.gradio_config == {};"),
        page("gradio_config = {};"),
        page("window.gradio_api_info = {};"),
        page("window.gradio_config = " + '{"a":' * 100_000),
        page("window.gradio_config = " + "[" * 100_000),
        page('window.gradio_config = {"a": ' + "9" * 100_000 + "};"),
    ],
)
def test_a_page_without_a_config_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="address") as caught:
        config_in_page(body)
    assert len(str(caught.value)) < 500


# The path of the API


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        (None, ""),
        ("", ""),
        ("/gradio_api", "/gradio_api"),
        ("/gradio_api/", "/gradio_api"),
        ("/apps/one.v2/gradio-api~1", "/apps/one.v2/gradio-api~1"),
    ],
)
def test_the_prefix_of_an_app_is_a_path_or_nothing(written: object, prefix: str) -> None:
    assert prefix_of(config(api_prefix=written)) == prefix


def test_an_app_before_gradio_5_has_no_prefix() -> None:
    assert prefix_of(config(version="4.44.1")) == ""


@pytest.mark.parametrize(
    "odd", [None, "x", 7, [], {}, {"dependencies": None}, {"dependencies": {}}]
)
def test_what_has_no_dependencies_has_no_prefix_either(odd: object) -> None:
    with pytest.raises(ProtocolError, match="no Gradio app"):
        prefix_of(odd)


@pytest.mark.parametrize(
    "prefix",
    [
        # another host
        "//evil.example",
        "//evil.example/gradio_api",
        "///evil.example",
        "http://evil.example",
        "https://evil.example/gradio_api",
        "HTTP:/evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "@evil.example",
        ".evil.example",
        ":80@evil.example/",
        "gradio_api",
        # another place
        "/..",
        "/../x",
        "/a/../b",
        "/a/..",
        "/a/../../b",
        "/%2e%2e/x",
        "/a%2fb",
        "/a//b",
        # another part of the address
        "/a?b",
        "/?b",
        "/a#b",
        "/a;b",
        "/a@b",
        "/a:b",
        # no part of any address
        "/a b",
        " /a",
        "/a\n",
        "\n/a",
        "/a\r\nX-Evil: 1",
        "/a\t",
        "/a\0",
        "/\u00e9",
        "/\uff0e\uff0e",
        "/a\u2215b",
        # no text
        0,
        7,
        True,
        False,
        [],
        ["/gradio_api"],
        {},
        {"/": 1},
    ],
)
def test_a_prefix_that_is_no_plain_path_is_refused(prefix: object) -> None:
    with pytest.raises(ProtocolError, match="api_prefix") as caught:
        prefix_of(config(api_prefix=prefix))
    assert str(caught.value).isprintable()


def test_an_error_does_not_quote_the_whole_of_a_prefix() -> None:
    with pytest.raises(ProtocolError) as caught:
        prefix_of(config(api_prefix="?" * 100_000))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("prefix", ["/a" * 50_000, "/" + "a" * 100_000])
def test_a_prefix_of_any_length_is_read(prefix: str) -> None:
    assert prefix_of(config(api_prefix=prefix)) == prefix


@pytest.mark.parametrize("prefix", ["/" * 100_000, "/a" * 50_000 + "?", "/" + "a" * 100_000 + "?"])
def test_a_prefix_of_any_length_is_refused(prefix: str) -> None:
    with pytest.raises(ProtocolError, match="api_prefix"):
        prefix_of(config(api_prefix=prefix))


# Anything


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [100, 990, 1020])
@pytest.mark.parametrize("key", ["version", "protocol"])
def test_a_config_with_depth_where_there_should_be_none_is_refused(key: str, depth: int) -> None:
    with pytest.raises(ProtocolError):
        app_of({**config(), key: nested(depth)}, None)


@pytest.mark.parametrize("depth", [100, 990, 1020])
def test_a_prefix_with_depth_is_refused(depth: int) -> None:
    with pytest.raises(ProtocolError):
        prefix_of(config(api_prefix=nested(depth)))


@pytest.mark.parametrize("depth", [100, 990, 1020])
def test_depth_inside_descriptions_costs_only_what_it_describes(depth: int) -> None:
    deep = nested(depth)
    odd = dict.fromkeys(["label", "parameter_name", "component", "python_type"], deep)
    document = config(
        dependency("f", inputs=[1, deep], outputs=[deep]),
        dependency(deep),
        dependency("g", id=deep),
        dependency("h", types=deep),
        components=[component(1, props=deep), component(deep), deep],
    )
    info = {"named_endpoints": {"/f": {"parameters": [odd, deep], "returns": [odd]}}}

    app = app_of(document, info)

    assert [endpoint.api_name for endpoint in app.endpoints] == ["/f", None, "/h"]
    assert app.endpoints[0].parameters == (
        dataclasses.replace(UNKNOWN, component="Textbox"),
        dataclasses.replace(UNKNOWN, name="param_1"),
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["state", "false", "/f", "6.31.0", "sse_v3", 10**70]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
COMPONENT = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 3) | JSON,
        "type": st.sampled_from(["state", "textbox"]) | JSON,
        "skip_api": st.booleans() | JSON,
        "props": st.fixed_dictionaries({}, optional={"label": JSON, "value": JSON}) | JSON,
        "api_info": st.fixed_dictionaries({}, optional={"type": JSON, "info": JSON}) | JSON,
    },
)
DEPENDENCY = st.fixed_dictionaries(
    {"backend_fn": st.just(value=True) | JSON},
    optional={
        "id": st.integers(0, 5) | JSON,
        "api_name": st.sampled_from(["f", "/f", "false", False, None]) | JSON,
        "inputs": st.lists(st.integers(0, 3) | JSON, max_size=3) | JSON,
        "outputs": st.lists(st.integers(0, 3) | JSON, max_size=3) | JSON,
        "types": st.fixed_dictionaries({}, optional={"generator": JSON}) | JSON,
        "queue": JSON,
        "every": JSON,
        "cancels": JSON,
        "connection": st.just("stream") | JSON,
        "time_limit": JSON,
        "show_api": JSON,
        "api_visibility": st.sampled_from(["public", "private"]) | JSON,
    },
)
CONFIG = st.fixed_dictionaries(
    {"dependencies": st.lists(DEPENDENCY | JSON, max_size=3) | JSON},
    optional={
        "version": st.sampled_from(["6.31.0", "4.44.1\n", "5", "3.50.2"]) | JSON,
        "enable_queue": JSON,
        "mode": st.just("interface") | JSON,
        "protocol": st.just("sse_v3") | JSON,
        "components": st.lists(COMPONENT | JSON, max_size=3) | JSON,
        "api_prefix": st.text("/.a?@\\%2e", max_size=8) | JSON,
    },
)
DOCUMENTATION = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.lists(
            st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ["label", "parameter_name", "parameter_has_default", "python_type"], JSON
                ),
            )
            | JSON,
            max_size=3,
        )
        | JSON,
        "returns": JSON,
        "description": JSON,
    },
)
INFO = st.fixed_dictionaries(
    {},
    optional={
        "named_endpoints": st.fixed_dictionaries({}, optional={"/f": DOCUMENTATION | JSON}) | JSON,
        "unnamed_endpoints": st.dictionaries(st.sampled_from("012"), DOCUMENTATION) | JSON,
    },
)
THOROUGH = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # a busy machine draws deep values slowly


@THOROUGH
@given(JSON | CONFIG, JSON | INFO)
def test_any_documents_are_an_app_or_refused(document: Any, info: Any) -> None:
    try:
        app = app_of(document, info)
    except ProtocolError:
        return
    assert isinstance(app.info, dict)
    for endpoint in app.endpoints:
        assert type(endpoint.fn_index) is int
        assert isinstance(endpoint.label, str)
        assert isinstance(endpoint.description, str)
        assert len(endpoint.parameters) == sum(endpoint.inputs)
        assert len(endpoint.returns) == sum(endpoint.outputs)
        assert len(endpoint.inputs) == len(endpoint.input_types)
        assert len(endpoint.outputs) == len(endpoint.output_types)
        assert all(parameter.name for parameter in endpoint.parameters)
        for described in [*endpoint.parameters, *endpoint.returns]:
            assert isinstance(described.label + described.component + described.python_type, str)


@THOROUGH
@given(CONFIG, INFO)
def test_any_description_costs_at_most_its_endpoint(document: Any, info: Any) -> None:
    document |= {"version": "6.31.0", "protocol": "sse_v3"}
    document["dependencies"] = [
        *(document["dependencies"] if isinstance(document["dependencies"], list) else []),
        dependency("sound", id=1000),
    ]

    assert app_of(document, info).endpoints[-1].api_name == "/sound"


@THOROUGH
@given(st.binary() | st.text().map(page), JSON | CONFIG)
def test_any_page_has_a_config_or_is_refused(noise: bytes, document: Any) -> None:
    for body in (noise, noise + page(f"window.gradio_config = {json.dumps(document)};") + noise):
        try:
            found = config_in_page(body)
        except ProtocolError:
            continue
        except AuthenticationError:
            found = {}
        assert isinstance(found, dict)


@THOROUGH
@given(st.text("/.a?@#:\\%2e\n", max_size=10) | st.text(max_size=10) | JSON)
def test_any_prefix_stays_on_the_host_of_the_app_or_is_refused(value: Any) -> None:
    try:
        prefix = prefix_of(config(api_prefix=value))
    except RxGradioError:
        return
    address = urlsplit(f"http://app.example{prefix}/info")

    assert address.netloc == "app.example"
    assert address.path == f"{prefix}/info"
    assert ".." not in address.path.split("/")
    assert "//" not in address.path


def test_a_long_label_costs_no_more_than_a_short_one_however_often_it_is_used() -> None:
    label = {"id": 1, "type": "textbox", "props": {"label": "word " * 20_000}}
    app = app_of(
        config(
            dependency("add", inputs=[1] * 1000, outputs=[]), components=[label], version="4.22.0"
        )
    )
    names = [parameter.name for parameter in app.endpoints[0].parameters]
    assert len(set(names)) == 1000
    assert max(map(len, names)) < 120


@pytest.mark.parametrize(
    "dependencies",
    [
        [dependency("add", inputs=[1] * 100_001, outputs=[])],
        [dependency(f"add_{n}", inputs=[1] * 20, outputs=[1] * 20) for n in range(2600)],
        [dependency(f"add_{n}", inputs=[], outputs=[]) for n in range(10_001)],
    ],
    ids=["inputs of one", "inputs and outputs of all", "functions"],
)
def test_what_would_take_long_to_read_is_no_app(dependencies: list[dict[str, Any]]) -> None:
    with pytest.raises(ProtocolError, match="can be no Gradio app"):
        app_of(config(*dependencies, components=[TEXT], version="4.22.0"))
