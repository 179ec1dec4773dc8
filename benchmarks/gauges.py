"""What a process has used so far: memory, CPU, threads.

Read from `/proc`, where the numbers are those of now and not of the worst moment. This
module imports almost nothing, so that a process that measures an import can afford it.
"""

from __future__ import annotations

__all__ = ["ThreadPeak", "cpu_seconds", "peak_rss_mb", "reset_peak_rss", "rss_mb", "threads"]

import threading
import time
from pathlib import Path
from typing import Self

_STATUS = Path("/proc/self/status")


def rss_mb() -> float:
    """Tell the memory in use now."""
    return _status("VmRSS") / 1024


def peak_rss_mb() -> float:
    """Tell the most memory that was in use since `reset_peak_rss`, or since the start."""
    return _status("VmHWM") / 1024


def reset_peak_rss() -> None:
    """Forget the peak so far."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def threads() -> int:
    """Tell how many threads there are, Python's and others."""
    return _status("Threads")


def cpu_seconds() -> float:
    """Tell the CPU time of all threads so far."""
    return time.process_time()


class ThreadPeak:
    """The most threads that were seen, looking every 10 ms from a thread that is not counted."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._done.wait(0.01):
            self.peak = max(self.peak, threads() - 1)


def _status(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise LookupError(f"{_STATUS} has no {name}")
