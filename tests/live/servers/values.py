"""What the demo app is bound to answer, for the app and for the tests of it.

The app runs in an environment of its own and the tests in another, so this module
imports nothing but the standard library.
"""

from __future__ import annotations

__all__ = ["JS", "LOGS", "growing", "reply"]

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The outputs of `/js`, one list per kind. Gradio sends the differences between
# neighbours, so these shrink, grow and change what a differ may get wrong.
JS: dict[str, list[object]] = {
    # Both delete edits of the first step carry an index that 5.30 and later get wrong.
    "nested": [[[1, 2], [3, 4]], [[1], [3]], [], [[5], [6, 7]]],
    # Several elements leave one list at once: indices that 4.17 to 5.29 get wrong.
    "tail": [[1, 2, 3, 4], [1], [1, 2, 3], [0, 2], []],
    "dict": [{"a": [1, 2, 3, 4]}, {"a": [1]}, {"a": [1], "b": {"c": "x"}}, {"b": {}}, {}],
    "deep": [
        {"rows": [{"cells": [1, 2, 3]}, {"cells": [4, 5, 6]}, {"cells": [7]}]},
        {"rows": [{"cells": [1]}, {"cells": [4, 0]}]},
        {"rows": [{"cells": []}, {"cells": [4, 0, 9, 9]}, {"cells": ["new"]}]},
        {"rows": []},
    ],
    "text": [{"t": "a"}, {"t": "ab"}, {"t": "ab"}, {"t": "abc\u00e9\U0001f600"}, {"t": "b"}],
    "types": [[], {}, "text", 1.5, None, [None], {"": None}, False],
    "same": [{"a": [1]}, {"a": [1]}, {"a": [1]}],
}

# What `/logs` says, in order.
LOGS: list[tuple[str, str]] = [
    ("info", "before"),
    ("info", "first"),
    ("warning", "second"),
    ("info", "third"),
    ("info", "after"),
]


def growing(word: str, n: int) -> Iterator[str]:
    """Yield `word 0`, then `word 0 word 1`, and so on: *n* texts in all."""
    text = ""
    for i in range(n):
        text = f"{text} {word} {i}".lstrip()
        yield text


def reply(message: str) -> str:
    """Say what `/chat` has answered to *message* once it has finished."""
    return f"you said: {message}"
