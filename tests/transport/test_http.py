"""Connecting: what is sent to whom, what is kept secret, and what is made of the answers."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rxgradio import (
    AuthenticationError,
    CancelOutcome,
    Client,
    ConnectionLost,
    ProtocolError,
    RxGradioError,
    TooManyRequestsError,
)
from tests.transport.older import make_older
from tests.transport.server import EVENT_STREAM, SOON, FakeGradio, Peer, Script, answer, chunk

ROOT = Path(__file__).parents[2]
PASSWORD = "s3cret"
TOKEN = "t0ken-of-mine"


# ---- no server, or none that speaks HTTP


def test_a_refused_connection_is_lost_and_nothing_was_sent(unused_port: int) -> None:
    with pytest.raises(ConnectionLost, match=f"{unused_port}.*is the app running there") as caught:
        Client(f"http://127.0.0.1:{unused_port}")
    assert not caught.value.sent
    assert caught.value.__cause__ is not None


async def close(peer: Peer) -> None:
    peer.close()


async def reset(peer: Peer) -> None:
    peer.reset()


async def babble(peer: Peer) -> None:
    await peer.send(b"\x00\xff SSH-2.0-OpenSSH_9.6\r\n\r\n" * 10)
    peer.close()


async def greet_and_close(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    peer.close()


async def half_close(peer: Peer) -> None:
    peer.half_close()
    await peer.gone()


@pytest.mark.parametrize("route", ["connect", "bytes", "config", "info"])
@pytest.mark.parametrize("accident", [close, reset, babble, greet_and_close, half_close])
def test_whatever_is_no_http_is_a_lost_connection(
    server: FakeGradio, route: str, accident: Script
) -> None:
    server.script(route, accident)
    with pytest.raises(ConnectionLost) as caught:
        Client(server.url)
    if route != "connect":  # there, it may come before the connection counts as made
        assert caught.value.sent
    server.until(lambda: server.open == 0)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    ],
    ids=["length", "chunk", "framing", "two lengths", "long field", "negative"],
)
def test_a_malformed_answer_is_a_lost_connection(server: FakeGradio, content: bytes) -> None:
    async def send(peer: Peer) -> None:
        await peer.send(content)
        peer.close()

    server.script("config", send)
    with pytest.raises(ConnectionLost):
        Client(server.url)


def test_a_host_name_is_looked_up_and_leaves_no_thread(server: FakeGradio) -> None:
    with Client(f"http://localhost:{server.port}") as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert server.requests[0].values("host") == [f"localhost:{server.port}"]


_LOOK_UP = """
import socket, threading
asked = threading.Event()
def look_up(*args, **kwargs):
    asked.set()
    threading.Event().wait(20)
socket.getaddrinfo = look_up
from rxgradio import Client
threading.Thread(target=Client, args=("http://app.invalid",), daemon=True).start()
assert asked.wait(20)
"""


def test_a_name_server_that_does_not_answer_does_not_hold_up_the_exit() -> None:
    process = subprocess.run(
        [sys.executable, "-c", _LOOK_UP],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=8,
        check=False,
    )
    assert (process.returncode, process.stdout) == (0, "")


# ---- answers that are none of a Gradio app


@pytest.mark.parametrize(
    ("route", "status", "kind", "text"),
    [
        ("config", "404 Not Found", ProtocolError, "404.*Nobody is here"),
        ("config", "500 Internal Server Error", ProtocolError, "500.*Nobody is here"),
        *[
            (route, *refused)
            for route in ("config", "info")
            for refused in [
                ("200 OK", ProtocolError, "not JSON.*Nobody is here"),
                ("502 Bad Gateway", ProtocolError, "502.*Nobody is here"),
                ("401 Unauthorized", AuthenticationError, "login.*401"),
                ("403 Forbidden", AuthenticationError, "login.*403"),
            ]
        ],
    ],
)
def test_a_refusal_says_what_the_server_said(
    server: FakeGradio, route: str, status: str, kind: type[RxGradioError], text: str
) -> None:
    server.script(route, answer(b"<h1>Nobody is here</h1>", status, kind="text/html"))
    with pytest.raises(kind, match=text) as caught:
        Client(server.url)
    if isinstance(caught.value, ProtocolError):
        assert caught.value.status == int(status[:3])


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error"])
def test_an_app_that_documents_nothing_can_be_called(server: FakeGradio, status: str) -> None:
    server.script("info", answer(b"{}", status))
    with Client(server.url) as client:
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [(["Retry-After: 7"], 7.0), ([], None), (["Retry-After: Wed, 21 Oct 2020 07:28:00 GMT"], 0.0)],
)
def test_a_server_may_ask_to_slow_down(
    server: FakeGradio, fields: list[str], seconds: float | None
) -> None:
    server.script("config", answer(b"", "429 Too Many Requests", *fields))
    with pytest.raises(TooManyRequestsError, match="429") as caught:
        Client(server.url)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("config", [[], [1, 2], None, 7, "config", {}, {"dependencies": 5}])
def test_json_that_is_no_config_is_told_as_such(server: FakeGradio, config: Any) -> None:
    server.script("config", answer(config))
    with pytest.raises(ProtocolError, match="no Gradio app"):
        Client(server.url)


@pytest.mark.parametrize("framing", ["chunked", "announced"])
def test_a_huge_config_is_not_read_to_its_end(server: FakeGradio, framing: str) -> None:
    sent = 0

    async def flood(peer: Peer) -> None:
        nonlocal sent
        piece = b" " * (1 << 20)
        head = {"chunked": "Transfer-Encoding: chunked", "announced": f"Content-Length: {1 << 40}"}
        await peer.send(f"HTTP/1.1 200 OK\r\n{head[framing]}\r\n\r\n".encode())
        while True:
            await peer.send(chunk(piece) if framing == "chunked" else piece)
            sent += len(piece)

    server.script("config", flood)
    with pytest.raises(ProtocolError, match="more than 16777216 bytes"):
        Client(server.url)
    server.until(lambda: server.open == 0)
    assert sent < 40 << 20  # the limit, and what sockets hold


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-unheard-of"])
def test_compressed_answers_are_not_asked_for_and_refused(server: FakeGradio, coding: str) -> None:
    server.script("config", answer(b"whatever", "200 OK", f"Content-Encoding: {coding}"))
    with pytest.raises(ProtocolError, match=f"not asked for: {coding}"):
        Client(server.url)
    assert server.requests[0].values("accept-encoding") == ["identity"]


@pytest.mark.parametrize(
    "prefix",
    [
        "//evil.example",
        "http://{}",
        "//{}/x",
        "@{}",
        "/..",
        "/a/../..",
        "/a?b",
        "/a#b",
        "a",
        5,
        "/\n",
    ],
)
def test_an_api_prefix_cannot_lead_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, prefix: Any
) -> None:
    named = prefix.format(elsewhere.origin) if isinstance(prefix, str) else prefix
    server.config_fields["api_prefix"] = named
    with pytest.raises(ProtocolError, match="api_prefix"):
        Client(server.url)
    assert [request.target for request in server.requests] == ["/config"]
    assert elsewhere.accepted == 0


@pytest.mark.parametrize("root", ["http://{}", "//{}/x"])
def test_no_address_in_a_config_leads_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, root: str
) -> None:
    there = root.format(elsewhere.origin)
    names = ["root", "proxy_url", "space_id", "root_path", "src", "api_url"]
    server.config_fields.update(dict.fromkeys(names, there))
    with Client(server.url, headers={"x-token": TOKEN}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert elsewhere.accepted == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:7860",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://[::1",
        "",
    ],
)
def test_what_is_no_address_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Client(address)


@pytest.mark.parametrize("more", ["/?__theme=dark", "/#top", "/?view=api#x", "  \n"])
def test_an_address_may_be_as_a_browser_shows_it(server: FakeGradio, more: str) -> None:
    with Client(server.url + more) as client:
        assert client.src == server.url + "/"
        assert client.predict("x", api_name="/echo") == "x"


def test_header_fields_may_be_added_later(server: FakeGradio) -> None:
    with Client(server.url, headers={"x-a": "1"}) as client:
        client.headers["x-b"] = "2"
        assert client.predict("x", api_name="/echo") == "x"
        client.headers = {"x-a": "3"}
        assert client.predict("x", api_name="/echo", headers={"x-c": "4"}) == "x"
        assert client.session().predict("x", api_name="/echo") == "x"
        assert repr(client.headers) == "<header fields x-a>"
    names = ("x-a", "x-b", "x-c")
    sent = [[request.values(name) for name in names] for request in server.asked("join")]
    assert sent == [[["1"], ["2"], []], [["3"], [], ["4"]], [["3"], [], []]]


# ---- redirects


def _moved(status: int, there: FakeGradio) -> bytes:
    location = f"Location: {there.url}/config"
    return answer(b"", f"{status} Moved", location, "Set-Cookie: late=1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("route", ["config", "info", "join", "data"])
def test_a_redirect_elsewhere_is_not_followed(
    server: FakeGradio, elsewhere: FakeGradio, route: str, status: int
) -> None:
    server.fields = ("Set-Cookie: crumb=1",)
    server.script(route, _moved(status, elsewhere))
    url = server.url.replace("//", f"//user:{PASSWORD}@")

    def go() -> None:
        with Client(url, headers={"x-token": TOKEN}) as client:
            client.submit("x", api_name="/echo").result(SOON)

    with pytest.raises(ProtocolError, match="redirects") as caught:
        go()
    assert caught.value.status == status
    assert len(server.asked(route)) == 1
    assert elsewhere.accepted == 0


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_to_the_same_server_is_not_followed_either(
    server: FakeGradio, status: int
) -> None:
    server.script("join", _moved(status, server))
    with Client(server.url) as client:
        with pytest.raises(ProtocolError, match="redirects"):
            client.predict("x", api_name="/echo")
        server.script("join", None)
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("config")) == 1


def test_a_redirected_cancel_is_not_followed(server: FakeGradio, elsewhere: FakeGradio) -> None:
    server.script("cancel", _moved(307, elsewhere))
    with Client(server.url) as client:
        job = client.submit("x", api_name="/held")
        server.until(lambda: server.asked("data"))
        assert job.cancel()
        assert job.cancel_outcome.result(SOON) is CancelOutcome.UNKNOWN
    assert elsewhere.accepted == 0


# ---- secrets


def _everything_said(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (str(error), repr(error), *getattr(error, "__notes__", []))
        error = error.__cause__ or error.__context__


def test_a_login_in_the_address_is_sent_and_shown_nowhere(
    server: FakeGradio, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url.replace("//", f"//us%40er:{PASSWORD}%2F@")
    expected = base64.b64encode(f"us@er:{PASSWORD}/".encode()).decode()
    with Client(url, headers={"x-token": TOKEN}) as client:
        assert client.src == server.url + "/"
        said = [repr(client), str(client), client.src, repr(vars(client))]
        said += [str(client.view_api(return_format="str"))]
        said += [str(client.view_api(return_format="dict"))]
        job = client.submit("x", api_name="/echo")
        assert job.result(SOON) == "x"
        said += [repr(job), repr(job.status()), repr(client.endpoint("/echo"))]
        server.script("join", answer(b"boom", "500 Internal Server Error"))
        failed = client.submit("x", api_name="/echo")
        said += _everything_said(failed.exception(SOON))
        server.script("join", reset)
        failed = client.submit("x", api_name="/echo")
        said += _everything_said(failed.exception(SOON))
    for request in server.requests:
        assert request.values("authorization") == [f"Basic {expected}"]
        assert request.values("host") == [server.origin]
        assert PASSWORD not in request.target
    output = capfd.readouterr()
    for text in [*said, caplog.text, output.out, output.err]:
        for secret in (PASSWORD, expected, TOKEN):
            assert secret not in text


@pytest.mark.parametrize("trouble", ["refused", "500", "reset", "redirect", "scheme"])
def test_no_error_of_connecting_shows_the_password(
    server: FakeGradio,
    unused_port: int,
    trouble: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url.replace("//", f"//user:{PASSWORD}@")
    match trouble:
        case "refused":
            url = url.replace(str(server.port), str(unused_port))
        case "500":
            server.script("config", answer(b"boom", "500 Internal Server Error"))
        case "reset":
            server.script("config", reset)
        case "redirect":
            server.script("config", _moved(307, server))
        case "scheme":
            url = url.replace("http", "ftp")
    with pytest.raises((RxGradioError, ValueError)) as caught:
        Client(url)
    for text in [*_everything_said(caught.value), caplog.text]:
        assert PASSWORD not in text


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"x-token": 5}, TypeError),
        ({"x-token": None}, TypeError),
        ({"x-token": TOKEN.encode()}, TypeError),
        ({5: TOKEN}, TypeError),
        ({"x-token": f"{TOKEN}\r\nEvil: 1"}, ValueError),
        ({"x-token": f"{TOKEN}\n"}, ValueError),
        ({"x-token": f"{TOKEN}\0"}, ValueError),
        ({"x-token": f"{TOKEN}-ü"}, ValueError),
        ({"x token": TOKEN}, ValueError),
        ({"x-token\r\nEvil": TOKEN}, ValueError),
        ({"": TOKEN}, ValueError),
    ],
)
def test_header_fields_that_cannot_be_sent_are_refused_without_quoting_them(
    server: FakeGradio, headers: Any, kind: type[Exception]
) -> None:
    async def connect() -> None:
        await Client.connect(server.url, headers=headers)

    with pytest.raises(kind) as by_client:
        Client(server.url, headers=headers)
    with pytest.raises(kind) as by_connect:
        asyncio.run(connect())
    assert server.accepted == 0
    with Client(server.url) as client:
        with pytest.raises(kind) as by_call:
            client.submit("x", api_name="/echo", headers=headers)
        assert client.predict("x", api_name="/echo") == "x"
    assert len(server.asked("join")) == 1
    for caught in (by_client, by_connect, by_call):
        assert not any(TOKEN in text for text in _everything_said(caught.value))


# ---- header fields and cookies


def test_header_fields_go_with_every_request_and_those_of_a_call_win(server: FakeGradio) -> None:
    with Client(server.url, headers={"X-Who": "client", "X-All": "1"}) as client:
        client.predict("x", api_name="/echo")
        client.predict("x", api_name="/echo", headers={"x-who": "call", "x-one": "1"})
        job = client.submit("x", api_name="/held", headers={"X-WHO": "held"})
        server.until(lambda: len(server.asked("data")) == 3)
        job.cancel()
        server.until(lambda: server.asked("cancel"))
    assert all(request.values("x-all") == ["1"] for request in server.requests)
    assert [request.values("x-who") for request in server.asked("join")] == [
        ["client"],
        ["call"],
        ["held"],
    ]
    assert [request.values("x-one") for request in server.asked("join")] == [[], ["1"], []]
    assert server.asked("cancel")[0].values("x-who") == ["held"]
    for request in server.asked("config") + server.asked("data"):
        assert request.values("x-who") == ["client"]


def test_no_header_field_of_a_user_breaks_the_body(server: FakeGradio) -> None:
    with Client(server.url, headers={"Content-Type": "text/plain"}) as client:
        fields = {"Content-Type": "text/html", "Accept-Encoding": "gzip"}
        assert client.predict("x", api_name="/echo", headers=fields) == "x"
    assert server.asked("join")[0].values("content-type") == ["application/json"]


def test_cookies_go_back_to_the_server_that_set_them(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    server.fields = ("Set-Cookie: crumb=42; Path=/; HttpOnly", "Set-Cookie: other=1; Path=/else")
    with Client(server.url) as client, Client(server.url), Client(elsewhere.url):
        client.predict("x", api_name="/echo")
    sent = [request.values("cookie") for request in server.requests]
    # The other client of the same server has cookies of its own.
    assert sent == [[], ["crumb=42"], [], ["crumb=42"], ["crumb=42"], ["crumb=42"]]
    assert [request.values("cookie") for request in elsewhere.requests] == [[], []]


# ---- connections


def test_connections_are_kept_alive(server: FakeGradio, client: Client) -> None:
    for n in range(100):
        assert client.predict(f"{n}", api_name="/echo") == f"{n}"
    assert len(server.asked("join")) == 100
    assert len(server.asked("data")) <= 100  # one may serve two calls
    assert server.accepted <= 4


def test_a_server_that_keeps_nothing_alive_is_served_as_well(server: FakeGradio) -> None:
    server.closes = True
    with Client(server.url) as client:
        for n in range(20):
            assert client.predict(f"{n}", api_name="/echo") == f"{n}"
    assert server.accepted == len(server.requests) == 42


def test_idle_connections_may_be_closed_between_calls(server: FakeGradio, client: Client) -> None:
    for n in range(10):
        assert client.predict(f"{n}", api_name="/echo") == f"{n}"
        assert server.open
        server.end_idle_connections()
        server.until(lambda: server.open == 0)
    assert len(server.asked("join")) == 10


def test_an_error_whose_connection_is_closed_harms_no_later_call(
    server: FakeGradio, client: Client
) -> None:
    async def fail(peer: Peer) -> None:
        await peer.send(answer(b"boom", "500 Internal Server Error", "Connection: close"))
        peer.close()

    async def fail_and_close_unannounced(peer: Peer) -> None:  # as uvicorn does
        await peer.send(answer(b"boom", "500 Internal Server Error"))
        peer.close()

    for accident in (fail, fail_and_close_unannounced):
        for n in range(5):
            server.script("join", accident, None)
            with pytest.raises(ProtocolError, match="500") as caught:
                client.predict("x", api_name="/echo")
            assert caught.value.status == 500
            assert client.predict(f"{n}", api_name="/echo") == f"{n}"
    assert len(server.asked("join")) == 20


def test_an_answer_in_any_framing_is_read(server: FakeGradio) -> None:
    async def until_closed(peer: Peer) -> None:
        body = json.dumps({"event_id": (await server.accept(peer.request)).event_id}).encode()
        await peer.send(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        peer.close()

    async def chunked(peer: Peer) -> None:
        body = json.dumps({"event_id": (await server.accept(peer.request)).event_id}).encode()
        await peer.send(EVENT_STREAM)
        for n in range(len(body)):
            await peer.send_chunk(body[n : n + 1])
        await peer.send(b"0\r\nTrailer: 1\r\n\r\n")

    async def after_continue(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await server.healthy(peer)

    server.script("join", until_closed, chunked, after_continue)
    with Client(server.url) as client:
        for n in range(3):
            assert client.predict(f"{n}", api_name="/echo") == f"{n}"


def test_an_app_may_be_mounted_under_a_path(server: FakeGradio) -> None:
    with Client(server.url + "/deep/down/") as client:
        assert client.src == server.url + "/deep/down/"
        assert client.predict("x", api_name="/echo") == "x"
    assert [request.target.partition("?")[0] for request in server.requests] == [
        "/deep/down/config",
        "/deep/down/gradio_api/info",
        "/deep/down/gradio_api/queue/join",
        "/deep/down/gradio_api/queue/data",
    ]


# ---- proxies

_CALL = """
import sys
from rxgradio import Client
with Client(sys.argv[1], headers={"x-token": "mine"}) as client:
    print(client.predict("through", api_name="/echo"))
"""


def _call_with(url: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CALL, url],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(server: FakeGradio, name: str) -> None:
    # The name has no address: that there is an answer proves that the proxy was asked.
    assert _call_with("http://app.invalid/x", **{name: server.url}) == "through\n"
    targets = [request.target.partition("?")[0] for request in server.requests]
    assert targets == [
        "http://app.invalid/x/config",
        "http://app.invalid/x/gradio_api/info",
        "http://app.invalid/x/gradio_api/queue/join",
        "http://app.invalid/x/gradio_api/queue/data",
    ]
    assert all(request.values("x-token") == ["mine"] for request in server.requests)


def test_what_the_environment_excepts_does_not_go_through_the_proxy(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    environment = {"HTTP_PROXY": elsewhere.url, "NO_PROXY": "127.0.0.1"}
    assert _call_with(server.url, **environment) == "through\n"
    assert elsewhere.accepted == 0
    assert len(server.requests) == 4


@pytest.mark.parametrize("auth", ["user:secret", ("user",), ("user", "secret", "x"), ("user", 1)])
def test_a_login_that_is_none_is_refused_and_not_shown(server: FakeGradio, auth: Any) -> None:
    with pytest.raises(TypeError, match="pair of texts") as caught:
        Client(server.url, auth=auth)
    assert "secret" not in str(caught.value)
    assert not server.requests


@pytest.mark.parametrize(
    "address",
    [
        "http://bob:se/cret@127.0.0.1:7860",
        "http://bob:se#cret@127.0.0.1:7860",
        "http://bob:se?cret@127.0.0.1:7860",
        "bob:secret@127.0.0.1:7860",
        "http://bob:se\u2100cret@127.0.0.1:7860",
        "http://bob:secret@127.0.0.1:port",
    ],
)
def test_a_login_in_an_address_that_is_wrong_is_not_shown(address: str) -> None:
    with pytest.raises(ValueError, match=r"address of an app|URL of an app") as caught:
        Client(address)
    shown = "".join(traceback.format_exception(caught.value))
    assert "cret" not in shown.replace(address, "")
    assert "cret" not in str(caught.value)


def test_a_result_that_is_posted_may_be_as_large_as_one_on_a_stream(server: FakeGradio) -> None:
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.script("predict", answer({"data": ["x" * 17_000_000], "is_generating": False}))
    with Client(server.url) as client:
        assert len(client.predict("x", api_name="/echo")) == 17_000_000
