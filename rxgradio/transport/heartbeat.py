"""The sign of life of a session, for apps that ask for one.

Where an app frees something when a visitor leaves (`unload` events, State with a
`delete_callback` or a `time_to_live`), the server must be told that he is there: by a
stream at `/heartbeat/{session_hash}` that stays open (`connect_heartbeat` of /config, since
4.23). When it closes, the session is over.

Runs on the scheduler thread.
"""

from __future__ import annotations

__all__ = ["Heartbeat"]

import asyncio
import logging
import random
from urllib.parse import quote

from ..exceptions import ConnectionLost, RxGradioError
from .interface import Transport

logger = logging.getLogger(__name__)

_SHORTEST, _LONGEST = 1.0, 60.0
"""Seconds before a heartbeat that broke is begun again, at first and at most."""


class Heartbeat:
    """Keeps one session at a time alive.

    Args:
        transport: What everything is sent with.
        prefix: The path of the app's API.
    """

    def __init__(self, transport: Transport, prefix: str) -> None:
        self._transport = transport
        self._prefix = prefix
        self._beating: asyncio.Task[None] | None = None

    def follow(self, session_hash: str) -> None:
        """Keep this session alive, and no other any more."""
        if self._beating is not None:
            self._beating.cancel()
        self._beating = asyncio.get_running_loop().create_task(self._beat(session_hash))

    async def aclose(self) -> None:
        """Let the session end."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    async def _beat(self, session_hash: str) -> None:
        loop = asyncio.get_running_loop()
        path = f"{self._prefix}/heartbeat/{quote(session_hash, safe='')}"
        wait = _SHORTEST
        while True:
            begun = loop.time()
            try:
                async with self._transport.stream(path) as stream:
                    status = stream.answer.status
                    if status == 200:
                        async for _ in stream.chunks():
                            pass
                    elif status != 429 and status < 500:
                        logger.debug("the app takes no heartbeat: HTTP %s", status)
                        return
            except ConnectionLost as error:
                logger.debug("a heartbeat broke: %s", error)
            except RxGradioError as error:
                logger.debug("the app takes no heartbeat: %s", error)
                return
            except Exception:  # of a transport or a hook of the user's
                logger.debug("a heartbeat broke", exc_info=True)
            if loop.time() - begun > _LONGEST:
                wait = _SHORTEST
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 (no secret)
            wait = min(2 * wait, _LONGEST)
