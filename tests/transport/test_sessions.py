"""Sessions, the sign of life that some apps want, and how many calls are on their way."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import httpx
import pytest

from rxgradio import CancelOutcome, Client, ClientClosed, ConnectionLost, Status
from rxgradio.testing import Endpoint, FaultServer, Hang, answer
from tests.transport.server import SOON, FakeGradio, within


def hashes(server: FaultServer) -> list[str]:
    """Return the session hashes under which calls were made, in order."""
    return [request.document["session_hash"] for request in server.asked("join")]


# ---- sessions


def test_a_session_is_apart_and_shares_the_connections(server: FakeGradio) -> None:
    with Client(server.url) as client:
        connections = server.accepted
        session = client.session()
        assert session.src == client.src
        assert session.predict("b", api_name="/echo") == "b"
        assert client.predict("a", api_name="/echo") == "a"
        first, second = hashes(server)
        assert first != second
        assert len(server.asked("config")) == 1
        session.close()
        assert client.predict("c", api_name="/echo") == "c"
        with pytest.raises(ClientClosed):
            session.submit("d", api_name="/echo")
    assert server.accepted <= connections + 3


def test_a_session_is_closed_with_its_client(server: FakeGradio) -> None:
    client = Client(server.url)
    session = client.session()
    job = session.submit("x", api_name="/held")
    server.until(lambda: server.events)
    with within(3.0):
        client.close()
    assert isinstance(job.exception(SOON), ClientClosed)
    with pytest.raises(ClientClosed):
        client.session()


def test_a_session_keeps_its_client_alive(server: FakeGradio) -> None:
    session = Client(server.url).session()
    assert session.predict("x", api_name="/echo") == "x"
    session._parent.close()  # type: ignore[union-attr]


def test_a_session_that_is_reset_begins_anew_and_its_calls_go_on(server: FakeGradio) -> None:
    with Client(server.url) as client:
        job = client.submit("x", api_name="/held")
        server.until(lambda: server.events)
        client.reset_session()
        assert client.predict("y", api_name="/echo") == "y"
        server.finish(server.events[0], "done")
        assert job.result(SOON) == "done"
        client.reset_session()
        assert client.predict("z", api_name="/echo") == "z"
        assert len(set(hashes(server))) == 3
    with pytest.raises(ClientClosed):
        client.reset_session()


# ---- the sign of life


def test_a_session_has_a_heartbeat_where_the_app_wants_one(server: FakeGradio) -> None:
    server.config_fields["connect_heartbeat"] = True
    with Client(server.url) as client:
        server.until(lambda: beats(server))
        (first,) = beats(server)
        assert client.predict("x", api_name="/echo") == "x"
        assert hashes(server) == [first]
        client.reset_session()
        server.until(lambda: len(beats(server)) == 2)
        second = beats(server)[1]
        assert second != first
        assert client.predict("x", api_name="/echo") == "x"
        assert hashes(server)[1] == second


def test_a_heartbeat_that_a_hook_breaks_harms_nothing(
    server: FakeGradio, caplog: pytest.LogCaptureFixture
) -> None:
    server.config_fields["connect_heartbeat"] = True
    broken = threading.Event()

    async def hook(request: httpx.Request) -> None:
        if "/heartbeat/" in request.url.path:
            broken.set()
            raise ValueError("not this one")

    client = Client(server.url, httpx_kwargs={"event_hooks": {"request": [hook]}})
    assert broken.wait(SOON)
    session = client.session()
    job = session.submit("x", api_name="/held")
    server.until(lambda: server.events)
    client.close()
    client.close()
    assert isinstance(job.exception(SOON), ClientClosed)
    assert "never retrieved" not in caplog.text


def beats(server: FaultServer) -> list[str]:
    return [request.route for request in server.requests if "/heartbeat/" in request.path]


def test_no_heartbeat_is_sent_where_nobody_asks_for_it(server: FakeGradio) -> None:
    with Client(server.url) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert beats(server) == []


# ---- how many


def test_max_workers_bounds_the_calls_on_their_way(server: FakeGradio) -> None:
    with Client(server.url, max_workers=2) as client:
        jobs = [client.submit(f"{n}", api_name="/held") for n in range(6)]
        for n in range(6):
            server.until(lambda n=n: len(server.events) == min(6, n + 2))
            assert jobs[5].status().code is (Status.STARTING if n < 4 else jobs[5].status().code)
            server.finish(server.events[n], f"{n}")
            assert jobs[n].result(SOON) == f"{n}"
    assert [event.data[0] for event in server.events] == [f"{n}" for n in range(6)]


def test_a_call_that_waits_for_others_can_be_cancelled(server: FakeGradio) -> None:
    with Client(server.url, max_workers=1) as client:
        first = client.submit("a", api_name="/held")
        second = client.submit("b", api_name="/held")
        third = client.submit("c", api_name="/held")
        server.until(lambda: server.events)
        assert second.cancel()
        assert second.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT
        server.finish(server.events[0], "a")
        assert first.result(SOON) == "a"
        server.until(lambda: len(server.events) == 2)
        assert server.events[1].data == ["c"]
    assert isinstance(third.exception(SOON), ClientClosed)
    with pytest.raises(CancelledError):
        second.result(SOON)


def test_calls_that_wait_end_with_their_client_and_at_their_deadline(server: FakeGradio) -> None:
    client = Client(server.url, max_workers=1)
    client.submit("a", api_name="/held")
    late = client.endpoint("/held", deadline=0.1).submit("b")
    assert "deadline" in str(late.exception(SOON))
    last = client.submit("c", api_name="/held")
    client.close()
    assert "before the call was sent" in str(last.exception(SOON))
    assert len(server.events) == 1


def test_many_calls_go_one_after_the_other(server: FakeGradio) -> None:
    with Client(server.url, max_workers=1) as client:
        jobs = [client.submit(n, api_name="/echo") for n in range(300)]
        assert [job.result(SOON) for job in jobs] == list(range(300))


@pytest.mark.parametrize("number", [0, -1])
def test_max_workers_is_positive(server: FakeGradio, number: int) -> None:
    with pytest.raises(ValueError, match="max_workers"):
        Client(server.url, max_workers=number)


# ---- tokens


def test_an_oauth_token_goes_only_to_endpoints_that_ask_for_it(
    no_proxy: None,
) -> None:
    def asks(text: str) -> str:
        return text

    posted = Endpoint(function=asks, queued=False)
    with FaultServer({"/echo": asks, "/asks": asks, "/posted": posted}) as server:
        with Client(server.url) as client:
            info = client.view_api(print_info=False, return_format="dict")
        for name in ("/asks", "/posted"):
            info["named_endpoints"][name]["oauth_token"] = "required"
        server.script("info", answer(info))
        check_tokens(server)


def check_tokens(server: FaultServer) -> None:
    with Client(server.url, oauth_token="secret") as client:
        for name in ("/echo", "/asks", "/posted"):
            assert client.predict("x", api_name=name) == "x"
        assert "oauth_token" not in server.asked("join")[0].document
        assert server.asked("join")[1].document["oauth_token"] == "secret"
        assert server.asked("run")[0].document["oauth_token"] == "secret"
        assert "secret" not in repr(client)


# ---- how long connecting may take


def test_connecting_takes_no_longer_than_it_may(server: FakeGradio) -> None:
    server.script("config", Hang())
    with within(3.0), pytest.raises(ConnectionLost, match=r"within 0\.2 s \(connect_timeout\)"):
        Client(server.url, connect_timeout=0.2)
    server.until(lambda: not server.open)


def test_a_time_for_connecting_is_positive(server: FakeGradio) -> None:
    with pytest.raises(ValueError, match="connect_timeout"):
        Client(server.url, connect_timeout=0)
