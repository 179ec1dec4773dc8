"""What an app says to its user on the way."""

from __future__ import annotations

__all__ = ["LogMessage", "logs"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reactivex import Observable

from ..updates import Status, StatusUpdate, Update
from .folding import Fold, folding


@dataclass(frozen=True, slots=True)
class LogMessage:
    """A message of `gr.Info`, `gr.Warning` or `gr.Success`.

    `level` is "info", "warning" or "success", `duration` the seconds for which the app
    wants the message shown; it and `title` are None where the server does not say.
    """

    text: str
    level: str
    title: str | None = None
    duration: float | None = None


def logs() -> Callable[[Observable[Update]], Observable[LogMessage]]:
    """Pass on what the app says by `gr.Info` and its like: all of it, in order.

    updates:  --S--S--L--L--a--L--a'-S-|    (S: status, L: log, ': final)
    logs():   --------L--L-----L-------|
    """
    return folding(lambda _: _Logs())


class _Logs(Fold[Update, LogMessage]):
    def next(self, value: Update) -> Sequence[LogMessage]:
        if not isinstance(value, StatusUpdate) or value.code is not Status.LOG or not value.log:
            return ()
        text, level = value.log
        return (LogMessage(text, level, value.log_title, value.log_duration),)
