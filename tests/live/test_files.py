"""Files to and from real servers of every generation: byte for byte, both ways."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import shutil
import struct
import subprocess
import threading
import uuid
import wave
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reactivex
from PIL import Image
from reactivex import operators as ops

from rxgradio import (
    AppError,
    Client,
    OutputUpdate,
    RemoteFile,
    Status,
    StatusUpdate,
    ValidationError,
    handle_file,
)
from rxgradio.files import uploads
from rxgradio.protocol.dialects import release_of
from tests.live.servers.run import Server

SOON = 30.0
BYTES = bytes(range(256)) * 20_000
"""More than is read, written or sent at once."""


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Iterator[Client]:
    with Client(server.url, download_files=tmp_path / "downloads") as client:
        yield client


@pytest.fixture
def release(server: Server) -> tuple[int, ...]:
    return release_of(server.version)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def make(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def png(width: int, pixel: tuple[int, int, int]) -> bytes:
    def part(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, 2, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(pixel) * width) * 2
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def width(path: str) -> int:
    content = Path(path).read_bytes()
    assert content.startswith(b"\x89PNG")
    size: int = struct.unpack(">I", content[16:20])[0]
    return size


def test_a_file_survives_both_ways(client: Client, make: Callable[..., Path]) -> None:
    for name, content in [("any.bin", BYTES), ("empty.bin", b""), ("lines.txt", b"a\r\nb\n\xff\0")]:
        sent = make(name, content)
        came = Path(client.predict(handle_file(sent), api_name="/file_copy"))
        assert came.read_bytes() == content
        assert came.name == name
        assert came != sent
        assert came.parent.parent == sent.parent / "downloads"


def test_odd_names_survive_as_far_as_the_server_lets_them(
    client: Client, make: Callable[..., Path]
) -> None:
    for name in ["my report (1).txt", "größe 100% #1 & 2?.txt", "a'b;c=d+e,f.txt"]:
        came = Path(client.predict(handle_file(make(name, b"x")), api_name="/file_copy"))
        assert came.read_bytes() == b"x"
        assert came.suffix == ".txt"


def test_several_files_survive_in_their_order(client: Client, make: Callable[..., Path]) -> None:
    contents = [b"one", BYTES, b"three", b"one"]
    sent = [handle_file(make(f"f{n}.bin", content)) for n, content in enumerate(contents)]
    sent.append(sent[1])
    came = client.predict(sent, api_name="/file_copies")
    assert [Path(path).read_bytes() for path in came] == [*contents, BYTES]
    digests = json.loads(client.predict(sent, api_name="/file_digests"))
    assert digests == [hashlib.sha256(content).hexdigest() for content in [*contents, BYTES]]


def test_a_file_that_the_app_makes_arrives(client: Client) -> None:
    assert Path(client.predict(api_name="/file_out")).read_text() == "file content"
    assert client.predict(None, api_name="/file_copy") is None


def test_images_survive_pixel_for_pixel(client: Client, make: Callable[..., Path]) -> None:
    image = handle_file(make("image.png", png(5, (1, 2, 3))))
    pixels = json.loads(client.predict(image, api_name="/image_pixels"))
    assert pixels == [[5, 2], [[1, 2, 3]] * 3]
    copied = client.predict(image, api_name="/image_copy")
    assert width(copied) == 5
    again = json.loads(client.predict(handle_file(copied), api_name="/image_pixels"))
    assert again == pixels


def test_each_image_of_a_stream_is_another_file(client: Client) -> None:
    job = client.submit(4, api_name="/image_frames")
    assert [width(path) for path in job] == [3, 4, 5, 6]
    assert job.result(SOON) == job.outputs()[-1]
    assert len(set(job.outputs())) == 4


def test_a_gallery_arrives_with_its_captions(client: Client, release: tuple[int, ...]) -> None:
    pictures = client.predict(3, api_name="/gallery")
    if release >= (4,):
        pictures = [(each["image"], each["caption"]) for each in pictures]
    assert [width(path) for path, _ in pictures] == [3, 4, 5]
    assert [caption for _, caption in pictures] == [f"picture {n}" for n in range(3)]


def test_sound_survives(client: Client, make: Callable[..., Path]) -> None:
    path = make("sound.wav", b"")
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(200)) * 40)
    came = client.predict(handle_file(path), api_name="/audio_copy")
    assert Path(came).read_bytes() == path.read_bytes()


def test_a_video_arrives(client: Client) -> None:
    video = client.predict(api_name="/video_out")
    match video:
        case [path, None] | {"video": path, "subtitles": None} | str(path):
            assert Path(path).read_bytes() == bytes(range(256)) * 20
        case _:
            pytest.fail(f"what is {video!r}?")


def test_a_path_in_json_is_no_file(client: Client, release: tuple[int, ...]) -> None:
    value = client.predict(api_name="/path_in_json")
    if (4, 21) <= release[:2] <= (4, 22):
        # These servers make a file of any object that has a path, and say so.
        assert "path_in_json" in Path(value).read_text(encoding="utf-8")
    else:
        assert value["orig_name"] == "app.py"
        assert value["size"] == 1


def files_of(history: Any) -> list[str]:
    """Return the paths in a chat, whatever its form."""
    match history:
        case str():
            return [history] if "/downloads/" in history else []
        case list():
            return [path for each in history for path in files_of(each)]
        case dict():
            return [path for each in history.values() for path in files_of(each)]
    return []


def test_a_chat_with_files_is_told_step_by_step(client: Client) -> None:
    job = client.submit(3, api_name="/chat_files")
    steps = [files_of(history) for history in job]
    assert [len(paths) for paths in steps] == sorted(len(paths) for paths in steps)
    assert [Path(path).read_text() for path in steps[-1]] == [f"content {n}" for n in range(3)]
    assert files_of(job.result(SOON)) == steps[-1]
    assert "see this file" in json.dumps(job.result())
    for paths in steps:
        assert paths == steps[-1][: len(paths)]


def test_outputs_can_be_left_as_they_are(server: Server) -> None:
    with Client(server.url, download_files=False) as client:
        value = client.predict(api_name="/file_out")
        assert value["orig_name"] == "out.txt"
        # What names a file on the server is taken back by it.
        assert client.predict(value, api_name="/file_in") == "file content"


@pytest.mark.parametrize("server", ["5.50.0", "6.31.0"], indirect=True)
def test_the_frames_of_a_stream_may_be_files(client: Client, make: Callable[..., Path]) -> None:
    contents = [b"one", BYTES, b"three"]
    frames = [handle_file(make(f"{n}.bin", each)) for n, each in enumerate(contents)]
    chunks = reactivex.from_iterable(frames)
    updates = client.stream(chunks, api_name="/frame_digests").pipe(ops.to_list()).run()
    seen = [u.outputs for u in updates if isinstance(u, OutputUpdate) and not u.final]
    assert seen == [hashlib.sha256(each).hexdigest() for each in contents]


def test_files_in_a_chat(
    client: Client, make: Callable[..., Path], release: tuple[int, ...]
) -> None:
    endpoints = {endpoint.api_name for endpoint in client.endpoints.values()}
    file = handle_file(make("a.bin", BYTES))
    digest = hashlib.sha256(BYTES).hexdigest()
    if "/chat_digests" in endpoints:
        said = file if release < (4,) else {"file": file, "alt_text": None}
        history = [["hello", None], [said, "thanks"]]
        assert json.loads(client.predict(history, api_name="/chat_digests")) == [digest]
    if "/message_digests" in endpoints:
        message = {"text": "hello", "files": [file, file]}
        seen = json.loads(client.predict(message, api_name="/message_digests"))
        assert seen == ["hello", digest, digest]
    assert "/chat_digests" in endpoints or "/message_digests" in endpoints


def test_a_url_of_the_app_itself_is_brought_to_it(
    server: Server, client: Client, tmp_path: Path
) -> None:
    with Client(server.url, download_files=False) as other:
        value = other.predict(api_name="/file_out")
    url = f"{server.api_url}/file={value.get('path') or value.get('name')}"
    assert client.predict(handle_file(url), api_name="/file_in") == "file content"


class OneFile(http.server.BaseHTTPRequestHandler):
    content = b"from elsewhere"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    do_HEAD = do_GET  # noqa: N815 (its name for http.server)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneFile) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_file_in_the_web(client: Client, web: str, release: tuple[int, ...]) -> None:
    file = handle_file(f"{web}/some.txt")
    if release >= (5,):
        # These servers fetch nothing from private addresses.
        with pytest.raises(AppError):
            client.predict(file, api_name="/file_in")
    else:
        assert client.predict(file, api_name="/file_in") == "from elsewhere"


def check_both_ways(url: str, tmp_path: Path, **how: Any) -> None:
    (tmp_path / "a.bin").write_bytes(BYTES)
    with Client(url, download_files=tmp_path / "downloads", **how) as client:
        came = client.predict(handle_file(tmp_path / "a.bin"), api_name="/file_copy")
        assert Path(came).read_bytes() == BYTES


def test_files_behind_a_login_and_a_path(
    fresh_server: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    locked = fresh_server(server.version, APP_AUTH="ada:secret", APP_ROOT="/deep/down")
    check_both_ways(locked.url, tmp_path, auth=("ada", "secret"))


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2"])
def test_files_of_an_app_without_a_queue(
    fresh_server: Callable[..., Server], version: str, tmp_path: Path
) -> None:
    check_both_ways(fresh_server(version, APP_QUEUE="0").url, tmp_path)


# ---- what a file is, and which the app takes


def test_what_is_no_file_yet_is_one_to_the_app(client: Client) -> None:
    for given in (BYTES, io.BytesIO(BYTES)):
        came = client.predict(handle_file(given, name="a.bin"), api_name="/file_copy")
        assert Path(came).read_bytes() == BYTES
        assert Path(came).name == "a.bin"


def test_pictures_in_memory_are_pictures_to_the_app(client: Client) -> None:
    expected = [[5, 2], [[1, 2, 3]] * 3]
    array = np.full((2, 5, 3), (1, 2, 3), dtype="uint8")
    for given in (array, Image.fromarray(array)):
        assert json.loads(client.predict(handle_file(given), api_name="/image_pixels")) == expected


def test_a_file_left_there_is_an_argument_too(
    server: Server, client: Client, make: Callable[..., Path], tmp_path: Path
) -> None:
    endpoint = client.endpoint("/file_copy", download="lazy")
    file = endpoint.predict(handle_file(make("a.bin", BYTES)))
    assert isinstance(file, RemoteFile)
    assert file.name == "a.bin"
    assert not (tmp_path / "downloads").exists()
    assert file.size in {None, len(BYTES)}
    again = endpoint.predict(file)
    assert again.read() == file.read() == BYTES
    digest = hashlib.sha256(BYTES).hexdigest()
    assert json.loads(client.predict([file, again], api_name="/file_digests")) == [digest] * 2
    assert file.save(tmp_path / "saved").read_bytes() == BYTES
    with Client(server.url, download_files=tmp_path / "other") as other:
        assert Path(other.predict(file, api_name="/file_copy")).read_bytes() == BYTES


def test_images_left_there_are_arguments_too(client: Client, make: Callable[..., Path]) -> None:
    image = handle_file(make("image.png", png(5, (1, 2, 3))))
    left = client.endpoint("/image_copy", download="lazy").predict(image)
    if isinstance(left, str):  # of Gradio 3, whose images come within the messages
        left = handle_file(left)
    pixels = json.loads(client.predict(left, api_name="/image_pixels"))
    assert pixels == [[5, 2], [[1, 2, 3]] * 3]


def test_only_the_last_image_of_a_stream_is_fetched_if_asked(
    client: Client, release: tuple[int, ...], tmp_path: Path
) -> None:
    job = client.endpoint("/image_frames", download="final").submit(4)
    assert width(job.result(SOON)) == 6
    frames = job.outputs()
    assert len(frames) == 4
    if release >= (4,):  # before, an image comes within the message
        assert len([path for path in tmp_path.rglob("*.*") if path.is_file()]) == 1
        assert [width(str(Path(frame))) for frame in frames] == [3, 4, 5, 6]


def test_the_sending_of_a_file_is_told(client: Client, make: Callable[..., Path]) -> None:
    job = client.submit(handle_file(make("a.bin", BYTES)), api_name="/file_copy")
    updates = job.updates.pipe(ops.to_list()).run()
    bars = [
        bar
        for update in updates
        if isinstance(update, StatusUpdate) and update.code is Status.SENDING_DATA
        for bar in update.progress_data or []
    ]
    assert bars[0].index == 0
    assert (bars[-1].index, bars[-1].length, bars[-1].desc) == (len(BYTES), len(BYTES), "a.bin")


@pytest.mark.parametrize("version", ["4.44.1", "5.50.0", "6.31.0"])
def test_what_the_app_does_not_take_is_not_sent(
    fresh_server: Callable[..., Server], version: str, make: Callable[..., Path], tmp_path: Path
) -> None:
    url = fresh_server(version, APP_MEDIA="1", APP_UPLOAD="10kb").url
    small, large = make("a.pdf", b"x" * 9_000), make("b.pdf", b"x" * 20_000)
    with Client(url, download_files=tmp_path / "downloads") as client:
        assert client.predict(handle_file(small), api_name="/file_of_types") == "a.pdf"
        with pytest.raises(ValidationError, match="20000 bytes"):
            client.predict(handle_file(large), api_name="/file_of_types")
        sound = handle_file(make("a.wav", b"x"))
        if version == "4.44.1":  # takes it
            assert client.predict(sound, api_name="/file_of_types") == "a.wav"
        else:
            with pytest.raises(ValidationError, match=r"'a\.wav' is of none.*\.pdf, image"):
                client.predict(sound, api_name="/file_of_types")


# ---- what the app has already


def test_a_file_is_sent_again_only_if_the_app_has_lost_it(
    server: Server,
    tmp_path: Path,
    make: Callable[[str, bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "_TRUSTED", -1.0)  # as if each upload were long ago
    asked: list[str] = []
    hooks = {"request": [lambda request: asked.append(f"{request.method} {request.url.path}")]}
    name = f"{uuid.uuid4().hex}.txt"
    file = handle_file(make(name, b"words"))
    with Client(server.url, download_files=False, httpx_kwargs={"event_hooks": hooks}) as client:
        for _ in range(3):
            assert client.predict(file, api_name="/file_in") == "words"
        assert len(asked_for("POST", "/upload", asked)) == 1
        assert len(asked_for("HEAD", "/file=", asked)) == 2
        for path in list(server.directory.rglob(name)):
            path.unlink()  # as `delete_cache` does, or a restart
        assert client.predict(file, api_name="/file_in") == "words"
        assert len(asked_for("POST", "/upload", asked)) == 2


def asked_for(method: str, route: str, asked: list[str]) -> list[str]:
    return [each for each in asked if each.startswith(method) and route in each]


# ---- streams of media


@pytest.mark.parametrize("version", ["4.44.1", "5.50.0", "6.31.0"])
def test_a_stream_of_sound_becomes_a_file(
    fresh_server: Callable[..., Server], version: str, tmp_path: Path
) -> None:
    url = fresh_server(version, APP_MEDIA="1").url
    with Client(url, download_files=tmp_path / "downloads") as client:
        job = client.submit(3, api_name="/pieces")
        kept = Path(job.result(SOON))
        assert kept.read_bytes() == b"".join(bytes([n]) * 100_000 for n in range(3))
        assert kept.name == ("audio" if version == "4.44.1" else "sound.aac")
        assert all(output["is_stream"] for output in job.outputs())
        left = client.endpoint("/pieces", download="lazy").predict(2)
        assert len(left.read()) == 200_000


ENCODED = pytest.mark.skipif(
    None in {shutil.which("ffmpeg"), shutil.which("ffprobe")},
    reason="the server encodes with ffmpeg, which is not here",
)


@ENCODED
def test_an_encoded_stream_of_sound_becomes_a_file(
    fresh_server: Callable[..., Server], tmp_path: Path
) -> None:
    url = fresh_server("6.31.0", APP_MEDIA="1").url
    with Client(url, download_files=tmp_path / "downloads") as client:
        kept = Path(client.predict(3, api_name="/tones"))
    content = kept.read_bytes()
    assert kept.suffix == ".aac"
    frames, at = 0, 0
    while at < len(content):  # each has its length in its header (ISO 13818-7, 6.2)
        assert content[at] == 0xFF
        assert content[at + 1] & 0xF0 == 0xF0
        at += (content[at + 3] & 3) << 11 | content[at + 4] << 3 | content[at + 5] >> 5
        frames += 1
    assert 3 <= frames * 1024 / 16000 < 3.5  # seconds


@ENCODED
@pytest.mark.parametrize("version", ["5.50.0", "6.31.0"])
def test_an_encoded_stream_of_pictures_becomes_a_file(
    fresh_server: Callable[..., Server], version: str, tmp_path: Path
) -> None:
    url = fresh_server(version, APP_MEDIA="1").url
    with Client(url, download_files=tmp_path / "downloads") as client:
        said = client.predict(3, api_name="/clips")
    kept = Path(said["video"] if isinstance(said, dict) else said)
    content = kept.read_bytes()
    assert kept.suffix == ".ts"
    # Packets of 188 bytes, each with a sync byte (ISO 13818-1, 2.4.3.2).
    assert set(content[::188]) == {0x47}
    assert len(content) % 188 == 0
    counted = ["-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", *counted, str(kept)]
    told = subprocess.run(probe, capture_output=True, text=True, check=True).stdout
    assert int(told.split()[0].strip(",")) == 30
