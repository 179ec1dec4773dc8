"""What is new in texts that grow, and in chats.

A chat is a list of messages, `{"role": ..., "content": ...}`, whose content is a
text, a part such as `{"type": "text", "text": ...}`, or a list of these; or, as
chatbots had it before Gradio 5, a list of pairs `[user, assistant]`.
"""

from __future__ import annotations

__all__ = ["TextDelta", "text_deltas"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from reactivex import Observable

from ..updates import OutputUpdate, Update
from .folding import Fold, folding, is_new_call


@dataclass(frozen=True, slots=True)
class TextDelta:
    """What became of a text: `text` was appended to it, which is what `str` gives.

    The text that was there becomes `was[: len(was) - replaced] + text`.
    """

    text: str
    replaced: int = 0
    """How many characters at its end were taken away first: where this is 0 throughout,
    the text only grew."""
    message: int = 0
    """Which message of a chat it is, counted from 0: a pair of old chatbots counts as
    two, whether or not both have been said. A text that is no chat is message 0."""
    role: str | None = None
    """Whose message it is, such as "user" or "assistant"; None for no chat."""

    def __str__(self) -> str:
        """Return what was appended."""
        return self.text


Select: TypeAlias = int | str | Callable[[Any], Any]
"""Which of several outputs, or which key of one, or a function of them."""


def text_deltas(
    of: Select | None = None,
) -> Callable[[Observable[Update]], Observable[TextDelta]]:
    """Pass on what is appended to a growing text, or to the messages of a chat.

        updates:        --S--S--"He"--"Hell"--"Hello"--"Hello"'-S-|    (S: status, ': final)
        text_deltas():  --------"He"--"ll"----"o"-----------------|

    A message that is new to a chat is appended whole. Where what was said is rewritten,
    a delta takes back what follows the part that stays, in `replaced`, so that the
    deltas always add up to the text. An attempt at the call that is made anew, or
    another call in its place, takes back all that was said before. A message that is
    gone is taken back, and never heard of again unless it comes back.

    What holds no text (None, a number, a file) has the empty text. What a step costs
    grows with what it changes, but for comparing the text with the one before.

    Args:
        of: Which output it is if there are several, by position; or a key of the one
            output; or a function from the outputs to a text or chat. What it raises is
            passed on as `on_error`, and so is a `TypeError` if it is needed.
    """
    return folding(lambda _: _TextDeltas(of))


Message: TypeAlias = tuple[str | None, str]
"""A role and a text."""

_UNCHANGED = object()


class _TextDeltas(Fold[Update, TextDelta]):
    def __init__(self, of: Select | None) -> None:
        self._select = _selector(of)
        self._items: Sequence[Any] = ()
        self._width = 1
        self._said: list[Message] = []
        self._attempt = 1
        self._anew = False

    def next(self, value: Update) -> Sequence[TextDelta]:
        if is_new_call(value) or value.attempt != self._attempt:
            self._attempt = value.attempt
            self._anew = True
        if not isinstance(value, OutputUpdate):
            return ()
        chosen = _chosen(_chosen(value.outputs, None), self._select)
        if chosen is _UNCHANGED:
            return ()
        return self._compared(*_items(chosen))

    def _compared(
        self, items: Sequence[Any], width: int, messages: Callable[[Any], Sequence[Message]]
    ) -> Sequence[TextDelta]:
        kept = self._kept(items, width)
        deltas: list[TextDelta] = []
        at = kept * width
        for item in items[kept:]:
            for message in messages(item):
                self._compare(at, message, deltas)
                at += 1
        for gone in range(at, len(self._said)):
            role, text = self._said[gone]
            if text:
                deltas.append(TextDelta("", len(text), gone, role))
        del self._said[at:]
        self._items, self._width, self._anew = items, width, False
        return deltas

    def _kept(self, items: Sequence[Any], width: int) -> int:
        """Return how many items at the start are known to be as they were."""
        if self._anew or width != self._width:
            return 0
        # The last one is where a chat grows. The others are compared all at once, which
        # is quick, as values share what has not changed.
        most = max(0, min(len(items), len(self._items)) - 1)
        return most if items[:most] == self._items[:most] else 0

    def _compare(self, at: int, message: Message, deltas: list[TextDelta]) -> None:
        role, text = message
        if at == len(self._said):
            self._said.append((role, ""))
        was = self._said[at][1]
        self._said[at] = message
        if self._anew:
            stays = 0
        elif text.startswith(was):
            stays = len(was)
        else:
            stays = _common(was, text)
        if stays < len(text) or stays < len(was):
            deltas.append(TextDelta(text[stays:], len(was) - stays, at, role))


def _selector(of: Select | None) -> Callable[[Any], Any]:
    if of is None:
        return _the_only_one
    return of if callable(of) else itemgetter(of)


def _the_only_one(outputs: Any) -> Any:
    if isinstance(outputs, tuple):
        count = len(outputs)  # pyright: ignore[reportUnknownArgumentType] (of anything)
        raise TypeError(f"there are {count} outputs: say which, such as text_deltas({count - 1})")
    return outputs


def _chosen(value: Any, select: Callable[[Any], Any] | None) -> Any:
    """Return what is selected of a value, with what Gradio wraps an update of it in undone."""
    if value is _UNCHANGED:
        return value
    if select is not None:
        value = select(value)
    match value:
        case {"__type__": "update", **rest}:  # of gr.update() and gr.skip()
            return rest.get("value", _UNCHANGED)
        case _:
            return value


def _items(value: Any) -> tuple[Sequence[Any], int, Callable[[Any], Sequence[Message]]]:
    """Return what a value is a list of, of how many messages each is, and these."""
    match value:
        case []:
            return (), 1, _one
        case [{"role": _, "content": _}, *_]:
            return value, 1, _one
        case [[_, _] | (_, _), *_]:
            return value, 2, _pair
        case _:
            return (value,), 1, _one


def _one(item: Any) -> Sequence[Message]:
    match item:
        case {"role": role, "content": content}:
            return ((str(role), _text(content)),)
        case _:
            return ((None, _text(item)),)


def _pair(item: Any) -> Sequence[Message]:
    match item:
        case [user, assistant]:
            return ("user", _text(user)), ("assistant", _text(assistant))
        case _:
            return ("user", _text(item)), ("assistant", "")


def _text(content: Any) -> str:
    match content:
        case str():
            return content
        case {"text": str(text)}:
            return text
        case [*parts]:
            return "".join(map(_text, parts))
        case _:
            return ""


def _common(was: str, now: str) -> int:
    """Return how many characters two texts have in common at their start."""
    low, high = 0, min(len(was), len(now))
    while low < high:
        middle = (low + high + 1) // 2
        if was[low:middle] == now[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
