"""A Space that is named is found, waited for, and connected to."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from huggingface_hub import constants

from rxgradio import (
    AuthenticationError,
    Client,
    ConnectionLost,
    ProtocolError,
    Retry,
    SpaceError,
    SpaceState,
    TooManyRequestsError,
)
from rxgradio.spaces import space, space_named
from rxgradio.testing import Peer, Refuse
from tests.spaces.conftest import close_session
from tests.spaces.hub import Asked, Hub
from tests.transport.server import SOON, FakeGradio, answer, within

STATES_THAT_FAIL = [
    "PAUSED",
    "NO_APP_FILE",
    "CONFIG_ERROR",
    "BUILD_ERROR",
    "RUNTIME_ERROR",
    "DELETING",
]


@pytest.mark.parametrize(
    ("src", "name"),
    [
        ("user/space", "user/space"),
        ("Some-User_1/a.space-2", "Some-User_1/a.space-2"),
        ("https://huggingface.co/spaces/user/space", "user/space"),
        ("https://huggingface.co/spaces/user/space/", "user/space"),
        ("https://huggingface.co/spaces/user/space?logs=build#top", "user/space"),
        ("https://hf.co/spaces/user/space", "user/space"),
        ("https://huggingface.co/spaces/user/space/tree/main", None),
        ("https://huggingface.co.example.com/spaces/user/space", None),
        ("https://user-space.hf.space", None),
        ("http://127.0.0.1:7860", None),
        ("space", None),
        ("a/b/c", None),
        ("user/spa ce", None),
        ("../user/space", None),
        ("", None),
    ],
)
def test_what_is_a_name_of_a_space(src: str, name: str | None) -> None:
    assert space_named(src) == name


def test_a_space_is_found_by_its_name(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url)

    with Client("user/space") as client:
        assert client.src == server.url + "/"
        assert client.space_id == "user/space"
        job = client.submit("x", api_name="/echo")
        assert job.result(SOON) == "x"
        assert job.space_id == "user/space"
        with client.session() as session:
            assert session.space_id == "user/space"

    assert {asked.path for asked in hub.asked} == {
        "/api/spaces/user/space",
        "/api/spaces/user/space/runtime",
    }


def test_an_app_that_is_named_by_its_url_is_no_space(server: FakeGradio) -> None:
    with Client(server.url) as client:
        assert client.space_id is None


def test_a_space_is_found_on_asyncio(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url, "BUILDING", "RUNNING")

    async def main() -> object:
        async with Client.connect("user/space") as client:
            return await client.submit("x", api_name="/echo")

    assert asyncio.run(asyncio.wait_for(main(), SOON)) == "x"


def test_the_states_of_a_space_are_told(
    hub: Hub, server: FakeGradio, caplog: pytest.LogCaptureFixture
) -> None:
    hub.add("user/space", server.url, "BUILDING", "BUILDING", "APP_STARTING", "RUNNING")
    states: list[SpaceState] = []
    caplog.set_level(logging.INFO, "rxgradio")

    with Client("user/space", on_space_state=states.append):
        told = list(states)

    stages = ["BUILDING", "APP_STARTING", "RUNNING"]
    assert told == [SpaceState("user/space", stage) for stage in stages]
    assert [f"the Space user/space is {stage}" for stage in stages] == caplog.messages


def test_states_are_told_on_no_thread_of_the_scheduler_and_may_raise(
    hub: Hub, server: FakeGradio, caplog: pytest.LogCaptureFixture
) -> None:
    hub.add("user/space", server.url, "BUILDING", "RUNNING")
    threads: list[str] = []

    def told(state: SpaceState) -> None:
        threads.append(threading.current_thread().name)
        raise ValueError("mine")

    with Client("user/space", on_space_state=told) as client:
        assert client.predict("x", api_name="/echo") == "x"

    assert len(threads) == 2
    assert "rxgradio-scheduler" not in threads
    assert caplog.text.count("a callback raised: on_space_state") == 2


@pytest.mark.parametrize("stage", ["RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "NEW"])
def test_a_space_that_may_run_is_called(hub: Hub, server: FakeGradio, stage: str) -> None:
    hub.add("user/space", server.url, stage)

    with Client("user/space") as client:
        assert client.predict("x", api_name="/echo") == "x"

    assert len(hub.told("/runtime")) == 1


@pytest.mark.parametrize("stage", STATES_THAT_FAIL)
def test_a_space_that_will_not_run_is_an_error_that_says_why(
    hub: Hub, server: FakeGradio, stage: str
) -> None:
    hub.add("user/space", server.url, stage, error="Exit code: 1")
    states: list[SpaceState] = []

    with pytest.raises(SpaceError, match=rf"user/space.*{stage}.*Exit code: 1") as caught:
        Client("user/space", on_space_state=states.append)

    assert caught.value.stage == stage
    assert isinstance(caught.value, ValueError)  # which gradio_client raises
    assert states == [SpaceState("user/space", stage, "Exit code: 1")]
    assert server.requests == []


def test_a_space_whose_build_fails_is_an_error(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url, "BUILDING", "BUILDING", "BUILD_ERROR")

    with pytest.raises(SpaceError, match="build log") as caught:
        Client("user/space")

    assert caught.value.stage == "BUILD_ERROR"
    assert len(hub.told("/runtime")) == 3


@pytest.mark.parametrize("stage", ["BUILDING", "APP_STARTING", "SLEEPING"])
def test_waiting_for_a_space_has_a_bound(hub: Hub, server: FakeGradio, stage: str) -> None:
    hub.add("user/space", server.url, stage)

    with (
        within(SOON),
        pytest.raises(SpaceError, match=rf"{stage} after 0.3 s \(connect_timeout\)") as caught,
    ):
        Client("user/space", connect_timeout=0.3)

    assert caught.value.stage == stage
    assert len(hub.told("/runtime")) > 1


def test_a_hub_that_does_not_answer_is_waited_for_no_longer_than_allowed(
    hub: Hub, server: FakeGradio
) -> None:
    hub.add("user/space", server.url)

    def wait(asked: Asked) -> None:
        hub.waiting.wait(SOON)

    hub.answers["runtime"] = wait

    with (
        within(SOON / 2),
        pytest.raises(ConnectionLost, match=r"user/space.*within 0.3 s \(connect_timeout\)"),
    ):
        Client("user/space", connect_timeout=0.3)
    hub.waiting.set()


def test_giving_up_stops_looking(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url, "BUILDING")
    looked = threading.Event()

    async def main() -> None:
        connecting = asyncio.ensure_future(_connected(looked))
        await asyncio.to_thread(looked.wait, SOON)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

    asyncio.run(main())  # that nothing is left behind is looked at after every test
    assert looked.is_set()


async def _connected(looked: threading.Event) -> Client:
    return await Client.connect("user/space", on_space_state=lambda _: looked.set())


def asleep(peer: Peer) -> object:
    """Answer as Hugging Face does for an app that does not run."""
    page = b"<html>Your space is sleeping</html>"
    head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"
    return peer.send(head + b"Content-Length: %d\r\n\r\n" % len(page) + page)


@pytest.mark.parametrize("stage", ["SLEEPING", "STOPPED"])
def test_a_sleeping_space_is_woken_by_calling_it(hub: Hub, server: FakeGradio, stage: str) -> None:
    repo = hub.add("user/space", server.url, stage)
    states: list[str] = []

    async def wake(peer: Peer) -> None:
        repo.stages[:] = ["BUILDING", "APP_STARTING", "RUNNING"]
        server.script("config", None)
        await asleep(peer)  # type: ignore[misc] # a coroutine

    server.script("config", wake)

    with Client("user/space", on_space_state=lambda state: states.append(state.stage)) as client:
        assert client.predict("x", api_name="/echo") == "x"

    assert states == [stage, "BUILDING", "APP_STARTING", "RUNNING"]
    assert len(server.asked("config")) == 2


def test_an_app_that_answers_is_believed_rather_than_a_hub_that_says_it_sleeps(
    hub: Hub, server: FakeGradio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_BELIEVED", 0.05)
    hub.add("user/space", server.url, "SLEEPING")

    with Client("user/space", connect_timeout=SOON) as client:
        assert client.predict("x", api_name="/echo") == "x"


def test_a_page_that_says_that_the_space_sleeps_is_no_app(
    hub: Hub, server: FakeGradio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_BELIEVED", 0.0)
    hub.add("user/space", server.url, "SLEEPING")
    server.script(
        "config", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n."
    )

    with pytest.raises(SpaceError, match="SLEEPING after"):
        Client("user/space", connect_timeout=0.3)


def test_a_space_that_was_just_started_may_stumble(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url)
    server.script("config", Refuse(503), None)

    with Client("user/space", retry=Retry(initial=0.01)) as client:
        assert client.predict("x", api_name="/echo") == "x"


# ---- what the Hub says instead


def test_a_space_that_is_not_there(hub: Hub) -> None:
    with pytest.raises(SpaceError, match=r"no Space user/none, or it is private") as caught:
        Client("user/none")

    assert caught.value.status == 404
    assert caught.value.stage is None
    assert isinstance(caught.value, ValueError)


def test_a_name_that_the_hub_cannot_have(hub: Hub) -> None:
    with pytest.raises(SpaceError, match="no name of a Space"):
        Client("user/a--b..c")

    assert hub.asked == []


def test_a_space_without_an_address(hub: Hub) -> None:
    hub.add("user/space", None)

    with pytest.raises(SpaceError, match="no address of the Space user/space"):
        Client("user/space")


@pytest.mark.parametrize("host", ["user-space.hf.space", "ftp://127.0.0.1/", "file:///etc"])
def test_an_address_that_is_none(hub: Hub, host: str) -> None:
    hub.add("user/space", host)

    with pytest.raises(ProtocolError, match="tells an address of user/space that is none"):
        Client("user/space")


def test_a_refused_token(hub: Hub) -> None:
    hub.add("user/space", "http://127.0.0.1:9")

    with pytest.raises(AuthenticationError, match="refused the token") as caught:
        Client("user/space", token="hf_wrong")

    assert "hf_wrong" not in str(caught.value)


def test_a_hub_that_is_in_trouble_is_asked_again(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url)
    answers = [(503, {"error": "later"}, {}), (429, {}, {"Retry-After": "0"})]
    hub.answers["runtime"] = lambda _: answers.pop() if answers else None

    with Client("user/space", retry=Retry(initial=0.01)):
        pass

    assert len(hub.told("/runtime")) == 3


@pytest.mark.parametrize(
    ("status", "headers", "error", "retry_after"),
    [
        (500, {}, ProtocolError, None),
        (403, {"X-Error-Message": "not for you"}, SpaceError, None),
        (429, {"Retry-After": "7"}, TooManyRequestsError, 7.0),
        (429, {"RateLimit": '"api";r=0;t=55'}, TooManyRequestsError, 55.0),
    ],
)
def test_a_refusal_of_the_hub_is_an_error(
    hub: Hub, status: int, headers: dict[str, str], error: type, retry_after: float | None
) -> None:
    hub.add("user/space", "http://127.0.0.1:9")
    hub.answers["runtime"] = lambda _: (status, {"error": "because"}, headers)

    with pytest.raises(error, match=headers.get("X-Error-Message", "because")) as caught:
        Client("user/space", retry=None)

    assert caught.value.status == status
    assert caught.value.retry_after == retry_after


@pytest.mark.parametrize("document", [[], {}, {"stage": None}, "x", None, {"stage": {"a": 1}}])
def test_nonsense_of_the_hub_is_an_error_of_ours_or_no_reason_to_stop(
    hub: Hub, server: FakeGradio, document: object
) -> None:
    hub.add("user/space", server.url)
    hub.answers["runtime"] = lambda _: (200, document, {})

    if document == {"stage": None} or document == {"stage": {"a": 1}}:
        with Client("user/space", retry=None) as client:
            assert client.predict("x", api_name="/echo") == "x"
    else:
        with pytest.raises(ProtocolError, match="no answer of its kind"):
            Client("user/space", retry=None)


def test_a_hub_that_is_not_there(monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    endpoint = f"http://127.0.0.1:{unused_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)

    with pytest.raises(ConnectionLost, match=r"Hub could not be asked .*give the URL"):
        Client("user/space", retry=None)
    close_session()


def test_a_hub_that_must_not_be_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(ConnectionLost, match="OfflineModeIsEnabled"):
        Client("user/space", retry=None)

    assert hub.asked == []


# ---- the library


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(ImportError, match=r"pip install 'rxgradio\[hub\]', or give the URL"):
        Client("user/space")


def test_the_library_is_not_imported_for_a_url(server: FakeGradio) -> None:
    program = (
        "import sys, rxgradio\n"
        f"client = rxgradio.Client({server.url!r}, token='hf_x')\n"
        "assert client.predict('x', api_name='/echo') == 'x'\n"
        "client.close()\n"
        "assert 'huggingface_hub' not in sys.modules\n"
        "assert 'gradio' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# ---- cookies


def test_calls_go_to_the_replica_that_has_answered_first(
    hub: Hub, server: FakeGradio, save_token: Callable[[str], object]
) -> None:
    hub.add("user/space", server.url)
    save_token("hf_user")
    server.fields = ("Set-Cookie: spaces-jwt-sticky=replica1; Path=/; SameSite=None",)

    with Client("user/space") as client:
        server.fields = ()
        assert client.predict("x", api_name="/echo") == "x"

    assert [request.values("cookie") for request in server.asked("config")] == [[]]
    for step in ("info", "join", "stream"):
        for request in server.asked(step):
            assert request.values("cookie") == ["spaces-jwt-sticky=replica1"]
    assert server.asked("join")
    assert server.asked("stream")


def test_a_refusal_of_the_app_is_told_as_of_any_other(hub: Hub, server: FakeGradio) -> None:
    hub.add("user/space", server.url)
    server.script("config", answer({"detail": "Not authenticated"}, "401 Unauthorized"))

    with pytest.raises(AuthenticationError):
        Client("user/space")
