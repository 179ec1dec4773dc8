"""What a user may choose of how requests are sent: the arguments of httpx, and TLS."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from rxgradio import Client, ClientClosed, ConnectionLost, ProtocolError, handle_file
from tests.transport.proxy import Proxy
from tests.transport.server import SOON, FakeGradio, Peer, within


def only(server: FakeGradio, route: str) -> Any:
    """Return the one request for a route."""
    (request,) = server.asked(route)
    return request


def test_a_time_out_is_for_answers_and_cuts_no_call(server: FakeGradio) -> None:
    with Client(server.url, httpx_kwargs={"timeout": 0.2}) as client:
        job = client.submit("x", api_name="/held")
        with pytest.raises(TimeoutError):
            job.result(0.6)  # three times as long as the time-out
        server.finish(server.events[0], "done")
        assert job.result(SOON) == "done"


def test_a_time_out_is_kept_to_where_an_answer_is_due(server: FakeGradio) -> None:
    async def hold(peer: Peer) -> None:
        await peer.gone()

    server.script("join", hold)
    with Client(server.url, httpx_kwargs={"timeout": 0.2}, retry=None) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, ConnectionLost)
        assert "in time" in str(error)


def test_httpx_gets_its_arguments(server: FakeGradio) -> None:
    chosen = {
        "auth": ("user", "secret"),
        "cookies": {"a": "1"},
        "headers": {"x-theirs": "theirs", "x-both": "theirs"},
    }
    with Client(server.url, httpx_kwargs=chosen, headers={"x-both": "ours"}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    request = only(server, "join")
    login = base64.b64encode(b"user:secret").decode()
    assert request.values("authorization") == [f"Basic {login}"]
    assert request.values("cookie") == ["a=1"]
    assert request.values("x-theirs") == ["theirs"]
    assert request.values("x-both") == ["ours"]
    assert chosen["cookies"] == {"a": "1"}  # nothing of the caller's is changed


def test_an_argument_that_httpx_does_not_take_is_named(server: FakeGradio) -> None:
    with pytest.raises(TypeError, match=r"httpx_kwargs .*'colour'"):
        Client(server.url, httpx_kwargs={"colour": "red"})


class Counting(httpx.BaseTransport):
    """httpx's own sync transport, which tells what it has sent, and on which threads."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.threads: set[str] = set()
        self.closed = threading.Event()
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        self.threads.add(threading.current_thread().name)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()
        self.closed.set()


@pytest.mark.parametrize("how", ["transport", "mounts"])
def test_a_sync_transport_is_used_on_threads(server: FakeGradio, tmp_path: Path, how: str) -> None:
    transport = Counting()
    chosen = {how: transport if how == "transport" else {"http://": transport}}
    with Client(server.url, httpx_kwargs=chosen) as client:
        job = client.submit(3, api_name="/words")
        assert list(job) == ["w", "ww", "www"]
        assert client.predict("x", api_name="/echo") == "x"
        assert {"/config", "/queue/join", "/queue/data"} <= {
            path.removeprefix("/gradio_api") for path in transport.paths
        }
        assert transport.threads == {"rxgradio-transport"}
    assert transport.closed.wait(SOON)


def test_a_call_through_a_sync_transport_can_be_cancelled(server: FakeGradio) -> None:
    with Client(server.url, httpx_kwargs={"transport": Counting()}) as client:
        job = client.submit("x", api_name="/held")
        server.until(lambda: server.asked("data"))
        with within(3.0):
            assert job.cancel()
            assert client.predict("y", api_name="/echo") == "y"


class Async(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.paths: list[str] = []
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def test_an_async_transport_is_used_as_it_is(server: FakeGradio) -> None:
    transport = Async()
    with Client(server.url, httpx_kwargs={"transport": transport}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(transport.paths) >= 4


def test_hooks_of_either_kind_are_called(server: FakeGradio) -> None:
    sent: list[str] = []
    answered: list[int] = []

    def on_request(request: httpx.Request) -> None:
        sent.append(request.url.path)

    async def on_response(response: httpx.Response) -> None:
        await asyncio.sleep(0)
        answered.append(response.status_code)

    hooks = {"request": [on_request], "response": [on_response]}
    with Client(server.url, httpx_kwargs={"event_hooks": hooks}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert len(sent) == len(answered) >= 4
    assert set(answered) == {200}


def test_a_proxy_is_used(server: FakeGradio, elsewhere: FakeGradio) -> None:
    """Over http a proxy is asked for the whole URL; this one answers as if it were the app."""
    with Client(server.url, httpx_kwargs={"proxy": elsewhere.url}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert server.requests == []
    assert elsewhere.asked("join")


def test_a_websocket_of_gradio_3_goes_through_the_proxy(
    make_server: Callable[..., FakeGradio],
) -> None:
    server = make_server("3.50.2")
    with Proxy() as proxy, Client(server.url, httpx_kwargs={"proxy": proxy.url}) as client:
        assert client.predict("x", api_name="/echo") == "x"
        assert proxy.routes.count("tunnel") == len(server.asked("join")) == 1


def test_no_proxy_of_the_environment_is_used_if_it_is_not_trusted(
    make_server: Callable[..., FakeGradio], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server("3.50.2")
    with Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with Client(server.url, httpx_kwargs={"trust_env": False}) as client:
            assert client.predict("x", api_name="/echo") == "x"
        assert proxy.routes == []
        with Client(server.url) as client:
            assert client.predict("x", api_name="/echo") == "x"
        assert "tunnel" in proxy.routes


@pytest.mark.parametrize("how", ["transport", "mounts"])
def test_no_websocket_is_opened_beside_a_transport_of_ones_own(
    make_server: Callable[..., FakeGradio], how: str
) -> None:
    server = make_server("3.50.2")
    transport = httpx.AsyncHTTPTransport()
    chosen = {how: transport if how == "transport" else {"all://": transport}}
    with Client(server.url, httpx_kwargs=chosen) as client:
        with pytest.raises(ProtocolError, match="leave transport and mounts out"):
            client.predict("x", api_name="/echo")
        assert not server.asked("join")


@pytest.mark.parametrize("version", ["4.8.0", "6.31.0"])
def test_few_connections_are_enough_for_many_calls(
    make_server: Callable[..., FakeGradio], version: str
) -> None:
    server = make_server(version)
    server.config_fields["connect_heartbeat"] = True
    limits = httpx.Limits(max_connections=1)
    with Client(server.url, httpx_kwargs={"limits": limits}) as client:
        jobs = [client.submit(n, api_name="/echo") for n in range(5)]
        assert [job.result(SOON) for job in jobs] == list(range(5))


def test_query_parameters_are_added_to_those_of_the_routes(server: FakeGradio) -> None:
    with Client(server.url, httpx_kwargs={"params": {"key": "a b"}}) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert all("key=a+b" in request.target for request in server.requests)
    (data,) = server.asked("data")
    assert "session_hash=" in data.target


class Slow(Counting):
    """It takes a body piece by piece, at its leisure."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        taken = []
        assert isinstance(request.stream, httpx.SyncByteStream)
        for piece in request.stream:
            taken.append(piece)
            threading.Event().wait(0.02)
        given = httpx.Request(
            request.method, request.url, headers=request.headers, content=b"".join(taken)
        )
        return super().handle_request(given)


def test_a_sync_transport_may_take_its_time_over_a_file(server: FakeGradio) -> None:
    transport = Slow()
    chosen = {"transport": transport, "timeout": 0.3}
    with Client(server.url, httpx_kwargs=chosen, download_files=False, retry=None) as client:
        job = client.submit(handle_file(bytes(3_000_000)), api_name="/echo")
        assert job.result(SOON)["path"]  # 46 pieces take three times as long as the time-out


def test_closing_ends_the_threads_of_a_sync_transport(server: FakeGradio) -> None:
    client = Client(server.url, httpx_kwargs={"transport": httpx.HTTPTransport()})
    job = client.submit("x", api_name="/held")
    server.until(lambda: server.asked("data"))
    client.close()
    assert isinstance(job.exception(SOON), ClientClosed)
    server.until(lambda: server.at_rest)  # it sees the end of the connection


@pytest.fixture
def authority() -> trustme.CA:
    """Signs certificates, and is known to nobody."""
    return trustme.CA()


@pytest.fixture
def secure(server: FakeGradio, authority: trustme.CA) -> Iterator[str]:
    """The address of the server behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = int(server.url.rpartition(":")[2])

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)

    listening = asyncio.run_coroutine_threadsafe(start(), server.loop).result(SOON)
    yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    server.loop.call_soon_threadsafe(listening.close)


def test_a_certificate_that_nobody_signed_is_refused_unless_one_says_otherwise(
    secure: str, authority: trustme.CA, tmp_path: Path
) -> None:
    certificate = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(certificate)
    with pytest.raises(ConnectionLost, match="certificate"):
        Client(secure, retry=None)
    with Client(secure, ssl_verify=False) as client:
        assert client.predict("x", api_name="/echo") == "x"
    with Client(secure, ssl_verify=str(certificate)) as client:
        assert client.predict("x", api_name="/echo") == "x"
    with Client(secure, httpx_kwargs={"verify": False}) as client:
        assert client.predict("x", api_name="/echo") == "x"


def test_nothing_of_it_is_shown(server: FakeGradio) -> None:
    chosen = {"auth": ("user", "hunter2"), "headers": {"x-key": "hunter2"}}
    with Client(server.url, httpx_kwargs=chosen, token="hunter2") as client:
        shown = [repr(client), str(client), repr(client._connection.settings)]
    assert "hunter2" not in "".join(shown)
