"""Apps as their `/config` and `/info` describe them, from those of real servers to nonsense."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxgradio.exceptions import ProtocolError, RxGradioError
from rxgradio.protocol.app import App, EndpointInfo, Parameter, Return, app_of, prefix_of
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
            generator=True,
            has_state=True,
            public=True,
            description="Adds.",
        ),
        EndpointInfo(
            fn_index=20,
            api_name=None,
            parameters=(Parameter(None, "a", False, None, "Number", "Any", ""),),
            returns=(),
            inputs=(True,),
            outputs=(),
            generator=False,
            has_state=False,
            public=False,
            description="",
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
    assert endpoint.parameters == (Parameter(None, "text", False, None, "Textbox", "float", ""),)
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


@pytest.mark.parametrize("protocol", [None, "sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v4", 3, []])
def test_an_app_that_speaks_something_else_is_refused(protocol: object) -> None:
    with pytest.raises(ProtocolError, match="sse_v3"):
        app_of(config(protocol=protocol), None)


def test_an_app_of_gradio_3_is_told_to_speak_a_websocket_queue() -> None:
    document = config(version="3.36.1\n")
    del document["protocol"]

    with pytest.raises(ProtocolError, match=r"3\.36\.1 and speaks a websocket"):
        app_of(document, None)


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
        ("false", None, "fn_index=7"),
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
    assert endpoint.parameters == (Parameter(None, "", False, None, "", "Any", ""),)


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
        Parameter(None, "Name", True, "Ann", "Textbox", "Any", ""),
        Parameter(None, "Size", False, None, "Slider", "Any", ""),
        Parameter(None, "", True, 0, "Slider", "Any", ""),
    )


@pytest.mark.parametrize("documented", [[], [{}], [{}, {}, {}], None, 7, {"0": {}}])
def test_documentation_of_another_number_of_parameters_is_not_believed(documented: object) -> None:
    document = config(dependency("f", inputs=[1, 8, 2]), components=[TEXT, STATE, NUMBER])
    info = {"named_endpoints": {"/f": {"parameters": documented, "returns": []}}}

    assert [p.component for p in only(app_of(document, info)).parameters] == ["Textbox", "Number"]


@pytest.mark.parametrize("odd", [None, 7, "ab", [], {"label": 7, "python_type": "int"}])
def test_odd_documentation_of_a_parameter_leaves_it_without(odd: object) -> None:
    document = config(dependency("f", inputs=[1], outputs=[1]), components=[TEXT])
    info = {"named_endpoints": {"/f": {"parameters": [odd], "returns": [odd]}}}

    endpoint = only(app_of(document, info))
    assert endpoint.parameters == (Parameter(None, "", False, None, "", "Any", ""),)
    assert endpoint.returns == (Return("", "", "Any"),)


def test_a_default_may_be_none() -> None:
    raw = {"parameter_name": "x", "parameter_has_default": True, "parameter_default": None}
    document = config(dependency("f", inputs=[1]), components=[TEXT])
    info = {"named_endpoints": {"/f": {"parameters": [raw], "returns": []}}}

    (parameter,) = only(app_of(document, info)).parameters
    assert parameter.has_default
    assert parameter.default is None


@pytest.mark.parametrize(
    "info",
    [
        None,
        7,
        "ab",
        [],
        {},
        {"named_endpoints": None},
        {"named_endpoints": []},
        {"named_endpoints": {"/f": None}},
        {"named_endpoints": {"/f": []}},
        {"named_endpoints": {"f": {"parameters": []}}},
        {"unnamed_endpoints": {"0": {"parameters": []}}},
    ],
)
def test_an_app_without_documentation_can_be_called(info: object) -> None:
    endpoint = only(app_of(config(dependency("f", inputs=[1]), components=[TEXT]), info))

    assert not endpoint.public
    assert endpoint.returns == ()
    assert endpoint.description == ""
    assert len(endpoint.parameters) == 1


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

    unknown = Parameter(None, "", False, None, "", "Any", "")
    assert [endpoint.api_name for endpoint in app.endpoints] == ["/f", None, "/h"]
    assert app.endpoints[0].parameters == (unknown, unknown)


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
    },
)
CONFIG = st.fixed_dictionaries(
    {"dependencies": st.lists(DEPENDENCY | JSON, max_size=3) | JSON},
    optional={
        "version": st.sampled_from(["6.31.0", "4.44.1\n", "5"]) | JSON,
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
    except RxGradioError:
        return
    assert isinstance(app.info, dict)
    for endpoint in app.endpoints:
        assert type(endpoint.fn_index) is int
        assert isinstance(endpoint.label, str)
        assert isinstance(endpoint.description, str)
        assert len(endpoint.parameters) == sum(endpoint.inputs)
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
