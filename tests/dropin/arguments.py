"""Scenarios of arguments: how they are given, and what is said of those that do not fit."""

from __future__ import annotations

from tests.dropin.scenario import NAMED, NEWER, NEWEST, Script, differs, raises, returns, same

_OLD = ("4.8.0",)
_UNNAMED = "before 4.23 an app names no arguments; rxgradio makes names of the labels"


@same()
def by_position(it: Script) -> object:
    return it.connect().predict(1, 2.5, api_name="/add")


@differs(_UNNAMED, theirs=raises("TypeError"), ours=returns(3), on=_OLD)
@same(on=NAMED)
def by_name(it: Script) -> object:
    return it.connect().predict(b=1, a=2, api_name="/add")


@same(on=NAMED)
def by_position_and_by_name(it: Script) -> object:
    return it.connect().predict(1, b=2, api_name="/add")


@differs(
    "before 4.23 an app tells no defaults; rxgradio takes the values of its components",
    theirs=raises("TypeError"),
    ours=returns(('["soup", "medium", 1.0, true]', '["soup", "medium", 3.0, true]')),
    on=_OLD,
)
@same(on=NAMED)
def defaults(it: Script) -> object:
    client = it.connect()
    return client.predict("soup", api_name="/order"), client.predict(
        "soup", number=3, api_name="/order"
    )


@same(on=NAMED)
def defaults_by_name_only(it: Script) -> object:
    return it.connect().predict(spicy=False, dish="soup", api_name="/order")


@same(on=NAMED)
def a_default_of_none(it: Script) -> object:
    return it.connect().predict(api_name="/optional")


@same()
def none_given(it: Script) -> object:
    return it.connect().predict(None, api_name="/optional")


@same(raises="TypeError")
def a_missing_argument(it: Script) -> object:
    return it.connect().predict(1, api_name="/add")


@same(raises="TypeError")
def an_unknown_name(it: Script) -> object:
    return it.connect().predict(1, c=2, api_name="/add")


@same(raises="TypeError")
def an_argument_twice(it: Script) -> object:
    return it.connect().predict(1, 2, a=3, api_name="/add")


@differs("an argument that nobody takes is a mistake", theirs=returns(3), ours=raises("TypeError"))
def too_many_arguments(it: Script) -> object:
    return it.connect().predict(1, 2, 3, api_name="/add")


@same(on=NEWEST, raises="TypeError")
def submit_refuses_what_does_not_fit_at_once(it: Script) -> object:
    it.connect().submit(1, c=2, api_name="/add")
    return None


@same()
def two_outputs(it: Script) -> object:
    return it.connect().predict("abc", api_name="/two")


@same()
def an_output_of_none(it: Script) -> object:
    return it.connect().predict("abc", api_name="/nothing")


@same()
def no_outputs(it: Script) -> object:
    return it.connect().predict("abc", api_name="/nothing_out")


@same()
def nested_values(it: Script) -> object:
    value = {"a": [1, 2.5, None, True, {"ä": "\u2028 \U0001f600"}], "b": []}
    return it.connect().predict(value, api_name="/nested")


@same(on=NEWEST)
def tuples_are_lists_to_the_app(it: Script) -> object:
    return it.connect().predict(("a", "b"), api_name="/spoken")


@same(on=NAMED)
def a_slider(it: Script) -> object:
    client = it.connect()
    return client.predict(api_name="/ranged"), client.predict(7, api_name="/ranged")


@same(on=NEWER, raises="AppError")
def a_value_that_the_component_refuses(it: Script) -> object:
    return it.connect().predict("soup", "huge", api_name="/order")


# ---- which endpoint


@same(on=NEWEST)
def by_number(it: Script) -> object:
    return it.connect().predict(1, 2, fn_index=0)


@differs(
    "what it means is plain",
    theirs=raises("ValueError", message="slash"),
    ours=returns(3),
    on=NEWEST,
)
def no_leading_slash(it: Script) -> object:
    return it.connect().predict(1, 2, api_name="add")


@same(on=NAMED, APP_ONLY="1")
def the_only_public_endpoint_needs_no_name(it: Script) -> object:
    client = it.connect()
    return client.predict(1, 2), client.submit(1, b=2).result()


@same()
def an_endpoint_that_its_author_has_not_named(it: Script) -> object:
    client = it.connect()
    names = [each["api_name"] for each in client.config["dependencies"]]
    return names[9:12], client.predict("abc", fn_index=9)


@same()
def an_undocumented_endpoint(it: Script) -> object:
    return it.connect().predict("abc", api_name="/hidden")


# ---- sessions


@same()
def state_is_kept_and_not_shown(it: Script) -> object:
    client = it.connect()
    first = client.predict("a", api_name="/tally"), client.predict("b", api_name="/tally")
    client.reset_session()
    return first, client.predict("c", api_name="/tally")


@same()
def each_client_has_a_session_of_its_own(it: Script) -> object:
    one, other = it.connect(), it.connect()
    said = one.predict("a", api_name="/tally"), other.predict("b", api_name="/tally")
    return said, one.session_hash != other.session_hash


@same(raises="ValueError")
def an_unknown_endpoint(it: Script) -> object:
    return it.connect().predict(1, 2, api_name="/ad")


@same(on=NEWEST, raises="ValueError")
def an_unknown_number(it: Script) -> object:
    return it.connect().predict(1, 2, fn_index=999)


@same(on=NEWEST, raises="ValueError")
def several_endpoints_and_no_name(it: Script) -> object:
    return it.connect().predict(1, 2)


@same()
def by_name_and_number_of_which_the_name_counts(it: Script) -> object:
    return it.connect().predict("abc", api_name="/two", fn_index=0)


@same(raises="ValueError")
def a_private_endpoint(it: Script) -> object:
    return it.connect().predict("abc", api_name="/closed")


@same(raises="ValueError")
def a_private_endpoint_by_its_number(it: Script) -> object:
    return it.connect().predict("abc", fn_index=11)


@same()
def all_slots_of_a_call_with_state(it: Script) -> object:
    client = it.connect(_skip_components=False)
    return client.predict("a", [], api_name="/tally")


@same(on=NEWEST, raises="ValueError")
def an_error_of_several_endpoints_for_submit(it: Script) -> object:
    return it.connect().submit(1, 2)
