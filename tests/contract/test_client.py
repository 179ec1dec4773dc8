"""Finding endpoints, passing arguments, and the end of a client."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from rxgradio import (
    CancelOutcome,
    Client,
    ClientClosed,
    ConnectionLost,
    InvalidAPIEndpointError,
    ProtocolError,
)
from rxgradio.connection import Connection
from rxgradio.runtime.process import loop_thread
from rxgradio.transport.memory import MemoryTransport
from tests.contract.memory_app import MemoryApp as App

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
    memory_client: Client, args: Any, kwargs: Any, sent: Any
) -> None:
    assert memory_client.predict(*args, api_name="/options", **kwargs) == sent


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, r"needs 'a' too"),
        ((1, 2, 3, 4), {}, r"takes 3 arguments, but 4 were given"),
        ((1,), {"a": 2}, r"two values for 'a'"),
        ((1,), {"bb": 2}, r"no argument 'bb'; did you mean 'b'\?"),
        ((1,), {"zzz": 2}, r"no argument 'zzz'; it is /options\(a: Any, b: Any = 2"),
        ((object(),), {}, r"cannot be sent as JSON"),
        ((Path("a.txt"),), {}, r"cannot be sent as JSON.*name a file with rxgradio.handle_file"),
        ((float("nan"),), {}, r"is nan, which cannot be sent as JSON"),
        (([{"x": (1, -float("inf"))}],), {}, r"is -inf, which cannot be sent as JSON"),
        (({1: float("inf")},), {}, r"cannot be sent as JSON"),
    ],
)
def test_wrong_arguments_are_type_errors_that_say_what_is_right(
    memory_client: Client, memory_app: App, args: Any, kwargs: Any, message: str
) -> None:
    for call in (memory_client.submit, memory_client.predict, memory_client.observe):
        with pytest.raises(TypeError, match=message):
            call(*args, api_name="/options", **kwargs)
    assert memory_app.posted("/join") == []


def test_integers_and_keys_beyond_the_fast_encoder_are_sent_all_the_same(
    memory_client: Client,
) -> None:
    huge = memory_client.predict({1: 10**30}, api_name="/options")[0]["1"]
    assert huge == pytest.approx(1e30)


def test_header_fields_of_a_call_go_with_its_requests(
    memory_client: Client, memory_app: App
) -> None:
    memory_client.predict("x", api_name="/echo", headers={"x-one": "1"})
    assert memory_app.server.headers == [{"x-one": "1"}]


# ---- endpoints


def test_an_endpoint_is_a_value_with_the_same_verbs(memory_client: Client) -> None:
    echo = memory_client.endpoint("/echo")
    assert echo.predict("a") == "a"
    assert echo.submit("b").result(SOON) == "b"
    assert echo.observe("c").run().success is True
    assert echo.info is memory_client.endpoints[echo.fn_index].info
    assert (
        memory_client.endpoint("echo").info is memory_client.endpoint(fn_index=echo.fn_index).info
    )
    assert "/echo(text" in repr(echo)


def test_an_unknown_endpoint_is_an_error_that_names_what_there_is(memory_client: Client) -> None:
    with pytest.raises(InvalidAPIEndpointError, match=r"did you mean '/count'\?"):
        memory_client.predict(api_name="/coumt")
    with pytest.raises(InvalidAPIEndpointError, match="the app has /add, /echo"):
        memory_client.predict(api_name="/?")
    with pytest.raises(InvalidAPIEndpointError, match="api_name is needed"):
        memory_client.predict("x")
    with pytest.raises(InvalidAPIEndpointError, match="no function 99"):
        memory_client.predict("x", fn_index=99)
    assert memory_client.predict("x", fn_index=0, api_name="/echo") == "x"  # the name counts
    with pytest.raises(TypeError, match="api_name is a str"):
        memory_client.predict("x", api_name=3)  # type: ignore[arg-type]


def test_predict_is_what_submit_returns(
    memory_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts override `submit`, to count or to mock."""
    asked: list[Any] = []
    submit = memory_client.submit

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append((args, kwargs["api_name"]))
        return submit(*args, **kwargs)

    monkeypatch.setattr(memory_client, "submit", counted)
    assert memory_client.predict("x", api_name="/echo") == "x"
    assert asked == [(("x",), "/echo")]


@pytest.mark.parametrize("text", ["\ud800", "a\udcff", "\\\ud800"])
def test_half_a_character_is_refused(memory_client: Client, text: str) -> None:
    """A server would take it, and could not send its answer."""
    with pytest.raises(TypeError, match="is half a character"):
        memory_client.submit(text, api_name="/echo")
    with pytest.raises(TypeError, match="is half a character"):
        memory_client.submit({"deep": [{text: 1}]}, api_name="/echo")


@pytest.mark.parametrize("text", ["\\ud800", "\U0001f600", "\\\\ud800"])
def test_what_only_looks_like_half_a_character_is_sent(memory_client: Client, text: str) -> None:
    assert memory_client.predict([text, 2**70], api_name="/echo") == [text, 2**70]


def test_the_only_endpoint_needs_no_name() -> None:
    app = App()
    for name in set(app.server.endpoints) - {"/echo"}:
        del app.server.endpoints[name]
    with app.connect() as client:
        assert client.predict("x") == "x"


def test_view_api_tells_the_signatures(
    memory_client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert memory_client.view_api() is None
    printed = capsys.readouterr().out
    assert "/options(a: Any, b: Any = 2, c: Any = None)" in printed
    assert 'client.predict(a, b, c, api_name="/options")' in printed
    assert memory_client.view_api(print_info=False, return_format="str") == printed.removesuffix(
        "\n"
    )
    described = memory_client.view_api(print_info=False, return_format="dict")
    assert isinstance(described, dict)
    assert "/options" in described["named_endpoints"]
    assert capsys.readouterr().out == ""


# ---- connecting


@pytest.mark.parametrize(
    "src",
    ["", "user", "ftp://host", "http://", "http://h:99999", "http://h:x"],
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
    transport.server.config = lambda: {"hello": "world"}  # type: ignore[method-assign]
    opening = Connection.over("http://memory.test", transport)
    with pytest.raises(ProtocolError, match="no Gradio app"):
        loop_thread().run(opening).result(SOON)


# ---- the end


def test_closing_ends_all_jobs_with_a_clear_error(memory_app: App) -> None:
    client = memory_app.connect()
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
    assert not memory_app.server.connections


def test_whoever_stops_waiting_for_aclose_does_not_stop_it(memory_app: App) -> None:
    client = memory_app.connect()
    job = client.submit("x", api_name="/gated")
    going_on = asyncio.Event()

    async def slow() -> None:
        await going_on.wait()

    memory_app.closing = slow  # type: ignore[method-assign]

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
    assert not memory_app.server.connections


def test_a_job_that_is_cancelled_before_it_was_sent_by_a_closed_client_has_an_outcome(
    memory_app: App,
) -> None:
    client = memory_app.connect()
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


def test_a_client_may_be_closed_from_a_callback_and_from_many_threads(memory_app: App) -> None:
    client = memory_app.connect()
    job = client.submit("x", api_name="/gated")
    job.add_done_callback(lambda _: client.close())
    threads = [threading.Thread(target=client.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()
    assert isinstance(job.exception(SOON), ClientClosed)


def test_a_client_that_nobody_holds_closes_itself(memory_app: App) -> None:
    closed = threading.Event()

    async def aclose() -> None:
        closed.set()

    memory_app.closing = aclose  # type: ignore[method-assign]
    client = memory_app.connect()
    client.predict("x", api_name="/echo")
    del client
    gc.collect()
    assert closed.wait(SOON)
