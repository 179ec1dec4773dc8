"""The Hub's HTTP API, as far as `huggingface_hub` is asked for it, on 127.0.0.1.

Paths and answers are those that `hf_api.py` of huggingface_hub asks for and reads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """A request: what was asked, with which token, and what was sent."""

    method: str
    path: str
    token: str | None
    body: dict[str, Any]


@dataclass
class Repo:
    """A Space: where its app is, and what the Hub says of it."""

    host: str | None
    stages: list[str]  # one a look, the last for all others
    private: bool = False
    owner: str = "user"
    hardware: str | None = "cpu-basic"
    requested: str | None = "cpu-basic"
    error: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    sleep_time: int | None = None

    def runtime(self, look: bool = False) -> dict[str, Any]:
        stage = self.stages.pop(0) if look and len(self.stages) > 1 else self.stages[0]
        runtime: dict[str, Any] = {
            "stage": stage,
            "hardware": {"current": self.hardware, "requested": self.requested},
            "gcTimeout": self.sleep_time,
        }
        if self.error is not None:
            runtime["errorMessage"] = self.error
        return runtime


class Hub:
    """A Hub with a few Spaces, and people who have tokens."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.people = {"hf_user": "user", "hf_me": "me"}
        self.asked: list[Asked] = []
        self.host_of_copies: str | None = None
        self.answers: dict[str, Callable[[Asked], tuple[int, Any, dict[str, str]] | None]] = {}
        """By the last part of a path: other answers than the healthy ones."""
        self.waiting = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                pass

            def _do(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                authorization = self.headers.get("authorization")
                token = None if authorization is None else authorization.removeprefix("Bearer ")
                asked = Asked(self.command, self.path.partition("?")[0], token, body)
                hub.asked.append(asked)
                status, document, headers = hub._answer(asked)
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do  # noqa: N815 (their names)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def add(self, space_id: str, host: str | None, *stages: str, **more: Any) -> Repo:
        repo = Repo(
            host, list(stages or ["RUNNING"]), owner=space_id.split("/", maxsplit=1)[0], **more
        )
        self.repos[space_id] = repo
        return repo

    def told(self, last: str) -> list[Asked]:
        """Return the requests whose path ends so."""
        return [asked for asked in self.asked if asked.path.endswith(last)]

    def stop(self) -> None:
        self.waiting.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        last = asked.path.rpartition("/")[2]
        other = self.answers.get(last)
        special = None if other is None else other(asked)
        if special is not None:
            return special
        me = self.people.get(asked.token or "")
        if asked.token is not None and me is None:
            return _refusal(401, None, "Invalid credentials in Authorization header")
        if asked.path == "/api/whoami-v2":
            return (200, {"name": me}, {}) if me else _refusal(401, None, "Invalid username")
        parts = asked.path.removeprefix("/api/spaces/").split("/")
        repo = self.repos.get("/".join(parts[:2]))
        if repo is None or (repo.private and repo.owner != me):
            return _refusal(404, "RepoNotFound", "Repository not found")
        if parts[2:] == []:
            return 200, self._info("/".join(parts), repo), {}
        if parts[2:] == ["runtime"]:
            return 200, repo.runtime(look=True), {}
        if parts[2:] == ["duplicate"]:
            return self._duplicate(asked, me)
        if repo.owner != me:
            return _refusal(403, None, "You are not the owner")
        if parts[2:] == ["secrets"]:
            repo.secrets[asked.body["key"]] = asked.body["value"]
        elif parts[2:] == ["hardware"]:
            repo.requested = asked.body["flavor"]
        elif parts[2:] == ["sleeptime"]:
            repo.sleep_time = asked.body["seconds"]
        else:
            return _refusal(404, None, "no such path")
        return 200, repo.runtime(), {}

    def _info(self, space_id: str, repo: Repo) -> dict[str, Any]:
        info = {
            "id": space_id,
            "author": repo.owner,
            "private": repo.private,
            "sdk": "gradio",
            "runtime": repo.runtime(),
        }
        return info if repo.host is None else {**info, "host": repo.host}

    def _duplicate(self, asked: Asked, me: str | None) -> tuple[int, Any, dict[str, str]]:
        space_id = asked.body["repository"]
        if me is None or not space_id.startswith(f"{me}/"):
            return _refusal(403, None, "You may not write there")
        private = asked.body.get("visibility") == "private" or asked.body.get("private") is True
        # Nothing has run it yet.
        self.add(
            space_id,
            self.host_of_copies,
            "BUILDING",
            "RUNNING",
            private=private,
            hardware=None,
            requested=None,
        )
        return 200, {"url": f"{self.url}/spaces/{space_id}"}, {}


def _refusal(status: int, code: str | None, message: str) -> tuple[int, Any, dict[str, str]]:
    headers = {"X-Error-Message": message}
    if code is not None:
        headers["X-Error-Code"] = code
    return status, {"error": message}, headers
