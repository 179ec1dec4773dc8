"""What was recorded of a session: a file of JSON lines, and what they say."""

from __future__ import annotations

__all__ = ["Cassette", "NotRecorded", "Recorded", "digest_of"]

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import RxGradioError
from ..protocol.answers import Answer
from ..protocol.shapes import is_list, is_object

_FORMAT = 1

_JSON = {"content-type": "application/json"}


class NotRecorded(RxGradioError):  # noqa: N818 (named as those of rxgradio.exceptions are)
    """Something was asked for that the recording does not have; record it anew."""


@dataclass(slots=True)
class Recorded:
    """A call: what the server said of it, and how many seconds after it was made."""

    at: float
    fn_index: int = -1
    """-1 if the server refused to hear it."""
    data: Any = None
    """None if the server did not ask for it."""
    messages: list[tuple[float, dict[str, Any] | None]] = field(
        default_factory=list[tuple[float, dict[str, Any] | None]]
    )
    """None where the connection broke."""
    cancelled: bool = False
    answer: tuple[float, Answer] | None = None
    """After how long, of a call that was posted without the queue, or refused."""
    played: bool = False


@dataclass(slots=True)
class Cassette:
    """What was recorded of one app."""

    documents: dict[str, Answer] = field(default_factory=dict[str, Answer])
    calls: dict[str, Recorded] = field(default_factory=dict[str, Recorded])
    uploads: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Where the app has first put an upload, by its name and the SHA-256 of its content."""
    first: dict[str, str] = field(default_factory=dict[str, str])
    """That place, by the places where the app has put the same again."""
    files: dict[str, tuple[Answer, bytes]] = field(default_factory=dict[str, tuple[Answer, bytes]])

    @staticmethod
    def read(path: Path) -> dict[str, Cassette]:
        """Read a recording: by address, what each app said.

        Raises:
            ValueError: It is no recording.
        """
        cassettes: defaultdict[str, Cassette] = defaultdict(Cassette)
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    said = json.loads(line)
                    if number == 1:
                        if said.get("rxgradio recording") != _FORMAT:
                            raise ValueError("it begins otherwise")  # noqa: TRY301 (below is why)
                    else:
                        cassettes[said["app"]].take(said)
                except (ValueError, KeyError, AttributeError, TypeError) as error:
                    problem = f"{path} is no recording that can be read: line {number}: {error}"
                    raise ValueError(problem) from error
        if not cassettes:
            raise ValueError(f"{path} is empty: nothing was recorded in it")
        return dict(cassettes)

    @staticmethod
    def write(path: Path, lines: list[dict[str, Any]]) -> None:
        """Write a recording, or leave what is there as it is."""
        unfinished = path.with_name(f"{path.name}.part")
        # Half a surrogate pair, as a text may have that was cut, becomes its escape in JSON.
        with unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file:
            for line in [{"rxgradio recording": _FORMAT}, *lines]:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        unfinished.replace(path)

    def take(self, said: Mapping[str, Any]) -> None:
        """Take a line of the file."""
        match said:
            case {"get": path, "status": status, "type": kind, "text": text}:
                self.documents[path] = Answer(status, {"content-type": kind}, text.encode())
            case {"call": name, "fn_index": fn_index, "data": data}:
                call = self.calls.setdefault(name, Recorded(said["at"]))
                call.fn_index, call.data = fn_index, data
                if (earlier := call.at - said["at"]) > 0:  # what was said came before the answer
                    call.messages = [(at + earlier, message) for at, message in call.messages]
                    call.at = said["at"]
            case {"call": name, "message": message}:
                call = self.calls.setdefault(name, Recorded(said["at"]))
                call.messages.append((said["at"] - call.at, message))
            case {"call": name, "lost": True}:
                call = self.calls[name]
                call.messages.append((said["at"] - call.at, None))
            case {"call": name, "cancelled": True}:
                self.calls[name].cancelled = True
            case {"call": name, "status": status, "answer": answer}:
                body = json.dumps(answer).encode()
                call = self.calls[name]
                call.answer = (said["at"] - call.at, Answer(status, _JSON, body))
            case {"call": name, "status": status, "headers": headers, "text": text}:
                call = self.calls[name]
                call.answer = (said["at"] - call.at, Answer(status, headers, text.encode()))
            case {"call": name, "fn_index": fn_index}:
                self.calls[name] = Recorded(said["at"], fn_index)
            case {"call": name}:
                self.calls[name] = Recorded(said["at"])
            case {"upload": name, "sha256": digest, "path": path}:
                self.first[path] = self.uploads.setdefault((name, digest), path)
            case {"file": path, "status": status, "headers": headers, "content": content}:
                body = base64.b64decode(content)
                self.files[path] = (Answer(status, headers, b""), body)
            case _:
                raise ValueError(f"it says {sorted(said)}")

    def key_of(self, fn_index: int, data: Any) -> str:
        """Return by what a call is known; the same file is the same, however often it was sent."""
        return json.dumps([fn_index, self._first(data)], sort_keys=True)

    def _first(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.first.get(value, value)
        if is_list(value):
            return [self._first(each) for each in value]
        if is_object(value):
            return {key: self._first(each) for key, each in value.items()}
        return value


def digest_of(content: bytes) -> str:
    """Return by what a content is known."""
    return hashlib.sha256(content).hexdigest()
