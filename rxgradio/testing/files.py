"""Files of an app in memory: its functions take and return paths."""

from __future__ import annotations

__all__ = ["Files", "paths_of"]

import inspect
import itertools
import shutil
import tempfile
import threading
import typing
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..protocol.shapes import is_list, is_object


class Files:
    """Makes paths of the files of calls, and files of the paths that functions return.

    Args:
        kept: What the server has, by its path there.
        named: Whether a file is described as Gradio 3 does.
    """

    def __init__(self, kept: dict[str, bytes], *, named: bool) -> None:
        self._kept = kept
        self._key = "name" if named else "path"
        self._lock = threading.Lock()  # functions run on many threads
        self._folder: Path | None = None
        self._removed: Callable[[], object] = lambda: None
        self._names = itertools.count(1)

    def opened(self, value: Any) -> Any:
        """Put a path in the place of each file; it is that of a copy, until `close`."""
        if is_list(value):
            return [self.opened(each) for each in value]
        if not is_object(value):
            return value
        where = value.get(self._key)
        if isinstance(where, str) and where in self._kept:
            return self._copy(where, str(value.get("orig_name") or Path(where).name))
        return {key: self.opened(each) for key, each in value.items()}

    def kept(self, value: Any) -> Any:
        """Put a file in the place of each path, with what is there now."""
        if isinstance(value, Path):
            return self._file(value)
        if isinstance(value, (list, tuple)):
            return [self.kept(each) for each in typing.cast("Iterable[Any]", value)]
        if is_object(value):
            return {key: self.kept(each) for key, each in value.items()}
        return value

    def close(self) -> None:
        """Remove the copies."""
        with self._lock:
            removed, self._folder = self._removed, None
        removed()

    def _copy(self, where: str, name: str) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="rxgradio-"))
                # Unlike a TemporaryDirectory, without a warning: an app need not be closed.
                self._removed = weakref.finalize(self, shutil.rmtree, self._folder, True)
            folder = self._folder
        path = folder / str(next(self._names)) / Path(name).name
        path.parent.mkdir()
        path.write_bytes(self._kept[where])
        return path

    def _file(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        where = f"/made/{next(self._names)}/{path.name}"
        self._kept[where] = content
        known = {"orig_name": path.name, "size": len(content)}
        if self._key == "name":
            return {"name": where, "data": None, "is_file": True, **known}
        return {"path": where, "url": None, "meta": {"_type": "gradio.FileData"}, **known}


def paths_of(function: Callable[..., Any], outputs: Iterable[str]) -> frozenset[str]:
    """Return which inputs and outputs of a function are files, by its annotations."""
    try:
        hints = typing.get_type_hints(inspect.unwrap(function))
    except (TypeError, NameError, AttributeError):  # it has none, or they cannot be read
        return frozenset()
    returned = hints.pop("return", None)
    found = {name for name, hint in hints.items() if _is_path(hint)}
    names = list(outputs)
    made = [returned] if len(names) == 1 else typing.get_args(returned)
    return frozenset(
        found | {name for name, hint in zip(names, made, strict=False) if _is_path(hint)}
    )


def _is_path(hint: Any) -> bool:
    return hint is Path or any(_is_path(each) for each in typing.get_args(hint))
