"""Some minutes of everything at once over a bad network, and an account of it.

    python -m benchmarks.soak --minutes 5 --python PATH

starts an app on a real Gradio, calls it from several clients, half of them through a
proxy that is slow and breaks connections, and tells what became of every call. It exits
with 1 if the account does not close: if a call never ended, ended twice, was run twice,
got what is not its own, failed on the good network, or left something behind.

PATH is the Python of an environment with Gradio, by default this one. `--seed` makes the
same choices again, though not in the same time.
"""

from __future__ import annotations

__all__: list[str] = []

import argparse
import asyncio
import gc
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rxgradio import (
    AppError,
    Client,
    ConnectionLost,
    Job,
    Limits,
    OutputUpdate,
    RxGradioError,
    handle_file,
)
from rxgradio.runtime.process import loop_thread
from rxgradio.testing import Bandwidth, FaultProxy, LimitData, SlowAnswers

from .gauges import peak_rss_mb

_PATIENCE = 120.0
"""Seconds after which a call counts as lost: no accident lasts as long."""

_WORDS = 12
_TAGS = itertools.count()


class Account:
    """What was submitted, and what became of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.submitted: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.faults: list[str] = []
        self.untold = 0
        self.once: list[str] = []
        """Tags of calls that must not have been run twice."""

    def begin(self, way: str) -> str:
        with self._lock:
            self.submitted[way] += 1
            tag = f"{way}-{next(_TAGS)}"
            self.once.append(tag)
            return tag

    def end(self, outcome: str) -> None:
        with self._lock:
            self.ended[outcome] += 1

    def missed(self, count: int) -> None:
        with self._lock:
            self.untold += count

    def fault(self, text: str) -> None:
        with self._lock:
            self.faults.append(text)


class Worker:
    """One client, and a thread that calls with it until time is up."""

    def __init__(self, url: str, way: str, account: Account, seed: int, file: Path) -> None:
        self._url, self._way, self._account, self._file = url, way, account, file
        self._random = random.Random(seed)
        self._client: Client | None = None
        self.thread = threading.Thread(target=self._run, name=f"soak-{way}-{seed}")
        self.until = 0.0

    def _run(self) -> None:
        acts = [
            self._predict,
            self._iterate,
            self._observe,
            self._cancel,
            self._await,
            self._upload,
        ]
        try:
            while time.monotonic() < self.until:
                if self._client is None and not self._connect():
                    continue
                self._random.choice([*acts, self._fail, self._iterate])()
                if self._random.random() < (0.01 if self._way == "good" else 0.1):
                    self._close()
        except BaseException as error:
            self._account.fault(f"a worker died: {error!r}")
            raise
        finally:
            self._close()

    def _connect(self) -> bool:
        try:
            self._client = Client(self._url, limits=Limits(silence=20))
        except RxGradioError as error:
            if self._way == "good":
                self._account.fault(f"connecting failed on the good network: {error!r}")
            return False
        return True

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # ---- what is done

    def _predict(self) -> None:
        tag = self._account.begin(self._way)
        self._judge(self._submit("/echo", tag), tag, [tag])

    def _upload(self) -> None:
        tag = self._account.begin(self._way)
        job = self._submit("/size", tag, handle_file(self._file))
        self._judge(job, tag, [f"{tag} {self._file.stat().st_size}"])

    def _fail(self) -> None:
        tag = self._account.begin(self._way)
        self._judge(self._submit("/fail", tag), tag, None)

    def _iterate(self) -> None:
        tag = self._account.begin(self._way)
        job = self._submit("/words", tag, _WORDS, 0.005)
        seen: list[Any] = []
        with suppress(RxGradioError):
            seen.extend(job)
        self._compare(tag, seen, job.outputs())
        self._judge(job, tag, _words(tag))

    def _await(self) -> None:
        tag = self._account.begin(self._way)
        job = self._submit("/words", tag, _WORDS, 0.005)

        async def main() -> list[Any]:
            seen: list[Any] = []
            with suppress(RxGradioError):
                async for update in job:
                    if isinstance(update, OutputUpdate) and not update.final:
                        seen += [update.outputs]
            return seen

        self._compare(tag, asyncio.run(main()), job.outputs())
        self._judge(job, tag, _words(tag))

    def _cancel(self) -> None:
        tag = self._account.begin(self._way)
        job = self._submit("/words", tag, 1000, 0.01)
        time.sleep(self._random.random() * 0.2)
        if job.cancel():
            self._account.end("cancelled")
            with suppress(CancelledError):
                job.result(0)
                self._account.fault(f"{tag} was cancelled, and has a result")
            self._compare(tag, job.outputs(), _words(tag, 1000), prefix=True)
            try:
                job.cancel_outcome.result(_PATIENCE)
            except TimeoutError:
                self._account.fault(f"nobody tells what became of the cancel of {tag}")
        else:
            self._judge(job, tag, None)

    def _observe(self) -> None:
        assert self._client is not None
        tag = self._account.begin(self._way)
        seen: list[Any] = []
        errors: list[Exception] = []
        enough = threading.Event()
        wanted = self._random.randint(1, 5)

        def take(update: Any) -> None:
            if isinstance(update, OutputUpdate) and not update.final:
                seen.append(update.outputs)
                if len(seen) == wanted:
                    enough.set()

        def broke(error: Exception) -> None:
            errors.append(error)
            enough.set()

        stream = self._client.observe(tag, 1000, 0.01, api_name="/words")
        with stream.subscribe(take, broke, enough.set):
            if not enough.wait(_PATIENCE):
                self._account.fault(f"{tag} was never heard of")
        self._compare(tag, list(seen), _words(tag, 1000), prefix=True)
        if errors:
            self._failed(tag, errors[0])
        else:
            self._account.end("disposed")

    # ---- what becomes of it

    def _submit(self, name: str, *data: Any) -> Job:
        assert self._client is not None
        return self._client.submit(*data, api_name=name)

    def _judge(self, job: Job, tag: str, outputs: list[Any] | None) -> None:
        try:
            result = job.result(_PATIENCE)
        except TimeoutError:
            self._account.fault(f"{tag} never ended: {job.status()}")
            return
        except Exception as error:
            if job.exception() is not error:
                self._account.fault(f"{tag} ended twice: {error!r}, {job.exception()!r}")
            self._failed(tag, error)
            if outputs is not None:
                self._compare(tag, job.outputs(), outputs, prefix=True)
            return
        self._account.end("completed")
        if outputs is not None:
            self._compare(tag, job.outputs(), outputs)
            self._compare(tag, [result], outputs[-1:])

    def _may_miss(self) -> bool:
        assert self._client is not None
        dialect = self._client._connection.app.dialect  # noqa: SLF001 (no user asks this)
        return dialect.mixes_edits or (dialect.resumes and self._way == "bad")

    def _failed(self, tag: str, error: Exception) -> None:
        kind = type(error).__name__
        self._account.end(f"failed, {kind}")
        if isinstance(error, AppError) and str(error) == f"no {tag}":
            return
        if self._way == "good":
            self._account.fault(f"{tag} failed on the good network: {error!r}")
        elif not isinstance(error, ConnectionLost):
            self._account.fault(f"{tag} failed otherwise than by a loss: {error!r}")

    def _compare(
        self, tag: str, got: list[Any], wanted: list[Any], *, prefix: bool = False
    ) -> None:
        if got[-1:] == wanted[-1:] and len(got) < len(wanted) and self._may_miss():
            # The first output came as edits of a cancelled call's, or the stream was opened
            # again: what was on the way is not told, and the last output is.
            self._account.missed(len(wanted) - len(got))
            wanted = [*wanted[: len(got) - 1], wanted[-1]]
        if got != (wanted[: len(got)] if prefix else wanted):
            self._account.fault(f"{tag} got {str(got)[-200:]}, which is not its own")


def _words(tag: str, n: int = _WORDS) -> list[str]:
    return list(itertools.accumulate(map(str, range(n)), "{} {}".format, initial=tag))[1:]


# ---- around it


@contextmanager
def _server(python: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    app = Path(__file__).with_name("soak_app.py")
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryDirectory() as files:
        server = subprocess.Popen(
            [python, app, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # tracebacks of what is meant to fail
            env={**environment, "GRADIO_TEMP_DIR": files},
            text=True,
        )
        try:
            assert server.stdout is not None
            if not any(line.strip() == "READY" for line in server.stdout):
                raise SystemExit(f"{python} cannot run the app: is Gradio installed there?")
            # What it prints afterwards, such as tracebacks of broken pipes, is no news.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.communicate()


def _afflict(proxy: FaultProxy) -> None:
    proxy.add(SlowAnswers(0.002, 0.02), toxicity=0.3)
    proxy.add(Bandwidth(20_000), toxicity=0.1)
    for end, chance in (("reset", 0.15), ("close", 0.1), ("half_close", 0.1), ("hang", 0.01)):
        proxy.add(LimitData(0, 20_000, end=end), toxicity=chance)  # type: ignore[arg-type]


def _sockets() -> int:
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += str(each.readlink()).startswith("socket:")
    return found


def _left() -> dict[str, int]:
    """Tell what a closed client could have left behind."""

    async def tasks() -> int:
        return len(asyncio.all_tasks()) - 1

    gc.collect()
    return {
        "threads": sum("soak" in each.name for each in threading.enumerate()),
        "sockets": _sockets(),
        "tasks": loop_thread().run(tasks()).result(_PATIENCE),
    }


def _soak(url: str, minutes: float, clients: int, seed: int) -> tuple[Account, float]:
    account = Account()
    with tempfile.TemporaryDirectory() as folder, FaultProxy(url, seed=seed) as proxy:
        _afflict(proxy)
        file = Path(folder) / "a.bin"
        file.write_bytes(os.urandom(100_000))
        workers = [
            Worker(*way, account, seed + n, file)
            for n, way in enumerate([(url, "good"), (proxy.url, "bad")] * clients)
        ]
        until = time.monotonic() + 60 * minutes
        for worker in workers:
            worker.until = until
            worker.thread.start()
        for worker in workers:
            worker.thread.join()
        return account, proxy.afflicted


def main() -> None:
    """Soak, tell the account, and exit with 1 if it does not close."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4, help="on each of the two networks")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    with _server(arguments.python) as url:
        with Client(url) as client:  # so that what lasts is there
            client.predict(api_name="/runs")
        before = _left()
        account, afflicted = _soak(url, arguments.minutes, arguments.clients, arguments.seed)
        after = _left()
        with Client(url) as client:
            runs = json.loads(client.predict(api_name="/runs"))
    submitted, ended = account.submitted.total(), account.ended.total()
    twice = [tag for tag in account.once if runs.get(tag, 0) > 1]
    leaked = {name: after[name] - before[name] for name in after if after[name] > before[name]}
    lines = [
        f"submitted  {submitted} ({dict(account.submitted)}), {afflicted} connections afflicted",
        *(f"  {outcome:24}{count}" for outcome, count in sorted(account.ended.items())),
        f"lost       {submitted - ended}",
        f"untold     {account.untold} outputs that the server could not tell",
        f"duplicated {len(twice)} {twice[:5]}",
        f"leaked     {leaked or 0}",
        f"faults     {len(account.faults)}",
        *(f"  {fault}" for fault in account.faults[:20]),
        f"peak RSS   {peak_rss_mb():.0f} MB",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if submitted != ended or twice or leaked or account.faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
