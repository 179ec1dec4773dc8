"""The proxy: what it does to connections, and when."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest

from rxgradio import Client, ConnectionLost, Limits, Retry
from rxgradio.testing import Bandwidth, FaultProxy, FaultServer, Gate, LimitData, SlowAnswers

SOON = 20.0


def test_it_passes_everything_on(server: FaultServer) -> None:
    with FaultProxy(server.url) as proxy, Client(proxy.url) as client:
        assert client.predict("x" * 100_000, api_name="/echo") == "x" * 100_000
        assert list(client.submit(3, api_name="/words")) == ["w", "ww", "www"]
    server.until(lambda: server.open == 0)
    assert proxy.open == 0


def test_a_path_stays_in_the_address() -> None:
    with FaultServer() as server, FaultProxy(server.url + "/app/") as proxy:
        assert proxy.url.endswith("/app")
        with Client(proxy.url) as client:
            assert client.predict("x", api_name="/echo") == "x"
    assert server.asked("join")[0].path == "/app/gradio_api/queue/join"


def test_all_connections_may_be_dropped_and_new_ones_follow(version: str) -> None:
    async def held() -> Any:
        yield 0
        await Gate().passed()

    app = {"/held": held, "/echo": lambda text: text}
    with (
        FaultServer(app, version=version) as server,
        FaultProxy(server.url) as proxy,
        Client(proxy.url) as client,
    ):
        job = client.submit(api_name="/held")
        next(iter(job))
        proxy.drop_all()
        if version in {"4.20.1", "4.21.0", "4.22.0"}:
            server.until(lambda: len(server.asked("stream")) == 2)  # which is resumed
            assert not job.done()
        else:
            with pytest.raises(ConnectionLost):
                job.result(SOON)
        # It may not have noticed yet that idle connections were dropped too.
        echo = client.endpoint("/echo", resubmit=Retry())
        assert echo.predict("x") == "x"


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_limit_ends_a_connection_after_so_many_bytes(end: Any) -> None:
    with FaultServer() as server, FaultProxy(server.url) as proxy:
        proxy.add(LimitData(200, end=end))
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{proxy.url}/config")
        proxy.clear()
        assert httpx.get(f"{proxy.url}/config").status_code == 200


def test_a_half_close_lets_the_client_go_on_speaking() -> None:
    with FaultServer() as server, FaultProxy(server.url) as proxy:
        proxy.add(LimitData(0, end="half_close"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{proxy.url}/config")
        server.until(lambda: server.asked("config"))


def test_a_connection_that_hangs_is_lost_to_silence() -> None:
    async def held(text: str) -> Any:
        yield text
        await Gate().passed()

    with FaultServer({"/held": held}, heartbeat=0.1) as server, FaultProxy(server.url) as proxy:
        proxy.add(LimitData(10_000, end="hang"))  # more than all that comes before the output
        with Client(proxy.url, limits=Limits(silence=0.6)) as client:
            job = client.submit("x" * 20_000, api_name="/held")
            with pytest.raises(ConnectionLost, match="heartbeat"):
                job.result(SOON)


def test_answers_may_be_slow() -> None:
    with FaultServer() as server, FaultProxy(server.url, seed=1) as proxy:
        proxy.add(SlowAnswers(0.1, jitter=0.05))
        proxy.add(Bandwidth(100_000))
        begun = time.monotonic()
        with Client(proxy.url) as client:
            assert client.predict("x" * 5000, api_name="/echo") == "x" * 5000
        assert time.monotonic() - begun > 0.3  # three answers, at least


def befallen(seed: int) -> list[bool]:
    """Return which of twenty connections were reset."""
    with FaultServer() as server, FaultProxy(server.url, seed=seed) as proxy:
        proxy.add(LimitData(0, end="reset"), toxicity=0.5)
        found: list[bool] = []
        for _ in range(20):
            try:
                httpx.get(f"{proxy.url}/config")
                found.append(False)
            except httpx.TransportError:
                found.append(True)
        assert proxy.afflicted == sum(found)
        return found


def test_what_befalls_a_connection_is_drawn_from_the_seed() -> None:
    drawn = befallen(1)
    assert drawn == befallen(1)
    assert drawn != befallen(2)
    assert 0 < sum(drawn) < 20


def test_a_server_that_is_not_there_is_a_reset(unused_port: int) -> None:
    with FaultProxy(f"http://127.0.0.1:{unused_port}") as proxy:
        with pytest.raises(httpx.TransportError):
            httpx.get(proxy.url)
        proxy.stop_listening()
        with pytest.raises(httpx.ConnectError):
            httpx.get(proxy.url)


def test_only_http_can_be_passed_on() -> None:
    with pytest.raises(ValueError, match="https"):
        FaultProxy("https://127.0.0.1:1")


def test_it_leaves_nothing() -> None:
    before = set(threading.enumerate())
    with (
        FaultServer() as server,
        FaultProxy(server.url) as proxy,
        httpx.stream("GET", f"{proxy.url}/config"),
    ):
        assert set(threading.enumerate()) != before
    assert set(threading.enumerate()) == before
