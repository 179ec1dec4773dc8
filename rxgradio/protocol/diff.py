"""Gradio's edits of a value: applied without changing it, and checked without building it.

From `sse_v2` on, a generator's outputs after its first are lists of edits
`[action, path, value]` of the one before. `patch` makes the next value and
shares with the last one all that did not change, so that a value once handed
out stays as it is. `outline` only follows what edits do to the *shape* of a
value: enough to know that `patch` will succeed, at a cost that does not grow
with the length of the texts in it.

The servers of both generations compute wrong indices for deletions in lists
(they shift them too little before 5.30, and across unrelated lists since). But
they only ever add to and delete from the end of a list, so the end is what is
edited here, whatever the index says; this is right for every version.
"""

from __future__ import annotations

__all__ = ["DiffError", "Outline", "outline", "patch"]

from typing import Any

from .shapes import is_list, is_object, quoted


class DiffError(ValueError):
    """The edits do not fit the value."""


def patch(value: Any, edits: object) -> Any:
    """Return `value` as `edits` make it; `value` itself is not changed.

    Raises:
        DiffError: The edits do not fit the value.
    """
    return _apply(value, edits, build=True)


def outline(value: Any, edits: object) -> Any:
    """Return something of the shape of `patch(value, edits)`; its texts may be shorter.

    Raises:
        DiffError: `patch(value, edits)` would raise.
    """
    return _apply(value, edits, build=False)


class Outline:
    """A value of which nobody sees more than the shape, and which is edited in place.

    Each container is copied before its first edit, and never again: what it costs to
    follow many edits of a large value grows with the edits, not with the value.
    """

    __slots__ = ("_own", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self._own: dict[int, Any] = {}

    def edit(self, edits: object, *, build: bool = False) -> None:
        """Apply edits; with `build` the texts too.

        Raises:
            DiffError: The edits do not fit the value, which is of no use any more.
        """
        if len(self._own) > _MOST_OWN:
            self._own.clear()  # most of them may be gone from the value
        self.value = _apply(self.value, edits, build=build, fresh=self._own)


_MOST_OWN = 10_000
"""Containers that are remembered to have been copied."""


def _apply(value: Any, edits: object, *, build: bool, fresh: dict[int, Any] | None = None) -> Any:
    if not is_list(edits):
        raise DiffError(f"edits must be a list, not {type(edits).__name__}")
    # The containers copied so far, by id: each is copied once, however many
    # edits it gets. Holding them keeps their ids from being used again.
    fresh = {} if fresh is None else fresh
    for edit in edits:
        match edit:
            case ["append", [], text]:
                value = _append(value, text, build=build)
            case ["replace", [], value]:
                pass
            case ["append", [*path, last], text] if not build:
                _append(_item(_walk(value, path), last), text, build=False)
            case [str(action), [*path, last], new]:
                value = _copied(value, fresh)
                parent = value
                for key in path:
                    child = _copied(_item(parent, key), fresh)
                    parent[key] = child
                    parent = child
                _edit(parent, action, last, new)
            case _:
                raise DiffError("an edit must be [action, path, value]")
    return value


def _copied(container: Any, fresh: dict[int, Any]) -> Any:
    if id(container) in fresh:
        return container
    if not (is_list(container) or is_object(container)):
        raise DiffError(f"an edit inside a {type(container).__name__}")
    copy = container.copy()
    fresh[id(copy)] = copy
    return copy


def _walk(value: Any, path: list[Any]) -> Any:
    for key in path:
        value = _item(value, key)
    return value


def _item(container: Any, key: Any) -> Any:
    if is_object(container) and isinstance(key, str) and key in container:
        return container[key]
    if is_list(container) and type(key) is int and 0 <= key < len(container):
        return container[key]
    raise DiffError(f"there is no {quoted(key)} to edit")


def _edit(parent: Any, action: str, key: Any, new: Any) -> None:
    match action:
        case "append":
            parent[key] = _append(_item(parent, key), new, build=True)
        case "replace":
            _item(parent, key)
            parent[key] = new
        case "add" if is_list(parent):
            parent.append(new)
        case "add" if isinstance(key, str):
            parent[key] = new
        case "delete" if is_list(parent) and parent:
            parent.pop()
        case "delete":
            _item(parent, key)
            del parent[key]
        case _:
            raise DiffError(f"the edit {quoted(action)} is not known, or does not fit")


def _append(value: Any, text: Any, *, build: bool) -> Any:
    if not isinstance(value, str) or not isinstance(text, str):
        raise DiffError("only a text can be appended, and only to a text")
    return value + text if build else value
