"""A Space that is named: where it is, and waiting until its app runs.

Asks the Hub; what is sent to the Space itself is the business of who waits.
"""

from __future__ import annotations

__all__ = ["Space", "SpaceState", "space_named"]

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ..exceptions import ConnectionLost, RxGradioError, SpaceError
from ..options import Retry
from ..protocol.shapes import quoted
from .hub import Hub, Runtime, authorization, saved_authorization

logger = logging.getLogger("rxgradio")

_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)

_PAGE = re.compile(
    r"https://(?:huggingface\.co|hf\.co)/spaces/([\w.-]+/[\w.-]+)/?(?:[?#].*)?", re.ASCII
)

_POLL = 2.0
"""Seconds between two looks at a Space that is not up; the Hub limits their rate."""

_BELIEVED = 10.0
"""Seconds after which an app that answers runs, even if the Hub says that it sleeps."""

_COMING = frozenset({"BUILDING", "APP_STARTING"})

_ASLEEP = frozenset({"SLEEPING", "STOPPED"})
"""Whose app starts when it is called."""

_BROKEN = {
    "PAUSED": "its owner has paused it, and can restart it; Client.duplicate makes one of your own",
    "NO_APP_FILE": "it has no app yet; its owner can add one",
    "CONFIG_ERROR": "its owner can correct its configuration",
    "BUILD_ERROR": "its owner can find the reason in its build log",
    "RUNTIME_ERROR": "its owner can find the reason in its log, and restart it",
    "DELETING": "it is being deleted",
}


@dataclass(frozen=True, slots=True)
class SpaceState:
    """What the Hub says of a Space that is being connected to.

    Args:
        space_id: Which Space, such as "user/space".
        stage: In the Hub's words: "SLEEPING", "BUILDING", "APP_STARTING", "RUNNING",
            "PAUSED", "BUILD_ERROR", "RUNTIME_ERROR" and others.
        message: What went wrong, if the Hub says so.
    """

    space_id: str
    stage: str
    message: str = ""


def space_named(src: str) -> str | None:
    """Return the Space that `src` names, as "user/space" or by its page; None if it is a URL."""
    page = _PAGE.fullmatch(src)
    if page is not None:
        return page[1]
    return src if _NAME.fullmatch(src) else None


class Space:
    """A Space on its way to be connected to.

    Args:
        space_id: Which one.
        token: For the Hub and for the Space; False for none, and None for the saved one.
        retry: How the Hub is asked again.
        told: Called with each new state, on a thread of its own, and waited for.
    """

    def __init__(
        self,
        space_id: str,
        token: str | bool | None,
        *,
        retry: Retry | None = None,
        told: Callable[[SpaceState], object] | None = None,
    ) -> None:
        self.space_id = space_id
        self.state: SpaceState | None = None
        self._token = token
        self._hub = Hub(token, retry)
        self._told = told

    async def find(self) -> str:
        """Return the address of the Space.

        Raises:
            ImportError: huggingface_hub is not installed.
            SpaceError: There is no such Space, or not for this token.
            RxGradioError: The Hub cannot be asked.
        """
        return await self._hub.host(self.space_id)

    async def headers(self, address: str) -> Mapping[str, str]:
        """Return the header fields that say to the Space who one is."""
        if isinstance(self._token, str) or self._token is False:
            return await authorization(address, self._token)
        return await saved_authorization(self._token)

    async def awake(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the Space runs, and wake it if it sleeps.

        Args:
            answers: Calls the app, and tells whether it answered as an app does.

        Raises:
            SpaceError: It will not run.
            RxGradioError: The Hub cannot be asked.
        """
        now = asyncio.get_running_loop().time
        since: float | None = None
        while True:
            runtime = await self._hub.runtime(self.space_id)
            await self._tell(runtime)
            if runtime.stage in _BROKEN:
                raise self._broken(runtime)
            if runtime.stage in _ASLEEP:
                since = (since or now()) if await answers() else None
                if since is not None and now() - since >= _BELIEVED:
                    return
            elif runtime.stage not in _COMING:
                return
            await asyncio.sleep(_POLL)

    def late(self, seconds: float) -> RxGradioError:
        """Return the error of a Space that could not be connected to in time."""
        stage = None if self.state is None else self.state.stage
        if stage in _COMING | _ASLEEP:
            return SpaceError(
                f"the Space {self.space_id} is still {stage} after {seconds:g} s "
                "(connect_timeout): connect again later, or with more time",
                stage=stage,
            )
        return ConnectionLost(
            f"the Space {self.space_id} could not be connected to within {seconds:g} s "
            "(connect_timeout)"
        )

    def _broken(self, runtime: Runtime) -> SpaceError:
        said = f" ({quoted(runtime.message, 300)})" if runtime.message else ""
        return SpaceError(
            f"the Space {self.space_id} does not run: {runtime.stage}{said}; "
            f"{_BROKEN[runtime.stage]}",
            stage=runtime.stage,
        )

    async def _tell(self, runtime: Runtime) -> None:
        state = SpaceState(self.space_id, runtime.stage, runtime.message)
        if state == self.state:
            return
        self.state = state
        logger.info("the Space %s is %s", self.space_id, state.stage)
        if self._told is None:
            return
        try:
            await asyncio.to_thread(self._told, state)
        except Exception:  # whatever it is, it is the callback's own trouble
            logger.exception("a callback raised: on_space_state")
