"""Scenarios of the client: how it connects, and what it tells of the app."""

from __future__ import annotations

import contextlib
import io
import os

from tests.dropin.scenario import ALL, NAMED, NEWER, NEWEST, Script, differs, raises, returns, same
from tests.transport.proxy import Proxy

_BEFORE_5 = ALL[:2]


@same()
def a_slash_at_the_end_of_the_address_changes_nothing(it: Script) -> object:
    client, other = it.connect(it.address), it.connect(it.address + "/")
    return client.src == other.src, client.predict(1, 2, api_name="/add")


@same()
def endpoints_by_their_number(it: Script) -> object:
    endpoints = it.connect().endpoints
    known = [(number, each.fn_index, each.api_name) for number, each in endpoints.items()]
    # What is private cannot be called; gradio_client lists it nevertheless.
    return [each for each in known if each[2] not in {None, False, "/closed"}]


@same()
def the_config_is_the_apps(it: Script) -> object:
    config = it.connect().config
    return config["version"], config.get("protocol"), len(config["dependencies"])


@same(on=NEWEST)
def the_app_is_no_space(it: Script) -> object:
    return it.connect().space_id


@same()
def view_api_returns_a_dict_of_all_endpoints(it: Script) -> object:
    told = it.connect().view_api(print_info=False, return_format="dict")
    return {kind: list(each) for kind, each in told.items()}


@same()
def view_api_returns_a_dict_of_parameters_and_returns(it: Script) -> object:
    told = it.connect().view_api(print_info=False, return_format="dict")
    endpoints = told["named_endpoints"].items()
    return {name: (each["parameters"], each["returns"]) for name, each in endpoints}


@same()
def view_api_returns_a_text_that_names_all(it: Script) -> object:
    client = it.connect()
    text = client.view_api(print_info=False, return_format="str")
    names = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    return [name for name in names if f'api_name="{name}"' not in text]


@differs(
    "the text is written for people, and says other things in another order",
    theirs=returns("Client.predict() Usage Info"),
    ours=returns("the address, and the version of Gradio"),
)
def the_text_of_view_api(it: Script) -> object:
    client = it.connect()
    first, _, _ = client.view_api(print_info=False, return_format="str").partition("\n")
    own = f"{it.address} (Gradio {client.config['version']})"
    return "the address, and the version of Gradio" if first == own else first


@same()
def view_api_prints_and_returns_nothing(it: Script) -> object:
    client = it.connect()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        returned = client.view_api()
    text = client.view_api(print_info=False, return_format="str")
    return returned, printed.getvalue() == text + "\n"


@same(on=NEWEST)
def view_api_prints_nothing_if_told_so(it: Script) -> object:
    client = it.connect()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        returned = client.view_api(print_info=False)
    return returned, printed.getvalue()


@same(on=NEWEST)
def repr_and_str_tell_the_api(it: Script) -> object:
    client = it.connect()
    told = client.view_api(print_info=False, return_format="str")
    return repr(client) == told, str(client) == told


@differs(
    "a library has nothing to say on the standard output",
    theirs=returns("Loaded as API: /\n"),
    ours=returns(""),
    on=NEWEST,
)
def connecting_tells_so_on_the_standard_output(it: Script) -> object:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        it.connect()
        it.connect(verbose=False)
    return printed.getvalue().replace(it.address, "")


@differs(
    "the exceptions of one HTTP library are no part of the interface",
    theirs=raises("ConnectError"),
    ours=raises("ConnectionError"),
    on=NEWEST,
)
def no_server(it: Script) -> object:
    return it.connect("http://127.0.0.1:9")


@same(on=NEWEST, raises="ValueError")
def an_address_that_is_none(it: Script) -> object:
    return it.connect("no address")


@same(APP_AUTH="me:secret", raises="AuthenticationError")
def no_login(it: Script) -> object:
    return it.connect()


@same(APP_AUTH="me:secret", raises="ValueError")
def a_wrong_login(it: Script) -> object:
    return it.connect(auth=("me", "wrong"))


@same(APP_AUTH="me:secret")
def a_login(it: Script) -> object:
    return it.connect(auth=("me", "secret")).predict(api_name="/visitor")


@same(APP_AUTH="me:secret")
def a_login_as_a_list_and_a_file(it: Script) -> object:
    client = it.connect(auth=["me", "secret"])
    return client.predict(it.handle_file(it.file()), api_name="/read_file")


@differs(
    "the routes of a mounted app are found where they are",
    theirs=raises("ValueError"),
    ours=returns((3, "some words")),
    on=_BEFORE_5,
    APP_ROOT="/deep/path",
)
@same(on=NEWER, APP_ROOT="/deep/path")
def an_app_under_a_path(it: Script) -> object:
    client = it.connect()
    said = client.predict(1, 2, api_name="/add")
    return said, client.predict(it.handle_file(it.file()), api_name="/read_file")


# ---- header fields, tokens


@same()
def header_fields_reach_the_function(it: Script) -> object:
    client = it.connect(headers={"x-probe": "1"})
    return client.predict("x-probe,authorization", api_name="/request_headers")


@same()
def a_token_is_sent_as_x_hf_authorization(it: Script) -> object:
    client = it.connect(token="hf_abc")
    return client.predict("authorization,x-hf-authorization", api_name="/request_headers")


@differs(
    "those of a call are sent whatever the release",
    theirs=returns(('{"x-probe": null}', '{"x-probe": null}', '{"x-probe": null}')),
    ours=returns(('{"x-probe": "2"}', '{"x-probe": "3"}', '{"x-probe": null}')),
    on=ALL[:1],
)
@same(on=NAMED)
def header_fields_of_a_call_reach_the_function(it: Script) -> object:
    client = it.connect()
    said = client.predict("x-probe", api_name="/request_headers", headers={"x-probe": "2"})
    job = client.submit("x-probe", api_name="/request_headers", headers={"x-probe": "3"})
    return said, job.result(), client.predict("x-probe", api_name="/request_headers")


@differs(
    "the documentation says that those of a call override those of the client",
    theirs=returns('{"x-probe": "1"}'),
    ours=returns('{"x-probe": "2"}'),
)
def header_fields_of_a_call_and_of_the_client(it: Script) -> object:
    client = it.connect(headers={"x-probe": "1"})
    return client.predict("x-probe", api_name="/request_headers", headers={"x-probe": "2"})


@differs(
    "what is the caller's is not written to",
    theirs=returns(["x-gradio-user", "x-probe"]),
    ours=returns(["x-probe"]),
    on=NEWEST,
)
def the_callers_dict_of_header_fields(it: Script) -> object:
    mine = {"x-probe": "1"}
    it.connect().predict("x-probe", api_name="/request_headers", headers=mine)
    return sorted(mine)


@same(on=NEWEST)
def an_oauth_token_goes_to_the_function_that_takes_one(it: Script) -> object:
    client = it.connect(oauth_token="hf_abc")
    return client.predict(api_name="/acts"), client.predict(
        "authorization,x-hf-authorization", api_name="/request_headers"
    )


@same(on=NEWEST, raises="AppError")
def an_oauth_token_that_is_missing(it: Script) -> object:
    return it.connect().predict(api_name="/acts")


@same(on=NEWER)
def cookies_in_httpx_kwargs(it: Script) -> object:
    client = it.connect(httpx_kwargs={"cookies": {"a": "b"}, "timeout": 20})
    return client.predict("cookie", api_name="/request_headers")


@differs(
    "a time-out is for what should be quick, and a call may take its time",
    theirs=raises("CancelledError"),
    ours=returns("slept"),
    on=NEWER,
)
def a_time_out_that_is_shorter_than_the_call(it: Script) -> object:
    client = it.connect(httpx_kwargs={"timeout": 1})
    return client.predict(2.5, api_name="/nap")


@same(on=NEWER)
def a_proxy(it: Script) -> object:
    with Proxy() as proxy:
        client = it.connect(httpx_kwargs={"proxy": proxy.url})
        said = client.predict(1, 2, api_name="/add")
        uploaded = client.predict(it.handle_file(it.file()), api_name="/read_file")
        asked = {route.rpartition("/")[2] for route in proxy.routes}
        return said, uploaded, sorted({"config", "join", "data", "upload"} - asked)


@differs(
    "the exceptions of one HTTP library are no part of the interface",
    theirs=raises("ConnectError"),
    ours=raises("ConnectionError"),
    on=NEWEST,
    APP_TLS="1",
)
def a_certificate_that_nobody_knows(it: Script) -> object:
    return it.connect()


@same(on=NEWEST, APP_TLS="1")
def a_certificate_that_is_not_checked(it: Script) -> object:
    client = it.connect(ssl_verify=False)
    return client.predict(it.handle_file(it.file()), api_name="/read_file")


# ---- many calls, and none


@same()
def few_workers_and_many_calls(it: Script) -> object:
    client = it.connect(max_workers=2)
    jobs = [client.submit(n, 1, api_name="/add") for n in range(8)]
    return [job.result() for job in jobs]


@same(on=NEWEST)
def closing_twice(it: Script) -> object:
    client = it.connect()
    return client.close(), client.close()


@differs("what is closed is closed", theirs=returns(3), ours=raises("ClientClosed"), on=NEWEST)
def calling_after_close(it: Script) -> object:
    client = it.connect()
    client.close()
    return client.predict(1, 2, api_name="/add")


@same(raises="ValueError")
def a_page_that_is_no_app(it: Script) -> object:
    return it.connect(it.address + "/no/such/path")


@same(on=NEWEST, raises="ValueError")
def downloads_into_what_is_no_folder(it: Script) -> object:
    return it.connect(download_files=it.file())


@same()
def the_session_hash_changes_with_the_session(it: Script) -> object:
    client = it.connect()
    before = client.session_hash
    client.reset_session()
    return isinstance(before, str), before != client.session_hash


@same(on=NEWEST)
def src_ends_with_a_slash(it: Script) -> object:
    return it.connect().src.removeprefix(it.address)


@same()
def view_api_returns_a_dict(it: Script) -> object:
    return it.connect().view_api(print_info=False, return_format="dict")


@same(on=NEWEST)
def verbose_is_kept(it: Script) -> object:
    return it.connect(verbose=False).verbose


@same(on=NEWEST)
def own_header_fields_are_in_headers(it: Script) -> object:
    return it.connect(headers={"x-probe": "1"}).headers["x-probe"]


@same()
def the_protocol(it: Script) -> object:
    return it.connect().protocol


@differs(
    "a client keeps no secret where a script, or a debugger, comes across it",
    theirs=returns("hf_abc"),
    ours=raises("AttributeError"),
    on=NEWEST,
)
def the_token_of_a_client(it: Script) -> object:
    return it.connect(token="hf_abc").token


@differs(
    "addresses of the app's routes are no part of the interface",
    theirs=returns("/gradio_api/upload"),
    ours=raises("AttributeError"),
    on=NEWEST,
)
def the_address_of_a_route(it: Script) -> object:
    return it.connect().upload_url.removeprefix(it.address)


@differs(
    "a version is what the app says that it is: a text",
    theirs=returns("Version"),
    ours=returns("str"),
    on=NEWEST,
)
def the_version_of_the_app(it: Script) -> object:
    client = it.connect()
    assert str(client.app_version) == client.config["version"]
    return type(client.app_version).__name__


@differs(
    "an app has no need to know by what it is called",
    theirs=returns('{"x-gradio-user": "api"}'),
    ours=returns('{"x-gradio-user": null}'),
    on=NEWEST,
)
def what_an_app_is_told_of_its_caller(it: Script) -> object:
    return it.connect().predict("x-gradio-user", api_name="/request_headers")


@differs(
    "what is secret goes to no host that it is not meant for",
    theirs=returns('{"x-hf-authorization": "Bearer hf_saved"}'),
    ours=returns('{"x-hf-authorization": null}'),
    on=NEWEST,
)
def a_token_that_is_saved_on_this_machine(it: Script) -> object:
    before = os.environ.get("HF_TOKEN")
    os.environ["HF_TOKEN"] = "hf_saved"
    try:
        return it.connect().predict("x-hf-authorization", api_name="/request_headers")
    finally:
        del os.environ["HF_TOKEN"]
        if before is not None:
            os.environ["HF_TOKEN"] = before


@differs(
    "what cannot be called is not offered",
    theirs=returns(True),
    ours=returns(False),
    on=NEWEST,
)
def a_private_endpoint_among_the_endpoints(it: Script) -> object:
    return 11 in it.connect().endpoints


@same()
def header_fields_that_are_added_later(it: Script) -> object:
    client = it.connect(headers={"x-a": "1"})
    client.headers["x-probe"] = "2"
    return client.predict("x-a,x-probe", api_name="/request_headers")


@same()
def an_address_as_a_browser_shows_it(it: Script) -> object:
    return it.connect(f"{it.address}/?__theme=dark").predict(1, 2, api_name="/add")


@same(on=NEWEST)
def query_parameters_in_httpx_kwargs(it: Script) -> object:
    return it.connect(httpx_kwargs={"params": {"k": "v"}}).predict(1, 2, api_name="/add")


@same()
def predict_is_what_submit_returns(it: Script) -> object:
    class Counting(it.library.Client):  # type: ignore[misc,name-defined] # of either library
        calls = 0

        def submit(self, *args: object, **kwargs: object) -> object:
            self.calls += 1
            return super().submit(*args, **kwargs)

    client = Counting(it.address)
    try:
        return client.predict(1, 2, api_name="/add"), client.calls
    finally:
        client.close()


@differs(
    "an argument that cannot be sent is an argument that does not fit",
    theirs=raises("UnicodeEncodeError"),
    ours=raises("TypeError"),
    on=NEWEST,
)
def half_a_character(it: Script) -> object:
    return it.connect().predict("\ud800", api_name="/hidden")
