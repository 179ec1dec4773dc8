"""An app that was restarted knows no cookie of before; whoever has a login gets in again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rxgradio import AuthenticationError, Client
from rxgradio.testing import FaultServer, Refuse
from tests.transport.server import SOON

LOGIN = ("user", "s3cret word")


@pytest.fixture(params=["6.31.0", "4.8.0", "3.50.2"])
def guarded(request: pytest.FixtureRequest, no_proxy: None) -> Iterator[FaultServer]:
    """An app with a login."""
    with FaultServer(version=request.param, auth=LOGIN) as server:
        yield server


def logins(server: FaultServer) -> int:
    return len([each for each in server.requests if each.path.endswith("/login")])


@pytest.mark.parametrize("step", ["join", "stream", "config"])
def test_a_request_that_wants_a_login_is_made_again_after_one(
    guarded: FaultServer, step: str
) -> None:
    if step == "config":
        guarded.script(step, Refuse("401 Unauthorized"), None)
    with Client(guarded.url, auth=LOGIN) as client:
        if step != "config":
            status = "403 Forbidden" if guarded.queue == "websocket" else "401 Unauthorized"
            guarded.script("stream" if guarded.queue == "websocket" else step, Refuse(status), None)
        assert client.predict("x", api_name="/echo") == "x"
    assert logins(guarded) == 2


def test_a_login_that_is_refused_then_is_the_end_of_the_call(guarded: FaultServer) -> None:
    with Client(guarded.url, auth=LOGIN) as client:
        for step in ("join", "stream"):
            guarded.script(step, Refuse("401 Unauthorized"))
        guarded.script("login", Refuse("400 Bad Request", "wrong"))
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, AuthenticationError)
        assert LOGIN[1] not in str(error)


def test_without_a_login_there_is_none_to_make_again(guarded: FaultServer) -> None:
    with pytest.raises(AuthenticationError, match="auth="):
        Client(guarded.url)
    assert logins(guarded) == 0
