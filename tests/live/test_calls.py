"""What users do, against real servers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from rxgradio import Client, InvalidAPIEndpointError, OutputUpdate, Status, StatusUpdate
from tests.live.servers.run import Server
from tests.live.servers.values import JS, growing, reply

SOON = 30.0


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def statuses(job: Any) -> list[StatusUpdate]:
    async def main() -> list[StatusUpdate]:
        return [update async for update in job if isinstance(update, StatusUpdate)]

    return asyncio.run(main())


def test_the_api_is_found(client: Client, server: Server) -> None:
    text = client.view_api(print_info=False, return_format="str")
    assert isinstance(text, str)
    number = "int | float" if server.version.startswith("3.") else "float"
    assert f"/add(a: {number}, b: {number} = 10" in text
    # `show_api=False` is ignored before 4.16.
    assert ("closed_api" in text) is (server.version in {"3.36.1", "3.50.2", "4.8.0"})
    assert server.version in repr(client)
    assert 'client.predict(handle_file(f), api_name="/file_in")' in text
    assert "/file_out() -> filepath" in text
    fed = 'client.stream(chunks, api_name="/frames")  # ends after 60 s'
    assert (fed in text) is (server.version[0] in "56")
    named = server.version in {"4.44.1", "5.50.0", "6.31.0"}
    assert text.count("The app does not name its arguments") == (0 if named else 1)


def test_outputs_of_every_number(client: Client, server: Server) -> None:
    assert client.predict("abc", api_name="/two") == ("abc", 3)
    assert client.predict("abc", api_name="/nothing") == ()
    assert client.predict("abc", api_name="/dup") == "one abc"
    assert client.predict("abc", api_name="/dup_1") == "two abc"
    if server.version.startswith("6."):  # it is private, where others only do not show it
        with pytest.raises(InvalidAPIEndpointError):
            client.predict("abc", api_name="/closed_api")
    else:
        assert client.predict("abc", api_name="/closed_api") == "closed abc"


def test_a_chat_is_told_value_by_value(client: Client) -> None:
    job = client.submit("hello there", [], api_name="/chat")
    replies = [_said(history) for _, history in job]
    said = reply("hello there")
    assert replies[-1] == said
    assert all(said.startswith(part) for part in replies)
    assert len(set(replies)) > 2


def _said(history: Any) -> str:
    """Return the text of the last message, in whatever form this version has it."""
    content = history[-1]["content"] if isinstance(history[-1], dict) else history[-1][1]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@pytest.mark.parametrize("kind", sorted(JS))
def test_nested_values_that_shrink_and_grow_are_right_at_every_step(
    client: Client, kind: str
) -> None:
    job = client.submit(kind, api_name="/js")
    # Values that differ only in type (1, 1.0, True) are not sent again.
    assert list(job) == JS[kind]


def test_status_codes_queue_rank_and_size(client: Client) -> None:
    tag = uuid.uuid4().hex
    jobs = [client.submit(tag, 0.3, api_name="/single") for _ in range(4)]
    told = [statuses(job) for job in jobs]
    assert [job.result(SOON) for job in jobs] == [f"slept {tag}"] * 4
    for updates in told:
        codes = [status.code for status in updates]
        assert codes[:3] == [Status.STARTING, Status.JOINING_QUEUE, Status.IN_QUEUE]
        assert codes[-2:] == [Status.PROCESSING, Status.FINISHED]
        ranks = [status.rank for status in updates if status.rank is not None]
        assert ranks == sorted(ranks, reverse=True)
    # They are sent at once, so which of them is the last in the queue is open.
    queued = [status for updates in told for status in updates if status.rank]
    assert max(status.rank or 0 for status in queued) >= 1
    assert all(status.queue_size for status in queued)


def test_state_is_kept_in_the_session_and_left_out(client: Client, server: Server) -> None:
    assert [client.predict("x", api_name="/state") for _ in range(3)] == [1, 2, 3]
    assert client.predict("x", api_name="/only_state") == ()
    assert client.predict("a", 4, api_name="/state_between") == ("a #0", 8)
    assert client.predict("b", 5, api_name="/state_between") == ("b #1", 10)
    with Client(server.url) as other:
        assert other.predict("x", api_name="/state") == 1


def test_updates_of_components_arrive_as_they_are(client: Client) -> None:
    assert client.predict(api_name="/upd")["value"] == "new"


def test_a_large_output_arrives_whole(client: Client) -> None:
    assert client.predict(20, api_name="/big") == "x" * (20 * 2**20)


def test_updates_end_with_the_final_output_and_finished(client: Client) -> None:
    async def main() -> list[Any]:
        return [update async for update in client.submit(3, api_name="/count")]

    updates = asyncio.run(main())
    assert updates[-2] == OutputUpdate([*growing("word", 3)][-1], final=True)
    assert updates[-1].code is Status.FINISHED
    assert updates[-1].success is True
    assert updates[-1].duration is not None


def test_connecting_on_a_running_loop_does_not_block_it(server: Server) -> None:
    async def main() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.ensure_future(count())
        async with Client.connect(server.url) as client:
            assert await client.submit(1, 2, api_name="/add") == 3
        other = await Client.connect(server.url)
        assert await other.submit(1, 2, api_name="/add") == 3
        await other.aclose()
        counting.cancel()
        return turns

    assert asyncio.run(main()) > 100
