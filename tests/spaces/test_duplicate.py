"""A Space is copied into one's own account, set up, and connected to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rxgradio import AuthenticationError, Client, SpaceError, SpaceState
from rxgradio.exceptions import SpaceDuplicationError
from tests.spaces.hub import Asked, Hub
from tests.transport.server import FakeGradio


@pytest.fixture(autouse=True)
def an_original(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", "http://127.0.0.1:9")
    hub.host_of_copies = server.url


def changes(hub: Hub) -> list[tuple[str, dict[str, object]]]:
    return [
        (asked.path.removeprefix("/api/spaces/"), asked.body)
        for asked in hub.asked
        if asked.method == "POST"
    ]


def test_a_space_is_duplicated_and_connected_to(hub: Hub, server: FakeGradio) -> None:
    states: list[SpaceState] = []

    with Client.duplicate("user/space", token="hf_me", on_space_state=states.append) as client:
        assert client.space_id == "me/space"
        assert client.predict("x", api_name="/echo") == "x"

    assert hub.repos["me/space"].private
    assert [name for name, _ in changes(hub)] == ["user/space/duplicate"]
    assert {asked.token for asked in hub.asked} == {"hf_me"}
    assert {tuple(request.values("x-hf-authorization")) for request in server.requests} == {
        ("Bearer hf_me",)
    }
    assert states[-1] == SpaceState("me/space", "RUNNING")


def test_the_saved_token_will_do(hub: Hub, save_token: Callable[[str], object]) -> None:
    save_token("hf_me")

    with Client.duplicate("user/space") as client:
        assert client.space_id == "me/space"


@pytest.mark.parametrize(
    ("to_id", "made"),
    [("other", "me/other"), ("me/other", "me/other"), ("somebody/other", "me/other")],
)
def test_a_copy_may_have_another_name_and_is_ones_own(hub: Hub, to_id: str, made: str) -> None:
    with Client.duplicate("user/space", to_id, "hf_me", private=False) as client:
        assert client.space_id == made

    assert not hub.repos[made].private


def test_a_copy_gets_hardware_secrets_and_a_time_to_sleep(hub: Hub) -> None:
    with Client.duplicate(
        "user/space",
        token="hf_me",
        hardware="t4-small",
        secrets={"KEY": "s3cret", "OTHER": "x"},
        sleep_timeout=7,
    ):
        copy = hub.repos["me/space"]

    assert copy.secrets == {"KEY": "s3cret", "OTHER": "x"}
    assert copy.requested == "t4-small"
    assert copy.sleep_time == 7 * 60
    # Hardware first: the time of what is free cannot be set.
    assert [name.rpartition("/")[2] for name, _ in changes(hub)] == [
        "duplicate",
        "secrets",
        "secrets",
        "hardware",
        "sleeptime",
    ]


@pytest.mark.parametrize("asleep", [False, True])
def test_a_copy_runs_on_what_the_original_does(hub: Hub, asleep: bool) -> None:
    original = hub.repos["user/space"]
    original.hardware, original.requested = None if asleep else "a10g-small", "a10g-small"

    with Client.duplicate("user/space", token="hf_me"):
        copy = hub.repos["me/space"]

    assert copy.requested == "a10g-small"
    assert copy.sleep_time == 5 * 60


def test_a_space_that_is_there_already_is_used(hub: Hub, server: FakeGradio) -> None:
    hub.add("me/space", server.url, private=True)

    with Client.duplicate("user/space", token="hf_me") as client:
        assert client.space_id == "me/space"

    assert changes(hub) == []


def test_a_space_that_is_there_already_gets_no_secrets_and_this_is_told(
    hub: Hub, server: FakeGradio
) -> None:
    hub.add("me/space", server.url)

    with pytest.warns(UserWarning, match="secrets were not given"):
        client = Client.duplicate("user/space", token="hf_me", secrets={"KEY": "x"})
    client.close()

    assert hub.repos["me/space"].secrets == {}


def test_further_arguments_are_for_the_client(hub: Hub, server: FakeGradio) -> None:
    with Client.duplicate("user/space", token="hf_me", headers={"x-app": "1"}, retry=None):
        pass

    assert all(request.values("x-app") == ["1"] for request in server.requests)


def test_a_copy_that_takes_too_long_to_be_built(hub: Hub) -> None:
    hub.add("me/space", "http://127.0.0.1:9", "BUILDING")

    with pytest.raises(SpaceError, match=r"BUILDING after 0\.2 s") as caught:
        Client.duplicate("user/space", token="hf_me", connect_timeout=0.2)

    assert caught.value.stage == "BUILDING"


def test_there_is_nothing_to_duplicate(hub: Hub) -> None:
    with pytest.raises(SpaceError, match="no Space user/none"):
        Client.duplicate("user/none", token="hf_me")

    with pytest.raises(SpaceError, match="no name of a Space"):
        Client.duplicate("none", token="hf_me")

    assert changes(hub) == []


def test_without_a_token_there_is_no_account(hub: Hub) -> None:
    with pytest.raises(AuthenticationError, match=r"pass token=, or log in"):
        Client.duplicate("user/space")

    assert changes(hub) == []


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("duplicate", "user/space could not be duplicated.*too many"),
        ("secrets", "not given the secret 'KEY'.*too many"),
        ("hardware", "could not be given the hardware 't4-small'.*too many"),
        ("sleeptime", "me/space runs on t4-small.*settings.*too many"),
    ],
)
def test_each_step_that_fails_is_told(hub: Hub, step: str, problem: str) -> None:
    hub.answers[step] = _refused

    with pytest.raises(SpaceDuplicationError, match=problem) as caught:
        Client.duplicate(
            "user/space", token="hf_me", hardware="t4-small", secrets={"KEY": "s3cret"}
        )

    assert caught.value.status == 403
    assert "s3cret" not in str(caught.value)
    assert len([name for name, _ in changes(hub) if name.endswith(step)]) == 1


def test_a_copy_that_may_not_be_looked_at_is_not_made_again(hub: Hub, server: FakeGradio) -> None:
    hub.add("me/space", server.url)
    hub.answers["runtime"] = lambda asked: _refused(asked) if "/me/" in asked.path else None

    with pytest.raises(SpaceError, match="refused this for me/space"):
        Client.duplicate("user/space", token="hf_me")

    assert changes(hub) == []


def _refused(asked: Asked) -> tuple[int, object, dict[str, str]]:
    return 403, {"error": "too many"}, {"X-Error-Message": "too many"}


def test_what_changes_something_is_never_asked_twice(hub: Hub) -> None:
    hub.answers["duplicate"] = lambda _: (503, {"error": "later"}, {"Retry-After": "0"})

    with pytest.raises(SpaceDuplicationError):
        Client.duplicate("user/space", token="hf_me")

    assert len(changes(hub)) == 1
