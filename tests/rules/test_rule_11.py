"""11. Only what is safe is repeated, with waits that grow, and only so often."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rxgradio import Client, Retry, RxGradioError, TooManyRequestsError
from rxgradio.testing import Refuse
from tests.rules.served import SOON, Served
from tests.transport.server import within


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_rule_11_what_the_server_puts_off_is_asked_for_again(served: Served, status: str) -> None:
    served.script("join", Refuse(status, retry_after=0), None)
    with Client(served.url, retry=Retry(initial=0)) as client:
        assert client.submit("x", api_name="/echo").result(SOON) == "x"
    assert len(served.asked("join")) == 2
    assert served.called == [("/echo", ("x",))]


def test_rule_11_a_server_is_not_asked_for_ever(served: Served) -> None:
    served.script("join", Refuse("429 Too Many Requests", retry_after=0))
    with Client(served.url, retry=Retry(attempts=4, initial=0)) as client:
        assert isinstance(
            client.submit("x", api_name="/echo").exception(SOON), TooManyRequestsError
        )
    assert len(served.asked("join")) == 4


def test_rule_11_streams_are_opened_at_most_some_times(served: Served) -> None:
    if served.queue != "session":
        return  # there, the stream is the join
    served.script("stream", Refuse("503 Service Unavailable"))
    with Client(served.url) as client:
        assert isinstance(client.submit("x", api_name="/echo").exception(2 * SOON), RxGradioError)
    assert 2 <= len(served.asked("stream")) <= 20


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("seconds", ["3600", "1e3", "99999999999999999999999"])
def test_rule_11_a_stream_is_not_waited_for_beyond_all_patience(
    serve: Callable[[str], Served], status: str, seconds: str
) -> None:
    served = serve("6.31.0")
    served.script("stream", Refuse(status, retry_after=seconds))
    with Client(served.url) as client, within(5.0):
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, RxGradioError)
        assert error.retry_after == float(seconds)
        assert len(served.asked("stream")) == 1
