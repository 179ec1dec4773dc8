"""19. What is the user's goes to the app's origin, and nowhere else.

The token, the login, header fields, cookies and inputs are sent to the scheme, host and
port that the user has named: not after a redirect of whatever request, and not to where
the server says that something is (a URL, a path, a root, a prefix, the domain of a cookie).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rxgradio
from rxgradio import Client, ProtocolError, RxGradioError, handle_file
from tests.rules.ways import FILES, WAYS, go
from tests.transport.older import make_older
from tests.transport.server import SOON, FakeGradio, answer

META = {"_type": "gradio.FileData"}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def upload(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "mine.txt").write_bytes(b"an input")
    return handle_file(tmp_path / "mine.txt")


def moved(status: int, there: FakeGradio, path: str = "/config") -> bytes:
    return answer(b"", f"{status} Moved", f"Location: {there.url}{path}", "Set-Cookie: late=1")


def connected(server: FakeGradio, folder: Path | None = None, **how: Any) -> Client:
    """A client with every kind of secret."""
    url = server.url.replace("//", "//user:s3cret@")
    headers = {"authorization": "Bearer s3cret", "x-token": "s3cret", "cookie": "own=s3cret"}
    server.fields = ("Set-Cookie: session=s3cret; Path=/",)
    return Client(url, headers=headers, download_files=folder or False, **how)


ROUTES = [
    ("session", "join"),
    ("session", "data"),
    ("connection", "join"),
    ("connection", "data"),
    ("websocket", "join"),
    ("post", "predict"),
]
"""Every request with an input, or for what comes of it."""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("way", "route"), ROUTES)
def test_rule_19_a_redirected_call_brings_nothing_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, way: str, route: str, status: int
) -> None:
    go(server, way)
    server.script(route, moved(status, elsewhere))
    with connected(server) as client, pytest.raises(ProtocolError, match="redirects"):
        client.submit("an input", api_name="/echo").result(SOON)
    assert len(server.asked(route)) == 1
    assert elsewhere.accepted == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("route", ["config", "info", ""])
@pytest.mark.parametrize("way", ["session", "websocket"])
def test_rule_19_a_redirected_document_is_not_fetched_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, way: str, route: str, status: int
) -> None:
    go(server, way)
    if not route:  # the page of an app that has no route for its config
        server.script("config", answer(b"", "404 Not Found"))
    server.script(route, moved(status, elsewhere))
    with pytest.raises(ProtocolError):
        connected(server)
    assert elsewhere.accepted == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_rule_19_a_redirected_login_brings_no_password_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, status: int
) -> None:
    server.script("login", moved(status, elsewhere, "/login"))
    if status == 302:  # what an app without a login answers: it is content
        connected(server, auth=("user", "s3cret")).close()
    else:
        with pytest.raises(ProtocolError, match="redirects"):
            connected(server, auth=("user", "s3cret"))
    assert elsewhere.accepted == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_rule_19_a_redirected_upload_brings_no_file_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, upload: dict[str, Any], status: int
) -> None:
    server.script("upload", moved(status, elsewhere, "/gradio_api/upload"))
    with connected(server) as client, pytest.raises(ProtocolError, match="redirects"):
        client.predict(upload, api_name="/echo")
    assert elsewhere.accepted == 0
    assert not server.asked("join")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_rule_19_a_redirected_download_is_not_fetched_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, folder: Path, status: int
) -> None:
    # What real servers do since a route of theirs may lead to any URL.
    go(server, "session", {"path": "/srv/a.txt", "meta": META})
    server.script("a.txt", moved(status, elsewhere, "/a.txt"))
    with connected(server, folder) as client, pytest.raises(ProtocolError, match="redirects"):
        client.predict("x", api_name="/echo")
    assert elsewhere.accepted == 0
    assert not [path for path in folder.rglob("*") if path.is_file()]


ELSEWHERE: list[Callable[[str], str]] = [
    lambda origin: f"http://{origin}/file=a.txt",
    lambda origin: f"http://{origin}@{origin}/file=a.txt",
    lambda origin: f"//{origin}/file=a.txt",
    lambda origin: f"https://{origin}/file=a.txt",
    lambda origin: f"http:\\\\{origin}\\a.txt",
    lambda origin: f"@{origin}/a.txt",
    lambda origin: f"/srv/a.txt\r\nHost: {origin}",
    lambda origin: f"/srv/a.txt HTTP/1.1\r\nHost: {origin}\r\n\r\nGET /x",
]
"""How a server may try to name another one."""


@EVERY_WAY
@pytest.mark.parametrize("name", ELSEWHERE)
def test_rule_19_no_address_in_an_output_is_visited(
    server: FakeGradio, elsewhere: FakeGradio, folder: Path, way: str, name: Callable[[str], str]
) -> None:
    place = name(elsewhere.origin)
    file = {"path": place, "name": place, "is_file": True, "url": elsewhere.url, "meta": META}
    server.config_fields["components"] = FILES
    go(server, way, file)
    with connected(server, folder) as client:
        client.submit("x", api_name="/echo").exception(SOON)  # it may fail, if it stays at home
    assert elsewhere.accepted == 0
    assert {value for each in server.requests for value in each.values("host")} == {server.origin}


def test_rule_19_an_address_that_only_begins_like_the_apps_own_is_another(
    server: FakeGradio, folder: Path
) -> None:
    # 127.0.0.1:1234 is the beginning of 127.0.0.1:12345, and of a login at another host.
    places = [f"{server.url}@elsewhere.invalid/a.txt", f"{server.url}0/a.txt"]
    go(server, "session", [{"path": place, "meta": META} for place in places])
    with connected(server, folder) as client:
        assert client.predict("x", api_name="/echo") == places
    assert [each.route for each in server.requests].count("a.txt") == 0


@EVERY_WAY
@pytest.mark.parametrize("key", ["root", "root_url", "space_id", "path", "api_url", "src", "url"])
def test_rule_19_no_address_in_a_config_is_believed(
    server: FakeGradio, elsewhere: FakeGradio, way: str, key: str
) -> None:
    go(server, way)
    server.config_fields[key] = elsewhere.url
    with connected(server) as client:
        assert client.predict("x", api_name="/echo") == "x"
    assert elsewhere.accepted == 0


@pytest.mark.parametrize(
    "prefix", ["//{}", "http://{}", "@{}", ":80@{}", "/x@{}/", "/\\{}", ".{}", "/%2f{}", "/a\r\nb"]
)
def test_rule_19_no_prefix_in_a_config_leads_elsewhere(
    server: FakeGradio, elsewhere: FakeGradio, prefix: str
) -> None:
    server.config_fields["api_prefix"] = prefix.format(elsewhere.origin)
    with pytest.raises(ProtocolError, match="no plain path"):
        connected(server)
    assert elsewhere.accepted == 0


def test_rule_19_cookies_for_other_domains_are_not_kept(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    server.fields = (
        "Set-Cookie: a=s3cret; Domain=elsewhere.invalid",
        "Set-Cookie: b=s3cret; Domain=.invalid",
        "Set-Cookie: c=s3cret; Secure",
        "Set-Cookie: d=kept; Path=/",
    )
    with Client(server.url) as client, Client(elsewhere.url) as other:
        client.predict("x", api_name="/echo")
        other.predict("x", api_name="/echo")
    assert {value for each in server.requests for value in each.values("cookie")} == {"d=kept"}
    assert not any(each.values("cookie") for each in elsewhere.requests)


CALL = """
import sys
from rxgradio import Client
with Client(sys.argv[1]) as client:
    print(client.predict("x", api_name="/echo"))
"""


@EVERY_WAY
def test_rule_19_what_is_saved_for_other_hosts_is_not_sent(
    server: FakeGradio, tmp_path: Path, way: str
) -> None:
    go(server, way)
    (tmp_path / "token").write_text("hf_s3cret")
    (tmp_path / ".netrc").write_text("default login user password s3cret\n")
    (tmp_path / ".netrc").chmod(0o600)
    environment = {
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / ".netrc"),
        "HF_HOME": str(tmp_path),
        "HF_TOKEN": "hf_s3cret",
        "HUGGING_FACE_HUB_TOKEN": "hf_s3cret",
    }
    done = subprocess.run(
        [sys.executable, "-c", CALL, server.url],
        cwd=Path(rxgradio.__file__).parents[1],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("x\n", "")
    assert not any("s3cret" in str(each.fields) for each in server.requests)
    assert not any(each.values("authorization") for each in server.requests)


@EVERY_WAY
def test_rule_19_the_app_itself_gets_all_of_it(server: FakeGradio, way: str) -> None:
    # Or the tests above would show nothing.
    go(server, way)
    with connected(server) as client:
        client.predict("x", api_name="/echo")
    assert len(server.requests) > 2
    for request in server.requests[1:]:
        assert request.values("x-token") == ["s3cret"]
        assert len(request.values("authorization")) == 1
        assert request.values("cookie") == ["own=s3cret; session=s3cret"]


def test_rule_19_a_file_of_the_web_is_asked_for_without_secrets_of_the_app(
    server: FakeGradio, elsewhere: FakeGradio
) -> None:
    # Gradio 3 does not fetch it itself. Another host may send it on to the app.
    make_older(server, "3.50.2", None)
    server.config_fields["enable_queue"] = False
    server.config_fields["components"] = FILES
    server.script("upload", answer(["/srv/a.txt"]))
    server.script("predict", answer({"data": [None]}))
    server.script("a.txt", answer(b"content"))
    elsewhere.script("a.txt", moved(302, server, "/a.txt"))
    with connected(server) as client:
        client.predict(handle_file(f"{elsewhere.url}/a.txt"), api_name="/echo")
    [sent] = elsewhere.asked("a.txt")
    [sent_on] = server.asked("a.txt")
    assert "s3cret" not in str(sent.fields)
    assert "s3cret" not in str(sent_on.fields)


def test_rule_19_errors_are_typed_all_the_same(server: FakeGradio, elsewhere: FakeGradio) -> None:
    server.script("config", moved(302, elsewhere))
    with pytest.raises(RxGradioError, match="the app's final address") as caught:
        connected(server)
    assert elsewhere.origin not in str(caught.value)
