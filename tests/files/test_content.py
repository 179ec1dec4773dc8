"""What users hand over instead of a path."""

from __future__ import annotations

import asyncio
import copy
import gc
import gzip
import io
import json
import pickle
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rxgradio import handle_file
from rxgradio.files import content as contents
from rxgradio.files.content import Content, content_of
from rxgradio.files.handle import named
from rxgradio.files.uploads import _digest
from rxgradio.protocol.files import BY_USER, keeping


def held(value: Any, **how: Any) -> Content:
    """Return what is uploaded for a value."""
    marker = handle_file(value, **how)
    content = named(marker)
    assert isinstance(content, Content)
    assert marker["orig_name"] == content.name or how
    return content


async def sent(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks()])


def test_bytes_are_a_file() -> None:
    for value in (b"abc", bytearray(b"abc"), memoryview(b"abc")):
        content = held(value)
        assert (content.name, content.size, content.content()) == ("file", 3, b"abc")
        assert asyncio.run(sent(content)) == b"abc"
    assert handle_file(b"", name="../a.txt")["orig_name"] == "a.txt"
    assert held(b"").content() == b""


def test_bytes_are_taken_as_they_are_now() -> None:
    value = bytearray(b"abc")
    content = held(value)
    value[0] = 0
    assert content.content() == b"abc"


def test_an_open_file_is_read_from_where_it_stands_and_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        content = held(file)
        assert not file.closed
        assert file.read() == b""
    assert (content.name, content.content()) == ("a.bin", b"456789")
    with tempfile.NamedTemporaryFile(suffix=".txt") as named_file:
        named_file.write(b"xyz")
        named_file.seek(1)
        assert held(named_file).content() == b"yz"


@given(parts=st.lists(st.binary(max_size=300), max_size=6), at=st.integers(0, 40))
def test_what_is_read_is_all_that_follows(parts: list[bytes], at: int) -> None:
    file = io.BytesIO(b"".join(parts))
    file.seek(at)
    content = held(file)
    assert content.content() == b"".join(parts)[at:]
    assert content.size == len(content.content())


def test_much_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_IN_MEMORY", 1000)
    value = bytes(range(256)) * 8
    content = held(io.BytesIO(value))
    spool: Any = content._kept
    assert not isinstance(spool, bytes)
    assert content.content() == value
    assert asyncio.run(sent(content)) == value
    assert asyncio.run(_digest(content)) == asyncio.run(_digest(held(value)))
    renamed = content.renamed("b")
    del content
    gc.collect()
    assert renamed.content() == value
    assert renamed.name == "b"
    del renamed
    gc.collect()
    assert spool.closed


class Odd:
    def __init__(self, *says: Any) -> None:
        self._says = list(says)

    def read(self, _: int) -> Any:
        return self._says.pop(0)


class Awaited:
    async def read(self, _: int) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (io.StringIO("x"), TypeError, "mode 'rb'"),
        (Odd("text"), TypeError, "gives a str"),
        (Odd(b"x", None), OSError, "no more bytes yet"),
        (Awaited(), TypeError, "gives a coroutine"),
        (7, TypeError, "no int"),
        (None, TypeError, "no NoneType"),
        ([b"x"], TypeError, "no list"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(value: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        handle_file(value)


def test_a_missing_file_is_a_value_error_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no file.*nowhere"):
        handle_file(tmp_path / "nowhere")


# ---- pictures


def seen(value: Any) -> Image.Image:
    content = held(value)
    assert content.name == "image.png"
    return Image.open(io.BytesIO(content.content()))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_pil_survives(mode: str) -> None:
    image = Image.new(mode, (3, 2), 1)
    assert seen(image).mode == mode
    assert seen(image).tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("mode", "sent"),
    [("CMYK", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("PA", "RGBA"), ("La", "LA")],
)
def test_a_picture_that_png_has_no_form_for_is_converted(mode: str, sent: str) -> None:
    made = seen(Image.new(mode, (3, 2)))
    assert (made.mode, made.size) == (sent, (3, 2))


def test_transparency_survives_whatever_the_mode() -> None:
    clear = Image.new("RGBA", (1, 1), (10, 20, 30, 0))
    assert seen(clear.convert("RGBa")).getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B"])
def test_pictures_of_16_bits_keep_them(mode: str) -> None:
    deep = Image.new("I", (2, 1))
    deep.putpixel((0, 0), 40_000)
    made = seen(deep if mode == "I" else deep.convert(mode))
    assert [made.getpixel((x, 0)) for x in (0, 1)] == [40_000, 0]


@pytest.mark.parametrize(("mode", "pixel"), [("I", 70_000), ("I", -1), ("F", 0.5)])
def test_a_picture_that_would_lose_what_it_shows_is_refused(mode: str, pixel: float) -> None:
    with pytest.raises(ValueError, match="cannot be written as PNG"):
        seen(Image.new(mode, (1, 1), pixel))


def test_which_side_is_up_goes_along_and_a_profile_of_another_mode_does_not() -> None:
    photo = Image.new("CMYK", (2, 1))
    photo.getexif()[0x0112] = 6
    photo.info["icc_profile"] = b"of CMYK"
    made = seen(photo)
    assert made.getexif()[0x0112] == 6
    assert "icc_profile" not in made.info
    same = Image.new("RGB", (2, 1))
    same.info["icc_profile"] = b"of RGB"
    assert seen(same).info["icc_profile"] == b"of RGB"


def test_what_is_unpacked_while_it_is_read_loses_its_last_suffix(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.txt.gz", "wb") as file:
        file.write(b"words")
    with gzip.open(tmp_path / "a.txt.gz") as file:
        made = content_of(file, None)
    assert made is not None
    assert (made.name, made.content()) == ("a.txt", b"words")


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 2), (2, 3, 3), (2, 3, 4)])
def test_an_array_is_a_picture(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype("uint8")
    assert np.array_equal(np.asarray(seen(array)).reshape(shape), array)
    assert np.array_equal(np.asarray(seen(array.astype("int64"))).reshape(shape), array)
    assert np.array_equal(np.asarray(seen(np.asfortranarray(array))).reshape(shape), array)


def test_floats_are_fractions_and_truths_are_black_and_white() -> None:
    floats = np.array([[0.0, 0.5, 1.0]])
    assert np.asarray(seen(floats)).tolist() == [[0, 128, 255]]
    assert np.asarray(seen(np.array([[True, False]]))).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((2, 2, 5)),
        np.zeros((0, 2)),
        np.array([[1.5]]),
        np.array([[np.nan]]),
        np.array([[-1]]),
        np.array([[256]]),
        np.array([["a"]]),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array: Any) -> None:
    with pytest.raises(ValueError, match=r"picture|pixels"):
        handle_file(array)


# ---- how long it is kept


def test_it_lives_as_long_as_its_marker_or_a_call_with_it() -> None:
    marker = handle_file(b"content", name="a.bin")
    kept = weakref.ref(held(b"other"))
    gc.collect()
    assert kept() is None
    nested = [{"deep": ({**marker, "alt_text": "x"},)}, 7, "text"]
    encoded = orjson.dumps(nested)
    payload = keeping(encoded, nested)
    assert payload == encoded
    content: Any = weakref.ref(named(marker))  # type: ignore[arg-type]
    del marker, nested
    gc.collect()
    (sent,) = json.loads(payload)[0]["deep"]
    again = named(sent)
    assert isinstance(again, Content)
    assert again.content() == b"content"
    del again, payload
    gc.collect()
    assert content() is None
    assert named(sent) is None


def test_what_carries_no_file_is_kept_as_it_is() -> None:
    encoded = b'["x"]'
    assert keeping(encoded, ["x"]) is encoded


def test_a_marker_may_be_copied_and_goes_nowhere_else() -> None:
    marker = handle_file(b"content")
    for other in (copy.copy(marker), copy.deepcopy(marker), dict(marker)):
        assert other == marker
        assert named(other) is named(marker)
    there = pickle.loads(pickle.dumps(marker))
    assert type(there[BY_USER]) is str
    forged = {**marker, BY_USER: "0" * 64}
    assert named(forged) is None
