"""A copy of a Space in one's own account.

What may be asked for, and in which order the Hub is told, is as in `gradio_client`
(`Client.duplicate` of 2.7). Here each step that fails is told.
"""

from __future__ import annotations

__all__ = ["duplicate"]

import logging
from collections.abc import Mapping

from ..exceptions import RxGradioError, SpaceDuplicationError, SpaceError
from ..options import Retry
from .hub import Hub, Runtime
from .space import space_named

logger = logging.getLogger("rxgradio")

_FREE = "cpu-basic"


async def duplicate(
    from_id: str,
    to_id: str | None,
    *,
    token: str | bool | None,
    private: bool,
    hardware: str | None,
    secrets: Mapping[str, str] | None,
    sleep_timeout: int,
    retry: Retry | None = None,
) -> tuple[str, bool]:
    """Copy a Space into the own account, unless it has one of this name.

    Returns:
        The id of the copy, and whether it was there before.

    Raises:
        SpaceError: There is no such Space, or not for this token.
        SpaceDuplicationError: It could not be copied, or the copy not be set up.
        RxGradioError: The Hub cannot be asked.
    """
    if space_named(from_id) is None:
        raise SpaceError(f"{from_id!r} is no name of a Space, such as user/space")
    hub = Hub(token, retry)
    original = await hub.runtime(from_id)
    # Always the own account, as in `gradio_client`: the Hub's other name in `to_id` is ignored.
    own_id = await hub.own((to_id or from_id).rpartition("/")[2])
    existing = await _if_there(hub, own_id)
    if existing is None:
        await _copy(hub, from_id, own_id, private=private, secrets=secrets or {})
        current = await hub.runtime(own_id)
    else:
        logger.info("using the existing Space %s", own_id)
        current = existing
    wanted = hardware or original.hardware or original.requested
    if wanted is not None:
        await _equip(hub, own_id, current, wanted, sleep_timeout)
    return own_id, existing is not None


async def _if_there(hub: Hub, space_id: str) -> Runtime | None:
    try:
        return await hub.runtime(space_id)
    except SpaceError as error:
        if error.status in {401, 404}:
            return None
        raise


async def _copy(
    hub: Hub, from_id: str, to_id: str, *, private: bool, secrets: Mapping[str, str]
) -> None:
    try:
        await hub.copy(from_id, to_id, private=private)
    except RxGradioError as error:
        raise _failed(f"the Space {from_id} could not be duplicated", error) from error
    logger.info("duplicated the Space %s as %s", from_id, to_id)
    for key, value in secrets.items():
        try:
            await hub.add_secret(to_id, key, value)
        except RxGradioError as error:
            raise _failed(
                f"the Space {to_id} was made, but not given the secret {key!r}: set it in the "
                "settings of the Space, or delete the Space and duplicate again",
                error,
            ) from error


async def _equip(
    hub: Hub, space_id: str, current: Runtime, hardware: str, sleep_timeout: int
) -> None:
    # A Space that was just made, or sleeps, runs on nothing; and hardware takes a while to come.
    if (current.requested or current.hardware or _FREE) != hardware:
        try:
            await hub.request_hardware(space_id, hardware)
        except RxGradioError as error:
            problem = f"the Space {space_id} could not be given the hardware {hardware!r}"
            raise _failed(problem, error) from error
        if hardware != _FREE:
            logger.warning("the Space %s runs on %s, which may be billed", space_id, hardware)
    if hardware == _FREE:  # whose time to sleep cannot be set
        return
    try:
        await hub.set_sleep_time(space_id, sleep_timeout * 60)
    except RxGradioError as error:
        problem = (
            f"the Space {space_id} runs on {hardware}, but when it sleeps could not be set: set "
            "it in the settings of the Space, or it is billed while nobody uses it"
        )
        raise _failed(problem, error) from error


def _failed(problem: str, error: RxGradioError) -> SpaceDuplicationError:
    failure = SpaceDuplicationError(f"{problem}: {error}")
    failure.status = error.status
    failure.retry_after = error.retry_after
    return failure
