"""Files in the data of a call, in the form that each generation of servers gives them.

Finds the files that go out (`markers`) and those that come in (`FileSearch`),
and says how each is written. Where they are read from and kept is no business
of this module; neither is how they travel.

What comes in is searched where it is new. From `sse_v2` on that is what an edit
inserts, so that a chat costs as much as it grows by, however many files it has.
The price is to remember where the files are: to the server a file is an object,
whose fields it may edit, and to the user it is one path.
"""

from __future__ import annotations

__all__ = [
    "BY_USER",
    "FileSearch",
    "Inline",
    "Marker",
    "Payload",
    "Remote",
    "Slot",
    "accepted",
    "carries_files",
    "check_text",
    "inlined",
    "is_url",
    "keeping",
    "markers",
    "safe_name",
    "uploaded_path",
    "wants_content",
    "written",
]

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from ..exceptions import ProtocolError, ValidationError
from ..updates import StatusUpdate
from .answers import Answer, json_of
from .dialects import Dialect
from .diff import Outline, outline, patch
from .event import Edits, Entry, Values
from .shapes import as_object, as_text, is_list, is_object, quoted

_TYPE = "gradio.FileData"

BY_USER = "rxgradio_signature"
"""The key under which a marker says that its user has made it; never sent."""

Path: TypeAlias = "tuple[str | int, ...]"
"""Where something is in a value: the keys and indices that lead to it."""


def is_url(text: str) -> bool:
    """Whether a file is named by where it is in the web."""
    return text.startswith(("http://", "https://"))


# ---- what goes out


@dataclass(frozen=True, slots=True)
class Marker:
    """A file in the arguments of a call: `container[key]` is its marker, for a `component`."""

    container: Any
    key: str | int
    component: str

    argument: int = 0
    """Which argument it is in."""

    @property
    def value(self) -> dict[str, Any]:
        """What stands for the file."""
        value: dict[str, Any] = self.container[self.key]
        return value

    @property
    def name(self) -> str:
        """What the app is told that the file is called."""
        value = self.value
        return as_text(value.get("orig_name")) or safe_name(value["path"].partition("?")[0])


def carries_files(data: bytes) -> bool:
    """Whether the JSON of a call's data may have markers in it."""
    return _TYPE.encode() in data


def check_text(encoded: str) -> None:
    r"""Refuse JSON with half a character, such as "\ud800".

    It is valid, but a server cannot encode its answer with it, and the call would never end.

    Raises:
        ValueError: There is one.
    """
    for found in _SURROGATES.finditer(encoded):
        if found["lone"]:
            raise ValueError(f"{found['lone']} is half a character (a lone surrogate)")


# An escape is one only after an even number of backslashes.
_SURROGATES = re.compile(
    r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<lone>\\ud[89a-f][0-9a-f]{2})"
)


def markers(data: list[Any], components: Sequence[str]) -> list[Marker]:
    """Return the markers in the data of a call, for inputs of these components."""
    found: list[Marker] = []
    waiting: list[tuple[Any, str | int, int]] = [
        (data, at, at) for at in range(min(len(data), len(components)))
    ]
    while waiting:
        container, key, argument = waiting.pop()
        value = container[key]
        if is_object(value):
            if _is_marked(value) and isinstance(value.get("path"), str):
                found.append(Marker(container, key, components[argument], argument))
                continue
            waiting.extend((value, each, argument) for each in value)
        elif is_list(value):
            waiting.extend((value, each, argument) for each in range(len(value)))
    return found


class Payload(bytes):
    """The JSON of a call's data, and what the markers in it stand for, which lives as long."""

    kept: Sequence[object]


def keeping(encoded: bytes, data: Sequence[Any]) -> bytes:
    """Return the JSON of a call's data so that it keeps alive what its markers stand for."""
    if not carries_files(encoded):
        return encoded
    kept: list[object] = []
    waiting: list[Any] = [data]
    while waiting:
        value = waiting.pop()
        if is_object(value):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(cast("Sequence[Any]", value))
        elif type(value) not in _PLAIN:
            kept.append(value)
    payload = Payload(encoded)
    payload.kept = kept
    return payload


_PLAIN = frozenset({str, int, float, bool, type(None)})


def accepted(name: str, types: Sequence[str]) -> bool:
    """Whether a component that names these types of files takes one of this name.

    As `is_valid_file` in gradio_client/utils.py says on a server of Gradio 5 and
    later; a name of which this machine does not know the type may be known there.
    """
    kind = mimetypes.guess_type(name)[0]
    for each in types:
        if each.startswith("."):
            if len(name) > len(each) and name.lower().endswith(each.lower()):
                return True
        elif each == "file" or kind is None or kind.startswith(f"{each}/"):
            return True
    return False


def wants_content(dialect: Dialect, component: str) -> bool:
    """Whether a component takes a file as a data URI, and not as a path on the server.

    `Image.preprocess` of 3.x decodes base64 and knows nothing else.
    """
    return dialect.files == "name" and component == "image"


def written(dialect: Dialect, marker: Marker, path: str) -> dict[str, Any]:
    """Return a marker as the server wants it, for a file that it has at `path` or can fetch."""
    value = marker.value
    if dialect.files == "path":
        # As Gradio's own client does: `path` may be a URL, and there is no `url`.
        kept = {key: value[key] for key in value if key not in {"url", BY_USER}}
        if name := as_text(kept.get("orig_name")):
            kept["orig_name"] = _encodable(name)
        return {**kept, "path": path}
    name = _encodable(as_text(value.get("orig_name")) or safe_name(path))
    form: dict[str, Any] = {"name": path, "data": None, "orig_name": name, "is_file": True}
    if marker.component == "chatbot":
        form["alt_text"] = value.get("alt_text")  # `Chatbot.preprocess` of 3.x looks for it
    return form


def inlined(marker: Marker, uri: str) -> dict[str, Any]:
    """Return a marker as the oldest servers want it, with the content of the file in it."""
    name = as_text(marker.value.get("orig_name")) or safe_name(marker.value["path"])
    return {"name": _encodable(name), "data": uri, "is_file": False}


def _encodable(name: str) -> str:
    """Return a name that is no Unicode, as file systems may have it, so that it can be sent."""
    return name.encode("utf-8", "replace").decode()


def uploaded_path(answer: Answer, name: str) -> str:
    """Return where the server has put the one file that was uploaded.

    Raises:
        ValidationError: The file is too large for the app.
        RxGradioError: It was not taken for another reason.
    """
    if answer.status == 413:
        said = " ".join(answer.body[:200].decode("utf-8", "replace").split())
        raise ValidationError(f"the file {name!r} is too large for the app: {said}")
    paths = json_of(answer, f"the upload of {name!r}")
    if not is_list(paths) or len(paths) != 1 or not isinstance(paths[0], str) or not paths[0]:
        raise ProtocolError(f"the server does not say where it put {name!r}: {quoted(paths)}")
    return paths[0]


# ---- what comes in


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that the server has at `path`, and calls `name`; its size, if it is told.

    `streams` if it is made while the call runs, and `path` is not that of a file.
    """

    path: str
    name: str = field(compare=False)
    size: int | None = field(default=None, compare=False)
    streams: bool = False

    @property
    def lasts(self) -> bool:
        """Whether what is there stays the same: Gradio keeps files in folders named by content.

        What an author serves as it is (`gr.set_static_paths`) may be written anew.
        """
        return _DIGEST.search(self.path) is not None


_DIGEST = re.compile(r"[/\\][0-9a-f]{40}(?:[0-9a-f]{24})?[/\\][^/\\]*$")
"""The folder of a file in the cache: SHA-1 before 4.42 or so, then SHA-256."""


@dataclass(frozen=True, slots=True)
class Inline:
    """A file that came as a data URI; its name may lack a suffix."""

    uri: str
    name: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place, in an entry that is nobody else's yet, that what a user gets of a file belongs in.

    `final` if it is in the last output.
    """

    container: Any
    key: str | int
    file: Remote | Inline
    final: bool = False

    def fill(self, value: object) -> None:
        """Put the local path of the file there, or what can be asked for it."""
        self.container[self.key] = value


_HOLDERS = frozenset(
    {
        "annotatedimage",
        "audio",
        "chatbot",
        "downloadbutton",
        "file",
        "gallery",
        "image",
        "imageeditor",
        "imagemask",
        "imageslider",
        "model3d",
        "multimodaltextbox",
        "paint",
        "simpleimage",
        "sketchpad",
        "uploadbutton",
        "video",
    }
)
"""Components that can hold files. Before 4.21 nothing else tells a file from an
object that has a `path` too."""

_SPOKEN = frozenset({"chatbot", "multimodaltextbox"})
"""Components whose texts are somebody's words, whatever they look like."""

_TELLING = frozenset({"path", "meta", "_type", "orig_name", "is_stream"})
"""Keys that make a file of an object, or tell which."""


class FileSearch:
    """Seeks the files in the outputs of one call.

    Args:
        dialect: What holds for the server.
        components: The component of each output.
        address: The app's own; a URL that does not begin with it stays a URL, as
            nothing is fetched from elsewhere.
    """

    def __init__(self, dialect: Dialect, components: Sequence[str], address: str) -> None:
        self._diffs = dialect.sends_diffs
        self._outputs = [
            (at, _Output(dialect, component, address))
            for at, component in enumerate(components)
            if component != "state" and (dialect.marks_files or component in _HOLDERS)
        ]

    @property
    def futile(self) -> bool:
        """Whether no output can have a file."""
        return not self._outputs

    def take(self, entry: Entry) -> tuple[Entry, list[Slot]]:
        """Return the entry with local paths for files, and where these are to be filled in.

        The entry itself is not changed; without a file it is what is returned.
        """
        if isinstance(entry, Values):
            return self._values(entry)
        if isinstance(entry, StatusUpdate):
            return entry, []
        return self._edits(entry)

    def _values(self, entry: Values) -> tuple[Entry, list[Slot]]:
        slots: list[Slot] = []
        data: list[Any] | None = None
        for at, output in self._outputs:
            found = output.replaced(entry.data[at], diffs=self._diffs, final=entry.final)
            if found:
                data = data or list(entry.data)
                _put(data, at, found, slots, final=entry.final)
        return (entry if data is None else Values(data, entry.final)), slots

    def _edits(self, entry: Edits) -> tuple[Entry, list[Slot]]:
        slots: list[Slot] = []
        scripts: list[Any] | None = None
        for at, output in self._outputs:
            script = entry.scripts[at]
            if not script or output.concerned(script):
                edited = output.edited(script, slots) if script else output.anew(slots)
                if edited is not script and (edited or script):
                    scripts = scripts or list(entry.scripts)
                    scripts[at] = edited
        return (entry if scripts is None else Edits(scripts)), slots


@dataclass(frozen=True, slots=True)
class _Found:
    """A file in a value: where, as what on the wire, and what it is; a text if it is a URL."""

    path: Path
    wire: Any
    file: Remote | Inline | str


class _Output:
    """What must be remembered of one output between two entries."""

    def __init__(self, dialect: Dialect, component: str, address: str) -> None:
        self._dialect = dialect
        self._component = component
        self._own = address + "/"
        self._key = "name" if dialect.files == "name" else "path"
        self._kinds: tuple[type, ...] = (dict, list)
        if dialect.files == "name" and component not in _SPOKEN:
            self._kinds = (dict, list, str)  # `Image` of 3.x sends its files as texts
        self._shape: Any = None
        """The value on the wire, but for texts that have grown since it came (`outline`)."""
        self._files: dict[Path, Any] = {}
        """Each file on the wire, in full, by where it is."""

    def replaced(self, value: Any, *, diffs: bool, final: bool) -> list[_Found]:
        """Take a value in full; edits of it may come unless it is final."""
        found = self._find(value, ended=final)
        if diffs and not final:
            self._shape = value
            self._files = {each.path: each.wire for each in found}
        return found

    def concerned(self, script: list[Any]) -> bool:
        """Whether a list of edits is more than a text growing where there are no files."""
        return bool(self._files) or not all(map(_grows, script))

    def edited(self, script: list[Any], slots: list[Slot]) -> list[Any]:
        """Return the edits as they are to be where files are paths."""
        edits: list[Any] = []
        within: dict[Path, None] = {}
        doubtful: dict[Path, None] = {}
        shape = Outline(self._shape)
        for edit in script:
            action, path, new = edit
            at = self._within(path)
            if at is not None:
                self._files[at] = patch(self._files[at], [[action, path[len(at) :], new]])
                within[at] = None
            elif _grows(edit):
                edits.append(edit)
            else:
                place = self._place(action, path)
                shape.edit([edit], build=action == "append")
                self._shape = shape.value
                edits.append(self._inserted(edit, place, slots))
                if place and place[-1] in _TELLING:
                    doubtful[place[:-2] if place[-1] == "_type" else place[:-1]] = None
        edits.extend(
            self._again(at, self._files.pop(at), slots) for at in within if at in self._files
        )
        edits.extend(
            self._again(at, value, slots)
            for at in sorted(doubtful, key=len)
            if at not in self._files
            and self._within(list(at)) is None
            and is_object(value := _walk(self._shape, at))
            and self._file(value) is not None
        )
        return script if _same(edits, script) else edits

    def anew(self, slots: list[Slot]) -> list[Any]:
        """Return edits that fetch what may be another file by now: it was yielded again."""
        return [
            self._again(at, wire, slots)
            for at, wire in list(self._files.items())
            if isinstance(file := self._file(wire), Remote) and not file.lasts
        ]

    def _again(self, at: Path, wire: Any, slots: list[Slot]) -> Any:
        """Return the edit that puts what was edited inside in its place as a whole."""
        edit = ["replace", list(at), wire]
        for inside in [each for each in self._files if each[: len(at)] == at]:
            del self._files[inside]
        self._shape = outline(self._shape, [edit])
        return self._inserted(edit, at, slots)

    def _inserted(self, edit: Any, at: Path, slots: list[Slot]) -> Any:
        found = self._find(edit[2]) if edit[0] != "append" else []
        if not found:
            return edit
        for each in found:
            self._files[(*at, *each.path)] = each.wire
        edit = list(edit)
        _put(edit, 2, found, slots)
        return edit

    def _within(self, path: list[Any]) -> Path | None:
        """Return the place of the file that an edit is inside of, if it is inside of one."""
        if self._files:
            for length in range(len(path)):
                if (at := tuple(path[:length])) in self._files:
                    return at
        return None

    def _place(self, action: str, path: list[Any]) -> Path:
        """Return what an edit really concerns, and forget the files there.

        Elements are added to and deleted from the end of a list, whatever the
        index says (see `diff`).
        """
        place = tuple(path)
        if path:
            parent = _walk(self._shape, place[:-1])
            if is_list(parent) and action in {"add", "delete"}:
                place = (*place[:-1], len(parent) - (action == "delete"))
        if self._files and isinstance(_walk(self._shape, place), (dict, list)):
            for at in [at for at in self._files if at[: len(place)] == place]:
                del self._files[at]
        return place

    def _find(self, value: Any, *, ended: bool = False) -> list[_Found]:
        found: list[_Found] = []
        kinds, key = self._kinds, self._key
        # Not by recursion: the server decides how deep a value is. And with little
        # ceremony: it decides how large it is, too.
        waiting: list[tuple[_Step, Any]] = [(None, value)] if isinstance(value, kinds) else []
        while waiting:
            step, each = waiting.pop()
            file = None
            if is_object(each):
                file = self._file(each, ended=ended) if key in each else None
                if file is None:
                    waiting += [
                        ((step, name), child)
                        for name, child in each.items()
                        if isinstance(child, kinds)
                    ]
            elif is_list(each):
                waiting += [
                    ((step, index), child)
                    for index, child in enumerate(each)
                    if isinstance(child, kinds)
                ]
            elif _is_data(each):
                file = Inline(each, self._component)
            if file is not None:
                found.append(_Found(_path(step), each, file))
        found.reverse()
        return found

    def _file(
        self, value: Mapping[str, Any], *, ended: bool = False
    ) -> Remote | Inline | str | None:
        """Return the file that an object is; a text if it is a URL."""
        path = value.get(self._key)
        if value.get("is_stream"):
            # No file before its end; not marked before 5.0 (`stream_output` of audio.py).
            played = self._component in _PLAYED or _is_marked(value)
            if ended and played and isinstance(path, str) and _STREAM.fullmatch(path):
                name = as_text(value.get("orig_name")) or self._component
                return Remote(path, name, streams=True)
            return None
        if self._dialect.files == "name" and value.get("is_file") is not True:
            data = as_text(value.get("data")) or ""
            name = as_text(path) or self._component
            return Inline(data, name) if _is_data(data) else None
        unmarked = self._dialect.marks_files and not _is_marked(value)
        if not isinstance(path, str) or not path or unmarked:
            return None
        if is_url(path) and not path.startswith(self._own):
            return path
        size = value.get("size")  # null where it is not known; of a page, 0
        told = size if type(size) is int and size > 0 else None
        return Remote(path, as_text(value.get("orig_name")) or path, told)


_PLAYED = frozenset({"audio", "video"})

_STREAM = re.compile(r"[\w-]{1,80}/[\w-]{1,80}/\d{1,20}(/playlist\.m3u8)?", re.ASCII)
"""The path of a stream, `{session_hash}/{run}/{component}` (`handle_streaming_outputs` in
blocks.py of 4.44), and since 5.0 of its playlist."""


_Step: TypeAlias = "tuple[_Step, str | int] | None"


def _path(step: _Step) -> Path:
    keys: list[str | int] = []
    while step is not None:
        step, key = step
        keys.append(key)
    return tuple(reversed(keys))


def _is_marked(value: Mapping[str, Any]) -> bool:
    return as_object(value.get("meta")).get("_type") == _TYPE


def _is_data(text: str) -> bool:
    return text.startswith("data:") and "," in text[:300]


def _grows(edit: Any) -> bool:
    action, path, _ = edit
    return action == "append" and (not path or path[-1] not in _TELLING)


def _same(edits: list[Any], script: list[Any]) -> bool:
    return len(edits) == len(script) and all(map(_is, edits, script))


def _is(one: object, other: object) -> bool:
    return one is other


def _walk(value: Any, path: Path) -> Any:
    """Return what is at a place, or None."""
    for key in path:
        if is_object(value):
            value = value.get(key)  # type: ignore[arg-type]  # (an int finds nothing)
        elif is_list(value) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def _put(
    container: Any,
    key: str | int,
    found: Sequence[_Found],
    slots: list[Slot],
    *,
    final: bool = False,
) -> None:
    """Make slots of the files in `container[key]`, in copies of all that is on the way to them."""
    own: dict[tuple[int, str | int], Any] = {}
    for each in found:
        parent, last = container, key
        for step in each.path:
            child = own.get((id(parent), last))
            if child is None:
                child = own[id(parent), last] = parent[last] = parent[last].copy()
            parent, last = child, step
        if isinstance(each.file, str):
            parent[last] = each.file
        else:
            parent[last] = None
            slots.append(Slot(parent, last, each.file, final))


# ---- names

_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f<>:"|?*\ud800-\udfff]')
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.IGNORECASE
)
_MOST_BYTES = 200
_MOST_SUFFIX = 32


def safe_name(name: str) -> str:
    """Return the last part of a path as a file's name that every system can have in a folder."""
    name = _UNSAFE.sub("", re.split(r"[/\\]", name)[-1]).strip().rstrip(". ")
    if not name:
        return "file"
    if _DEVICE.fullmatch(name):  # on Windows these are devices, in every folder
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > _MOST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = _MOST_BYTES - len((dot + suffix).encode())
    return _cut(stem, room) + dot + suffix


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")
