"""Who is told which token: the Hub, the app that is named, and nobody else."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
from huggingface_hub import constants

from rxgradio import Client, RxGradioError, SpaceError
from rxgradio.connection import Settings
from rxgradio.testing import FaultServer, Refuse
from tests.spaces.hub import Hub
from tests.transport.server import FakeGradio

FIELD = "x-hf-authorization"


def tokens_at(server: FakeGradio) -> set[tuple[str, ...]]:
    """Return what all requests together have said about who one is."""
    return {tuple(request.values(FIELD)) for request in server.requests}


def tokens_of(hub: Hub) -> set[str | None]:
    return {asked.token for asked in hub.asked}


def call(client: Client) -> None:
    with client:
        assert client.predict("x", api_name="/echo") == "x"


def test_the_saved_token_is_for_the_hub_and_for_a_space_that_it_names(
    hub: Hub, server: FakeGradio, save_token: Callable[[str], object]
) -> None:
    save_token("hf_user")
    hub.add("user/space", server.url, private=True)

    call(Client("user/space"))

    assert tokens_of(hub) == {"hf_user"}
    assert tokens_at(server) == {("Bearer hf_user",)}
    # Which may be the app's own.
    assert not any(request.values("authorization") for request in server.requests)


def test_the_token_of_the_environment_is_a_saved_one(
    hub: Hub, server: FakeGradio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_user")
    hub.add("user/space", server.url, private=True)

    call(Client("user/space"))

    assert tokens_at(server) == {("Bearer hf_user",)}


def test_a_token_that_is_given_is_used_instead_of_the_saved_one(
    hub: Hub, server: FakeGradio, save_token: Callable[[str], object]
) -> None:
    save_token("hf_me")
    hub.add("user/space", server.url, private=True)

    call(Client("user/space", token="hf_user"))

    assert tokens_of(hub) == {"hf_user"}
    assert tokens_at(server) == {("Bearer hf_user",)}


@pytest.mark.parametrize("token", [False, ""])
def test_no_token_at_all(
    hub: Hub, server: FakeGradio, save_token: Callable[[str], object], token: str
) -> None:
    save_token("hf_user")
    hub.add("user/space", server.url)

    call(Client("user/space", token=token))

    assert tokens_of(hub) == {None}
    assert tokens_at(server) == {()}


def test_a_saved_token_that_is_not_to_be_used_unasked_is_not(
    hub: Hub,
    server: FakeGradio,
    save_token: Callable[[str], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    save_token("hf_user")
    hub.add("user/space", server.url)

    call(Client("user/space"))

    assert tokens_of(hub) == {None}
    assert tokens_at(server) == {()}


def test_another_s_private_space_is_not_there(
    hub: Hub, server: FakeGradio, save_token: Callable[[str], object]
) -> None:
    save_token("hf_me")
    hub.add("user/space", server.url, private=True)

    with pytest.raises(SpaceError, match="private and the token is not for it"):
        Client("user/space")

    assert server.requests == []


def test_the_saved_token_is_not_for_just_any_app(
    server: FakeGradio, save_token: Callable[[str], object]
) -> None:
    save_token("hf_user")

    call(Client(server.url))

    assert tokens_at(server) == {()}


def test_a_token_that_is_given_is_for_the_app_that_is_named(server: FakeGradio) -> None:
    call(Client(server.url, token="hf_given"))

    assert tokens_at(server) == {("Bearer hf_given",)}


@pytest.mark.parametrize("version", ["3.36.1", "4.8.0", "4.44.1", "6.31.0"])
def test_every_request_of_every_version_has_the_token(
    hub: Hub, version: str, save_token: Callable[[str], object]
) -> None:
    save_token("hf_user")
    with FaultServer(version=version) as server:
        hub.add("user/space", server.url)

        with Client("user/space") as client:
            assert client.predict("x", api_name="/echo") == "x"

        assert server.asked("stream")
        assert {tuple(request.values(FIELD)) for request in server.requests} == {
            ("Bearer hf_user",)
        }


def first_request(url: str) -> httpx.Request:
    """Connect to nowhere, and return what was sent there."""
    sent: list[httpx.Request] = []

    def send(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ConnectError("nowhere")

    transport = httpx.MockTransport(send)
    with pytest.raises(RxGradioError):
        Client(url, httpx_kwargs={"transport": transport}, retry=None)
    return sent[0]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://user-space.hf.space", True),
        ("https://user-space.hf.space/path", True),
        ("https://USER-space.HF.space", True),
        ("http://user-space.hf.space", False),
        ("https://hf.space.example.com", False),
        ("https://nothf.space", False),
        ("https://example.com/x.hf.space", False),
        ("https://user:pass@example.com", False),
        ("https://gradio.live", False),
    ],
)
def test_the_saved_token_is_for_hosts_of_hugging_face_only(
    url: str, sent: bool, save_token: Callable[[str], object]
) -> None:
    save_token("hf_user")

    request = first_request(url)

    assert request.headers.get(FIELD) == ("Bearer hf_user" if sent else None)


def test_a_space_by_its_url_needs_neither_a_token_nor_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert FIELD not in first_request("https://user-space.hf.space").headers
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", None)
    assert FIELD not in first_request("https://user-space.hf.space").headers


@pytest.mark.parametrize("name", ["x-hf-authorization", "X-HF-Authorization"])
@pytest.mark.parametrize("over", [None, httpx.AsyncHTTPTransport])
def test_a_header_field_that_is_given_is_used_instead(
    server: FakeGradio, name: str, over: Callable[[], object] | None
) -> None:
    how = {} if over is None else {"transport": over()}
    headers = {name: "Bearer mine"}
    call(Client(server.url, token="hf_given", headers=headers, httpx_kwargs=how))

    assert tokens_at(server) == {("Bearer mine",)}


def test_no_token_goes_along_with_a_redirect(
    hub: Hub, server: FakeGradio, elsewhere: FakeGradio
) -> None:
    hub.add("user/space", server.url)
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}/config\r\nContent-Length: 0\r\n\r\n"
    server.script("config", moved.encode())

    with pytest.raises(RxGradioError):
        Client("user/space", token="hf_user", retry=None)

    assert elsewhere.requests == []


def test_an_encrypted_hub_sends_nobody_to_an_address_without_encryption(
    hub: Hub, server: FakeGradio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    hub.add("user/space", server.url)
    make = HfApi.__init__

    def told(self: HfApi, *args: object, **how: object) -> None:
        make(self, *args, **how)  # type: ignore[arg-type] # passed on
        asked, self.endpoint = self.endpoint, "https://hub.example.com"
        ask = HfApi.space_info
        monkeypatch.setattr(self, "space_info", lambda name: ask(HfApiOf(asked), name))

    class HfApiOf(HfApi):
        def __init__(self, endpoint: str) -> None:
            make(self, endpoint)

    monkeypatch.setattr(HfApi, "__init__", told)

    with pytest.raises(RxGradioError, match="without encryption"):
        Client("user/space", token="hf_user")

    assert server.requests == []


# ---- rule 20


def everything_of(error: BaseException | None) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield repr(_behind(error))
        error = error.__cause__ or error.__context__


def _behind(error: BaseException) -> Mapping[str, object]:
    """Return the header fields of requests that an error holds."""
    request = getattr(error, "request", None)
    return dict(getattr(request, "headers", {}))


SECRET = "hf_s3cretS3cret"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
@pytest.mark.parametrize("step", ["space", "runtime", "config"])
def test_no_error_and_no_log_shows_a_token(
    hub: Hub,
    server: FakeGradio,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    status: int,
    step: str,
) -> None:
    for name in ("", "rxgradio", "huggingface_hub", "httpx", "httpx2", "httpcore", "aiohttp"):
        caplog.set_level(logging.DEBUG, name)
    hub.people[SECRET] = "user"
    hub.add("user/space", server.url)
    hub.answers[step] = lambda _: (status, {"error": "no"}, {"X-Error-Message": "no"})
    server.script("config", Refuse(status))

    with pytest.raises(RxGradioError) as caught:
        Client("user/space", token=SECRET, retry=None)

    output = capfd.readouterr()
    for text in [*everything_of(caught.value), caplog.text, output.out, output.err]:
        assert SECRET not in text
    assert tokens_of(hub) == {SECRET}


def test_a_client_shows_no_token(hub: Hub, server: FakeGradio) -> None:
    hub.people[SECRET] = "user"
    hub.add("user/space", server.url)

    with Client("user/space", token=SECRET) as client:
        job = client.submit("x", api_name="/echo")
        job.result()
        shown = [repr(client), str(client), client.src, repr(vars(client)), repr(job)]
        shown += [repr(vars(client._connection)), repr(Settings(token=SECRET))]

    assert not any(SECRET in text for text in shown)
    assert tokens_at(server) == {(f"Bearer {SECRET}",)}
