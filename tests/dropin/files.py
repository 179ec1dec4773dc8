"""Scenarios of files, sent and received."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tests.dropin.scenario import NAMED, NEWER, NEWEST, Script, differs, raises, returns, same


def content(path: Any) -> object:
    return Path(path).name, Path(path).read_text(encoding="utf-8")


@same()
def a_file_that_is_sent(it: Script) -> object:
    return it.connect().predict(it.handle_file(it.file()), api_name="/read_file")


@same()
def a_file_named_as_long_ago(it: Script) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sent = it.module("utils").file(it.file())
    return it.connect().predict(sent, api_name="/read_file")


@same(on=NEWER)
def a_file_that_is_written_anew_under_its_name(it: Script) -> object:
    job = it.connect().submit(3, api_name="/frames")
    return [content(each) for each in job], content(job.result())


@same()
def a_file_named_by_a_path(it: Script) -> object:
    return it.connect().predict(it.handle_file(Path(it.file())), api_name="/read_file")


@same()
def a_file_that_is_received(it: Script) -> object:
    return content(it.connect().predict("made.txt", api_name="/make_file"))


@same()
def where_a_received_file_is(it: Script) -> object:
    path = it.connect().predict("made.txt", api_name="/make_file")
    # In a folder that is named by the digest of the content.
    return type(path).__name__, Path(path).relative_to(it.downloads.resolve()).parts


@same()
def a_file_there_and_back(it: Script) -> object:
    sent = it.handle_file(it.file("my note.txt"))
    return content(it.connect().predict(sent, api_name="/copy_file"))


@same()
def a_strange_name(it: Script) -> object:
    sent = it.handle_file(it.file("Wörter & [1] 100%.txt"))
    return content(it.connect().predict(sent, api_name="/copy_file"))


@same()
def several_files(it: Script) -> object:
    files = [it.handle_file(it.file(f"{n}.txt", f"file {n}")) for n in range(3)]
    return [content(path) for path in it.connect().predict(files, api_name="/copy_files")]


@same(on=NAMED)
def files_in_a_message(it: Script) -> object:
    value = {"text": "see", "files": [it.handle_file(it.file())]}
    return it.connect().predict(value, api_name="/message")


@same()
def a_file_beside_a_text(it: Script) -> object:
    path, said = it.connect().predict("abc", api_name="/file_and_text")
    return content(path), said


@same()
def files_of_a_generator(it: Script) -> object:
    job = it.connect().submit(2, api_name="/words_and_files")
    return content(job.result()), [content(path) for path in job.outputs()]


@same()
def no_downloads(it: Script) -> object:
    made = it.connect(download_files=False).predict("made.txt", api_name="/make_file")
    return type(made).__name__, sorted(made), made["orig_name"], made.get("meta"), made["size"]


@same()
def a_received_file_that_is_sent_on(it: Script) -> object:
    client = it.connect()
    path = client.predict("made.txt", api_name="/make_file")
    return client.predict(it.handle_file(path), api_name="/read_file")


@differs(
    "a file that the app itself has made is known to it, and not fetched",
    theirs=raises("AppError", message="failed validation"),
    ours=returns("made here"),
    on=NEWER,
)
@same(on=("4.44.1",))
def the_url_of_a_file_of_the_same_app(it: Script) -> object:
    client = it.connect(download_files=False)
    url = client.predict("made.txt", api_name="/make_file")["url"]
    return client.predict(it.handle_file(url), api_name="/read_file")


@same(on=NEWEST, raises="ValueError")
def a_file_that_is_not_there(it: Script) -> object:
    return it.handle_file("/no/such/file")


@same(on=NEWEST)
def what_handle_file_makes_of_a_path(it: Script) -> object:
    path = it.file()
    made = it.handle_file(path)
    return made["path"] == path, made["orig_name"], made["meta"]


@same(on=NEWEST)
def what_handle_file_makes_of_a_url(it: Script) -> object:
    made = it.handle_file("https://example.com/a/b.png")
    return made["path"], made["url"], made["orig_name"], made["meta"]


@same(on=NAMED, APP_UPLOAD="1kb", raises="ValueError")
def a_file_that_is_too_big(it: Script) -> object:
    big = it.handle_file(it.file("big.txt", "x" * 5000))
    return it.connect().predict(big, api_name="/read_file")


@same(raises="AppError")
def a_path_without_handle_file(it: Script) -> object:
    return it.connect().predict(it.file(), api_name="/read_file")


@same()
def none_for_a_file(it: Script) -> object:
    return it.connect().predict(None, api_name="/copy_file")


@differs(
    "only what says that it is a file is one",
    theirs=raises("HTTPStatusError"),
    ours=returns({"path": "/no/such/file", "size": 3}),
    on=NAMED,
)
def data_that_looks_like_a_file(it: Script) -> object:
    return it.connect().predict(api_name="/looks_like_a_file")


@differs(
    "no file is read that handle_file has not named: a dict may come from a server",
    theirs=returns("some words"),
    ours=raises("ValidationError", message="handle_file"),
)
def a_dict_that_names_a_file_of_this_machine(it: Script) -> object:
    value = {"path": it.file(), "meta": {"_type": "gradio.FileData"}}
    return it.connect().predict(value, api_name="/read_file")


@differs(
    "what was asked for is the sound, not a list of its pieces",
    theirs=returns(b"#EXTM3U"),
    ours=returns(bytes([0] * 1000 + [1] * 1000)[:7]),
    on=NEWER,
)
def a_stream_of_sound(it: Script) -> object:
    return Path(it.connect().predict(2, api_name="/sound")).read_bytes()[:7]
