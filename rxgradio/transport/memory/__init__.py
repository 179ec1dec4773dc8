"""A Gradio server without sockets, that behaves as the release that it is told to be.

It behaves as Gradio's queue does where a client can tell: who asks whom for what,
one stream per session or one connection per call, what a cancel and a dropped
connection reach, and what is said of it. What takes time on a real server takes
none here, and nothing happens by chance. Its endpoints are async generator functions.
"""

from __future__ import annotations

__all__ = ["Event", "Function", "MemoryEndpoint", "MemoryServer", "MemoryTransport", "Turn"]

from .endpoint import Function, MemoryEndpoint
from .queue import Event, Turn
from .server import MemoryServer
from .transport import MemoryTransport
