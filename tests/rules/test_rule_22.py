"""22. Only what `handle_file` has named is uploaded, and only if it is a regular file.

No value that came from a server has a local file read, in whatever argument it is passed
on. URLs are passed on, not fetched, where the app can fetch. No name, header field or name of
an endpoint changes what is sent beside itself.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxgradio import Client, InvalidAPIEndpointError, RxGradioError, ValidationError, handle_file
from rxgradio.files.disk import LocalFile
from tests.rules.ways import WAYS, go
from tests.transport.server import SOON, FakeGradio, answer, within

META = {"_type": "gradio.FileData"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "private.txt"
    path.write_text("of the user")
    return path


def nothing_is_sent(server: FakeGradio) -> bool:
    return not any(b"of the user" in request.body for request in server.requests)


@pytest.mark.parametrize("way", WAYS)
def test_rule_22_what_an_output_says_to_be_a_file_is_not_read_when_it_is_passed_on(
    server: FakeGradio, private: Path, way: str
) -> None:
    forged = {
        "path": str(private),
        "name": str(private),
        "orig_name": "private.txt",
        "is_file": True,
        "meta": META,
        "rxgradio_signature": "0" * 64,
    }
    go(server, way, {"first": forged, "again": [forged]})
    with Client(server.url, download_files=False) as client:
        said = client.predict("x", api_name="/echo")
        if way == "session":
            server.script("data", None)
        for argument in (said, said["first"], [said], str(private), private.as_uri()):
            client.submit(argument, api_name="/echo").exception(SOON)
    assert server.asked("upload") == []
    assert nothing_is_sent(server)


@pytest.mark.parametrize("way", WAYS)
def test_rule_22_a_file_that_a_default_names_is_not_read(
    server: FakeGradio, private: Path, way: str
) -> None:
    go(server, way)
    forged = {"path": str(private), "meta": META}
    components = [{"id": 0, "type": "file", "skip_api": False, "props": {"value": forged}}]
    server.config_fields["components"] = components
    server.script("info", answer(b"", "404 Not Found"))
    with Client(server.url) as client:
        client.submit(api_name="/echo").exception(SOON)
    assert server.asked("upload") == []
    assert nothing_is_sent(server)


def test_rule_22_a_signature_is_for_one_path(server: FakeGradio, private: Path) -> None:
    (private.parent / "harmless.txt").write_text("x")
    marker = handle_file(private.parent / "harmless.txt") | {"path": str(private)}
    with Client(server.url) as client, pytest.raises(ValidationError, match="handle_file"):
        client.predict(marker, api_name="/echo")
    assert nothing_is_sent(server)


@pytest.fixture
def odd(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = tmp_path / "odd"
    held: list[socket.socket] = []
    match request.param:
        case "directory":
            path.mkdir()
        case "FIFO":
            os.mkfifo(path)
        case "link to a FIFO":
            os.mkfifo(tmp_path / "there")
            path.symlink_to(tmp_path / "there")
        case "socket":
            path = Path(tempfile.mkdtemp()) / "s"  # its name has to be short
            held.append(socket.socket(socket.AF_UNIX))
            held[0].bind(str(path))
        case "device":
            path = Path("/dev/zero")
    yield path
    for each in held:
        each.close()


ODD = ["directory", "FIFO", "link to a FIFO", "socket", "device"]


@POSIX
@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_rule_22_what_is_no_regular_file_is_refused_before_it_is_opened(odd: Path) -> None:
    with within(SOON), pytest.raises(OSError, match=r"directory|no regular file"):
        handle_file(odd)


@POSIX
@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_rule_22_so_it_is_when_it_takes_the_place_of_a_file(
    server: FakeGradio, tmp_path: Path, odd: Path
) -> None:
    path = tmp_path / "named"
    path.write_bytes(b"x")
    marker = handle_file(path)
    path.unlink()
    path.symlink_to(odd)
    with Client(server.url) as client:
        job = client.submit(marker, api_name="/echo")
        assert isinstance(job.exception(SOON), OSError)
    assert not server.asked("upload")


@POSIX
def test_rule_22_a_fifo_that_takes_its_place_after_the_last_look_is_not_waited_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "named"
    path.write_bytes(b"x")
    file = LocalFile(path, "named")
    path.unlink()
    os.mkfifo(path)
    with within(SOON), pytest.raises(OSError, match="changed while it was uploaded"):
        file.content()


@pytest.mark.parametrize(
    "name",
    [
        'a"; filename="b',
        "a\r\nContent-Type: text/html\r\n\r\nb",
        "a\nb",
        "a\rb",
        "a\r\n--",
        "\ud83d",
        "\u2028",
        "a\0b",
        "x" * 5000,
    ],
)
def test_rule_22_no_name_of_a_file_changes_the_form_around_it(
    server: FakeGradio, private: Path, name: str
) -> None:
    server.script("upload", answer(["/srv/a"]))
    with Client(server.url, download_files=False) as client:
        marker = handle_file(private) | {"orig_name": name}
        client.predict(marker, api_name="/echo")
    server.events[-1].data[0]["orig_name"].encode()  # or the app could not send it back
    [sent] = server.asked("upload")
    boundary = sent.values("content-type")[0].partition("boundary=")[2].encode()
    head, _, rest = sent.body.partition(b"\r\n\r\n")
    assert len(head.split(b"\r\n")) == 3
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert head.count(b'"') == 4
    assert rest == b"of the user\r\n--" + boundary + b"--\r\n"
    assert [key.lower() for key, _ in sent.fields].count("content-type") == 1


@pytest.mark.parametrize("way", ["session", "connection"])
def test_rule_22_a_url_is_passed_on_and_not_fetched(
    server: FakeGradio, elsewhere: FakeGradio, way: str
) -> None:
    go(server, way)
    with Client(server.url) as client:
        client.predict(handle_file(f"{elsewhere.url}/a.txt"), api_name="/echo")
    route = "join" if way == "session" else "data"
    assert server.asked(route)[-1].document["data"][0]["path"] == f"{elsewhere.url}/a.txt"
    assert elsewhere.accepted == 0


@pytest.mark.parametrize(
    "api_name", ["/echo\r\nx: y", "/../echo", "/echo?x=1", "//echo", "/e%63ho"]
)
def test_rule_22_no_name_of_an_endpoint_is_sent(server: FakeGradio, api_name: str) -> None:
    with Client(server.url) as client:
        asked = len(server.requests)
        with pytest.raises(InvalidAPIEndpointError):
            client.submit("x", api_name=api_name)
        assert len(server.requests) == asked


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\0b", "\u0440"])
@pytest.mark.parametrize("way", WAYS)
def test_rule_22_no_header_field_brings_another(server: FakeGradio, way: str, value: str) -> None:
    go(server, way)
    with Client(server.url) as client:
        asked = len(server.requests)
        with pytest.raises(ValueError, match="not printable"):
            client.submit("x", api_name="/echo", headers={"x-mine": value})
        assert len(server.requests) == asked


def test_rule_22_a_server_names_no_place_with_its_answer_to_an_upload(
    server: FakeGradio, private: Path
) -> None:
    # What it says is only ever sent back to it.
    server.script("upload", answer(["../../etc/passwd\r\nx: y"]))
    with Client(server.url, download_files=False) as client:
        client.predict(handle_file(private), api_name="/echo")
    [call] = server.events
    assert call.data[0]["path"] == "../../etc/passwd\r\nx: y"


@pytest.mark.parametrize("said", [[], [""], [None], [1], ["a", "b"], {}, "a", None, [["a"]]])
def test_rule_22_an_upload_that_was_put_nowhere_ends_its_call(
    server: FakeGradio, private: Path, said: object
) -> None:
    server.script("upload", answer(said))
    with Client(server.url) as client:
        error = client.submit(handle_file(private), api_name="/echo").exception(SOON)
        assert isinstance(error, RxGradioError)
        assert client.predict("still there", api_name="/echo") == "still there"
