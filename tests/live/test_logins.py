"""Apps behind a login: by form, with cookies on every kind of request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from rxgradio import Client
from rxgradio.exceptions import AuthenticationError
from tests.live.servers.run import Server

SECRET = "s3cret word"


@pytest.mark.parametrize("version", ["3.36.1", "4.8.0", "4.22.0", "6.31.0"])
def test_a_login_opens_every_way_to_the_app(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_AUTH=f"user:{SECRET}")
    with Client(server.url, auth=("user", SECRET)) as client:
        assert client.predict("x", api_name="/echo") == "x"
        assert list(client.submit(3, api_name="/count"))[-1] == "word 0 word 1 word 2"
        assert client.predict("x", api_name="/direct") == "direct x"
        assert SECRET not in repr(client) + repr(vars(client))

    with pytest.raises(AuthenticationError, match="auth=") as caught:
        Client(server.url)
    with pytest.raises(AuthenticationError, match="refused the login") as refused:
        Client(server.url, auth=("user", "wrong"))
    assert "wrong" not in str(caught.value) + str(refused.value)


@pytest.mark.parametrize("version", ["3.50.2", "4.8.0", "6.31.0"])
def test_connecting_without_blocking_takes_a_login_too(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_AUTH=f"user:{SECRET}")

    async def main() -> object:
        async with Client.connect(server.url, auth=("user", SECRET)) as client:
            return await client.submit("x", api_name="/echo")

    assert asyncio.run(main()) == "x"


def test_an_app_without_a_login_does_not_mind_one(server: Server) -> None:
    with Client(server.url, auth=("user", "any")) as client:
        assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.parametrize("version", ["3.50.2", "4.8.0", "4.44.1", "6.31.0"])
def test_an_app_that_was_restarted_is_logged_in_to_again(
    fresh_server: Callable[..., Server], version: str
) -> None:
    server = fresh_server(version, APP_AUTH=f"user:{SECRET}")
    with Client(server.url, auth=("user", SECRET)) as client:
        assert client.predict("x", api_name="/echo") == "x"
        server.kill()
        server.start()
        jobs = [client.submit(f"{n}", api_name="/echo") for n in range(5)]
        assert [job.result(30) for job in jobs] == [f"{n}" for n in range(5)]
        assert client.predict("y", api_name="/direct") == "direct y"
