"""Finding endpoints, passing arguments, and the end of a client."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from rxgradio import (
    CancelOutcome,
    Client,
    ClientClosed,
    ConnectionLost,
    InvalidAPIEndpointError,
    ProtocolError,
    Status,
)
from rxgradio.connection import Connection
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryTransport
from tests.contract.conftest import App
from tests.contract.test_job import reached

SOON = 10.0


# ---- arguments


@pytest.mark.parametrize(
    ("args", "kwargs", "sent"),
    [
        ((1,), {}, [1, 2, None]),
        ((1, 3, 4), {}, [1, 3, 4]),
        ((1,), {"c": 5}, [1, 2, 5]),
        ((), {"c": 5, "a": 1}, [1, 2, 5]),
        ((None,), {"b": None}, [None, None, None]),
    ],
)
def test_arguments_by_position_by_name_and_by_default(
    client: Client, args: Any, kwargs: Any, sent: Any
) -> None:
    assert client.predict(*args, api_name="/options", **kwargs) == sent


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, r"needs 'a' too"),
        ((1, 2, 3, 4), {}, r"takes 3 arguments, but 4 were given"),
        ((1,), {"a": 2}, r"two values for 'a'"),
        ((1,), {"bb": 2}, r"no argument 'bb'; did you mean 'b'\?"),
        ((1,), {"zzz": 2}, r"no argument 'zzz'; it is /options\(a: Any, b: Any = 2"),
        ((object(),), {}, r"cannot be sent as JSON"),
        ((float("nan"),), {}, r"is nan, which cannot be sent as JSON"),
        (([{"x": (1, -float("inf"))}],), {}, r"is -inf, which cannot be sent as JSON"),
        (({1: float("inf")},), {}, r"cannot be sent as JSON"),
    ],
)
def test_wrong_arguments_are_type_errors_that_say_what_is_right(
    client: Client, app: App, args: Any, kwargs: Any, message: str
) -> None:
    for call in (client.submit, client.predict, client.observe):
        with pytest.raises(TypeError, match=message):
            call(*args, api_name="/options", **kwargs)
    assert app.posted("/join") == []


def test_integers_and_keys_beyond_the_fast_encoder_are_sent_all_the_same(client: Client) -> None:
    huge = client.predict({1: 10**30}, api_name="/options")[0]["1"]
    assert huge == pytest.approx(1e30)


def test_header_fields_of_a_call_go_with_its_requests(client: Client, app: App) -> None:
    client.predict("x", api_name="/echo", headers={"x-one": "1"})
    assert app.transport.headers == [{"x-one": "1"}]


# ---- endpoints


def test_an_endpoint_is_a_value_with_the_same_verbs(client: Client) -> None:
    echo = client.endpoint("/echo")
    assert echo.predict("a") == "a"
    assert echo.submit("b").result(SOON) == "b"
    assert echo.observe("c").run().success is True
    assert echo.info is client.endpoints[echo.fn_index].info
    assert client.endpoint("echo").info is client.endpoint(fn_index=echo.fn_index).info
    assert "/echo(text" in repr(echo)


def test_an_unknown_endpoint_is_an_error_that_names_what_there_is(client: Client) -> None:
    with pytest.raises(InvalidAPIEndpointError, match=r"did you mean '/words'\?"):
        client.predict(api_name="/wordz")
    with pytest.raises(InvalidAPIEndpointError, match="the app has /echo, /gated"):
        client.predict(api_name="/?")
    with pytest.raises(InvalidAPIEndpointError, match="api_name is needed"):
        client.predict("x")
    with pytest.raises(InvalidAPIEndpointError, match="no function 99"):
        client.predict("x", fn_index=99)
    with pytest.raises(TypeError, match="not by both"):
        client.predict("x", fn_index=0, api_name="/echo")
    with pytest.raises(TypeError, match="api_name is a str"):
        client.predict("x", api_name=3)  # type: ignore[arg-type]


def test_the_only_endpoint_needs_no_name() -> None:
    app = App()
    app.transport.endpoints = {"/echo": app.transport.endpoints["/echo"]}
    with app.connect() as client:
        assert client.predict("x") == "x"


def test_view_api_tells_the_signatures(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.view_api() is None
    printed = capsys.readouterr().out
    assert "/options(a: Any, b: Any = 2, c: Any = None)" in printed
    assert 'client.predict(a, b, c, api_name="/options")' in printed
    assert client.view_api(print_info=False, return_format="str") == printed.removesuffix("\n")
    described = client.view_api(print_info=False, return_format="dict")
    assert isinstance(described, dict)
    assert "/options" in described["named_endpoints"]
    assert capsys.readouterr().out == ""


# ---- connecting


@pytest.mark.parametrize(
    "src",
    ["", "user/space", "ftp://host", "http://", "http://h/?x=1", "http://h:99999", "http://h:x"],
)
def test_what_is_no_address_is_refused(src: str) -> None:
    with pytest.raises(ValueError, match="address of an app"):
        Client(src)
    with pytest.raises(ValueError, match="address of an app"):
        asyncio.run(_connect(src))


async def _connect(src: str) -> Client:
    return await Client.connect(src)


def test_a_server_that_is_not_there_is_an_error_that_says_so(unused_port: int) -> None:
    with pytest.raises(ConnectionLost, match="is the app running there") as caught:
        Client(f"http://127.0.0.1:{unused_port}")
    assert not caught.value.sent


def test_what_is_no_gradio_app_is_a_protocol_error() -> None:
    transport = MemoryTransport({})
    transport._config = lambda: {"hello": "world"}  # type: ignore[method-assign]
    opening = Connection.over("http://memory.test", transport)
    with pytest.raises(ProtocolError, match="no Gradio app"):
        loop_thread().run(opening).result(SOON)


# ---- the end


def test_closing_ends_all_jobs_with_a_clear_error(app: App) -> None:
    client = app.connect()
    jobs = [client.submit("x", api_name="/gated") for _ in range(3)]
    observed: list[Exception] = []
    done = threading.Event()
    jobs[0].updates.subscribe(
        on_error=lambda error: observed.append(error) or (done.set() and None)
    )
    client.close()
    for job in jobs:
        with pytest.raises(ClientClosed):
            job.result(SOON)
        assert job.cancel_outcome.result(SOON)
    assert done.wait(SOON)
    assert isinstance(observed[0], ClientClosed)
    with pytest.raises(ClientClosed, match="make a new one"):
        client.submit("x", api_name="/gated")
    client.close()
    assert app.transport.streams == 0


def test_whoever_stops_waiting_for_aclose_does_not_stop_it(app: App) -> None:
    client = app.connect()
    job = client.submit("x", api_name="/gated")
    going_on = asyncio.Event()
    aclose = app.transport.aclose

    async def slow() -> None:
        await going_on.wait()
        await aclose()

    app.transport.aclose = slow  # type: ignore[method-assign]

    async def main() -> None:
        closing = asyncio.ensure_future(client.aclose())
        await asyncio.wait([closing], timeout=0.05)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(main())
    loop_thread().call(going_on.set)
    client.close()
    assert isinstance(job.exception(SOON), ClientClosed)
    assert app.transport.streams == 0


def test_a_job_that_is_cancelled_before_it_was_sent_by_a_closed_client_has_an_outcome(
    app: App,
) -> None:
    client = app.connect()
    blocked, release = threading.Event(), threading.Event()
    loop_thread().call(lambda: blocked.set() or release.wait(SOON))
    assert blocked.wait(SOON)
    job = client.submit("x", api_name="/gated")
    closing = threading.Thread(target=client.close)
    closing.start()
    assert job.cancel()
    release.set()
    closing.join(SOON)
    assert job.cancel_outcome.result(SOON) is CancelOutcome.NOT_SENT


def test_a_client_may_be_closed_from_a_callback_and_from_many_threads(app: App) -> None:
    client = app.connect()
    job = client.submit("x", api_name="/gated")
    job.add_done_callback(lambda _: client.close())
    threads = [threading.Thread(target=client.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()
    assert isinstance(job.exception(SOON), ClientClosed)


def test_a_client_that_nobody_holds_closes_itself(app: App) -> None:
    closed = threading.Event()

    async def aclose() -> None:
        closed.set()

    app.transport.aclose = aclose  # type: ignore[method-assign]
    client = app.connect()
    client.predict("x", api_name="/echo")
    del client
    gc.collect()
    assert closed.wait(SOON)


# ---- streams that break


@pytest.mark.parametrize("has_state", [True, False])
def test_a_cut_stream_fails_its_jobs_and_not_the_client(app: App, has_state: bool) -> None:
    if not has_state:
        del app.transport.endpoints["/stateful"]
    with app.connect() as client:
        _cut_and_go_on(client, app)
    sessions = {body["session_hash"] for body in app.posted("/join")}
    assert len(sessions) == 2  # a lost session is not used again, State or not


def _cut_and_go_on(client: Client, app: App) -> None:
    jobs = [client.submit(3, api_name="/gated_words") for _ in range(3)]
    for job in jobs:
        reached(job, Status.PROCESSING)
    app.gate.open(3)
    for job in jobs:
        assert next(iter(job)) == "w0"
    loop_thread().call(app.transport.cut_streams)
    for job in jobs:
        with pytest.raises(ConnectionLost, match="cut"):
            job.result(SOON)
        assert not job.cancelled()
        assert job.outputs() == ["w0"]
        with pytest.raises(ConnectionLost):
            list(job)
    assert client.predict("hi", api_name="/echo") == "hi"
