"""Both clients say the same to the Hub and to the Space.

Each runs in a process of its own, as huggingface_hub learns where the Hub is when it is
imported. What is not compared is in the comments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.spaces.hub import Hub
from tests.transport.server import FakeGradio

pytest.importorskip("gradio_client")

CLIENTS = ["gradio_client", "rxgradio"]

NAME = """
client = Client("user/space", verbose=False, analytics_enabled=False)
show(client.space_id, client.predict("x", api_name="/echo"))
"""

TOKEN = """
client = Client("user/space", token="hf_user", verbose=False, analytics_enabled=False)
show(client.space_id, client.predict("x", api_name="/echo"))
"""

URL = """
client = Client(URL, token="hf_user", verbose=False, analytics_enabled=False)
show(client.space_id, client.predict("x", api_name="/echo"))
"""

DUPLICATE = """
client = Client.duplicate(
    "user/space", "copy", "hf_me", private=True, secrets={"KEY": "x"}, verbose=False
)
show(client.space_id, client.predict("x", api_name="/echo"))
"""

FAILS = """
try:
    Client("user/space", verbose=False, analytics_enabled=False)
except ValueError as error:
    show("ValueError", "PAUSED" in str(error))
"""


def told(client: str, script: str, hub: Hub, server: FakeGradio, token: str | None) -> Any:
    """Run a script with a client; returns what it showed."""
    program = (
        "import json, sys\n"
        f"from {client} import Client\n"
        f"URL = {server.url!r}\n"
        "def show(*values): sys.stdout.write(json.dumps(values))\n"
        f"{script}\n"
        "client = locals().get('client')\n"
        "client and client.close()\n"
    )
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        **({} if token is None else {"HF_TOKEN": token}),
    }
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def seen(hub: Hub, server: FakeGradio) -> dict[str, Any]:
    """Return what the Hub and the Space have been asked, and forget it."""
    asked = {
        # How often a Space is looked at, and its order among questions, is no matter.
        "hub": sorted({(each.method, each.path, each.token) for each in hub.asked}, key=str),
        "changes": [(each.path, each.body) for each in hub.asked if each.method == "POST"],
        "space": {
            (request.route, *request.values("x-hf-authorization"))
            for request in server.requests
            if request.route in {"config", "info", "join", "data"}
        },
    }
    hub.asked.clear()
    server.requests.clear()
    return asked


@pytest.mark.parametrize(
    ("script", "saved", "shown"),
    [
        (NAME, None, ["user/space", "x"]),
        (NAME, "hf_user", ["user/space", "x"]),
        (TOKEN, "hf_me", ["user/space", "x"]),
        # On purpose not compared: a saved token and a URL, which gradio_client gives it to.
        (URL, None, [None, "x"]),
        (DUPLICATE, None, ["me/copy", "x"]),
    ],
)
def test_both_clients_ask_the_same(
    hub: Hub, make_server: Callable[..., FakeGradio], script: str, saved: str | None, shown: Any
) -> None:
    server = make_server()
    hub.host_of_copies = server.url
    asked = {}
    for client in CLIENTS:
        hub.repos.clear()
        hub.add("user/space", server.url)
        assert told(client, script, hub, server, saved) == shown
        asked[client] = seen(hub, server)

    assert asked["rxgradio"] == asked["gradio_client"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_paused_space_is_a_value_error_of_both(hub: Hub, server: FakeGradio, client: str) -> None:
    hub.add("user/space", server.url, "PAUSED")

    assert told(client, FAILS, hub, server, None) == ["ValueError", True]
