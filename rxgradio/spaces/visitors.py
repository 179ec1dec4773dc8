"""On whose behalf an app calls another one.

On ZeroGPU a visitor's GPU time is counted by the header field `x-ip-token`, which Hugging
Face gives to the app that the visitor uses. An app that calls another passes it on, so that
the visitor's time is used, and not its own.
"""

from __future__ import annotations

__all__ = ["visitor_headers"]

import sys
from collections.abc import Mapping
from typing import Any

_FIELD = "x-ip-token"


def visitor_headers() -> Mapping[str, str]:
    """Return what tells for whom the running function of a Gradio app was called, if one is.

    It is read for every call: the next one may be for somebody else.
    """
    # Where Gradio is not imported, no function of an app of its can be running.
    context: Any = sys.modules.get("gradio.context")
    request: Any = getattr(getattr(context, "LocalContext", None), "request", None)
    if request is None:
        return {}
    # A `ContextVar`; 3.50 has it, 3.36 has not.
    headers: Any = getattr(request.get(None), "headers", None)
    if headers is None or _FIELD not in headers:
        return {}
    return {_FIELD: str(headers[_FIELD])}
