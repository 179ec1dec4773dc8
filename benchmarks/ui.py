"""Values by the thousand for a label of Tk: `python -m benchmarks.ui [--values N] [--work MS]`.

A thread feeds one each millisecond, as clients do, and the UI takes some time for each that it
shows. Beside rxgradio there is what reactivex has for it, each in a process of its own. It
needs a display; without one, `xvfb-run` is one.
"""

from __future__ import annotations

__all__: list[str] = []

import argparse
import subprocess
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass, field

from reactivex import Observable, Subject
from reactivex import operators as ops
from reactivex.scheduler.mainloop import TkinterScheduler

from rxgradio.ui import bind


@dataclass
class Flood:
    """What has come of one."""

    fed: float = 0.0
    longest_wait: float = 0.0
    shown_last: float = 0.0
    longest_gap: float = 0.0
    shown: list[int] = field(default_factory=list)


def by_rxgradio(source: Observable[int], root: tk.Tk, show: Callable[[int], None]) -> None:
    bind(source, show, on=root)


def by_reactivex(source: Observable[int], root: tk.Tk, show: Callable[[int], None]) -> None:
    source.pipe(ops.observe_on(TkinterScheduler(root))).subscribe(show)


def flood(
    way: Callable[[Observable[int], tk.Tk, Callable[[int], None]], None], values: int, work: float
) -> Flood:
    """Run one in a window of its own."""
    root, source, found = tk.Tk(), Subject[int](), Flood()
    label = tk.Label(root)
    label.pack()
    began = time.perf_counter()

    def show(value: int) -> None:
        label.configure(text=value)
        found.shown.append(value)
        time.sleep(work)
        if value == values - 1:
            found.shown_last = time.perf_counter() - began
            root.after(50, root.quit)

    def feed() -> None:
        for value in range(values):
            before = time.perf_counter()
            source.on_next(value)
            found.longest_wait = max(found.longest_wait, time.perf_counter() - before)
            time.sleep(0.001)
        found.fed = time.perf_counter() - began

    def beat(last: float) -> None:
        now = time.perf_counter()
        found.longest_gap = max(found.longest_gap, now - last)
        root.after(5, beat, now)

    way(source, root, show)
    root.after(5, beat, time.perf_counter())
    feeder = threading.Thread(target=feed)
    root.after(20, feeder.start)
    root.mainloop()
    feeder.join()
    root.destroy()
    return found


WAYS = {"rxgradio.ui.bind": by_rxgradio, "reactivex observe_on": by_reactivex}


def main() -> None:
    """Show one of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=1000)
    parser.add_argument("--work", type=float, default=5.0, help="milliseconds for each value shown")
    parser.add_argument("--way", choices=WAYS)
    arguments = parser.parse_args()
    if arguments.way is None:
        print(
            f"{'':22}{'fed in':>9}{'held up':>9}{'late by':>9}{'UI gap':>9}{'shown':>8}", flush=True
        )
        for name in WAYS:
            sizes = [f"--values={arguments.values}", f"--work={arguments.work}"]
            command = [sys.executable, "-m", "benchmarks.ui", f"--way={name}", *sizes]
            subprocess.run(command, check=True)
        return
    it = flood(WAYS[arguments.way], arguments.values, arguments.work / 1000)
    times = (it.fed, it.longest_wait, it.shown_last - it.fed, it.longest_gap)
    print(f"{arguments.way:22}{''.join(f'{each:8.3f}s' for each in times)}{len(it.shown):8}")


if __name__ == "__main__":
    main()
