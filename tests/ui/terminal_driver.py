"""tqdm's bars, as labels and bars."""

from __future__ import annotations

__all__ = ["TerminalDriver"]

import io
from typing import Any

from tqdm import tqdm

from tests.ui.drivers import AnyThreadDriver

tqdm.monitor_interval = 0  # it would start a thread that stays


class TerminalDriver(AnyThreadDriver):
    """A terminal; its errors are what is logged."""

    frame = 0.1

    def __init__(self) -> None:
        super().__init__()
        self._bars: list[Any] = []

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
        super().close()
        for bar in self._bars:
            bar.close()
