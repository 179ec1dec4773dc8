"""20. Secrets are shown nowhere.

Not in the text of a client, an endpoint, a job, a status; not in errors, their causes, their
notes and tracebacks; not in what any library logs, down to DEBUG; not on standard output.
That is: header fields, cookies, tokens, the name and password of a login, wherever it was
given, and what the server has set as a cookie.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rxgradio import Client, ConnectionLost, Job, RxGradioError, handle_file
from tests.rules.ways import FILES, WAYS, go
from tests.transport.older import make_older
from tests.transport.server import SOON, FakeGradio, Peer, Script, answer

SECRET = "hf_s3cretS3cret"
BASIC = base64.b64encode(f"user:{SECRET}".encode()).decode()


def everything_of(error: BaseException | None) -> Iterator[str]:
    """Yield all that can be shown of an error, and of those behind it."""
    if error is not None:
        yield "".join(traceback.format_exception(error))
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), *getattr(error, "__notes__", []))
        yield repr(vars(error))
        error = error.__cause__ or error.__context__


def everything_of_job(job: Job) -> Iterator[str]:
    yield from (repr(job), str(job), repr(job.status()))
    yield from map(repr, job.outputs())


def connected(server: FakeGradio) -> Client:
    """A client with every kind of secret, from which the server gets another."""
    server.fields = (f"Set-Cookie: session={SECRET}; Path=/",)
    server.script("login", answer({"success": True}, "200 OK", *server.fields))
    url = server.url.replace("//", f"//user:{SECRET}@")
    headers = {"x-token": SECRET, "cookie": f"own={SECRET}"}
    return Client(url, headers=headers, auth=("user", SECRET), retry=None)


@pytest.fixture
def shown(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[list[str]]:
    """Takes what a test has seen; nothing of that, and nothing that was written, is secret."""
    loggers = ["", "rxgradio", "rxgradio.websocket", "httpx", "httpcore", "aiohttp", "asyncio"]
    for name in [*loggers, "aiohttp.client", "websockets", "websockets.client"]:
        caplog.set_level(logging.DEBUG, name)
    said: list[str] = []
    yield said
    output = capfd.readouterr()
    for text in [*said, caplog.text, output.out, output.err]:
        for secret in (SECRET, BASIC):
            assert secret not in text


@pytest.mark.parametrize("way", WAYS)
def test_rule_20_a_call_that_goes_well_shows_no_secret(
    server: FakeGradio, shown: list[str], way: str, caplog: pytest.LogCaptureFixture
) -> None:
    go(server, way)
    with connected(server) as client:
        shown += [repr(client), str(client), client.src, repr(vars(client)), repr(client.endpoints)]
        shown += [str(client.view_api(return_format="str"))]
        job = client.submit("x", api_name="/echo", headers={"authorization": f"Bearer {SECRET}"})
        assert job.result(SOON) == "x"
        shown += everything_of_job(job)
        endpoint = client.endpoint("/echo", headers={"x-token": SECRET})
        shown += [repr(endpoint), str(endpoint), repr(endpoint.info)]
    assert any(SECRET in str(each.fields) for each in server.requests)
    assert caplog.text  # or the levels of the loggers would not be what they should


async def reset(peer: Peer) -> None:
    peer.reset()


TROUBLES: dict[str, Script] = {
    "refused": answer({"detail": "no"}, "401 Unauthorized"),
    "failed": answer(b"boom", "500 Internal Server Error"),
    "reset": reset,
    "no HTTP": b"\x00\xff nonsense\r\n\r\n",
    "bad status": b"HTTP/1.1 abc OK\r\n\r\n",
    "bad field": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "bad framing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "large field": b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 100_000 + b"\r\n\r\n",
    "redirected": answer(b"", "307 Moved", "Location: http://elsewhere.invalid/"),
    "compressed": answer(b"", "200 OK", "Content-Encoding: gzip"),
    "a page": answer(b"<html>", kind="text/html"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(
    ("way", "route"),
    [
        ("session", "join"),
        ("session", "data"),
        ("connection", "join"),
        ("connection", "data"),
        ("websocket", "join"),
        ("post", "predict"),
    ],
)
def test_rule_20_a_call_that_fails_shows_no_secret(
    server: FakeGradio, shown: list[str], way: str, route: str, trouble: str
) -> None:
    go(server, way)
    server.script(route, TROUBLES[trouble])
    with connected(server) as client:
        job = client.submit("x", api_name="/echo")
        error = job.exception(SOON)
        assert isinstance(error, RxGradioError)
        shown += everything_of(error)
        shown += everything_of_job(job)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("route", ["login", "config", "info"])
def test_rule_20_connecting_that_fails_shows_no_secret(
    server: FakeGradio, shown: list[str], route: str, trouble: str
) -> None:
    server.script(route, TROUBLES[trouble])

    def connect() -> None:
        url = server.url.replace("//", f"//user:{SECRET}@")
        Client(url, auth=("user", SECRET), headers={"x-token": SECRET}, retry=None).close()

    if (route, trouble) == ("info", "failed"):  # then the app is only not documented
        server.script("login", answer({"success": True}))
        connect()
        return
    if route != "login":
        server.script("login", answer({"success": True}))
    with pytest.raises(RxGradioError) as caught:
        connect()
    shown += everything_of(caught.value)


def test_rule_20_a_refused_login_does_not_show_the_password(
    server: FakeGradio, shown: list[str]
) -> None:
    server.script("login", answer({"detail": "Incorrect credentials."}, "400 Bad Request"))
    with pytest.raises(RxGradioError, match="Incorrect credentials") as caught:
        Client(server.url, auth=("user", SECRET))
    shown += everything_of(caught.value)


async def cut(peer: Peer) -> None:
    await peer.send(answer(b"").replace(b"Content-Length: 0", b"Content-Length: 9") + b"half")
    peer.close()


@pytest.mark.parametrize("trouble", [cut, *TROUBLES.values()])
@pytest.mark.parametrize("route", ["upload", "a.txt"])
def test_rule_20_files_that_fail_show_no_secret(
    server: FakeGradio, shown: list[str], tmp_path: Path, route: str, trouble: Script
) -> None:
    (tmp_path / "mine.txt").write_bytes(b"content")
    server.script("upload", answer(["/srv/a.txt"]))
    server.script("a.txt", answer(b"content"))
    server.script(route, trouble)
    with connected(server) as client:
        job = client.submit(handle_file(tmp_path / "mine.txt"), api_name="/echo")
        error = job.exception(SOON)
        assert error is None or isinstance(error, RxGradioError)
        shown += everything_of(error)
        shown += everything_of_job(job)


@pytest.mark.parametrize("where", ["user:{}@", "{}@", ":{}@"])
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_rule_20_the_login_in_the_address_of_a_file_is_not_shown(
    server: FakeGradio, elsewhere: FakeGradio, shown: list[str], where: str, status: str
) -> None:
    # Gradio 3 does not fetch it itself.
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.config_fields["components"] = FILES
    server.script("upload", answer(["/srv/a.txt"]))
    server.script("predict", answer({"data": [None]}))
    elsewhere.script("a.txt", answer(b"content", status))
    url = elsewhere.url.replace("//", f"//{where.format(SECRET)}") + "/a.txt"
    with Client(server.url) as client:
        job = client.submit(handle_file(url), api_name="/echo")
        shown += everything_of(job.exception(SOON))
    [asked] = elsewhere.asked("a.txt")
    assert asked.values("authorization")[0].startswith("Basic ")


def test_rule_20_the_signature_of_an_address_of_a_file_is_in_no_error(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.config_fields["components"] = FILES
    elsewhere.script("a.txt", answer(b"", "404 Not Found"))
    with Client(server.url) as client:
        job = client.submit(handle_file(f"{elsewhere.url}/a.txt?sig={SECRET}"), api_name="/echo")
        texts = [*everything_of(job.exception(SOON)), *everything_of_job(job)]
    assert elsewhere.asked("a.txt")
    assert not any(SECRET in text for text in texts)


def test_rule_20_secrets_that_cannot_be_sent_are_not_shown(
    server: FakeGradio, shown: list[str]
) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: Client(server.url, headers={"x-token": f"{SECRET}\r\nx: y"}),
        lambda: Client(server.url, headers={f"x-token: {SECRET}"}),  # type: ignore[arg-type]  # (a set)
        lambda: Client(server.url, auth=f"user:{SECRET}"),  # type: ignore[arg-type]  # (no pair)
        lambda: Client(server.url, auth=("user", SECRET.encode())),  # type: ignore[arg-type]
        lambda: Client(f"http://user:{SECRET}@127.0.0.1:port"),
        lambda: Client(f"http://user:{SECRET}/x@127.0.0.1:80"),
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
            attempt()
        *frames, last = traceback.format_exception_only(caught.value)
        shown += [*frames, last, str(caught.value), repr(caught.value)]
    assert server.accepted == 0


def test_rule_20_debugging_asyncio_shows_no_secret(server: FakeGradio, shown: list[str]) -> None:
    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.0
        url = server.url.replace("//", f"//user:{SECRET}@")
        async with Client.connect(url, headers={"x-token": SECRET}) as client:
            assert await client.submit("x", api_name="/echo") == "x"

    asyncio.run(main(), debug=True)


def whole(error: BaseException) -> str:
    """Return all that a traceback shows of an error, and what it carries."""
    shown = traceback.format_exception(error)
    seen: BaseException | None = error
    while seen is not None:
        shown += [repr(seen), repr(vars(seen)), repr(seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "".join(shown)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nSet-Cookie: access-token=s3cret-cookie\r\nContent-Ty",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: access-token=s3cret-cookie\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: access-token=s3cret-cookie\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret-cookie\r\n",
    ],
)
@pytest.mark.parametrize("step", ["config", "join", "data"])
def test_rule_20_a_cookie_of_a_broken_answer_is_in_no_error(
    server: FakeGradio, caplog: pytest.LogCaptureFixture, step: str, content: bytes
) -> None:
    caplog.set_level(logging.DEBUG)

    async def broken(peer: Peer) -> None:
        await peer.send(content)
        peer.close()

    error: BaseException | None = None
    try:
        with Client(server.url, retry=None) as client:
            server.script(step, broken)
            error = client.submit("x", api_name="/echo").exception(SOON)
            if step == "config":
                Client(server.url, retry=None)
    except ConnectionLost as raised:
        error = raised
    assert isinstance(error, ConnectionLost)
    assert "s3cret" not in whole(error) + caplog.text


@pytest.mark.parametrize("status", ["500 X", "400 X", "404 X", "503 X", "422 X"])
@pytest.mark.parametrize("step", ["join", "data"])
def test_rule_20_what_a_refusal_repeats_of_the_request_is_no_secret(
    server: FakeGradio, step: str, status: str
) -> None:
    async def echo(peer: Peer) -> None:
        said = "\n".join(f"{name}: {value}" for name, value in peer.request.fields)
        await peer.send(answer(said.encode(), status))

    server.script(step, echo)
    secrets = {"x-key": "s3cret-header", "authorization": "Bearer s3cret-token"}
    cookies = {"httpx_kwargs": {"cookies": {"session": "s3cret-cookie"}}}
    with Client(server.url, headers=secrets, retry=None, **cookies) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
    assert error is not None
    assert "s3cret" not in whole(error)
