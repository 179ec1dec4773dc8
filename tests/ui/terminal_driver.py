"""tqdm's bars, as labels and bars."""

from __future__ import annotations

__all__ = ["TerminalDriver"]

import io
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from tqdm import tqdm

from tests.ui.drivers import Driver

T = TypeVar("T")

tqdm.monitor_interval = 0  # it would start a thread that stays


class TerminalDriver(Driver, logging.Handler):
    """A terminal; its errors are what is logged."""

    frame = 0.1

    def __init__(self) -> None:
        Driver.__init__(self)
        logging.Handler.__init__(self, logging.ERROR)
        self._bars: list[Any] = []
        logging.getLogger("rxgradio").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])

    def call(self, action: Callable[[], T]) -> T:
        return action()

    def turn(self) -> None:
        threading.Event().wait(0.002)

    def label(self) -> Any:
        self._bars.append(tqdm(file=io.StringIO(), total=1))
        return self._bars[-1]

    def bar(self) -> Any:
        self._bars.append(tqdm(file=io.StringIO()))
        return self._bars[-1]

    def shown(self, widget: Any) -> Any:
        return widget.desc if widget.total == 1 else widget.n / (widget.total or 1)

    def destroy(self, widget: Any) -> None:
        widget.close()

    def close(self) -> None:
        logging.getLogger("rxgradio").removeHandler(self)
        for bar in self._bars:
            bar.close()
