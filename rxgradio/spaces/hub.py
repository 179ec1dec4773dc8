"""What is asked of the Hugging Face Hub, and what its refusals mean.

`huggingface_hub` asks: it knows where the Hub is (`HF_ENDPOINT`), which token is saved on
this machine, and that this token is for the Hub. It blocks, so it does so on threads.
"""

from __future__ import annotations

__all__ = ["Hub", "Runtime", "authorization", "saved_authorization"]

import asyncio
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..exceptions import (
    AuthenticationError,
    ConnectionLost,
    ProtocolError,
    RxGradioError,
    SpaceError,
    TooManyRequestsError,
)
from ..options import Retry
from ..patience import harmless, persist
from ..protocol.shapes import as_object, quoted

T = TypeVar("T")

_PATIENCE = 60.0
"""Seconds that the Hub has for an answer; `huggingface_hub` gives it any time."""

_INSTALL = "pip install 'rxgradio[hub]'"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a Space runs on, and whether it does.

    Args:
        stage: In the Hub's words, such as "RUNNING".
        message: What went wrong, if the Hub says so.
        hardware: What it runs on now; None if it does not run.
        requested: What it is to run on.
    """

    stage: str
    message: str
    hardware: str | None
    requested: str | None


class Hub:
    """The Hub as the owner of a token sees it; each method asks on a thread of its own.

    Args:
        token: The token; False for none, and None for the one saved on this machine.
        retry: How a question is asked again. What changes something is asked once.
    """

    def __init__(self, token: str | bool | None, retry: Retry | None = None) -> None:
        # An empty text is a variable that is not set, and not a wish for another's token.
        self._token = False if token == "" else token
        self._retry = retry

    async def host(self, space_id: str) -> str:
        """Return the address of a Space."""

        def ask(api: Any) -> tuple[object, str]:
            return api.space_info(space_id).host, api.endpoint

        host, endpoint = await self._ask(space_id, ask)
        if not isinstance(host, str) or not host:
            raise SpaceError(f"the Hub tells no address of the Space {space_id}: it has no app")
        if not host.startswith(("https://", "http://")):
            raise ProtocolError(f"the Hub tells an address of {space_id} that is none: {host!r}")
        if endpoint.startswith("https:") and not host.startswith("https:"):
            raise ProtocolError(f"the Hub tells an address of {space_id} without encryption")
        return host

    async def runtime(self, space_id: str) -> Runtime:
        """Return what a Space is doing."""
        return await self._ask(space_id, lambda api: _runtime(api.get_space_runtime(space_id)))

    async def own(self, name: str) -> str:
        """Return the id that a Space of this name has, or would have, in the own account."""

        def ask(api: Any) -> str:
            return f"{api.whoami()['name']}/{name}"

        return await self._ask(f"{name} of yours", ask)

    async def copy(self, from_id: str, to_id: str, *, private: bool) -> None:
        """Copy a Space."""

        def ask(api: Any) -> None:
            if hasattr(api, "duplicate_repo"):  # since 1.16
                api.duplicate_repo(from_id, to_id, repo_type="space", private=private)
            else:
                api.duplicate_space(from_id, to_id, private=private)

        await self._tell(from_id, ask)

    async def add_secret(self, space_id: str, key: str, value: str) -> None:
        """Give a Space a secret."""
        await self._tell(space_id, lambda api: api.add_space_secret(space_id, key, value))

    async def request_hardware(self, space_id: str, hardware: str) -> None:
        """Have a Space run on other hardware."""
        await self._tell(space_id, lambda api: api.request_space_hardware(space_id, hardware))

    async def set_sleep_time(self, space_id: str, seconds: int) -> None:
        """Have a Space fall asleep when nobody has called it for some time."""
        await self._tell(space_id, lambda api: api.set_space_sleep_time(space_id, seconds))

    async def header(self) -> str | None:
        """Return what says to a Space who one is, if one is anybody."""
        found = await self._tell("", self._header)
        return found if isinstance(found, str) else None

    def _header(self, _api: Any) -> object:
        return (
            _library("huggingface_hub.utils")
            .build_hf_headers(token=self._token)
            .get("authorization")
        )

    async def _ask(self, about: str, ask: Callable[[Any], T]) -> T:
        return await persist(lambda: self._tell(about, ask), self._retry, harmless)

    async def _tell(self, about: str, ask: Callable[[Any], T]) -> T:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.to_thread(lambda: ask(self._api()))
        except ImportError:
            raise
        except TimeoutError:
            failure: RxGradioError = ConnectionLost("the Hugging Face Hub did not answer in time")
        except Exception as error:  # noqa: BLE001 (each version has its own HTTP library)
            failure = _meaning(error, about)
        # Not from where it was caught: the library's errors hold the request, and the token.
        raise failure

    def _api(self) -> Any:
        # The version of this library is nobody's business.
        return _library().HfApi(token=self._token, library_name="rxgradio")


async def authorization(address: str, token: str | bool | None) -> Mapping[str, str]:
    """Return the header fields that say to an app at some address who one is.

    A token that the user gives is for whatever app the user names. The one that is
    saved on this machine is for Hugging Face's hosts only.
    """
    if isinstance(token, str) and token:
        return {"x-hf-authorization": f"Bearer {token}"}
    parts = urlsplit(address)
    on_spaces = parts.scheme == "https" and (parts.hostname or "").endswith(".hf.space")
    if token is False or token == "" or not on_spaces:
        return {}
    try:
        return await saved_authorization(token)
    except ImportError:
        return {}  # whoever has not installed it has not logged in with it


async def saved_authorization(token: str | bool | None) -> Mapping[str, str]:
    """Return the header fields for a host of Hugging Face's, with the saved token if there is one.

    As in `gradio_client`, not `Authorization`, which may be the app's own.
    """
    header = await Hub(token).header()
    return {} if header is None else {"x-hf-authorization": header}


def _library(module: str = "huggingface_hub") -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"Spaces are found by name with huggingface_hub: {_INSTALL}, or give the URL of the "
            f"app ({error})",
            name="huggingface_hub",
        ) from None


def _runtime(told: Any) -> Runtime:
    raw = as_object(told.raw)
    # Enums of the library are texts; their `str` is not the text.
    stage, hardware, requested = (
        None if each is None else str(getattr(each, "value", each))
        for each in (told.stage, told.hardware, told.requested_hardware)
    )
    return Runtime(stage or "", str(raw.get("errorMessage") or ""), hardware, requested)


def _meaning(error: Exception, about: str) -> RxGradioError:
    kind = type(error).__name__
    response: Any = getattr(error, "response", None)
    if response is not None:
        return _refusal(error, response, about)
    if kind == "LocalTokenNotFoundError":
        return AuthenticationError(
            "this needs a Hugging Face token: pass token=, or log in with `hf auth login`"
        )
    if kind == "HFValidationError":
        return SpaceError(f"{about!r} is no name of a Space: {quoted(str(error))}")
    if isinstance(error, (AttributeError, LookupError, TypeError, ValueError)):
        return ProtocolError(f"the Hugging Face Hub gave no answer of its kind ({kind})")
    return ConnectionLost(
        f"the Hugging Face Hub could not be asked ({kind}: {quoted(str(error), 200)}); if that is "
        "due to the network, give the URL of the app instead of its name"
    )


def _refusal(error: Exception, response: Any, about: str) -> RxGradioError:
    status = int(response.status_code)
    message = response.headers.get("x-error-message")
    text = str(getattr(error, "server_message", None) or message or f"HTTP {status}")
    said = quoted(text, 300)
    refusal: RxGradioError
    if status == 401 and "invalid" in text.lower():
        refusal = AuthenticationError(f"the Hugging Face Hub refused the token: {said}")
    elif status in {401, 404}:  # 401 for what is not there, to those without a token
        refusal = SpaceError(
            f"there is no Space {about}, or it is private and the token is not for it: pass "
            f"token=, or log in with `hf auth login` ({said}); a URL begins with http"
        )
    elif status == 429:
        refusal = TooManyRequestsError(
            f"the Hugging Face Hub asks to slow down: {said}", retry_after=_seconds(response)
        )
    elif status < 500:
        refusal = SpaceError(f"the Hugging Face Hub refused this for {about}: {said}")
    else:
        refusal = ProtocolError(f"the Hugging Face Hub is in trouble: {said}")
    refusal.status = status
    return refusal


def _seconds(response: Any) -> float | None:
    # `RateLimit: "api";r=0;t=55` is what the Hub says.
    rate = re.search(r";\s*t\s*=\s*(\d{1,6})", response.headers.get("ratelimit") or "")
    after = re.fullmatch(r"\s*(\d{1,6})\s*", response.headers.get("retry-after") or "")
    found = after or rate
    return None if found is None else float(found[1])
