"""Names for arguments of which a server tells only the labels.

Gradio before 4.23 does not say what a function calls its parameters, so that
its clients can pass arguments by position alone. Here a keyword is made of the
label that people see.
"""

from __future__ import annotations

__all__ = ["RESERVED", "argument_names"]

import keyword
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import count

_LONGEST = 100
"""Letters of a label that its name is made of."""

RESERVED = frozenset({"api_name", "fn_index", "headers", "result_callbacks"})
"""The keywords of `Client.predict` and its siblings that are not the app's."""


def argument_names(labels: Mapping[int, str], taken: Collection[str] = ()) -> dict[int, str]:
    """Return a name for each argument, from the labels by the arguments' slots on the wire.

    A name is the label in lower case, with an underscore for whatever cannot
    stand in a Python identifier: "Input Text (2)" becomes `input_text_2`, and
    letters of any script stay. An underscore comes before a digit that would be
    first (`_2nd`), and after a word that Python or `Client.predict` has taken
    (`class_`, `headers_`). Where a label repeats, the later ones are numbered
    from 2, past the names that other labels make. What has no label is called
    `param_` and its slot, as Gradio calls the parameters it knows no name of
    (`get_api_info` in blocks.py since 4.23).
    """
    wanted = {slot: _identifier(label) or f"param_{slot}" for slot, label in labels.items()}
    used = {*taken, *wanted.values()}
    given = set(taken)
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    names: dict[int, str] = {}
    for slot, name in wanted.items():
        if name in given:
            numbered = (f"{name}_{number}" for number in numbers[name])
            name = next(each for each in numbered if each not in used)  # noqa: PLW2901 (its own name)
        given.add(name)
        used.add(name)
        names[slot] = name
    return names


def _identifier(label: str) -> str:
    # Python reads an identifier in this normal form, so no other could be written.
    text = _normal(_normal(label[:_LONGEST]).lower())
    underscored = "".join(letter if f"_{letter}".isidentifier() else "_" for letter in text)
    name = re.sub("__+", "_", underscored).strip("_")
    if not name:
        return ""
    if not name.isidentifier():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in RESERVED else name


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
